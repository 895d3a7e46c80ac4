package servicebus

import (
	"container/heap"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// Queue holds messages: those of a queue, a subscription, a dead-letter queue, or the scheduled ones of a topic. The
// broker's lock guards it.
type Queue struct {
	settings
	b         *Broker
	path      string
	dead      *Queue // nil in a dead-letter queue
	topic     *topic // what becomes active here is published there
	Messages  store
	locks     map[amqp.UUID]*envelope
	ready     readyHeap // without sessions
	consumers competition
	Sessions  *sessions
	history   history
	gone      *Error // why the queue is no longer there
}

func newQueue(b *Broker, path string, s settings) *Queue {
	q := emptyQueue(b, path, s)
	q.dead = emptyQueue(b, path+"/$DeadLetterQueue", settings{lock: s.lock})
	return q
}

func emptyQueue(b *Broker, path string, s settings) *Queue {
	q := &Queue{settings: s, b: b, path: path, Messages: newStore(), locks: map[amqp.UUID]*envelope{}}
	q.Sessions = newSessions(q)
	return q
}

// Send accepts messages together: all or none. It returns their sequence numbers, 0 for a duplicate.
func (q *Queue) Send(now time.Time, messages []*amqp.Message) ([]int64, error) {
	for _, m := range messages {
		if err := q.check(m); err != nil {
			return nil, err
		}
	}
	seqs := make([]int64, len(messages))
	for i, m := range messages {
		if q.duplicateWindow > 0 && m.Properties != nil && q.history.seen(now, q.duplicateWindow,
			m.Properties.MessageID) {
			continue
		}
		seqs[i] = q.add(now, withMessageID(m))
	}
	q.dispatch(now)
	return seqs, nil
}

// add puts one message in, active or scheduled.
func (q *Queue) add(now time.Time, m *amqp.Message) int64 {
	env := &envelope{Record: Record{Message: m, EnqueuedAt: now}, index: -1}
	if m.Properties != nil && m.Properties.GroupID != nil {
		env.sessionID, env.hasSession = *m.Properties.GroupID, true
	}
	q.Messages.number(env)
	env.OriginalSequence = env.Sequence
	if at, ok := scheduledTime(m); ok {
		env.scheduledFor = at
		if at.After(now) {
			env.State = stateScheduled
			env.wake = q.b.setAlarm(at, func(now time.Time) { q.activate(now, env) })
			return env.Sequence
		}
	}
	q.becomeActive(now, env)
	return env.Sequence
}

// activate enqueues a scheduled message as if it were sent now, with a new sequence number, as Service Bus does.
func (q *Queue) activate(now time.Time, env *envelope) {
	q.Messages.number(env)
	env.OriginalSequence, env.State, env.EnqueuedAt = env.Sequence, stateActive, now
	q.becomeActive(now, env)
	q.dispatch(now)
}

// hasten moves scheduled messages forward by that time. Locks, sessions and lives stay as they are.
func (q *Queue) hasten(by time.Duration) {
	for _, env := range q.Messages.all() {
		if env.State == stateScheduled {
			q.b.moveAlarm(env.wake, env.wake.at.Add(-by))
		}
	}
}

func (q *Queue) becomeActive(now time.Time, env *envelope) {
	if q.topic != nil {
		q.Messages.remove(env)
		q.topic.publish(now, env.Record, q.timeToLive)
		return
	}
	q.limitLife(env, q.timeToLive)
	q.makeReady(now, env)
}

// limitLife starts the message's time to live, which is at most bound; 0 is no bound.
func (q *Queue) limitLife(env *envelope, bound time.Duration) {
	env.TimeToLive = bound
	if own, ok := env.Message.Lifetime(); ok && (bound == 0 || own < bound) {
		env.TimeToLive = own
		if own == 0 {
			env.TimeToLive = time.Nanosecond // a TTL of zero expires at once; zero here means for ever
		}
	}
	if env.TimeToLive == 0 {
		return
	}
	env.ExpiresAt = env.EnqueuedAt.Add(env.TimeToLive)
	env.expiry = q.b.setAlarm(env.ExpiresAt, func(now time.Time) {
		if !env.locked && env.State == stateActive {
			q.expire(now, env)
		}
	})
}

// makeReady puts an active message where the next consumer finds it.
func (q *Queue) makeReady(now time.Time, env *envelope) {
	if !env.ExpiresAt.IsZero() && !env.ExpiresAt.After(now) {
		q.expire(now, env)
		return
	}
	heap.Push(q.readyFor(env), env)
}

func (q *Queue) readyFor(env *envelope) *readyHeap {
	if !q.RequiresSession {
		return &q.ready
	}
	return &q.Sessions.get(env.sessionID).ready
}

// take removes the message from the queue altogether.
func (q *Queue) take(env *envelope) {
	q.unlock(env)
	q.b.clearAlarm(env.expiry)
	q.b.clearAlarm(env.wake)
	if env.index >= 0 {
		heap.Remove(q.readyFor(env), env.index)
	}
	q.Messages.remove(env)
	if q.RequiresSession {
		q.Sessions.forgetEmpty(env.sessionID)
	}
}

// expire ends a message whose time to live is over.
func (q *Queue) expire(now time.Time, env *envelope) {
	if q.dead != nil && q.deadLetterExpiry {
		q.bury(now, env, "TTLExpiredException", "The message expired and was dead lettered.", nil)
		return
	}
	q.take(env)
}

// bury moves a message to the dead-letter queue; one that is there already stays, with the new reason.
func (q *Queue) bury(now time.Time, env *envelope, reason, description string, properties amqp.Map) {
	q.take(env)
	env.Message = withProperties(env.Message, properties)
	env.Message = withReason(env.Message, reason, description)
	home := q.dead
	if home == nil {
		home = q
	} else {
		env.DeadLetterSource = q.path
	}
	grave := &envelope{Record: env.Record, index: -1}
	grave.State, grave.ExpiresAt = stateActive, time.Time{}
	home.Messages.keep(grave)
	home.makeReady(now, grave)
	home.dispatch(now)
}

// Cancel removes scheduled messages: all of them, or none if one is not there.
func (q *Queue) Cancel(seqs []int64) error {
	found := make([]*envelope, len(seqs))
	for i, seq := range seqs {
		env, ok := q.Messages.find(seq, stateScheduled)
		if !ok {
			return &Error{ConditionMessageNotFound,
				"The scheduled message was not found; it may have been enqueued or cancelled already."}
		}
		found[i] = env
	}
	for _, env := range found {
		q.take(env)
	}
	return nil
}

// count counts the messages by state, those of the dead-letter queue apart.
func (q *Queue) count() EntityInfo {
	info := q.Messages.count()
	if q.dead != nil {
		info.DeadLettered = q.dead.Messages.len()
	}
	return info
}

// purge empties the queue, its dead-letter queue included; what consumers hold is lost to them.
func (q *Queue) purge() {
	for _, env := range q.Messages.all() {
		q.take(env)
	}
	q.Sessions.purge()
	q.history = history{}
	if q.dead != nil {
		q.dead.purge()
	}
}

// close ends the queue: whoever waits or consumes is told why.
func (q *Queue) close(why *Error) {
	q.gone = why
	q.Sessions.evict(func(*MessageSession) *Error { return why })
	for _, c := range q.consumers.all() {
		c.lose(why)
	}
	q.Sessions.refuseWaiting(why)
	q.purge()
	if q.dead != nil {
		q.dead.close(why)
	}
}
