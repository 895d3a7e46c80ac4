package integration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// TestPropagationIsTenMinutes: what Microsoft documents for role assignments; statuses and verifications go by it.
func TestPropagationIsTenMinutes(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 10*time.Minute, integration.Propagation)
}

func TestHasPropagated(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	const all = integration.Propagation
	for name, c := range map[string]struct {
		updated, provisioned time.Time
		status               string
		want                 bool
	}{
		"written just now":                          {ago(0), time.Time{}, "", false},
		"written a moment too late":                 {ago(all - time.Nanosecond), time.Time{}, "", false},
		"written long enough ago":                   {ago(all), time.Time{}, "", true},
		"provisioned long ago, written just now":    {ago(0), ago(all), "True", true},
		"provisioned just now, by an older version": {ago(all), ago(0), "True", false},
		"failed long ago, written just now":         {ago(0), ago(all), "False", true},
		"it is under way":                           {ago(0), ago(all), "Unknown", false},
		"a clock that was set back":                 {ago(-time.Hour), time.Time{}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := integration.Document{UpdatedAt: c.updated}
			if c.status != "" {
				d.Status.Conditions = []integration.Condition{{Type: integration.ConditionProvisioned,
					Status:             c.status,
					LastTransitionTime: c.provisioned}}
			}
			assert.Equal(t, c.want, d.HasPropagated(now))
		})
	}
}

// TestATeardownExplainsItself: what it has removed is not on its way.
func TestATeardownExplainsItself(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	d := integration.Document{UpdatedAt: now, Status: integration.Status{Phase: integration.PhaseDeprovisioning}}
	assert.True(t, d.HasPropagated(now))
}

// TestPropagationEnds after its time, and not a nanosecond before.
func TestPropagationEnds(t *testing.T) {
	t.Parallel()
	changed := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for after, want := range map[time.Duration]bool{-time.Hour: false, 0: false, integration.Propagation - 1: false,
		integration.Propagation: true, integration.Propagation + 1: true} {
		assert.Equal(t, want, integration.HasPropagated(changed, changed.Add(after)), after)
	}
}
