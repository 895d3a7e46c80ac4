package bus_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/door"
)

// TestLinkDetached: the service ends an open link for good, as when its entity is disabled or deleted. The SDK takes
// such a detach for final and offers the dead link for ever; the client must come back when the entity does.
func TestLinkDetached(t *testing.T) {
	for _, c := range []struct{ name, condition, code string }{
		{"not found", "amqp:not-found", string(azservicebus.CodeNotFound)},
		{"unauthorized", "amqp:unauthorized-access", string(azservicebus.CodeUnauthorizedAccess)},
		{"disabled", "com.microsoft:entity-disabled", "com.microsoft:entity-disabled"},
		{"too large", "amqp:link:message-size-exceeded", bus.CodeTooLarge},
		{"not allowed", "amqp:not-allowed", "amqp:not-allowed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNamespace(t)
			relay := newRelay(t, n)
			client, err := bus.New(bus.Config{Namespace: "bus.example.com"}, n, &azservicebus.ClientOptions{
				NewWebSocketConn: relay.dial, // takes any connection
				RetryOptions:     azservicebus.RetryOptions{MaxRetries: 2, RetryDelay: time.Millisecond},
			})
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, client.Close(context.WithoutCancel(t.Context()))) })

			require.NoError(t, client.Send(t.Context(), "health", bus.Message{ID: "1"}))
			relay.detach(t, "health", c.condition)
			requireCode(t, client.Send(t.Context(), "health", bus.Message{ID: "2"}), c.code)
			require.NoError(t, client.Send(t.Context(), "health", bus.Message{ID: "3"}))
			assert.Len(t, n.broker.Peek("health"), 2)
		})
	}
}

// TestAFailedLinkIsClosed: a message that gets no answer costs its link, and Service Bus is told of the end; it would
// keep the link otherwise, beside the one of the next message.
func TestAFailedLinkIsClosed(t *testing.T) {
	n := newNamespace(t)
	relay := newRelay(t, n)
	client, err := bus.New(bus.Config{Namespace: "bus.example.com", Limit: time.Second}, n,
		&azservicebus.ClientOptions{
			NewWebSocketConn: relay.dial,
			RetryOptions:     azservicebus.RetryOptions{MaxRetries: 2, RetryDelay: time.Millisecond},
		})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, client.Close(context.WithoutCancel(t.Context()))) })

	require.NoError(t, client.Send(t.Context(), "health", bus.Message{ID: "1"}))
	require.Empty(t, relay.detached)
	relay.muted.Store(true)
	requireCode(t, client.Send(t.Context(), "health", bus.Message{ID: "2"}), string(azservicebus.CodeTimeout))
	relay.muted.Store(false)
	select {
	case entity := <-relay.detached:
		assert.Equal(t, "health", entity)
	case <-time.After(10 * time.Second):
		t.Error("the link is left open")
	}
	require.NoError(t, client.Send(t.Context(), "health", bus.Message{ID: "3"}))
	assert.Len(t, n.broker.Peek("health"), 3, "the second was taken, and its answer got lost")
}

// link is a sender's link as the broker named it.
type link struct {
	channel uint16
	handle  uint32
}

// relay sits between a client and the broker, knows the senders' links, and can end them in the broker's name.
type relay struct {
	n        *namespace
	mu       sync.Mutex
	client   net.Conn
	links    map[string]link // by entity
	ended    map[link]bool   // the broker's own end of these is withheld
	muted    atomic.Bool     // the broker's answers to messages are withheld
	detached chan string     // the entity to which the client ended its link
	running  sync.WaitGroup

	ownMu sync.Mutex      // not mu, which is held while the client is written to
	own   map[link]string // entities, by the link as the client named it
}

func newRelay(t *testing.T, n *namespace) *relay {
	t.Helper()
	r := &relay{n: n, links: map[string]link{}, own: map[link]string{}, ended: map[link]bool{},
		detached: make(chan string, 100)}
	t.Cleanup(r.running.Wait)
	return r
}

