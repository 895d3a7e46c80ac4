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
	q        *queue
	consumer *consumer
	accepted func(*session)   // called with the broker's lock held
	failed   func(why *Error) // likewise
	timeout  *alarm
}

func (q *queue) session(id string) *session {
	s, ok := q.sessions[id]
	if !ok {
		s = &session{id: id, held: map[amqp.UUID]*envelope{}}
		q.sessions[id] = s
	}
	return s
}

func (q *queue) checkSessions() error {
	if q.gone != nil {
		return q.gone
	}
	if !q.requiresSession {
		return &Error{ConditionNotAllowed, "A sessionful message receiver cannot be created on an entity that does not require sessions. " +
			"Ensure RequiresSession is set to true when creating a Queue or Subscription to enable sessionful behavior."}
	}
	return nil
}

// acceptSession locks the session with this id for c, whether it has messages or not.
func (q *queue) acceptSession(now time.Time, id string, c *consumer) (*session, error) {
	if err := q.checkSessions(); err != nil {
		return nil, err
	}
	s := q.session(id)
	if s.owner != nil {
		return nil, &Error{ConditionSessionUnavailable, "The requested session '" + id + "' cannot be accepted. It may be locked by another receiver."}
	}
	q.own(now, s, c)
	return s, nil
}

// acceptNext locks the next session with a ready message for a.consumer, at once or when there is one. With a timeout
// it fails with ConditionTimeout at its end.
func (q *queue) acceptNext(now time.Time, timeout time.Duration, a *acceptor) error {
	if err := q.checkSessions(); err != nil {
		return err
	}
	a.q = q
	q.acceptors = append(q.acceptors, a)
	q.dispatchSessions(now)
	if timeout > 0 && slices.Contains(q.acceptors, a) {
		a.timeout = q.b.setAlarm(now.Add(timeout), func(time.Time) {
			a.fail(&Error{ConditionTimeout, "The operation did not complete within the allotted timeout of " + timeout.String() + ". No session was available."})
		})
	}
	return nil
}

// leave takes the acceptor out of the line; false if it was not in it.
func (a *acceptor) leave() bool {
	i := slices.Index(a.q.acceptors, a)
	if i < 0 {
		return false
	}
	a.q.acceptors = slices.Delete(a.q.acceptors, i, i+1)
	a.q.b.clearAlarm(a.timeout)
	return true
}

func (a *acceptor) fail(why *Error) {
	if a.leave() {
		a.failed(why)
	}
}

func (q *queue) own(now time.Time, s *session, c *consumer) {
	c.q, c.session = q, s
	s.owner, s.until = c, now.Add(q.settings.lock)
	q.owned[s.id] = s
	s.expiry = q.b.setAlarm(s.until, func(now time.Time) {
		q.release(now, s, true)
		c.lost(sessionLockLost(s.id))
	})
}

// release frees a session. What its owner held is ready again; that counts as failed deliveries only if the lock
// expired, as documented for Service Bus.
func (q *queue) release(now time.Time, s *session, expired bool) {
	q.b.clearAlarm(s.expiry)
	s.owner.credit = 0
	s.owner = nil
	delete(q.owned, s.id)
	for _, env := range slices.SortedFunc(maps.Values(s.held), func(a, b *envelope) int { return int(a.seq - b.seq) }) {
		if expired {
			q.fail(now, env)
		} else {
			q.requeue(now, env)
		}
	}
	q.forget(s)
	q.dispatch(now)
}

// forget drops a session that holds nothing.
func (q *queue) forget(s *session) {
	if s.owner == nil && len(s.ready) == 0 && s.state == nil && q.sessions[s.id] == s {
		delete(q.sessions, s.id)
	}
}

// renewSession extends the lock of the session that c owns, and of the messages it holds.
func (q *queue) renewSession(now time.Time, c *consumer) (time.Time, error) {
	s := c.session
	if s.owner != c {
		return time.Time{}, sessionLockLost(s.id)
	}
	s.until = now.Add(q.settings.lock)
	q.b.moveAlarm(s.expiry, s.until)
	for _, env := range s.held {
		env.lockedUntil = s.until
	}
	return s.until, nil
}

func (q *queue) dispatchSessions(now time.Time) {
	for len(q.acceptors) > 0 {
		s := q.freeSession()
		if s == nil {
			break
		}
		a := q.acceptors[0]
		a.leave()
		q.own(now, s, a.consumer)
		a.accepted(s)
	}
	for _, s := range q.owned {
		for s.owner != nil && s.owner.credit > 0 && len(s.ready) > 0 {
			q.hand(now, s.owner, s.ready.next())
		}
	}
}

// freeSession returns the unlocked session with the oldest ready message.
func (q *queue) freeSession() *session {
	var best *session
	for _, s := range q.sessions {
		if s.owner == nil && len(s.ready) > 0 && (best == nil || s.ready[0].seq < best.ready[0].seq) {
			best = s
		}
	}
	return best
}

// listSessions returns the ids of sessions with messages or state or, if since is not zero, of those whose state
// changed after it.
func (q *queue) listSessions(since time.Time, skip, top int) []string {
	var ids []string
	for id, s := range q.sessions {
		if since.IsZero() || (s.state != nil && s.changedAt.After(since)) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	ids = ids[min(skip, len(ids)):]
	return ids[:min(top, len(ids))]
}
