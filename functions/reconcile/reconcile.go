// Package reconcile is the edge of the queue wif-commands: it decodes a command and hands it to the provisioning use
// case. The host ends the message by what is returned: nil completes it, an error abandons it for redelivery.
package reconcile

import (
	"context"
	"errors"

	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// Function is what the edge needs.
type Function struct {
	// Handle carries a command out. Nil means done for good, also where it has failed for good and that is recorded.
	Handle func(context.Context, message.Command) error
	// Reject records a message that can never succeed.
	Reject func(context.Context, message.Delivery, *message.Rejection) error
}

// Message handles one delivery.
func (f Function) Message(ctx context.Context, d message.Delivery) error {
	record := invocation.From(ctx)
	command, err := message.ParseCommand(d)
	var rejection *message.Rejection
	if errors.As(err, &rejection) {
		record.SetIntegration(rejection.IntegrationID)
		record.SetOperation(rejection.OperationID)
		record.SetCode(rejection.Code)
		return f.Reject(ctx, d, rejection)
	}
	if err != nil {
		return err
	}
	record.SetIntegration(command.IntegrationID)
	record.SetOperation(command.OperationID)
	return f.Handle(ctx, command)
}
