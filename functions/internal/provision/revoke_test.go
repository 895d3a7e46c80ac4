package provision_test

import (
	"context"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	credentialfile "github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// arrival is a request as it came to a service.
type arrival struct {
	line string // "METHOD host/path?query"
	at   time.Duration
}

// arrivals are the requests that came to the clouds and the platform, in their order.
type arrivals struct {
	mu  sync.Mutex
	all []arrival
}

// noteArrivals notes what comes from now on.
func noteArrivals(f *fixture) *arrivals {
	noted, began := &arrivals{}, time.Now()
	for _, host := range []string{"graph.microsoft.com", "management.azure.com", platform.GateHost} {
		next := f.hosts[host]
		f.hosts[host] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			noted.mu.Lock()
			noted.all = append(noted.all, arrival{r.Method + " " + r.Host + r.URL.RequestURI(), time.Since(began)})
			noted.mu.Unlock()
			next.ServeHTTP(w, r)
		})
	}
	return noted
}

// first is the index of the first request that the pattern matches; -1 for none.
func (a *arrivals) first(pattern string) int {
	return slices.IndexFunc(a.all, func(one arrival) bool { return at(pattern).MatchString(one.line) })
}

// firstRepeat is the index of the first request to the platform that had come before.
func (a *arrivals) firstRepeat() int {
	known := map[string]bool{}
	return slices.IndexFunc(a.all, func(one arrival) bool {
		isKnown := known[one.line]
		known[one.line] = strings.Contains(one.line, platform.GateHost)
		return isKnown
	})
}

const (
	deletesCredential = `^(DELETE graph\.microsoft\.com/.*/federatedIdentityCredentials/|POST graph.*/\$batch)`
	deletesAssignment = `^DELETE management\.azure\.com/.*/roleAssignments/`
	deletesAnything   = `^DELETE `
)

// trusted has the platform's side, and two subjects.
func trusted() integration.Spec {
	s := wired()
	s.Subjects = []string{other}
	return s
}

// whoGetsIn are the subjects of the application's credentials, and the containers of its assignments.
func whoGetsIn(f *fixture) []string {
	var found []string
	for _, a := range f.world.Applications() {
		for _, c := range f.world.FederatedCredentials(a.ID) {
			found = append(found, c.Subject)
		}
	}
	for _, a := range f.world.RoleAssignments() {
		if a.PrincipalID != world.AppPrincipalID {
			found = append(found, path.Base(a.Scope))
		}
	}
	return found
}

// outagesOfThePlatform are ways in which it does not answer.
var outagesOfThePlatform = map[string]http.HandlerFunc{
	"down":        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
	"key refused": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
	"hung": func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	},
	"slow": func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(19 * time.Second)
		w.WriteHeader(http.StatusBadGateway)
	},
}

