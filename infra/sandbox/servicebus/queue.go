package servicebus

import (
	"container/heap"
	"maps"
	"slices"
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
	lastSeq   int64
	messages  map[int64]*envelope
	locks     map[amqp.UUID]*envelope
	ready     readyHeap
	consumers []*consumer
	sessions  map[string]*session
	owned     map[string]*session // those of sessions that somebody has locked
	acceptors []*acceptor
	history   history
	gone      *Error // why the queue is no longer there
}

func newQueue(b *Broker, path string, s settings) *queue {
	q := emptyQueue(b, path, s)
	q.dead = emptyQueue(b, path+"/$DeadLetterQueue", settings{lock: s.lock})
	return q
}

func emptyQueue(b *Broker, path string, s settings) *queue {
	return &queue{settings: s, b: b, path: path, messages: map[int64]*envelope{}, locks: map[amqp.UUID]*envelope{},
		sessions: map[string]*session{}, owned: map[string]*session{}}
}

// check says whether the queue accepts m.
func (q *queue) check(m *amqp.Message) error {
	if q.requiresSession && (m.Properties == nil || m.Properties.GroupID == nil) {
		return &Error{ConditionNotAllowed, "The SessionId was not set on a message, and it cannot be sent to the entity. Entities that have " +
			"session support enabled can only receive messages that have the SessionId set to a valid value."}
	}
	return nil
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
		if q.duplicateWindow > 0 && m.Properties != nil && q.history.seen(now, q.duplicateWindow, m.Properties.MessageID) {
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
	q.number(env)
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

// number gives the envelope the next sequence number and files it.
func (q *queue) number(env *envelope) {
	delete(q.messages, env.seq)
	q.lastSeq++
	env.seq = q.lastSeq
	q.messages[env.seq] = env
}

// activate enqueues a scheduled message as if it were sent now, with a new sequence number, as Service Bus does.
func (q *queue) activate(now time.Time, env *envelope) {
	q.number(env)
	env.originalSeq, env.state, env.enqueuedAt = env.seq, stateActive, now
	q.becomeActive(now, env)
	q.dispatch(now)
}

func (q *queue) becomeActive(now time.Time, env *envelope) {
	if q.topic != nil {
		delete(q.messages, env.seq)
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
	return &q.session(env.sessionID).ready
}

// take removes the message from the queue altogether.
func (q *queue) take(env *envelope) {
	q.unlock(env)
	q.b.clearAlarm(env.expiry)
	q.b.clearAlarm(env.wake)
	if env.index >= 0 {
		heap.Remove(q.readyFor(env), env.index)
	}
	delete(q.messages, env.seq)
	if s, ok := q.sessions[env.sessionID]; ok && q.requiresSession {
		q.forget(s)
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
	home.lastSeq = max(home.lastSeq, grave.seq)
	home.messages[grave.seq] = grave
	home.makeReady(now, grave)
	home.dispatch(now)
}

// cancel removes scheduled messages: all of them, or none if one is not there.
func (q *queue) cancel(seqs []int64) error {
	for _, seq := range seqs {
		if env, ok := q.messages[seq]; !ok || env.state != stateScheduled {
			return &Error{ConditionMessageNotFound, "The scheduled message was not found; it may have been enqueued or cancelled already."}
		}
	}
	for _, seq := range seqs {
		q.take(q.messages[seq])
	}
	return nil
}

// peek returns up to limit messages with sequence numbers from the given one on, in every state. sessionID nil: of all
// sessions.
func (q *queue) peek(from int64, limit int, sessionID *string) []record {
	var out []record
	for _, seq := range slices.Sorted(maps.Keys(q.messages)) {
		env := q.messages[seq]
		if seq < from || (sessionID != nil && env.sessionID != *sessionID) {
			continue
		}
		if len(out) == limit {
			break
		}
		out = append(out, env.record)
	}
	return out
}

// count counts the messages by state.
func (q *queue) count() EntityInfo {
	var info EntityInfo
	for _, env := range q.messages {
		switch env.state {
		case stateScheduled:
			info.Scheduled++
		case stateDeferred:
			info.Deferred++
		default:
			info.Active++
		}
	}
	if q.dead != nil {
		info.DeadLettered = len(q.dead.messages)
	}
	return info
}

// purge empties the queue, its dead-letter queue included; what consumers hold is lost to them.
func (q *queue) purge() {
	for _, env := range q.messages {
		q.take(env)
	}
	for _, s := range q.owned {
		s.owner.lose(sessionLockLost(s.id))
	}
	q.sessions, q.history = map[string]*session{}, history{}
	if q.dead != nil {
		q.dead.purge()
	}
}

// close ends the queue: whoever waits or consumes is told why.
func (q *queue) close(why *Error) {
	q.gone = why
	for _, s := range q.owned {
		s.owner.lose(why)
	}
	for _, c := range slices.Clone(q.consumers) {
		c.lose(why)
	}
	for _, a := range slices.Clone(q.acceptors) {
		a.fail(why)
	}
	q.purge()
	if q.dead != nil {
		q.dead.close(why)
	}
}
