package platform_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// faults are the ways in which a request fails: instead of being done, or after.
func faults() map[string]fault {
	all := map[string]fault{
		"reset": {}, "lost answer": {after: true},
		"429 soon":  statusWith(http.StatusTooManyRequests, http.Header{"Retry-After": {"1"}}),
		"HTML page": {answer: page(http.StatusOK)}, "HTML 404": {answer: page(http.StatusNotFound)},
		"HTML page after": {after: true, answer: page(http.StatusOK)},
		"truncated JSON": {after: true, answer: func(r *http.Request, done *http.Response) (*http.Response, error) {
			whole, err := io.ReadAll(done.Body)
			return respond(r, done.StatusCode, done.Header, string(whole[:len(whole)/2])), err
		}},
	}
	for _, code := range []int{429, 500, 502, 503, 401, 404, 409, 412} {
		all[fmt.Sprint(code)] = status(code)
		if code >= 500 {
			after := status(code)
			after.after = true
			all[fmt.Sprint(code, " after")] = after
		}
	}
	return all
}

func page(code int) func(r *http.Request, _ *http.Response) (*http.Response, error) {
	return func(r *http.Request, _ *http.Response) (*http.Response, error) {
		return respond(r, code, http.Header{"Content-Type": {"text/html"}}, "<!doctype html><html></html>"), nil
	}
}

// scenario is a run to which a request fails.
type scenario struct {
	begin func(t *testing.T) *fixture
	view  resource.View
	end   func(f *fixture, msg string)
	// attempts is how many runs it takes with nothing failing; 0 is one.
	attempts int
}

// run makes the attempts that a scenario takes.
func (s scenario) run(f *fixture) (o outcome) {
	for range max(1, s.attempts) {
		o = f.run(s.view)
	}
	return o
}

func scenarios() map[string]scenario {
	isMade := func(f *fixture, msg string) { f.requireOne(msg) }
	isGone := func(f *fixture, msg string) {
		require.Empty(f.t, f.integrations(), msg)
		require.Empty(f.t, f.drivers(), msg)
		require.Empty(f.t, f.document.Status.DDOE.IntegrationID, msg)
		require.Empty(f.t, f.document.Status.DDOE.DriverID, msg)
	}
	changed := func(change func(f *fixture, s *integration.Spec)) func(t *testing.T) *fixture {
		return func(t *testing.T) *fixture {
			f := newFixture(t).provisioned()
			next := wired()
			change(f, &next)
			f.document.ReplaceSpec(next)
			return f
		}
	}
	return map[string]scenario{
		"create": {begin: newFixture, view: resource.View{Fresh: true}, end: isMade},
		"change": {begin: changed(func(_ *fixture, s *integration.Spec) {
			s.DisplayName, s.Subjects = "Renamed", []string{"system:serviceaccount:dataloop:other"}
			s.DDOE.Driver.Path, s.DDOE.Driver.AllowExternalDelete, s.DDOE.Driver.Name = "a/b", true, "other"
		}), end: isMade},
		"move": {begin: changed(func(f *fixture, s *integration.Spec) {
			f.put(dataloop.Organizations, dataloop.Object{"id": "other-org", "name": "Other"})
			f.put(dataloop.Projects, dataloop.Object{"id": "other-project", "name": "Other",
				"org": dataloop.Object{"id": "other-org"}})
			s.DDOE.OrganizationID, s.DDOE.Driver.ProjectID = "other-org", "other-project"
		}), end: isMade, attempts: 2},
		"unchanged": {begin: changed(func(*fixture, *integration.Spec) {}), end: isMade},
		"unwanted":  {begin: changed(func(_ *fixture, s *integration.Spec) { s.DDOE = nil }), end: isGone},
		"teardown": {begin: changed(func(*fixture, *integration.Spec) {}), view: resource.View{Ending: true},
			end: isGone},
	}
}

var ids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)

// asked are the different requests of a run in which nothing fails, as patterns.
func (s scenario) asked(t *testing.T) []string {
	f := s.begin(t)
	require.Empty(t, s.run(f).errs)
	var all []string
	for _, r := range f.requests {
		pattern := ids.ReplaceAllString(regexp.QuoteMeta(r), "[^/?]*") + "$"
		if !slices.Contains(all, pattern) {
			all = append(all, pattern)
		}
	}
	return all
}

