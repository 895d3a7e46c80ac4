package provision_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestFederationTypeWithASecret: the type that is the one for it by its name may require an option that sounds like a secret.
// Nobody is sent to look for another type then, and what they are told works.
func TestFederationTypeWithASecret(t *testing.T) {
	f := withPlatform(t)
	offered := f.offered()
	offered["options"] = append(offered["options"].([]any), world.Object{"name": "federationSecret", "displayName": "Secret", "type": "string", "required": true})
	require.NoError(t, f.world.PutDDOEObject(world.DDOEAvailableIntegrations, offered))
	st := f.provisioned(wired()).Status.DDOE
	require.Equal(t, "manual", st.Mode)
	assert.Equal(t, diagnosis.CodeDDOEOptionSecret, st.Diagnosis.Code)
	assert.Contains(t, st.Why, "federationSecret (Secret)")
	assert.NotContains(t, st.Why, "not the one")
	assert.NotContains(t, st.Why, "DDOE_INTEGRATION_TYPE")
	assert.Contains(t, st.Why, "Ask DDOE")
	steps := fmt.Sprint(st.Diagnosis.Remedy.Steps)
	assert.Contains(t, steps, "If it is not the type for Azure workload identity federation, set DDOE_INTEGRATION_TYPE")
	assert.Contains(t, steps, "ask DDOE what the option takes")

	options, err := provision.ParseOptionMap(`{"federationSecret": "=none"}`)
	require.NoError(t, err)
	f.setPlatform(provision.Platform{OptionMap: options})
	s := wired()
	s.DDOE.Driver = nil // the sandbox would test with it as a client secret
	assert.Equal(t, "api", f.provisioned(s).Status.DDOE.Mode)
}
