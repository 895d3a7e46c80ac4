// Package servicebustest has what tests of the broker and of its door share.
package servicebustest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
)

// InBubble runs f with a broker on synctest's clock.
func InBubble(t *testing.T, f func(t *testing.T, b *servicebus.Broker)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := servicebus.NewBroker(servicebus.Options{})
		defer b.Close()
		f(t, b)
	})
}

// PutQueue makes the queue q.
func PutQueue(t *testing.T, b *servicebus.Broker, p servicebus.QueueProperties) {
	t.Helper()
	require.NoError(t, b.PutQueue("q", p))
}

// Send puts messages into a queue or a topic.
func Send(t *testing.T, b *servicebus.Broker, entity string, messages ...servicebus.Message) {
	t.Helper()
	for _, m := range messages {
		require.NoError(t, b.Send(entity, m))
	}
}

// Receive takes a message, which has to come within a second.
func Receive(t *testing.T, b *servicebus.Broker, entity string) *servicebus.Locked {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	l, err := b.Receive(ctx, entity)
	require.NoError(t, err)
	return l
}
