package policy

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// inBatch is Graph's answer to one request of a batch.
func inBatch(status int, code string) *answered {
	return &answered{service: serviceGraph, status: status, code: code, inBatch: true}
}

// TestDoBatch sends four requests, each of which is carried out after the one before it. answers are those of the
// second, one for each time that it is reached; then it succeeds.
func TestDoBatch(t *testing.T) {
	t.Parallel()
	throttled := inBatch(429, "TooManyRequests")
	throttled.wait = 5 * time.Second
	long := inBatch(429, "TooManyRequests")
	long.wait = 2 * time.Minute
	for name, c := range map[string]struct {
		answers []error
		sent    [][]int
		// ends are the actions with which the requests have failed, empty for a success.
		ends  [4]Action
		slept time.Duration
	}{
		"nothing fails": {nil, [][]int{{0, 1, 2, 3}}, [4]Action{}, 0},
		"throttled":     {[]error{throttled}, [][]int{{0, 1, 2, 3}, {1, 2, 3}}, [4]Action{}, 5 * time.Second},
		"throttled for long": {[]error{long}, [][]int{{0, 1, 2, 3}}, [4]Action{"", RetryLater, RetryLater,
			RetryLater}, 0},
		"refused": {[]error{inBatch(403, "Authorization_RequestDenied")}, [][]int{{0, 1, 2, 3}, {2, 3}},
			[4]Action{"", GiveUp}, 0},
		"exists": {[]error{inBatch(409, "Request_MultipleObjectsWithSameKeyValue")},
			[][]int{{0, 1, 2, 3}, {2, 3}}, [4]Action{"", Exists}, 0},
		"without an answer": {[]error{http.ErrServerClosed}, [][]int{{0, 1, 2, 3}},
			[4]Action{"", RetryLater, RetryLater, RetryLater}, 0},
		"trouble, then not": {[]error{inBatch(503, "")}, [][]int{{0, 1, 2, 3}, {1, 2, 3}}, [4]Action{}, -1},
		"alone it is refused": {[]error{inBatch(503, ""), inBatch(400, "")}, [][]int{{0, 1, 2, 3}, {1, 2, 3}, {2, 3}},
			[4]Action{"", GiveUp}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bench
			var sent [][]int
			errs := b.requests().DoBatch(t.Context(), CredentialUpsert, make([]diagnosis.Context, 4),
				func(_ context.Context, which []int) []error {
					sent = append(sent, which)
					errs := make([]error, len(which))
					for j, i := range which {
						switch {
						case j > 0 && errs[j-1] != nil:
							errs[j] = inBatch(424, "")
						case i == 1 && len(c.answers) > 0:
							errs[j], c.answers = c.answers[0], c.answers[1:]
						}
					}
					return errs
				})
			assert.Equal(t, c.sent, sent)
			for i, err := range errs {
				assert.Equal(t, c.ends[i], ActionOf(err), "request %d: %v", i, err)
				assert.Equal(t, c.ends[i] != "", err != nil, "request %d: %v", i, err)
			}
			if c.slept >= 0 {
				assert.Equal(t, c.slept, b.slept)
			}
			if c.ends[3] == RetryLater {
				assert.Equal(t, RetryAfter(errs[1]), RetryAfter(errs[3]), "it waits for what failed")
			}
		})
	}
}

// TestDoBatchEnds, whatever the service answers.
func TestDoBatchEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer error
		sent   int
		end    Action
	}{
		"nothing is ever tried": {inBatch(424, ""), 1, NotTried},
		"all are refused":       {inBatch(403, ""), 1, GiveUp},
		"one writer too many":   {inBatch(409, ""), 2, GiveUp},
		"trouble that stays":    {inBatch(500, ""), 4, RetryLater},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bench
			errs := b.requests().DoBatch(t.Context(), CredentialDelete, make([]diagnosis.Context, 20),
				func(_ context.Context, which []int) []error {
					b.sent++
					errs := make([]error, len(which))
					for i := range errs {
						errs[i] = c.answer
					}
					return errs
				})
			assert.LessOrEqual(t, b.sent, c.sent)
			for _, err := range errs {
				assert.Equal(t, c.end, ActionOf(err))
				assert.ErrorIs(t, err, c.answer)
			}
		})
	}
	t.Run("the invocation ends", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		var b bench
		errs := b.requests().DoBatch(ctx, CredentialDelete, make([]diagnosis.Context, 2),
			func(context.Context, []int) []error {
				cancel()
				return []error{nil, inBatch(424, "")}
			})
		require.NoError(t, errs[0], "what is done is done")
		require.ErrorIs(t, errs[1], context.Canceled)
		errs = b.requests().DoBatch(ctx, CredentialDelete, make([]diagnosis.Context, 2),
			func(context.Context, []int) []error {
				return []error{context.Canceled, context.Canceled}
			})
		require.ErrorIs(t, errs[0], context.Canceled)
	})
}
