package integration_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// proved is a document of which all is made and access is proved: an hour and two after it was asked for.
func proved() integration.Document {
	d := integration.Document{ID: "my-images", Generation: 3, CreatedAt: at, UpdatedAt: at.Add(9 * time.Hour),
		Spec: integration.Spec{DisplayName: "images", TenantID: "tenant", Subjects: []string{"s"},
			Identity: application()},
		Status: integration.Status{Phase: integration.PhaseUsable, ClientID: "client",
			Identity: integration.IdentityMade{Kind: integration.IdentityApplication}}}
	d.SetCondition(at.Add(time.Hour), integration.ConditionProvisioned, "True", nil, "")
	d.SetCondition(at.Add(2*time.Hour), integration.ConditionVerified, "True", nil, "")
	return d
}

func application() *integration.Identity {
	return &integration.Identity{Kind: integration.IdentityApplication}
}

// byHand leaves the platform's side to a person.
func byHand(d *integration.Document) {
	d.Spec.DDOE = &integration.DDOE{OrganizationID: "org"}
	d.Status.DDOE = &integration.DDOEStatus{Mode: "manual", Form: &integration.DDOEForm{ClientID: "client"}}
}

// byAPI has made integration and driver, and the platform has tested the driver.
func byAPI(d *integration.Document) {
	d.Spec.DDOE = &integration.DDOE{OrganizationID: "org", Integration: true, Driver: &integration.Driver{}}
	d.Status.DDOE = &integration.DDOEStatus{Mode: integration.ModeAPI, IntegrationID: "i", DriverID: "d",
		Validated: true}
}

func confirmed(d *integration.Document) {
	byHand(d)
	d.Confirm(integration.DDOEConfirmation{By: "somebody", At: at.Add(4 * time.Hour)})
}

func health(state integration.HealthState, code diagnosis.Code, since time.Duration) func(*integration.Document) {
	return func(d *integration.Document) {
		d.Status.Health = &integration.Health{State: state, Code: code, Since: at.Add(since)}
	}
}

// readiness is a document and what Ready states of it.
type readiness struct {
	change   []func(*integration.Document)
	status   string
	reason   diagnosis.Code
	since    time.Duration
	observed int
}

func set(kind, status string, code diagnosis.Code) func(*integration.Document) {
	return func(d *integration.Document) {
		var found *diagnosis.Diagnosis
		if code != "" {
			one := diagnosis.New(code)
			found = &one
		}
		d.SetCondition(at.Add(5*time.Hour), kind, status, found, "")
	}
}

func phase(p integration.Phase) func(*integration.Document) {
	return func(d *integration.Document) { d.Status.Phase = p }
}

func off() *diagnosis.Diagnosis {
	found := diagnosis.New(diagnosis.CodeDDOEAPIOff)
	return &found
}

// ofObservation are what was made and proved.
func ofObservation() map[string]readiness {
	return map[string]readiness{
		"all is made and proved": {nil, "True", "", 2 * time.Hour, 3},
		"nothing was tried yet": {[]func(*integration.Document){func(d *integration.Document) {
			d.Status.Conditions = nil
		}}, "False", "not-provisioned", 9 * time.Hour, 0},
		"not made": {[]func(*integration.Document){byHand, set("Provisioned", "False", "role-missing")},
			"False", "role-missing", 5 * time.Hour, 3},
		"making it pauses": {[]func(*integration.Document){set("Provisioned", "Unknown", "graph-unavailable")},
			"Unknown", "graph-unavailable", 5 * time.Hour, 3},
		"access is refused": {[]func(*integration.Document){set("Verified", "False", "role-missing")},
			"False", "role-missing", 5 * time.Hour, 3},
		"the first test is to come": {[]func(*integration.Document){set("Verified", "Unknown", "")},
			"Unknown", "awaiting-verification", 5 * time.Hour, 3},
		"nobody can test": {[]func(*integration.Document){set("Verified", "Unknown", "graph-unavailable")},
			"Unknown", "graph-unavailable", 5 * time.Hour, 3},
		"no word of a test": {[]func(*integration.Document){func(d *integration.Document) {
			d.Status.Conditions = d.Status.Conditions[:1]
		}}, "Unknown", "awaiting-verification", 9 * time.Hour, 3},
	}
}

