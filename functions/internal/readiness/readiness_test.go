package readiness_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/readiness"
)

func TestAllAreAskedAtOnceAndBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, down := 0, error(nil)
		s := &readiness.Service{Now: time.Now, Probes: []readiness.Probe{
			{Name: "well", Ask: func(context.Context) error { asked++; return down }, Unseen: "writing"},
			{Name: "slow", Ask: func(context.Context) error { time.Sleep(3 * time.Second); return nil }},
			{Name: "hung", Ask: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }},
			{Name: "refused", Command: "az role assignment create", Ask: func(context.Context) error {
				return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeStoreUnavailable),
					Err: errors.New("secret")}
			}},
		}}
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // who asks has gone
		began := time.Now()
		report := s.Check(ctx)
		assert.Equal(t, readiness.Limit, time.Since(began))
		assert.False(t, report.Ready)
		statuses := map[string]diagnosis.Outcome{}
		for _, c := range report.Checks {
			statuses[c.Name] = c.Status
		}
		assert.Equal(t, map[string]diagnosis.Outcome{"well": "pass", "slow": "pass", "hung": "fail",
			"refused": "fail"},
			statuses)
		assert.Equal(t, "writing", report.Checks[0].Unseen)
		assert.Equal(t, "az role assignment create", report.Checks[3].Diagnosis.Remedy.Command)

		s.Probes = s.Probes[:2]
		assert.Equal(t, report, s.Check(t.Context()), "it is kept")
		time.Sleep(readiness.Kept)
		again := s.Check(t.Context())
		assert.True(t, again.Ready)
		require.Len(t, again.Checks, 2)
		assert.Equal(t, 2, asked)
	})
}

// TestLimits: of a probe, and of a report that is kept, as the document and the guide for operators name them.
func TestLimits(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 4*time.Second, readiness.Limit)
	assert.Equal(t, 10*time.Second, readiness.Kept)
	asked, now := 0, time.Date(2026, 11, 30, 12, 0, 0, 0, time.FixedZone("", 3600))
	s := &readiness.Service{Now: func() time.Time { return now }, Probes: []readiness.Probe{
		{Name: "one", Ask: func(context.Context) error { asked++; return nil }}}}
	first := s.Check(t.Context())
	assert.Equal(t, now.UTC(), first.CheckedAt)
	now = now.Add(readiness.Kept - 1)
	assert.Equal(t, first, s.Check(t.Context()))
	assert.Equal(t, 1, asked)
	now = now.Add(1)
	s.Check(t.Context())
	assert.Equal(t, 2, asked)
}

// TestTheCommand of a failure is the probe's; the diagnosis's own where the probe has none.
func TestTheCommand(t *testing.T) {
	t.Parallel()
	ask := func(remedy *diagnosis.Remedy) func(context.Context) error {
		return func(context.Context) error {
			d := diagnosis.New(diagnosis.CodeStoreUnavailable)
			d.Remedy = remedy
			return &diagnosis.Error{Diagnosis: d}
		}
	}
	own := func() *diagnosis.Remedy { return &diagnosis.Remedy{Who: diagnosis.WhoOperator, Command: "own"} }
	s := &readiness.Service{Now: time.Now, Probes: []readiness.Probe{
		{Name: "both", Command: "probe's", Ask: ask(own())}, {Name: "own", Ask: ask(own())},
		{Name: "no remedy", Command: "probe's", Ask: ask(nil)}, {Name: "nothing", Ask: ask(nil)}}}
	report := s.Check(t.Context())
	require.Len(t, report.Checks, 4)
	assert.Equal(t, "probe's", report.Checks[0].Diagnosis.Remedy.Command)
	assert.Equal(t, "own", report.Checks[1].Diagnosis.Remedy.Command)
	for _, without := range report.Checks[2:] {
		assert.Nil(t, without.Diagnosis.Remedy)
	}
}

// TestOneFailureAmongSeveral: whichever it is, the app is not ready, and each is told in its place.
func TestOneFailureAmongSeveral(t *testing.T) {
	t.Parallel()
	for failing := range 4 { // 3: none
		s := &readiness.Service{Now: time.Now}
		for i := range 3 {
			s.Probes = append(s.Probes, readiness.Probe{Name: string(rune('a' + i)), Ask: func(context.Context) error {
				if i == failing {
					return errors.New("down")
				}
				return nil
			}})
		}
		report := s.Check(t.Context())
		assert.Equal(t, failing == 3, report.Ready)
		for i, c := range report.Checks {
			assert.Equal(t, string(rune('a'+i)), c.Name)
			assert.Equal(t, i == failing, c.Status == diagnosis.OutcomeFail)
			assert.Equal(t, i == failing, c.Diagnosis != nil)
		}
	}
}

// TestAProbeThatDoesNotListen delays nobody: it is told as failed when the time is over.
func TestAProbeThatDoesNotListen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &readiness.Service{Now: time.Now, Probes: []readiness.Probe{
			{Name: "deaf", Ask: func(context.Context) error { time.Sleep(time.Minute); return nil }}}}
		began := time.Now()
		report := s.Check(t.Context())
		assert.Equal(t, readiness.Limit, time.Since(began))
		assert.False(t, report.Ready)
		assert.Equal(t, readiness.Limit.Milliseconds(), report.Checks[0].DurationMS)
		time.Sleep(time.Minute) // the probe ends
	})
}