// Whatever fails, the end is what was asked for, or an error that the same request mends later: nothing is forgotten,
// nothing is disowned, nothing is left, and nothing of others is touched.
func TestEveryRequestFailsInEveryWay(t *testing.T) {
	t.Parallel()
	for name, s := range scenarios() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			total := 0
			for _, pattern := range s.asked(t) {
				for how, x := range faults() {
					for _, times := range []int{1, 0} {
						total++
						s.failsOnce(t, pattern, times, x, fmt.Sprintf("%s fails with %s (%d times)", pattern,
							how, times))
					}
				}
			}
			t.Logf("%d faults", total)
			assert.GreaterOrEqual(t, total, 180)
		})
	}
}

// failsOnce carries a run out to which a request fails, and then the same request again.
func (s scenario) failsOnce(t *testing.T, pattern string, times int, x fault, msg string) {
	f := s.begin(t)
	theirs := f.put(dataloop.Integrations, dataloop.Object{"id": "theirs", "name": "theirs", "type": "azureblob",
		"org":       dataloop.OrganizationID,
		"createdAt": 1, "options": dataloop.Object{"a": "b"}, "metadata": []any{}})
	f.strike(pattern, times, x)
	if o := s.run(f); len(o.errs) == 0 {
		f.without("theirs", func() { s.end(f, msg) })
	}
	f.calm()
	f.repeat(s, msg)
	f.unchangedTheirs(theirs)
	f.without("theirs", func() { s.end(f, msg) })
}

// repeat sends the same request again, a few times at most, until it succeeds.
func (f *fixture) repeat(s scenario, msg string) {
	f.t.Helper()
	var o outcome
	for range 3 {
		if o = f.run(s.view); len(o.errs) == 0 {
			require.Empty(f.t, f.run(s.view).errs, msg) // what a lost create has made may only be seen now
			return
		}
	}
	require.Empty(f.t, o.errs, msg)
}

// without looks at the world as if an integration was not there.
func (f *fixture) without(id string, look func()) {
	f.t.Helper()
	o, _ := f.world.DDOEObject(dataloop.Integrations, id)
	require.NoError(f.t, f.world.DeleteDDOEObject(dataloop.Integrations, id))
	look()
	f.put(dataloop.Integrations, o)
}

// A process that ends between a request and the record leaves what the next run finds, also where the spec has changed
// meanwhile.
func TestKilledBeforeTheRecord(t *testing.T) {
	t.Parallel()
	others := map[string]func(s *integration.Spec){
		"the same":   func(*integration.Spec) {},
		"none":       func(s *integration.Spec) { s.DDOE = nil },
		"no driver":  func(s *integration.Spec) { s.DDOE.Driver = nil },
		"another":    func(s *integration.Spec) { s.DDOE.Driver.Path = "elsewhere" },
		"other name": func(s *integration.Spec) { s.DisplayName = "Other"; s.DDOE.Driver.Name = "other" },
		"organisation": func(s *integration.Spec) {
			s.DDOE.OrganizationID, s.DDOE.Driver.ProjectID = "other-org", "other-project"
		},
	}
	for name, s := range scenarios() {
		if s.view.Ending {
			continue
		}
		for other, change := range others {
			t.Run(name+", then "+other, func(t *testing.T) {
				t.Parallel()
				for n := 1; ; n++ {
					f := s.begin(t)
					f.put(dataloop.Organizations, dataloop.Object{"id": "other-org", "name": "Other"})
					f.put(dataloop.Projects, dataloop.Object{"id": "other-project", "name": "Other",
						"org": dataloop.Object{"id": "other-org"}})
					kept, killed := f.document, f.killed(s, n)
					if !killed {
						break
					}
					if f.document.Status.DDOE == nil { // nothing was written down
						f.document = kept
					}
					next := wired()
					change(&next)
					f.document.ReplaceSpec(next)
					msg := fmt.Sprint("killed at ", n)
					f.repeat(scenario{view: resource.View{}}, msg)
					switch {
					case next.DDOE == nil:
						require.Empty(t, f.integrations(), msg)
						require.Empty(t, f.drivers(), msg)
					case next.DDOE.Driver == nil:
						require.Len(t, f.integrations(), 1, msg)
						require.Empty(t, f.drivers(), msg)
					default:
						f.requireOne(msg)
					}
				}
			})
		}
	}
}

