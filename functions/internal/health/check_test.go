package health_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// slot returns the n-th hour after the start, and sets the clock to it.
func (f *fixture) slot(n int) time.Time {
	at := start.Truncate(time.Second).Add(time.Duration(n) * time.Hour)
	f.SetTime(at.Add(3 * time.Second))
	return at
}

func TestAPassMakesHealthyOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	before := f.status(id)
	assert.Equal(t, integration.HealthUnknown, before.State)
	assert.Equal(t, start, before.Since)
	assert.Nil(t, before.LastRun)

	f.check(f.slot(1))
	f.check(f.slot(2))
	s := f.status(id)
	assert.Equal(t, integration.HealthHealthy, s.State)
	assert.Equal(t, start.Truncate(time.Second).Add(time.Hour+3*time.Second), s.Since)
	assert.Equal(t, f.Now(), *s.LastRun)
	assert.Equal(t, f.Now(), *s.LastPass)
	assert.Equal(t, assessment.ClaimAccess, s.ClaimLevel)
	assert.Equal(t, "report", s.LastReport.ID)
	assert.Equal(t, []integration.HealthChange{{At: s.Since, From: "unknown", To: "healthy"}}, s.History)
	assert.Equal(t, []string{"unknown→healthy"}, f.told())

	d, err := f.service.Repository.Get(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, &integration.Health{State: "healthy", Since: s.Since}, d.Status.Health,
		"the document shows the state")
}

// TestAVersionOutlivesChecksThatFindNothingNew: a caller's If-Match must not fail because a check was made.
func TestAVersionOutlivesChecksThatFindNothingNew(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	f.check(f.slot(1))
	before, err := f.service.Repository.Get(t.Context(), id)
	require.NoError(t, err)
	f.check(f.slot(2))
	after, err := f.service.Repository.Get(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, before, after)
}

func TestAFailureCountsAtTheSecondLook(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	f.check(f.slot(1))
	f.report = having("role-missing")
	slot := f.slot(2)
	f.check(slot)
	assert.Equal(t, integration.HealthHealthy, f.status(id).State, "one look decides nothing")
	assert.Nil(t, f.status(id).Diagnosis)
	asked := f.Messages(message.QueueHealth)
	require.Len(t, asked, 1)
	confirm := parse(t, asked[0])
	assert.Equal(t, message.HealthCheck{ID: id + "-" + slot.Format("20060102T150405Z") + "-confirm", IntegrationID: id,
		Slot: slot, Confirm: true}, confirm)
	pause := asked[0].EnqueueAt.Sub(f.Now())
	assert.GreaterOrEqual(t, pause, time.Minute)
	assert.LessOrEqual(t, pause, 90*time.Second)

	f.Advance(pause)
	f.confirm(slot)
	s := f.status(id)
	assert.Equal(t, integration.HealthUnhealthy, s.State)
	assert.Equal(t, []string{"unknown→healthy", "healthy→unhealthy role-missing"}, f.told())
	assert.Equal(t, diagnosis.CodeRoleMissing, s.History[0].Code)
	assert.Equal(t, diagnosis.CodeRoleMissing, s.Diagnosis.Code)
	assert.True(t, s.LastPass.Before(slot), "it has not passed since")
	f.report = having("tenant-unknown", "role-missing")
	f.check(f.slot(3))
	assert.Equal(t, 1, f.seconds(), "what is known to be broken needs no second look")
	s = f.status(id)
	assert.Equal(t, diagnosis.CodeTenantUnknown, s.Diagnosis.Code, "another reason for the same state")
	require.Len(t, s.Also, 1)
	assert.Equal(t, diagnosis.CodeRoleMissing, s.Also[0].Code)
	f.report = passing()
	f.check(f.slot(4))
	assert.Equal(t, integration.HealthHealthy, f.status(id).State)
	assert.Nil(t, f.status(id).Diagnosis)
	assert.Equal(t, []string{"unknown→healthy", "healthy→unhealthy role-missing", "unhealthy→healthy"}, f.told())
}

