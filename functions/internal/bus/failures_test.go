package bus_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
)

// TestEntityAppears: an entity that was missing is found once it is there, by the same client.
func TestEntityAppears(t *testing.T) {
	n := newNamespace(t)
	client := n.client(t)
	for range 2 {
		requireCode(t, client.Send(t.Context(), "new", bus.Message{ID: "1"}), string(azservicebus.CodeNotFound))
	}
	require.NoError(t, n.broker.PutQueue("new", servicebus.QueueProperties{}))
	require.NoError(t, client.Send(t.Context(), "new", bus.Message{ID: "1"}))
	assert.Len(t, n.broker.Peek("new"), 1)
}

// TestEntityIsMadeAnew: the entity goes and comes back while the link is open.
func TestEntityIsMadeAnew(t *testing.T) {
	n := newNamespace(t)
	client := n.client(t)
	require.NoError(t, client.Send(t.Context(), "health", bus.Message{ID: "1"}))
	require.NoError(t, n.broker.DeleteEntity("health"))
	for range 2 {
		requireCode(t, client.Send(t.Context(), "health", bus.Message{ID: "2"}), string(azservicebus.CodeNotFound))
	}
	require.NoError(t, n.broker.PutQueue("health", servicebus.QueueProperties{}))
	require.NoError(t, client.Send(t.Context(), "health", bus.Message{ID: "3"}))
	assert.Len(t, n.broker.Peek("health"), 1)
}

// TestRightAppears: the role assignment of a fresh deployment takes effect later; no restart is needed.
func TestRightAppears(t *testing.T) {
	n := newNamespace(t)
	n.denied.Store(true)
	client := n.client(t)
	for range 2 {
		requireCode(t, client.Send(t.Context(), "health", bus.Message{ID: "1"}),
			string(azservicebus.CodeUnauthorizedAccess))
	}
	n.denied.Store(false)
	require.NoError(t, client.Send(t.Context(), "health", bus.Message{ID: "1"}))
	require.NoError(t, client.Send(t.Context(), "commands", bus.Message{ID: "1", SessionID: "s"}))
	for _, queue := range []string{"health", "commands"} {
		assert.Len(t, n.broker.Peek(queue), 1, queue)
	}
}

// TestConnectionLost: a connection that breaks between two sends is made anew, unseen.
func TestConnectionLost(t *testing.T) {
	n := newNamespace(t)
	client := n.client(t)
	for i := range 3 {
		require.NoError(t, client.Send(t.Context(), "health", bus.Message{ID: fmt.Sprint(i)}))
		n.dropConnections()
	}
	assert.Len(t, n.broker.Peek("health"), 3)
	assert.GreaterOrEqual(t, n.connections.Load(), int32(3))
}

// TestConnectionLostUnderLoad: many senders share the link that breaks; each message arrives.
func TestConnectionLostUnderLoad(t *testing.T) {
	n := newNamespace(t)
	client := n.client(t)
	require.NoError(t, client.Warm(t.Context(), "commands"))
	const senders, each = 8, 10
	failures := make([]error, senders)
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for j := range each {
				if i == 0 && j%3 == 0 {
					n.dropConnections()
				}
				failures[i] = errors.Join(failures[i],
					client.Send(t.Context(), "commands", bus.Message{ID: fmt.Sprintf("%d-%d", i, j),
						SessionID: fmt.Sprint(i)}))
			}
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(failures...))
	assert.Equal(t, senders*each, n.entity(t, "commands").Active, "once each: repeats are dropped by their id")
}

// TestSenderClosedMeanwhile: another goroutine saw the link fail, and closed the sender that this one has in its hand.
func TestSenderClosedMeanwhile(t *testing.T) {
	n := newNamespace(t)
	client := n.client(t)
	require.NoError(t, client.Send(t.Context(), "health", bus.Message{ID: "1"}))
	require.NoError(t, client.CloseSender(t.Context(), "health"))
	require.NoError(t, client.Send(t.Context(), "health", bus.Message{ID: "2"}))
	assert.Len(t, n.broker.Peek("health"), 2)
}

// TestASenderThatCannotBeMade is told with its entity, and is tried anew by the next call.
func TestASenderThatCannotBeMade(t *testing.T) {
	n := newNamespace(t)
	client, ended := n.client(t), n.client(t)
	require.NoError(t, ended.Close(t.Context()))
	client.SwapSDK(ended)
	for op, call := range map[string]func() error{
		"send":      func() error { return client.Send(t.Context(), "health", bus.Message{ID: "1"}) },
		"open link": func() error { return client.Warm(t.Context(), "health") },
	} {
		for range 2 {
			var failure *bus.Error
			require.ErrorAs(t, call(), &failure)
			assert.Equal(t, []string{op, "health"}, []string{failure.Op, failure.Entity})
			require.ErrorContains(t, failure, "bus: "+op+" health: ")
			require.Error(t, errors.Unwrap(failure), "the SDK's error is kept")
		}
	}
	client.SwapSDK(ended)
	require.NoError(t, client.Send(t.Context(), "health", bus.Message{ID: "1"}))
	assert.Len(t, n.broker.Peek("health"), 1)
}

func TestTooLarge(t *testing.T) {
	n := newNamespace(t)
	client := n.client(t)
	requireCode(t, client.Send(t.Context(), "health", bus.Message{ID: "1", Body: make([]byte, 1<<20)}),
		bus.CodeTooLarge)
	assert.Empty(t, n.broker.Peek("health"))
	require.NoError(t, client.Send(t.Context(), "health", bus.Message{ID: "2"}), "the link goes on")
	assert.Len(t, n.broker.Peek("health"), 1)
}

func TestCancelled(t *testing.T) {
	n := newNamespace(t)
	client := n.client(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := client.Send(ctx, "health", bus.Message{ID: "1"})
	require.ErrorIs(t, err, context.Canceled)
	requireCode(t, err, "")
	require.NoError(t, client.Send(t.Context(), "health", bus.Message{ID: "2"}))
	assert.Len(t, n.broker.Peek("health"), 1)
}

func TestNoToken(t *testing.T) {
	n := newNamespace(t)
	cause := errors.New("no managed identity here")
	n.tokenError.Store(&cause)
	client := n.client(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := client.Send(ctx, "health", bus.Message{ID: "1"})
	require.ErrorContains(t, err, "no managed identity here")
	n.tokenError.Store(nil)
	require.NoError(t, client.Send(t.Context(), "health", bus.Message{ID: "1"}))
	assert.Len(t, n.broker.Peek("health"), 1)
}

// TestNobodyListens: a namespace that cannot be reached is "connlost" once the SDK's patience has ended.
func TestNobodyListens(t *testing.T) {
	n := newNamespace(t)
	n.stopListening()
	err := n.client(t).Send(t.Context(), "health", bus.Message{ID: "1"})
	requireCode(t, err, string(azservicebus.CodeConnectionLost))
}
