package policy

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// bench sends requests that fail as told, and notes what is done about it. Only sleeping moves its clock.
type bench struct {
	now    time.Time
	sent   int
	slept  time.Duration
	pauses []Pause
}

func (b *bench) requests() Requests {
	return Requests{
		Sleep: func(ctx context.Context, d time.Duration) error {
			b.slept += d
			b.now = b.now.Add(d)
			return ctx.Err()
		},
		Now: func() time.Time { return b.now },
	}
}

// do sends a request that fails with err the first n times.
func (b *bench) do(ctx context.Context, op Operation, n int, err error) error {
	ctx = WithPauses(ctx, func(_ context.Context, p Pause) { b.pauses = append(b.pauses, p) })
	return b.requests().Do(ctx, op, diagnosis.Context{ClientID: "client"}, func(context.Context) error {
		if b.sent++; b.sent <= n {
			return err
		}
		return nil
	})
}

const always = 1000

// TestDoEachRow carries out each row: an answer that goes away, and one that stays.
func TestDoEachRow(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, rows())
	for _, r := range rows() {
		t.Run(r.String(), func(t *testing.T) {
			t.Parallel()
			op, answer := r.example()
			var once, stays bench
			passes := once.do(t.Context(), op, 1, answer)
			fails := stays.do(t.Context(), op, always, answer)
			if r.Action == NotThere {
				assert.Equal(t, []error{nil, nil}, []error{passes, fails}, "a delete has nothing to do")
				assert.Equal(t, 1, stays.sent)
				return
			}
			require.ErrorIs(t, fails, answer)
			var f *Failure
			require.ErrorAs(t, fails, &f)
			assert.Equal(t, op, f.Operation)
			if r.Action != RetryHere {
				assert.Equal(t, r.Decision, f.Decision)
				assert.Equal(t, r.Action, ActionOf(passes))
				assert.Equal(t, 1, stays.sent)
				assert.Zero(t, stays.slept)
				assert.False(t, f.Spent)
				return
			}
			require.NoError(t, passes)
			assert.Equal(t, r.then(), f.Decision)
			assert.True(t, f.Spent)
			assert.Greater(t, stays.sent, 1)
			if r.Attempts > 0 {
				assert.Equal(t, 1+r.Attempts, stays.sent)
				assert.LessOrEqual(t, stays.slept, time.Second<<r.Attempts-time.Second, "short pauses")
				return
			}
			assert.LessOrEqual(t, stays.slept, r.Budget)
			assert.Greater(t, stays.slept+maxPause, r.Budget)
		})
	}
}

// TestASingle500OfThePlatform costs a second at most, not the pause of a parked command.
func TestASingle500OfThePlatform(t *testing.T) {
	t.Parallel()
	var b bench
	require.NoError(t, b.do(t.Context(), PlatformIntegrationList, 1, &answered{service: serviceDDOE,
		status: http.StatusInternalServerError}))
	assert.LessOrEqual(t, b.slept, time.Second)
	assert.GreaterOrEqual(t, b.slept, 500*time.Millisecond)
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	lag := func(wait time.Duration) error {
		return &answered{service: serviceGraph, status: http.StatusNotFound, wait: wait}
	}
	var fits, long bench
	require.NoError(t, fits.do(t.Context(), CredentialUpsert, 1, lag(45*time.Second)))
	assert.Equal(t, 45*time.Second, fits.slept)
	err := long.do(t.Context(), CredentialUpsert, 1, lag(2*time.Minute))
	assert.Equal(t, RetryLater, ActionOf(err))
	assert.Zero(t, long.slept)
	assert.Equal(t, 2*time.Minute, RetryAfter(err))
	var f *Failure
	require.ErrorAs(t, err, &f)
	assert.False(t, f.Spent, "it was put off, not repeated")

	var once bench
	require.NoError(t, once.do(t.Context(), RoleDelete, 1, &answered{service: serviceARM, status: http.StatusConflict,
		wait: 20 * time.Second}))
	assert.Equal(t, 20*time.Second, once.slept, "what is repeated a number of times has no budget")
}