func TestASecondLookThatPassesClearsTheSuspicion(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	f.check(f.slot(1))
	f.report = having("role-missing")
	slot := f.slot(2)
	f.check(slot)
	f.report = passing()
	f.confirm(slot)
	f.report = having("role-missing")
	f.confirm(slot)
	assert.Equal(t, integration.HealthHealthy, f.status(id).State, "the confirmation is used up")
	f.check(f.slot(3))
	assert.Equal(t, integration.HealthHealthy, f.status(id).State)
	assert.Equal(t, 2, f.seconds(), "a new suspicion, a new second look")
	f.check(f.slot(4))
	assert.Equal(t, integration.HealthUnhealthy, f.status(id).State,
		"where the second look was lost, the next slot is one")
	assert.Len(t, f.told(), 2)
}

func TestWhatIsUnknownNeverBecomesUnhealthy(t *testing.T) {
	t.Parallel()
	for name, report := range map[string]assessment.Report{
		"throttled":         having("storage-throttled"),
		"network":           having("network-timeout"),
		"no token":          having("subject-token-unavailable"),
		"not recognised":    having("storage-unrecognised"),
		"nothing was tried": report(),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.integrate(id, "1h")
			f.report = report
			f.check(f.slot(0))
			assert.Equal(t, report.Concluded().Diagnosis, f.status(id).Diagnosis, "why nothing is known yet")
			f.report = passing()
			f.check(f.slot(1))
			f.report = report
			f.check(f.slot(2))
			f.check(f.slot(3))
			assert.Equal(t, integration.HealthHealthy, f.status(id).State, "two missed intervals")
			assert.Nil(t, f.status(id).Diagnosis, "it is still healthy")
			f.check(f.slot(4))
			assert.Equal(t, integration.HealthUnknown, f.status(id).State, "three")
			assert.Equal(t, report.Concluded().Diagnosis, f.status(id).Diagnosis)
			f.report = having("network-dns")
			f.check(f.slot(5))
			assert.Equal(t, diagnosis.CodeNetworkDNS, f.status(id).Diagnosis.Code, "another reason")
			f.check(f.slot(30))
			assert.Equal(t, integration.HealthUnknown, f.status(id).State)
			assert.Zero(t, f.seconds())
			assert.Len(t, f.told(), 2)
			f.report = passing()
			f.check(f.slot(31))
			assert.Equal(t, integration.HealthHealthy, f.status(id).State)
			assert.Len(t, f.told(), 3)
		})
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		codes []diagnosis.Code
		want  integration.HealthState
	}{
		"too many rights":      {[]diagnosis.Code{"over-privileged"}, integration.HealthDegraded},
		"immutable on purpose": {[]diagnosis.Code{"immutable-container"}, integration.HealthHealthy},
		"immutable, too many rights": {[]diagnosis.Code{"immutable-container", "over-privileged"},
			integration.HealthDegraded},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.integrate(id, "1h")
			f.report = having(c.codes...)
			f.check(f.slot(1))
			s := f.status(id)
			assert.Equal(t, c.want, s.State)
			assert.NotNil(t, s.LastPass, "access works")
			assert.Equal(t, c.want == integration.HealthDegraded, s.Diagnosis != nil)
			if c.want == integration.HealthDegraded {
				assert.Equal(t, diagnosis.CodeOverPrivileged, s.Diagnosis.Code)
				assert.Empty(t, s.Also, "what is so by design is no fault")
				assert.Equal(t, []string{"unknown→degraded over-privileged"}, f.told())
			}
		})
	}
}

func TestLateAndRepeatedMessagesHaveNoEffect(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	f.check(f.slot(3))
	f.report = having("role-missing")
	before := f.status(id)
	f.check(f.slot(3))
	f.check(f.slot(1))
	f.confirm(f.slot(3))
	f.confirm(f.slot(1))
	f.SetTime(*before.LastRun)
	assert.Equal(t, before, f.status(id))
	assert.Equal(t, 1, f.looks, "it is not even looked")
	assert.Len(t, f.told(), 1)
}

func TestACheckOnDemandNeedsNoSlot(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	f.check(time.Time{})
	f.report = having("role-missing")
	f.Advance(time.Millisecond)
	f.check(time.Time{})
	f.Advance(time.Millisecond)
	f.check(f.Now().Add(24 * time.Hour)) // from a clock that is wrong
	assert.Equal(t, 3, f.looks)
	assert.Equal(t, integration.HealthUnhealthy, f.status(id).State)
	f.check(f.slot(1))
	assert.Equal(t, 4, f.looks, "a slot in the future keeps no other from being looked at")
}

