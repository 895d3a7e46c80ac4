package servicebus

import (
	"maps"
	"slices"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// session is the messages of one session id, its state and its lock.
type session struct {
	id        string
	ready     readyHeap
	held      map[amqp.UUID]*envelope // locked by owner
	state     []byte
	changedAt time.Time // of state
	owner     *consumer // who has the lock; nil: free
	until     time.Time
	expiry    *alarm
}

// acceptor waits for a session that nobody has and that has a ready message.
type acceptor struct {
	sessions *sessions
	consumer *consumer
	accepted func(*session)   // called with the broker's lock held
	failed   func(why *Error) // likewise
	timeout  *alarm
}

// sessions are the sessions of a queue, their locks, and who waits for one.
type sessions struct {
	q       *queue
	byID    map[string]*session
	owned   map[string]*session // those that somebody has locked
	waiting []*acceptor
}

func newSessions(q *queue) *sessions {
	return &sessions{q: q, byID: map[string]*session{}, owned: map[string]*session{}}
}

// get returns the session with this id; a new one where there is none.
func (t *sessions) get(id string) *session {
	s, ok := t.byID[id]
	if !ok {
		s = &session{id: id, held: map[amqp.UUID]*envelope{}}
		t.byID[id] = s
	}
	return s
}

// check tells whether the queue takes receivers of sessions.
func (t *sessions) check() error {
	if t.q.gone != nil {
		return t.q.gone
	}
	if !t.q.requiresSession {
		return &Error{ConditionNotAllowed,
			"A sessionful message receiver cannot be created on an entity that does not require sessions. " +
				"Ensure RequiresSession is set to true when creating a Queue or Subscription to enable " +
				"sessionful behavior."}
	}
	return nil
}

// accept locks the session with this id for c, whether it has messages or not.
func (t *sessions) accept(now time.Time, id string, c *consumer) (*session, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	s := t.get(id)
	if s.owner != nil {
		return nil, &Error{ConditionSessionUnavailable, "The requested session '" + id + "' cannot be accepted. It " +
			"may be locked by another receiver."}
	}
	t.own(now, s, c)
	return s, nil
}

// acceptNext locks the next session with a ready message for a.consumer, at once or when there is one. With a timeout
// it fails with ConditionTimeout at its end.
func (t *sessions) acceptNext(now time.Time, timeout time.Duration, a *acceptor) error {
	if err := t.check(); err != nil {
		return err
	}
	a.sessions = t
	t.waiting = append(t.waiting, a)
	t.dispatch(now)
	if timeout > 0 && slices.Contains(t.waiting, a) {
		a.timeout = t.q.b.setAlarm(now.Add(timeout), func(time.Time) {
			a.fail(&Error{ConditionTimeout, "The operation did not complete within the allotted timeout of " +
				timeout.String() + ". No session was available."})
		})
	}
	return nil
}

// leave takes the acceptor out of the line; false if it was not in it.
func (a *acceptor) leave() bool {
	t := a.sessions
	i := slices.Index(t.waiting, a)
	if i < 0 {
		return false
	}
	t.waiting = slices.Delete(t.waiting, i, i+1)
	t.q.b.clearAlarm(a.timeout)
	return true
}

func (a *acceptor) fail(why *Error) {
	if a.leave() {
		a.failed(why)
	}
}

func (t *sessions) own(now time.Time, s *session, c *consumer) {
	c.q, c.session = t.q, s
	s.owner, s.until = c, now.Add(t.q.settings.lock)
	t.owned[s.id] = s
	s.expiry = t.q.b.setAlarm(s.until, func(now time.Time) {
		t.release(now, s, true)
		c.lost(sessionLockLost(s.id))
	})
}

// release frees a session. What its owner held is ready again; that counts as failed deliveries only if the lock
// expired, as documented for Service Bus.
func (t *sessions) release(now time.Time, s *session, expired bool) {
	t.q.b.clearAlarm(s.expiry)
	s.owner.credit = 0
	s.owner = nil
	delete(t.owned, s.id)
	for _, env := range slices.SortedFunc(maps.Values(s.held), func(a, b *envelope) int {
		return int(a.seq - b.seq)
	}) {
		if expired {
			t.q.fail(now, env)
		} else {
			t.q.requeue(now, env)
		}
	}
	t.forget(s)
	t.q.dispatch(now)
}

// forget drops a session that holds nothing.
func (t *sessions) forget(s *session) {
	if s.owner == nil && len(s.ready) == 0 && s.state == nil && t.byID[s.id] == s {
		delete(t.byID, s.id)
	}
}

// forgetEmpty forgets the session with this id if it holds nothing.
func (t *sessions) forgetEmpty(id string) {
	if s, ok := t.byID[id]; ok {
		t.forget(s)
	}
}

// evict takes every locked session from its owner, who is told why.
func (t *sessions) evict(why func(*session) *Error) {
	for _, s := range t.owned {
		s.owner.lose(why(s))
	}
}

// refuseWaiting ends the wait of all who wait for a session.
func (t *sessions) refuseWaiting(why *Error) {
	for _, a := range slices.Clone(t.waiting) {
		a.fail(why)
	}
}

// purge forgets all sessions with their state; their owners lose them.
func (t *sessions) purge() {
	t.evict(func(s *session) *Error { return sessionLockLost(s.id) })
	t.byID = map[string]*session{}
}

// renew extends the lock of the session that c owns, and of the messages it holds.
func (t *sessions) renew(now time.Time, c *consumer) (time.Time, error) {
	s := c.session
	if s.owner != c {
		return time.Time{}, sessionLockLost(s.id)
	}
	s.until = now.Add(t.q.settings.lock)
	t.q.b.moveAlarm(s.expiry, s.until)
	for _, env := range s.held {
		env.lockedUntil = s.until
	}
	return s.until, nil
}

// dispatch hands free sessions to those who wait for one, and ready messages to the owners of sessions.
func (t *sessions) dispatch(now time.Time) {
	for len(t.waiting) > 0 {
		s := t.free()
		if s == nil {
			break
		}
		a := t.waiting[0]
		a.leave()
		t.own(now, s, a.consumer)
		a.accepted(s)
	}
	for _, s := range t.owned {
		for s.owner != nil && s.owner.credit > 0 && len(s.ready) > 0 {
			t.q.hand(now, s.owner, s.ready.next())
		}
	}
}

// free returns the unlocked session with the oldest ready message.
func (t *sessions) free() *session {
	var best *session
	for _, s := range t.byID {
		if s.owner == nil && len(s.ready) > 0 && (best == nil || s.ready[0].seq < best.ready[0].seq) {
			best = s
		}
	}
	return best
}

// list returns the ids of sessions with messages or state or, if since is not zero, of those whose state
// changed after it.
func (t *sessions) list(since time.Time, skip, top int) []string {
	var ids []string
	for id, s := range t.byID {
		if since.IsZero() || (s.state != nil && s.changedAt.After(since)) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	ids = ids[min(skip, len(ids)):]
	return ids[:min(top, len(ids))]
}
