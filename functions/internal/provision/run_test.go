package provision_test

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

func TestProvisionMakesEverything(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	a, cmd := f.submit(spec("images"))
	assert.True(t, a.Created)
	assert.Equal(t, integration.PhasePending, a.Document.Status.Phase)
	f.handle(cmd)

	assert.Equal(t, counts{applications: 1, principals: 1, credentials: 1, assignments: 1}, f.counts())
	d := f.Document()
	app := f.world.Applications()[0]
	assert.Equal(t, "ddoe-wif-0123abcd-my-service", app.UniqueName)
	assert.ElementsMatch(t, []string{"managed-by:ddoe-wif", "integration:my-service"}, app.Tags)
	assert.Equal(t, integration.PhaseProvisioned, d.Status.Phase)
	assert.Equal(t, app.AppID, d.Status.ClientID)
	assert.Equal(t, app.ID, d.Status.Identity.ID)
	require.Len(t, d.Status.FederatedCredentials, 1)
	trust := f.world.FederatedCredentials(app.ID)[0]
	assert.Equal(t, integration.FederatedCredential{Name: trust.Name, ID: trust.ID, Issuer: world.Issuer,
		Subject: subject, Audience: "api://AzureADTokenExchange"}, d.Status.FederatedCredentials[0])
	require.Len(t, d.Status.RoleAssignments, 1)
	grant, ok := f.world.RoleAssignment(d.Status.RoleAssignments[0].ID)
	require.True(t, ok)
	assert.Equal(t, "ServicePrincipal", grant.PrincipalType)
	assert.Equal(t, d.Status.ServicePrincipalID, grant.PrincipalID)
	assert.False(t, d.Status.RoleAssignments[0].Adopted)

	op := f.RequireStatus(a.Operation.ID, integration.OperationSucceeded)
	var result integration.ProvisionResult
	require.NoError(t, json.Unmarshal(op.Result, &result))
	assert.Equal(t, integration.ProvisionResult{ClientID: app.AppID, TenantID: world.TenantID, ObjectID: app.ID,
		ServicePrincipalID: d.Status.ServicePrincipalID}, result)
	require.Len(t, op.Steps, 4)
	for _, step := range op.Steps {
		assert.Equal(t, "done", step.Status, step.Name)
		assert.Equal(t, "created", step.Outcome, step.Name)
		assert.NotEmpty(t, step.RequestID, step.Name)
	}
	assert.Equal(t, []string{"provisioned"}, f.events())
	verify := f.Message(a.Operation.ID + "-verify-0")
	assert.Equal(t, id, verify.SessionID)
	assert.Equal(t, f.Now().Add(10*time.Second), verify.EnqueueAt)
	require.NotNil(t, d.Status.DDOE)
	assert.Equal(t, "manual", d.Status.DDOE.Mode)
	assert.Equal(t, &integration.DDOEForm{IntegrationName: "DDOE WIF my-service", Provider: "Azure",
		IntegrationType: "Workload Identity Federation",
		ClientID:        app.AppID, TenantID: world.TenantID, ImportFile: "azure_credentials.json"},
		d.Status.DDOE.Form)
}

func TestProvisionFromTheQueueAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := spec("images")
	cmd := message.Command{Type: message.TypeProvision, ID: "event-1", IntegrationID: id,
		OperationID: "event-1", Spec: &s}
	f.handle(cmd)
	f.handle(cmd) // delivered again
	f.RequireStatus("event-1", integration.OperationSucceeded)
	assert.Equal(t, counts{applications: 1, principals: 1, credentials: 1, assignments: 1}, f.counts())

	// The same operation id with another spec is refused and does no harm, however faulty that spec is.
	for _, another := range []integration.Spec{spec("images", "archive"), {}} {
		f.handle(message.Command{Type: message.TypeProvision, ID: "event-2", IntegrationID: id, OperationID: "event-1",
			Spec: &another})
	}
	f.RequireStatus("event-1", integration.OperationSucceeded)
	assert.Equal(t, integration.PhaseProvisioned, f.Document().Status.Phase)

	// Without a spec it is a repair.
	require.NoError(t, f.world.DeleteFederatedCredential(f.Document().Status.Identity.ID,
		f.Document().Status.FederatedCredentials[0].Name))
	f.handle(message.Command{Type: message.TypeProvision, ID: "event-3", IntegrationID: id, OperationID: "event-3"})
	f.RequireStatus("event-3", integration.OperationSucceeded)
	assert.Equal(t, counts{applications: 1, principals: 1, credentials: 1, assignments: 1}, f.counts())
}

