package story

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// paste does what a printed command of the Azure CLI does. That the CLI takes the commands as they are printed is for
// TestRemediesRunInTheAzureCLI.
func (p *patient) paste(command string) {
	p.t.Helper()
	for one := range strings.SplitSeq(command, " && ") {
		p.pasteOne(one)
	}
}

func (p *patient) pasteOne(command string) {
	p.t.Helper()
	verb, options := parsed(p.t, command)
	switch verb {
	case "az ad app federated-credential create", "az ad app federated-credential update",
		"az ad app federated-credential delete":
		p.pasteCredential(verb, options)
	case "az identity federated-credential create", "az identity federated-credential update",
		"az identity federated-credential delete":
		id := "/subscriptions/" + options["subscription"] + "/resourceGroups/" + options["resource-group"] +
			"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + options["identity-name"] +
			"/federatedIdentityCredentials/" + options["name"]
		if strings.HasSuffix(verb, "delete") {
			p.object("userAssignedIdentityCredentials", id, nil)
			return
		}
		p.object("userAssignedIdentityCredentials", id, map[string]any{"issuer": options["issuer"],
			"subject": options["subject"], "audiences": []string{options["audiences"]}})
	case "az role assignment create":
		p.object("roleAssignments", options["name"], map[string]any{"scope": options["scope"],
			"principalId": options["assignee-object-id"], "principalType": options["assignee-principal-type"],
			"roleDefinitionId": roleID(p.t, options["role"])})
	case "az ad app update":
		require.Equal(p.t, "isDisabled=false", options["set"], command)
		p.change("applications", p.find("applications", with("appId", options["id"])),
			map[string]any{"isDisabled": false})
	case "az ad sp update":
		require.Equal(p.t, "accountEnabled=true", options["set"], command)
		p.change("servicePrincipals", p.find("servicePrincipals", with("appId", options["id"])),
			map[string]any{"accountEnabled": true})
	case "az storage container create":
		p.object("storageAccounts", options["account-name"], map[string]any{
			"containers": []any{map[string]any{"name": options["name"]}}})
	case "az storage blob delete":
		p.object("storageAccounts", options["account-name"], map[string]any{ // the probe was its only blob
			"containers": []any{map[string]any{"name": options["container-name"]}}})
	default:
		require.Fail(p.t, "a command that mends nothing", command)
	}
}

func (p *patient) pasteCredential(verb string, options map[string]string) {
	p.t.Helper()
	const kind = "federatedIdentityCredentials"
	application := p.find("applications", with("appId", options["id"]))
	body := map[string]any{}
	if parameters, given := options["parameters"]; given {
		require.NoError(p.t, json.Unmarshal([]byte(parameters), &body))
	}
	if strings.HasSuffix(verb, "create") {
		body["applicationId"] = application["id"]
		p.object(kind, uuid.NewString(), body)
		return
	}
	there := p.find(kind, func(o map[string]any) bool {
		return o["applicationId"] == application["id"] && o["name"] == options["federated-credential-id"]
	})
	if strings.HasSuffix(verb, "delete") {
		p.object(kind, there["id"].(string), nil)
		return
	}
	p.change(kind, there, body)
}

// roleID is the definition of a built-in role.
func roleID(t *testing.T, name string) string {
	t.Helper()
	id := map[string]string{"Storage Blob Data Reader": rbac.RoleBlobDataReader,
		"Storage Blob Data Contributor": rbac.RoleBlobDataContributor}[name]
	require.NotEmpty(t, id, name)
	return "/subscriptions/" + world.SubscriptionID + "/providers/Microsoft.Authorization/roleDefinitions/" + id
}

// parsed are the words before the first option of a command, and its options.
func parsed(t *testing.T, command string) (verb string, options map[string]string) {
	t.Helper()
	words, options := shellWords(command), map[string]string{}
	first := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "--") })
	require.Positive(t, first, command)
	for i := first; i < len(words); i++ {
		name, value, has := strings.Cut(strings.TrimPrefix(words[i], "--"), "=")
		if !has && i+1 < len(words) && !strings.HasPrefix(words[i+1], "--") {
			i++
			value = words[i]
		}
		options[name] = value
	}
	return strings.Join(words[:first], " "), options
}

// shellWords splits a command as a shell does: by blanks that are not between single quotes, where \' is a quote.
func shellWords(command string) []string {
	var words []string
	var word strings.Builder
	isOpen, isQuoted := false, false
	for i := 0; i < len(command); i++ {
		switch c := command[i]; {
		case c == '\'':
			isQuoted, isOpen = !isQuoted, true
		case c == '\\' && !isQuoted && i+1 < len(command):
			i++
			word.WriteByte(command[i])
		case c == ' ' && !isQuoted:
			if isOpen {
				words = append(words, word.String())
			}
			isOpen = false
			word.Reset()
		default:
			isOpen = true
			word.WriteByte(c)
		}
	}
	if isOpen {
		words = append(words, word.String())
	}
	return words
}

// TestCommandsAreSplit as a shell splits them.
func TestCommandsAreSplit(t *testing.T) {
	t.Parallel()
	verb, options := parsed(t, `az x create --name a --parameters '{"a":"it'\''s b"}' --set c=d --yes`)
	assert.Equal(t, "az x create", verb)
	assert.Equal(t, map[string]string{"name": "a", "parameters": `{"a":"it's b"}`, "set": "c=d", "yes": ""}, options,
		fmt.Sprint(options))
}
