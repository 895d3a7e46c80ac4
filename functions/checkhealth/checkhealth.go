// Package checkhealth is the edge of the queue wif-health: it decodes a request for one health check and hands it to
// the health use case. The host ends the message by what is returned: nil completes it, an error abandons it for
// redelivery.
package checkhealth

import (
	"context"
	"errors"

	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// Function is what the edge needs.
type Function struct {
	// Check looks at one integration. Nil means done for good, also where the message comes late or again.
	Check func(context.Context, message.HealthCheck) error
	// Reject records a message that can never succeed.
	Reject func(context.Context, message.Delivery, *message.Rejection) error
}

// Message handles one delivery.
func (f Function) Message(ctx context.Context, d message.Delivery) error {
	record := invocation.From(ctx)
	check, err := message.ParseHealthCheck(d)
	var rejection *message.Rejection
	if errors.As(err, &rejection) {
		record.SetIntegration(rejection.IntegrationID)
		record.SetCode(rejection.Code)
		return f.Reject(ctx, d, rejection)
	}
	if err != nil {
		return err
	}
	record.SetIntegration(check.IntegrationID)
	return f.Check(ctx, check)
}
