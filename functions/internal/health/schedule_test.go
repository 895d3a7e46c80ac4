package health_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

func TestTheGridNeitherDriftsNorDependsOnWhoComputesIt(t *testing.T) {
	t.Parallel()
	for _, interval := range []string{"15m", "1h", "6h", "24h", "168h", "20m30s", "15m0.5s"} {
		t.Run(interval, func(t *testing.T) {
			f := newFixture(t)
			d := f.integrate(id, interval)
			length, err := time.ParseDuration(interval)
			require.NoError(t, err)
			length = length.Truncate(time.Second)
			first := f.status(id).NextDue
			require.NotNil(t, first)
			assert.Equal(t, []string{"due/" + first.Format("20060102T150405Z") + "/" + id}, f.index())
			assert.True(t, first.After(start) && !first.After(start.Add(length)))
			for n := range 50 {
				f.SetTime(first.Add(time.Duration(n) * length))
				assert.Equal(t, f.Now().Add(length), *f.status(id).NextDue, "the slot that is now is not the next one")
				f.SetTime(f.Now().Add(length - time.Nanosecond))
				assert.Equal(t, first.Add(time.Duration(n+1)*length), *f.status(id).NextDue)
			}
			f.SetTime(start)
			require.NoError(t, f.service.Schedule.Plan(t.Context(), d))
			assert.Len(t, f.index(), 1, "planning again plans the same")
		})
	}
}

func TestWhatIsNotPlanned(t *testing.T) {
	t.Parallel()
	off := false
	for name, change := range map[string]func(*integration.Document){
		"switched off":     func(d *integration.Document) { d.Spec.HealthCheck.Enabled = &off },
		"torn down":        func(d *integration.Document) { d.Status.Phase = integration.PhaseDeleted },
		"without a word":   func(d *integration.Document) { d.Spec.HealthCheck = nil },
		"without interval": func(d *integration.Document) { d.Spec.HealthCheck.Interval = "" },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.integrate(id, "1h")
			d := f.change(id, change)
			g := newFixture(t)
			require.NoError(t, g.service.Schedule.Plan(t.Context(), d))
			assert.Empty(t, g.index())
			assert.Nil(t, f.status(id).NextDue)
		})
	}
}

func TestPhasesSpreadEvenly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const n, hours = 6000, 6
	var perHour [hours]int
	for i := range n {
		d := integration.Document{ID: fmt.Sprintf("service-%d", i),
			Spec:   integration.Spec{HealthCheck: &integration.HealthCheck{Interval: "6h"}},
			Status: integration.Status{Phase: integration.PhaseUsable}}
		s, err := f.service.Status(t.Context(), d)
		require.NoError(t, err)
		perHour[int(s.NextDue.Sub(start)-1)/int(time.Hour)]++
	}
	for _, got := range perHour {
		assert.InDelta(t, n/hours, got, 150, "%v", perHour) // five standard deviations of chance
	}
}
