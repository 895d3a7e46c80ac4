package provision_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// driversOnGate are the platform's drivers.
func (f *fixture) driversOnGate() []world.Object { return f.world.DDOEObjects(world.DDOEDrivers) }

// onlyDriver is the platform's one driver, which is the document's.
func (f *fixture) onlyDriver() world.Object {
	f.t.Helper()
	require.Len(f.t, f.driversOnGate(), 1)
	driver := f.driversOnGate()[0]
	require.Equal(f.t, driver["id"], f.document().Status.DDOE.DriverID)
	require.Equal(f.t, driver["integrationId"], f.document().Status.DDOE.IntegrationID)
	return driver
}

// writes are the changing requests to the platform since a position, such as "PATCH drivers/".
func (f *fixture) writes(since int) []string {
	var all []string
	for _, r := range f.requests[since:] {
		method, path, _ := strings.Cut(r, " "+gate+"/")
		if path != "" && method != "GET" && path != "drivers/test" {
			kind, _, _ := strings.Cut(path, "/")
			all = append(all, method+" "+kind)
		}
	}
	return all
}

// refused carries a spec out, parked copies included, and returns the operation that it fails.
func (f *fixture) refused(s integration.Spec) integration.Operation {
	f.t.Helper()
	_, cmd := f.submit(s)
	f.handle(cmd)
	f.settle(cmd)
	return f.requireStatus(cmd.OperationID, integration.OperationFailed)
}

// closed shuts the storage account's firewall, which neither Entra nor the app's own writes notice.
func (f *fixture) closed(shut bool) {
	f.account(func(a *world.StorageAccount) { a.FirewallClosed = shut })
}

func (f *fixture) account(change func(*world.StorageAccount)) {
	f.t.Helper()
	account, ok := f.world.StorageAccount(world.DataAccount)
	require.True(f.t, ok)
	change(&account)
	f.world.PutStorageAccount(account)
}

func (f *fixture) user(member, role string) {
	f.t.Helper()
	o, _ := f.world.DDOEObject(world.DDOEUsers, world.UserEmail)
	o[member] = role
	require.NoError(f.t, f.world.PutDDOEObject(world.DDOEUsers, o))
}

func TestPlatformWaitsForPropagation(t *testing.T) {
	for name, x := range map[string]fault{
		"400 for minutes":      {times: 20, status: 400},
		"424 for minutes":      {times: 20, status: 424},
		"500 for minutes":      {times: 4, status: 500},
		"403 for some seconds": {times: 4, status: 403},
		"401 for some seconds": {times: 4, status: 401},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			x.match = regexp.MustCompile(`POST gate\.dataloop\.ai/api/v1/drivers/test`)
			f.fails(x)
			began := f.now()
			d := f.carried(wired())
			assert.Equal(t, gateCounts{1, 1}, f.onGate())
			assert.Equal(t, "api", d.Status.DDOE.Mode)
			assert.Greater(t, f.now(), began)
		})
	}
}

// TestPlatformCannotReachStorage: whatever status the platform has for it, the operation ends with what a person can do, also
// where there is no source of subject tokens, so that the platform's word is all there is.
func TestPlatformCannotReachStorage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status, code, detail string
		patient              bool // it is tried until the clocks of Azure have run out
	}{
		"400": {"", "ddoe-driver-test-failed", "The platform says: Failed to connect to storage: AuthorizationFailure", true},
		"409": {"409", "ddoe-driver-test-failed", "AuthorizationFailure", true},
		"404": {"404", "ddoe-driver-test-failed", "AuthorizationFailure", true},
		"422": {"422", "ddoe-driver-test-failed", "AuthorizationFailure", true},
		"424": {"424", "ddoe-driver-test-failed", "AuthorizationFailure", true},
		"403": {"403", "ddoe-project-role-missing", "Or the storage refused the platform", false},
		"401": {"401", "ddoe-project-role-missing", "Or the storage refused the platform", false},
		"500": {"500", "ddoe-driver-test-error", "AuthorizationFailure", true},
		"503": {"503", "ddoe-driver-test-error", "AuthorizationFailure", true},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.service.TokenSource = nil
			f.closed(true)
			if c.status != "" {
				f.quirk(platform.QuirkDriverTest, world.Object{"value": c.status})
			}
			began := f.now()
			op := f.refused(wired())
			assert.Equal(t, c.code, string(op.Error.Code))
			assert.Contains(t, op.Error.Detail, c.detail)
			assert.NotEmpty(t, op.Error.Evidence.RequestID)
			waited := f.now().Sub(began)
			assert.Equal(t, []bool{c.patient, !c.patient}, []bool{waited >= 10*time.Minute, waited < time.Minute}, waited)
			assert.Equal(t, gateCounts{integrations: 1}, f.onGate(), "no driver that does not work")

			f.closed(false)
			f.carried(wired())
			f.onlyDriver()
		})
	}
}

