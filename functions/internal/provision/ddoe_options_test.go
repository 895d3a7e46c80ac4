package provision_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestParseOptionMap(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want int
		ok   bool
	}{
		"nothing":          {"", 0, true},
		"every source":     {`{"a":"clientId","b":"tenantId","c":"accountName","d":"container","e":"credentialFile","f":"=planted","g":"="}`, 7, true},
		"no object":        {`["clientId"]`, 0, false},
		"null":             {`null`, 0, false},
		"a number":         {`{"a":1}`, 0, false},
		"an unknown value": {`{"a":"planted"}`, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := provision.ParseOptionMap(c.text)
			assert.Equal(t, c.ok, err == nil)
			assert.Len(t, m, c.want)
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v %v", m, m, m, err), "planted")
		})
	}
}

// TestOptionsByTheirNames offers one required option at a time: it is mapped, or named in the refusal.
func TestOptionsByTheirNames(t *testing.T) {
	client, tenant, account, container, file, secret, none := "client", "tenant", "account", "container", "file", "secret", ""
	for _, c := range []struct{ name, displayName, want string }{
		{"x1", "Client ID", client}, {"x1", "Application (client) ID", client}, {"clientId", "x", client}, {"appId", "", client},
		{"x1", "Tenant ID", tenant}, {"x1", "Directory (tenant) ID", tenant}, {"tenantId", "Tenant", tenant},
		{"x1", "Storage account name", account}, {"key", "Account name", account}, {"accountName", "Account", account},
		{"x1", "Container", container}, {"containerName", "Container name", container},
		{"content", "Content", file}, {"x1", "Credential file (JSON)", file}, {"x1", "Import JSON File", file}, {"x1", "azure_credentials.json", file},
		{"x1", "Client secret", secret}, {"x1", "Account key", secret}, {"x1", "Storage account key", secret}, {"accessToken", "x", secret}, {"x1", "SAS", secret},
		{"accountkey", "", secret}, {"sasToken", "", secret}, {"SASValue", "", secret}, {"x1", "Connection string", secret}, {"key", "", secret}, {"x1", "Shared access signature", secret},
		{"x1", "Password", secret}, {"x1", "Secret name", secret}, {"client_secret", "Client", secret}, {"x1", "Client ID token", none},
		{"x1", "Keyless", none}, {"x1", "Token audience", none}, {"tokenURL", "", none}, {"x1", "Public key", none}, {"x1", "Key name", none}, {"x1", "Mossasaurus", none},
		{"x1", "Service account", none}, {"x1", "Notes", none}, {"x1", "", none}, {"clientId", "Tenant ID", none},
	} {
		t.Run(c.name+" "+c.displayName, func(t *testing.T) {
			f := withPlatform(t)
			offered := f.offered()
			offered["options"] = []any{world.Object{"name": c.name, "displayName": c.displayName, "type": "string", "required": true}}
			require.NoError(t, f.world.PutDDOEObject(world.DDOEAvailableIntegrations, offered))
			s := wired()
			s.DDOE.Driver = nil
			d := f.provisioned(s)
			if c.want == none || c.want == secret {
				assert.Equal(t, "manual", d.Status.DDOE.Mode)
				assert.Contains(t, d.Status.DDOE.Why, c.name)
				assert.Equal(t, map[string]string{none: "ddoe-option-unmapped", secret: "ddoe-option-secret"}[c.want], string(d.Status.DDOE.Diagnosis.Code))
				return
			}
			require.Equal(t, "api", d.Status.DDOE.Mode, d.Status.DDOE.Why)
			sent := f.world.DDOEObjects(world.DDOEIntegrations)[0]["options"].(map[string]any)[c.name].(string)
			want := map[string]string{client: d.Status.ClientID, tenant: world.TenantID, account: "acmedata", container: "images"}[c.want]
			if c.want == file {
				assert.Contains(t, sent, `"federatedTokenIssuer"`)
				return
			}
			assert.Equal(t, want, sent)
		})
	}
}

// TestTypesByTheirNames holds a single offered type against what it is to be called.
func TestTypesByTheirNames(t *testing.T) {
	for _, c := range []struct {
		kind, displayName string
		api               bool
	}{
		{"azure-workload-identity-federation", "x", true}, {"x", "Azure Workload Identity Federation", true}, {"azureWif", "", true}, {"x9", "Azure (WIF)", true},
		{"azure-x", "Federation", true}, {"azure-keyless", "Federation", true}, {"azureblob", "Azure Blob", false}, {"gcp-workload-identity-federation", "GCP", false}, {"x", "Azure", false}, {"x", "", false},
	} {
		t.Run(c.kind+" "+c.displayName, func(t *testing.T) {
			f := withPlatform(t)
			options := f.offered()["options"]
			for _, o := range f.world.DDOEObjects(world.DDOEAvailableIntegrations) {
				require.NoError(t, f.world.DeleteDDOEObject(world.DDOEAvailableIntegrations, o["type"].(string)))
			}
			require.NoError(t, f.world.PutDDOEObject(world.DDOEAvailableIntegrations, world.Object{"type": c.kind, "displayName": c.displayName, "options": options}))
			d := f.provisioned(wired())
			assert.Equal(t, c.api, d.Status.DDOE.Mode == "api", d.Status.DDOE.Why)
		})
	}
}

