package health_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/health"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
)

// until moves the clock to a sweep that takes the integration's next check, and returns its slot.
func (f *fixture) until(id string) time.Time {
	f.t.Helper()
	due := f.status(id).NextDue
	require.NotNil(f.t, due)
	f.SetTime(due.Add(-time.Minute))
	return *due
}

func TestASweepAsksForWhatIsDueAndPlansTheNext(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	due := f.until(id)
	f.SetTime(due.Add(-health.SweepInterval))
	f.sweep()
	assert.Zero(t, f.asked(), "what is due at the next sweep is left to it")

	f.SetTime(f.Now().Add(time.Second))
	f.sweep()
	asked := f.Messages(message.QueueHealth)
	require.Len(t, asked, 1)
	assert.Equal(t, id+"-"+due.Format("20060102T150405Z"), asked[0].ID)
	assert.Equal(t, due, asked[0].EnqueueAt)
	assert.Empty(t, asked[0].SessionID, "the queue has no sessions")
	assert.Equal(t, message.HealthCheck{ID: asked[0].ID, IntegrationID: id, Slot: due}, parse(t, asked[0]))
	assert.Equal(t, []string{"due/" + due.Add(time.Hour).Format("20060102T150405Z") + "/" + id}, f.index())
	f.sweep()
	assert.Equal(t, 1, f.asked())
}

func TestAfterAnOutageEachIsCheckedOnceAndKeepsItsRhythm(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	due := f.until(id)
	f.SetTime(due.Add(50*time.Hour + 20*time.Minute))
	f.sweep()
	asked := f.Messages(message.QueueHealth)
	require.Len(t, asked, 1, "no burst of what was missed")
	assert.Equal(t, due, parse(t, asked[0]).Slot)
	assert.Equal(t, []string{"due/" + due.Add(51*time.Hour).Format("20060102T150405Z") + "/" + id}, f.index())
}

func TestWhatASweepDropsAndWhatItKeeps(t *testing.T) {
	t.Parallel()
	off := false
	for name, c := range map[string]struct {
		change      func(*integration.Document)
		asked, left int
	}{
		"usable":         {func(*integration.Document) {}, 1, 1},
		"provisioned":    {func(d *integration.Document) { d.Status.Phase = integration.PhaseProvisioned }, 1, 1},
		"pending":        {func(d *integration.Document) { d.Status.Phase = integration.PhasePending }, 0, 1},
		"provisioning":   {func(d *integration.Document) { d.Status.Phase = integration.PhaseProvisioning }, 0, 1},
		"failed":         {func(d *integration.Document) { d.Status.Phase = integration.PhaseFailed }, 0, 1},
		"deprovisioning": {func(d *integration.Document) { d.Status.Phase = integration.PhaseDeprovisioning }, 0, 1},
		"deleted":        {func(d *integration.Document) { d.Status.Phase = integration.PhaseDeleted }, 0, 0},
		"switched off":   {func(d *integration.Document) { d.Spec.HealthCheck.Enabled = &off }, 0, 0},
		"another grid":   {func(d *integration.Document) { d.Spec.HealthCheck.Interval = "7h13m7s" }, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.integrate(id, "1h")
			f.until(id)
			before := f.index()
			f.change(id, c.change)
			f.sweep()
			assert.Equal(t, c.asked, f.asked())
			assert.Len(t, f.index(), c.left)
			assert.NotEqual(t, before, f.index())
		})
	}
	t.Run("gone", func(t *testing.T) {
		f := newFixture(t)
		_, err := f.Store.Records.Put(t.Context(), "due/20260101T000000Z/nobody", []byte("{}"), "")
		require.NoError(t, err)
		f.sweep()
		assert.Empty(t, f.index())
	})
}

// TestAChangeOfTheIntervalReplansWithoutLoss: the old entry is dropped when it is met, and the new grid goes on.
func TestAChangeOfTheIntervalReplansWithoutLoss(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "6h")
	d := f.change(id, func(d *integration.Document) { d.Spec.HealthCheck.Interval = "20m" })
	require.NoError(t, f.service.Schedule.Plan(t.Context(), d))
	for range 24 * 12 {
		f.sweep()
		f.Advance(health.SweepInterval)
	}
	var slots []time.Time
	for _, m := range f.Messages(message.QueueHealth) {
		slots = append(slots, parse(t, m).Slot)
	}
	require.Len(t, slots, 72)
	for i := 1; i < len(slots); i++ {
		assert.Equal(t, 20*time.Minute, slots[i].Sub(slots[i-1]))
	}
	assert.Len(t, f.index(), 1)
}

// TestSwitchingOnAgainWinsAgainstASweepThatSawItOff: the sweep has listed the entry and read a document without checks
// when the checks come back, with the same next slot.
func TestSwitchingOnAgainWinsAgainstASweepThatSawItOff(t *testing.T) {
	t.Parallel()
	on, off := true, false
	f := newFixture(t)
	f.integrate(id, "1h")
	f.until(id)
	f.change(id, func(d *integration.Document) { d.Spec.HealthCheck.Enabled = &off })
	var once sync.Once
	f.Store.Before = func(c operationtest.Call) error {
		if c.Name == operationtest.CallDelete {
			once.Do(func() {
				d := f.change(id, func(d *integration.Document) { d.Spec.HealthCheck.Enabled = &on })
				require.NoError(t, f.service.Schedule.Plan(t.Context(), d))
			})
		}
		return nil
	}
	f.sweep()
	assert.Len(t, f.index(), 1, "the plan that was made meanwhile stays")
	f.sweep()
	assert.Equal(t, 1, f.asked())
}

func TestTwoSweepsAtOnceAskOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for i := range 200 {
		f.integrate(fmt.Sprintf("service-%d", i), "15m")
	}
	var group sync.WaitGroup
	for range 24 { // two hours
		for range 2 {
			group.Go(func() { assert.NoError(t, f.service.Sweep(t.Context())) })
		}
		group.Wait()
		f.Advance(health.SweepInterval)
	}
	assert.Equal(t, 200*8, f.asked(), "one for each slot of each")
	assert.Len(t, f.index(), 200)
}

// TestASweepThatDiesAnywhereLosesAndDoublesNothing kills a sweep before and after each of its effects, and lets the
// next one run at once, or after the slots have passed.
func TestASweepThatDiesAnywhereLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	for _, late := range []time.Duration{0, health.SweepInterval, 40 * time.Minute} {
		deaths := 0
		for _, after := range []bool{false, true} {
			for at := 1; ; at++ {
				f := newFixture(t)
				want := map[string]int{}
				for i := range 3 {
					name := fmt.Sprintf("service-%d", i)
					f.integrate(name, "1h")
					due := f.status(name).NextDue
					want[name+"-"+due.Format("20060102T150405Z")] = 1
				}
				f.Advance(time.Hour)
				err := f.service.Sweep(f.Doom(t.Context(), at, after))
				isDead := f.IsDead()
				f.Revive()
				if !isDead {
					break
				}
				deaths++
				require.Error(t, err)
				f.Advance(late)
				f.sweep()
				got := map[string]int{}
				for _, m := range f.Messages(message.QueueHealth) {
					got[m.ID]++
				}
				for slot := range want {
					assert.Equal(t, 1, got[slot], "%s, killed at %d, after %v, swept %v later", slot, at, after, late)
				}
				chains := map[string]bool{}
				for _, key := range f.index() {
					chains[key[len("due/20060102T150405Z/"):]] = true
				}
				assert.Len(t, chains, 3, "each goes on")
				// Whatever two sweeps made of it, from here on there is one check an hour for each.
				for range 12 {
					f.Advance(health.SweepInterval)
					f.sweep()
				}
				before := f.asked()
				for range 12 * 4 {
					f.Advance(health.SweepInterval)
					f.sweep()
				}
				assert.Equal(t, 3*4, f.asked()-before)
				assert.Len(t, f.index(), 3)
			}
		}
		assert.GreaterOrEqual(t, deaths, 2*9, "each message, entry and deletion was a death")
	}
}

func TestOneThatFailsHindersNoOther(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for i := range 5 {
		f.integrate(fmt.Sprintf("service-%d", i), "15m")
	}
	f.Store.Before = func(c operationtest.Call) error {
		if c.Key == "integrations/service-3.json" {
			return errors.New("no answer")
		}
		return nil
	}
	f.Advance(20 * time.Minute)
	require.ErrorContains(t, f.service.Sweep(t.Context()), "1 of 5 due checks")
	assert.Equal(t, 4, f.asked())
	assert.True(t, slices.ContainsFunc(f.index(), func(key string) bool { return key[len(key)-1] == '3' }),
		"it is tried again")
}

// TestRecordsThatCannotBeReadHinderNoOther, however many there are and however early they are due; their own checks go
// on when they can be read again.
func TestRecordsThatCannotBeReadHinderNoOther(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"unreadable": "{", "too new": `{"schemaVersion":6}`} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			const many = 70 // more than a page
			good := map[string]integration.Record{}
			for i := range many {
				id := fmt.Sprintf("broken-%02d", i)
				f.integrate(id, "15m")
				good[id] = f.Overwrite("integrations/"+id+".json", body)
			}
			f.Advance(20 * time.Minute)
			for i := range 5 {
				f.integrate(fmt.Sprintf("service-%d", i), "15m") // due later than all of them
			}
			f.Advance(20 * time.Minute)
			require.NoError(t, f.service.Sweep(t.Context()), "nothing is left to the next sweep")
			assert.Equal(t, 5, f.asked())
			require.NoError(t, f.service.Sweep(t.Context()))
			assert.Equal(t, 5, f.asked())
			assert.Len(t, f.index(), many+5, "no plan is lost")

			for _, record := range good {
				f.Overwrite(record.Key, string(record.Body))
			}
			for range 24 { // two hours
				f.Advance(5 * time.Minute)
				require.NoError(t, f.service.Sweep(t.Context()))
			}
			asked := map[string]bool{}
			for _, m := range f.Sent() {
				asked[m.ID[:len("broken-00")]] = true
			}
			for id := range good {
				assert.True(t, asked[id], id)
			}
		})
	}
}

// TestASweepGivesUpWhereNothingWorks: with the queue down, the second page would fail as the first did.
func TestASweepGivesUpWhereNothingWorks(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for i := range 300 {
		f.integrate(fmt.Sprintf("service-%d", i), "15m")
	}
	f.Advance(20 * time.Minute)
	down := errors.New("queue down")
	f.Refuse(message.QueueHealth, down)
	require.ErrorIs(t, f.service.Sweep(t.Context()), down)
	assert.Less(t, len(f.Store.Calls(operationtest.CallGet)), 100)
	f.Refuse(message.QueueHealth, nil)
	f.sweep()
	assert.Equal(t, 300, f.asked())
}
