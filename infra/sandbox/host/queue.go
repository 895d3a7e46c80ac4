package host

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
)

// retryDelay is the pause after a failed receive, for example while the entity does not exist, and the first one
// before a dead letter that has failed comes again. maxBackOff is the longest of those.
const (
	retryDelay = 250 * time.Millisecond
	maxBackOff = 30 * time.Second
)

// deadLetterSuffix ends the name of every dead-letter queue.
const deadLetterSuffix = "/$deadletterqueue"

// queueListener takes messages for one function, peek-locked, and settles them by the outcome of the invocation:
// complete on success, abandon on failure, release where no handler has seen it. The broker redelivers at once and
// dead-letters after the entity's limit.
type queueListener struct {
	broker   *servicebus.Broker
	function *function
	config   config
	// mayListen is Options.MayListen.
	mayListen func(entity string) error
	refused   atomic.Bool // what mayListen said last
	now       func() time.Time
	log       *logger
	invoke    func(ctx context.Context, m servicebus.Message) error
}

// run receives until ctx ends. Invocations get runCtx, so that those that run can be drained; run returns after them.
func (q *queueListener) run(ctx, runCtx context.Context) {
	var workers sync.WaitGroup
	defer workers.Wait()
	if q.function.trigger.IsSessionsEnabled {
		for range q.config.sessions {
			workers.Go(func() { q.sessions(ctx, runCtx) })
		}
		return
	}
	slots := make(chan struct{}, q.config.concurrentCalls)
	for ctx.Err() == nil {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		locked, err := q.receive(ctx)
		if err != nil {
			<-slots
			if !q.pause(ctx, err) {
				return
			}
			continue
		}
		workers.Go(func() {
			defer func() { <-slots }()
			q.process(ctx, runCtx, locked)
		})
	}
}

// sessions takes one session after the other.
func (q *queueListener) sessions(ctx, runCtx context.Context) {
	for ctx.Err() == nil {
		session, err := q.accept(ctx)
		if err != nil {
			if !q.pause(ctx, err) {
				return
			}
			continue
		}
		q.session(ctx, runCtx, session)
	}
}

// session processes the messages of one session, one at a time and in order, until it has been idle for a while.
func (q *queueListener) session(ctx, runCtx context.Context, session *servicebus.Session) {
	defer session.Close()
	for ctx.Err() == nil {
		idle, cancel := context.WithTimeout(ctx, q.config.sessionIdle)
		locked, err := session.Receive(idle)
		cancel()
		if err != nil {
			if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) &&
				!errors.Is(err, &servicebus.Error{Condition: servicebus.ConditionSessionLockLost}) {
				q.log.hostf("function %s: session %s: %v", q.function.name, session.ID(), err)
			}
			return
		}
		q.process(ctx, runCtx, locked)
	}
}

func (q *queueListener) receive(ctx context.Context) (*servicebus.Locked, error) {
	if err := q.permitted(); err != nil {
		return nil, err
	}
	return q.broker.Receive(ctx, q.function.trigger.entity())
}

func (q *queueListener) accept(ctx context.Context) (*servicebus.Session, error) {
	if err := q.permitted(); err != nil {
		return nil, err
	}
	return q.broker.AcceptNextSession(ctx, q.function.trigger.entity())
}

// errNotPermitted is a refusal that has been logged.
var errNotPermitted = errors.New("the host's identity may not receive here")

// permitted asks whether the host may receive, and logs the refusal once, until the answer changes.
func (q *queueListener) permitted() error {
	if q.mayListen == nil {
		return nil
	}
	err := q.mayListen(q.function.trigger.entity())
	if wasRefused := q.refused.Swap(err != nil); err == nil {
		return nil
	} else if !wasRefused {
		q.log.hostf("function %s: cannot receive from %s: %v", q.function.name, q.function.trigger.entity(), err)
	}
	return errNotPermitted
}

// pause reports a failed receive and waits a little; false means that the listener is to end.
func (q *queueListener) pause(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if !errors.Is(err, errNotPermitted) {
		q.log.hostf("function %s: cannot receive from %s: %v", q.function.name, q.function.trigger.entity(), err)
	}
	return sleep(ctx, retryDelay)
}

// sleep tells whether the time has passed, rather than ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// process invokes the function for one message and settles it. ctx ends when no more messages are to be taken, runCtx
// when the invocation is to end.
func (q *queueListener) process(ctx, runCtx context.Context, locked *servicebus.Locked) {
	message := locked.Message
	stop := q.keepLocked(runCtx, locked)
	err := q.invoke(runCtx, message)
	_, unseen := errors.AsType[*noHandlerError](err)
	if err != nil && !unseen {
		sleep(ctx, q.backOff(message.DeliveryCount))
	}
	stop()
	complete := q.config.autoComplete
	if q.function.trigger.AutoCompleteMessages != nil {
		complete = *q.function.trigger.AutoCompleteMessages
	}
	switch {
	case unseen:
		err = locked.Release()
	case err != nil: // always, even without auto-completion
		err = locked.Abandon(nil)
	case complete:
		err = locked.Complete()
	}
	if err != nil {
		q.log.hostf("function %s: message %s cannot be settled: %v", q.function.name, locked.Message.MessageID, err)
	}
}

// backOff is how long a message that has failed is held back. A dead-letter queue has no limit of deliveries: what
// fails there would come again at once and for ever. A real host does that; a log on a developer's machine should not.
func (q *queueListener) backOff(deliveries int) time.Duration {
	if !strings.HasSuffix(strings.ToLower(q.function.trigger.entity()), deadLetterSuffix) {
		return 0
	}
	return min(retryDelay<<min(max(deliveries-1, 0), 10), maxBackOff)
}

// keepLocked renews the lock at half-time, for as long as host.json allows. The returned function ends that.
func (q *queueListener) keepLocked(ctx context.Context, locked *servicebus.Locked) func() {
	ctx, cancel := context.WithTimeout(ctx, q.config.lockRenewal)
	var renewing sync.WaitGroup
	renewing.Go(func() {
		for {
			timer := time.NewTimer(max(locked.Message.LockedUntil.Sub(q.now())/2, time.Second))
			select {
			case <-ctx.Done():
				timer.Stop()
				return
			case <-timer.C:
			}
			if err := locked.Renew(); err != nil {
				q.log.hostf("function %s: the lock of message %s cannot be renewed: %v", q.function.name,
					locked.Message.MessageID, err)
				return
			}
		}
	})
	return func() {
		cancel()
		renewing.Wait()
	}
}
