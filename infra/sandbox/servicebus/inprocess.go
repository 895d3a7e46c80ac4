package servicebus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// Send puts a message on a queue or topic, or schedules it if ScheduledAt is in the future. A duplicate, where the
// entity detects them, is dropped without an error, as in Service Bus.
func (b *Broker) Send(entity string, m Message) error {
	wire, err := m.wire()
	if err != nil {
		return err
	}
	if size := len(wire.Body); size > b.options.MaxMessageSize {
		return &Error{ConditionMessageSizeExceeded, fmt.Sprintf("The body of %d bytes exceeds the limit of %d.", size,
			b.options.MaxMessageSize)}
	}
	return b.Do(func(now time.Time) error {
		q, err := b.Target(entity)
		if err != nil {
			return err
		}
		_, err = q.Send(now, []*amqp.Message{wire})
		return err
	})
}

// Peek returns the messages of a queue, subscription or dead-letter queue in sequence, whatever their state, and
// changes nothing. An unknown entity has none.
func (b *Broker) Peek(entity string) []Message {
	var out []Message
	_ = b.Do(func(time.Time) error {
		q, err := b.Source(entity)
		if err != nil {
			return err
		}
		for _, r := range q.Messages.Peek(0, q.Messages.len(), nil) {
			out = append(out, messageOf(r))
		}
		return nil
	})
	return out
}

// inbox is the Go side of a consumer: at most one message at a time.
type inbox struct {
	Consumer
	arrived chan Delivery
	over    chan *Error
}

func newInbox() *inbox {
	in := &inbox{arrived: make(chan Delivery, 1), over: make(chan *Error, 1)}
	in.Consumer.Deliver = func(d Delivery) { in.arrived <- d }
	in.Consumer.Lost = func(why *Error) { in.over <- why }
	return in
}

// next asks for one message and waits for it. A message that comes together with the end of ctx goes back.
func (in *inbox) next(ctx context.Context, b *Broker) (*Locked, error) {
	err := b.Do(func(now time.Time) error {
		if in.Session != nil && in.Session.Owner != &in.Consumer {
			return SessionLockLost(in.Session.ID)
		}
		in.SetCredit(now, 1)
		return nil
	})
	if err != nil {
		return nil, err
	}
	select {
	case d := <-in.arrived:
		if ctx.Err() == nil {
			return in.locked(b, d), nil
		}
		in.arrived <- d // select picks one by chance where both are ready
		return nil, in.giveBack(ctx, b)
	case why := <-in.over:
		return nil, why
	case <-ctx.Done():
		return nil, in.giveBack(ctx, b)
	}
}

// giveBack returns what has arrived, without counting it.
func (in *inbox) giveBack(ctx context.Context, b *Broker) error {
	err := b.Do(func(now time.Time) error {
		in.Credit = 0
		select {
		case d := <-in.arrived:
			in.Queue.PutBack(now, d, false)
		default:
		}
		return nil
	})
	return errors.Join(ctx.Err(), err)
}

func (in *inbox) locked(b *Broker, d Delivery) *Locked {
	return &Locked{Message: messageOf(d.Record), b: b, q: in.Queue, token: d.LockToken}
}

