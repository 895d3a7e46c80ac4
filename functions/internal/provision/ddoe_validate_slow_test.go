package provision_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// slow makes the platform's validations last.
func (f *fixture) slow(d time.Duration, status string) {
	f.quirk(platform.QuirkValidation, world.Object{"ms": float64(d.Milliseconds()), "status": status})
}

// looks delivers an operation's verifications from the n-th on, each when its time has come, and returns the pauses
// between them in seconds.
func (f *fixture) looks(operationID string, n int) []float64 {
	var pauses []float64
	for ; ; n++ {
		i := slices.IndexFunc(f.sent, func(s sent) bool { return s.ID == fmt.Sprintf("%s-verify-%d", operationID, n) })
		if i < 0 {
			return pauses
		}
		due := f.sent[i].EnqueueAt
		if pause := due.Sub(f.now()); n > 0 {
			pauses = append(pauses, pause.Seconds())
		}
		asked := len(f.requests)
		f.delivered(operationID, n)
		if n > 10 && f.document().Status.DDOE.ValidationID != "" {
			assert.Equal(f.t, due, f.now(), "look %d waits for nothing", n)
			assert.Len(f.t, f.requests[asked:], 1, "look %d asks for the command alone", n)
		}
	}
}

// TestPlatformValidationIsLookedAtForADay: what lasts longer than the verification's window is waited for with growing
// pauses, by the same command, and taken as it ends.
func TestPlatformValidationIsLookedAtForADay(t *testing.T) {
	window := slices.Concat([]float64{20, 40}, slices.Repeat([]float64{60}, 8))
	for name, c := range map[string]struct {
		lasts        time.Duration
		status       string
		withoutToken bool
		phase        integration.Phase
		condition    string
		reason       string
		beyond       []float64 // the first pauses beyond the window
		atMost       time.Duration
	}{
		"45 minutes":                   {45 * time.Minute, "", false, integration.PhaseUsable, "True", "", []float64{120, 240, 480, 900}, time.Hour},
		"45 minutes, no subject token": {45 * time.Minute, "", true, integration.PhaseUsable, "True", "", []float64{120, 240, 480, 900}, time.Hour},
		"three hours, and it fails":    {3 * time.Hour, "failed", false, integration.PhaseFailed, "False", "ddoe-validation-failed", []float64{120, 240, 480, 900, 900, 900}, 195 * time.Minute},
		"two days":                     {48 * time.Hour, "", false, integration.PhaseProvisioned, "Unknown", "ddoe-validation-slow", []float64{120, 240, 480, 900, 900, 900, 900}, 25 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := withPlatform(t)
			if c.withoutToken {
				f.service.TokenSource = nil
			}
			f.slow(c.lasts, c.status)
			d := f.provisioned(wired())
			began := f.now()
			pauses := f.looks(d.Status.LastOperationID, 0)
			require.Greater(t, len(pauses), 10)
			assert.Equal(t, window, pauses[:10])
			assert.Equal(t, c.beyond, pauses[10:10+len(c.beyond)])
			assert.GreaterOrEqual(t, f.now().Sub(began), min(c.lasts, 23*time.Hour+45*time.Minute))
			assert.LessOrEqual(t, f.now().Sub(began), c.atMost)
			st := f.document().Status
			assert.Equal(t, c.phase, st.Phase)
			assert.Equal(t, c.phase == integration.PhaseUsable, st.DDOE.Validated)
			assert.Empty(t, st.DDOE.ValidationID, "nobody looks at it any more")
			found := f.condition("Verified")
			assert.Equal(t, c.condition, found.Status)
			if c.reason != "" {
				assert.Equal(t, c.reason, string(found.Reason))
			}
			assert.Equal(t, 1, f.commands(), "one validation")
		})
	}
}

