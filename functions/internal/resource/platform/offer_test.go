package platform_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

func option(name, displayName string, isRequired bool) any {
	return dataloop.Object{"name": name, "displayName": displayName, "type": "string", "required": isRequired}
}

// offer makes the organisation offer one type for federation, with these options beside the known ones.
func (f *fixture) offer(more ...any) {
	require.NoError(f.t, f.world.DeleteDDOEObject(dataloop.AvailableIntegrations, f.offered()["type"].(string)))
	options := append([]any{option("clientId", "Client ID", true), option("tenantId", "Tenant ID", true)}, more...)
	f.put(dataloop.AvailableIntegrations, dataloop.Object{"type": "azure-wif", "displayName": "Azure WIF",
		"options": options})
}

func TestOptionsBySettingAndByPlainName(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options []any
		setting string
		sent    dataloop.Object
		code    string
	}{
		"plain names": {[]any{option("account_name", "", true), option("f1", "Container name", true)}, "",
			dataloop.Object{"account_name": "acmedata", "f1": "images"}, ""},
		"optional, unknown": {[]any{option("notes", "Notes", false)}, "", dataloop.Object{}, ""},
		"required, unknown": {[]any{option("trust", "Trust phrase", true)}, "", nil,
			"ddoe-option-unmapped"},
		"required, unknown, with one name": {[]any{option("trust", "", true)}, "", nil, "ddoe-option-unmapped"},
		"a secret": {[]any{option("secret", "Client secret", true)}, "", nil,
			"ddoe-option-unmapped"},
		"two meanings": {[]any{option("clientId2", "x", true), option("tenant_id", "Client ID", true)}, "", nil,
			"ddoe-option-unmapped"},
		"by the setting": {[]any{option("trust", "Trust phrase", true), option("account", "Account name", true)},
			`{"trust": "=phrase", "account": "container"}`,
			dataloop.Object{"trust": "phrase", "account": "images"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.offer(c.options...)
			var err error
			f.platform.OptionMap, err = platform.ParseOptionMap(c.setting)
			require.NoError(t, err)
			if c.code != "" {
				seen := item(t, f.observe(resource.View{Document: f.document}), "ddoeIntegration", resource.Manual)
				assert.Equal(t, c.code, string(seen.Code))
				assert.Contains(t, seen.Detail, "azure-wif (Azure WIF)")
				assert.NotContains(t, seen.Detail, "()")
				return
			}
			require.Empty(t, f.run(resource.View{}).errs)
			sent := dataloop.Object{"clientId": "client-id", "tenantId": world.TenantID}
			for option, value := range c.sent {
				sent[option] = value
			}
			assert.Equal(t, sent, f.integrations()[0]["options"])
		})
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	other := dataloop.Object{"type": "other-azure-federation", "displayName": "Other",
		"options": []any{option("clientId", "", true), option("tenantId", "", true)}}
	t.Run("several that fit", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.put(dataloop.AvailableIntegrations, other)
		seen := item(t, f.observe(resource.View{Document: f.document}), "ddoeIntegration", resource.Manual)
		assert.Equal(t, "ddoe-type-unknown", string(seen.Code))
		assert.Contains(t, seen.Detail, "other-azure-federation (Other)")
		require.Empty(t, f.run(resource.View{}).errs)
		item(t, f.observe(resource.View{Document: f.document}), "ddoeDriver", resource.Manual)
		f.platform.IntegrationType = "other-azure-federation"
		require.Empty(t, f.run(resource.View{}).errs)
		assert.Equal(t, "other-azure-federation", f.integrations()[0]["type"])
	})
	t.Run("the setting's is not offered", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.platform.IntegrationType = "nobody"
		assert.Contains(t, item(t, f.observe(resource.View{Document: f.document}), "ddoeIntegration", resource.Manual).
			Detail, "nobody")
	})
}

func TestParseOptionMap(t *testing.T) {
	t.Parallel()
	for text, isGood := range map[string]bool{"": true, "{}": true,
		`{"a": "clientId", "b": "=x", "c": "credentialFile"}`: true, "[]": false, "null": false, "x": false,
		`{"a": "secret-value"}`: false, `{"a": 1}`: false} {
		m, err := platform.ParseOptionMap(text)
		assert.Equal(t, isGood, err == nil, text)
		if err != nil {
			assert.NotContains(t, err.Error(), "secret-value")
		}
		assert.Len(t, m.Literals(), map[bool]int{true: 1}[len(m) == 3], text)
	}
}
