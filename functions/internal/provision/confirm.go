package provision

import (
	"context"
	"errors"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

// Confirm writes down that a person has filled in the platform's form, and returns the document. The same word given
// again changes nothing. It is refused as nothing-to-confirm where nothing is left to a person, and as not-provisioned
// while what there is to type in is not certain. Errors are *diagnosis.Error.
func (s *Service) Confirm(ctx context.Context, id string,
	c integration.DDOEConfirmation) (integration.Document, error) {
	invocation.From(ctx).SetIntegration(id)
	c.At = s.now()
	d, err := s.Engine.Change(ctx, id, func(d *integration.Document) ([]operation.News, error) {
		if err := admitConfirmation(d); err != nil {
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

// admitConfirmation refuses the word about a form that the spec does not ask for, or that is not certain yet.
func admitConfirmation(d *integration.Document) error {
	st := d.Status.DDOE
	switch {
	case d.Status.Phase == integration.PhaseDeleted:
		return integration.Absent(d)
	case d.IsEnding():
		return refuse(diagnosis.CodeDeprovisioning)
	case d.Spec.DDOE == nil:
		return refuse(diagnosis.CodeNothingToConfirm)
	case !d.HasCondition(integration.ConditionProvisioned, "True", nil), st == nil:
		return integration.Unprovisioned(*d)
	case st.Mode == integration.ModeAPI:
		return refuse(diagnosis.CodeNothingToConfirm, diagnosis.WithDetail(
			"The integration %s on the platform is looked after by its API.", st.IntegrationID))
	case d.FormToFill() == nil:
		return refuse(diagnosis.CodeNothingToConfirm, diagnosis.WithDetail("%s", st.Next))
	default:
		return nil
	}
}
