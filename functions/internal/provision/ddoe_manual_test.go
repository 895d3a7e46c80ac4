package provision_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestPlatformManualThenAutomatic: an organisation without the type, which gets it later.
func TestPlatformManualThenAutomatic(t *testing.T) {
	f := withPlatform(t)
	offered := f.offered()
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEAvailableIntegrations, offered["type"].(string)))
	d := f.provisioned(wired())
	st := d.Status.DDOE
	assert.Equal(t, "manual", st.Mode)
	assert.Contains(t, st.Why, "gcp-workload-identity-federation (GCP Workload Identity Federation)")
	assert.Contains(t, st.Why, "DDOE_INTEGRATION_TYPE")
	assert.Equal(t, "ddoe-type-unknown", st.Diagnosis.Code)
	assert.Equal(t, &integration.DDOEForm{OrganizationID: world.OrganizationID, IntegrationName: "DDOE WIF my-service", Provider: "Azure", IntegrationType: "Workload Identity Federation",
		ClientID: d.Status.ClientID, TenantID: world.TenantID, ImportFile: "azure_credentials.json"}, st.Form)
	assert.Contains(t, st.Next, "azure_credentials.json")
	assert.Equal(t, gateCounts{}, f.onGate())

	require.NoError(t, f.world.PutDDOEObject(world.DDOEAvailableIntegrations, offered))
	d = f.provisioned(wired())
	assert.Equal(t, "api", d.Status.DDOE.Mode)
	assert.Nil(t, d.Status.DDOE.Form)
	assert.Nil(t, d.Status.DDOE.Diagnosis)
	assert.Empty(t, d.Status.DDOE.Why)
	assert.Equal(t, gateCounts{1, 1}, f.onGate())

	// It disappears again: what was made stays known, and is torn down.
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEAvailableIntegrations, offered["type"].(string)))
	d = f.provisioned(wired())
	assert.Equal(t, "manual", d.Status.DDOE.Mode)
	assert.NotEmpty(t, d.Status.DDOE.IntegrationID)
	_, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	f.requireStatus(down.OperationID, integration.OperationSucceeded)
	assert.Equal(t, gateCounts{}, f.onGate())
}

func TestPlatformSeveralTypesAndTheSetting(t *testing.T) {
	f := withPlatform(t)
	second := f.offered()
	second["type"], second["displayName"] = "other-type", "Azure federation (preview)"
	require.NoError(t, f.world.PutDDOEObject(world.DDOEAvailableIntegrations, second))
	d := f.provisioned(wired())
	assert.Equal(t, "manual", d.Status.DDOE.Mode)
	assert.Contains(t, d.Status.DDOE.Why, "Several")
	f.setPlatform(provision.Platform{IntegrationType: "other-type"})
	d = f.provisioned(wired())
	assert.Equal(t, "api", d.Status.DDOE.Mode)
	assert.Equal(t, "other-type", d.Status.DDOE.IntegrationType)
	f.setPlatform(provision.Platform{IntegrationType: "not-there"})
	assert.Contains(t, f.provisioned(wired()).Status.DDOE.Why, "not-there")
}

func TestPlatformUnknownRequiredOption(t *testing.T) {
	f := withPlatform(t)
	offered := f.offered()
	offered["options"] = append(offered["options"].([]any), world.Object{"name": "zone", "displayName": "Trust zone", "type": "string", "required": true})
	require.NoError(t, f.world.PutDDOEObject(world.DDOEAvailableIntegrations, offered))
	d := f.provisioned(wired())
	assert.Equal(t, "manual", d.Status.DDOE.Mode)
	assert.Equal(t, "ddoe-option-unmapped", d.Status.DDOE.Diagnosis.Code)
	assert.Contains(t, d.Status.DDOE.Why, "zone (Trust zone)")
	assert.Contains(t, d.Status.DDOE.Why, "DDOE_OPTION_MAP")

	options, err := provision.ParseOptionMap(`{"zone": "=planted-zone", "not-listed": "clientId"}`)
	require.NoError(t, err)
	f.setPlatform(provision.Platform{OptionMap: options})
	f.provisioned(wired())
	sent := f.world.DDOEObjects(world.DDOEIntegrations)[0]["options"].(map[string]any)
	assert.Equal(t, "planted-zone", sent["zone"])
	assert.NotContains(t, sent, "not-listed")
	document, err := json.Marshal(f.document())
	require.NoError(t, err)
	assert.NotContains(t, string(document), "planted")
}
