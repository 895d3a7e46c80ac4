package diagnosis

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// option is one argument of a sub-command of az.
type option struct {
	Names    []string `json:"names"`
	Required bool     `json:"required"`
	Many     bool     `json:"many"` // takes several values and may be repeated
	Values   []string `json:"values"`
}

// azureCLI are the sub-commands that remedies and pages use, with what `az <sub-command> --help` of azure-cli 2.45.0
// lists as them.
func azureCLI(t *testing.T) map[string][]option {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "az-2.45.0.json"))
	require.NoError(t, err)
	var known map[string][]option
	require.NoError(t, json.Unmarshal(raw, &known))
	return known
}

// nested is a command whose output is part of another one.
var nested = regexp.MustCompile(`\$\(([^()]*)\)`)

// commandsOf are a command and those nested in it, each as if the output of the others were a word.
func commandsOf(command string) []string {
	commands := strings.Split(nested.ReplaceAllString(command, "output"), " && ")
	for _, inner := range nested.FindAllStringSubmatch(command, -1) {
		commands = append(commands, inner[1])
	}
	return commands
}

// shellWords splits a command as a POSIX shell does, as far as commands here go: blanks, quotes, backslashes.
func shellWords(command string) []string {
	var words []string
	var word strings.Builder
	begun, quoted, double := false, false, false
	for i := 0; i < len(command); i++ {
		switch c := command[i]; {
		case c == '\'' && !double:
			begun, quoted = true, !quoted
		case c == '"' && (double || !quoted):
			begun, quoted, double = true, !double, !double
		case !quoted && c == '\\' && i+1 < len(command):
			i++
			begun = true
			word.WriteByte(command[i])
		case !quoted && c == ' ':
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			begun = true
			word.WriteByte(c)
		}
	}
	if begun {
		words = append(words, word.String())
	}
	return words
}

// switches take no value; help does not tell them from the others.
var switches = []string{"--all", "--include-groups", "--include-inherited", "--wait", "--yes"}

// cannotRun tells why az would refuse the command; empty where it would take it.
func cannotRun(known map[string][]option, command string) string {
	words := shellWords(command)
	at := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "-") })
	if at < 0 {
		at = len(words)
	}
	if at < 1 || words[0] != "az" {
		return "it is no command of az"
	}
	options, ok := known[strings.Join(words[1:at], " ")]
	if !ok {
		return fmt.Sprintf("no sub-command %q", words[1:at])
	}
	given := map[string]bool{}
	for i := at; i < len(words); i++ {
		name, value, joined := strings.Cut(words[i], "=")
		o := slices.IndexFunc(options, func(o option) bool { return slices.Contains(o.Names, name) })
		if o < 0 {
			return fmt.Sprintf("no argument %s", words[i])
		}
		if !joined && !slices.Contains(switches, name) {
			if i++; i == len(words) || strings.HasPrefix(words[i], "-") {
				return name + " has no value"
			}
			value = words[i]
		}
		if allowed := options[o].Values; allowed != nil && !slices.Contains(allowed, value) {
			return fmt.Sprintf("%s is none of %v", value, allowed)
		}
		for options[o].Many && i+1 < len(words) && !strings.HasPrefix(words[i+1], "-") {
			i++
		}
		if given[options[o].Names[0]] && !options[o].Many {
			return name + " is given twice"
		}
		given[options[o].Names[0]] = true
	}
	for _, o := range options {
		if o.Required && !given[o.Names[0]] {
			return o.Names[0] + " is missing"
		}
	}
	return ""
}

// known values for every placeholder, with blanks and quotes where a value can have them.
func filled() Context {
	return Context{Operation: "access.delete", Subject: "it's a subject", Issuer: "https://dataloop.ai/oauth2",
		Audience:   "api://AzureADTokenExchange",
		Credential: "subject-1", ClientID: "client-1", TenantID: "tenant-1",
		PrincipalID: "principal-1",
		Scope:       "/subscriptions/s/resourceGroups/my group/x", Role: "Storage Blob Data Reader",
		Assignment: "assignment-1", Account: "acmedata",
		AccountID: "/subscriptions/s/resourceGroups/my group/y", Container: "images", Blob: "-a b/c's",
		Target: "https://acmedata/images", Site: "func-wif", Integration: "my-images",
		AppPrincipalID: "33333333-0000-4000-8000-000000000000",
		Namespace:      "sb-wif", Entity: "queues/wif-commands",
		API: "api://wif", CallerTenant: "tenant-2", AppRole: "Wif.Read"}
}

