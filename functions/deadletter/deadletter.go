// Package deadletter is the edge of wif-commands/$deadletterqueue: whatever the broker has given up on ends as a
// failed operation, so that nothing disappears silently.
package deadletter

import (
	"context"
	"errors"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// Function is what the edge needs.
type Function struct {
	// DeadLettered ends the message's operation as failed and keeps its body.
	DeadLettered func(context.Context, message.Delivery) error
}

// Message handles one delivery.
func (f Function) Message(ctx context.Context, d message.Delivery) error {
	note(invocation.From(ctx), d)
	return f.DeadLettered(ctx, d)
}

// note puts what the message says of itself into the log line; it may be the unreadable kind.
func note(record *invocation.Record, d message.Delivery) {
	command, err := message.ParseCommand(d)
	var rejection *message.Rejection
	if errors.As(err, &rejection) {
		record.SetIntegration(rejection.IntegrationID)
		record.SetOperation(rejection.OperationID)
		record.SetCode(rejection.Code)
		return
	}
	record.SetIntegration(command.IntegrationID)
	record.SetOperation(command.OperationID)
	record.SetCode(diagnosis.CodeDeadLettered)
}
