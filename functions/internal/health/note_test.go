package health_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/health"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// structural is a report that claims no more than the structure.
func structural(r assessment.Report) assessment.Report {
	r.ClaimLevel = assessment.ClaimStructure
	return r
}

// failed makes the integration one whose last operation has failed, where all was made or not.
func (f *fixture) failed(made bool) integration.Document {
	return f.change(id, func(d *integration.Document) {
		d.Status.Phase, d.Status.ClientID, d.Status.ServicePrincipalID = integration.PhaseFailed, "client", "principal"
		status := map[bool]string{true: "True", false: "False"}[made]
		missing := diagnosis.New(diagnosis.CodeRoleMissing)
		d.SetCondition(f.Now(), integration.ConditionProvisioned, status, nil, "")
		d.SetCondition(f.Now(), integration.ConditionVerified, "False", &missing, "")
	})
}

// news are the types of what was published of the document.
func (f *fixture) news() []string {
	news := []string{}
	for _, m := range f.Messages(message.TopicEvents) {
		if m.Subject != message.TypeHealthChanged {
			news = append(news, m.Subject)
		}
	}
	return news
}

// TestEachTestFeedsHealthAtOnce: what a verification or an access test finds is the health at once, with what it
// rests on, and a check of an earlier slot is not made any more.
func TestEachTestFeedsHealthAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		report  assessment.Report
		state   integration.HealthState
		code    diagnosis.Code
		claim   assessment.ClaimLevel
		history int
	}{
		"it works": {passing(), integration.HealthHealthy, "", assessment.ClaimAccess, 1},
		"it fails": {having("role-missing"), integration.HealthUnhealthy, "role-missing",
			assessment.ClaimAccess, 1},
		"with warnings": {having("over-privileged"), integration.HealthDegraded, "over-privileged",
			assessment.ClaimAccess, 1},
		"nothing told": {having("throttled"), integration.HealthUnknown, "", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			d := f.integrate(id, "1h")
			f.slot(1)
			require.NoError(t, f.service.Note(t.Context(), d, health.TestResult{Report: c.report}))
			s := f.status(id)
			assert.Equal(t, c.state, s.State)
			assert.Equal(t, c.claim, s.ClaimLevel)
			assert.Len(t, s.History, c.history)
			if assert.Equal(t, c.code != "", s.Diagnosis != nil); c.code != "" {
				assert.Equal(t, c.code, s.Diagnosis.Code)
			}
			assert.Len(t, f.told(), c.history)
			if c.history > 0 {
				assert.Equal(t, c.state, f.Document().Status.Health.State)
				f.check(f.Now().Add(-time.Second))
				assert.Zero(t, f.looks)
			}
			assert.Zero(t, f.seconds())
		})
	}
	f := newFixture(t)
	d := f.integrate(id, "1h")
	f.change(id, func(d *integration.Document) { d.Status.LastOperationID = "another" })
	require.NoError(t, f.service.Note(t.Context(), d, health.TestResult{Report: having("role-missing")}))
	assert.Equal(t, integration.HealthUnknown, f.status(id).State, "a change has overtaken it")
}

// TestWhatWaitingHasHealed becomes usable by itself, with the event, by a check or by a test: where all was made and
// access alone was missing. It is told once.
func TestWhatWaitingHasHealed(t *testing.T) {
	t.Parallel()
	pass := health.TestResult{Report: passing()}
	by := map[string]func(f *fixture){
		"check": func(f *fixture) { f.check(f.slot(1)) },
		"test":  func(f *fixture) { require.NoError(f.t, f.service.Note(f.t.Context(), f.Document(), pass)) },
	}
	for name, look := range by {
		for _, c := range []struct {
			why     string
			proof   bool
			made    bool
			phase   integration.Phase
			status  string
			healthy integration.HealthState
		}{
			{"access is proved", true, true, integration.PhaseUsable, "True", integration.HealthHealthy},
			{"not all is proved", false, true, integration.PhaseFailed, "False", integration.HealthHealthy},
			{"not all was made", true, false, integration.PhaseFailed, "True", integration.HealthHealthy},
		} {
			f := newFixture(t)
			f.integrate(id, "1h")
			f.failed(c.made)
			f.isProof = c.proof
			look(f)
			look(f)
			d := f.Document()
			assert.Equal(t, c.phase, d.Status.Phase, "%s, %s", name, c.why)
			assert.True(t, d.HasCondition(integration.ConditionVerified, c.status, reason(c.status)), "%s, %s",
				name, c.why)
			assert.Equal(t, c.healthy, f.status(id).State, "%s, %s", name, c.why)
			want := []string{}
			if c.phase == integration.PhaseUsable {
				want = append(want, message.TypeIntegrationUsable)
			}
			assert.Equal(t, want, f.news(), "%s, %s", name, c.why)
		}
	}
}