func TestFaultySpecFromTheQueueIsRecorded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := spec("images")
	s.Issuer = "http://dataloop.ai"
	f.handle(message.Command{Type: message.TypeProvision, ID: "event-1", IntegrationID: id,
		OperationID: "event-1", Spec: &s})
	op := f.RequireStatus("event-1", integration.OperationFailed)
	assert.Equal(t, diagnosis.CodeInvalidSpec, op.Error.Code)
	require.Len(t, op.Error.Findings, 1)
	assert.Equal(t, []any{"/data/spec/issuer", "One member of the spec breaks a rule."},
		[]any{op.Error.Findings[0].Pointer, op.Error.Detail}, "it points into the message")
	s.Audience = " "
	f.handle(message.Command{Type: message.TypeProvision, ID: "event-2", IntegrationID: id,
		OperationID: "event-2", Spec: &s})
	op = f.RequireStatus("event-2", integration.OperationFailed)
	require.Len(t, op.Error.Findings, 2)
	assert.Equal(t, "2 members of the spec break a rule.", op.Error.Detail)
	assert.Empty(t, f.requests, "nothing was touched")
	_, err := f.service.Repository.Get(t.Context(), id)
	assert.ErrorIs(t, err, integration.ErrNotFound)
}

func TestProvisionTwiceAndAtTheSameTime(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := spec("images", "archive")
	s.Subjects = []string{other}
	a, cmd := f.submit(s)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() { assert.NoError(t, f.worker.Handle(t.Context(), cmd)) })
	}
	group.Wait()
	f.RequireStatus(a.Operation.ID, integration.OperationSucceeded)
	want := counts{applications: 1, principals: 1, credentials: 2, assignments: 2}
	assert.Equal(t, want, f.counts())
	f.provisioned(s)
	assert.Equal(t, want, f.counts())
}

func TestUpdateConverges(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := spec("images", "archive")
	s.Subjects = []string{other}
	before := f.provisioned(s)

	s = spec("images")
	s.Storage[0].Access = integration.AccessRead
	s.Issuer = "https://rc.dataloop.ai/oauth2"
	s.DisplayName = "Renamed"
	after := f.provisioned(s)

	assert.Equal(t, before.Status.ClientID, after.Status.ClientID)
	assert.Equal(t, counts{applications: 1, principals: 1, credentials: 1, assignments: 1}, f.counts())
	assert.Equal(t, "Renamed", f.world.Applications()[0].DisplayName)
	trust := f.world.FederatedCredentials(after.Status.Identity.ID)[0]
	assert.Equal(t, "https://rc.dataloop.ai/oauth2", trust.Issuer, "the old issuer is not trusted any more")
	assert.Equal(t, subject, trust.Subject)
	require.Len(t, after.Status.RoleAssignments, 1)
	assert.Contains(t, after.Status.RoleAssignments[0].RoleDefinitionID, rbac.RoleBlobDataReader)
}

func TestServicePrincipalMadeAnew(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	before := f.provisioned(spec("images"))
	require.NoError(t, f.world.DeleteServicePrincipal(before.Status.ServicePrincipalID))
	require.NoError(t, f.world.PurgeDeletedItem(before.Status.ServicePrincipalID))
	after := f.provisioned(spec("images"))
	assert.NotEqual(t, before.Status.ServicePrincipalID, after.Status.ServicePrincipalID)
	assert.Equal(t, 1, f.counts().principals)
	require.Len(t, after.Status.RoleAssignments, 1)
	assert.Equal(t, after.Status.ServicePrincipalID, after.Status.RoleAssignments[0].PrincipalID)
	assert.Equal(t, 1, f.counts().assignments, "the old principal's assignment is gone")
}

func TestSupersededOperationIsCanceled(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first, one := f.submit(spec("images"))
	second, two := f.submit(spec("archive"))
	f.handle(one)
	op := f.RequireStatus(first.Operation.ID, integration.OperationCanceled)
	assert.Equal(t, diagnosis.CodeSuperseded, op.Error.Code)
	assert.Empty(t, f.requests)
	f.handle(two)
	f.RequireStatus(second.Operation.ID, integration.OperationSucceeded)
	assert.Equal(t, counts{applications: 1, principals: 1, credentials: 1, assignments: 1}, f.counts())
}

