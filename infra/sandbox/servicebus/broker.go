// Package servicebus is a stand-in for an Azure Service Bus namespace: queues, topics with subscriptions, sessions,
// peek-lock, deferral, scheduling, duplicate detection and dead-letter queues, served over AMQP 1.0 to unmodified Azure
// SDKs and, in process, through Go methods.
//
// It leaves out what the project does not use: rules other than the TrueFilter, auto-forwarding, transactions,
// partitions, message size tiers, and the management REST API (entities are made with PutQueue and PutTopic).
// Everything is in memory.
package servicebus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options configure a Broker. The zero value allows everybody everything.
type Options struct {
	// Now is the clock for locks, expiry, schedules and duplicate detection; nil is time.Now.
	Now func() time.Time

	// Authorize judges a JWT for an entity path (lower case: "queue", "topic", "topic/subscriptions/name"; "" when the
	// token was put for the whole namespace) and a right, "Send" or "Listen". It is asked for both rights when the token
	// is put on $cbs, and again when a link is attached. An error that wraps ErrInvalidToken makes put-token fail with
	// 401; any other error lets put-token pass and refuses the link with amqp:unauthorized-access, as Service Bus does
	// for a good token of a principal without a role. The error's text is shown to the peer: it must not quote the token.
	// Nil allows every token.
	Authorize func(token, entity, right string) error

	// AuthorizeSAS judges a shared access signature, or for SASL PLAIN the key. Both are accepted on connections without
	// TLS only. Nil allows every one.
	AuthorizeSAS func(keyName, token string) error

	// MaxMessageSize bounds a message, and a batch, in bytes; 0 is the Standard tier's 256 KiB.
	MaxMessageSize int
}

// ErrInvalidToken is wrapped by what Options.Authorize returns for a token that is itself bad: wrong signature, issuer or
// audience, or expired.
var ErrInvalidToken = errors.New("invalid token")

// Rights as Options.Authorize names them.
const (
	RightSend   = "Send"
	RightListen = "Listen"
)

const defaultMaxMessageSize = 256 << 10

// Kinds of entities.
const (
	KindQueue        = "queue"
	KindTopic        = "topic"
	KindSubscription = "subscription"
)

// EntityInfo describes a queue, topic or subscription and counts its messages.
type EntityInfo struct {
	Name         string `json:"name"` // "queue", "topic" or "topic/subscriptions/name", spelt as it was created
	Kind         string `json:"kind"`
	Active       int    `json:"active"` // ready or locked
	Scheduled    int    `json:"scheduled"`
	Deferred     int    `json:"deferred"`
	DeadLettered int    `json:"deadLettered"`
}

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

