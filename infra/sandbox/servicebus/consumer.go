package servicebus

import (
	"crypto/rand"
	"slices"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// delivery is a message on its way to a consumer.
type delivery struct {
	record
	env *envelope // for putting back what was never sent
}

// consumer takes messages from a queue, or from one session of it, as long as it has credit. The broker's lock guards
// it; the callbacks are called with that lock held, so they must only hand the news on.
type consumer struct {
	q          *queue
	session    *session
	propagated bool   // receive and delete
	credit     uint32 // messages it may still get
	count      uint32 // messages it has got: AMQP's delivery-count
	deliver    func(delivery)
	lost       func(why *Error) // nothing more will come
}

// competition is the line of competing consumers: those of a queue without sessions, the next one in turn first.
type competition struct{ line []*consumer }

func (p *competition) join(c *consumer) { p.line = append(p.line, c) }

func (p *competition) leave(c *consumer) {
	if i := slices.Index(p.line, c); i >= 0 {
		p.line = slices.Delete(p.line, i, i+1)
	}
}

func (p *competition) all() []*consumer { return slices.Clone(p.line) }

// next returns the first consumer with credit, and moves it to the end of the line; nil if there is none.
func (p *competition) next() *consumer {
	for i, c := range p.line {
		if c.credit > 0 {
			copy(p.line[i:], p.line[i+1:])
			p.line[len(p.line)-1] = c
			return c
		}
	}
	return nil
}

// attach registers a consumer of a queue without sessions.
func (q *queue) attach(c *consumer) error {
	if q.gone != nil {
		return q.gone
	}
	if q.requiresSession {
		return &Error{ConditionNotAllowed,
			"It is not possible for an entity that requires sessions to create a non-sessionful message receiver."}
	}
	c.q = q
	q.consumers.join(c)
	return nil
}

// detach ends a consumer. Messages that it holds stay locked until they are propagated or the lock expires; only a
// session gives its messages back.
func (c *consumer) detach(now time.Time) {
	c.credit = 0
	if s := c.session; s != nil {
		if s.owner == c {
			c.q.sessions.release(now, s, false)
		}
		return
	}
	c.q.consumers.leave(c)
}

// lose tells the consumer that it is over.
func (c *consumer) lose(why *Error) {
	c.detach(c.q.b.now())
	c.lost(why)
}

// setCredit makes n the number of messages that the consumer may still get.
func (c *consumer) setCredit(now time.Time, n uint32) {
	c.credit = n
	c.q.dispatch(now)
}

// putBack returns a delivery that never reached its consumer, without counting it.
func (q *queue) putBack(now time.Time, d delivery, propagated bool) {
	switch {
	case q.gone != nil:
	case propagated:
		env := &envelope{record: d.record, index: -1}
		q.messages.keep(env)
		q.makeReady(now, env)
	case q.locks[d.lockToken] == d.env:
		q.requeue(now, d.env)
	}
	q.dispatch(now)
}

// dispatch hands ready messages to consumers with credit, in turn, and free sessions to those who wait for one.
func (q *queue) dispatch(now time.Time) {
	if q.requiresSession {
		q.sessions.dispatch(now)
		return
	}
	for len(q.ready) > 0 {
		c := q.consumers.next()
		if c == nil {
			return
		}
		q.hand(now, c, q.ready.next())
	}
}

// hand delivers one message.
func (q *queue) hand(now time.Time, c *consumer, env *envelope) {
	c.credit--
	c.count++
	if c.propagated {
		q.take(env)
	} else {
		q.lockFor(now, env, c.session)
	}
	c.deliver(delivery{record: env.record, env: env})
}

// lockFor locks a message: on its own, or by the lock of its session.
func (q *queue) lockFor(now time.Time, env *envelope, s *session) {
	env.locked, env.session, env.lockToken = true, s, newUUID()
	q.locks[env.lockToken] = env
	if s != nil {
		env.lockedUntil = s.until
		s.held[env.lockToken] = env
		return
	}
	env.lockedUntil = now.Add(q.settings.lock)
	env.lock = q.b.setAlarm(env.lockedUntil, func(now time.Time) { q.fail(now, env) })
}

func (q *queue) unlock(env *envelope) {
	if !env.locked {
		return
	}
	q.b.clearAlarm(env.lock)
	delete(q.locks, env.lockToken)
	if env.session != nil {
		delete(env.session.held, env.lockToken)
	}
	env.locked, env.session, env.lock = false, nil, nil
	env.lockToken, env.lockedUntil = amqp.UUID{}, time.Time{}
}

// requeue unlocks a message: an active one is ready again, a deferred one stays deferred.
func (q *queue) requeue(now time.Time, env *envelope) {
	q.unlock(env)
	if env.state == stateActive {
		q.makeReady(now, env)
	}
}

// fail counts a failed delivery and makes the message ready again, or buries it after too many.
func (q *queue) fail(now time.Time, env *envelope) {
	env.failed++
	if q.dead != nil && env.failed >= q.maxDelivery {
		q.bury(now, env, "MaxDeliveryCountExceeded", maxDeliveryText(q.maxDelivery), nil)
	} else {
		q.requeue(now, env)
	}
	q.dispatch(now)
}

// newUUID returns a random UUID, version 4.
func newUUID() amqp.UUID {
	var u amqp.UUID
	_, _ = rand.Read(u[:]) // documented never to fail
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u
}