// TestASlowValidationShows: when the window is over the document says what is waited for, before it has ended.
func TestASlowValidationShows(t *testing.T) {
	f := withPlatform(t)
	f.slow(45*time.Minute, "")
	d := f.provisioned(wired())
	for n := range 11 {
		assert.NotEqual(t, diagnosis.CodeDDOEValidationSlow, f.condition("Verified").Reason, "before look %d", n)
		f.delivered(d.Status.LastOperationID, n)
	}
	found := f.condition("Verified")
	assert.Equal(t, "Unknown", found.Status)
	assert.Equal(t, diagnosis.CodeDDOEValidationSlow, found.Reason)
	assert.NotEmpty(t, f.document().Status.DDOE.ValidationID)
}

// TestASlowValidationSurvives what happens to single looks beyond the window.
func TestASlowValidationSurvives(t *testing.T) {
	const beyond = 13
	polls := regexp.MustCompile(`GET gate.*/commands/`)
	for name, c := range map[string]struct {
		strike func(*fixture)
		mend   func(*fixture)
	}{
		"platform down":        {strike: func(f *fixture) { f.fails(fault{match: polls, status: 503, times: 6}) }},
		"connection cut":       {strike: func(f *fixture) { f.fails(fault{match: polls, times: 6}) }},
		"not shown for a look": {strike: func(f *fixture) { f.fails(fault{match: polls, status: 404, times: 1}) }},
		"a store that is not writable": {
			strike: func(f *fixture) { f.store = closed{f.store} }, // when it has ended
			mend:   func(f *fixture) { f.store = f.store.(closed).Store },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := withPlatform(t)
			f.slow(30*time.Minute, "")
			operation := f.provisioned(wired()).Status.LastOperationID
			for n := range beyond {
				f.delivered(operation, n)
			}
			c.strike(f)
			f.delivered(operation, beyond)
			if c.mend != nil {
				c.mend(f)
				f.handle(f.command(fmt.Sprintf("%s-verify-retry-%d", operation, beyond+1)))
			}
			f.looks(operation, beyond+1)
			assert.Equal(t, integration.PhaseUsable, f.document().Status.Phase)
			assert.True(t, f.document().Status.DDOE.Validated)
		})
	}
}

// TestALookThatIsRefusedIsTheLast: waiting mends no role. A PUT has the drivers validated anew.
func TestALookThatIsRefusedIsTheLast(t *testing.T) {
	f := withPlatform(t)
	f.slow(45*time.Minute, "")
	operation := f.provisioned(wired()).Status.LastOperationID
	for n := range 12 {
		f.delivered(operation, n)
	}
	f.fails(fault{match: regexp.MustCompile(`GET gate.*/commands/`), status: 403, times: 1})
	f.delivered(operation, 12)
	assert.Equal(t, diagnosis.CodeDDOEProjectRoleMissing, f.condition("Verified").Reason)
	assert.Empty(t, f.document().Status.DDOE.ValidationID)
	assert.False(t, slices.ContainsFunc(f.sent, func(s sent) bool { return s.ID == operation+"-verify-13" }))

	f.looks(f.carried(wired()).Status.LastOperationID, 0)
	assert.Equal(t, integration.PhaseUsable, f.document().Status.Phase)
	assert.True(t, f.document().Status.DDOE.Validated)
	assert.Equal(t, 2, f.commands())
}

// TestASupersededValidationIsLookedAtNoMore: the operation that has followed does its own.
func TestASupersededValidationIsLookedAtNoMore(t *testing.T) {
	f := withPlatform(t)
	f.slow(45*time.Minute, "")
	operation := f.provisioned(wired()).Status.LastOperationID
	for n := range 12 {
		f.delivered(operation, n)
	}
	f.carried(changed())
	before := len(f.requests)
	f.delivered(operation, 12)
	assert.Len(t, f.requests, before)
	assert.False(t, slices.ContainsFunc(f.sent, func(s sent) bool { return s.ID == operation+"-verify-13" }))
	f.looks(f.document().Status.LastOperationID, 0)
	assert.True(t, f.document().Status.DDOE.Validated)
	assert.Equal(t, 2, f.commands())
	ids := map[string]bool{}
	for _, s := range f.sent {
		if strings.Contains(s.ID, "-verify-") {
			assert.False(t, ids[s.ID], s.ID)
			ids[s.ID] = true
		}
	}
}