// twoSubjects asks for two credentials and two assignments.
func twoSubjects() integration.Spec {
	s := spec("images", "archive")
	s.Subjects = []string{other}
	return s
}

// twoManaged asks for the same of a managed identity.
func twoManaged() integration.Spec { return of(integration.IdentityManaged, twoSubjects()) }

// works are operations that are killed at each of their effects.
var works = map[string]struct {
	prepare func(*fixture)
	begin   func(*fixture) message.Command
	want    counts
	events  []string
}{
	"create": {
		begin:  func(f *fixture) message.Command { _, c := f.submit(twoSubjects()); return c },
		want:   counts{applications: 1, principals: 1, credentials: 2, assignments: 2},
		events: []string{"provisioned"},
	},
	"update": {
		prepare: func(f *fixture) { f.provisioned(twoSubjects()) },
		begin:   func(f *fixture) message.Command { _, c := f.submit(spec("images")); return c },
		want:    counts{applications: 1, principals: 1, credentials: 1, assignments: 1},
		events:  []string{"provisioned", "provisioned"},
	},
	"teardown": {
		prepare: func(f *fixture) { f.provisioned(twoSubjects()) },
		begin:   func(f *fixture) message.Command { _, c := f.remove(provision.TeardownOptions{}); return c },
		want:    counts{deleted: 2},
		events:  []string{"provisioned", "deleted"},
	},
	"purge": {
		prepare: func(f *fixture) { f.provisioned(twoSubjects()) },
		begin: func(f *fixture) message.Command {
			_, c := f.remove(provision.TeardownOptions{Purge: true})
			return c
		},
		events: []string{"provisioned", "deleted"},
	},
	"create, managed": {
		begin:  func(f *fixture) message.Command { _, c := f.submit(twoManaged()); return c },
		want:   counts{identities: 1, credentials: 2, assignments: 2},
		events: []string{"provisioned"},
	},
	"update, managed": {
		prepare: func(f *fixture) { f.provisioned(twoManaged()) },
		begin: func(f *fixture) message.Command {
			_, c := f.submit(of(integration.IdentityManaged, spec("images")))
			return c
		},
		want:   counts{identities: 1, credentials: 1, assignments: 1},
		events: []string{"provisioned", "provisioned"},
	},
	"teardown, managed": {
		prepare: func(f *fixture) { f.provisioned(twoManaged()) },
		begin:   func(f *fixture) message.Command { _, c := f.remove(provision.TeardownOptions{}); return c },
		events:  []string{"provisioned", "deleted"},
	},
	"restore": {
		prepare: func(f *fixture) {
			f.provisioned(twoSubjects())
			_, c := f.remove(provision.TeardownOptions{})
			f.handle(c)
		},
		begin:  func(f *fixture) message.Command { _, c := f.submit(twoSubjects()); return c },
		want:   counts{applications: 1, principals: 1, credentials: 2, assignments: 2},
		events: []string{"provisioned", "deleted", "provisioned"},
	},
}

// TestARunKilledAnywhereIsFinishedByTheNext kills the process at each request, write and message of a piece of work,
// delivers the command again to a new process, and expects exact object counts.
func TestARunKilledAnywhereIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	for name, work := range works {
		t.Run(name, func(t *testing.T) {
			killedAnywhere(t, func() (*fixture, message.Command) {
				f := newFixture(t)
				if work.prepare != nil {
					work.prepare(f)
				}
				return f, work.begin(f)
			}, func(f *fixture, cmd message.Command, n int) {
				f.handle(cmd)
				f.RequireStatus(cmd.OperationID, integration.OperationSucceeded)
				require.Equal(t, work.want, f.counts(), "killed at effect %d", n)
				require.Equal(t, work.events, f.events(), "killed at effect %d", n)
			})
		})
	}
}

// TestTeardownAfterACrash tears down what a killed process made without learning its ids.
func TestTeardownAfterACrash(t *testing.T) {
	t.Parallel()
	killedAnywhere(t, func() (*fixture, message.Command) {
		f := newFixture(t)
		_, cmd := f.submit(spec("images"))
		return f, cmd
	}, func(f *fixture, cmd message.Command, n int) {
		a, down := f.remove(provision.TeardownOptions{Purge: true})
		f.handle(down)
		f.RequireStatus(a.Operation.ID, integration.OperationSucceeded)
		require.Equal(t, counts{}, f.counts(), "killed at effect %d", n)
		f.handle(cmd) // the old command is delivered at last
		require.Equal(t, counts{}, f.counts(), "killed at effect %d", n)
	})
}