// ofThePlatform is what is done and left, on the platform too.
func ofThePlatform() map[string]readiness {
	return map[string]readiness{
		"being torn down": {[]func(*integration.Document){phase(integration.PhaseDeprovisioning)},
			"False", "deprovisioning", 9 * time.Hour, 3},
		"torn down": {[]func(*integration.Document){phase(integration.PhaseDeleted)},
			"False", "integration-deleted", 9 * time.Hour, 3},
		"a person is to fill in the form": {[]func(*integration.Document){byHand},
			"False", "awaiting-person", 2 * time.Hour, 3},
		"a person has filled it in": {[]func(*integration.Document){confirmed}, "True", "", 4 * time.Hour, 3},
		"another client id": {[]func(*integration.Document){confirmed, func(d *integration.Document) {
			d.Status.ClientID, d.Status.DDOE.Form.ClientID = "other", "other"
		}}, "False", "awaiting-person", 2 * time.Hour, 3},
		"the API is off, and there is a form": {[]func(*integration.Document){byHand,
			func(d *integration.Document) { d.Status.DDOE.Diagnosis = off() }},
			"False", "awaiting-person", 2 * time.Hour, 3},
		"the API is off, and there is none": {[]func(*integration.Document){byAPI, func(d *integration.Document) {
			d.Status.DDOE.Mode, d.Status.DDOE.Diagnosis = "manual", off()
		}}, "False", "ddoe-api-off", 2 * time.Hour, 3},
		"nothing is known of the platform": {[]func(*integration.Document){byHand, func(d *integration.Document) {
			d.Status.DDOE = nil
		}}, "False", "not-provisioned", 2 * time.Hour, 3},
		"the API has made it": {[]func(*integration.Document){byAPI}, "True", "", 2 * time.Hour, 3},
		"the API has made nothing": {[]func(*integration.Document){byAPI, func(d *integration.Document) {
			d.Status.DDOE.IntegrationID = ""
		}}, "False", "not-provisioned", 2 * time.Hour, 3},
		"the platform has still to test": {[]func(*integration.Document){byAPI, func(d *integration.Document) {
			d.Status.DDOE.Validated = false
		}}, "Unknown", "awaiting-verification", 2 * time.Hour, 3},
		"there is nothing to test": {[]func(*integration.Document){byAPI, func(d *integration.Document) {
			d.Spec.DDOE.Driver, d.Status.DDOE.Validated = nil, false
		}}, "True", "", 2 * time.Hour, 3},
	}
}

// ofChecks are what health checks say.
func ofChecks() map[string]readiness {
	return map[string]readiness{
		"a check has found otherwise": {[]func(*integration.Document){confirmed,
			health("unhealthy", "role-missing", 6*time.Hour)}, "False", "role-missing", 6 * time.Hour, 3},
		"and the form is still to fill in": {[]func(*integration.Document){byHand,
			health("unhealthy", "role-missing", 6*time.Hour)}, "False", "role-missing", 6 * time.Hour, 3},
		"checks found nothing out": {[]func(*integration.Document){health("unknown", "", 6*time.Hour)},
			"Unknown", "awaiting-verification", 6 * time.Hour, 3},
		"a check passed again": {[]func(*integration.Document){health("healthy", "", 6*time.Hour)}, "True", "",
			6 * time.Hour, 3},
		"it works, with a warning": {[]func(*integration.Document){health("degraded", "over-privileged",
			6*time.Hour)}, "True", "", 6 * time.Hour, 3},
		"access was proved since then": {[]func(*integration.Document){health("unhealthy", "role-missing", time.Hour)},
			"True", "", 2 * time.Hour, 3},
	}
}

// TestReady: it is True only where nothing is missing; else the first that is missing states why, and since when.
func TestReady(t *testing.T) {
	t.Parallel()
	all := ofObservation()
	maps.Copy(all, ofThePlatform())
	maps.Copy(all, ofChecks())
	for name, c := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := proved()
			for _, change := range c.change {
				change(&d)
			}
			got := d.Ready()
			assert.Equal(t, "Ready", got.Type)
			assert.Equal(t, c.status, got.Status)
			assert.Equal(t, c.reason, got.Reason)
			assert.Equal(t, at.Add(c.since), got.LastTransitionTime)
			assert.Equal(t, c.observed, got.ObservedGeneration)
			assert.NotEmpty(t, got.Message)
			if c.status == "True" {
				assert.Nil(t, got.Diagnosis)
			} else {
				assert.Equal(t, c.reason, got.Diagnosis.Code)
			}
			assert.Equal(t, got, d.Conditions()[0])
		})
	}
}

