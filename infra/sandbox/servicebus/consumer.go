package servicebus

import (
	"crypto/rand"
	"slices"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// Delivery is a message on its way to a consumer.
type Delivery struct {
	Record
	env *envelope // for putting back what was never sent
}

// Consumer takes messages from a queue, or from one session of it, as long as it has credit. The broker's lock guards
// it; the callbacks are called with that lock held, so they must only hand the news on.
type Consumer struct {
	Queue   *Queue
	Session *MessageSession
	Settled bool   // receive and delete
	Credit  uint32 // messages it may still get
	Count   uint32 // messages it has got: AMQP's delivery-count
	Deliver func(Delivery)
	Lost    func(why *Error) // nothing more will come
}

// competition is the line of competing consumers: those of a queue without sessions, the next one in turn first.
type competition struct{ line []*Consumer }

func (p *competition) join(c *Consumer) { p.line = append(p.line, c) }

func (p *competition) leave(c *Consumer) {
	if i := slices.Index(p.line, c); i >= 0 {
		p.line = slices.Delete(p.line, i, i+1)
	}
}

func (p *competition) all() []*Consumer { return slices.Clone(p.line) }

// next returns the first consumer with credit, and moves it to the end of the line; nil if there is none.
func (p *competition) next() *Consumer {
	for i, c := range p.line {
		if c.Credit > 0 {
			copy(p.line[i:], p.line[i+1:])
			p.line[len(p.line)-1] = c
			return c
		}
	}
	return nil
}

// Attach registers a consumer of a queue without sessions.
func (q *Queue) Attach(c *Consumer) error {
	if q.gone != nil {
		return q.gone
	}
	if q.RequiresSession {
		return &Error{ConditionNotAllowed,
			"It is not possible for an entity that requires sessions to create a non-sessionful message receiver."}
	}
	c.Queue = q
	q.consumers.join(c)
	return nil
}

// Detach ends a consumer. Messages that it holds stay locked until they are settled or the lock expires; only a
// session gives its messages back.
func (c *Consumer) Detach(now time.Time) {
	c.Credit = 0
	if s := c.Session; s != nil {
		if s.Owner == c {
			c.Queue.Sessions.release(now, s, false)
		}
		return
	}
	c.Queue.consumers.leave(c)
}

// lose tells the consumer that it is over.
func (c *Consumer) lose(why *Error) {
	c.Detach(c.Queue.b.now())
	c.Lost(why)
}

// SetCredit makes n the number of messages that the consumer may still get.
func (c *Consumer) SetCredit(now time.Time, n uint32) {
	c.Credit = n
	c.Queue.dispatch(now)
}

// PutBack returns a delivery that never reached its consumer, without counting it.
func (q *Queue) PutBack(now time.Time, d Delivery, settled bool) {
	switch {
	case q.gone != nil:
	case settled:
		env := &envelope{Record: d.Record, index: -1}
		q.Messages.keep(env)
		q.makeReady(now, env)
	case q.locks[d.LockToken] == d.env:
		q.requeue(now, d.env)
	}
	q.dispatch(now)
}

// dispatch hands ready messages to consumers with credit, in turn, and free sessions to those who wait for one.
func (q *Queue) dispatch(now time.Time) {
	if q.RequiresSession {
		q.Sessions.dispatch(now)
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
func (q *Queue) hand(now time.Time, c *Consumer, env *envelope) {
	c.Credit--
	c.Count++
	if c.Settled {
		q.take(env)
	} else {
		q.lockFor(now, env, c.Session)
	}
	c.Deliver(Delivery{Record: env.Record, env: env})
}

// lockFor locks a message: on its own, or by the lock of its session.
func (q *Queue) lockFor(now time.Time, env *envelope, s *MessageSession) {
	env.locked, env.session, env.LockToken = true, s, newUUID()
	q.locks[env.LockToken] = env
	if s != nil {
		env.LockedUntil = s.Until
		s.held[env.LockToken] = env
		return
	}
	env.LockedUntil = now.Add(q.settings.lock)
	env.lock = q.b.setAlarm(env.LockedUntil, func(now time.Time) { q.fail(now, env) })
}

func (q *Queue) unlock(env *envelope) {
	if !env.locked {
		return
	}
	q.b.clearAlarm(env.lock)
	delete(q.locks, env.LockToken)
	if env.session != nil {
		delete(env.session.held, env.LockToken)
	}
	env.locked, env.session, env.lock = false, nil, nil
	env.LockToken, env.LockedUntil = amqp.UUID{}, time.Time{}
}

// requeue unlocks a message: an active one is ready again, a deferred one stays deferred.
func (q *Queue) requeue(now time.Time, env *envelope) {
	q.unlock(env)
	if env.State == stateActive {
		q.makeReady(now, env)
	}
}

// fail counts a failed delivery and makes the message ready again, or buries it after too many.
func (q *Queue) fail(now time.Time, env *envelope) {
	env.Failed++
	if q.dead != nil && env.Failed >= q.maxDelivery {
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
