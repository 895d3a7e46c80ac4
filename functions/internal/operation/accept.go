package operation

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// records are what the store has of an operation and its integration. What does not exist has no ETag.
type records struct {
	operation integration.Operation
	document  integration.Document
	// unreadable is why the document, which is there, cannot be read.
	unreadable error
}

// read reads operation and document side by side, whoever asks: admitCaller tells whether they are for the caller.
func (e *Engine) read(ctx context.Context, operationID, integrationID string) (records, error) {
	ctx = caller.Without(ctx)
	stored := records{operation: integration.Operation{ID: operationID},
		document: integration.Document{ID: integrationID}}
	var group errgroup.Group
	group.Go(func() error {
		found, err := e.repository.GetOperation(ctx, operationID)
		if err == nil {
			stored.operation = found
		}
		return unlessAbsent(err)
	})
	group.Go(func() error {
		found, err := e.repository.Get(ctx, integrationID)
		switch {
		case err == nil:
			stored.document = found
		case integration.IsRefused(err):
			stored.unreadable = err
			return nil
		}
		return unlessAbsent(err)
	})
	err := group.Wait()
	return stored, StoreError(err)
}

func unlessAbsent(err error) error {
	if errors.Is(err, integration.ErrNotFound) {
		return nil
	}
	return err
}

// unlessUnusable takes a record that cannot be read for one that is not there.
func unlessUnusable(err error) error {
	if integration.IsRefused(err) {
		return nil
	}
	return unlessAbsent(err)
}

// known is the document as Admit and the preconditions get it: nil where there is none.
func known(d integration.Document) *integration.Document {
	if d.ETag == "" {
		return nil
	}
	return &d
}

// accept writes operation and document without sending anything: the operation first, as its creation decides which of
// two requests with one operation id is the first. stored is what was read of them.
func (e *Engine) accept(ctx context.Context, w intent, stored records) (Accepted, error) {
	if err := w.admitCaller(ctx, stored); err != nil {
		return Accepted{}, err
	}
	if stored.operation.ETag != "" {
		return e.repeat(ctx, w, stored)
	}
	if err := w.prepare(ctx); err != nil {
		return Accepted{}, err
	}
	if err := w.admit(ctx, stored); err != nil {
		return Accepted{}, err
	}
	if err := w.reserve(ctx); err != nil {
		return Accepted{}, err
	}
	op, err := w.create(ctx, e, stored.document)
	if errors.Is(err, integration.ErrConflict) { // another one of the same id was faster, or our own answer was lost
		if stored, err = e.read(ctx, w.OperationID, w.IntegrationID); err == nil {
			return e.repeat(ctx, w, stored)
		}
	}
	if err != nil {
		return Accepted{}, StoreError(err)
	}
	stored.operation = op
	return e.write(ctx, w, stored)
}

// create writes an operation down, with its entries in the indexes and its mark. Those of a request are there before
// the operation, as nobody may ask for it again; those of a message beside it, as that is delivered again.
func (w intent) create(ctx context.Context, e *Engine, d integration.Document) (integration.Operation, error) {
	op := integration.Operation{ID: w.OperationID, Kind: w.Kind, Status: integration.OperationNotStarted,
		IntegrationID: w.IntegrationID, CreatedAt: e.now(), RequestHash: w.hash, Caller: asker(ctx),
		IsClaimed: w.isInHand()}
	if who, isCalled := caller.From(ctx); isCalled {
		standing := who.Standing()
		op.Standing = &standing
	}
	op.JoinLife(d, w.isBeginning(d))
	enter := func() error { return e.History.enter(ctx, op) }
	if w.isInHand() {
		var created integration.Operation
		err := sideBySide(enter, func() (err error) {
			created, err = e.repository.CreateOperation(ctx, op)
			return err
		})
		return created, err
	}
	if err := sideBySide(enter, func() error { return w.mark(ctx) }); err != nil {
		return integration.Operation{}, err
	}
	return e.repository.CreateOperation(ctx, op)
}

// isBeginning reports whether the intent begins a life of the integration: there is none, or one that was torn down.
func (w intent) isBeginning(d integration.Document) bool {
	return d.ETag == "" || d.Status.Phase == integration.PhaseDeleted && w.Kind == integration.KindProvision
}

// isInHand reports whether the intent's command is being carried out already: a message asks for it.
func (w intent) isInHand() bool { return w.mark == nil }

// sideBySide does things at the same time, and returns the first error when all have ended.
func sideBySide(things ...func() error) error {
	var group errgroup.Group
	for _, do := range things {
		group.Go(do)
	}
	return group.Wait()
}

// repeat answers a request whose operation exists.
func (e *Engine) repeat(ctx context.Context, w intent, stored records) (Accepted, error) {
	op := stored.operation
	if !w.isOf(op) || op.RequestHash != w.hash {
		return Accepted{}, reused(ctx, op, w)
	}
	if op.Status == integration.OperationNotStarted { // the first try may have ended between operation and document
		if err := w.reserveAgain(ctx, stored); err != nil {
			return Accepted{}, err
		}
		return e.write(ctx, w, stored)
	}
	if op.Error != nil && op.Status == integration.OperationCanceled && op.Error.Code != diagnosis.CodeSuperseded {
		return Accepted{}, &diagnosis.Error{Diagnosis: *op.Error}
	}
	switch d := stored.document; {
	case stored.unreadable != nil:
		return Accepted{}, stored.unreadable
	case d.ETag == "" && w.Kind == integration.KindDeprovision:
		return Accepted{Operation: op}, nil // it has set the record aside
	case d.ETag == "":
		return Accepted{}, integration.Absent(nil)
	default:
		return Accepted{Document: d, Operation: op, Created: hasBegun(d, op)}, nil
	}
}

