package bus_test

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
)

// hang leads a client to a peer that reads and sends nothing, for as long as silent is open, and to the broker
// afterwards.
func (n *namespace) hang(t *testing.T, limit time.Duration) (client *bus.Client, answer func()) {
	t.Helper()
	silent := make(chan struct{})
	relay := newRelay(t, n)
	client, err := bus.New(bus.Config{Namespace: "bus.example.com", Limit: limit}, n, &azservicebus.ClientOptions{
		NewWebSocketConn: func(ctx context.Context, args azservicebus.NewWebSocketConnArgs) (net.Conn, error) {
			select {
			case <-silent:
				return relay.dial(ctx, args)
			default:
			}
			outside, inside := net.Pipe()
			relay.running.Go(func() { _, _ = io.Copy(io.Discard, inside) }) // it ends when the pipe does
			return outside, nil
		},
		RetryOptions: azservicebus.RetryOptions{MaxRetries: 2, RetryDelay: time.Millisecond},
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, client.Close(context.WithoutCancel(t.Context()))) })
	return client, func() { close(silent) }
}

// TestHung: a peer that sends nothing costs one limit, is told as "timeout", and is forgotten.
func TestHung(t *testing.T) {
	n := newNamespace(t)
	client, answer := n.hang(t, 300*time.Millisecond)
	for name, call := range map[string]func() error{
		"send": func() error { return client.Send(t.Context(), "health", bus.Message{ID: "1"}) },
		"warm": func() error { return client.Warm(t.Context(), "health") },
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			err := call()
			requireCode(t, err, string(azservicebus.CodeTimeout))
			assert.Less(t, time.Since(began), 2*time.Second)
		})
	}
	answer()
	require.NoError(t, client.Send(t.Context(), "health", bus.Message{ID: "1"}))
	assert.Len(t, n.broker.Peek("health"), 1)
}

// TestHungAndCancelled: the caller's end is at once, and no timeout.
func TestHungAndCancelled(t *testing.T) {
	n := newNamespace(t)
	client, _ := n.hang(t, time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	began := time.Now()
	err := client.Send(ctx, "health", bus.Message{ID: "1"})
	require.ErrorIs(t, err, context.Canceled)
	requireCode(t, err, "")
	assert.Less(t, time.Since(began), 5*time.Second)
}
