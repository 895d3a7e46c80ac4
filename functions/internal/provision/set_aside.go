package provision

import (
	"context"
	"errors"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
)

// setsAside reports whether the intent is to tear down what cannot be read: nobody can tell what belongs to it, so all
// that can be done is to free its id. A record of a newer build is whole, and no such case.
func (in intent) setsAside(err error) bool {
	var bad *integration.RecordError
	return in.kind == integration.KindDeprovision && errors.Is(err, integration.ErrUnreadable) &&
		errors.As(err, &bad) && bad.ETag != "" // else not even the store can read it
}

// setAside ends a teardown of an integration whose record cannot be read. The record is kept as it is under another
// name and the id is free; all that was made stays. The operation has therefore failed, and says what to do.
func (s *Service) setAside(
	ctx context.Context, op integration.Operation, unreadable error,
) (integration.Operation, error) {
	var bad *integration.RecordError
	errors.As(unreadable, &bad)
	kept, err := s.Repository.SetAside(ctx, op.IntegrationID, bad.ETag)
	if err != nil {
		return op, err
	}
	s.log().ErrorContext(ctx, "record set aside", "integrationId", op.IntegrationID, "operationId", op.ID,
		"record", bad.Key, "kept", kept, "error", bad.Error())
	invocation.From(ctx).SetCode("record-set-aside")
	d := diagnosis.New("record-set-aside", diagnosis.WithDetail(
		"The record %s could not be read (%s). It is kept as %s, and the id is free. Nothing was removed in Entra, in Azure "+
			"or on the platform, as nobody can tell what belonged to it: whoever had access still has it.",
		bad.Key, bad.Fault, kept))
	return s.Repository.UpdateOperation(ctx, op.ID, func(o *integration.Operation) error {
		o.Status, o.Error = integration.OperationFailed, &d
		return nil
	})
}
