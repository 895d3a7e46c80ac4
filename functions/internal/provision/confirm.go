package provision

import (
	"context"
	"errors"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

// Confirm writes down that a person has filled in the platform's form, and returns the document. The same word given
// again changes nothing. It is refused as nothing-to-confirm where nothing is left to a person, and as not-provisioned
// while what there is to type in is not certain. Errors are *diagnosis.Error.
func (s *Service) Confirm(ctx context.Context, id string,
	c integration.Confirmation) (integration.Document, error) {
	invocation.From(ctx).SetIntegration(id)
	c.At = s.now()
	d, err := s.Engine.Change(ctx, id, func(d *integration.Document) ([]operation.News, error) {
		if err := integration.AdmitConfirmation(d); err != nil {
			return nil, err
		}
		if there := d.Confirmation(); there != nil {
			same := c
			if same.At = there.At; same == *there {
				return nil, operation.ErrDone
			}
		}
		d.Confirm(c)
		return nil, nil
	})
	switch {
	case errors.Is(err, operation.ErrDone):
		return d, nil
	case errors.Is(err, integration.ErrNotFound):
		return d, integration.Absent(nil)
	default:
		return d, err
	}
}
