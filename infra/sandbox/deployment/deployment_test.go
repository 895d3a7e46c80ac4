package deployment

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra"
)

func TestExample(t *testing.T) {
	d := Example()
	const group = "/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/rg-wif/providers/"
	assert.Equal(t, Resource{ID: group + "Microsoft.ManagedIdentity/userAssignedIdentities/id-wif", Name: "id-wif",
		Location: "westeurope"}, d.Identity)
	assert.Equal(t, group+"Microsoft.ServiceBus/namespaces/"+d.Namespace.Name, d.Namespace.ID)
	assert.Equal(t, group+"Microsoft.Storage/storageAccounts/"+d.State.Name, d.State.ID)
	assert.Equal(t, []string{StateContainer}, d.State.Containers)
	assert.Equal(t, []string{"packages"}, d.HostAccount.Containers)
	assert.NotEqual(t, d.State.ID, d.HostAccount.ID)
	assert.Equal(t, []string{"18a4783c-866b-4cc7-a460-3d5e5662c884"}, d.GraphRoles)
	var queues, topics []string
	for _, q := range d.Namespace.Queues {
		queues = append(queues, q.Name)
	}
	for _, topic := range d.Namespace.Topics {
		topics = append(topics, topic.Name)
	}
	assert.Equal(t, []string{"wif-commands", "wif-health"}, queues)
	assert.Equal(t, []string{"wif-events"}, topics)
	for _, r := range []Resource{d.Identity, d.Site, d.Namespace.Resource, d.State.Resource, d.HostAccount.Resource} {
		assert.Contains(t, d.Resources, r)
	}
	for _, a := range d.Assignments {
		assert.Equal(t, a.ID, a.Scope+"/providers/Microsoft.Authorization/roleAssignments/"+a.Name)
		assert.Equal(t, PrincipalID, a.PrincipalID, a.ID)
		assert.Equal(t, "ServicePrincipal", a.PrincipalType, a.ID)
		assert.NotEmpty(t, a.Description, a.ID)
		assert.Equal(t, a.Condition != "", a.ConditionVersion == "2.0", a.ID)
	}
	require.Len(t, d.Roles, 3)
	assert.Equal(t, Permissions{Actions: []string{"Microsoft.ServiceBus/namespaces/*/read"}}, d.Roles[0].Permissions)
	assert.Equal(t, []string{"/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/data"},
		d.Roles[1].AssignableScopes)
	assert.Equal(t, []string{d.Settings["IDENTITY_RESOURCE_GROUP"]}, d.Roles[2].AssignableScopes)
	for _, r := range d.Roles {
		assert.NotEmpty(t, r.Name)
		assert.NotEmpty(t, r.Description)
		assert.True(t, slices.ContainsFunc(d.Assignments, func(a Assignment) bool {
			return a.RoleDefinitionID == r.ID
		}), "assigned to nobody: %s", r.Name)
	}
	// As many as there are in the file: none is overlooked.
	assert.Len(t, d.Roles, strings.Count(infra.Snapshot(), `"type": "Microsoft.Authorization/roleDefinitions"`))
	assert.Len(t, d.Assignments, strings.Count(infra.Snapshot(), `"type": "Microsoft.Authorization/roleAssignments"`))
	assert.Len(t, d.GraphRoles, strings.Count(infra.Graph(), "appRoleId:"))
}

func TestSettings(t *testing.T) {
	d := Example()
	for name, want := range map[string]string{
		"AZURE_CLIENT_ID":   ClientID,
		"AZURE_CLOUD":       "public",
		"STATE_STORAGE_URL": "https://" + d.State.Name + ".blob.core.windows.net/",
		"ServiceBusConnection__fullyQualifiedNamespace": d.Namespace.Name + ".servicebus.windows.net",
		"ServiceBusConnection__credential":              "managedidentity",
		"AzureWebJobsStorage__blobServiceUri":           "https://" + d.HostAccount.Name + ".blob.core.windows.net/",
		"APPLICATIONINSIGHTS_AUTHENTICATION_STRING":     "ClientId=" + ClientID + ";Authorization=AAD",
		"DDOE_ISSUER":     "https://dataloop.ai/oauth2",
		"DDOE_API_KEY":    "@Microsoft.KeyVault(SecretUri=https://kv-wif-example.vault.azure.net/secrets/ddoe-api-key)",
		"PUBLIC_BASE_URL": "https://" + d.Site.Name + ".azurewebsites.net",
	} {
		assert.Equal(t, want, d.Settings[name], name)
	}
	for name, value := range d.Settings {
		assert.False(t, strings.HasPrefix(value, "["), "%s is not resolved: %s", name, value)
	}
}

func TestSecretID(t *testing.T) {
	d := Example()
	for name, tc := range map[string]struct {
		value, id   string
		isReference bool
	}{
		"the deployed one": {d.Settings["DDOE_API_KEY"],
			"/providers/Microsoft.KeyVault/vaults/kv-wif-example/secrets/ddoe-api-key", true},
		"nobody's": {"@Microsoft.KeyVault(SecretUri=https://other.vault.azure.net/secrets/ddoe-api-key)", "",
			true},
		"a secret as it is":  {"hunter2", "", false},
		"text around it":     {"x@Microsoft.KeyVault(SecretUri=https://kv-wif-example.vault.azure.net/secrets/ddoe-api-key)", "", false},
		"another annotation": {"@Microsoft.AppConfiguration(Endpoint=https://x)", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			id, isReference := d.SecretID(tc.value)
			assert.Equal(t, tc.isReference, isReference)
			assert.True(t, strings.HasSuffix(id, tc.id) && (id == "") == (tc.id == ""), id)
		})
	}
}

func TestReadRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		old, replacement string // in the snapshot; every occurrence
		graph            string
		want             string
	}{
		"no JSON": {old: `"predictedResources"`, replacement: `predictedResources`,
			want: "snapshot: invalid character"},
		"diagnostics": {old: `"diagnostics": []`, replacement: `"diagnostics": [{"code": "BCP1"}]`,
			want: "BCP1"},
		"no namespace": {old: `"Microsoft.ServiceBus/namespaces"`, replacement: `"Other"`,
			want: "no Service Bus namespace"},
		"no state": {old: "default/wif-state", replacement: "default/other",
			want: "no storage account with the container wif-state"},
		"no settings": {old: `/appsettings"`, replacement: `/other"`, want: "no app settings"},
		"unknown output": {old: "outputs.clientId.value", replacement: "outputs.secret.value",
			want: `there is no "secret"`},
		"unknown property": {old: `"conditionVersion"`, replacement: `"effect"`, want: "unknown properties " +
			"of a role assignment: [effect]"},
		"unknown member of a role": {old: `"assignableScopes"`, replacement: `"dataScopes"`,
			want: `unknown field "dataScopes"`},
		"unknown permissions": {old: `"actions"`, replacement: `"effects"`, want: `unknown field "effects"`},
		"role of an unknown type": {old: `"customRole"`, replacement: `"BuiltInRole"`,
			want: "a role definition is a customRole"},
		"two sets of permissions": {old: `"permissions": [`, replacement: `"permissions": [{"actions": []},`,
			want: "with one set of permissions"},
		"no right in Entra":    {graph: "// appRoleId: none", want: "graph.bicep names no appRoleId"},
		"right is a parameter": {graph: "  appRoleId: roleId\n", want: "graph.bicep names no appRoleId"},
		"nothing but an account": {old: infra.Snapshot(), replacement: `{"predictedResources": []}`,
			want: "no Service Bus namespace, no function app, no storage account of the host, no storage account " +
				"with the container wif-state, no user-assigned identity"},
	} {
		t.Run(name, func(t *testing.T) {
			snapshot, graph := infra.Snapshot(), infra.Graph()
			if tc.old != "" {
				require.Contains(t, snapshot, tc.old)
				snapshot = strings.ReplaceAll(snapshot, tc.old, tc.replacement)
			}
			if tc.graph != "" {
				graph = tc.graph
			}
			_, err := Read(snapshot, graph)
			assert.ErrorContains(t, err, tc.want)
		})
	}
}

func TestResolve(t *testing.T) {
	known := map[string]string{"principalId": "p", "defaultHostName": "h"}
	for name, tc := range map[string]struct{ input, want, err string }{
		"text":            {input: "it's [text]", want: "it's [text]"},
		"escaped bracket": {input: "[[x]", want: "[x]"},
		"string":          {input: "['a''b']", want: "a'b"},
		"output": {input: "[reference(resourceId('x', format(')', uniqueString('''('))), " +
			"'2025-04-01').outputs.principalId.value]", want: "p"},
		"property": {input: "[reference('/sites/x', '2025').defaultHostName]", want: "h"},
		"format": {input: "[format('{1}-{0}{2}', 'a', 'b', reference('x').outputs.principalId.value)]",
			want: "b-ap"},
		"braces": {input: "[format('{{{0}}} {{0}}', 'a')]", want: "{a} {0}"},
		"lookup": {input: "[createObject('AzureCloud', 'public', 'other', 'x')[environment().name]]",
			want: "public"},
		"members of members":     {input: "[ environment().suffixes . keyvaultDns ]", want: ".vault.azure.net"},
		"unknown function":       {input: "[listKeys('x').keys]", err: `"listKeys"`},
		"unknown member":         {input: "[environment().gallery]", err: `"gallery"`},
		"member of text":         {input: "['a'.b]", err: `"b"`},
		"unknown output":         {input: "[reference('x').outputs.key.value]", err: `"key"`},
		"a whole object":         {input: "[environment()]", err: "no text"},
		"object in format":       {input: "[format('{0}', environment())]", err: "argument 1 is no text"},
		"format without":         {input: "[format()]", err: "no arguments"},
		"string without end":     {input: "['a]", err: "without end"},
		"call without end":       {input: "[format('a']", err: ", or ) is expected"},
		"reference without end":  {input: "[reference('a', (]", err: "without end"},
		"string in it, likewise": {input: "[reference('a]", err: "without end"},
		"index without end":      {input: "[environment()['name']", err: "] is missing"},
		"index of nothing":       {input: "[environment()[]]", err: "a value is expected"},
		"something left over":    {input: "['a' 'b']", err: "left over"},
		"empty":                  {input: "[]", err: "a value is expected"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := resolve(tc.input, known)
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
		})
	}
}

func FuzzResolve(f *testing.F) {
	var all file
	require.NoError(f, json.Unmarshal([]byte(infra.Snapshot()), &all))
	for _, p := range all.PredictedResources {
		var properties map[string]any
		if json.Unmarshal(p.Properties, &properties) != nil {
			continue
		}
		for _, value := range properties {
			if text, ok := value.(string); ok {
				f.Add(text)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, err := resolve(text, map[string]string{"principalId": "p"})
		if err == nil && !strings.HasPrefix(text, "[") {
			assert.Equal(t, text, value)
		}
	})
}
