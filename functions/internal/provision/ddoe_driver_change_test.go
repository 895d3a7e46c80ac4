package provision_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const (
	otherProject      = "project-2"
	otherOrganization = "organization-2"
)

// elsewhere makes a second organisation with a project, and a second project.
func (f *fixture) elsewhere() {
	f.t.Helper()
	require.NoError(f.t, f.world.PutDDOEObject(world.DDOEOrganizations, world.Object{"id": otherOrganization, "name": "Other"}))
	for _, id := range []string{otherProject, "project-3"} {
		require.NoError(f.t, f.world.PutDDOEObject(world.DDOEProjects, world.Object{"id": id, "name": id}))
	}
}

func inProject(id string) integration.Spec {
	s := wired()
	s.DDOE.Driver.ProjectID = id
	return s
}

// bareOrNot runs a test with drivers that are shown whole, and with such that say no more than they must.
func bareOrNot(t *testing.T, test func(t *testing.T, f *fixture)) {
	for _, bare := range []bool{false, true} {
		t.Run(fmt.Sprintf("bare=%v", bare), func(t *testing.T) {
			f := withPlatform(t)
			f.elsewhere()
			if bare {
				f.quirk(platform.QuirkDriverAnswer, world.Object{"value": "bare"})
			}
			test(t, f)
		})
	}
}

// TestPlatformDriverChanges follows a driver through the changes of its spec: what can be changed is changed in place,
// once, and nothing else is touched, however little the platform says.
func TestPlatformDriverChanges(t *testing.T) {
	bareOrNot(t, func(t *testing.T, f *fixture) {
		s := wired()
		f.carried(s)
		id := f.onlyDriver()["id"]
		for _, step := range []struct {
			name   string
			change func()
			member string
			want   any
		}{
			{"path", func() { s.DDOE.Driver.Path = "sub" }, "path", "sub"},
			{"name", func() { s.DDOE.Driver.Name = "renamed" }, "name", "renamed"},
			{"deleting", func() { s.DDOE.Driver.AllowExternalDelete = true }, "allowExternalDelete", true},
			{"container", func() { s.Storage[0].Container = "archive" }, "containerName", "archive"},
			{"the root again", func() { s.DDOE.Driver.Path = "" }, "path", ""},
			{"not deleting", func() { s.DDOE.Driver.AllowExternalDelete = false }, "allowExternalDelete", false},
		} {
			step.change()
			before := len(f.requests)
			f.carried(s)
			assert.Equal(t, step.want, f.onlyDriver()[step.member], step.name)
			assert.Equal(t, id, f.onlyDriver()["id"], step.name)
			assert.Equal(t, []string{"PATCH drivers"}, f.writes(before), step.name)
			before = len(f.requests)
			f.carried(s)
			assert.Empty(t, f.writes(before), step.name)
		}
	})
}

// TestPlatformDriverRemade: another project or type is another driver; the one before goes only when the other is tested.
func TestPlatformDriverRemade(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*fixture) integration.Spec
		member string
		want   any
	}{
		"project": {func(*fixture) integration.Spec { return inProject(otherProject) }, "projectId", otherProject},
		"type": {func(f *fixture) integration.Spec {
			f.account(func(a *world.StorageAccount) { a.HierarchicalNamespace = true })
			return wired()
		}, "type", "azureDatalakeGen2"},
	} {
		t.Run(name, func(t *testing.T) {
			bareOrNot(t, func(t *testing.T, f *fixture) {
				f.carried(wired())
				old := f.onlyDriver()
				s := c.change(f)
				plan, err := f.service.Plan(t.Context(), id, s)
				require.NoError(t, err)
				deletes := slices.ContainsFunc(plan.Steps, func(s provision.PlannedStep) bool {
					return s.Name == "ddoeDriver" && s.Action == provision.ActionDelete && s.Target == old["id"]
				})
				assert.Equal(t, c.member == "projectId", deletes, "a plan says what it knows; the account's kind is not asked for")
				f.closed(true)
				op := f.refused(s)
				assert.Equal(t, diagnosis.CodeNetworkRulesBlocked, op.Error.Code)
				assert.Equal(t, old, f.onlyDriver(), "what works is not given up")

				f.closed(false)
				before := len(f.requests)
				d := f.carried(s)
				assert.Equal(t, []string{"DELETE drivers", "POST drivers"}, f.writes(before))
				assert.Equal(t, c.want, f.onlyDriver()[c.member])
				assert.NotEqual(t, old["id"], f.onlyDriver()["id"])
				f.verified(d.Status.LastOperationID)
				assert.Equal(t, integration.PhaseUsable, f.document().Status.Phase)
			})
		})
	}
}

