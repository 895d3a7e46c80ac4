package health_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// TestHowFarAheadASlotMayLie: up to ten minutes it counts as it is, as clocks differ; beyond that now counts.
func TestHowFarAheadASlotMayLie(t *testing.T) {
	t.Parallel()
	for ahead, counts := range map[time.Duration]bool{0: true, 10 * time.Minute: true, 10*time.Minute + 1: false} {
		f := newFixture(t)
		f.integrate(id, "1h")
		f.check(f.Now().Add(ahead))
		require.Equal(t, 1, f.looks)
		f.check(f.Now().Add(ahead))
		if counts {
			assert.Equal(t, 1, f.looks, "%v ahead: that slot was dealt with", ahead)
			continue
		}
		f.Advance(1)
		f.check(time.Time{})
		assert.Equal(t, 2, f.looks, "%v ahead: it keeps none from being looked at", ahead)
	}
}

// TestTheSecondLookIsFor60To90Seconds later, and the seconds are the integration's own.
func TestTheSecondLookIsFor60To90Seconds(t *testing.T) {
	t.Parallel()
	seen := map[time.Duration]bool{}
	f := newFixture(t)
	f.report = having("role-missing")
	for i := range 26 * 26 {
		name := "service-" + string(rune('a'+i/26)) + string(rune('a'+i%26))
		f.integrate(name, "1h")
		require.NoError(t, f.service.Check(t.Context(), message.HealthCheck{IntegrationID: name, Slot: f.Now()}))
	}
	for _, m := range f.Messages(message.QueueHealth) {
		seen[m.EnqueueAt.Sub(f.Now())] = true
	}
	assert.Len(t, seen, 31)
	for s := 60; s <= 90; s++ {
		assert.True(t, seen[time.Duration(s)*time.Second], "%d s", s)
	}
}

// TestWhatIsNotPlannedBelowASecond, as such a grid has no slots.
func TestWhatIsNotPlannedBelowASecond(t *testing.T) {
	t.Parallel()
	for interval, want := range map[string]int{"999ms": 0, "1s": 1, "-1h": 0, "never": 0} {
		f := newFixture(t)
		f.integrate(id, interval)
		assert.Len(t, f.index(), want, interval)
	}
}

// TestWhatHasAnIdentityIsChecked, whatever became of the last operation, unless one is under way: each phase there is.
func TestWhatHasAnIdentityIsChecked(t *testing.T) {
	t.Parallel()
	for phase, looks := range map[integration.Phase]int{
		integration.PhasePending: 0, integration.PhaseProvisioning: 0, integration.PhaseProvisioned: 1,
		integration.PhaseUsable: 1, integration.PhaseFailed: 1, integration.PhaseDeprovisioning: 0,
		integration.PhaseDeleted: 0,
	} {
		for name, slot := range map[string]time.Time{"scheduled": start.Add(time.Hour), "asked for": {}} {
			f := newFixture(t)
			f.integrate(id, "1h")
			f.change(id, func(d *integration.Document) {
				d.Status.Phase, d.Status.ClientID, d.Status.ServicePrincipalID = phase, "client", "principal"
			})
			f.SetTime(start.Add(time.Hour))
			f.check(slot)
			assert.Equal(t, looks, f.looks, "%s, %s", phase, name)
			assert.Equal(t, looks == 1, f.status(id).NextDue != nil, "%s, %s: %v", phase, name, f.status(id).NextDue)
			assert.Equal(t, looks == 0, f.status(id).Paused != nil, "%s, %s", phase, name)
		}
	}
}

// transitions are all moves from one state to another, with what is found in each.
var found = map[integration.HealthState]diagnosis.Code{integration.HealthHealthy: "",
	integration.HealthDegraded: "over-privileged", integration.HealthUnhealthy: "role-missing",
	integration.HealthUnknown: "throttled"}

func (f *fixture) become(state integration.HealthState, hour int) {
	f.t.Helper()
	f.report = passing()
	if code := found[state]; code != "" {
		f.report = having(code)
	}
	if state == integration.HealthUnknown {
		hour += 3 // three intervals without an answer
	}
	f.check(f.slot(hour))
	if state == integration.HealthUnhealthy {
		f.check(f.slot(hour + 1))
	}
}

