package provision_test

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// theirs puts a driver of somebody else onto our integration.
func (f *fixture) theirs() {
	st := f.document().Status.DDOE
	require.NoError(f.t, f.world.PutDDOEObject(world.DDOEDrivers, world.Object{"id": "theirs", "name": "their driver", "type": "azureblob",
		"integrationId": st.IntegrationID, "integrationType": st.IntegrationType, "projectId": "p-2", "containerName": "images"}))
}

// onceAt does something when the platform is sent the first request that matches "METHOD path", and then refuses that
// request with the status, if there is one.
func (f *fixture) onceAt(request string, status int, do func()) {
	next, pattern, done := f.hosts[platform.GateHost], regexp.MustCompile(request), false
	f.hosts[platform.GateHost] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if done || !pattern.MatchString(r.Method+" "+r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		done = true
		do()
		if status == 0 {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"message":"no"}`))
	})
}

// teardown tears the integration down and returns how the operation ended.
func (f *fixture) teardown() integration.Operation {
	f.t.Helper()
	_, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	return f.settle(down)
}

// azures is Azure's side of an integration, whole.
func azures() counts { return counts{applications: 1, principals: 1, credentials: 1, assignments: 1} }

// TestPlatformDriverInUse: nothing is taken from under the drivers of others, whenever they appear, and what is said about
// the removal is true.
func TestPlatformDriverInUse(t *testing.T) {
	late := []string{"Gone by now: the driver images (id ", "; nothing else was removed."}
	for name, c := range map[string]struct {
		arrange func(*fixture)
		says    []string
		kept    gateCounts
	}{
		"from the start": {func(f *fixture) { f.theirs() }, []string{"Nothing was removed."}, gateCounts{1, 2}},
		"ours is gone already": {func(f *fixture) {
			f.theirs()
			require.NoError(f.t, f.world.DeleteDDOEObject(world.DDOEDrivers, f.document().Status.DDOE.DriverID))
		}, []string{"Gone by now: the driver ", "; nothing else was removed."}, gateCounts{1, 1}},
		"after the first count": {func(f *fixture) { f.onceAt(`DELETE .*/drivers/`, 0, f.theirs) }, late, gateCounts{1, 1}},
		"after the last count": {func(f *fixture) {
			f.quirk(platform.QuirkRefuseDeleteInUse, nil)
			f.onceAt(`DELETE .*/integrations/`, 0, f.theirs)
		}, late, gateCounts{1, 1}},
		"after the last count, as 409": {func(f *fixture) { f.onceAt(`DELETE .*/integrations/`, 409, f.theirs) }, late, gateCounts{1, 1}},
		"after the last count, as 424": {func(f *fixture) { f.onceAt(`DELETE .*/integrations/`, 424, f.theirs) }, late, gateCounts{1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.provisioned(wired())
			c.arrange(f)
			op := f.teardown()
			require.Equal(t, integration.OperationFailed, op.Status)
			assert.Equal(t, diagnosis.CodeDDOEIntegrationInUse, op.Error.Code)
			for _, text := range append(c.says, "used by 1 driver(s)", "their driver (id theirs, project p-2)") {
				assert.Contains(t, op.Error.Detail, text)
			}
			assert.Equal(t, c.kept, f.onGate())
			assert.Equal(t, azures(), f.counts(), "Azure's side is not touched")

			require.NoError(t, f.world.DeleteDDOEObject(world.DDOEDrivers, "theirs"))
			require.Equal(t, integration.OperationSucceeded, f.teardown().Status)
			assert.Equal(t, gateCounts{}, f.onGate())
		})
	}
}

// TestPlatformDeleteRefusedForAnotherReason is not blamed on drivers that there are not.
func TestPlatformDeleteRefusedForAnotherReason(t *testing.T) {
	f := withPlatform(t)
	f.provisioned(wired())
	f.onceAt(`DELETE .*/integrations/`, 400, func() {})
	op := f.teardown()
	require.Equal(t, integration.OperationFailed, op.Status)
	assert.Equal(t, diagnosis.CodeDDOEIntegrationNotDeleted, op.Error.Code)
	assert.Contains(t, op.Error.Detail, "The platform says: no")
	assert.Equal(t, gateCounts{integrations: 1}, f.onGate())
}

// TestPlatformRefusedTeardown: whoever reads the integration sees why it is still there; whoever PUTs the spec again keeps
// it, and whoever DELETEs it again gets rid of it.
func TestPlatformRefusedTeardown(t *testing.T) {
	f := withPlatform(t)
	made := f.provisioned(wired())
	f.verified(made.Status.LastOperationID)
	f.theirs()
	require.Equal(t, integration.OperationFailed, f.teardown().Status)
	d := f.document()
	assert.Equal(t, integration.PhaseFailed, d.Status.Phase, "neither usable, as if nobody had asked, nor for ever being torn down")
	assert.Equal(t, diagnosis.CodeDDOEIntegrationInUse, f.condition("Provisioned").Reason)
	assert.Contains(t, f.condition("Provisioned").Message, "Nothing was removed.")
	assert.Equal(t, "failed", f.events()[len(f.events())-1])
	assert.Equal(t, made.Status.DDOE.DriverID, d.Status.DDOE.DriverID, "what is there stays known")
	report, err := f.service.Drift(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, diagnosis.VerdictPass, report.Verdict, "and nothing of it is missing: %+v", report.Checks)
	_, err = f.service.TestAccess(t.Context(), id, provision.AccessTest{})
	require.NoError(t, err)
	assert.Equal(t, integration.PhaseFailed, f.document().Status.Phase)

	d = f.carried(wired())
	assert.Equal(t, integration.PhaseProvisioned, d.Status.Phase)
	assert.Equal(t, "True", f.condition("Provisioned").Status)
	f.verified(d.Status.LastOperationID)
	d = f.document()
	assert.Equal(t, integration.PhaseUsable, d.Status.Phase)
	assert.Equal(t, made.Status.DDOE.IntegrationID, d.Status.DDOE.IntegrationID)
	assert.Equal(t, made.Status.DDOE.DriverID, d.Status.DDOE.DriverID)
	assert.Equal(t, gateCounts{1, 2}, f.onGate())
}

// TestPlatformNothingLeft: an organisation that answers 404 may be one that the key's user has left; only what no id finds
// is believed to be gone.
func TestPlatformNothingLeft(t *testing.T) {
	list := `GET gate\.dataloop\.ai/api/v1/orgs/[^/]*/integrations$`
	forget := func(f *fixture, kind string) {
		require.NoError(f.t, f.world.DeleteDDOEObject(kind, f.world.DDOEObjects(kind)[0]["id"].(string)))
	}
	for name, c := range map[string]struct {
		arrange func(*fixture)
		code    diagnosis.Code
		says    string
		left    gateCounts
	}{
		"it is all there, and not shown": {func(f *fixture) { f.fails(fault{match: regexp.MustCompile(list), status: 404}) },
			"ddoe-organization-hidden", "Nothing was removed.", gateCounts{1, 1}},
		"the driver is gone": {func(f *fixture) {
			f.fails(fault{match: regexp.MustCompile(list), status: 404})
			forget(f, world.DDOEDrivers)
		}, "ddoe-organization-hidden", "Gone by now: the driver ", gateCounts{1, 0}},
		"the integration is gone": {func(f *fixture) {
			f.fails(fault{match: regexp.MustCompile(list), status: 404})
			forget(f, world.DDOEIntegrations)
		}, "", "", gateCounts{}},
		"all is gone": {func(f *fixture) {
			f.fails(fault{match: regexp.MustCompile(list), status: 404})
			forget(f, world.DDOEIntegrations)
			forget(f, world.DDOEDrivers)
		}, "", "", gateCounts{}},
		"it cannot be read": {func(f *fixture) {
			f.fails(fault{match: regexp.MustCompile(list), status: 404})
			f.fails(fault{match: regexp.MustCompile(`GET gate\.dataloop\.ai/api/v1/integrations/`), status: 403})
		}, "ddoe-organization-role-missing", "", gateCounts{1, 1}},
		"the driver cannot be read": {func(f *fixture) {
			f.fails(fault{match: regexp.MustCompile(list), status: 404})
			f.fails(fault{match: regexp.MustCompile(`GET gate\.dataloop\.ai/api/v1/drivers/`), status: 403})
		}, "ddoe-project-role-missing", "", gateCounts{1, 1}},
		"a list that leaves it out": {func(f *fixture) {
			f.changeOnGate(world.DDOEIntegrations, func(o world.Object) { o["org"] = "elsewhere" })
			f.onceAt(`DELETE .*/drivers/`, 0, func() {
				f.changeOnGate(world.DDOEIntegrations, func(o world.Object) { o["org"] = world.OrganizationID })
			})
		}, "", "", gateCounts{}},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.provisioned(wired())
			c.arrange(f)
			op := f.teardown()
			assert.Equal(t, c.left, f.onGate())
			if c.code == "" {
				require.Equal(t, integration.OperationSucceeded, op.Status, "%+v", op.Error)
				assert.Equal(t, counts{deleted: f.counts().deleted}, f.counts())
				return
			}
			require.Equal(t, integration.OperationFailed, op.Status)
			assert.Equal(t, c.code, op.Error.Code)
			assert.Contains(t, op.Error.Detail, c.says)
			assert.Equal(t, azures(), f.counts())

			f.faults = nil // the user is in the organisation again
			require.Equal(t, integration.OperationSucceeded, f.teardown().Status)
			assert.Equal(t, gateCounts{}, f.onGate())
		})
	}
}

// TestPlatformTeardownAfterACrashedRepair: the driver was to be made anew, and the document may know the old id while the
// new driver is there.
func TestPlatformTeardownAfterACrashedRepair(t *testing.T) {
	killedAnywhere(t, func() (*fixture, message.Command) {
		f := withPlatform(t)
		f.provisioned(wired())
		f.changeOnGate(world.DDOEDrivers, func(o world.Object) { o["type"] = "azureDatalakeGen2" })
		_, cmd := f.submit(wired())
		return f, cmd
	}, func(f *fixture, _ message.Command, n int) {
		op := f.teardown()
		require.Equal(t, integration.OperationSucceeded, op.Status, "killed at effect %d: %+v", n, op.Error)
		require.Equal(t, gateCounts{}, f.onGate(), "killed at effect %d", n)
	})
}

// TestPlatformDriverOfOurName: a driver of our name in a project that the spec does not name is somebody else's.
func TestPlatformDriverOfOurName(t *testing.T) {
	f := withPlatform(t)
	f.provisioned(wired())
	f.theirs()
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEDrivers, f.document().Status.DDOE.DriverID))
	f.changeOnGate(world.DDOEDrivers, func(o world.Object) { o["name"] = "images" })
	op := f.teardown()
	require.Equal(t, integration.OperationFailed, op.Status)
	assert.Equal(t, diagnosis.CodeDDOEIntegrationInUse, op.Error.Code)
	assert.Equal(t, gateCounts{1, 1}, f.onGate())
}

func TestPlatformNotWantedAnyMore(t *testing.T) {
	f := withPlatform(t)
	f.provisioned(wired())
	s := wired()
	s.DDOE.Driver = nil
	d := f.provisioned(s)
	assert.Equal(t, gateCounts{integrations: 1}, f.onGate())
	assert.Empty(t, d.Status.DDOE.DriverID)
	d = f.provisioned(spec("images"))
	assert.Equal(t, gateCounts{}, f.onGate())
	assert.Equal(t, "manual", d.Status.DDOE.Mode)
	assert.Empty(t, d.Status.DDOE.IntegrationID)
}

// TestPlatformCountThatLags: the platform still counts, and perhaps shows, a driver that has just been deleted. That is
// believed to be somebody's only after a while.
func TestPlatformCountThatLags(t *testing.T) {
	for lag, ended := range map[time.Duration]integration.OperationStatus{time.Second: integration.OperationSucceeded,
		100 * time.Second: integration.OperationSucceeded, 10 * time.Minute: integration.OperationFailed} {
		t.Run(lag.String(), func(t *testing.T) {
			f := withPlatform(t)
			f.carried(wired())
			f.quirk(platform.QuirkDriverCountLag, world.Object{"ms": float64(lag.Milliseconds())})
			f.advance(15 * time.Minute) // it is counted by now
			op := f.teardown()
			require.Equal(t, ended, op.Status, "%+v", op.Error)
			if ended == integration.OperationFailed {
				assert.Equal(t, diagnosis.CodeDDOEIntegrationInUse, op.Error.Code)
				assert.Contains(t, op.Error.Detail, "used by 1 driver(s)")
				f.advance(lag)
				require.Equal(t, integration.OperationSucceeded, f.teardown().Status)
			}
			assert.Equal(t, gateCounts{}, f.onGate())
		})
	}
	// Who is shown is not waited for.
	f := withPlatform(t)
	f.carried(wired())
	f.quirk(platform.QuirkDriverCountLag, world.Object{"ms": float64(60_000)})
	f.advance(15 * time.Minute)
	f.onceAt(`DELETE .*/drivers/`, 0, f.theirs)
	_, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	op := f.requireStatus(down.OperationID, integration.OperationFailed)
	assert.Contains(t, op.Error.Detail, "their driver (id theirs, project p-2)")
}
