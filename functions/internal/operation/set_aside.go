package operation

import (
	"context"
	"errors"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
)

// admitUnreadable lets a teardown of an integration pass whose record cannot be read: nobody can tell what belongs to
// it, so all that can be done is to free its id. A record of a newer build is whole, and no such case.
func (w intent) admitUnreadable(unreadable error) error {
	var bad *integration.RecordError
	setsAside := w.Kind == integration.KindDeprovision && errors.Is(unreadable, integration.ErrUnreadable) &&
		errors.As(unreadable, &bad) && bad.ETag != "" // else not even the store can read it
	if !setsAside {
		return unreadable
	}
	return w.hold(bad.ETag)
}

// writeUnreadable is write for an integration whose record cannot be read.
func (e *Engine) writeUnreadable(ctx context.Context, w intent, stored records) (Accepted, error) {
	op := stored.operation
	if err := w.admitUnreadable(stored.unreadable); err != nil {
		return Accepted{}, e.cancel(ctx, op, err)
	}
	op, err := e.setAside(ctx, op, stored.unreadable)
	if errors.Is(err, integration.ErrConflict) || errors.Is(err, integration.ErrNotFound) { // somebody else was first
		again, err := e.read(ctx, w.OperationID, w.IntegrationID)
		if err != nil {
			return Accepted{}, err
		}
		return e.write(ctx, w, again)
	}
	if err != nil {
		return Accepted{}, StoreError(err)
	}
	return Accepted{Operation: op}, nil
}

// setAside ends a teardown of an integration whose record cannot be read. The record is kept as it is under another
// name and the id is free; all that was made stays. The operation has therefore failed, and tells what to do.
func (e *Engine) setAside(
	ctx context.Context, op integration.Operation, unreadable error,
) (integration.Operation, error) {
	var bad *integration.RecordError
	errors.As(unreadable, &bad)
	kept, err := e.repository.SetAside(ctx, op.IntegrationID, bad.ETag)
	if err != nil {
		return op, err
	}
	e.log.ErrorContext(ctx, "record set aside", "integrationId", op.IntegrationID, "operationId", op.ID,
		"record", bad.Key, "kept", kept, "error", bad.Error())
	invocation.From(ctx).SetCode(diagnosis.CodeRecordSetAside)
	d := diagnosis.New(diagnosis.CodeRecordSetAside,
		diagnosis.WithDetail("The record %s could not be read (%s). It is kept as %s, and the id is free. "+
			"Nothing was removed in Entra, in Azure or on the platform, as nobody can tell what belonged to it: "+
			"whoever had access still has it.",
			bad.Key, bad.Fault, kept))
	return e.repository.UpdateOperationFrom(ctx, op, func(o *integration.Operation) error {
		o.Status, o.Error = integration.OperationFailed, &d
		return nil
	})
}