func reason(status string) *diagnosis.Diagnosis {
	if status == "True" {
		return nil
	}
	missing := diagnosis.New(diagnosis.CodeRoleMissing)
	return &missing
}

// TestARefutedAccessIsRecorded where a test states it, and the phase stays: whether a usable integration has failed is
// for health to say.
func TestARefutedAccessIsRecorded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := f.integrate(id, "1h")
	for _, r := range []assessment.Report{mayPass(having("role-missing")),
		having("role-missing").Concluded(),
		mayPass(having("identity-missing"))} {
		for range 2 {
			require.NoError(t, f.service.Note(t.Context(), d, health.TestResult{Report: r, Refuted: r.Diagnosis}))
		}
		want := map[bool]string{true: "Unknown", false: "False"}[len(f.told()) == 0]
		c := f.verified()
		assert.Equal(t, want, c.Status, "a doubt does not stand against what was refused for good")
		assert.Equal(t, diagnosis.CodeRoleMissing, c.Reason)
	}
	assert.Equal(t, integration.PhaseUsable, f.Document().Status.Phase)
	assert.Equal(t, []string{"unknown→unhealthy role-missing"}, f.told())
}

// verified is the condition Verified as the document is served.
func (f *fixture) verified() integration.Condition {
	f.t.Helper()
	for _, c := range f.Document().Conditions() {
		if c.Type == integration.ConditionVerified {
			return c
		}
	}
	return integration.Condition{}
}

// mayPass is the report of refusals that propagation may explain.
func mayPass(r assessment.Report) assessment.Report {
	for i := range r.Checks {
		r.Checks[i].Transient = r.Checks[i].Status == diagnosis.OutcomeFail
	}
	return r.Concluded()
}

// doubters are who may meet a refusal that a change on its way may explain.
var doubters = map[string]func(f *fixture, d integration.Document){
	"a test": func(f *fixture, d integration.Document) {
		require.NoError(f.t, f.service.Note(f.t.Context(), d, health.TestResult{Report: f.report,
			Refuted: f.report.Diagnosis}))
	},
	"a verification that goes on": func(f *fixture, d integration.Document) {
		require.NoError(f.t, f.service.Note(f.t.Context(), d, health.TestResult{Report: f.report}))
	},
	"a check that was asked for": func(f *fixture, _ integration.Document) {
		_, err := f.service.CheckNow(f.t.Context(), id)
		require.NoError(f.t, err)
	},
	"a scheduled check": func(f *fixture, _ integration.Document) {
		slot := f.Now().Add(-time.Second)
		require.NoError(f.t, f.service.Check(f.t.Context(), message.HealthCheck{IntegrationID: id, Slot: slot}))
		f.confirm(slot)
		looks := f.looks
		f.confirm(slot)
		assert.Equal(f.t, looks, f.looks, "a repeated message asks for nothing")
	},
}

