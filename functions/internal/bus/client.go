// Package bus sends messages to Service Bus queues and topics. It keeps one sender for each entity, as the first send
// on a link costs some 22 round trips and each later one a single: Warm opens links ahead of time. It receives
// nothing; the Functions host does. Failures are *Error with the SDK's code.
package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// ContentType is the content type of every message: a CloudEvent in structured JSON mode.
const ContentType = "application/cloudevents+json"

// Message is one message to send.
type Message struct {
	ID string // MessageId, which duplicate detection goes by
	// messages of one session are delivered in order, one at a time; empty where an entity has no sessions
	SessionID string
	Subject   string
	Body      []byte
	EnqueueAt time.Time // when it becomes visible; zero means at once
}

// Config tells which namespace to send to. ConnectionString wins where it is set, as it does for the Functions host.
type Config struct {
	// Namespace is the fully qualified name, such as example.servicebus.windows.net.
	Namespace string
	// ConnectionString holds a SAS key.
	ConnectionString secret.Value
	// CustomEndpoint is host or host:port to dial instead of the namespace's name, as a private-link gateway needs.
	CustomEndpoint string
	// Limit is how long one Send, or the opening of one link, may take; AnswerLimit where zero.
	Limit time.Duration
}

// AnswerLimit is how long Service Bus may take for one message or link, connection and the SDK's own repetitions
// included. AMQP has no request of its own to put a limit on. A first send takes some 22 round trips, which is a
// second or two between continents.
const AnswerLimit = 20 * time.Second

// Client sends to one namespace. It is safe for concurrent use.
type Client struct {
	client *azservicebus.Client
	limit  time.Duration
	// closing are the links that are being closed.
	closing sync.WaitGroup

	mu      sync.Mutex
	senders map[string]*azservicebus.Sender
	closed  bool
}

// firstPause is the pause before the SDK's first repetition; later ones are three and seven times as long. With the
// SDK's own 4 s the limit would end before the third.
const firstPause = time.Second

// New returns a client of the namespace. It connects at the first Warm or Send. cred is not used with a connection
// string.
func New(cfg Config, cred azcore.TokenCredential, opts *azservicebus.ClientOptions) (*Client, error) {
	var own azservicebus.ClientOptions
	if opts != nil {
		own = *opts
	}
	if cfg.CustomEndpoint != "" {
		own.CustomEndpoint = cfg.CustomEndpoint
	}
	if own.RetryOptions.RetryDelay == 0 {
		own.RetryOptions.RetryDelay = firstPause
	}
	client, err := connect(cfg, cred, &own)
	if err != nil {
		return nil, err
	}
	return &Client{client: client, limit: cmp.Or(cfg.Limit, AnswerLimit), senders: map[string]*azservicebus.Sender{}},
		nil
}

func connect(cfg Config, cred azcore.TokenCredential, opts *azservicebus.ClientOptions) (*azservicebus.Client, error) {
	if !cfg.ConnectionString.IsZero() {
		client, err := azservicebus.NewClientFromConnectionString(cfg.ConnectionString.Reveal(), opts)
		if err != nil {
			// The SDK's text may quote the string, and with it the key.
			return nil, errors.New("bus: the connection string is malformed")
		}
		return client, nil
	}
	if cfg.Namespace == "" || cred == nil {
		return nil, errors.New("bus: neither a connection string nor a namespace with a credential")
	}
	client, err := azservicebus.NewClient(cfg.Namespace, cred, opts)
	if err != nil {
		return nil, fmt.Errorf("bus: %w", err)
	}
	return client, nil
}

// Send puts m on the queue or topic. It returns once Service Bus has taken it. It may have been taken even though an
// error is returned (the answer got lost): a message with the same ID is then dropped by duplicate detection. What
// takes longer than the limit fails with code "timeout".
func (c *Client) Send(ctx context.Context, entity string, m Message) error {
	return c.withSender(ctx, "send", entity, func(ctx context.Context, s *azservicebus.Sender) error {
		return s.SendMessage(ctx, encode(m), nil)
	})
}