// TestRevokingWaitsForNobody: whatever the platform does, trust and rights go as soon as they were looked at, before
// any request to it is repeated. What it does not say in time is no veto. Its own part is tried again, and the same
// operation ends it; where a person has to act first, the same request does.
func TestRevokingWaitsForNobody(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		begin func(f *fixture) message.Command
		waits time.Duration // for a platform that states nothing
		left  []string      // who gets in where before the platform is back
		ends  gateCounts
	}{
		"DELETE": {begin: func(f *fixture) message.Command {
			_, down := f.remove(provision.TeardownOptions{})
			return down
		}, waits: 5 * time.Second},
		"PUT without a subject and a container": {begin: func(f *fixture) message.Command {
			s := wired()
			s.Storage[0].Container = "archive"
			_, change := f.submit(s)
			return change
		}, left: []string{subject, "archive"}, ends: gateCounts{1, 1}},
	} {
		for outage, answer := range outagesOfThePlatform {
			t.Run(name+"/"+outage, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f := withPlatform(t)
					f.carried(trusted())
					f.pause = func(ctx context.Context, d time.Duration) error {
						time.Sleep(d)
						return f.Sleep(ctx, d)
					}
					command, well := c.begin(f), f.hosts[platform.GateHost]
					f.hosts[platform.GateHost], f.latency = answer, latencies()
					delete(f.latency, serviceStore) // a task that waits for a lock would stop the virtual clock
					noted := noteArrivals(f)
					f.handle(command)
					limit := 2 * latencies()[serviceGraph]
					if outage == "hung" || outage == "slow" {
						limit += c.waits
					}
					repeat := noted.firstRepeat()
					if outage == "hung" { // it is asked again by the next attempt
						require.Negative(t, repeat)
						repeat = len(noted.all)
					}
					require.Positive(t, repeat, "the platform's part is tried again: %v", noted.all)
					for _, revokes := range []string{deletesCredential, deletesAssignment} {
						i := noted.first(revokes)
						require.GreaterOrEqual(t, i, 0, revokes)
						assert.Less(t, i, repeat, "%s: %v", revokes, noted.all)
						assert.LessOrEqual(t, noted.all[i].at, limit, "%s: %v", revokes, noted.all)
					}
					assert.Equal(t, c.left, whoGetsIn(f), "before the platform is back")
					f.hosts[platform.GateHost], f.latency = well, nil
					command = f.carryOn(outage, command, c.begin)
					f.RequireStatus(command.OperationID, integration.OperationSucceeded)
					assert.Equal(t, c.ends, f.onGate())
				})
			})
		}
	}
}

// carryOn ends what an outage has left: the same operation does, or, after a person has given another key, the same
// request.
func (f *fixture) carryOn(outage string, c message.Command, begin func(*fixture) message.Command) message.Command {
	if outage != "key refused" {
		f.finish(c)
		return c
	}
	o := f.RequireStatus(c.OperationID, integration.OperationFailed)
	require.Equal(f.t, diagnosis.CodeDDOEUnauthorized, o.Error.Code)
	again := begin(f)
	f.handle(again)
	return again
}

// TestAnObjectionInTimeStopsATeardown before anything is touched, also where it is slow to say so.
func TestAnObjectionInTimeStopsATeardown(t *testing.T) {
	t.Parallel()
	for name, latency := range map[string]time.Duration{"at once": 0, "slowly": 1500 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := withPlatform(t)
				d := f.carried(wired())
				others(f, d.Status.DDOE.IntegrationID)
				f.latency = latencies()
				f.latency[servicePlatform] = latency
				delete(f.latency, serviceStore)
				noted := noteArrivals(f)
				_, down := f.remove(provision.TeardownOptions{})
				f.handle(down)
				op := f.RequireStatus(down.OperationID, integration.OperationFailed)
				assert.Equal(t, diagnosis.CodeDDOEIntegrationInUse, op.Error.Code)
				assert.Negative(t, noted.first(deletesAnything), "%v", noted.all)
				assert.Equal(t, diagnosis.CodeDDOEIntegrationInUse, f.condition("Deleted").Reason)
				assert.Equal(t, "True", f.condition("Provisioned").Status, "not withdrawn")
				assert.Nil(t, integration.Unwatched(f.Document()), "it is still there, and is looked at")
			})
		})
	}
}

// others have a driver on the platform's integration.
func others(f *fixture, integrationID string) {
	f.t.Helper()
	require.NoError(f.t, f.world.PutDDOEObject(dataloop.Drivers, dataloop.Object{"id": "theirs", "name": "theirs",
		"integrationId": integrationID, "projectId": dataloop.ProjectID, "containerName": "images"}))
}

