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
