package servicebus

import (
	"maps"
	"slices"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// MessageSession is the messages of one session id, its state and its lock.
type MessageSession struct {
	ID        string
	ready     readyHeap
	held      map[amqp.UUID]*envelope // locked by owner
	State     []byte
	ChangedAt time.Time // of state
	Owner     *Consumer // who has the lock; nil: free
	Until     time.Time
	expiry    *alarm
}

// Acceptor waits for a session that nobody has and that has a ready message.
type Acceptor struct {
	sessions *sessions
	Consumer *Consumer
	Accepted func(*MessageSession) // called with the broker's lock held
	Failed   func(why *Error)      // likewise
	timeout  *alarm
}

// sessions are the sessions of a queue, their locks, and who waits for one.
type sessions struct {
	q       *Queue
	byID    map[string]*MessageSession
	owned   map[string]*MessageSession // those that somebody has locked
	waiting []*Acceptor
}

func newSessions(q *Queue) *sessions {
	return &sessions{q: q, byID: map[string]*MessageSession{}, owned: map[string]*MessageSession{}}
}

// get returns the session with this id; a new one where there is none.
func (t *sessions) get(id string) *MessageSession {
	s, ok := t.byID[id]
	if !ok {
		s = &MessageSession{ID: id, held: map[amqp.UUID]*envelope{}}
		t.byID[id] = s
	}
	return s
}

// Check tells whether the queue takes receivers of sessions.
func (t *sessions) Check() error {
	if t.q.gone != nil {
		return t.q.gone
	}
	if !t.q.RequiresSession {
		return &Error{ConditionNotAllowed,
			"A sessionful message receiver cannot be created on an entity that does not require sessions. " +
				"Ensure RequiresSession is set to true when creating a Queue or Subscription to enable " +
				"sessionful behavior."}
	}
	return nil
}

// Accept locks the session with this id for c, whether it has messages or not.
func (t *sessions) Accept(now time.Time, id string, c *Consumer) (*MessageSession, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	s := t.get(id)
	if s.Owner != nil {
		return nil, &Error{ConditionSessionUnavailable, "The requested session '" + id + "' cannot be accepted. It " +
			"may be locked by another receiver."}
	}
	t.own(now, s, c)
	return s, nil
}

// AcceptNext locks the next session with a ready message for a.consumer, at once or when there is one. With a timeout
// it fails with ConditionTimeout at its end.
func (t *sessions) AcceptNext(now time.Time, timeout time.Duration, a *Acceptor) error {
	if err := t.Check(); err != nil {
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

// Leave takes the acceptor out of the line; false if it was not in it.
func (a *Acceptor) Leave() bool {
	t := a.sessions
	i := slices.Index(t.waiting, a)
	if i < 0 {
		return false
	}
	t.waiting = slices.Delete(t.waiting, i, i+1)
	t.q.b.clearAlarm(a.timeout)
	return true
}

func (a *Acceptor) fail(why *Error) {
	if a.Leave() {
		a.Failed(why)
	}
}

func (t *sessions) own(now time.Time, s *MessageSession, c *Consumer) {
	c.Queue, c.Session = t.q, s
	s.Owner, s.Until = c, now.Add(t.q.settings.lock)
	t.owned[s.ID] = s
	s.expiry = t.q.b.setAlarm(s.Until, func(now time.Time) {
		t.release(now, s, true)
		c.Lost(SessionLockLost(s.ID))
	})
}

// release frees a session. What its owner held is ready again; that counts as failed deliveries only if the lock
// expired, as documented for Service Bus.
func (t *sessions) release(now time.Time, s *MessageSession, expired bool) {
	t.q.b.clearAlarm(s.expiry)
	s.Owner.Credit = 0
	s.Owner = nil
	delete(t.owned, s.ID)
	for _, env := range slices.SortedFunc(maps.Values(s.held), func(a, b *envelope) int {
		return int(a.Sequence - b.Sequence)
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
func (t *sessions) forget(s *MessageSession) {
	if s.Owner == nil && len(s.ready) == 0 && s.State == nil && t.byID[s.ID] == s {
		delete(t.byID, s.ID)
	}
}

// forgetEmpty forgets the session with this id if it holds nothing.
func (t *sessions) forgetEmpty(id string) {
	if s, ok := t.byID[id]; ok {
		t.forget(s)
	}
}

// evict takes every locked session from its owner, who is told why.
func (t *sessions) evict(why func(*MessageSession) *Error) {
	for _, s := range t.owned {
		s.Owner.lose(why(s))
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
	t.evict(func(s *MessageSession) *Error { return SessionLockLost(s.ID) })
	t.byID = map[string]*MessageSession{}
}

// Renew extends the lock of the session that c owns, and of the messages it holds.
func (t *sessions) Renew(now time.Time, c *Consumer) (time.Time, error) {
	s := c.Session
	if s.Owner != c {
		return time.Time{}, SessionLockLost(s.ID)
	}
	s.Until = now.Add(t.q.settings.lock)
	t.q.b.moveAlarm(s.expiry, s.Until)
	for _, env := range s.held {
		env.LockedUntil = s.Until
	}
	return s.Until, nil
}

// dispatch hands free sessions to those who wait for one, and ready messages to the owners of sessions.
func (t *sessions) dispatch(now time.Time) {
	for len(t.waiting) > 0 {
		s := t.free()
		if s == nil {
			break
		}
		a := t.waiting[0]
		a.Leave()
		t.own(now, s, a.Consumer)
		a.Accepted(s)
	}
	for _, s := range t.owned {
		for s.Owner != nil && s.Owner.Credit > 0 && len(s.ready) > 0 {
			t.q.hand(now, s.Owner, s.ready.next())
		}
	}
}

// free returns the unlocked session with the oldest ready message.
func (t *sessions) free() *MessageSession {
	var best *MessageSession
	for _, s := range t.byID {
		if s.Owner == nil && len(s.ready) > 0 && (best == nil || s.ready[0].Sequence < best.ready[0].Sequence) {
			best = s
		}
	}
	return best
}

// List returns the ids of sessions with messages or state or, if since is not zero, of those whose state
// changed after it.
func (t *sessions) List(since time.Time, skip, top int) []string {
	var ids []string
	for id, s := range t.byID {
		if since.IsZero() || (s.State != nil && s.ChangedAt.After(since)) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	ids = ids[min(skip, len(ids)):]
	return ids[:min(top, len(ids))]
}
