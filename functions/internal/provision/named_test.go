package provision_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/health"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// theirs is the id of an integration that a person has made on the platform.
const theirs = "theirs"

// naming asks for the use of that integration, with a driver of ours on it.
func naming() integration.Spec {
	s := wired()
	s.DDOE.Integration, s.DDOE.IntegrationID = false, theirs
	return s
}

// withTheirs has a person's integration on the platform that names our identity, as the form tells it, and none of
// ours. It returns the integration as it is to stay.
func withTheirs(t *testing.T) (*fixture, dataloop.Object) {
	t.Helper()
	f := withPlatform(t)
	f.carried(wired()) // what the options are called is the platform's own
	made := f.world.DDOEObjects(dataloop.Integrations)[0]
	made["id"], made["name"], made["metadata"] = theirs, "Made by hand", []any{}
	require.NoError(t, f.world.PutDDOEObject(dataloop.Integrations, made))
	f.carried(naming())
	d := f.carried(naming()) // the driver has left ours, which goes
	require.Equal(t, gateCounts{1, 1}, f.onGate())
	require.Equal(t, []any{theirs, true}, []any{d.Status.DDOE.IntegrationID, d.Status.DDOE.Adopted})
	require.Equal(t, theirs, f.world.DDOEObjects(dataloop.Drivers)[0]["integrationId"])
	is, isThere := f.world.DDOEObject(dataloop.Integrations, theirs)
	require.True(t, isThere)
	f.requests = nil
	return f, is
}

// staysTheirs holds that their integration is as it was, and that no request has asked for anything else. What the
// platform notes of a validation aside.
func staysTheirs(f *fixture, is dataloop.Object) {
	f.t.Helper()
	now, isThere := f.world.DDOEObject(dataloop.Integrations, theirs)
	require.True(f.t, isThere)
	now["metadata"] = is["metadata"]
	assert.Equal(f.t, is, now)
	writes := regexp.MustCompile(`^(PATCH|PUT|DELETE|POST) .*/orgs/.*integrations`)
	for _, request := range f.requests {
		assert.NotRegexp(f.t, writes, request)
	}
}

// TestANamedIntegrationIsTested: access through it counts as proved when the platform has tested our driver on it and
// validated the drivers of that integration, and the report of an access test tells of it.
func TestANamedIntegrationIsTested(t *testing.T) {
	t.Parallel()
	f, is := withTheirs(t)
	var validated []string
	f.atGate("POST /api/v1/drivers/validateDrivers", func() { validated = append(validated, "asked") })
	f.verified(f.Document().Status.LastOperationID)
	d := f.Document()
	assert.Equal(t, integration.PhaseUsable, d.Status.Phase)
	assert.True(t, d.Status.DDOE.Validated)
	assert.Len(t, validated, 1)
	driver := d.Status.DDOE.DriverID
	assert.Contains(t, f.requests, "GET "+gate+"/drivers/"+driver+"/test")
	report := health.Completed(t.Context(), f.kinds, d, true, assessment.Report{})
	assert.Equal(t, map[string]diagnosis.Outcome{"ddoe.integration": diagnosis.OutcomePass,
		"ddoe.driver": diagnosis.OutcomePass}, statuses(report))
	staysTheirs(f, is)
}

// TestANamedIntegrationThatDoesNotWork: what the platform's test of the driver finds decides, as with one of ours.
func TestANamedIntegrationThatDoesNotWork(t *testing.T) {
	t.Parallel()
	f, is := withTheirs(t)
	next := f.hosts[platform.GateHost]
	f.hosts[platform.GateHost] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/test") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
	f.verified(f.Document().Status.LastOperationID)
	d := f.Document()
	assert.False(t, d.Status.DDOE.Validated)
	assert.NotEqual(t, integration.PhaseUsable, d.Status.Phase)
	assert.Equal(t, string(diagnosis.CodeDDOEDriverTestFailed), string(f.condition("Verified").Reason))
	staysTheirs(f, is)
}

func statuses(r assessment.Report) map[string]diagnosis.Outcome {
	all := map[string]diagnosis.Outcome{}
	for _, check := range r.Checks {
		all[check.ID] = check.Status
	}
	return all
}