// TestNoConditionClaimsWhatACheckHasRefuted: where health states that access does not work, or that nobody knows, so
// does Verified, and nothing else does; what the test has proved stays in the record, for the day on which it is
// mended.
func TestNoConditionClaimsWhatACheckHasRefuted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*integration.Document)
		status string
		reason diagnosis.Code
		since  time.Duration
	}{
		"no check yet":   {func(*integration.Document) {}, "True", "", 2 * time.Hour},
		"it works":       {health("healthy", "", 6*time.Hour), "True", "", 2 * time.Hour},
		"with a warning": {health("degraded", "over-privileged", 6*time.Hour), "True", "", 2 * time.Hour},
		"it does not work": {health("unhealthy", "role-missing", 6*time.Hour), "False", "role-missing",
			6 * time.Hour},
		"nobody knows":      {health("unknown", "throttled", 6*time.Hour), "Unknown", "throttled", 6 * time.Hour},
		"proved since then": {health("unhealthy", "role-missing", time.Hour), "True", "", 2 * time.Hour},
		"a test has refuted it": {func(d *integration.Document) {
			set("Verified", "False", "container-not-found")(d)
			health("unhealthy", "role-missing", 6*time.Hour)(d)
		}, "False", "container-not-found", 5 * time.Hour},
		"a test has doubted it, and a check refuted": {func(d *integration.Document) {
			set("Verified", "Unknown", "role-missing")(d)
			health("unhealthy", "role-missing", 6*time.Hour)(d)
		}, "False", "role-missing", 6 * time.Hour},
		"a test has refuted it, and a check doubted": {func(d *integration.Document) {
			set("Verified", "False", "container-not-found")(d)
			health("unknown", "role-missing", 6*time.Hour)(d)
		}, "False", "container-not-found", 5 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := proved()
			c.change(&d)
			stored := slices.Clone(d.Status.Conditions)
			got := d.Conditions()
			assert.Equal(t, stored[0], got[1])
			verified := got[2]
			assert.Equal(t, "Verified", verified.Type)
			assert.Equal(t, c.status, verified.Status)
			assert.Equal(t, c.reason, verified.Reason)
			assert.Equal(t, at.Add(c.since), verified.LastTransitionTime)
			assert.Equal(t, c.reason != "", verified.Diagnosis != nil)
			assert.Equal(t, c.status, got[0].Status, "Ready sums the same up")
			assert.Equal(t, stored, d.Status.Conditions)
		})
	}
}

// TestGenerationsCountChangesOfTheSpec, from the first one, and a record from before they were counted has the first.
func TestGenerationsCountChangesOfTheSpec(t *testing.T) {
	t.Parallel()
	r, ctx := repository(), t.Context()
	put := func(s integration.Spec) (bool, int) {
		t.Helper()
		known, err := r.Get(ctx, "new")
		if err != nil {
			known = integration.Document{ID: "new"}
		}
		isChanged := false
		d, err := r.Put(ctx, known, func(d *integration.Document) error {
			before := d.Generation
			d.ReplaceSpec(s)
			isChanged = d.Generation != before
			return nil
		})
		assert.NoError(t, err)
		return isChanged, d.Generation
	}
	one := platformSpec()
	one.Identity = application()
	other := one
	other.Subjects = []string{"other"}
	for i, step := range []struct {
		spec      integration.Spec
		isChanged bool
		want      int
	}{{one, true, 1}, {one, false, 1}, {other, true, 2}, {other, false, 2}, {one, true, 3}} {
		isChanged, got := put(step.spec)
		assert.Equal(t, step.isChanged, isChanged, i)
		assert.Equal(t, step.want, got, i)
		stored, err := r.Get(ctx, "new")
		assert.NoError(t, err)
		assert.Equal(t, step.want, stored.Generation, i)
	}
	_, err := r.Store.Put(ctx, "integrations/old.json", []byte(`{"schemaVersion":1,"id":"old"}`), "")
	assert.NoError(t, err)
	old, err := r.Update(ctx, "old", func(d *integration.Document) error {
		assert.Equal(t, 1, d.Generation)
		d.ReplaceSpec(one)
		return nil
	})
	assert.NoError(t, err)
	assert.Equal(t, 2, old.Generation)
}

// TestReadyTellsWhatTheCheckHasFound, with the names that the check knew; of an older record, which holds the code
// alone, it tells what the catalogue states.
func TestReadyTellsWhatTheCheckHasFound(t *testing.T) {
	t.Parallel()
	found := diagnosis.New(diagnosis.CodeRoleMissing, diagnosis.WithContext(diagnosis.Context{Assignment: "name",
		Scope: "/scope", Role: "role", PrincipalID: "principal"}))
	for name, c := range map[string]struct{ kept, want *diagnosis.Diagnosis }{
		"kept":         {&found, &found},
		"older record": {nil, new(diagnosis.New(diagnosis.CodeRoleMissing))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := proved()
			d.Status.Health = &integration.Health{State: "unhealthy", Code: diagnosis.CodeRoleMissing,
				Diagnosis: c.kept, Since: at.Add(6 * time.Hour)}
			got := d.Ready()
			assert.Equal(t, c.want, got.Diagnosis)
			assert.Equal(t, c.want.Detail, got.Message)
		})
	}
}