// isOf reports whether an operation is of the intent's kind and integration.
func (w intent) isOf(op integration.Operation) bool {
	return op.Kind == w.Kind && op.IntegrationID == w.IntegrationID
}

// reused refuses an operation id that another request has, and tells which, where that is for the caller to know.
func reused(ctx context.Context, op integration.Operation, w intent) error {
	if who, isCalled := caller.From(ctx); isCalled && !who.CanSee(op.Caller.ID) {
		return refuse(diagnosis.CodeOperationIDReused)
	}
	which := fmt.Sprintf("Operation %s exists already: it is of kind %s", op.ID, op.Kind)
	if op.IntegrationID != "" {
		which += " and about the integration " + op.IntegrationID
	}
	if w.isOf(op) {
		which += ", and was started with other content"
	}
	return refuse(diagnosis.CodeOperationIDReused, diagnosis.WithDetail("%s.", which))
}

// write puts the intent into the document, under the preconditions, unless it is there already.
func (e *Engine) write(ctx context.Context, w intent, stored records) (Accepted, error) {
	op := stored.operation
	if stored.unreadable != nil {
		return e.writeUnreadable(ctx, w, stored)
	}
	var refusal error
	written, err := e.repository.Put(caller.Without(ctx), stored.document, func(d *integration.Document) error {
		if d.Status.LastOperationID == op.ID {
			return ErrDone // our own write: the preconditions held when it was made
		}
		if refusal = w.admit(ctx, records{document: *d}); refusal != nil {
			return refusal
		}
		if w.Apply == nil {
			return ErrDone
		}
		if w.isBeginning(*d) {
			d.CreatedAt, d.FirstOperationID, d.CreatedBy = op.CreatedAt, op.ID, op.Caller
		}
		d.Owner = cmp.Or(d.Owner, op.Caller.ID)
		d.LastModifiedBy = op.Caller
		w.Apply(d)
		d.Status.LastOperationID = op.ID
		return nil
	})
	switch {
	case refusal != nil:
		return Accepted{}, e.cancel(ctx, op, refusal)
	case err != nil && !errors.Is(err, ErrDone):
		return Accepted{}, StoreError(err)
	}
	return Accepted{Document: written, Operation: op, Created: hasBegun(written, op)}, nil
}

// reserveAgain is reserve for an intent that was cut off after its operation was written down: what it needs may have
// gone to another owner meanwhile. One that is not admitted any more needs nothing, and write ends its operation.
func (w intent) reserveAgain(ctx context.Context, stored records) error {
	if w.admit(ctx, stored) != nil {
		return nil
	}
	return w.reserve(ctx)
}

// withAsker is a context in which asks who has asked for an operation.
func withAsker(ctx context.Context, op integration.Operation, producers caller.Caller) context.Context {
	switch {
	case op.Caller == producers.IDs(): // a message asked for it
		return caller.With(ctx, producers)
	case op.Caller == (caller.IDs{}):
		return ctx // the app itself
	case op.Standing == nil: // a build of before has written it down
		return caller.With(ctx, caller.Of(op.Caller, caller.Standing{}))
	default:
		return caller.With(ctx, caller.Of(op.Caller, *op.Standing))
	}
}

// resume goes on with an intent whose operation is written down and has not started: the first delivery of its command
// may have ended before the document was written. Where the document's last operation is not older than this one, the
// document was written, and is in that one's hands since.
func (e *Engine) resume(ctx context.Context, w intent, stored records) (Accepted, error) {
	op, last := stored.operation, stored.document.Status.LastOperationID
	if last != "" && last != op.ID {
		other, err := e.repository.GetOperation(ctx, last)
		if err == nil && !other.CreatedAt.Before(op.CreatedAt) {
			return Accepted{Operation: op, Document: stored.document}, nil
		}
		if err := unlessUnusable(err); err != nil {
			return Accepted{}, StoreError(err)
		}
	}
	if err := w.prepare(ctx); err != nil {
		return Accepted{}, err
	}
	if op.IsClaimed { // the message's first delivery may have ended between the operation and its entries
		if err := e.History.enter(ctx, op); err != nil {
			return Accepted{}, err
		}
	}
	if err := w.reserveAgain(ctx, stored); err != nil {
		return Accepted{}, err
	}
	return e.write(ctx, w, stored)
}

// hasBegun is true where the operation made the integration, or made it again after a teardown.
func hasBegun(d integration.Document, op integration.Operation) bool {
	return d.FirstOperationID == op.ID
}

// cancel ends an operation whose request was refused after it was written down, and returns the refusal.
func (e *Engine) cancel(ctx context.Context, op integration.Operation, refusal error) error {
	var reason *diagnosis.Error
	if !errors.As(refusal, &reason) || !isFinal(refusal) {
		return refusal
	}
	_, err := e.repository.UpdateOperationFrom(ctx, op, func(o *integration.Operation) error {
		if o.Status != integration.OperationNotStarted {
			return ErrDone
		}
		o.Status, o.Error = integration.OperationCanceled, &reason.Diagnosis
		return nil
	})
	if err != nil && !errors.Is(err, ErrDone) {
		return errors.Join(refusal, err)
	}
	return refusal
}