// TestPlatformDriverOfALostIntegration: the integration was deleted on the platform. Where the driver can be moved to the
// next one it stays; otherwise it is made anew.
func TestPlatformDriverOfALostIntegration(t *testing.T) {
	for quirk, stays := range map[string]bool{"": true, "keepsExternalDelete": true, "keepsIntegration": false, "refusesIntegration": false} {
		t.Run("as "+quirk, func(t *testing.T) {
			bareOrNot(t, func(t *testing.T, f *fixture) {
				before := f.carried(wired()).Status.DDOE
				if quirk != "" {
					f.quirk(platform.QuirkDriverPatch, world.Object{"value": quirk})
				}
				require.NoError(t, f.world.DeleteDDOEObject(world.DDOEIntegrations, before.IntegrationID))
				d := f.carried(wired())
				assert.NotEqual(t, before.IntegrationID, d.Status.DDOE.IntegrationID)
				assert.Equal(t, gateCounts{1, 1}, f.onGate())
				assert.Equal(t, stays, f.onlyDriver()["id"] == before.DriverID)
				f.verified(d.Status.LastOperationID)
				assert.Equal(t, integration.PhaseUsable, f.document().Status.Phase)
				since := len(f.requests)
				f.carried(wired())
				assert.Empty(t, f.writes(since))
			})
		})
	}
}

// TestPlatformRefusesToMoveADriver: however the platform says that it does not move the driver of an integration that was lost, it
// is made anew; an answer that says nothing of it is no reason to give it up.
func TestPlatformRefusesToMoveADriver(t *testing.T) {
	for status, stays := range map[int]bool{400: false, 403: false, 409: false, 422: false, 402: true, 413: true} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			f := withPlatform(t)
			before := f.carried(wired()).Status.DDOE
			require.NoError(t, f.world.DeleteDDOEObject(world.DDOEIntegrations, before.IntegrationID))
			f.fails(fault{match: regexp.MustCompile(`PATCH gate.*/drivers/`), status: status})
			if stays {
				f.refused(wired())
			} else {
				f.carried(wired())
			}
			require.Equal(t, gateCounts{1, 1}, f.onGate())
			assert.Equal(t, stays, f.driversOnGate()[0]["id"] == before.DriverID)
		})
	}
}

// TestPlatformDriverMovedByAPerson: who put the driver on another integration had a reason, and datasets are on it. It is
// moved back where the platform does that, and never made anew, whatever became of ours.
func TestPlatformDriverMovedByAPerson(t *testing.T) {
	for _, quirk := range []string{"keepsIntegration", "refusesIntegration"} {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, ours is lost=%v", quirk, lost), func(t *testing.T) {
				f := withPlatform(t)
				d := f.carried(wired())
				id := f.onlyDriver()["id"]
				f.changeOnGate(world.DDOEDrivers, func(o world.Object) { o["integrationId"] = "theirs" })
				if lost {
					require.NoError(t, f.world.DeleteDDOEObject(world.DDOEIntegrations, d.Status.DDOE.IntegrationID))
				}
				f.quirk(platform.QuirkDriverPatch, world.Object{"value": quirk})
				op := f.refused(wired())
				assert.Equal(t, diagnosis.CodeDDOEDriverUnchanged, op.Error.Code)
				assert.Contains(t, op.Error.Detail, `integrationId is "theirs", not "`+f.document().Status.DDOE.IntegrationID)
				assert.Equal(t, quirk == "refusesIntegration", strings.Contains(op.Error.Detail, "The platform says: Forbidden: sudo only"))
				assert.Equal(t, id, f.driversOnGate()[0]["id"])
				require.NoError(t, f.world.DeleteDDOEObject(world.DDOEQuirks, platform.QuirkDriverPatch))
				f.carried(wired())
				assert.Equal(t, id, f.onlyDriver()["id"])
			})
		}
	}
}

// TestPlatformDriverUnchanged: a change that the platform accepts and does not make is not passed over, least of all the
// right to delete what is in the storage.
func TestPlatformDriverUnchanged(t *testing.T) {
	f := withPlatform(t)
	f.quirk(platform.QuirkDriverCreate, world.Object{"value": "ignoresExternalDelete"})
	f.carried(wired())
	assert.Equal(t, false, f.onlyDriver()["allowExternalDelete"], "the default that nobody asked for is taken back")

	f.quirk(platform.QuirkDriverPatch, world.Object{"value": "keepsExternalDelete"})
	s := wired()
	s.DDOE.Driver.AllowExternalDelete, s.DDOE.Driver.Path = true, "sub"
	op := f.refused(s)
	assert.Equal(t, diagnosis.CodeDDOEDriverUnchanged, op.Error.Code)
	assert.Contains(t, op.Error.Detail, `and did not: allowExternalDelete is "false", not "true".`)
	assert.Equal(t, "sub", f.onlyDriver()["path"])

	// Each way that the remedy names is one.
	s.DDOE.Driver.AllowExternalDelete = false
	f.carried(s)
	s.DDOE.Driver.AllowExternalDelete = true
	f.refused(s)
	f.changeOnGate(world.DDOEDrivers, func(o world.Object) { o["allowExternalDelete"] = true })
	f.carried(s)
	s.DDOE.Driver.AllowExternalDelete = false
	f.refused(s)
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEQuirks, platform.QuirkDriverCreate))
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEDrivers, f.onlyDriver()["id"].(string)))
	f.carried(s)
	assert.Equal(t, false, f.onlyDriver()["allowExternalDelete"])
}

