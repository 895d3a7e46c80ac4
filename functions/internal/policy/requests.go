package policy

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// The pauses between attempts within one invocation. Those of shownPause and longer are reported: most of what is
// repeated has arrived before.
const (
	firstPause = time.Second
	maxPause   = 10 * time.Second
	shownPause = 2 * time.Second
)

// deadlineMargin is what an invocation needs, after its last request or pause, to park its command.
const deadlineMargin = 20 * time.Second

// Requests sends requests, again where the table says so. It is safe for concurrent use.
type Requests struct {
	// Sleep waits between attempts; it returns early with the context's error.
	Sleep func(ctx context.Context, d time.Duration) error
	// Now is the clock by which a pause is told.
	Now func() time.Time
	// Log gets each pause, at level debug. Optional.
	Log *slog.Logger
}

// Pause is one that a request makes before it is repeated.
type Pause struct {
	// Failure is what the request has failed with so far; nil once a request has succeeded of which a pause was reported.
	Failure *Failure
	// Until is when the request is repeated.
	Until time.Time
}

type pausesKey struct{}

// WithPauses has report called before each long pause of the requests that are sent with the context, and once more
// when such a request has succeeded, as httptrace does for connections.
func WithPauses(ctx context.Context, report func(ctx context.Context, p Pause)) context.Context {
	return context.WithValue(ctx, pausesKey{}, report)
}

func tell(ctx context.Context, p Pause) {
	if report, ok := ctx.Value(pausesKey{}).(func(context.Context, Pause)); ok {
		report(ctx, p)
	}
}

// Do sends one request, again while the table says so and budget or attempts last. It returns nil, a *Failure, or the
// context's error. c holds what the words of a failure name; requests that met the same fault spread out by it.
func (r Requests) Do(ctx context.Context, op Operation, c diagnosis.Context,
	request func(ctx context.Context) error) error {
	s := sending{op: op, context: c, key: string(op) + c.ClientID + c.Scope}
	told := false
	for n := 0; ; n++ {
		err := attempt(ctx, request)
		switch {
		case err == nil:
			if told {
				tell(ctx, Pause{})
			}
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		pause, failure := s.next(ctx, n, err)
		if failure != nil {
			return failure
		}
		if r.Log != nil {
			r.Log.DebugContext(ctx, "repeating a request", "operation", op, "attempt", n+1, "pause", pause)
		}
		if pause >= shownPause {
			told = true
			tell(ctx, Pause{Failure: s.failure(err, Decision{Action: RetryLater}, false), Until: r.Now().Add(pause)})
		}
		if err := r.Sleep(ctx, pause); err != nil {
			return err
		}
		s.waited += pause
	}
}

// sending is how far a request is.
type sending struct {
	op      Operation
	context diagnosis.Context
	key     string
	waited  time.Duration
	counted int // repeats of answers that are repeated a number of times
}

// next is the pause before the n-th repeat of a request that has failed, or the failure that ends it.
func (s *sending) next(ctx context.Context, n int, err error) (time.Duration, *Failure) {
	found := Decide(s.op, err)
	if found.Action != RetryHere {
		return 0, s.failure(err, found, false)
	}
	own := PauseBefore(n, s.key)
	pause := max(own, RetryAfter(err))
	over := s.waited+pause > found.Budget
	spent := s.waited+own > found.Budget // what the service asks to wait uses up nothing
	if found.Attempts > 0 {
		over, spent = s.counted >= found.Attempts, s.counted >= found.Attempts
		s.counted++
	}
	switch {
	case spent:
		return 0, s.failure(err, found.then(), true)
	case over || Outlasts(ctx, pause):
		return 0, s.failure(err, Decision{Action: RetryLater}, false)
	}
	return pause, nil
}

func (s *sending) failure(err error, d Decision, spent bool) *Failure {
	return &Failure{Operation: s.op, Decision: d, Spent: spent, Context: s.context, Err: err}
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

// Outlasts reports whether a pause would leave the invocation without time to park its command: running into the
// deadline would cost a delivery.
func Outlasts(ctx context.Context, pause time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < pause+deadlineMargin
}

// PauseBefore is the pause before the n-th repeat, from 0: 1, 2, 4, 8 and then 10 seconds, of which up to the half is
// taken off, by a key, so that requests that met the same fault spread out.
func PauseBefore(n int, key string) time.Duration {
	pause := maxPause
	if n < 4 {
		pause = firstPause << n
	}
	h := fnv.New32a()
	_, _ = fmt.Fprintf(h, "%s %d", key, n) // a hash does not fail to write
	return pause/2 + time.Duration(h.Sum32()%1000)*(pause/2)/1000
}
