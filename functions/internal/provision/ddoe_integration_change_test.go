package provision_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestPlatformIntegrationUnchanged: the platform says 200 and keeps a member. That is no success: it is named, and once it is
// as it should be, or what the spec asks for, the same PUT passes.
func TestPlatformIntegrationUnchanged(t *testing.T) {
	rename := func(f *fixture) integration.Spec {
		f.carried(wired())
		s := wired()
		s.DisplayName = "Renamed"
		return s
	}
	for quirk, c := range map[string]struct {
		arrange func(*fixture) integration.Spec
		detail  string
		mend    func(*fixture)
	}{
		"keepsName": {rename, `name is "DDOE WIF my-service", not "Renamed"`, func(f *fixture) {
			f.changeOnGate(world.DDOEIntegrations, func(o world.Object) { o["name"] = "Renamed" })
		}},
		"keepsType": {func(f *fixture) integration.Spec {
			f.carried(wired())
			f.changeOnGate(world.DDOEIntegrations, func(o world.Object) { o["type"] = "another-type" })
			return wired()
		}, `type is "another-type", not "`, func(f *fixture) {
			f.changeOnGate(world.DDOEIntegrations, func(o world.Object) { o["type"] = f.offered()["type"] })
		}},
	} {
		t.Run(quirk, func(t *testing.T) {
			f := withPlatform(t)
			s := c.arrange(f)
			f.quirk(platform.QuirkIntegrationPatch, world.Object{"value": quirk})
			op := f.refused(s)
			assert.Equal(t, diagnosis.CodeDDOEIntegrationUnchanged, op.Error.Code)
			assert.Contains(t, op.Error.Detail, c.detail)
			c.mend(f)
			f.carried(s)
			assert.Equal(t, gateCounts{1, 1}, f.onGate())
			assert.Equal(t, integration.OperationSucceeded, f.teardown().Status)
			assert.Equal(t, gateCounts{}, f.onGate())
		})
	}
}

// TestPlatformMarkNotShown: a platform that does not show our mark, or does not keep it, costs nothing: what the document knows by
// its id is ours, the mark is not sent for ever, and all is torn down.
func TestPlatformMarkNotShown(t *testing.T) {
	for _, quirk := range []struct{ name, value string }{{platform.QuirkIntegrationAnswer, "unmarked"}, {platform.QuirkIntegrationPatch, "keepsMetadata"}} {
		for name, arrange := range map[string]func(*fixture){
			"made": func(f *fixture) { f.carried(wired()) },
			"taken over": func(f *fixture) {
				why := reasons(f)["there is no API key"]
				why.arrange(f)
				f.carried(wired())
				f.advance(time.Minute)
				f.byHand("by-hand", f.offered()["type"], nil)
				why.mend(f)
				assert.Equal(f.t, "by-hand", f.carried(wired()).Status.DDOE.IntegrationID)
			},
			"lost its mark": func(f *fixture) {
				f.carried(wired())
				f.changeOnGate(world.DDOEIntegrations, func(o world.Object) { o["metadata"] = []any{} })
			},
		} {
			t.Run(quirk.value+", "+name, func(t *testing.T) {
				f := withPlatform(t)
				f.quirk(quirk.name, world.Object{"value": quirk.value})
				arrange(f)
				before := len(f.requests)
				d := f.carried(wired())
				assert.Empty(t, f.writes(before))
				assert.Contains(t, f.steps(d.Status.LastOperationID), "ddoeIntegration unchanged")
				before = len(f.requests)
				f.carried(changed())
				f.requireChanged(0)
				assert.Equal(t, 1, f.sentTo(before, patchesIntegrations))
				assert.Equal(t, integration.OperationSucceeded, f.teardown().Status)
				assert.Equal(t, gateCounts{}, f.onGate())
			})
		}
	}
}

// TestPlatformAnothersMark: somebody has put theirs on what the document knows for ours. It is put right, once.
func TestPlatformAnothersMark(t *testing.T) {
	f := withPlatform(t)
	id := f.carried(wired()).Status.DDOE.IntegrationID
	f.changeOnGate(world.DDOEIntegrations, func(o world.Object) {
		o["metadata"] = []any{world.Object{"id": "m", "name": "managed-by", "value": "theirs"}}
	})
	f.carried(wired())
	assert.Equal(t, ownMark, f.mark(id))
	before := len(f.requests)
	f.carried(wired())
	assert.Empty(t, f.writes(before))
}