// TestEachTransitionIsTold with both states, the code of what was found, its time, and under an id of its own; the
// document shows the last.
func TestEachTransitionIsTold(t *testing.T) {
	t.Parallel()
	for from := range found {
		for to, code := range found {
			t.Run(string(from)+" to "+string(to), func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				f.integrate(id, "1h")
				f.become(from, 1)
				before := f.status(id)
				require.Equal(t, from, before.State)
				told := len(f.told())
				f.become(to, 10)
				after := f.status(id)
				require.Equal(t, to, after.State)
				if from == to {
					assert.Equal(t, before.History, after.History)
					assert.Equal(t, before.Since, after.Since)
					assert.Len(t, f.told(), told)
					return
				}
				want := integration.HealthChange{At: f.Now(), From: from, To: to, Code: code}
				assert.Equal(t, want, after.History[0])
				assert.Equal(t, f.Now(), after.Since)
				text := string(from) + "→" + string(to)
				if code != "" {
					text += " " + string(code)
				}
				require.Len(t, f.told(), told+1)
				assert.Equal(t, text, f.told()[told])
				d, err := f.service.Repository.Get(t.Context(), id)
				require.NoError(t, err)
				assert.Equal(t, &integration.Health{State: to, Since: f.Now(), Code: code,
					Diagnosis: after.Diagnosis}, d.Status.Health)
			})
		}
	}
}

// TestAnEventIsNamedByItsSlotAndLook, so that telling it twice is recognisable.
func TestAnEventIsNamedByItsSlotAndLook(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	f.check(f.slot(1))
	f.report = having("role-missing")
	slot := f.slot(2)
	f.check(slot)
	f.confirm(slot)
	f.report = passing()
	at := f.Now().Add(time.Minute + 7)
	f.SetTime(at)
	f.check(time.Time{})
	var ids []string
	for _, m := range f.Messages(message.TopicEvents) {
		ids = append(ids, m.ID)
	}
	assert.Equal(t, []string{id + "-health-20260102T010000Z", id + "-health-20260102T020000Z-confirm",
		id + "-health-" + at.Format("20060102T150405Z") + "-000000007"}, ids)
}

// TestASuspicionIsOfOneSlot: a second look at another one confirms nothing, nor does one of an earlier suspicion.
func TestASuspicionIsOfOneSlot(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	f.check(f.slot(1))
	f.report = having("role-missing")
	suspected := f.slot(3)
	f.check(suspected)
	looks := f.looks
	f.confirm(suspected.Add(-time.Hour))
	f.confirm(suspected.Add(time.Second))
	assert.Equal(t, looks, f.looks)
	assert.Equal(t, integration.HealthHealthy, f.status(id).State)
	f.report = having("over-privileged")
	f.confirm(suspected)
	assert.Equal(t, integration.HealthDegraded, f.status(id).State, "a second look tells what it sees")
	assert.Equal(t, f.Now(), *f.status(id).LastPass)
	assert.Equal(t, f.Now(), *f.status(id).LastRun)
}

// TestAnUnknownLookClearsASuspicion only after three intervals without an answer.
func TestAnUnknownLookClearsASuspicion(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	f.check(f.slot(1))
	f.report = having("role-missing")
	f.check(f.slot(2))
	f.report = having("throttled")
	f.check(f.slot(3))
	assert.Equal(t, "throttled", string(f.status(id).LastReport.Checks[1].Code), "the last report is shown")
	f.check(f.slot(5))
	assert.Equal(t, integration.HealthUnknown, f.status(id).State)
	assert.Equal(t, diagnosis.Code("throttled"), f.status(id).History[0].Code)
	f.report = having("role-missing")
	f.check(f.slot(6))
	assert.Equal(t, integration.HealthUnknown, f.status(id).State, "a new suspicion")
	f.check(f.slot(7))
	assert.Equal(t, integration.HealthUnhealthy, f.status(id).State)
}

// TestAWarningThatIsByDesign hides no fault beside it, whichever comes first.
func TestAWarningThatIsByDesign(t *testing.T) {
	t.Parallel()
	for _, design := range []diagnosis.Code{"immutable-container", "protection-unknown", "no-storage"} {
		for code, want := range map[diagnosis.Code]integration.HealthState{"": integration.HealthHealthy,
			"over-privileged": integration.HealthDegraded, "role-missing": integration.HealthUnhealthy} {
			for _, codes := range [][]diagnosis.Code{{design, code}, {code, design}} {
				f := newFixture(t)
				f.integrate(id, "1h")
				checks := having(codes...).Checks
				if code == "" {
					checks = having(design).Checks
				}
				f.report = report(checks...)
				f.check(f.slot(1))
				f.check(f.slot(2))
				s := f.status(id)
				assert.Equal(t, want, s.State, "%v", codes)
				assert.Equal(t, code, s.History[0].Code)
				assert.Len(t, s.LastReport.Checks, len(checks), "the report is kept whole")
			}
		}
	}
}

// TestHealthOfADocumentFromBeforeThereWereLives: it names no operation that has begun it, and nothing was checked yet.
func TestHealthOfADocumentFromBeforeThereWereLives(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	f.change(id, func(d *integration.Document) { d.FirstOperationID = "" })
	s := f.status(id)
	assert.Equal(t, integration.HealthStatus{State: integration.HealthUnknown, Since: start, NextDue: s.NextDue,
		ObservedGeneration: 1}, s)
	f.check(f.slot(1))
	assert.Equal(t, integration.HealthHealthy, f.status(id).State)
	assert.Len(t, f.status(id).History, 1)
}
