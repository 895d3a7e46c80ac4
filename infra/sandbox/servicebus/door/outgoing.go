package door

import (
	"math"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// outgoing is a link on which the peer receives: from an entity, or replies to its requests.
type outgoing struct {
	ch     *channel
	handle uint32
	name   string
	attach *amqp.Attach

	replies string // path of the request node whose replies go here; "" for an entity
	count   uint32 // deliveries sent
	credit  uint32 // replies that may be sent; for an entity the consumer has the credit

	consumer *servicebus.Consumer // of an entity
	settled  bool                 // receive and delete
	waiting  *servicebus.Acceptor // the attach is answered when it has a session
	early    *amqp.Flow

	pending []*outbound // in order
	ended   bool
	drained bool // tell the peer that its credit is used up once pending is empty
}

// outbound is a message on its way to the peer.
type outbound struct {
	servicebus.Delivery
	payload []byte // what is left to send; encoded when it is its turn
	id      uint32
	begun   bool
}

// consume attaches to a queue, subscription or dead-letter queue.
func (l *outgoing) consume(path string) error {
	l.settled = l.attach.SenderSettleMode != nil && *l.attach.SenderSettleMode == amqp.SenderSettled
	l.consumer = &servicebus.Consumer{Settled: l.settled}
	l.consumer.Deliver = func(d servicebus.Delivery) {
		l.ch.c.post(func() { l.delivered(d) })
	}
	l.consumer.Lost = func(why *servicebus.Error) { l.ch.c.post(func() { l.detach(why) }) }
	id, sessions := sessionOf(l.attach.Source)
	return l.ch.c.b.Do(func(now time.Time) error {
		q, err := l.ch.c.b.Source(path)
		switch {
		case err != nil:
			return err
		case !sessions:
			if err := q.Attach(l.consumer); err != nil {
				return err
			}
			l.confirm(l.attach.Source, nil)
			return nil
		case id == nil:
			return l.acceptNext(now, q)
		}
		s, err := q.Sessions.Accept(now, *id, l.consumer)
		if err != nil {
			return err
		}
		l.confirmSession(s.ID, s.Until)
		return nil
	})
}

// delivered takes a message that the broker has handed to the consumer.
func (l *outgoing) delivered(d servicebus.Delivery) {
	l.pending = append(l.pending, &outbound{Delivery: d})
	if l.ended {
		l.putBack()
	}
}

// putBack returns what was never sent.
func (l *outgoing) putBack() {
	// fails only when the broker closes: then there is no queue to return to
	_ = l.ch.c.b.Do(func(now time.Time) error {
		for _, o := range l.pending {
			if !o.begun {
				l.consumer.Queue.PutBack(now, o.Delivery, l.settled)
			}
		}
		return nil
	})
	l.pending = nil
}

// acceptNext answers the attach once there is a session, or the peer's patience ends.
func (l *outgoing) acceptNext(now time.Time, q *servicebus.Queue) error {
	timeout := acceptNextTimeout
	if v, ok := l.attach.Properties.Get(propertyTimeout); ok {
		if ms, ok := integer(v); ok && ms > 0 && ms <= math.MaxUint32 {
			timeout = time.Duration(ms) * time.Millisecond
		}
	}
	l.waiting = &servicebus.Acceptor{Consumer: l.consumer}
	l.waiting.Accepted = func(s *servicebus.MessageSession) {
		id, until := s.ID, s.Until
		l.ch.c.post(func() { l.accepted(id, until) })
	}
	l.waiting.Failed = func(why *servicebus.Error) { l.ch.c.post(func() { l.giveUp(why) }) }
	return q.Sessions.AcceptNext(now, timeout, l.waiting)
}

func (l *outgoing) accepted(id string, until time.Time) {
	if l.waiting == nil {
		return // the peer detached first
	}
	l.waiting = nil
	l.confirmSession(id, until)
	if l.early != nil {
		l.flow(l.early)
	}
}

func (l *outgoing) giveUp(why *servicebus.Error) {
	if l.waiting != nil {
		l.waiting = nil
		l.ch.refuse(l.attach, why)
	}
}

func (l *outgoing) confirmSession(id string, until time.Time) {
	l.confirm(withSession(l.attach.Source, id), amqp.Map{{Key: propertyLockedUntil, Value: dotNetTicks(until)}})
}

// confirm answers the attach.
func (l *outgoing) confirm(source *amqp.Terminus, properties amqp.Map) {
	zero, limit := uint32(0), uint64(l.ch.c.b.Options().MaxMessageSize)
	l.ch.send(&amqp.Attach{Name: l.name, Handle: l.handle, Role: amqp.RoleSender,
		SenderSettleMode:   l.attach.SenderSettleMode,
		ReceiverSettleMode: l.attach.ReceiverSettleMode, Source: source, Target: l.attach.Target,
		InitialDeliveryCount: &zero,
		MaxMessageSize:       &limit, Properties: properties})
}

// transfer: the peer is the receiver of this link.
func (l *outgoing) transfer(*amqp.Transfer) error {
	return l.ch.c.protocolError("transfer on handle %d, which is attached as receiver", l.handle)
}

// flow takes the peer's credit.
func (l *outgoing) flow(f *amqp.Flow) {
	if l.waiting != nil {
		l.early = f
		return
	}
	if f.LinkCredit != nil {
		limit := *f.LinkCredit
		if f.DeliveryCount != nil {
			limit += *f.DeliveryCount
		}
		l.allowUpTo(limit, f.Drain)
	}
	if f.Echo && !l.drained {
		l.report(false)
	}
}

// allowUpTo lets deliveries go out until their number, counted as AMQP does, is limit.
func (l *outgoing) allowUpTo(limit uint32, drain bool) {
	if l.consumer == nil {
		l.credit = uint32(max(int32(limit-l.count), 0))
		if drain {
			l.drained = true
		}
		return
	}
	_ = l.ch.c.b.Do(func(now time.Time) error { // fails only when the broker closes, which ends the connection too
		c := l.consumer
		c.SetCredit(now, uint32(max(int32(limit-c.Count), 0)))
		if drain {
			c.Count += c.Credit
			c.Credit = 0
		}
		return nil
	})
	if drain {
		l.ch.c.post(func() { l.drained = true }) // after the deliveries that the credit has brought
	}
}

// report tells the peer the link's state. What the broker has handed out and is not sent yet still counts as credit.
func (l *outgoing) report(drained bool) {
	handle, count, credit := l.handle, l.count, l.credit
	if l.consumer != nil {
		_ = l.ch.c.b.Do(func(time.Time) error {
			credit = l.consumer.Count + l.consumer.Credit - l.count
			return nil
		})
	}
	l.ch.announce(&amqp.Flow{Handle: &handle, DeliveryCount: &count, LinkCredit: &credit, Drain: drained})
}

// detach ends the link for an error.
func (l *outgoing) detach(why *servicebus.Error) {
	if l.ch.links[l.handle] != l {
		return
	}
	l.ch.links[l.handle] = refused{}
	l.end()
	l.ch.send(&amqp.Detach{Handle: l.handle, Closed: true, Error: wireError(why)})
}

// end gives up what the link holds: messages that were not sent go back uncounted, the others stay locked, a session
// is free again.
func (l *outgoing) end() {
	l.ended = true
	for id, u := range l.ch.unsettled {
		if u.link == l {
			delete(l.ch.unsettled, id)
		}
	}
	if l.consumer == nil {
		return
	}
	l.putBack()
	_ = l.ch.c.b.Do(func(now time.Time) error {
		if l.waiting != nil {
			l.waiting.Leave()
		}
		if l.consumer.Queue != nil {
			l.consumer.Detach(now)
		}
		return nil
	})
	l.waiting = nil
}
