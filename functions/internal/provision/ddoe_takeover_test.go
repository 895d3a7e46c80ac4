package provision_test

import (
	"encoding/json"
	"slices"
	"strings"
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

// reason is why the platform's side is left to a person, and how that is mended.
type reason struct {
	arrange, mend func(*fixture)
}

// reasons are all that there are. kind is the type's name on the platform.
func reasons(f *fixture) map[string]reason {
	offered := f.offered()
	return map[string]reason{
		"the type is not offered": {
			func(f *fixture) {
				require.NoError(f.t, f.world.DeleteDDOEObject(world.DDOEAvailableIntegrations, offered["type"].(string)))
			},
			func(f *fixture) {
				require.NoError(f.t, f.world.PutDDOEObject(world.DDOEAvailableIntegrations, offered))
			},
		},
		"an option is not mapped": {
			func(f *fixture) {
				more := f.offered()
				more["options"] = append(more["options"].([]any), world.Object{"name": "zone", "displayName": "Trust zone", "type": "string", "required": true})
				require.NoError(f.t, f.world.PutDDOEObject(world.DDOEAvailableIntegrations, more))
			},
			func(f *fixture) {
				options, err := provision.ParseOptionMap(`{"zone": "=z-1"}`)
				require.NoError(f.t, err)
				f.setPlatform(provision.Platform{OptionMap: options})
			},
		},
		"there is no API key": {
			func(f *fixture) { f.service.Platform = nil },
			func(f *fixture) { f.setPlatform(provision.Platform{}) },
		},
	}
}

// byHand makes an integration as a person does in the platform's form, and changes it.
func (f *fixture) byHand(id string, kind any, change func(world.Object)) {
	f.t.Helper()
	form := f.document().Status.DDOE.Form
	require.NotNil(f.t, form)
	o := world.Object{"id": id, "name": form.IntegrationName, "type": kind, "org": world.OrganizationID, "creator": world.UserEmail,
		"createdAt": f.now().UnixMilli(), "updatedAt": f.now().UnixMilli(), "options": world.Object{},
		"metadata": []any{world.Object{"id": "m-" + id, "name": "status", "value": "created", "integration": id}}}
	if change != nil {
		change(o)
	}
	require.NoError(f.t, f.world.PutDDOEObject(world.DDOEIntegrations, o))
}

// driverByHand makes the driver that status.ddoe.next asks for.
func (f *fixture) driverByHand(id, integrationID string, kind any) {
	f.t.Helper()
	require.NoError(f.t, f.world.PutDDOEObject(world.DDOEDrivers, world.Object{"id": id, "name": "images", "type": "azureblob", "creator": world.UserEmail,
		"integrationId": integrationID, "integrationType": kind, "projectId": world.ProjectID, "containerName": "images", "path": "", "allowExternalDelete": false,
		"metadata": world.Object{}}))
}

// mark is who an integration says it belongs to.
func (f *fixture) mark(id string) string {
	f.t.Helper()
	o, ok := f.world.DDOEObject(world.DDOEIntegrations, id)
	require.True(f.t, ok)
	for _, one := range o["metadata"].([]any) {
		if entry := one.(world.Object); entry["name"] == "managed-by" {
			return entry["value"].(string)
		}
	}
	return ""
}

// TestPlatformTakesOver: what a person made because the document said so is adopted as soon as the API can be used: it is
// not made a second time, it gets our options and our mark, and it is torn down.
func TestPlatformTakesOver(t *testing.T) {
	for name := range reasons(withPlatform(t)) {
		for _, dates := range []string{"", "string", "number"} {
			t.Run(name+", dates "+dates, func(t *testing.T) {
				f := withPlatform(t)
				if dates != "" {
					f.quirk(platform.QuirkDates, world.Object{"value": dates})
				}
				kind, why := f.offered()["type"], reasons(f)[name]
				why.arrange(f)
				handed := f.provisioned(wired()).Status.DDOE
				require.Equal(t, "manual", handed.Mode)
				for _, text := range []string{"project " + world.ProjectID, "named images", "container images", "no path", "the same PUT takes over"} {
					assert.Contains(t, handed.Next, text)
				}
				f.advance(time.Minute)
				f.byHand("by-hand", kind, nil)
				f.driverByHand("driver-by-hand", "by-hand", kind)
				f.advance(time.Minute)
				assert.Equal(t, handed, f.provisioned(wired()).Status.DDOE, "the same form, handed out when it was")

				why.mend(f)
				d := f.carried(wired())
				st := d.Status.DDOE
				assert.Equal(t, []string{"api", "by-hand", "driver-by-hand"}, []string{st.Mode, st.IntegrationID, st.DriverID})
				assert.Equal(t, kind, st.IntegrationType)
				assert.Nil(t, st.Form)
				assert.Nil(t, st.Since)
				assert.Empty(t, st.Why+st.Next)
				assert.Equal(t, gateCounts{1, 1}, f.onGate())
				assert.Equal(t, "ddoe-wif/0123abcd/my-service", f.mark("by-hand"))
				sent, err := json.Marshal(f.world.DDOEObjects(world.DDOEIntegrations)[0]["options"])
				require.NoError(t, err)
				assert.Contains(t, string(sent), d.Status.ClientID)
				i := slices.IndexFunc(f.operation(d.Status.LastOperationID).Steps, func(s integration.Step) bool { return s.Name == "ddoeIntegration" })
				assert.Equal(t, "adopted", f.operation(d.Status.LastOperationID).Steps[i].Outcome)
				f.verified(d.Status.LastOperationID)
				assert.Equal(t, integration.PhaseUsable, f.document().Status.Phase)

				before := len(f.requests)
				f.provisioned(wired())
				for _, r := range f.requests[before:] {
					assert.NotRegexp(t, `^(POST|PATCH|DELETE) gate`, r)
				}
				_, down := f.remove(provision.TeardownOptions{})
				f.handle(down)
				f.requireStatus(down.OperationID, integration.OperationSucceeded)
				assert.Equal(t, gateCounts{}, f.onGate(), "it is ours now")
			})
		}
	}
}

// TestPlatformTakesOverAndRenames: the name is that of the form, whatever the spec says by now.
func TestPlatformTakesOverAndRenames(t *testing.T) {
	f := withPlatform(t)
	kind, why := f.offered()["type"], reasons(f)["there is no API key"]
	why.arrange(f)
	f.provisioned(wired())
	f.byHand("by-hand", kind, nil)
	why.mend(f)
	s := wired()
	s.DisplayName = "Another: name"
	d := f.carried(s)
	assert.Equal(t, "by-hand", d.Status.DDOE.IntegrationID)
	assert.Equal(t, gateCounts{1, 1}, f.onGate())
	assert.Equal(t, "Another_ name", f.world.DDOEObjects(world.DDOEIntegrations)[0]["name"])
}

// TestPlatformTakesOverAcrossACrash kills the process at each effect of the taking over.
func TestPlatformTakesOverAcrossACrash(t *testing.T) {
	killedAnywhere(t, func() (*fixture, message.Command) {
		f := withPlatform(t)
		kind, why := f.offered()["type"], reasons(f)["there is no API key"]
		why.arrange(f)
		f.provisioned(wired())
		f.byHand("by-hand", kind, nil)
		f.driverByHand("driver-by-hand", "by-hand", kind)
		why.mend(f)
		_, cmd := f.submit(wired())
		return f, cmd
	}, func(f *fixture, cmd message.Command, n int) {
		f.completed(cmd)
		require.Equal(t, gateCounts{1, 1}, f.onGate(), "killed at effect %d", n)
		st := f.document().Status.DDOE
		require.Equal(t, []string{"by-hand", "driver-by-hand"}, []string{st.IntegrationID, st.DriverID}, "killed at effect %d", n)
	})
}

// TestPlatformForeignStays: an integration of our name that we did not tell anybody to make is not touched, and the remedy
// works.
func TestPlatformForeignStays(t *testing.T) {
	listedAs := func(members string) func(*fixture) {
		return func(f *fixture) {
			kind := f.offered()["type"].(string)
			f.answers(`GET .*/integrations$`, 200, "application/json", `[{"id":"theirs","name":"DDOE WIF my-service","type":"`+kind+`"`+members+`}]`)
		}
	}
	older := func(f *fixture, o world.Object) { o["createdAt"] = f.now().Add(-time.Hour).UnixMilli() }
	for name, c := range map[string]struct {
		change  func(*fixture, world.Object)
		arrange func(*fixture)
		detail  string
		steps   string
	}{
		"older than the form": {older, nil, "theirs", "Rename or delete"},
		"of unknown age":      {older, listedAs(`,"metadata":[]`), "theirs", "Rename or delete"},
		"of unreadable age":   {older, listedAs(`,"metadata":[],"createdAt":"yesterday"`), "theirs", "Rename or delete"},
		"perhaps marked":      {older, listedAs(`,"createdAt":4000000000000`), "theirs", "Rename or delete"},
		"marked by another tool": {func(_ *fixture, o world.Object) {
			o["metadata"] = []any{world.Object{"id": "m", "name": "managed-by", "value": "terraform"}}
		}, nil, "that this service did not make", "Rename or delete"},
		"marked by ourselves, for another": {func(_ *fixture, o world.Object) {
			o["metadata"] = []any{world.Object{"id": "m", "name": "managed-by", "value": "ddoe-wif/0123abcd/their-service"}}
		}, nil, "which this service made for their-service: two of one displayName", "Choose another displayName for one of the two"},
		"marked by another deployment": {func(_ *fixture, o world.Object) {
			o["metadata"] = []any{world.Object{"id": "m", "name": "managed-by", "value": "ddoe-wif/ffffffff/my-service"}}
		}, nil, "which another deployment of this service made for my-service", "If that deployment is gone for good"},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			kind, why := f.offered()["type"], reasons(f)["there is no API key"]
			why.arrange(f)
			f.provisioned(wired())
			f.byHand("theirs", kind, func(o world.Object) { c.change(f, o) })
			sound := f.hosts[platform.GateHost]
			if c.arrange != nil {
				c.arrange(f)
			}
			why.mend(f)
			a, cmd := f.submit(wired())
			f.handle(cmd)
			op := f.requireStatus(a.Operation.ID, integration.OperationFailed)
			assert.Equal(t, diagnosis.CodeDDOEIntegrationForeign, op.Error.Code)
			assert.Contains(t, op.Error.Detail, c.detail)
			assert.Contains(t, strings.Join(op.Error.Remedy.Steps, "\n"), c.steps)
			theirs, _ := f.world.DDOEObject(world.DDOEIntegrations, "theirs")
			assert.Equal(t, world.Object{}, theirs["options"], "nothing was sent")

			f.hosts[platform.GateHost] = sound
			s := wired()
			s.DisplayName = "Another name"
			d := f.carried(s)
			assert.NotEqual(t, "theirs", d.Status.DDOE.IntegrationID)
			assert.Equal(t, gateCounts{2, 1}, f.onGate())
			_, down := f.remove(provision.TeardownOptions{})
			f.handle(down)
			f.requireStatus(down.OperationID, integration.OperationSucceeded)
			assert.Equal(t, gateCounts{1, 0}, f.onGate(), "what is not ours stays")
		})
	}
}