// entity is a named thing in the namespace.
type entity struct {
	name  string
	kind  string
	queue *queue // a queue or subscription: its messages; a topic: its scheduled messages
	topic *topic
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

// do runs f under the lock, after everything that is due.
func (b *Broker) do(f func(now time.Time) error) error {
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

// PutQueue creates a queue, or changes the settings of the one there is; its messages stay. As in Azure, whether a queue
// has sessions or duplicate detection is fixed when it is created.
func (b *Broker) PutQueue(name string, p QueueProperties) error {
	s, err := p.settings()
	if err != nil {
		return fmt.Errorf("queue %s: %w", name, err)
	}
	return b.do(func(time.Time) error { return b.put(name, KindQueue, s) })
}

// PutTopic creates a topic with its subscriptions, or makes the one there is like p: subscriptions that p does not name
// are deleted.
func (b *Broker) PutTopic(name string, p TopicProperties) error {
	s, err := p.settings()
	if err != nil {
		return fmt.Errorf("topic %s: %w", name, err)
	}
	subscriptions := make(map[string]settings, len(p.Subscriptions))
	for _, sub := range p.Subscriptions {
		path := name + "/subscriptions/" + sub.Name
		if subscriptions[path], err = sub.settings(); err != nil {
			return fmt.Errorf("subscription %s: %w", path, err)
		}
		if !validName(sub.Name) || strings.Contains(sub.Name, "/") {
			return fmt.Errorf("subscription %s: %q is not a valid name", path, sub.Name)
		}
	}
	return b.do(func(time.Time) error {
		if err := b.put(name, KindTopic, s); err != nil {
			return err
		}
		return b.putSubscriptions(b.entities[strings.ToLower(name)].topic, subscriptions)
	})
}

func (b *Broker) put(name, kind string, s settings) error {
	key := strings.ToLower(name)
	old, exists := b.entities[key]
	switch {
	case !validName(name):
		return &Error{ConditionNotAllowed, fmt.Sprintf("%q is not a valid entity name.", name)}
	case exists && old.kind != kind:
		return &Error{ConditionNotAllowed, fmt.Sprintf("%s is a %s already.", name, old.kind)}
	case exists && (old.queue.requiresSession != s.requiresSession || (old.queue.duplicateWindow > 0) != (s.duplicateWindow > 0)):
		return &Error{ConditionNotAllowed, name + ": requiresSession and requiresDuplicateDetection cannot be changed."}
	case exists:
		old.queue.settings = s
		return nil
	}
	e := &entity{name: name, kind: kind, queue: newQueue(b, name, s)}
	if kind == KindTopic {
		e.topic = &topic{name: name, subscriptions: map[string]*queue{}}
		e.queue.topic = e.topic
	}
	b.entities[key] = e
	return nil
}

func (b *Broker) putSubscriptions(t *topic, wanted map[string]settings) error {
	keep := map[string]bool{}
	for path, s := range wanted {
		key := strings.ToLower(path)
		keep[key] = true
		if err := b.putSubscription(t, path, s); err != nil {
			return err
		}
	}
	for key := range t.subscriptions {
		if !keep[key] {
			b.remove(key)
		}
	}
	return nil
}

func (b *Broker) putSubscription(t *topic, path string, s settings) error {
	if err := b.put(path, KindSubscription, s); err != nil {
		return err
	}
	key := strings.ToLower(path)
	t.subscriptions[key] = b.entities[key].queue
	return nil
}

// DeleteEntity removes a queue, a topic with its subscriptions, or a subscription ("topic/subscriptions/name"), and all
// messages. Links to it are detached with amqp:not-found. An absent entity is an *Error with ConditionNotFound.
func (b *Broker) DeleteEntity(name string) error {
	return b.do(func(time.Time) error {
		key := strings.ToLower(name)
		e, ok := b.entities[key]
		if !ok {
			return notFound(name)
		}
		if e.topic != nil {
			for sub := range maps.Clone(e.topic.subscriptions) {
				b.remove(sub)
			}
		}
		b.remove(key)
		return nil
	})
}

// remove deletes one entity that exists.
func (b *Broker) remove(key string) {
	e := b.entities[key]
	delete(b.entities, key)
	e.queue.close(notFound(e.name))
	if topicKey, _, isSub := strings.Cut(key, "/subscriptions/"); isSub {
		if parent, ok := b.entities[topicKey]; ok && parent.topic != nil {
			delete(parent.topic.subscriptions, key)
		}
	}
}

// Entities lists all entities, by name.
func (b *Broker) Entities() []EntityInfo {
	var out []EntityInfo
	// The only error is "closed", and a closed broker has no entities.
	_ = b.do(func(time.Time) error {
		for _, key := range slices.Sorted(maps.Keys(b.entities)) {
			e := b.entities[key]
			info := e.queue.count()
			info.Name, info.Kind = e.name, e.kind
			out = append(out, info)
		}
		return nil
	})
	return out
}

// Reset empties the namespace: messages, sessions and their state, duplicate-detection history and published events. The
// entities stay, and so do links to them; locks and session locks are lost.
func (b *Broker) Reset() {
	_ = b.do(func(time.Time) error {
		for _, e := range b.entities {
			e.queue.purge()
			if e.topic != nil {
				e.topic.published = nil
			}
		}
		return nil
	})
}

// Purge empties one queue, subscription or dead-letter queue, as Reset does for all.
func (b *Broker) Purge(entity string) error {
	return b.do(func(time.Time) error {
		q, err := b.source(entity)
		if err != nil {
			return err
		}
		q.purge()
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

// closer is a listener or connection that Close must end. It is called with the broker's lock held.
type closer struct{ close func() }

// Serve accepts connections on l, plain or TLS, until ctx ends or the broker is closed; then it closes l and every
// connection it accepted, waits for them, and returns nil. The error is the listener's own if it fails before that.
func (b *Broker) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done, ok := b.enter(cancel)
	if !ok {
		return l.Close()
	}
	defer done()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var conns sync.WaitGroup
	defer conns.Wait()
	defer cancel()
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept: %w", err)
		}
		conns.Go(func() { b.serveConn(ctx, conn) })
	}
}

// ServeConn serves one connection until the peer leaves, ctx ends or the broker is closed, and closes it. The error
// says why the connection ended other than by the peer's leave.
func (b *Broker) ServeConn(ctx context.Context, conn net.Conn) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done, ok := b.enter(cancel)
	if !ok {
		return conn.Close()
	}
	defer done()
	return b.serveConn(ctx, conn)
}

// enter registers something that Close ends by calling cancel and then waits for; done must be called at its end.
func (b *Broker) enter(cancel func()) (done func(), ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, false
	}
	c := &closer{close: cancel}
	b.closers[c] = struct{}{}
	b.serving.Add(1)
	return func() {
		b.mu.Lock()
		delete(b.closers, c)
		b.mu.Unlock()
		b.serving.Done()
	}, true
}
