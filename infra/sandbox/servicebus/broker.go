// Package servicebus is a stand-in for an Azure Service Bus namespace: queues, topics with subscriptions, sessions,
// peek-lock, deferral, scheduling, duplicate detection and dead-letter queues. Go code calls its methods; package door
// serves it over AMQP 1.0 to unmodified Azure SDKs.
//
// It leaves out what the project does not use: rules other than the TrueFilter, auto-forwarding, transactions,
// partitions, message size tiers, and the management REST API (entities are made with PutQueue and PutTopic).
// Everything is in memory.
package servicebus

import (
	"errors"
	"sync"
	"time"
)

// Options configure a Broker. The zero value allows everybody everything.
type Options struct {
	// Now is the clock for locks, expiry, schedules and duplicate detection; nil is time.Now.
	Now func() time.Time

	// Authorize judges a JWT for an entity path (lower case: "queue", "topic", "topic/subscriptions/name"; "" when the
	// token was put for the whole namespace) and a right, "Send" or "Listen". It is asked for both rights when the
	// token is put on $cbs, and again when a link is attached. An error that wraps ErrInvalidToken makes put-token
	// fail with 401; any other error lets put-token pass and refuses the link with amqp:unauthorized-access, as
	// Service Bus does for a good token of a principal without a role. The error's text is shown to the peer: it must
	// not quote the token. Nil allows every token.
	Authorize func(token, entity, right string) error

	// AuthorizeSAS judges a shared access signature, or for SASL PLAIN the key. Both are accepted on connections
	// without TLS only. Nil allows every one.
	AuthorizeSAS func(keyName, token string) error

	// Disturb tells, for an operation (OperationSend or OperationSettle) and an entity path, whether it is to go
	// wrong. It is called with the broker's lock held. Nil disturbs nothing.
	Disturb func(operation, path string) (Disturbance, bool)

	// MaxMessageSize bounds a message, and a batch, in bytes; 0 is the Standard tier's 256 KiB.
	MaxMessageSize int
}

// ErrInvalidToken is wrapped by what Options.Authorize returns for a token that is itself bad: wrong signature, issuer
// or audience, or expired.
var ErrInvalidToken = errors.New("invalid token")

// Rights as Options.Authorize names them.
const (
	RightSend   = "Send"
	RightListen = "Listen"
)

const defaultMaxMessageSize = 256 << 10

// Broker is the namespace. All its methods may be called concurrently.
type Broker struct {
	options Options
	now     func() time.Time

	mu       sync.Mutex // guards everything below and all that entities hold
	entities map[string]*entity
	alarms   alarms
	timer    *time.Timer
	armedFor time.Time
	closed   bool
	closers  map[*closer]struct{} // listeners and connections
	serving  sync.WaitGroup
}

// NewBroker returns a broker without entities. Close it.
func NewBroker(o Options) *Broker {
	b := &Broker{options: o, now: o.Now, entities: map[string]*entity{}, closers: map[*closer]struct{}{}}
	if b.now == nil {
		b.now = time.Now
	}
	if b.options.MaxMessageSize <= 0 {
		b.options.MaxMessageSize = defaultMaxMessageSize
	}
	b.timer = time.AfterFunc(time.Hour, b.wake)
	b.timer.Stop()
	return b
}

// Options returns what the broker was made with, defaults filled in.
func (b *Broker) Options() Options { return b.options }

// Do runs f under the lock, after everything that is due.
func (b *Broker) Do(f func(now time.Time) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return brokerClosed()
	}
	now := b.now()
	b.ring(now)
	err := f(now)
	b.arm(now)
	return err
}

// Advance moves all scheduled messages forward by that time. Locks, sessions, lives of messages and the memory of
// duplicates stay: whoever holds a lock goes on in real time.
func (b *Broker) Advance(by time.Duration) error {
	return b.Do(func(now time.Time) error {
		for _, e := range b.entities {
			e.queue.hasten(by)
		}
		b.ring(now)
		return nil
	})
}

// Close ends all connections and listeners, fails what waits, and waits until nothing of the broker runs.
func (b *Broker) Close() {
	b.mu.Lock()
	if !b.closed {
		for _, e := range b.entities {
			e.queue.close(brokerClosed())
		}
		b.entities = map[string]*entity{}
		b.alarms = nil
		b.closed = true
		b.timer.Stop()
		for c := range b.closers {
			c.close()
		}
	}
	b.mu.Unlock()
	b.serving.Wait()
}