// TestPlatformForeignIsRenamed: the other remedy, on the platform, with the same PUT.
func TestPlatformForeignIsRenamed(t *testing.T) {
	f := withPlatform(t)
	theirs := world.Object{"id": "theirs", "name": "DDOE WIF my-service", "type": f.offered()["type"], "org": world.OrganizationID, "options": world.Object{}, "metadata": []any{}}
	require.NoError(t, f.world.PutDDOEObject(world.DDOEIntegrations, theirs))
	a, cmd := f.submit(wired())
	f.handle(cmd)
	assert.Equal(t, diagnosis.CodeDDOEIntegrationForeign, f.requireStatus(a.Operation.ID, integration.OperationFailed).Error.Code)
	theirs["name"] = "theirs"
	require.NoError(t, f.world.PutDDOEObject(world.DDOEIntegrations, theirs))
	f.carried(wired())
	assert.Equal(t, gateCounts{2, 1}, f.onGate())

	// A new name that another has is as foreign as a first one.
	s := wired()
	s.DisplayName = "theirs"
	a, cmd = f.submit(s)
	f.handle(cmd)
	assert.Equal(t, diagnosis.CodeDDOEIntegrationForeign, f.requireStatus(a.Operation.ID, integration.OperationFailed).Error.Code)
	assert.Equal(t, gateCounts{2, 1}, f.onGate())
}