// TestWhatWasSeenToBeAbsentIsNotLeft: a first attempt has removed all but the platform's integration, and others use
// that now.
func TestWhatWasSeenToBeAbsentIsNotLeft(t *testing.T) {
	t.Parallel()
	for kind, subjects := range map[integration.IdentityKind][]string{integration.IdentityApplication: nil,
		integration.IdentityManaged: {other}} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			f := withPlatform(t)
			s := of(kind, wired())
			s.Subjects = subjects
			d := f.carried(s)
			f.fails(fault{match: at(`^DELETE gate\.dataloop\.ai/.*integrations`), status: 403})
			_, first := f.remove(provision.TeardownOptions{})
			f.handle(first)
			require.Equal(t, integration.OperationFailed, f.finish(first).Status)
			require.Zero(t, f.counts().applications+f.counts().credentials+f.counts().assignments)
			others(f, d.Status.DDOE.IntegrationID)
			_, second := f.remove(provision.TeardownOptions{})
			f.handle(second)
			op := f.RequireStatus(second.OperationID, integration.OperationFailed)
			require.Equal(t, diagnosis.CodeDDOEIntegrationInUse, op.Error.Code)
			left := f.teardownResult(op).Left
			require.Len(t, left, 1, "%s", strings.Join(left, "\n"))
			assert.True(t, strings.HasPrefix(left[0], "ddoeIntegration "), left[0])
		})
	}
}

// TestWhatOthersHaveRemovedIsNotLeft: objects that the record knows, and that two reads do not show.
func TestWhatOthersHaveRemovedIsNotLeft(t *testing.T) {
	t.Parallel()
	f := withPlatform(t)
	d := f.carried(wired())
	others(f, d.Status.DDOE.IntegrationID)
	require.NoError(t, f.world.DeleteFederatedCredential(d.Status.Identity.ID, d.Status.FederatedCredentials[0].Name))
	_, err := f.world.DeleteRoleAssignment(d.Status.RoleAssignments[0].ID)
	require.NoError(t, err)
	require.NoError(t, f.world.DeleteApplication(d.Status.Identity.ID))
	_, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	op := f.RequireStatus(down.OperationID, integration.OperationFailed)
	for _, text := range f.teardownResult(op).Left {
		assert.True(t, strings.HasPrefix(text, "ddoe"), text)
	}
	assert.Len(t, f.teardownResult(op).Left, 2)
}

// TestATeardownWithdrawsWhatTheDocumentClaims: from the first removal on nobody is told that access works, also where
// the teardown gives up later.
func TestATeardownWithdrawsWhatTheDocumentClaims(t *testing.T) {
	t.Parallel()
	f := withPlatform(t)
	f.verified(f.carried(wired()).Status.LastOperationID)
	require.Equal(t, integration.PhaseUsable, f.Document().Status.Phase)
	require.True(t, f.Document().Status.DDOE.Validated)
	var atFirst *integration.Document
	for _, host := range []string{"graph.microsoft.com", "management.azure.com"} {
		next := f.hosts[host]
		f.hosts[host] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if d := f.Document(); r.Method == http.MethodDelete && atFirst == nil {
				atFirst = &d
			}
			next.ServeHTTP(w, r)
		})
	}
	f.fails(fault{match: at(`^DELETE gate\.dataloop\.ai/`), status: 403})
	_, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	require.Equal(t, integration.OperationFailed, f.finish(down).Status)
	require.NotNil(t, atFirst)
	ended := f.Operation(down.OperationID).Error
	for name, d := range map[string]integration.Document{"at the first removal": *atFirst,
		"at the end": f.Document()} {
		why := diagnosis.New(diagnosis.CodeDeprovisioning)
		if name == "at the end" {
			why = *ended // nobody waits for a teardown that has failed
		}
		for _, c := range d.Status.Conditions {
			assert.Equal(t, "False", c.Status, "%s: %s", name, c.Type)
		}
		assert.True(t, d.HasCondition(integration.ConditionProvisioned, "False", &why), name)
		assert.True(t, d.HasCondition(integration.ConditionVerified, "False", &why), name)
		assert.False(t, d.Status.DDOE.Validated, name)
		_, err := credentialfile.CredentialFile(d, "")
		var refused *diagnosis.Error
		require.ErrorAs(t, err, &refused, name)
		assert.Equal(t, diagnosis.CodeNotProvisioned, refused.Diagnosis.Code, name)
	}
}