// TestPlatformDriverChangeTakesValidationBack: what the platform has validated is not what is there now.
func TestPlatformDriverChangeTakesValidationBack(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*integration.Spec)
		stays  bool
	}{
		"the same again": {func(*integration.Spec) {}, true},
		"changed":        {func(s *integration.Spec) { s.DDOE.Driver.Path = "sub" }, false},
		"made anew":      {func(s *integration.Spec) { s.DDOE.Driver.ProjectID = otherProject }, false},
		"dropped":        {func(s *integration.Spec) { s.DDOE.Driver = nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.elsewhere()
			f.verified(f.carried(wired()).Status.LastOperationID)
			require.True(t, f.document().Status.DDOE.Validated)
			s := wired()
			c.change(&s)
			st := f.carried(s).Status.DDOE
			assert.Equal(t, []bool{c.stays, c.stays}, []bool{st.Validated, st.CheckedAt != nil})
		})
	}
}

// TestPlatformGoneBeforeItsChange: what was found is removed before it is changed. The next attempt makes it anew.
func TestPlatformGoneBeforeItsChange(t *testing.T) {
	for request, kind := range map[string]string{`PATCH .*/integrations$`: world.DDOEIntegrations, patchesDriver: world.DDOEDrivers} {
		t.Run(kind, func(t *testing.T) {
			f := withPlatform(t)
			f.carried(wired())
			gone := f.world.DDOEObjects(kind)[0]["id"].(string)
			f.onceAt(request, 0, func() { require.NoError(t, f.world.DeleteDDOEObject(kind, gone)) })
			f.carried(changed())
			f.requireChanged(0)
			_, there := f.world.DDOEObject(kind, gone)
			assert.False(t, there)
		})
	}
}

// TestPlatformDriverShownWithSlashes: the platform's way to write a folder is no difference.
func TestPlatformDriverShownWithSlashes(t *testing.T) {
	f := withPlatform(t)
	s := wired()
	s.DDOE.Driver.Path = "sub/folder"
	f.carried(s)
	f.changeOnGate(world.DDOEDrivers, func(o world.Object) { o["path"] = "/sub/folder/" })
	before := len(f.requests)
	f.carried(s)
	assert.Empty(t, f.writes(before))
}

// TestPlatformOrganizationAndProjectChange: what was made in the old organisation does not stay there.
func TestPlatformOrganizationAndProjectChange(t *testing.T) {
	bareOrNot(t, func(t *testing.T, f *fixture) {
		old := f.carried(wired()).Status.DDOE
		s := inProject(otherProject)
		s.DDOE.OrganizationID = otherOrganization
		d := f.carried(s)
		assert.Equal(t, gateCounts{1, 1}, f.onGate())
		assert.Equal(t, otherOrganization, f.world.DDOEObjects(world.DDOEIntegrations)[0]["org"])
		assert.Equal(t, otherProject, f.onlyDriver()["projectId"])
		assert.Equal(t, otherOrganization, d.Status.DDOE.OrganizationID)
		assert.NotEqual(t, old.IntegrationID, d.Status.DDOE.IntegrationID)

		// The project alone: the integration stays.
		s.DDOE.Driver.ProjectID = "project-3"
		d2 := f.carried(s)
		assert.Equal(t, d.Status.DDOE.IntegrationID, d2.Status.DDOE.IntegrationID)
		assert.Equal(t, "project-3", f.onlyDriver()["projectId"])
		f.verified(d2.Status.LastOperationID)
		assert.Equal(t, integration.PhaseUsable, f.document().Status.Phase)
	})
}