func TestWhatIsNotChecked(t *testing.T) {
	t.Parallel()
	off := false
	for name, change := range map[string]func(*integration.Document){
		"switched off": func(d *integration.Document) { d.Spec.HealthCheck.Enabled = &off },
		"pending":      func(d *integration.Document) { d.Status.Phase = integration.PhasePending },
		"failed before there was an identity": func(d *integration.Document) {
			d.Status.Phase = integration.PhaseFailed
		},
		"deprovisioning": func(d *integration.Document) { d.Status.Phase = integration.PhaseDeprovisioning },
		"deleted":        func(d *integration.Document) { d.Status.Phase = integration.PhaseDeleted },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.integrate(id, "1h")
			good := f.change(id, func(*integration.Document) {})
			f.change(id, change)
			f.check(f.slot(1))
			assert.Zero(t, f.looks)
			on := true
			good.Spec.HealthCheck.Enabled = &on
			f.change(id, func(d *integration.Document) { d.Spec, d.Status.Phase = good.Spec, good.Status.Phase })
			f.check(f.slot(1))
			assert.Equal(t, 1, f.looks, "what it was not checked for is over")
		})
		t.Run(name+" while looking", func(t *testing.T) {
			f := newFixture(t)
			f.integrate(id, "1h")
			f.report = having("role-missing")
			f.meanwhile = func() {
				f.change(id, func(d *integration.Document) { change(d); d.Status.LastOperationID = "another" })
			}
			f.check(f.slot(1))
			assert.Nil(t, f.status(id).LastRun, "a look that was overtaken tells nothing")
			assert.Zero(t, f.asked())
		})
	}
	f := newFixture(t)
	require.NoError(t, f.service.Check(t.Context(), message.HealthCheck{IntegrationID: "nobody", Slot: start}))
}

// TestWhoAsksIsAnswered: a check that comes of no schedule is made where the scheduled ones are switched off, and what
// it finds counts at once; nothing is scheduled for it.
func TestWhoAsksIsAnswered(t *testing.T) {
	t.Parallel()
	off := false
	f := newFixture(t)
	f.integrate(id, "1h")
	f.change(id, func(d *integration.Document) { d.Spec.HealthCheck.Enabled = &off })
	f.check(time.Time{})
	assert.Equal(t, 1, f.looks)
	assert.Equal(t, integration.HealthHealthy, f.status(id).State)
	assert.Nil(t, f.status(id).NextDue)

	f.Advance(time.Minute)
	f.report = having("role-missing")
	f.check(time.Time{})
	assert.Zero(t, f.asked())
	assert.Equal(t, integration.HealthUnhealthy, f.status(id).State)
	f.check(f.slot(1))
	assert.Equal(t, 2, f.looks, "what an old schedule has left")

	f.Advance(time.Minute)
	f.report = having("throttled")
	f.check(time.Time{})
	assert.Equal(t, integration.HealthUnhealthy, f.status(id).State, "what could not be told leaves the state")
}

// TestHealthBeginsAnewAfterATeardown: the record of an earlier life counts for nothing in this one.
func TestHealthBeginsAnewAfterATeardown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	f.check(f.slot(5))
	f.change(id, func(d *integration.Document) {
		d.FirstOperationID, d.Status.Health, d.CreatedAt = "another", nil, f.Now()
	})
	assert.Equal(t, integration.HealthStatus{State: "unknown", Since: f.Now(), NextDue: f.status(id).NextDue,
		ObservedGeneration: 1},
		f.status(id))
	f.report = having("over-privileged")
	f.check(f.slot(5))
	assert.Equal(t, integration.HealthDegraded, f.status(id).State)
	assert.Len(t, f.status(id).History, 1)
}

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	for n := range 30 {
		f.report = passing()
		if n%2 == 1 {
			f.report = having("over-privileged")
		}
		f.check(f.slot(n + 1))
	}
	s := f.status(id)
	assert.Len(t, s.History, 20)
	assert.Equal(t, s.Since, s.History[0].At, "newest first")
	assert.Len(t, f.told(), 30)
}