// killed carries a run out whose process ends after its n-th write, of which nothing is written down; false where
// there are fewer.
func (f *fixture) killed(s scenario, n int) (killed bool) {
	f.t.Helper()
	defer func() {
		f.calm()
		killed = recover() != nil
	}()
	f.strike(`(POST|PATCH|DELETE) `, 0,
		fault{after: true, answer: func(_ *http.Request, done *http.Response) (*http.Response, error) {
			if n--; n == 0 {
				panic("killed")
			}
			return done, nil
		}})
	s.run(f)
	return false
}

// After a refusal nothing is waited for, and after a lost answer half a minute at most before the create is sent
// again.
func TestACreateThatIsRefusedIsNotInDoubt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		x       fault
		creates int
		most    time.Duration
	}{
		"429 soon": {statusWith(http.StatusTooManyRequests, http.Header{"Retry-After": {"1"}}), 2,
			2 * time.Second},
		"lost, and not":  {fault{}, 2, 31 * time.Second},
		"lost, but made": {fault{after: true}, 1, time.Second},
		"500":            {status(500), 2, 31 * time.Second},
		"500 after":      {fault{after: true, answer: status(500).answer}, 1, time.Second},
	} {
		for _, create := range []string{"POST /orgs/", "POST /drivers"} {
			t.Run(name+"/"+create, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				began := f.now()
				f.strike(create, 1, c.x)
				require.Empty(t, f.run(resource.View{}).errs)
				assert.LessOrEqual(t, f.now().Sub(began), c.most)
				creates := slices.DeleteFunc(f.writes(), func(r string) bool { return !strings.HasPrefix(r, create) })
				assert.Len(t, creates, c.creates)
				f.requireOne(name)
			})
		}
	}
}

// A create in doubt is not sent again by an invocation that has no time to look as long as a list may lag.
func TestACreateInDoubtIsNotSentAgainInHaste(t *testing.T) {
	t.Parallel()
	for _, x := range []fault{{}, status(http.StatusConflict)} {
		f := newFixture(t)
		f.strike("POST /orgs/", 0, x)
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Second)
		defer cancel()
		kind, view := f.kinds()[0], resource.View{Document: f.document}
		results := kind.Apply(ctx, view, kind.Observe(ctx, view))
		require.Len(t, results, 1)
		assert.Equal(t, diagnosis.CodeDDOECreateUnsettled, describe(results[0].Err).Code)
		assert.Equal(t, policy.RetryLater, policy.ActionOf(results[0].Err))
		assert.Len(t, f.writes(), 1)
	}
}

// A name that the platform calls taken and its list does not show is a named end, at once or after half a minute.
func TestNameTakenWithAnEmptyList(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	began := f.now()
	f.strike("POST /orgs/", 0, status(http.StatusConflict))
	o := f.run(resource.View{})
	assert.Equal(t, []string{"ddoe-integration-name-taken"}, o.codes())
	assert.LessOrEqual(t, f.now().Sub(began), 31*time.Second)
	f.calm()
	require.Empty(t, f.run(resource.View{}).errs)
	f.requireOne("later")
}

// One 404 on our own driver, while it is to be changed, decides nothing.
func TestOne404DisownsNothing(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"GET /drivers/", "PATCH /drivers/", "GET /integrations/", "PATCH /orgs/"} {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t).provisioned()
			before := *f.document.Status.DDOE
			next := wired()
			next.DDOE.Driver.Path, next.DisplayName = "a/b", "Renamed"
			f.document.ReplaceSpec(next)
			f.strike(pattern, 1, status(http.StatusNotFound))
			f.run(resource.View{})
			f.calm()
			require.Empty(t, f.run(resource.View{}).errs)
			f.requireOne(pattern)
			assert.Equal(t, []string{before.IntegrationID, before.DriverID},
				[]string{f.document.Status.DDOE.IntegrationID, f.document.Status.DDOE.DriverID})
		})
	}
}

// An organisation that is not shown any more, as to a key of another user, proves of nothing that it is gone.
func TestAnOrganisationThatIsNotVisibleForgetsNothing(t *testing.T) {
	t.Parallel()
	for name, view := range map[string]resource.View{"run": {}, "teardown": {Ending: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t).provisioned()
			known := f.document.Status.DDOE.IntegrationID
			f.strike("GET /(orgs/[^/]+/integrations$|integrations/)", 0, status(http.StatusNotFound))
			assert.NotEmpty(t, f.run(view).errs)
			assert.Equal(t, known, f.document.Status.DDOE.IntegrationID)
			assert.Empty(t, f.writes())
			f.calm()
			require.Empty(t, f.run(view).errs)
		})
	}
}