// TestPlatformMoveIsTestedFirst: a move to another organisation gives up what works only where the storage can be reached.
func TestPlatformMoveIsTestedFirst(t *testing.T) {
	moved := func() integration.Spec {
		s := inProject(otherProject)
		s.DDOE.OrganizationID = otherOrganization
		return s
	}
	for name, c := range map[string]struct {
		role string // in the organisation that it is moved to
		code diagnosis.Code
	}{
		"the storage is closed":     {"", "network-rules-blocked"},
		"the role does not suffice": {"member", "ddoe-organization-role-missing"},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.elsewhere()
			made := f.carried(wired()).Status.DDOE
			f.closed(c.role == "")
			if c.role != "" {
				f.answers(`GET .*/users/orgs$`, 200, "application/json", `[{"org":"`+otherOrganization+`","member":"a@b","role":"`+c.role+`"}]`)
			}
			op := f.refused(moved())
			assert.Equal(t, c.code, op.Error.Code)
			assert.Equal(t, gateCounts{1, 1}, f.onGate())
			st := f.document().Status.DDOE
			assert.Equal(t, []string{made.IntegrationID, made.DriverID, made.OrganizationID}, []string{st.IntegrationID, st.DriverID, st.OrganizationID})
			assert.Equal(t, made.DriverID, f.onlyDriver()["id"])
			if c.role == "" {
				assert.Contains(t, op.Error.Detail, "nothing of it was removed")
				// The way around it that the detail names is one.
				f.carried(spec("images"))
				assert.Equal(t, gateCounts{}, f.onGate())
				f.closed(false)
				f.carried(moved())
				assert.Equal(t, otherProject, f.onlyDriver()["projectId"])
			}
		})
	}
	// What the old driver has says nothing where options or place are others from now on.
	for name, change := range map[string]func(*integration.Spec){
		"subject":   func(s *integration.Spec) { s.ServiceName, s.Subjects = "", []string{other} },
		"container": func(s *integration.Spec) { s.Storage[0].Container = "archive" },
	} {
		t.Run(name+" changes too", func(t *testing.T) {
			f := withPlatform(t)
			f.elsewhere()
			f.carried(wired())
			s := moved()
			change(&s)
			before := len(f.requests)
			f.carried(s)
			assert.Zero(t, f.sentTo(before, `GET gate.*/drivers/[^/]*/test$`)-1, "the new one alone")
			assert.Equal(t, otherOrganization, f.document().Status.DDOE.OrganizationID)
			f.onlyDriver()
		})
	}
}

// TestPlatformDriverKilledAnywhere kills the process at each effect of a provisioning that makes the driver
// anew, and carries on; or does not, and tears down, or asks for no driver any more.
func TestPlatformDriverKilledAnywhere(t *testing.T) {
	t.Parallel()
	keeps := func(f *fixture) integration.Spec {
		f.quirk(platform.QuirkDriverPatch, world.Object{"value": "keepsIntegration"})
		require.NoError(f.t, f.world.DeleteDDOEObject(world.DDOEIntegrations, f.document().Status.DDOE.IntegrationID))
		return wired()
	}
	changes := map[string]func(*fixture) integration.Spec{
		"project": func(*fixture) integration.Spec { return inProject(otherProject) },
		"type": func(f *fixture) integration.Spec {
			f.account(func(a *world.StorageAccount) { a.HierarchicalNamespace = true })
			return wired()
		},
		"integration deleted": keeps,
		"organization": func(*fixture) integration.Spec {
			s := inProject(otherProject)
			s.DDOE.OrganizationID = otherOrganization
			return s
		},
	}
	after := map[string]func(t *testing.T, f *fixture, s integration.Spec, n int){
		"carried on": func(t *testing.T, f *fixture, s integration.Spec, n int) {
			require.Equal(t, gateCounts{1, 1}, f.onGate(), "killed at effect %d", n)
			require.Equal(t, s.DDOE.Driver.ProjectID, f.onlyDriver()["projectId"])
		},
		"torn down": func(t *testing.T, f *fixture, _ integration.Spec, n int) {
			op := f.teardown()
			require.Equal(t, integration.OperationSucceeded, op.Status, "killed at effect %d: %+v", n, op.Error)
			require.Equal(t, gateCounts{}, f.onGate(), "killed at effect %d", n)
		},
		"without a driver": func(t *testing.T, f *fixture, s integration.Spec, n int) {
			s.DDOE.Driver = nil
			f.carried(s)
			require.Equal(t, gateCounts{integrations: 1}, f.onGate(), "killed at effect %d", n)
			require.Nil(t, f.document().Status.DDOE.Driver)
		},
	}
	for what, change := range changes {
		for then, check := range after {
			if then != "carried on" && what != "project" {
				continue // what is left behind does not depend on why
			}
			t.Run(what+", "+then, func(t *testing.T) {
				var s integration.Spec
				killedAnywhere(t, func() (*fixture, message.Command) {
					f := withPlatform(t)
					f.elsewhere()
					f.carried(wired())
					s = change(f)
					_, cmd := f.submit(s)
					return f, cmd
				}, func(f *fixture, cmd message.Command, n int) {
					if then == "carried on" {
						f.completed(cmd)
					}
					check(t, f, s, n)
				})
			})
		}
	}
}
