package provision

import (
	"context"
	"errors"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

// Transfer gives an integration to an owner, and returns the document. ifMatch is the precondition on the spec's
// version, as sent; empty for none. Whoever may see the integration may give it away. Errors are *diagnosis.Error.
func (s *Service) Transfer(ctx context.Context, id, owner, ifMatch string) (integration.Document, error) {
	invocation.From(ctx).SetIntegration(id)
	asked := operation.Intent{IfMatch: ifMatch}
	d, err := s.Engine.Change(ctx, id, func(d *integration.Document) ([]operation.News, error) {
		if err := asked.Preconditions(*d); err != nil {
			return nil, err
		}
		if d.Owner == owner {
			return nil, operation.ErrDone
		}
		if err := s.Claims.AdmitOwner(ctx, *d, owner); err != nil {
			return nil, err
		}
		who, _ := caller.From(ctx)
		d.Owner, d.LastModifiedBy = owner, who.IDs()
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