// TestPlatformOutageIsNoVerdict: while the platform answers nothing, its failing test is not believed to be the storage's.
func TestPlatformOutageIsNoVerdict(t *testing.T) {
	f := withPlatform(t)
	f.carried(wired())
	f.fails(fault{match: regexp.MustCompile(`gate\.dataloop\.ai/api/v1/(drivers/.*test|users/me)`), status: 503})
	op := f.refused(wired())
	assert.Equal(t, diagnosis.CodeAttemptsExhausted, op.Error.Code)
	assert.Contains(t, op.Error.Detail, "ddoe-unavailable")
	f.onlyDriver()
}

// TestPlatformOptionsChangedBehindA500: options that somebody has changed are sent again also where the test's failure
// has the status of a fault.
func TestPlatformOptionsChangedBehindA500(t *testing.T) {
	for _, status := range []string{"", "403", "500"} {
		f := withPlatform(t)
		d := f.carried(wired())
		if status != "" {
			f.quirk(platform.QuirkDriverTest, world.Object{"value": status})
		}
		f.changeOnGate(world.DDOEIntegrations, func(o world.Object) {
			for name, value := range o["options"].(world.Object) {
				if value == d.Status.ClientID {
					o["options"].(world.Object)[name] = world.TenantID
				}
			}
		})
		f.carried(wired())
		f.onlyDriver()
	}
}

// TestPlatformFaultAfterALateRole: however often it was tried before, a fault right after a role was assigned is no reason
// to send the options again.
func TestPlatformFaultAfterALateRole(t *testing.T) {
	f := withPlatform(t)
	_, err := f.world.DeleteRoleAssignment(f.carried(wired()).Status.RoleAssignments[0].ID)
	require.NoError(t, err)
	f.fails(fault{match: regexp.MustCompile(`PUT management\.azure\.com.*roleAssignments`), status: 429, times: 3})
	f.fails(fault{match: regexp.MustCompile(`GET gate.*/drivers/[^/]*/test$`), status: 500, times: 1})
	before := len(f.requests)
	f.carried(wired())
	assert.Equal(t, 4, f.sentTo(before, `PUT management.*roleAssignments`))
	assert.Empty(t, f.writes(before))
}

