package servicebus

import (
	"container/heap"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// queue holds messages: those of a queue, a subscription, a dead-letter queue, or the scheduled ones of a topic. The
// broker's lock guards it.
type queue struct {
	settings
	b         *Broker
	path      string
	dead      *queue // nil in a dead-letter queue
	topic     *topic // what becomes active here is published there
	messages  store
	locks     map[amqp.UUID]*envelope
	ready     readyHeap // without sessions
	consumers competition
	sessions  *sessions
	history   history
	gone      *Error // why the queue is no longer there
}

func newQueue(b *Broker, path string, s settings) *queue {
	q := emptyQueue(b, path, s)
	q.dead = emptyQueue(b, path+"/$DeadLetterQueue", settings{lock: s.lock})
	return q
}

func emptyQueue(b *Broker, path string, s settings) *queue {
	q := &queue{settings: s, b: b, path: path, messages: newStore(), locks: map[amqp.UUID]*envelope{}}
	q.sessions = newSessions(q)
	return q
}

// send accepts messages together: all or none. It returns their sequence numbers, 0 for a duplicate.
func (q *queue) send(now time.Time, messages []*amqp.Message) ([]int64, error) {
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
func (q *queue) add(now time.Time, m *amqp.Message) int64 {
	env := &envelope{record: record{msg: m, enqueuedAt: now}, index: -1}
	if m.Properties != nil && m.Properties.GroupID != nil {
		env.sessionID, env.hasSession = *m.Properties.GroupID, true
	}
	q.messages.number(env)
	env.originalSeq = env.seq
	if at, ok := scheduledTime(m); ok {
		env.scheduledFor = at
		if at.After(now) {
			env.state = stateScheduled
			env.wake = q.b.setAlarm(at, func(now time.Time) { q.activate(now, env) })
			return env.seq
		}
	}
	q.becomeActive(now, env)
	return env.seq
}

// activate enqueues a scheduled message as if it were sent now, with a new sequence number, as Service Bus does.
func (q *queue) activate(now time.Time, env *envelope) {
	q.messages.number(env)
	env.originalSeq, env.state, env.enqueuedAt = env.seq, stateActive, now
	q.becomeActive(now, env)
	q.dispatch(now)
}

func (q *queue) becomeActive(now time.Time, env *envelope) {
	if q.topic != nil {
		q.messages.remove(env)
		q.topic.publish(now, env.record, q.timeToLive)
		return
	}
	q.limitLife(env, q.timeToLive)
	q.makeReady(now, env)
}

// limitLife starts the message's time to live, which is at most bound; 0 is no bound.
func (q *queue) limitLife(env *envelope, bound time.Duration) {
	env.timeToLive = bound
	if own, ok := env.msg.Lifetime(); ok && (bound == 0 || own < bound) {
		env.timeToLive = own
		if own == 0 {
			env.timeToLive = time.Nanosecond // a TTL of zero expires at once; zero here means for ever
		}
	}
	if env.timeToLive == 0 {
		return
	}
	env.expiresAt = env.enqueuedAt.Add(env.timeToLive)
	env.expiry = q.b.setAlarm(env.expiresAt, func(now time.Time) {
		if !env.locked && env.state == stateActive {
			q.expire(now, env)
		}
	})
}

// makeReady puts an active message where the next consumer finds it.
func (q *queue) makeReady(now time.Time, env *envelope) {
	if !env.expiresAt.IsZero() && !env.expiresAt.After(now) {
		q.expire(now, env)
		return
	}
	heap.Push(q.readyFor(env), env)
}

func (q *queue) readyFor(env *envelope) *readyHeap {
	if !q.requiresSession {
		return &q.ready
	}
	return &q.sessions.get(env.sessionID).ready
}

// take removes the message from the queue altogether.
func (q *queue) take(env *envelope) {
	q.unlock(env)
	q.b.clearAlarm(env.expiry)
	q.b.clearAlarm(env.wake)
	if env.index >= 0 {
		heap.Remove(q.readyFor(env), env.index)
	}
	q.messages.remove(env)
	if q.requiresSession {
		q.sessions.forgetEmpty(env.sessionID)
	}
}

// expire ends a message whose time to live is over.
func (q *queue) expire(now time.Time, env *envelope) {
	if q.dead != nil && q.deadLetterExpiry {
		q.bury(now, env, "TTLExpiredException", "The message expired and was dead lettered.", nil)
		return
	}
	q.take(env)
}

// bury moves a message to the dead-letter queue; one that is there already stays, with the new reason.
func (q *queue) bury(now time.Time, env *envelope, reason, description string, properties amqp.Map) {
	q.take(env)
	env.msg = withProperties(env.msg, properties)
	env.msg = withReason(env.msg, reason, description)
	home := q.dead
	if home == nil {
		home = q
	} else {
		env.deadLetterSource = q.path
	}
	grave := &envelope{record: env.record, index: -1}
	grave.state, grave.expiresAt = stateActive, time.Time{}
	home.messages.keep(grave)
	home.makeReady(now, grave)
	home.dispatch(now)
}

// cancel removes scheduled messages: all of them, or none if one is not there.
func (q *queue) cancel(seqs []int64) error {
	found := make([]*envelope, len(seqs))
	for i, seq := range seqs {
		env, ok := q.messages.find(seq, stateScheduled)
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
func (q *queue) count() EntityInfo {
	info := q.messages.count()
	if q.dead != nil {
		info.DeadLettered = q.dead.messages.len()
	}
	return info
}

// purge empties the queue, its dead-letter queue included; what consumers hold is lost to them.
func (q *queue) purge() {
	for _, env := range q.messages.all() {
		q.take(env)
	}
	q.sessions.purge()
	q.history = history{}
	if q.dead != nil {
		q.dead.purge()
	}
}

// close ends the queue: whoever waits or consumes is told why.
func (q *queue) close(why *Error) {
	q.gone = why
	q.sessions.evict(func(*session) *Error { return why })
	for _, c := range q.consumers.all() {
		c.lose(why)
	}
	q.sessions.refuseWaiting(why)
	q.purge()
	if q.dead != nil {
		q.dead.close(why)
	}
}