// TestADoubtIsTheSameWhoeverHasIt: a refusal that a change on its way may explain takes back that access works, at
// once, and does not state that it does not; the scheduled check's does after its second look.
func TestADoubtIsTheSameWhoeverHasIt(t *testing.T) {
	t.Parallel()
	for who, look := range doubters {
		for before, c := range map[string]struct {
			known assessment.Report
			want  integration.HealthState
		}{
			"proved":         {passing(), integration.HealthUnknown},
			"with a warning": {having("over-privileged"), integration.HealthUnknown},
			"refused":        {having("network-rules-blocked"), integration.HealthUnhealthy},
			"never tested":   {assessment.Report{}, integration.HealthUnknown},
		} {
			t.Run(who+" of what was "+before, func(t *testing.T) {
				f := newFixture(t)
				d := f.made()
				if f.Advance(time.Minute); c.known.ID != "" {
					require.NoError(t, f.service.Note(t.Context(), d, health.TestResult{Report: c.known}))
				}
				f.Advance(time.Minute)
				f.doubt()
				look(f, d)
				s := f.status(id)
				assert.Equal(t, c.want, s.State)
				assert.Equal(t, diagnosis.CodeRoleMissing, s.Diagnosis.Code)
				assert.Equal(t, diagnosis.CodeRoleMissing, s.History[0].Code)
				assert.Equal(t, assessment.ClaimExchange, s.ClaimLevel, "how far it came")
				assert.Equal(t, diagnosis.CodeRoleMissing, f.Document().Status.Health.Code)
				assert.NotEqual(t, "True", f.verified().Status)
			})
		}
	}
}

// made is an integration whose provisioning has just ended.
func (f *fixture) made() integration.Document {
	f.t.Helper()
	f.isProof = true
	f.integrate(id, "6h")
	return f.change(id, func(d *integration.Document) {
		d.SetCondition(f.Now(), integration.ConditionProvisioned, "True", nil, "")
	})
}

// doubt has every look meet a refusal that may pass.
func (f *fixture) doubt() {
	f.report = mayPass(having("role-missing"))
	f.report.ClaimLevel = assessment.ClaimExchange
}

// TestADoubtIsDecidedInTime: it is looked at again, at the latest when no change is on its way any more, and then a
// look of the schedule is the second one.
func TestADoubtIsDecidedInTime(t *testing.T) {
	t.Parallel()
	for who, look := range doubters {
		t.Run(who, func(t *testing.T) {
			f := newFixture(t)
			d := f.made()
			require.NoError(t, f.service.Note(t.Context(), d, health.TestResult{Report: passing()}))
			require.Equal(t, "True", f.verified().Status)
			f.Advance(8 * time.Minute)
			f.doubt()
			look(f, d)
			for _, at := range []time.Duration{9 * time.Minute, 10 * time.Minute} {
				require.Equal(t, start.Add(at), *f.status(id).NextDue)
				assert.Equal(t, integration.HealthUnknown, f.status(id).State)
				if f.SetTime(start.Add(at)); at == integration.Propagation {
					f.report = having("role-missing")
				}
				require.NoError(t, f.service.Check(t.Context(), message.HealthCheck{IntegrationID: id,
					Slot: f.Now()}))
			}
			assert.Equal(t, integration.HealthUnhealthy, f.status(id).State)
			assert.Equal(t, []any{"False", diagnosis.CodeRoleMissing}, []any{f.verified().Status, f.verified().Reason})
			f.report = passing()
			f.Advance(time.Second)
			_, err := f.service.CheckNow(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, integration.HealthHealthy, f.status(id).State)
			assert.Equal(t, "True", f.verified().Status)
		})
	}
}

// TestALookAtTheStructureLiftsNoDoubt that a test of access has left; a test of access does.
func TestALookAtTheStructureLiftsNoDoubt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := f.integrate(id, "1h")
	f.report = structural(mayPass(having("role-missing")))
	require.NoError(t, f.service.Check(t.Context(), message.HealthCheck{IntegrationID: id}))
	require.Equal(t, integration.HealthUnknown, f.status(id).State)
	f.report = structural(passing())
	f.Advance(time.Second)
	require.NoError(t, f.service.Check(t.Context(), message.HealthCheck{IntegrationID: id}))
	assert.Equal(t, integration.HealthHealthy, f.status(id).State, "what the structure has shown it can disprove")

	f.Advance(time.Second)
	refused := mayPass(having("network-rules-blocked"))
	require.NoError(t, f.service.Note(t.Context(), d, health.TestResult{Report: refused, Refuted: refused.Diagnosis}))
	f.Advance(time.Second)
	require.NoError(t, f.service.Check(t.Context(), message.HealthCheck{IntegrationID: id}))
	assert.Equal(t, integration.HealthUnknown, f.status(id).State)
	assert.Equal(t, diagnosis.CodeNetworkRulesBlocked, f.status(id).Diagnosis.Code)
	require.NoError(t, f.service.Note(t.Context(), d, health.TestResult{Report: passing()}))
	assert.Equal(t, integration.HealthHealthy, f.status(id).State)
}

