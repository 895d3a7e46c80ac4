package policy

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// watch looks and notes when, by a clock that only sleeping moves.
type watch struct {
	bench
	looked []time.Duration
}

// until awaits what the n-th look shows, or ends with.
func (w *watch) until(ctx context.Context, wait Wait, n int, err error) (bool, error) {
	return w.requests().Await(ctx, wait, func(context.Context) (bool, error) {
		w.looked = append(w.looked, w.slept)
		if len(w.looked) == n {
			return true, err
		}
		return false, nil
	})
}

// TestAwaitEachWait: every wait of the table is carried out to its last look, and not further.
func TestAwaitEachWait(t *testing.T) {
	t.Parallel()
	assert.ElementsMatch(t, []Wait{WaitForReplica, WaitForRemoval, WaitForRecycling, WaitForCreation,
		WaitForValidation}, slices.Collect(maps.Keys(waits())))
	refused := errors.New("refused")
	for name, row := range waits() {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			assert.Regexp(t, `^(rule \d|provisioning\.md s\.\d|ddoe\.md)`, row.source, "where the rule comes from")
			var at []time.Duration
			var sum time.Duration
			for _, pause := range row.pauses {
				sum += pause
				at = append(at, sum)
			}
			last := len(row.pauses)
			for n, want := range map[int]bool{1: true, last: true, last + 1: false} {
				var w watch
				isDone, err := w.until(t.Context(), name, n, nil)
				require.NoError(t, err)
				assert.Equal(t, want, isDone, n)
				assert.Equal(t, at[:min(n, last)], w.looked)
			}
			var w watch
			isDone, err := w.until(t.Context(), name, last, refused)
			assert.Equal(t, refused, err)
			assert.False(t, isDone, "an error says nothing of what was looked for")
		})
	}
}

// TestAwaitEndsWithTheInvocation: no pause is begun that leaves no time to park the command, and one that is broken
// off is followed by no look.
func TestAwaitEndsWithTheInvocation(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, waits())
	for name, row := range waits() {
		i := slices.IndexFunc(row.pauses, func(pause time.Duration) bool { return pause > 0 })
		for spare, want := range map[time.Duration]int{0: i + 1, -1: i} {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), row.pauses[i]+deadlineMargin+spare)
				defer cancel()
				var w watch
				requests := w.requests()
				requests.Sleep = func(_ context.Context, d time.Duration) error { time.Sleep(d); return nil }
				looked := 0
				isDone, err := requests.Await(ctx, name, func(context.Context) (bool, error) {
					looked++
					return false, nil
				})
				if len(row.pauses) > want {
					require.ErrorIs(t, err, ErrNoTime)
					require.ErrorIs(t, err, context.DeadlineExceeded)
				}
				assert.False(t, isDone)
				assert.Equal(t, want, looked, name)
			})
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var w watch
		isDone, err := w.until(ctx, name, always, nil)
		require.ErrorIs(t, err, context.Canceled)
		assert.False(t, isDone)
		assert.Len(t, w.looked, i)
	}
}

// TestPace: requests about one thing are kept apart, those about another are not, and who would have to wait longer
// than the invocation lasts takes nobody's turn.
func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b bench
		requests := b.requests()
		requests.Now = time.Now
		requests.Sleep = func(_ context.Context, d time.Duration) error { time.Sleep(d); return nil }
		p, began := NewPace(requests, CredentialPace), time.Now()
		for _, step := range []struct {
			what string
			at   time.Duration
		}{{"one", 0}, {"ONE", 4 * time.Second}, {"other", 4 * time.Second}, {"one", 8 * time.Second}} {
			require.NoError(t, p.Await(t.Context(), step.what))
			assert.Equal(t, step.at, time.Since(began), step.what)
		}
		short, cancel := context.WithTimeout(t.Context(), 4*time.Second+deadlineMargin-1)
		defer cancel()
		var known *diagnosis.Error
		require.ErrorAs(t, p.Await(short, "one"), &known)
		assert.Equal(t, diagnosis.CodeManagedIdentityPaced, known.Diagnosis.Code)
		require.NoError(t, p.Await(t.Context(), "one"))
		assert.Equal(t, 12*time.Second, time.Since(began), "no turn was taken by the one that could not wait")
		time.Sleep(time.Minute)
		require.NoError(t, p.Await(short, "one"))
		assert.Equal(t, 72*time.Second, time.Since(began), "after a while the turn is free at once")
	})
}