// TestAttemptsAreCountedForThemselves: waiting for another fault does not use up the one repeat of a conflict.
func TestAttemptsAreCountedForThemselves(t *testing.T) {
	t.Parallel()
	lag, conflict := &answered{service: serviceGraph, status: 404}, &answered{service: serviceGraph, status: 412}
	answers := []error{lag, lag, conflict, lag, nil}
	var b bench
	n := 0
	err := b.requests().Do(t.Context(), CredentialUpsert, diagnosis.Context{},
		func(context.Context) error { n++; return answers[n-1] })
	require.NoError(t, err)
	answers, n = []error{lag, conflict, lag, conflict, nil}, 0
	err = b.requests().Do(t.Context(), CredentialUpsert, diagnosis.Context{},
		func(context.Context) error { n++; return answers[n-1] })
	assert.Equal(t, GiveUp, ActionOf(err))
}

func TestDoKeepsTimeToPark(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), deadlineMargin+200*time.Millisecond)
	defer cancel()
	var b bench
	err := b.do(ctx, PrincipalGet, always, &answered{service: serviceGraph, status: 404})
	assert.Equal(t, RetryLater, ActionOf(err))
	assert.Zero(t, b.slept)

	// A request that hangs is given up while there is time.
	hung := b.requests().Do(ctx, PrincipalGet, diagnosis.Context{},
		func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	require.NoError(t, ctx.Err())
	assert.Equal(t, RetryLater, ActionOf(hung))
}

func TestDoEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var b bench
	err := b.requests().Do(ctx, PrincipalGet, diagnosis.Context{},
		func(context.Context) error { cancel(); return errors.New("cut") })
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, ActionOf(err))
	err = b.do(ctx, PrincipalGet, always, &answered{service: serviceGraph, status: 404})
	require.ErrorIs(t, err, context.Canceled)
}

// TestLongPausesAreTold, and that what was waited for has come.
func TestLongPausesAreTold(t *testing.T) {
	t.Parallel()
	lag := &answered{service: serviceGraph, status: 404}
	var short, long, never bench
	require.NoError(t, short.do(t.Context(), PrincipalGet, 1, lag))
	assert.Empty(t, short.pauses)

	require.NoError(t, long.do(t.Context(), PrincipalGet, 4, lag))
	require.NotEmpty(t, long.pauses)
	last := len(long.pauses) - 1
	assert.Equal(t, Pause{}, long.pauses[last])
	for _, p := range long.pauses[:last] {
		assert.Equal(t, RetryLater, p.Failure.Decision.Action)
		require.ErrorIs(t, p.Failure, lag)
	}
	assert.Equal(t, long.now, long.pauses[last-1].Until, "the last pause ends when the request is sent again")

	require.Error(t, never.do(t.Context(), PrincipalGet, always, lag))
	assert.NotNil(t, never.pauses[len(never.pauses)-1].Failure, "it has not come")
}

func TestPausesSpreadOut(t *testing.T) {
	t.Parallel()
	for n, longest := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second,
		10 * time.Second, 10 * time.Second} {
		one, other := pauseBefore(n, "one"), pauseBefore(n, "other")
		assert.NotEqual(t, one, other)
		assert.Equal(t, one, pauseBefore(n, "one"))
		assert.GreaterOrEqual(t, one, longest/2)
		assert.Less(t, one, longest)
	}
}

func TestFailureDiagnosis(t *testing.T) {
	t.Parallel()
	f := Fail(CredentialUpsert, diagnosis.Context{}, &answered{service: serviceGraph, status: 404})
	assert.Equal(t, diagnosis.CodeDirectoryNotReplicated, f.Diagnosis(false).Code,
		"the operation tells what a 404 means")
	assert.True(t, f.Diagnosis(false).Transient)
	assert.False(t, f.Diagnosis(true).Transient)
	assert.Equal(t, "federatedCredential.upsert: graph: 404 ", f.Error())
}
