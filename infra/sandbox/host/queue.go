package host

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
)

// retryDelay is the pause after a failed receive, for example while the entity does not exist.
const retryDelay = 250 * time.Millisecond

// queueListener takes messages for one function, peek-locked, and settles them by the outcome of the invocation:
// complete on success, abandon on failure. The broker redelivers at once and dead-letters after the entity's limit.
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
	for {
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
			q.process(runCtx, locked)
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
			if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) && !errors.Is(err, &servicebus.Error{Condition: servicebus.ConditionSessionLockLost}) {
				q.log.hostf("function %s: session %s: %v", q.function.name, session.ID(), err)
			}
			return
		}
		q.process(runCtx, locked)
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
	timer := time.NewTimer(retryDelay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// process invokes the function for one message and settles it.
func (q *queueListener) process(ctx context.Context, locked *servicebus.Locked) {
	message := locked.Message
	stop := q.keepLocked(ctx, locked)
	err := q.invoke(ctx, message)
	stop()
	complete := q.config.autoComplete
	if q.function.trigger.AutoCompleteMessages != nil {
		complete = *q.function.trigger.AutoCompleteMessages
	}
	switch {
	case err != nil: // always, even without auto-completion
		err = locked.Abandon(nil)
	case complete:
		err = locked.Complete()
	}
	if err != nil {
		q.log.hostf("function %s: message %s cannot be settled: %v", q.function.name, locked.Message.MessageID, err)
	}
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
				q.log.hostf("function %s: the lock of message %s cannot be renewed: %v", q.function.name, locked.Message.MessageID, err)
				return
			}
		}
	})
	return func() {
		cancel()
		renewing.Wait()
	}
}
