package operation

import (
	"context"
	"errors"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// Cancel ends an operation that has not started, or that is parked until its next attempt, and returns it. A worker
// claims an operation before each attempt: of the two the first counts, and the other finds that. The operation is
// written first; after a crash before its integration shows it, its message or the timer goes on, or Cancel again,
// which changes nothing else. The error is operation-not-cancelable for what runs or has ended, and wraps
// integration.ErrNotFound where there is no such operation.
func (e *Engine) Cancel(ctx context.Context, id string) (integration.Operation, error) {
	known, err := e.repository.FindOperation(ctx, id)
	if err != nil {
		return integration.Operation{}, StoreError(err)
	}
	canceled := diagnosis.New(diagnosis.CodeOperationCanceled)
	op, err := e.repository.UpdateOperationFrom(ctx, known, func(o *integration.Operation) error {
		switch {
		case isCanceled(*o):
			return ErrDone
		case o.Status.IsFinal():
			return refuse(diagnosis.CodeOperationNotCancelable, diagnosis.WithDetail(
				"The operation has ended already, as %s.", o.Status))
		case !canCancel(*o):
			return refuse(diagnosis.CodeOperationNotCancelable, diagnosis.WithDetail("An attempt is being made."))
		}
		o.Status, o.Error, o.Waiting = integration.OperationCanceled, &canceled, nil
		return nil
	})
	if err != nil && !errors.Is(err, ErrDone) {
		return integration.Operation{}, StoreError(err)
	}
	return op, e.showCanceled(ctx, op)
}

// canCancel reports whether nobody is at work on an operation.
func canCancel(o integration.Operation) bool {
	return o.Status == integration.OperationNotStarted && !o.IsClaimed || o.Waiting != nil && o.Waiting.IsParked
}

// isCanceled reports whether a caller has canceled an operation.
func isCanceled(o integration.Operation) bool {
	return o.Status == integration.OperationCanceled && o.Error != nil &&
		o.Error.Code == diagnosis.CodeOperationCanceled
}

// showCanceled shows in the integration that its last operation was canceled, and tells of it. It changes nothing
// in an integration that has that condition already, or for another operation.
func (e *Engine) showCanceled(ctx context.Context, op integration.Operation) error {
	if !isCanceled(op) || op.Kind.IsLook() {
		return nil
	}
	_, err := e.Change(ctx, op.IntegrationID, func(d *integration.Document) ([]News, error) {
		isKnown := d.HasCondition(integration.ConditionProvisioned, "False", op.Error) ||
			d.HasCondition(integration.ConditionDeleted, "False", op.Error)
		if d.Status.LastOperationID != op.ID || d.Status.Phase == integration.PhaseDeleted || isKnown {
			return nil, ErrDone
		}
		d.MarkFailed(e.now(), op.Kind, op.Error)
		return []News{{message.TypeIntegrationFailed, op.Error}, Look}, nil
	})
	if errors.Is(err, ErrDone) || errors.Is(err, integration.ErrNotFound) || integration.IsRefused(err) {
		return nil
	}
	return err
}

// claim writes down that an attempt begins, so that nobody cancels the operation meanwhile. Its error is ErrDone where
// it was canceled before.
func (a *Attempt) claim(ctx context.Context) error {
	if a.task.isFollowUp() || !canCancel(a.operation) {
		return nil
	}
	a.writing.Lock()
	defer a.writing.Unlock()
	return a.writeOperation(ctx, func(*integration.Operation) error { return nil })
}