// TestUpdateAfterACrash changes the intent after a killed attempt: what that one made and is not wanted any more goes.
func TestUpdateAfterACrash(t *testing.T) {
	t.Parallel()
	killedAnywhere(t, func() (*fixture, message.Command) {
		f := newFixture(t)
		s := spec("images", "archive")
		s.Subjects = []string{other}
		_, cmd := f.submit(s)
		return f, cmd
	}, func(f *fixture, _ message.Command, n int) {
		f.provisioned(spec("archive"))
		require.Equal(t, counts{applications: 1, principals: 1, credentials: 1, assignments: 1}, f.counts(),
			"killed at effect %d", n)
	})
}

// TestAnotherIdentityAfterACrash asks for an application after a killed attempt at a managed identity: whatever that
// one has made is known by its record, and goes.
func TestAnotherIdentityAfterACrash(t *testing.T) {
	t.Parallel()
	killedAnywhere(t, func() (*fixture, message.Command) {
		f := newFixture(t)
		_, cmd := f.submit(of(integration.IdentityManaged, spec("images")))
		return f, cmd
	}, func(f *fixture, _ message.Command, n int) {
		a, err := f.service.Submit(t.Context(), provision.Submission{ID: id, Replace: true,
			Spec: of(integration.IdentityApplication, spec("images"))})
		require.NoError(t, err)
		f.handle(f.Command(a.Operation.ID))
		f.RequireStatus(a.Operation.ID, integration.OperationSucceeded)
		require.Equal(t, counts{applications: 1, principals: 1, credentials: 1, assignments: 1}, f.counts(),
			"killed at effect %d", n)
	})
}

func TestWhatASupersededRunHasLearntIsKept(t *testing.T) {
	t.Parallel()
	for name, early := range map[string]bool{"before the first request": true, "during the first request": false} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			first, one := f.submit(spec("images"))
			var second operation.Accepted
			takeOver := func() {
				var err error
				second, err = f.service.Submit(t.Context(), provision.Submission{ID: id, Spec: spec("archive")})
				assert.NoError(t, err)
			}
			if early {
				f.Store.OnceBeforePut(takeOver)
			} else {
				f.meanwhile = takeOver
			}
			f.handle(one)
			f.RequireStatus(first.Operation.ID, integration.OperationCanceled)
			d := f.Document()
			assert.Equal(t, integration.PhasePending, d.Status.Phase, "the newer operation has not begun")
			if !early { // else it depends on which of the first two records was written first
				assert.NotEmpty(t, d.Status.Identity.ID, "what was learnt is kept")
			}
			assert.Empty(t, f.events())
			f.handle(f.Command(second.Operation.ID))
			f.RequireStatus(second.Operation.ID, integration.OperationSucceeded)
			assert.Equal(t, counts{applications: 1, principals: 1, credentials: 1, assignments: 1}, f.counts())
		})
	}
}

func TestDeliveredAgainAfterTheEnd(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := f.provisioned(spec("images"))
	before := len(f.requests)
	f.handle(f.Command(d.Status.LastOperationID))
	assert.Len(t, f.requests, before)
}

func TestApplicationMadeAnew(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	before := f.provisioned(spec("images"))
	require.NoError(t, f.world.DeleteApplication(before.Status.Identity.ID))
	require.NoError(t, f.world.PurgeDeletedItem(before.Status.Identity.ID))
	f.fails(fault{match: at(patchPrincipal), times: 1, status: 403, code: "Directory_QuotaExceeded"})
	_, cmd := f.submit(spec("images"))
	f.handle(cmd)
	assert.NotEqual(t, before.Status.ClientID, f.Document().Status.ClientID)
	assert.Empty(t, f.Document().Status.ServicePrincipalID, "another application has another service principal")
	after := f.provisioned(spec("images"))
	assert.Equal(t, 1, f.counts().principals)
	assert.Equal(t, 1, f.counts().assignments)
	assert.NotEqual(t, before.Status.ServicePrincipalID, after.Status.ServicePrincipalID)
}

// TestTeardownFindsStrays tears down with a status that has forgotten everything but the ids.
func TestTeardownFindsStrays(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.provisioned(spec("images", "archive"))
	_, err := f.service.Repository.Update(t.Context(), id, func(d *integration.Document) error {
		d.Status.RoleAssignments, d.Status.FederatedCredentials = nil, nil
		return nil
	})
	require.NoError(t, err)
	_, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	assert.Equal(t, counts{deleted: 2}, f.counts())
}

