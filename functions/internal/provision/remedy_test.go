package provision_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// argument is the value of an argument of a command, without the quotes of a shell.
func argument(t operationtest.TB, command, name string) string {
	t.Helper()
	found := regexp.MustCompile(name + `[ =](?:'([^']*)'|([^ ']+))`).FindStringSubmatch(command)
	require.NotNil(t, found, "%s in %s", name, command)
	return found[1] + found[2]
}

// remedy is the command of the check with the code.
func remedy(t *testing.T, report assessment.Report, code diagnosis.Code) string {
	t.Helper()
	for _, c := range report.Checks {
		if c.Code == code {
			require.NotNil(t, c.Remedy)
			return c.Remedy.Command
		}
	}
	require.FailNow(t, "no check "+string(code))
	return ""
}

// repairs are repairs by hand, each as the remedy's command states.
var repairs = map[string]struct {
	damage func(*fixture)
	code   diagnosis.Code
	repair func(f *fixture, command string)
}{
	"role assignment": {func(f *fixture) {
		_, err := f.world.DeleteRoleAssignment(f.Document().Status.RoleAssignments[0].ID)
		require.NoError(f.t, err)
	}, "role-missing", func(f *fixture, command string) {
		require.Equal(f.t, integration.AccessReadWrite.Role().Name, argument(f.t, command, "--role"),
			"az takes the name")
		scope, guid := argument(f.t, command, "--scope"), argument(f.t, command, "--name")
		_, _, err := f.world.PutRoleAssignment(
			rbac.RoleAssignment{ID: scope + "/providers/Microsoft.Authorization/roleAssignments/" + guid, Name: guid,
				Scope:       scope,
				PrincipalID: argument(f.t, command, "--assignee-object-id"), PrincipalType: argument(f.t, command,
					"--assignee-principal-type"),
				RoleDefinitionID: "/subscriptions/" + world.SubscriptionID +
					"/providers/Microsoft.Authorization/roleDefinitions/" + integration.AccessReadWrite.Role().ID})
		require.NoError(f.t, err)
	}},
	"missing credential": {func(f *fixture) {
		d := f.Document()
		require.NoError(f.t, f.world.DeleteFederatedCredential(d.Status.Identity.ID,
			d.Status.FederatedCredentials[0].Name))
	}, "federated-credential-missing", func(f *fixture, command string) {
		require.Contains(f.t, command, "federated-credential create --id "+f.Document().Status.ClientID)
		var made world.FederatedIdentityCredential
		require.NoError(f.t, json.Unmarshal([]byte(argument(f.t, command, "--parameters")), &made))
		made.ApplicationID = f.Document().Status.Identity.ID
		_, err := f.world.CreateFederatedCredential(made)
		require.NoError(f.t, err)
	}},
	"changed credential": {func(f *fixture) {
		f.retrust(func(c *world.FederatedIdentityCredential) { c.Subject = other })
	}, "federated-credential-changed", func(f *fixture, command string) {
		require.Contains(f.t, command, "federated-credential update --id "+f.Document().Status.ClientID)
		assert.Equal(f.t, f.Document().Status.FederatedCredentials[0].Name,
			argument(f.t, command, "--federated-credential-id"))
		f.retrust(func(c *world.FederatedIdentityCredential) {
			require.NoError(f.t, json.Unmarshal([]byte(argument(f.t, command, "--parameters")), c))
		})
	}},
}

// TestWhatARemedyMakesIsOurs carries the command of a finding out, as az would: drift then finds nothing, and a
// teardown removes it as what the app made itself.
func TestWhatARemedyMakesIsOurs(t *testing.T) {
	t.Parallel()
	for name, c := range repairs {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.provisioned(wired())
			c.damage(f)
			report, found := f.drift()
			require.Len(t, found, 1, "%v", found)
			c.repair(f, remedy(t, report, diagnosis.Code(c.code)))
			_, found = f.drift()
			assert.Empty(t, found)

			principal := f.Document().Status.ServicePrincipalID
			_, down := f.remove(provision.TeardownOptions{})
			f.handle(down)
			for _, a := range f.world.RoleAssignments() {
				assert.NotEqual(t, principal, a.PrincipalID, "nothing is left behind")
			}
			assert.Empty(t, f.world.Applications())
		})
	}
}

// retrust changes the first federated credential behind the app's back.
func (f *fixture) retrust(change func(*world.FederatedIdentityCredential)) {
	f.t.Helper()
	d := f.Document()
	_, err := f.world.UpdateFederatedCredential(d.Status.Identity.ID, d.Status.FederatedCredentials[0].Name,
		func(c *world.FederatedIdentityCredential) error {
			change(c)
			return nil
		})
	require.NoError(f.t, err)
}

// TestWhatTheAppMayNotAssignIsAssignedUnderItsName: the next run finds what a person assigned for it, and it is ours.
func TestWhatTheAppMayNotAssignIsAssignedUnderItsName(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.fails(fault{match: regexp.MustCompile(`^PUT management.*/roleAssignments/`), status: 403,
		code: "AuthorizationFailed"})
	a, cmd := f.submit(spec("images"))
	f.handle(cmd)
	command := f.RequireStatus(a.Operation.ID, integration.OperationFailed).Error.Remedy.Command
	f.faults = nil
	_, cmd = f.submit(spec("images"))
	f.handle(cmd)
	d := f.Document()
	require.Len(t, d.Status.RoleAssignments, 1)
	assert.True(t, strings.HasSuffix(d.Status.RoleAssignments[0].ID, "/"+argument(t, command, "--name")), command)
	assert.Equal(t, d.Status.RoleAssignments[0].Scope, argument(t, command, "--scope"))
	assert.False(t, d.Status.RoleAssignments[0].Adopted)
}