// TestWhatWasWaitedForInVain does not work, until it has passed.
func TestWhatWasWaitedForInVain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := f.integrate(id, "1h")
	require.NoError(t, f.service.Note(t.Context(), d, health.TestResult{Report: passing()}))
	require.NoError(t, f.service.Note(t.Context(), d, health.TestResult{Report: mayPass(having("role-missing")),
		IsOutOfPatience: true}))
	assert.Equal(t, integration.HealthUnhealthy, f.status(id).State)
	assert.Equal(t, 1, f.asked(), "it is looked at again")
}

// TestWhoAsksPutsNothingOff: a check that somebody asks for leaves the next planned one where it is, and how fast the
// pauses grow.
func TestWhoAsksPutsNothingOff(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := f.integrate(id, "24h")
	f.report = having("role-missing")
	require.NoError(t, f.service.Note(t.Context(), d, health.TestResult{Report: f.report}))
	planned := *f.status(id).NextDue
	for range 5 {
		f.Advance(10 * time.Second)
		got, err := f.service.CheckNow(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, planned, *got.NextDue)
	}
	assert.Equal(t, 1, f.asked())
	f.SetTime(planned)
	require.NoError(t, f.service.Check(t.Context(), message.HealthCheck{IntegrationID: id, Slot: planned}))
	assert.Equal(t, planned.Add(2*time.Minute), *f.status(id).NextDue, "the second pause")

	f.report = passing()
	f.Advance(10 * time.Second)
	got, err := f.service.CheckNow(t.Context(), id)
	require.NoError(t, err)
	assert.Greater(t, got.NextDue.Sub(planned), 2*time.Minute, "what is well waits for its slot")
}

// TestWhatIsNotWellIsLookedAtAgain in pauses that grow from a minute to the interval, until it is well.
func TestWhatIsNotWellIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := f.integrate(id, "24h")
	f.report = having("role-missing")
	require.NoError(t, f.service.Note(t.Context(), d, health.TestResult{Report: f.report}))
	var pauses []time.Duration
	for n := 0; n < len(f.Messages(message.QueueHealth)); n++ {
		m := f.Messages(message.QueueHealth)[n]
		pauses = append(pauses, m.EnqueueAt.Sub(f.Now()))
		f.SetTime(m.EnqueueAt)
		assert.Equal(t, m.EnqueueAt, *f.status(id).NextDue)
		check := parse(t, m)
		assert.False(t, check.Confirm)
		for range 2 {
			require.NoError(t, f.service.Check(t.Context(), check))
		}
	}
	want := []time.Duration{}
	for pause := time.Minute; len(want) < len(pauses); pause *= 2 {
		want = append(want, pause)
	}
	assert.Equal(t, want, pauses)
	assert.Greater(t, len(pauses), 5)
	assert.Equal(t, len(pauses), f.looks, "one look each")

	f.report = passing()
	f.check(f.Now().Add(time.Minute))
	asked := f.asked()
	f.report = having("role-missing")
	f.Advance(time.Hour)
	require.NoError(t, f.service.Check(t.Context(), message.HealthCheck{IntegrationID: id}))
	m := f.Messages(message.QueueHealth)[asked]
	assert.Equal(t, time.Minute, m.EnqueueAt.Sub(f.Now()), "the pauses begin anew")
}