// TestPlatformRoleRefusedAtTheDriver: what was made stays, the document says what is missing, and the next PUT completes.
func TestPlatformRoleRefusedAtTheDriver(t *testing.T) {
	for _, quirk := range []string{"", platform.QuirkRole401} {
		f := withPlatform(t)
		if quirk != "" {
			f.quirk(quirk, nil)
		}
		f.user("projectRole", "viewer")
		op := f.refused(wired())
		assert.Equal(t, diagnosis.CodeDDOEProjectRoleMissing, op.Error.Code)
		d := f.document()
		assert.Equal(t, integration.PhaseFailed, d.Status.Phase)
		condition := f.condition("Provisioned")
		assert.Equal(t, []string{"False", "ddoe-project-role-missing"}, []string{condition.Status, string(condition.Reason)})
		assert.Contains(t, condition.Message, "developer or owner")
		assert.Equal(t, []string{"api", "", world.OrganizationID}, []string{d.Status.DDOE.Mode, d.Status.DDOE.DriverID, d.Status.DDOE.OrganizationID})
		assert.NotEmpty(t, d.Status.DDOE.IntegrationID)
		assert.NotEmpty(t, d.Status.ClientID)
		assert.Equal(t, gateCounts{integrations: 1}, f.onGate())
		assert.Equal(t, counts{applications: 1, principals: 1, credentials: 1, assignments: 1}, f.counts())

		f.user("projectRole", "developer")
		d2 := f.carried(wired())
		assert.Equal(t, integration.PhaseProvisioned, d2.Status.Phase)
		assert.Equal(t, d.Status.DDOE.IntegrationID, d2.Status.DDOE.IntegrationID)
		assert.Equal(t, d.Status.ClientID, d2.Status.ClientID)
		f.onlyDriver()
		f.verified(d2.Status.LastOperationID)
		assert.Equal(t, integration.PhaseUsable, f.document().Status.Phase)
	}
}

func TestPlatformDatalakeDriver(t *testing.T) {
	f := withPlatform(t)
	f.account(func(a *world.StorageAccount) { a.HierarchicalNamespace = true })
	f.provisioned(wired())
	assert.Equal(t, "azureDatalakeGen2", f.onlyDriver()["type"])
}

// TestPlatformDriverOfAnother: names are not unique, and what somebody else has made on our integration may carry ours.
func TestPlatformDriverOfAnother(t *testing.T) {
	theirs := func(f *fixture, members world.Object) {
		st := f.document().Status.DDOE
		o := world.Object{"id": "theirs", "name": "images", "type": "azureblob", "creator": "somebody@acme.example", "projectId": world.ProjectID,
			"integrationId": st.IntegrationID, "integrationType": st.IntegrationType, "containerName": "images", "path": "", "allowExternalDelete": true}
		for name, value := range members {
			o[name] = value
		}
		require.NoError(f.t, f.world.PutDDOEObject(world.DDOEDrivers, o))
	}
	withoutDriver := wired()
	withoutDriver.DDOE.Driver = nil
	for name, c := range map[string]struct {
		members world.Object
		code    diagnosis.Code
		says    string
		drivers int
	}{
		"the same place is taken over": {nil, "", "", 1},
		"another folder stays theirs":  {world.Object{"path": "sub"}, "ddoe-driver-foreign", `path is "sub", not ""`, 1},
		"another type stays theirs":    {world.Object{"type": "azureDatalakeGen2"}, "ddoe-driver-foreign", `type is "azureDatalakeGen2", not "azureblob"`, 1},
		"another project is not met":   {world.Object{"projectId": "p-2"}, "", "", 2},
		"another integration":          {world.Object{"integrationId": "i-2"}, "", "", 2},
	} {
		for _, replaced := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, in the place of ours=%v", name, replaced), func(t *testing.T) {
				f := withPlatform(t)
				if replaced {
					f.carried(wired())
					require.NoError(t, f.world.DeleteDDOEObject(world.DDOEDrivers, f.onlyDriver()["id"].(string)))
				} else {
					f.carried(withoutDriver)
				}
				theirs(f, c.members)
				if c.code == "" {
					d := f.carried(wired())
					assert.Len(t, f.driversOnGate(), c.drivers)
					is, _ := f.world.DDOEObject(world.DDOEDrivers, d.Status.DDOE.DriverID)
					assert.Equal(t, false, is["allowExternalDelete"])
					assert.Equal(t, c.drivers == 1, is["id"] == "theirs")
					return
				}
				before := f.driversOnGate()
				op := f.refused(wired())
				assert.Equal(t, c.code, op.Error.Code)
				assert.Contains(t, op.Error.Detail, c.says)
				f.carried(withoutDriver)
				assert.Equal(t, before, f.driversOnGate())

				require.NoError(t, f.world.DeleteDDOEObject(world.DDOEDrivers, "theirs"))
				f.carried(wired())
				f.onlyDriver()
			})
		}
	}
}