// TestOptionContainer: where the whole account is given, there is no container to send. An option for one is then left out, or
// missing.
func TestOptionContainer(t *testing.T) {
	for _, c := range []struct {
		container string
		required  bool
		mode      string
		sent      any
	}{
		{"images", true, "api", "images"}, {"images", false, "api", "images"}, {"", false, "api", nil}, {"", true, "manual", nil},
	} {
		t.Run(fmt.Sprintf("%q, required %t", c.container, c.required), func(t *testing.T) {
			f := withPlatform(t)
			offered := f.offered()
			offered["options"] = []any{world.Object{"name": "x1", "displayName": "Container", "type": "string", "required": c.required}}
			require.NoError(t, f.world.PutDDOEObject(world.DDOEAvailableIntegrations, offered))
			s := without(wired())
			s.Storage[0].Container = c.container
			st := f.provisioned(s).Status.DDOE
			assert.Equal(t, c.mode, st.Mode, st.Why)
			if c.mode == "manual" {
				assert.Equal(t, diagnosis.CodeDDOEOptionUnmapped, st.Diagnosis.Code)
				return
			}
			assert.Equal(t, c.sent, f.world.DDOEObjects(world.DDOEIntegrations)[0]["options"].(map[string]any)["x1"])
		})
	}
}

// TestOptionsOfAnotherType: the same values for another type are other options: drift says so, and the same PUT sends them.
func TestOptionsOfAnotherType(t *testing.T) {
	f := withPlatform(t)
	other := f.offered()
	other["type"] = "another-type"
	f.carried(wired())
	require.NoError(t, f.world.PutDDOEObject(world.DDOEAvailableIntegrations, other))
	f.setPlatform(provision.Platform{IntegrationType: "another-type"})
	_, found := f.drift()
	assert.Equal(t, map[string]string{"ddoe.options": "ddoe-options-changed"}, found)
	f.carried(wired())
	assert.Equal(t, "another-type", f.world.DDOEObjects(world.DDOEIntegrations)[0]["type"])
	_, found = f.drift()
	assert.Empty(t, found)
}

// TestOddTypeBesides: a type that nobody asked for may look like nothing that is known.
func TestOddTypeBesides(t *testing.T) {
	f := withPlatform(t)
	body, err := json.Marshal([]any{f.offered(), 7, world.Object{"type": "odd", "options": []any{world.Object{"name": "a", "type": world.Object{"name": "string"}}}}})
	require.NoError(t, err)
	f.answers(askTypes, 200, "application/json", string(body))
	assert.Equal(t, "api", f.provisioned(wired()).Status.DDOE.Mode)
}

// TestAnOptionThatCannotBeRead is never sent, and where it may be required, a person has to look.
func TestAnOptionThatCannotBeRead(t *testing.T) {
	anyName, err := provision.ParseOptionMap(`{"": "clientId"}`)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		option any
		api    bool
	}{
		"no name":                          {world.Object{"displayName": "Client ID"}, true},
		"no name, not required":            {world.Object{"displayName": "Client ID", "required": false}, true},
		"no name, required":                {world.Object{"displayName": "Client ID", "required": true}, false},
		"no name, required, of a secret":   {world.Object{"displayName": "Client secret", "required": true}, false},
		"an empty name, required":          {world.Object{"name": "", "required": true}, false},
		"a number for a name":              {world.Object{"name": 7, "displayName": "Client ID"}, true},
		"a number for a name, required":    {world.Object{"name": 7, "displayName": "Client ID", "required": true}, false},
		"no name, required in other words": {world.Object{"displayName": "Client ID", "required": "yes"}, false},
		"a text":                           {"clientId", false},
		"a list":                           {[]any{"clientId"}, false},
		"nothing":                          {nil, true},
	} {
		for setting, sources := range map[string]provision.OptionMap{"": nil, ", mapped": anyName} {
			t.Run(name+setting, func(t *testing.T) {
				f := withPlatform(t)
				f.setPlatform(provision.Platform{OptionMap: sources})
				offered := f.offered()
				offered["options"] = append(offered["options"].([]any), c.option)
				f.offers(offered)
				st := f.carried(wired()).Status.DDOE
				if !c.api {
					assert.Equal(t, "manual", st.Mode)
					assert.Equal(t, diagnosis.CodeDDOEOptionUnreadable, st.Diagnosis.Code)
					assert.Equal(t, gateCounts{}, f.onGate())
					return
				}
				require.Equal(t, "api", st.Mode, st.Why)
				assert.NotContains(t, f.world.DDOEObjects(world.DDOEIntegrations)[0]["options"], "")
			})
		}
	}
	for name, options := range map[string]any{"an object": world.Object{"clientId": world.Object{"required": true}}, "a text": "clientId", "a number": 1} {
		t.Run(name+" for the list", func(t *testing.T) {
			f := withPlatform(t)
			offered := f.offered()
			offered["options"] = options
			f.offers(offered)
			assert.Equal(t, diagnosis.CodeDDOEOptionUnreadable, f.carried(wired()).Status.DDOE.Diagnosis.Code)
		})
	}
}

// offers has the platform offer one type, whatever it looks like.
func (f *fixture) offers(kind world.Object) {
	f.t.Helper()
	body, err := json.Marshal([]any{kind})
	require.NoError(f.t, err)
	f.answers(askTypes, 200, "application/json", string(body))
}