const identityID = "/subscriptions/s/resourceGroups/my " +
	"group/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-1"

// filledOf is filled of a managed identity.
func filledOf(identity string) Context {
	c := filled()
	c.Upkeep, c.IdentityID = InResourceGroup, identity
	return c
}

func TestEveryCommandCanRun(t *testing.T) {
	t.Parallel()
	known := azureCLI(t)
	used := map[string]bool{}
	for _, e := range Entries() {
		managed := New(e.Code, WithContext(filledOf(identityID))).Remedy.Command
		if _, isOfApplications := notOfManaged()[e.Code]; !isOfApplications {
			assert.NotContains(t, managed, "az ad app ", "%s: a managed identity is no application", e.Code)
		}
		command := New(e.Code, WithContext(filled())).Remedy.Command
		if strings.Contains(e.Command, "{identity") || strings.Contains(e.Command, "{subscriptionId}") {
			command = managed
		}
		if e.Command == "" {
			continue
		}
		assert.NotContains(t, command+managed, "<", "%s: a placeholder has no value", e.Code)
		commands := commandsOf(command)
		if managed != "" {
			commands = append(commands, commandsOf(managed)...)
		}
		for _, one := range commands {
			assert.Empty(t, cannotRun(known, one), "%s: %s", e.Code, one)
			for sub := range known {
				used[sub] = used[sub] || strings.HasPrefix(one, "az "+sub+" ")
			}
		}
	}
	for page := range pagesWithCommands() {
		for _, one := range commandsOfPage(readPage(t, page)) {
			for sub := range known {
				used[sub] = used[sub] || strings.HasPrefix(one+" ", "az "+sub+" ")
			}
		}
	}
	for sub := range known {
		assert.True(t, used[sub], "no remedy and no page uses az %s any more", sub)
	}
}

// TestCommandsThatCannotRunAreFound keeps the check itself honest.
func TestCommandsThatCannotRunAreFound(t *testing.T) {
	t.Parallel()
	known := azureCLI(t)
	for command, why := range map[string]string{
		"az storage blob delete --auth-mode login --blob-url https://a/b/c": "no argument --blob-url",
		"az storage blob delete --auth-mode login --name b":                 "--container-name is missing",
		"az storage blob delete -c c --name -b":                             "--name has no value",
		"az storage blob delete -c c --name=-b":                             "",
		"az storage blob delete -c c -n b --auth-mode key --auth-mode key":  "--auth-mode is given twice",
		"az storage container create --name c --auth-mode sas":              "sas is none of [key login]",
		"az storage container create --name c extra":                        "no argument extra",
		"az ad sp create --id x":                                            `no sub-command ["ad" "sp" "create"]`,
		"az ad app federated-credential update --id x --parameters {}":      "--federated-credential-id is missing",
		"az ad sp show --id":                                                "--id has no value",
		"az ad sp show --id 'it'\\''s'":                                     "",
		"curl x":                                                            "it is no command of az",
		"az storage account list --query '[].id' -o tsv":                    "",
		`az rest --uri "$(az nonsense)/x y" -m get`:                         "",
		`az rest --uri "x" y`:                                               "no argument y",
		"az provider register --namespace n --wait --debug x":               "",
		"az monitor action-group create -n a -g g -a email b c":             "",
		"az monitor action-group create -n a b -g g":                        "no argument b",
		"az storage account list -o csv": "csv is none of [json jsonc none table " +
			"tsv yaml yamlc]",
	} {
		assert.Equal(t, why, cannotRun(known, command), command)
	}
}

// TestCommandsFitWhatWasFound: create is for what was seen to be missing, update for what was seen to be there; where
// that is not known, and where a person may not make it, the app does it.
func TestCommandsFitWhatWasFound(t *testing.T) {
	t.Parallel()
	const create, update, list = "az ad app federated-credential create ", "az ad app federated-credential update ",
		"az ad app federated-credential list "
	for code, begins := range map[Code]string{
		"federated-credential-missing": create, "federated-credential-changed": update,
		"credential-mismatch": list, "credential-subject-mismatch": list, "credential-subject-case-mismatch": list,
		"credential-flexible-unsupported": list,
		"identity-missing":                "", "service-principal-missing": "",
		"role-missing": "az role assignment create --name assignment-1 ",
		"probe-not-removed": "az storage blob delete --auth-mode login --account-name acmedata " +
			"--container-name images --name='-a b/c'\\''s'",
	} {
		command := New(code, WithContext(filled())).Remedy.Command
		assert.Equal(t, begins == "", command == "", "%s: %s", code, command)
		assert.True(t, strings.HasPrefix(command, begins), "%s: %s", code, command)
	}
	for _, e := range Entries() {
		words := shellWords(e.Command)
		if strings.HasPrefix(e.Command, "az role assignment create ") && slices.Contains(words, "{principalId}") {
			assert.Contains(t, words, "--name",
				"%s: the app does not know an assignment under another name than its own", e.Code)
		}
		if strings.HasPrefix(e.Command, create) || strings.HasPrefix(e.Command, update) {
			assert.Contains(t, []Code{"federated-credential-missing", "federated-credential-changed",
				"federated-credential-differs"}, e.Code,
				"it has seen what is there")
		}
	}
}