// TestPlatformSeveralByHand: which one was meant is for a person to say.
func TestPlatformSeveralByHand(t *testing.T) {
	f := withPlatform(t)
	kind, why := f.offered()["type"], reasons(f)["there is no API key"]
	why.arrange(f)
	f.provisioned(wired())
	f.byHand("one", kind, nil)
	f.byHand("two", kind, nil)
	why.mend(f)
	a, cmd := f.submit(wired())
	f.handle(cmd)
	op := f.requireStatus(a.Operation.ID, integration.OperationFailed)
	assert.Equal(t, diagnosis.CodeDDOEIntegrationForeign, op.Error.Code)
	assert.Contains(t, op.Error.Detail, "(id one), DDOE WIF my-service (id two)")
	assert.Contains(t, op.Error.Remedy.Steps[0], "all but one")
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEIntegrations, "one"))
	assert.Equal(t, "two", f.carried(wired()).Status.DDOE.IntegrationID)
	assert.Equal(t, gateCounts{1, 1}, f.onGate())
}

// TestPlatformAnotherForm: a form of another name, or for another organisation, counts from when it was handed out.
func TestPlatformAnotherForm(t *testing.T) {
	for name, change := range map[string]func(*integration.Spec){
		"another name":         func(s *integration.Spec) { s.DisplayName = "Another name" },
		"another organisation": func(s *integration.Spec) { s.DDOE.OrganizationID, s.DDOE.Driver = "o-2", nil },
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			kind, why := f.offered()["type"], reasons(f)["there is no API key"]
			require.NoError(t, f.world.PutDDOEObject(world.DDOEOrganizations, world.Object{"id": "o-2"}))
			why.arrange(f)
			f.provisioned(wired())
			f.advance(time.Minute)
			s := wired()
			change(&s)
			f.byHand("theirs", kind, func(o world.Object) {
				o["org"] = s.DDOE.OrganizationID
				if s.DisplayName != "" {
					o["name"] = s.DisplayName
				}
			})
			f.advance(time.Minute)
			f.provisioned(s)
			why.mend(f)
			a, cmd := f.submit(s)
			f.handle(cmd)
			op := f.requireStatus(a.Operation.ID, integration.OperationFailed)
			assert.Equal(t, diagnosis.CodeDDOEIntegrationForeign, op.Error.Code)
		})
	}
}