// TestHistoryShowsEachCode, and a change of the code alone is no change of state: it is told by nobody.
func TestHistoryShowsEachCode(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	for n, code := range []diagnosis.Code{"role-missing", "role-missing", "role-missing", "client-disabled",
		"client-disabled"} {
		f.report = having(code)
		f.check(f.slot(n + 1))
	}
	s := f.status(id)
	require.Len(t, s.History, 2)
	assert.Equal(t, integration.HealthChange{At: s.History[0].At, From: "unhealthy", To: "unhealthy",
		Code: "client-disabled"}, s.History[0])
	assert.Equal(t, diagnosis.CodeClientDisabled, s.Diagnosis.Code)
	assert.Equal(t, s.History[1].At, s.Since, "since the state")
	assert.Equal(t, []string{"unknown→unhealthy role-missing"}, f.told())
	assert.Equal(t, &integration.Health{State: "unhealthy", Since: s.Since, Code: "client-disabled",
		Diagnosis: s.Diagnosis},
		f.Document().Status.Health)
}

// TestOnlyProvedAccessHasPassed: what was seen of the structure is told apart, and disproves nothing that a test of
// access has found.
func TestOnlyProvedAccessHasPassed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	f.report = structural(passing())
	f.check(f.slot(1))
	s := f.status(id)
	assert.Equal(t, integration.HealthHealthy, s.State)
	assert.Equal(t, assessment.ClaimStructure, s.ClaimLevel)
	assert.Nil(t, s.LastPass)
	assert.Equal(t, f.Now(), *s.LastSeen)

	f.report = having("network-rules-blocked")
	require.NoError(t, f.service.Check(t.Context(), message.HealthCheck{IntegrationID: id}))
	require.Equal(t, integration.HealthUnhealthy, f.status(id).State)
	f.report = structural(passing())
	f.check(f.slot(2))
	f.check(f.slot(3))
	assert.Equal(t, integration.HealthUnhealthy, f.status(id).State, "the structure tells nothing of the network")
	assert.Equal(t, assessment.ClaimAccess, f.status(id).ClaimLevel)
	f.check(f.slot(5))
	assert.Equal(t, integration.HealthUnknown, f.status(id).State, "for three intervals nobody could tell")
	f.report = structural(having("role-missing"))
	f.check(f.slot(6))
	f.check(f.slot(7))
	require.Equal(t, integration.HealthUnhealthy, f.status(id).State)
	f.report = structural(passing())
	f.check(f.slot(8))
	assert.Equal(t, integration.HealthHealthy, f.status(id).State, "what the structure has shown it can disprove")
}

func TestAPausedCheckGivesItsReason(t *testing.T) {
	t.Parallel()
	off := false
	for code, change := range map[diagnosis.Code]func(d *integration.Document){
		diagnosis.CodeHealthChecksOff: func(d *integration.Document) { d.Spec.HealthCheck.Enabled = &off },
		diagnosis.CodeNotProvisioned: func(d *integration.Document) {
			d.Status.Phase = integration.PhaseProvisioning
		},
		diagnosis.CodeDeprovisioning: func(d *integration.Document) {
			d.Status.Phase = integration.PhaseDeprovisioning
		},
	} {
		f := newFixture(t)
		f.integrate(id, "1h")
		assert.Nil(t, f.status(id).Paused)
		f.change(id, change)
		s := f.status(id)
		require.NotNil(t, s.Paused, code)
		assert.Equal(t, code, s.Paused.Code)
		assert.Nil(t, s.NextDue)
		require.NoError(t, f.service.Ask(t.Context(), f.Document()))
		assert.Zero(t, f.asked())
	}
}

// TestALookThatDiffers than health has health look itself, whose word counts; one that states the same, or
// nothing, does not.
func TestALookThatDiffers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		known, seen assessment.Report
		asks        bool
	}{
		"broken since":            {passing(), having("role-missing"), true},
		"mended since":            {having("role-missing"), passing(), true},
		"still well":              {passing(), passing(), false},
		"still broken":            {having("role-missing"), having("client-disabled"), false},
		"nothing told":            {passing(), having("throttled"), false},
		"not known":               {having("throttled"), passing(), true},
		"doubted since":           {passing(), mayPass(having("role-missing")), true},
		"doubt of what is broken": {having("role-missing"), mayPass(having("role-missing")), false},
	} {
		for _, isScheduled := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, checks %t", name, isScheduled), func(t *testing.T) {
				f := newFixture(t)
				f.integrate(id, "1h")
				d := f.change(id, func(d *integration.Document) { d.Spec.HealthCheck.Enabled = &isScheduled })
				require.NoError(t, f.service.Note(t.Context(), d, health.TestResult{Report: c.known}))
				before := f.asked()
				f.Advance(time.Second)
				require.NoError(t, f.service.AskIfOtherwise(t.Context(), d, structural(c.seen)))
				asked := f.Messages(message.QueueHealth)[before:]
				require.Equal(t, c.asks, len(asked) == 1)
				if c.asks {
					assert.True(t, parse(t, asked[0]).Slot.IsZero(), "what it finds counts at once")
				}
			})
		}
	}
}