// TestCommandsOfAManagedIdentity: what is done to an application has its like, or there is nothing to do.
func TestCommandsOfAManagedIdentity(t *testing.T) {
	t.Parallel()
	const on = " --identity-name id-1 --resource-group 'my group' --subscription s"
	for code, want := range map[Code]string{
		"federated-credential-missing": "az identity federated-credential create" + on +
			" --name subject-1 --issuer " +
			"https://dataloop.ai/oauth2 " +
			`--subject 'it'\''s a subject' --audiences api://AzureADTokenExchange`,
		"federated-credential-changed": "az identity federated-credential update" + on +
			" --name subject-1 --issuer https://dataloop.ai/oauth2 " +
			`--subject 'it'\''s a subject' --audiences api://AzureADTokenExchange`,
		"credential-mismatch":              "az identity federated-credential list" + on,
		"identity-missing":                 "",
		"application-audience-unsupported": "",
		"client-disabled":                  "az ad sp update --id client-1 --set accountEnabled=true",
	} {
		assert.Equal(t, want, New(code, WithContext(filledOf(identityID))).Remedy.Command, code)
	}
}

// TestWhatIsRuledOutIsNotOffered: where what a refusal asks for is in place, nothing is made.
func TestWhatIsRuledOutIsNotOffered(t *testing.T) {
	t.Parallel()
	for _, e := range Entries() {
		if e.IfThere == "" {
			continue
		}
		there := New(e.IfThere, WithContext(filled()))
		assert.NotEqual(t, CodeUnrecognised, there.Code, e.Code)
		assert.True(t, there.Transient, e.Code)
		assert.NotContains(t, there.Remedy.Steps[0], "PUT", "%s: it has nothing to put back", e.Code)
		assert.Regexp(t, harmlessHere, there.Remedy.Command, e.Code)
	}
	for command, c := range map[string]Context{
		"az ad app federated-credential delete --id client-1 --federated-credential-id subject-1": filled(),
		"az identity federated-credential delete --identity-name id-1 --resource-group 'my group' " +
			"--subscription s --name subject-1 --yes": filledOf(identityID),
	} {
		assert.Equal(t, command, New(CodeCredentialNotEffective, WithContext(c)).Remedy.Command)
	}
}

// harmlessHere are commands that make nothing.
var harmlessHere = regexp.MustCompile(`^$|^az rest --method get |^az ad app federated-credential delete `)

// TestACommandIsNotCut: half a blob's name would be another blob's.
func TestACommandIsNotCut(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("long/", 200) + "\u202ex"
	command := New("probe-not-removed", WithContext(Context{Account: "a", Container: "c", Blob: name})).Remedy.Command
	assert.True(t, strings.HasSuffix(command, " --name='"+strings.Repeat("long/", 200)+"\uFFFDx'"), command)
}

// TestAChangeOfACredentialHasNoName: its name cannot be changed, and az would send it.
func TestAChangeOfACredentialHasNoName(t *testing.T) {
	t.Parallel()
	c := Context{ClientID: "c", Issuer: "https://i", Subject: "s", Audience: "a", Credential: "subject-1"}
	assert.Equal(t, `az ad app federated-credential update --id c --federated-credential-id subject-1 --parameters `+
		`'{"issuer":"https://i","subject":"s","audiences":["a"]}'`,
		New("federated-credential-changed", WithContext(c)).Remedy.Command)
	assert.Equal(t, `az ad app federated-credential create --id c --parameters '{"name":"subject-1",`+
		`"issuer":"https://i","subject":"s","audiences":["a"]}'`,
		New("federated-credential-missing", WithContext(c)).Remedy.Command)
}