// TestPlatformMovesFromAFormOfNoOrganisation: a form that was handed out before ddoe was asked for counts.
func TestPlatformMovesFromAFormOfNoOrganisation(t *testing.T) {
	f := withPlatform(t)
	f.provisioned(spec("images"))
	f.byHand("by-hand", f.offered()["type"], nil)
	assert.Equal(t, "by-hand", f.carried(wired()).Status.DDOE.IntegrationID)
	assert.Equal(t, gateCounts{1, 1}, f.onGate())
}

// as submits a spec for another document and carries it out.
func (f *fixture) as(documentID string, s integration.Spec) (integration.Operation, *integration.DDOEStatus) {
	f.t.Helper()
	a, err := f.service.Submit(f.t.Context(), provision.Submission{ID: documentID, Spec: s})
	require.NoError(f.t, err)
	f.handle(f.command(a.Operation.ID))
	f.settle(f.command(a.Operation.ID))
	d, err := f.service.Repository.Get(f.t.Context(), documentID)
	require.NoError(f.t, err)
	return f.operation(a.Operation.ID), d.Status.DDOE
}

// TestPlatformTwoForms: two documents have handed out a form of one name. Whose the integration is that was made by it, nobody can
// tell; it is refused to both, until one takes another name. The other then takes it over.
func TestPlatformTwoForms(t *testing.T) {
	shared := func(subject string) integration.Spec {
		s := without(wired())
		s.DisplayName, s.ServiceName, s.Subjects = "Shared", "", []string{subject}
		return s
	}
	for _, marks := range []bool{true, false} {
		f := withPlatform(t)
		if !marks {
			f.quirk(platform.QuirkIntegrationAnswer, world.Object{"value": "unmarked"})
		}
		kind, why := f.offered()["type"], reasons(f)["there is no API key"]
		why.arrange(f)
		f.carried(shared(subject))
		f.as("another-service", shared(other))
		f.byHand("by-hand", kind, nil)
		why.mend(f)
		op := f.refused(shared(subject))
		assert.Equal(t, diagnosis.CodeDDOEIntegrationForeign, op.Error.Code)
		assert.Contains(t, op.Error.Detail, "for this spec or for another-service")
		assert.Contains(t, op.Error.Remedy.Steps[0], "another displayName")
		op, _ = f.as("another-service", shared(other))
		assert.Equal(t, diagnosis.CodeDDOEIntegrationForeign, op.Error.Code)

		s := shared(other)
		s.DisplayName = "Of their own"
		op, theirs := f.as("another-service", s)
		require.Equal(t, integration.OperationSucceeded, op.Status)
		assert.NotEqual(t, "by-hand", theirs.IntegrationID)
		assert.Equal(t, "by-hand", f.carried(shared(subject)).Status.DDOE.IntegrationID)
		assert.Equal(t, gateCounts{2, 0}, f.onGate())
	}
}