// Receive waits for the next message of a queue, subscription ("topic/subscriptions/name") or dead-letter queue
// ("queue/$deadletterqueue") and locks it. The error is ctx's, or an *Error: ConditionNotFound, ConditionNotAllowed
// for an entity with sessions, ConditionConnectionForced once the broker is closed.
func (b *Broker) Receive(ctx context.Context, entity string) (*Locked, error) {
	in := newInbox()
	err := b.Do(func(time.Time) error {
		q, err := b.Source(entity)
		if err != nil {
			return err
		}
		return q.Attach(&in.Consumer)
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		_ = b.Do(func(now time.Time) error { in.Detach(now); return nil })
	}()
	return in.next(ctx, b)
}

// Locked is a message that the caller has locked. Settle it once; after that, or when the lock has expired, every
// method answers an *Error with ConditionLockLost.
type Locked struct {
	Message Message

	b     *Broker
	q     *Queue
	token amqp.UUID
}

// Complete removes the message: it is done.
func (l *Locked) Complete() error { return l.settle(Decision{Settlement: Complete}) }

// Abandon gives the message back at once, with its delivery count raised and the given application properties changed;
// after the entity's maxDeliveryCount it goes to the dead-letter queue.
func (l *Locked) Abandon(properties map[string]any) error {
	changes, err := wireMap(properties)
	if err != nil {
		return err
	}
	return l.settle(Decision{Settlement: Abandon, Properties: changes})
}

// Defer sets the message aside; only its sequence number leads to it.
func (l *Locked) Defer() error { return l.settle(Decision{Settlement: Postpone}) }

// Release gives the message back as if it had not been received: the delivery count stays.
func (l *Locked) Release() error { return l.settle(Decision{Settlement: Release}) }

// DeadLetter moves the message to the dead-letter queue.
func (l *Locked) DeadLetter(reason, description string) error {
	return l.settle(Decision{Settlement: DeadLetter, Reason: reason, Description: description})
}

func (l *Locked) settle(d Decision) error {
	return l.b.Do(func(now time.Time) error { return l.q.Settle(now, l.token, d) })
}

// Renew extends the lock by the entity's lock duration and updates Message.LockedUntil. Within a session it renews the
// session's lock.
func (l *Locked) Renew() error {
	return l.b.Do(func(now time.Time) error {
		until, err := l.q.Renew(now, l.token)
		if err == nil {
			l.Message.LockedUntil = until
		}
		return err
	})
}

// Session is a session that the caller has locked.
type Session struct {
	b  *Broker
	in *inbox
	id string
}

// AcceptNextSession waits for a session that has a message and that nobody has locked, and locks it for the entity's
// lock duration. Errors are as for Receive. Only ctx limits the wait.
func (b *Broker) AcceptNextSession(ctx context.Context, entity string) (*Session, error) {
	in := newInbox()
	accepted, failed := make(chan string, 1), make(chan *Error, 1)
	a := &Acceptor{Consumer: &in.Consumer, Accepted: func(s *MessageSession) { accepted <- s.ID },
		Failed: func(why *Error) { failed <- why }}
	err := b.Do(func(now time.Time) error {
		q, err := b.Source(entity)
		if err != nil {
			return err
		}
		return q.Sessions.AcceptNext(now, 0, a)
	})
	if err != nil {
		return nil, err
	}
	select {
	case id := <-accepted:
		return &Session{b: b, in: in, id: id}, nil
	case why := <-failed:
		return nil, why
	case <-ctx.Done():
		err := b.Do(func(now time.Time) error {
			if !a.Leave() && in.Session != nil {
				in.Detach(now)
			}
			return nil
		})
		return nil, errors.Join(ctx.Err(), err)
	}
}

// AcceptSession locks the session with this id, whether it has messages or not. If somebody else has it the error has
// ConditionSessionUnavailable.
func (b *Broker) AcceptSession(entity, id string) (*Session, error) {
	in := newInbox()
	err := b.Do(func(now time.Time) error {
		q, err := b.Source(entity)
		if err != nil {
			return err
		}
		_, err = q.Sessions.Accept(now, id, &in.Consumer)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Session{b: b, in: in, id: id}, nil
}

// ID returns the session id.
func (s *Session) ID() string { return s.id }

// Receive waits for the session's next message. When the session's lock is lost the error has
// ConditionSessionLockLost. It must not be called concurrently.
func (s *Session) Receive(ctx context.Context) (*Locked, error) { return s.in.next(ctx, s.b) }

// Renew extends the session's lock by the entity's lock duration and returns its end.
func (s *Session) Renew() (time.Time, error) {
	var until time.Time
	err := s.b.Do(func(now time.Time) error {
		var err error
		until, err = s.in.Queue.Sessions.Renew(now, &s.in.Consumer)
		return err
	})
	return until, err
}

// Close gives the session up; what was received from it and not settled is ready again, its delivery count as
// before.
func (s *Session) Close() {
	_ = s.b.Do(func(now time.Time) error { s.in.Detach(now); return nil })
}

func wireMap(properties map[string]any) (amqp.Map, error) {
	m, err := Message{Properties: properties}.wire()
	if err != nil {
		return nil, err
	}
	return m.ApplicationProperties, nil
}