func TestPurgeWaitsForTheRecycleBin(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault fault
		most  time.Duration // that it may wait
	}{
		"not in the bin yet": {fault{status: 404, code: "Request_ResourceNotFound", times: 2}, time.Minute},
		// What was seen purged is not waited for.
		"the first answer is lost": {fault{times: 1, after: true}, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.provisioned(spec("images"))
			c.fault.match = at(`^DELETE .*/directory/deletedItems/`)
			f.fails(c.fault)
			_, down := f.remove(provision.TeardownOptions{Purge: true})
			f.handle(down)
			f.RequireStatus(down.OperationID, integration.OperationSucceeded)
			assert.Equal(t, counts{}, f.counts())
			assert.Positive(t, f.Slept())
			assert.LessOrEqual(t, f.Slept(), c.most)
		})
	}
}

// TestAPurgeInHasteIsLeftToALaterAttempt: that something is not in the recycle bin counts after the whole wait alone.
func TestAPurgeInHasteIsLeftToALaterAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.pause = func(ctx context.Context, d time.Duration) error {
			time.Sleep(d) // deadlines are by the bubble's clock
			return f.Sleep(ctx, d)
		}
		f.provisioned(spec("images"))
		f.fails(fault{match: at(`^DELETE .*/directory/deletedItems/`), status: 404, code: "Request_ResourceNotFound"})
		_, down := f.remove(provision.TeardownOptions{Purge: true})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		require.NoError(t, f.worker.Handle(ctx, down))
		waiting := f.Operation(down.OperationID).Waiting
		require.NotNil(t, waiting)
		assert.Equal(t, diagnosis.CodeDirectoryNotReplicated, waiting.Code)
		f.faults = nil
		f.handle(f.Command(down.OperationID + "-retry-1"))
		f.RequireStatus(down.OperationID, integration.OperationSucceeded)
		assert.Equal(t, counts{}, f.counts())
	})
}

func TestCreateDeleteCreateKeepsTheClientID(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first := f.provisioned(spec("images"))
	a, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	f.RequireStatus(a.Operation.ID, integration.OperationSucceeded)
	grave := f.Document()
	assert.Equal(t, integration.PhaseDeleted, grave.Status.Phase)
	assert.Equal(t, first.Status.Identity.ID, grave.Status.Identity.ID)
	assert.Equal(t, counts{deleted: 2}, f.counts())

	again, cmd := f.submit(spec("images"))
	assert.True(t, again.Created)
	f.handle(cmd)
	op := f.RequireStatus(again.Operation.ID, integration.OperationSucceeded)
	assert.True(t, slices.ContainsFunc(op.Steps, func(s integration.Step) bool {
		return s.Name == "restore-application" && s.Outcome == "restored"
	}))
	second := f.Document()
	assert.Equal(t, first.Status.ClientID, second.Status.ClientID)
	assert.Equal(t, first.Status.ServicePrincipalID, second.Status.ServicePrincipalID)
	assert.Equal(t, counts{applications: 1, principals: 1, credentials: 1, assignments: 1}, f.counts())
}

func TestPurgeAfterwards(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first := f.provisioned(spec("images"))
	_, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	_, purge := f.remove(provision.TeardownOptions{Purge: true})
	f.handle(purge)
	assert.Equal(t, counts{}, f.counts())
	_, err := f.service.SubmitTeardown(t.Context(), id, provision.TeardownOptions{Purge: true})
	requireCode(t, "integration-deleted", err)
	second := f.provisioned(spec("images"))
	assert.NotEqual(t, first.Status.ClientID, second.Status.ClientID)
}

// TestARestoredApplicationBringsNoOldTrustBack: what comes out of the recycle bin has the credentials that it went in
// with.
func TestARestoredApplicationBringsNoOldTrustBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first := spec("images")
	first.ServiceName, first.Subjects = "", []string{other}
	d := f.provisioned(first)
	require.NoError(t, f.world.DeleteApplication(d.Status.Identity.ID))
	_, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	f.RequireStatus(down.OperationID, integration.OperationSucceeded)
	d = f.provisioned(spec("images"))
	require.Len(t, f.world.FederatedCredentials(d.Status.Identity.ID), 1)
	assert.Equal(t, subject, f.world.FederatedCredentials(d.Status.Identity.ID)[0].Subject)
}