// TestPlatformAnswersAChangeLate: what a change is answered with may be as it was before; what the platform shows then counts.
func TestPlatformAnswersAChangeLate(t *testing.T) {
	for name, body := range map[string]func(world.Object) string{
		"the old name": func(o world.Object) string { return `{"id":"` + o["id"].(string) + `","name":"DDOE WIF my-service"}` },
		"an id alone":  func(o world.Object) string { return `{"id":"` + o["id"].(string) + `"}` },
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.carried(wired())
			f.answersDone(patchesIntegrations, body(f.world.DDOEObjects(world.DDOEIntegrations)[0]))
			s := wired()
			s.DisplayName = "Renamed"
			f.carried(s)
			assert.Equal(t, "Renamed", f.world.DDOEObjects(world.DDOEIntegrations)[0]["name"])
		})
	}
}

// TestPlatformSendsWhatDiffers: a platform that minds an integration's own name takes other options all the same.
func TestPlatformSendsWhatDiffers(t *testing.T) {
	for _, duplicate := range []string{platform.QuirkDuplicate400, platform.QuirkDuplicate409} {
		f := withPlatform(t)
		f.quirk(duplicate, nil)
		f.quirk(platform.QuirkIntegrationPatch, world.Object{"value": "mindsOwnName"})
		f.carried(without(wired()))
		d := f.carried(otherOptions())
		assert.Contains(t, f.optionsOnGate(), other)
		steps := f.operation(d.Status.LastOperationID).Steps
		i := slices.IndexFunc(steps, func(s integration.Step) bool { return s.Name == "ddoeIntegration" })
		assert.Equal(t, "updated", steps[i].Outcome)
	}
}

// TestPlatformChangeTakesValidationBack: what the platform has validated is said until a PUT changes something that it depends on.
func TestPlatformChangeTakesValidationBack(t *testing.T) {
	for name, c := range map[string]struct {
		arrange func(*fixture)
		change  func(*integration.Spec)
		stays   bool
	}{
		"the same again": {func(*fixture) {}, func(*integration.Spec) {}, true},
		"other options":  {func(*fixture) {}, func(s *integration.Spec) { s.ServiceName, s.Subjects = "", []string{other} }, false},
		"another name":   {func(*fixture) {}, func(s *integration.Spec) { s.DisplayName = "Renamed" }, false},
		"the integration was gone": {func(f *fixture) {
			require.NoError(f.t, f.world.DeleteDDOEObject(world.DDOEIntegrations, f.document().Status.DDOE.IntegrationID))
		}, func(*integration.Spec) {}, false},
		"a role assignment was gone": {func(f *fixture) {
			for _, a := range f.document().Status.RoleAssignments {
				_, err := f.world.DeleteRoleAssignment(a.ID)
				require.NoError(f.t, err)
			}
		}, func(*integration.Spec) {}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.verified(f.carried(wired()).Status.LastOperationID)
			require.True(t, f.document().Status.DDOE.Validated)
			c.arrange(f)
			s := wired()
			c.change(&s)
			st := f.carried(s).Status.DDOE
			assert.Equal(t, []bool{c.stays, c.stays}, []bool{st.Validated, st.CheckedAt != nil})
		})
	}
	t.Run("other options of the same spec, in a crash", func(t *testing.T) {
		killedAnywhere(t, func() (*fixture, message.Command) {
			f := withPlatform(t)
			f.verified(f.carried(wired()).Status.LastOperationID)
			otherMap(f)
			_, cmd := f.submit(wired())
			return f, cmd
		}, func(f *fixture, cmd message.Command, n int) {
			f.completed(cmd)
			require.False(t, f.document().Status.DDOE.Validated, "killed at effect %d", n)
		})
	})
	t.Run("the API cannot be used any more", func(t *testing.T) {
		f := withPlatform(t)
		f.verified(f.carried(wired()).Status.LastOperationID)
		reasons(f)["the type is not offered"].arrange(f)
		st := f.carried(wired()).Status.DDOE
		assert.Equal(t, []any{"manual", true, true}, []any{st.Mode, st.Validated, st.CheckedAt != nil})
		s := wired()
		s.ServiceName, s.Subjects = "", []string{other}
		st = f.carried(s).Status.DDOE
		assert.Equal(t, []any{"manual", false, false}, []any{st.Mode, st.Validated, st.CheckedAt != nil})
	})
}
