package cloud_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// What the broker has is what is deployed: every entity, every property, and nothing else.
func TestTheBrokerHasWhatIsDeployed(t *testing.T) {
	c, err := cloud.New(cloud.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	visible := map[string]map[string]any{}
	for _, e := range c.Broker().Entities() {
		raw, err := json.Marshal(e.Properties)
		require.NoError(t, err)
		properties := map[string]any{}
		require.NoError(t, json.Unmarshal(raw, &properties))
		visible[e.Kind+" "+e.Name] = properties
	}
	deployed := map[string]bool{}
	compare := func(kind string, e deployment.Entity) {
		deployed[kind+" "+e.Name] = true
		properties := map[string]any{}
		require.NoError(t, json.Unmarshal(e.Properties, &properties))
		for name, want := range properties {
			got, ok := visible[kind+" "+e.Name][name]
			if want == false {
				assert.False(t, ok, "%s %s: %s", kind, e.Name, name) // left out where it is false
				continue
			}
			assert.Equal(t, want, got, "%s %s: %s", kind, e.Name, name)
		}
	}
	for _, q := range deployment.Example().Namespace.Queues {
		compare(servicebus.KindQueue, q)
	}
	for _, topic := range deployment.Example().Namespace.Topics {
		compare(servicebus.KindTopic, topic)
	}
	for name := range visible {
		assert.True(t, deployed[name], "not deployed: %s", name)
	}
	assert.Len(t, visible, len(deployed))
}

// The app is started with exactly the settings of the deployment; what differs is listed here.
func TestEnvironmentIsThatOfTheDeployment(t *testing.T) {
	c := started(t)
	own := []string{"HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE",
		"SERVICEBUS_CUSTOM_ENDPOINT", "ServiceBusConnection"}
	platform := []string{"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "REGION_NAME"}
	given := map[string]string{}
	for _, pair := range c.Environment() {
		name, value, _ := strings.Cut(pair, "=")
		given[name] = value
	}
	settings := deployment.Example().Settings
	for name, want := range settings {
		if name == "DDOE_API_KEY" {
			assert.NotContains(t, given[name], "KeyVault", "the platform has resolved it")
			assert.NotEmpty(t, given[name])
			continue
		}
		if name == "RATE_LIMIT" {
			want = "1000" // a test asks faster than a person
		}
		assert.Equal(t, want, given[name], name)
	}
	for name := range given {
		if _, deployed := settings[name]; !deployed {
			assert.Contains(t, append(own, platform...), name)
		}
	}
}

// Without the right to the secret the app gets the reference as it is, as on the platform.
func TestKeyVaultReferenceNeedsItsRight(t *testing.T) {
	c, err := cloud.New(cloud.Options{Arrange: func(w *world.World) {
		for _, ra := range w.RoleAssignments() {
			if strings.HasSuffix(ra.RoleDefinitionID, rbac.RoleKeyVaultSecretsUser) {
				_, err := w.DeleteRoleAssignment(ra.ID)
				require.NoError(t, err)
			}
		}
	}})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	assert.Contains(t, c.Environment(), "DDOE_API_KEY="+deployment.Example().Settings["DDOE_API_KEY"])
}

func TestMayListen(t *testing.T) {
	c, err := cloud.New(cloud.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	for entity, want := range map[string]bool{
		"wif-commands": true, "WIF-Commands": true, "wif-commands/$deadletterqueue": true, "wif-health": true,
		"wif-events": false, "wif-events/subscriptions/a": false, "other": false,
	} {
		err := c.MayListen(entity)
		if want {
			assert.NoError(t, err, entity)
			continue
		}
		require.ErrorIs(t, err, &servicebus.Error{Condition: servicebus.ConditionUnauthorizedAccess}, entity)
		assert.ErrorContains(t, err, "'Listen' claim(s) are required", entity)
	}
}
