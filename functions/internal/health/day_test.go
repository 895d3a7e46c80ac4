package health_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
	"github.com/ddoe-ai/azure-wif/functions/internal/health"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
)

// TestADayOfAThousand simulates a day of the schedule: every sweep, every check, 1,000 integrations with mixed
// intervals. Each slot of each must be asked for once and made once, at its own time.
func TestADayOfAThousand(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	intervals := map[string]time.Duration{}
	for i := range 1000 {
		// 100 every 15 minutes, 200 an hour, 600 every six hours, 100 a day
		text := []string{"15m", "1h", "1h", "6h", "6h", "6h", "6h", "6h", "6h", "24h"}[i%10]
		name := fmt.Sprintf("service-%d", i)
		f.integrate(name, text)
		intervals[name], _ = time.ParseDuration(text)
	}
	const day = 24 * time.Hour
	buckets := make([]int, day/health.SweepInterval)
	slots := map[string][]time.Time{}
	taken, looks, longest := 0, 0, 0
	for f.Now().Before(start.Add(day)) {
		before := f.looks
		f.sweep()
		due := f.Messages(message.QueueHealth)[taken:]
		longest = max(longest, len(due))
		taken += len(due)
		for _, m := range due {
			check := parse(t, m)
			slots[check.IntegrationID] = append(slots[check.IntegrationID], check.Slot)
			if n := int(m.EnqueueAt.Sub(start) / health.SweepInterval); n < len(buckets) {
				buckets[n]++
			}
			assert.Less(t, f.Now().Add(-1), m.EnqueueAt, "in time")
		}
		// The broker delivers each at its time.
		slices.SortFunc(due, func(a, b bus.Message) int { return a.EnqueueAt.Compare(b.EnqueueAt) })
		at := f.Now()
		for _, m := range due {
			f.SetTime(m.EnqueueAt)
			require.NoError(t, f.service.Check(t.Context(), parse(t, m)))
		}
		looks += f.looks - before
		f.SetTime(at.Add(health.SweepInterval))
	}
	total := 0
	for name, interval := range intervals {
		got := slots[name]
		total += len(got)
		require.Len(t, got, int(day/interval), "%s: none missed, none doubled", name)
		for i := 1; i < len(got); i++ {
			require.Equal(t, interval, got[i].Sub(got[i-1]), "%s: no drift", name)
		}
		require.Equal(t, integration.HealthHealthy, f.status(name).State)
	}
	assert.Equal(t, total, looks, "each slot was looked at once")
	assert.Zero(t, f.Duplicates(), "nothing was even sent twice")
	assert.Len(t, f.told(), 1000, "each told once that it is healthy")
	mean := float64(total) / float64(len(buckets))
	t.Logf("1,000 integrations, %d sweeps: %d checks due, %d made, 0 missed, 0 doubled; per 5 minutes: min %d, mean "+
		"%.1f, max %d",
		len(buckets), total, looks, slices.Min(buckets), mean, slices.Max(buckets))
	assert.Less(t, float64(slices.Max(buckets)), 1.5*mean)
	assert.Greater(t, float64(slices.Min(buckets)), 0.5*mean)
	assert.Equal(t, longest, slices.Max(buckets), "what a sweep takes is what its five minutes hold")
}

// TestASweepCostsWhatIsDue: with the same number due, ten times as many integrations cost the same.
func TestASweepCostsWhatIsDue(t *testing.T) {
	t.Parallel()
	const due = 300
	cost := func(all int) map[string]int {
		f := newFixture(t)
		for i := range due {
			f.integrate(fmt.Sprintf("due-%d", i), "15m")
		}
		f.Advance(15 * time.Minute)
		for i := due; i < all; i++ {
			f.integrate(fmt.Sprintf("later-%d", i), "168h")
		}
		// Those of a week that fall due just now are no part of the comparison.
		for _, key := range f.dueBy(f.Now().Add(health.SweepInterval), "later-") {
			require.NoError(t, f.Store.Records.Delete(t.Context(), key.Key, key.ETag))
		}
		before := len(f.Store.Calls())
		f.sweep()
		require.Equal(t, due, f.asked())
		return counted(f.Store.Calls()[before:])
	}
	small, large := cost(1_000), cost(10_000)
	t.Logf("%d due: of 1,000 %+v, of 10,000 %+v", due, small, large)
	assert.Equal(t, small, large)
	assert.Equal(t, map[string]int{operationtest.CallList: due/64 + 1, operationtest.CallGet: due,
		operationtest.CallPut: due, operationtest.CallDelete: due}, large)
}

// counted is how often each call was made.
func counted(calls []operationtest.Call) map[string]int {
	times := map[string]int{}
	for _, c := range calls {
		times[c.Name]++
	}
	return times
}

// dueBy returns the entries of integrations whose name begins so and whose check is due before a time.
func (f *fixture) dueBy(at time.Time, name string) []integration.Record {
	f.t.Helper()
	var found []integration.Record
	for token := ""; ; {
		records, next, err := f.Store.Records.List(f.t.Context(), "due/", token, 1000)
		require.NoError(f.t, err)
		for _, r := range records {
			due, err := time.Parse("20060102T150405Z", r.Key[len("due/"):len("due/20060102T150405Z")])
			require.NoError(f.t, err)
			if due.Before(at) && strings.Contains(r.Key, "/"+name) {
				found = append(found, r)
			}
		}
		if next == "" {
			return found
		}
		token = next
	}
}