// TestACheckThatDiesAnywhereTellsOnce kills a check before and after each of its effects and delivers the message
// again, as the broker does, and then again although it was done.
func TestACheckThatDiesAnywhereTellsOnce(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		deaths := 0
		for at := 1; ; at++ {
			f := newFixture(t)
			f.integrate(id, "1h")
			f.check(f.slot(1))
			f.report = having("role-missing")
			first := message.HealthCheck{IntegrationID: id, Slot: f.slot(2)}
			second := message.HealthCheck{IntegrationID: id, Slot: first.Slot, Confirm: true}

			// The death falls into the first look or into the second.
			ctx := f.Doom(t.Context(), at, after)
			_ = f.service.Check(ctx, first) // what a dead process answers is nobody's to see
			if !f.IsDead() {
				_ = f.service.Check(ctx, second) // as above
			}
			dead := f.IsDead()
			f.Revive()
			for range 2 {
				require.NoError(t, f.service.Check(t.Context(), first))
				require.Equal(t, 1, f.seconds(), "killed at %d, after %v: the second look is asked for once", at,
					after)
			}
			for range 2 {
				require.NoError(t, f.service.Check(t.Context(), second))
			}
			require.NoError(t, f.service.Check(t.Context(), first))
			assert.Equal(t, integration.HealthUnhealthy, f.status(id).State, "killed at %d, after %v", at, after)
			assert.Equal(t, []string{"unknown→healthy", "healthy→unhealthy role-missing"}, f.told(),
				"killed at %d, after %v", at, after)
			d, err := f.service.Repository.Get(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, diagnosis.CodeRoleMissing, d.Status.Health.Code)
			if !dead {
				break
			}
			deaths++
		}
		assert.Equal(t, 7, deaths, "the record, the message; the record, the message of the next look, the document, "+
			"the event, the outbox")
	}
}

// TestChecksAtOnceTellOnce: the queue has no sessions, so two messages for one integration may be under way together.
func TestChecksAtOnceTellOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	f.slot(4)
	var group sync.WaitGroup
	for range 8 {
		for n := range 3 {
			slot := start.Truncate(time.Second).Add(time.Duration(n+1) * time.Hour)
			group.Go(func() {
				assert.NoError(t, f.service.Check(t.Context(), message.HealthCheck{IntegrationID: id, Slot: slot}))
			})
		}
	}
	group.Wait()
	assert.Equal(t, []string{"unknown→healthy"}, f.told())
	assert.Equal(t, integration.HealthHealthy, f.status(id).State)
}

// TestTheSameSlotLookedAtTwiceAtOnceIsOneLook: else the second delivery would confirm what the first one suspects.
func TestTheSameSlotLookedAtTwiceAtOnceIsOneLook(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	f.check(f.slot(1))
	f.report = having("role-missing")
	slot := f.slot(2)
	f.meanwhile = func() {
		f.meanwhile = nil
		f.check(slot)
	}
	f.check(slot)
	assert.Equal(t, 3, f.looks)
	assert.Equal(t, integration.HealthHealthy, f.status(id).State)
	assert.Equal(t, 1, f.asked())
}

// TestTheDocumentShowsTheLatestChange: a change that is told late, after a crash, does not undo a later one.
func TestTheDocumentShowsTheLatestChange(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	check := message.HealthCheck{IntegrationID: id, Slot: f.slot(1)}
	require.Error(t, f.service.Check(f.Doom(t.Context(), 2, false), check), "after the record, before the document")
	require.True(t, f.IsDead())
	f.Revive()
	later := &integration.Health{State: integration.HealthDegraded, Since: f.Now().Add(time.Minute),
		Code: "over-privileged"}
	f.change(id, func(d *integration.Document) { d.Status.Health = later })
	require.NoError(t, f.service.Check(t.Context(), check))
	d, err := f.service.Repository.Get(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, later, d.Status.Health)
	assert.Equal(t, []string{"unknown→healthy"}, f.told())
}

