package provision

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// The pauses between attempts within one invocation. Those of shownPause and longer show in the operation: most of what is
// repeated has arrived before.
const (
	firstPause = time.Second
	maxPause   = 10 * time.Second
	shownPause = 2 * time.Second
)

// failure is a request that did not succeed, with what the table says about it.
type failure struct {
	operation string
	reaction  reaction
	// spent says that the request was repeated until the row's budget was used up, not only until the invocation's time was.
	spent   bool
	context diagnosis.Context
	err     error
}

// Error names operation and cause.
func (f *failure) Error() string { return fmt.Sprintf("%s: %v", f.operation, f.err) }

// Unwrap returns the service's error.
func (f *failure) Unwrap() error { return f.err }

// diagnosis gives the failure its words. settled says that waiting has been tried.
func (f *failure) diagnosis(settled bool) diagnosis.Diagnosis {
	c := f.context
	c.Operation, c.Settled = f.operation, settled
	return diagnosis.Classify(f.err, c)
}

// reactionOf returns the reaction of a failure, empty for any other error.
func reactionOf(err error) reaction {
	var f *failure
	if errors.As(err, &f) {
		return f.reaction
	}
	return ""
}

// try sends one request, again while the table says that it is a matter of time and the budget lasts. It returns nil,
// a *failure, or the context's error. What takes longer than a moment shows in the operation.
func (r *run) try(ctx context.Context, operation string, c diagnosis.Context, request func(ctx context.Context) error) error {
	var waited time.Duration
	shown := false
	for n := 0; ; n++ {
		err := attempt(ctx, request)
		if err == nil {
			if shown {
				r.waitedFor()
			}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		found := react(operation, err)
		if found.reaction != retry {
			return &failure{operation: operation, reaction: found.reaction, context: c, err: err}
		}
		key := operation + c.ClientID + c.Scope
		pause := pauseBefore(n, key, err)
		if waited+pause > found.budget || outlasts(ctx, pause) {
			spent := waited+pauseBefore(n, key, nil) > found.budget // what the service asks to wait uses up nothing
			return &failure{operation: operation, reaction: later, spent: spent, context: c, err: err}
		}
		r.log().DebugContext(ctx, "waiting for replication", "operation", operation, "attempt", n+1, "pause", pause)
		if pause >= shownPause {
			shown = true
			r.pauses(ctx, &failure{operation: operation, reaction: later, context: c, err: err}, pause)
		}
		if err := r.sleep(ctx, pause); err != nil {
			return err
		}
		waited += pause
	}
}

// attempt sends a request that has to be answered while there is time to park the command, as a service may hang.
func attempt(ctx context.Context, request func(ctx context.Context) error) error {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-deadlineMargin))
		defer cancel()
	}
	return request(ctx)
}

// deadlineMargin is what an invocation needs, after its last request or pause, to park its command.
const deadlineMargin = 20 * time.Second

// outlasts reports whether a pause would leave the invocation without time to park its command: running into the
// deadline would cost a delivery.
func outlasts(ctx context.Context, pause time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < pause+deadlineMargin
}

// pauseBefore is an exponential pause with jitter, at least what the service asked for. The jitter is taken from a key,
// so that requests that met the same fault spread out.
func pauseBefore(n int, key string, err error) time.Duration {
	pause := maxPause
	if n < 4 {
		pause = firstPause << n
	}
	h := fnv.New32a()
	_, _ = fmt.Fprintf(h, "%s %d", key, n) // a hash does not fail to write
	pause = pause/2 + time.Duration(h.Sum32()%1000)*(pause/2)/1000
	if f, ok := factsOf(err); ok && f.retryAfter > pause {
		return f.retryAfter
	}
	return pause
}