// TestWhoAsksIsNeverLate: a slot of the schedule that lies ahead, or has just been dealt with, keeps nobody's own
// check from counting, by request or by message.
func TestWhoAsksIsNeverLate(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(f *fixture) error{
		"by a request": func(f *fixture) error { _, err := f.service.CheckNow(f.t.Context(), id); return err },
		"by a message": func(f *fixture) error {
			return f.service.Check(f.t.Context(), message.HealthCheck{IntegrationID: id})
		},
	} {
		for _, ahead := range []time.Duration{0, 8 * time.Minute} {
			f := newFixture(t)
			f.integrate(id, "1h")
			f.check(f.Now().Add(ahead))
			require.Equal(t, integration.HealthHealthy, f.status(id).State)
			f.report = having("role-missing")
			require.NoError(t, ask(f))
			assert.Equal(t, integration.HealthUnhealthy, f.status(id).State, "%s, %v", name, ahead)
		}
	}
}

func TestCheckNow(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.service.CheckNow(t.Context(), id)
	requireCode(t, diagnosis.CodeIntegrationNotFound, err)
	f.integrate(id, "1h")
	f.report = having("role-missing")
	s, err := f.service.CheckNow(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, integration.HealthUnhealthy, s.State)
	assert.Equal(t, diagnosis.CodeRoleMissing, s.LastReport.Checks[1].Code)
	for _, before := range []assessment.Report{having("role-missing"), passing()} {
		f.report = before
		_, err = f.service.CheckNow(t.Context(), id)
		require.NoError(t, err)
		f.report = having("throttled")
		s, err = f.service.CheckNow(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, integration.HealthUnknown, s.State, "who asks is answered by this look alone")
		assert.Equal(t, diagnosis.CodeThrottled, s.Diagnosis.Code)
	}
	f.change(id, func(d *integration.Document) { d.Status.Phase = integration.PhasePending })
	_, err = f.service.CheckNow(t.Context(), id)
	requireCode(t, diagnosis.CodeNotProvisioned, err)
	assert.Equal(t, 5, f.looks)
	_, err = f.service.Submit(t.Context(), id, "")
	requireCode(t, diagnosis.CodeNotProvisioned, err)
}

// TestTheDocumentShowsWhatTheLastCheckFound: another object that is missing is told, though state and code stay; other
// evidence of the same alone is no news, and the document's version outlives it.
func TestTheDocumentShowsWhatTheLastCheckFound(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	look := func(slot int, account, request string) integration.Document {
		found := assessment.CheckOf("access.write", "write", diagnosis.New(diagnosis.CodeRoleMissing,
			diagnosis.WithContext(diagnosis.Context{Scope: account, Propagated: true}),
			diagnosis.WithEvidence(diagnosis.Evidence{RequestID: request})))
		f.report = report(found)
		f.check(f.slot(slot))
		return f.Document()
	}
	look(1, "one", "a")
	first := look(2, "one", "b")
	again := look(3, "one", "c")
	assert.Equal(t, first.ETag, again.ETag)
	other := look(4, "two", "d")
	assert.Equal(t, first.Status.Health.Since, other.Status.Health.Since)
	assert.Equal(t, f.status(id).Diagnosis, other.Status.Health.Diagnosis)
	assert.NotEqual(t, first.Status.Health.Diagnosis.Remedy, other.Status.Health.Diagnosis.Remedy)
}