// TestATopicInTroubleHoldsUpNoCheck: the message is done with, and what was found is told by the next check.
func TestATopicInTroubleHoldsUpNoCheck(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	f.Refuse(message.TopicEvents, errors.New("topic down"))
	f.check(f.slot(1))
	f.check(f.slot(1))
	assert.Equal(t, 1, f.looks, "what is known is not looked at again")
	f.report = having("over-privileged")
	f.check(f.slot(2))
	assert.Equal(t, integration.HealthDegraded, f.status(id).State)
	assert.Empty(t, f.told())
	assert.Zero(t, f.asked(), "no message comes back for it")
	f.Refuse(message.TopicEvents, nil)
	f.check(f.slot(3))
	assert.Equal(t, []string{"unknown→healthy", "healthy→degraded over-privileged"}, f.told(),
		"all of them, in their order")
	f.check(f.slot(4))
	assert.Len(t, f.told(), 2)
}

// TestATopicInTroubleIsToldByTheTimer where no check comes.
func TestATopicInTroubleIsToldByTheTimer(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	f.Refuse(message.TopicEvents, errors.New("topic down"))
	f.check(f.slot(1))
	require.Error(t, f.Engine.Sweep(t.Context()))
	f.Refuse(message.TopicEvents, nil)
	for range 2 {
		require.NoError(t, f.Engine.Sweep(t.Context()))
		assert.Equal(t, []string{"unknown→healthy"}, f.told())
	}
	marked, _, err := f.Store.Records.List(t.Context(), "outbox/", "", 10)
	require.NoError(t, err)
	assert.Empty(t, marked)
}

// TestANewLifeTellsOfTheOldOne: what an integration that was torn down had to tell is told, and does not show in the
// one that has its name now.
func TestANewLifeTellsOfTheOldOne(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	f.Refuse(message.TopicEvents, errors.New("topic down"))
	f.report = having("over-privileged")
	f.check(f.slot(1))
	f.change(id, func(d *integration.Document) {
		d.FirstOperationID, d.Status.Health, d.CreatedAt = "another", nil, f.Now()
	})
	f.Refuse(message.TopicEvents, nil)
	f.report = having("throttled") // which tells nothing
	f.check(f.slot(2))
	assert.Equal(t, []string{"unknown→degraded over-privileged"}, f.told())
	assert.Equal(t, diagnosis.CodeThrottled, f.Document().Status.Health.Code)
	assert.Len(t, f.status(id).History, 1)
}

// TestAHealthRecordThatCannotBeReadBeginsAnew: it must not stop the checks, and is kept for people.
func TestAHealthRecordThatCannotBeReadBeginsAnew(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "15m")
	check := func() { require.NoError(t, f.service.Check(t.Context(), message.HealthCheck{IntegrationID: id})) }
	check()
	f.Overwrite("health/"+id+".json", "{")
	d, err := f.service.Repository.Get(t.Context(), id)
	require.NoError(t, err)
	status, err := f.service.Status(t.Context(), d)
	require.NoError(t, err, "people see what is known: nothing")
	assert.Equal(t, integration.HealthUnknown, status.State)
	check()
	status, err = f.service.Status(t.Context(), d)
	require.NoError(t, err)
	assert.Equal(t, integration.HealthHealthy, status.State)
	kept, _, err := f.Store.Records.List(t.Context(), "unreadable/health/"+id, "", 10)
	require.NoError(t, err)
	require.Len(t, kept, 1)
	assert.Equal(t, "{", string(kept[0].Body))
}

// TestACheckOfWhatCannotBeReadIsDoneWith: delivered again it would end no better.
func TestACheckOfWhatCannotBeReadIsDoneWith(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ key, body string }{
		"document unreadable": {"integrations/", "{"},
		"document too new":    {"integrations/", `{"schemaVersion":6}`},
		"health too new":      {"health/", `{"schemaVersion":6}`},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.integrate(id, "15m")
			check := message.HealthCheck{IntegrationID: id}
			require.NoError(t, f.service.Check(t.Context(), check))
			f.Overwrite(c.key+id+".json", c.body)
			require.NoError(t, f.service.Check(t.Context(), check))
			assert.Equal(t, 1, f.looks)
			there, err := f.Store.Records.Get(t.Context(), c.key+id+".json")
			require.NoError(t, err)
			assert.Equal(t, c.body, string(there.Body), "it stays as it is")

			f.Store.Records = storetest.NewMemory()
			f.integrate(id, "15m")
			f.meanwhile = func() { f.Overwrite("integrations/"+id+".json", "{") }
			require.NoError(t, f.service.Check(t.Context(), check), "also where it breaks while it is looked at")
		})
	}
}