func (r *relay) dial(context.Context, azservicebus.NewWebSocketConnArgs) (net.Conn, error) {
	outside, inside := net.Pipe()
	served, broker := net.Pipe()
	r.mu.Lock()
	r.client = inside
	r.mu.Unlock()
	r.running.Go(func() { _ = door.ServeConn(context.Background(), r.n.broker, served) }) // it ends when the pipe does
	r.running.Go(func() { r.pass(broker, inside, r.fromClient) })
	r.running.Go(func() { r.pass(inside, broker, r.fromBroker) })
	return outside, nil
}

// pass carries what one side sends to the other, frame by frame, until either leaves; a frame for which see is true
// is withheld.
func (r *relay) pass(to io.WriteCloser, from io.Reader, see func(amqp.Frame) bool) {
	defer func() { _ = to.Close() }()
	in := bufio.NewReader(from)
	for {
		start, err := in.Peek(4)
		if err != nil {
			return
		}
		var raw []byte
		if string(start) == "AMQP" {
			header, err := amqp.ReadHeader(in)
			if err != nil {
				return
			}
			raw = header[:]
		} else {
			frame, err := amqp.ReadFrame(in, 1<<20)
			if err != nil {
				return
			}
			if see(frame) {
				continue
			}
			if raw, err = amqp.AppendFrame(nil, frame); err != nil {
				return
			}
		}
		if r.write(to, raw) != nil {
			return
		}
	}
}

// write keeps frames whole: a test writes between those of the broker. The two directions never wait for each other,
// as each of the peers reads while it writes.
func (r *relay) write(to io.Writer, raw []byte) error {
	if to == r.toClient() {
		r.mu.Lock()
		defer r.mu.Unlock()
	}
	_, err := to.Write(raw)
	return err
}

func (r *relay) toClient() io.Writer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.client
}

// fromClient notes the links to entities, and tells when one of them is ended. Those to $cbs, on which claims are
// made, come and go.
func (r *relay) fromClient(f amqp.Frame) bool {
	r.ownMu.Lock()
	defer r.ownMu.Unlock()
	switch body := f.Body.(type) {
	case *amqp.Attach:
		if body.Role == amqp.RoleSender && body.Target.Address() != "$cbs" {
			r.own[link{f.Channel, body.Handle}] = body.Target.Address()
		}
	case *amqp.Detach:
		l := link{f.Channel, body.Handle}
		if entity, ok := r.own[l]; ok {
			delete(r.own, l)
			r.detached <- entity
		}
	}
	return false
}

// fromBroker notes links as they are attached, and withholds the end of one that has been ended already.
func (r *relay) fromBroker(f amqp.Frame) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch body := f.Body.(type) {
	case *amqp.Attach:
		if body.Role == amqp.RoleReceiver {
			r.links[body.Target.Address()] = link{f.Channel, body.Handle}
			delete(r.ended, link{f.Channel, body.Handle})
		}
	case *amqp.Detach:
		return r.ended[link{f.Channel, body.Handle}]
	case *amqp.Disposition:
		return r.muted.Load()
	}
	return false
}

// detach ends the link to the entity, and returns once the client has taken note.
func (r *relay) detach(t *testing.T, entity, condition string) {
	t.Helper()
	r.mu.Lock()
	l, ok := r.links[entity]
	r.ended[l] = true
	r.mu.Unlock()
	require.True(t, ok, "no link to %s", entity)
	raw, err := amqp.AppendFrame(nil, amqp.Frame{Channel: l.channel, Body: &amqp.Detach{
		Handle: l.handle, Closed: true, Error: &amqp.Error{Condition: amqp.Symbol(condition),
			Description: "by the test"},
	}})
	require.NoError(t, err)
	require.NoError(t, r.write(r.toClient(), raw))
	require.Equal(t, entity, <-r.detached)
}