// changesOfTheirs are what a person does to the integration, and what is told of it; empty where it is no difference.
var changesOfTheirs = map[string]struct {
	change func(f *fixture, is dataloop.Object)
	code   diagnosis.Code
	member string
	status diagnosis.Outcome
	// refuses is true where a PUT ends with the same code.
	refuses bool
}{
	"it is gone": {func(f *fixture, _ dataloop.Object) {
		require.NoError(f.t, f.world.DeleteDDOEObject(dataloop.Integrations, theirs))
	}, diagnosis.CodeDDOEIntegrationUnknown, "", diagnosis.OutcomeFail, true},
	"it has another type": {func(f *fixture, is dataloop.Object) {
		is["type"] = "another-type"
		require.NoError(f.t, f.world.PutDDOEObject(dataloop.Integrations, is))
	}, diagnosis.CodeDDOEIntegrationChanged, "type", diagnosis.OutcomeFail, false},
	"it has another name": {func(f *fixture, is dataloop.Object) {
		is["name"] = "renamed"
		require.NoError(f.t, f.world.PutDDOEObject(dataloop.Integrations, is))
	}, "", "", diagnosis.OutcomePass, false},
}

// TestANamedIntegrationIsWatched: structural health, the report of an access test, drift and dry run see it vanish and
// change; nothing is made in its place, and it is used again when it is back.
func TestANamedIntegrationIsWatched(t *testing.T) {
	t.Parallel()
	for name, c := range changesOfTheirs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, is := withTheirs(t)
			used := f.Document().Status.DDOE.IntegrationType
			c.change(f, is)
			drift, _ := f.drift()
			reports := map[string]assessment.Report{"drift": drift,
				"access": health.Completed(t.Context(), f.kinds, f.Document(), true, assessment.Report{}),
				"health": structure(f)}
			for by, report := range reports {
				found := checkOf(t, report, "ddoe.integration")
				assert.Equal(t, c.code, found.Code, by)
				assert.Equal(t, c.status, found.Status, by)
				assert.Equal(t, c.member, memberOf(found), by)
			}
			p, err := f.service.Plan(t.Context(), provision.Submission{ID: id, Spec: naming()})
			require.NoError(t, err)
			action := provision.ActionUnchanged
			if c.refuses {
				action = provision.ActionBlocked
			}
			assert.Equal(t, action, actions(p)[theirs])
			assert.Equal(t, c.code, told(p, theirs))

			_, command := f.submit(naming())
			f.handle(command)
			op := f.finish(command)
			if c.refuses {
				require.Equal(t, integration.OperationFailed, op.Status)
				assert.Equal(t, c.code, op.Error.Code)
				assert.Equal(t, gateCounts{0, 1}, f.onGate(), "none is made in its place")
				require.NoError(t, f.world.PutDDOEObject(dataloop.Integrations, is))
				f.carried(naming())
			} else {
				require.Equal(t, integration.OperationSucceeded, op.Status)
			}
			_, found := f.drift()
			staysTheirs(f, is)
			if c.member != "" { // a PUT makes nothing of what its owner has set
				assert.Equal(t, map[string]string{"ddoe.integration": string(c.code)}, found)
				assert.Equal(t, used, f.Document().Status.DDOE.IntegrationType)
				is["type"] = used
				require.NoError(t, f.world.PutDDOEObject(dataloop.Integrations, is))
				_, found = f.drift()
			}
			assert.Empty(t, found)
			f.tearDown()
			assert.Equal(t, gateCounts{1, 0}, f.onGate(), "only our driver goes")
			staysTheirs(f, is)
		})
	}
}

// structure is what a look sees that no change on its way explains.
func structure(f *fixture) assessment.Report {
	o, err := health.NewObserver(health.ObserverOptions{Tester: f.service.Tester, Kinds: f.kinds,
		Now: func() time.Time { return f.Now().Add(integration.Propagation) }})
	require.NoError(f.t, err)
	return o.Look(f.t.Context(), f.Document())
}

func checkOf(t *testing.T, r assessment.Report, id string) assessment.Check {
	t.Helper()
	for _, check := range r.Checks {
		if check.ID == id {
			return check
		}
	}
	t.Fatalf("no check %s", id)
	return assessment.Check{}
}

// told is the code that a dry run tells of the step with a key; empty for none.
func told(p provision.Plan, key string) diagnosis.Code {
	for _, step := range p.Steps {
		if step.Key == key && step.Diagnosis != nil {
			return step.Diagnosis.Code
		}
	}
	return ""
}

func memberOf(c assessment.Check) string {
	if len(c.Differences) == 0 {
		return ""
	}
	return c.Differences[0].Member
}
