package functions

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestReadyAgreesWithHealth: what a check has found reads the same in the condition Ready and in the health, for
// each kind of identity, with a command that can be run as it stands.
func TestReadyAgreesWithHealth(t *testing.T) {
	t.Parallel()
	breaks := map[string]func(*app){
		"credential": func(a *app) {
			snapshot := a.world.Snapshot()
			for _, c := range snapshot.FederatedIdentityCredentials {
				require.NoError(a.t, a.world.DeleteObject("federatedIdentityCredentials", c.ID))
			}
			for _, c := range snapshot.UserAssignedIdentityCredentials {
				require.NoError(a.t, a.world.DeleteObject("userAssignedIdentityCredentials", c.ID))
			}
		},
		"role": func(a *app) {
			ours := a.call("GET", ours, "").raw
			for _, r := range a.world.RoleAssignments() {
				if strings.Contains(ours, r.PrincipalID) {
					_, err := a.world.DeleteRoleAssignment(r.ID)
					require.NoError(a.t, err)
				}
			}
		},
		"container": func(a *app) { require.NoError(a.t, a.world.DeleteContainer("acmedata", "images")) },
	}
	for kind, credentials := range map[string]string{
		"application":     "az ad app federated-credential create ",
		"managedIdentity": "az identity federated-credential create "} {
		for broken, breakIt := range breaks {
			t.Run(kind+" without "+broken, func(t *testing.T) {
				t.Parallel()
				a := newApp(t, map[string]string{"DEFAULT_IDENTITY": kind, "REGION_NAME": "West Europe",
					"IDENTITY_RESOURCE_GROUP": world.IdentitiesResourceGroupID, "DDOE_API_KEY": planted,
					"DDOE_SUBJECT_TOKEN_URL": "https://" + sandbox.GateHost + "/api/v1/subject-tokens"})
				require.Equal(t, 201, a.call("PUT", ours, good).StatusCode)
				a.deliver()
				whole := a.call("POST", ours+"/health-checks", "")
				require.Equal(t, "healthy", whole.at("state"), whole.raw)
				breakIt(a)
				health := a.call("POST", ours+"/health-checks", "")
				state := map[bool]string{true: "unhealthy", false: "unknown"}[broken == "container"]
				require.Equal(t, state, health.at("state"), "the others may be the PUT on its way: %s", health.raw)
				ready := a.call("GET", ours, "").at("status", "conditions").([]any)[0].(map[string]any)
				assert.Equal(t, health.at("diagnosis"), ready["diagnosis"])
				command, _ := health.at("diagnosis", "remedy", "command").(string)
				assert.NotContains(t, command, "<")
				if broken == "credential" {
					assert.Contains(t, command, credentials)
				}
			})
		}
	}
}
