// Package deadletter is the edge of wif-commands/$deadletterqueue: whatever the broker has given up on ends as a
// failed operation, so that nothing disappears silently.
package deadletter

import (
	"context"

	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// Function is what the edge needs.
type Function struct {
	// DeadLettered ends the message's operation as failed and keeps its body.
	DeadLettered func(context.Context, message.Delivery) error
}

// Message handles one delivery.
func (f Function) Message(ctx context.Context, d message.Delivery) error {
	return f.DeadLettered(ctx, d)
}