// TestPlatformAnotherDocumentsIntegration: what another document has taken over is not ours, although its mark is not shown.
func TestPlatformAnotherDocumentsIntegration(t *testing.T) {
	f := withPlatform(t)
	f.quirk(platform.QuirkIntegrationAnswer, world.Object{"value": "unmarked"})
	kind, why := f.offered()["type"], reasons(f)["there is no API key"]
	s := without(wired())
	s.DisplayName = "Shared"
	why.arrange(f)
	f.carried(s)
	f.byHand("by-hand", kind, func(o world.Object) { o["createdAt"] = f.now().Add(time.Hour).UnixMilli() })
	why.mend(f)
	require.Equal(t, "by-hand", f.carried(s).Status.DDOE.IntegrationID)
	why.arrange(f)
	theirs := s
	theirs.DisplayName = "Renamed"
	s.ServiceName, s.Subjects = "", []string{other}
	f.as("another-service", s)
	why.mend(f)
	f.submit(theirs) // and is not renamed yet
	op, _ := f.as("another-service", s)
	assert.Equal(t, diagnosis.CodeDDOEIntegrationForeign, op.Error.Code)
	assert.Contains(t, op.Error.Detail, "for this spec or for my-service")
	s.DisplayName = "Of their own"
	op, st := f.as("another-service", s)
	assert.Equal(t, integration.OperationSucceeded, op.Status, "%+v", op.Error)
	assert.NotEqual(t, "by-hand", st.IntegrationID)
	assert.Equal(t, gateCounts{2, 0}, f.onGate())
}

// TestPlatformFormOfTheDeleted: a document that was torn down lays claim to nothing, nor does a form for another organisation.
func TestPlatformFormOfTheDeleted(t *testing.T) {
	for name, c := range map[string]struct {
		theirs func(*integration.Spec)
		then   func(*fixture)
	}{
		"deleted": {func(*integration.Spec) {}, func(f *fixture) {
			a, err := f.service.SubmitTeardown(f.t.Context(), "another-service", provision.TeardownOptions{})
			require.NoError(f.t, err)
			f.handle(f.command(a.Operation.ID))
			f.requireStatus(a.Operation.ID, integration.OperationSucceeded)
		}},
		"for another organisation": {func(s *integration.Spec) { s.DDOE.OrganizationID = "o-2" }, func(*fixture) {}},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			kind, why := f.offered()["type"], reasons(f)["there is no API key"]
			why.arrange(f)
			s := without(wired())
			s.DisplayName = "Shared"
			f.carried(s)
			theirs := without(wired())
			theirs.DisplayName, theirs.ServiceName, theirs.Subjects = "Shared", "", []string{other}
			c.theirs(&theirs)
			f.as("another-service", theirs)
			f.byHand("by-hand", kind, nil)
			c.then(f)
			why.mend(f)
			assert.Equal(t, "by-hand", f.carried(s).Status.DDOE.IntegrationID)
		})
	}
}

// TestPlatformTakesOverBesideABadRecord: what another document claims nobody can tell, and it stops nobody.
func TestPlatformTakesOverBesideABadRecord(t *testing.T) {
	f := withPlatform(t)
	kind, why := f.offered()["type"], reasons(f)["there is no API key"]
	why.arrange(f)
	f.provisioned(without(wired()))
	f.byHand("by-hand", kind, nil)
	for name, body := range map[string]string{"aaa": "{", "zzz": `{"schemaVersion":2}`} {
		_, err := f.store.Put(t.Context(), "integrations/"+name+".json", []byte(body), "")
		require.NoError(t, err)
	}
	why.mend(f)
	assert.Equal(t, "by-hand", f.carried(without(wired())).Status.DDOE.IntegrationID)
}