// Warm opens the links to the entities, so that the first Send costs one round trip. It sends no message.
func (c *Client) Warm(ctx context.Context, entities ...string) error {
	failures := make([]error, len(entities))
	var wg sync.WaitGroup
	for i, entity := range entities {
		wg.Go(func() {
			failures[i] = c.withSender(ctx, "open link", entity,
				func(ctx context.Context, s *azservicebus.Sender) error {
					// The size limit of a batch is what the link was attached with, so this attaches it.
					_, err := s.NewMessageBatch(ctx, nil)
					return err
				})
		})
	}
	wg.Wait()
	return errors.Join(failures...)
}

// Probe opens a link of its own to an entity and closes it: Service Bus looks at the right to send when a link is
// attached, and leaves the open one alone when the right is taken away. It sends no message.
func (c *Client) Probe(ctx context.Context, entity string) error {
	const op = "open link"
	c.mu.Lock()
	isClosed := c.closed
	c.mu.Unlock()
	if isClosed {
		return newError(op, entity, errClosed)
	}
	link, err := c.client.NewSender(entity, nil)
	if err != nil {
		return newError(op, entity, err)
	}
	defer c.abandon(ctx, link)
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	if _, err := link.NewMessageBatch(ctx, nil); err != nil {
		return newError(op, entity, err)
	}
	return nil
}

// Close closes all links and the connection. Later calls fail with code "closed".
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closed = true
	clear(c.senders)
	c.mu.Unlock()
	err := c.client.Close(ctx)
	c.closing.Wait()
	if err != nil {
		return newError("close", "", err)
	}
	return nil
}

// withSender runs f with the entity's sender. It is no policy about what Service Bus answers: it keeps the SDK's links
// in order, and "closed" is what the SDK states of its own link before anything was sent. A sender that was closed
// under it, by another goroutine whose link had failed for good, is replaced once; a sender whose link failed for good
// is dropped, so that the next call gets a new one.
func (c *Client) withSender(ctx context.Context, op, entity string,
	f func(context.Context, *azservicebus.Sender) error) error {
	caller := ctx
	ctx, cancel := context.WithTimeout(caller, c.limit)
	defer cancel()
	for attempt := 1; ; attempt++ {
		sender, err := c.sender(entity)
		if err != nil {
			return newError(op, entity, err)
		}
		err = f(ctx, sender)
		if err == nil {
			return nil
		}
		failure := newError(op, entity, err)
		if ctx.Err() != nil && caller.Err() == nil {
			failure.Code = string(azservicebus.CodeTimeout)
		}
		if !failure.isLinkFailure() {
			return failure
		}
		c.drop(ctx, entity, sender)
		if failure.Code != string(azservicebus.CodeClosed) || attempt > 1 {
			return failure
		}
	}
}

func (c *Client) sender(entity string) (*azservicebus.Sender, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed
	}
	if s, ok := c.senders[entity]; ok {
		return s, nil
	}
	s, err := c.client.NewSender(entity, nil)
	if err != nil {
		return nil, err
	}
	c.senders[entity] = s
	return s, nil
}

// closeTimeout bounds the closing of a link that failed: its peer may be gone.
const closeTimeout = 2 * time.Second

// drop forgets the sender, unless another goroutine has replaced it already, and closes it.
func (c *Client) drop(ctx context.Context, entity string, s *azservicebus.Sender) {
	c.mu.Lock()
	current := c.senders[entity] == s
	if current {
		delete(c.senders, entity)
	}
	c.mu.Unlock()
	if !current {
		return
	}
	c.abandon(ctx, s)
}

// abandon closes a link that is not used any more. Nobody waits for a peer that may be gone.
func (c *Client) abandon(ctx context.Context, s *azservicebus.Sender) {
	c.closing.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		_ = s.Close(ctx) // whether it did its work is known already: an error of closing it adds nothing
	})
}

func encode(m Message) *azservicebus.Message {
	out := &azservicebus.Message{Body: m.Body, ContentType: new(ContentType)}
	if m.ID != "" {
		out.MessageID = &m.ID
	}
	if m.SessionID != "" {
		out.SessionID = &m.SessionID
	}
	if m.Subject != "" {
		out.Subject = &m.Subject
	}
	if !m.EnqueueAt.IsZero() {
		out.ScheduledEnqueueTime = new(m.EnqueueAt.UTC())
	}
	return out
}
