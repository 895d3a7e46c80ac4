package health

import (
	"context"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

// Submit has the queue make the check that CheckNow makes, and refuses the same. The health becomes the operation's
// result.
func (s *Service) Submit(ctx context.Context, id, operationID string) (operation.Accepted, error) {
	in := intent(message.Command{Type: message.TypeHealthCheck, IntegrationID: id})
	in.OperationID = operationID
	return s.Engine.Submit(ctx, in)
}

// Tasks are what the commands on the queue ask of health, by their CloudEvents types.
func (s *Service) Tasks() map[string]operation.Task {
	return map[string]operation.Task{message.TypeHealthCheck: {Kind: integration.KindHealthCheck, Intent: intent,
		Run: s.checkLater}}
}

func intent(c message.Command) operation.Intent {
	return operation.Intent{Kind: integration.KindHealthCheck, IntegrationID: c.IntegrationID, Content: "",
		Command: c, Admit: admit}
}

// admit refuses a check of what cannot be looked at.
func admit(d *integration.Document) error {
	if d == nil {
		return integration.Absent(nil)
	}
	if why := integration.Unwatched(*d); why != nil {
		return why
	}
	return nil
}

func (s *Service) checkLater(ctx context.Context, a *operation.Attempt) (any, error) {
	if err := a.Save(ctx, nil); err != nil { // it shows that it runs: a check takes its time
		return nil, err
	}
	return s.CheckNow(ctx, a.Command().IntegrationID)
}
