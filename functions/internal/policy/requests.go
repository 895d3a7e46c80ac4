package policy

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// The pauses between attempts within one invocation. Those of longPause and longer are reported: most of what is
// repeated has arrived before.
const (
	firstPause = time.Second
	maxPause   = 10 * time.Second
	longPause  = 2 * time.Second
)

// deadlineMargin is what an invocation needs, after its last request or pause, to park its command.
const deadlineMargin = 20 * time.Second

// Within returns a context in which requests end after a while, for somebody who waits for the answer.
func Within(ctx context.Context, while time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, while+deadlineMargin)
}

// Requests sends requests, again where the table allows. It is safe for concurrent use.
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
	// Failure is what the request has failed with so far; nil once a request has succeeded of which a pause was
	// reported.
	Failure *Failure
	// Until is when the request is repeated.
	Until time.Time
}

type pausesKey struct{}

type repeatsKey struct{}

// WithRepeats has report called whenever a request that is sent with the context has failed and is to be repeated,
// before the pause. Requests side by side call it side by side.
func WithRepeats(ctx context.Context, report func()) context.Context {
	return context.WithValue(ctx, repeatsKey{}, report)
}

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

// Do sends one request, again while the table allows it and budget or attempts last. It returns nil, a *Failure, or
// the context's error; nil as well for a delete of what is not there. c holds what the words of a failure name;
// requests that met the same fault spread out by it.
func (r Requests) Do(ctx context.Context, op Operation, c diagnosis.Context,
	request func(ctx context.Context) error) error {
	return r.DoBatch(ctx, op, []diagnosis.Context{c}, func(ctx context.Context, _ []int) []error {
		return []error{request(ctx)}
	})[0]
}

// DoBatch sends requests of one operation together, as Do sends one, and returns an error for each: send gets the
// indexes of those that are to be sent, and returns their errors in that order. A request that was not carried out
// because another has failed is sent again as soon as that one has ended. Where that is left to a later attempt, so is
// the request: the service has trouble, and would be asked once for each request.
func (r Requests) DoBatch(ctx context.Context, op Operation, contexts []diagnosis.Context,
	send func(ctx context.Context, which []int) []error) []error {
	b := newBatch(op, contexts)
	told := false
	for n := 1; ; n++ {
		again := b.receive(ctx, b.open, attempt(ctx, b.open, send))
		if len(b.open) == 0 {
			if told && errors.Join(b.errs...) == nil {
				tell(ctx, Pause{})
			}
			return b.errs
		}
		if again.failure == nil {
			continue
		}
		if r.Log != nil {
			r.Log.DebugContext(ctx, "repeating a request", "operation", op, "attempt", n, "pause", again.pause)
		}
		if report, ok := ctx.Value(repeatsKey{}).(func()); ok {
			report()
		}
		if again.pause >= longPause {
			told = true
			tell(ctx, Pause{Failure: again.failure, Until: r.Now().Add(again.pause)})
		}
		if err := r.Sleep(ctx, again.pause); err != nil {
			return b.end(err)
		}
	}
}

// batch is how far requests are that are sent together.
type batch struct {
	requests []sending
	errs     []error
	open     []int // those that have not ended
}

func newBatch(op Operation, contexts []diagnosis.Context) *batch {
	b := &batch{requests: make([]sending, len(contexts)), errs: make([]error, len(contexts))}
	for i, c := range contexts {
		b.requests[i] = sending{op: op, context: c, key: string(op) + c.ClientID + c.Scope}
		b.open = append(b.open, i)
	}
	return b
}

// repeat is the pause before requests are repeated, and what the one with the longest has failed with; nil without
// one.
type repeat struct {
	pause   time.Duration
	failure *Failure
}

// receive takes the errors of the requests that were sent: they have ended, or are to be sent again.
func (b *batch) receive(ctx context.Context, sent []int, errs []error) repeat {
	var again repeat
	var open, untried []int
	var putOff *Failure
	for j, i := range sent {
		s := &b.requests[i]
		switch err := errs[j]; {
		case err == nil:
		case ctx.Err() != nil:
			b.errs[i] = ctx.Err()
		case Decide(s.op, err).Action == NotThere: // a delete that has nothing to do
		case Decide(s.op, err).Action == NotTried:
			b.errs[i] = s.failure(err, Decision{Action: NotTried}, false)
			untried = append(untried, i)
		default:
			pause, failure := s.next(ctx, err)
			if failure == nil {
				open = append(open, i)
				if again.failure == nil || pause > again.pause {
					again = repeat{pause, s.failure(err, Decision{Action: RetryLater}, false)}
				}
				continue
			}
			b.errs[i] = failure
			if failure.Decision.Action == RetryLater {
				putOff = failure
			}
		}
	}
	for _, i := range untried {
		if putOff != nil {
			b.errs[i] = b.requests[i].failure(putOff.Err, putOff.Decision, putOff.Spent)
		} else if len(untried) < len(sent) { // else nothing has failed that they could have waited for
			b.errs[i] = nil
			open = append(open, i)
		}
	}
	slices.Sort(open)
	b.open = open
	return again
}

// end ends all that have not ended.
func (b *batch) end(err error) []error {
	for _, i := range b.open {
		b.errs[i] = err
	}
	return b.errs
}

// sending is how far a request is.
type sending struct {
	op      Operation
	context diagnosis.Context
	key     string
	waited  time.Duration
	repeats int
	counted int // repeats of answers that are repeated a number of times
}

// next is the pause before a request that has failed is repeated, or the failure that ends it.
func (s *sending) next(ctx context.Context, err error) (time.Duration, *Failure) {
	found := Decide(s.op, err)
	if found.Action != RetryHere {
		return 0, s.failure(err, found, false)
	}
	own := pauseBefore(s.repeats, s.key)
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
	case over || isTooLong(ctx, pause):
		return 0, s.failure(err, Decision{Action: RetryLater}, false)
	}
	s.repeats++
	s.waited += pause
	return pause, nil
}

func (s *sending) failure(err error, d Decision, spent bool) *Failure {
	return &Failure{Operation: s.op, Decision: d, Spent: spent, Context: s.context, Err: err}
}

// attempt sends requests that have to be answered while there is time to park the command, as a service may hang.
func attempt(ctx context.Context, which []int, send func(ctx context.Context, which []int) []error) []error {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-deadlineMargin))
		defer cancel()
	}
	return send(ctx, which)
}

// isTooLong reports whether a pause would leave the invocation without time to park its command: running into the
// deadline would cost a delivery.
func isTooLong(ctx context.Context, pause time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < pause+deadlineMargin
}

// pauseBefore is the pause before the n-th repeat, from 0: 1, 2, 4, 8 and then 10 seconds, of which up to the half is
// taken off, by a key, so that requests that met the same fault spread out.
func pauseBefore(n int, key string) time.Duration {
	pause := maxPause
	if n < 4 {
		pause = firstPause << n
	}
	h := fnv.New32a()
	_, _ = fmt.Fprintf(h, "%s %d", key, n) // a hash does not fail to write
	return pause/2 + time.Duration(h.Sum32()%1000)*(pause/2)/1000
}
