package operation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// succeed ends the operation with a result, after what its document has to tell: a crash in between repeats that.
func (a *Attempt) succeed(ctx context.Context, result any) error {
	body, err := encode(result)
	if err != nil {
		return err
	}
	return a.close(ctx, func(o *integration.Operation) {
		o.Status, o.Result, o.Error, o.Waiting = integration.OperationSucceeded, body, nil, nil
	})
}

// end gives the operation another final status, once. A nil result is none.
func (a *Attempt) end(ctx context.Context, status integration.OperationStatus, result any, d diagnosis.Diagnosis,
	causes diagnosis.Causes) error {
	if causes.Diagnosis != nil && causes.Diagnosis.Code == d.Code {
		causes.Diagnosis = nil // it is told once
	}
	var body json.RawMessage
	if result != nil {
		var err error
		if body, err = encode(result); err != nil {
			return err
		}
	}
	return a.close(ctx, func(o *integration.Operation) {
		o.Status, o.Result, o.Error, o.Causes, o.Waiting = status, body, &d, causes, nil
	})
}

func encode(result any) (json.RawMessage, error) {
	body, err := json.Marshal(result)
	if err != nil {
		return nil, fmt.Errorf("encode result: %w", err)
	}
	return body, nil
}

// tellAll tells what the document has to tell, and leaves the operation as it is.
func (a *Attempt) tellAll(ctx context.Context) error { return a.close(ctx, nil) }

// close publishes what the document has to tell. Then, side by side, that leaves the document and the operation ends.
// A follow-up has no operation to end, and end is nil where it stays as it is.
func (a *Attempt) close(ctx context.Context, end func(*integration.Operation)) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	d := a.Document()
	told, err := a.engine.publish(ctx, d, d.Outbox)
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.Go(func() error {
		_, err := a.engine.clear(ctx, d, told)
		return err
	})
	group.Go(func() error {
		if end == nil || a.task.isFollowUp() || a.operation.ETag == "" {
			return nil
		}
		err := a.writeOperation(ctx, func(o *integration.Operation) error {
			end(o)
			return nil
		})
		if errors.Is(err, ErrDone) || errors.Is(err, integration.ErrNotFound) || integration.IsRefused(err) {
			return nil
		}
		return err
	})
	return group.Wait()
}

// fail records that the operation has failed for good: first in the document with the news of it, at last in the
// operation, so that a crash in between repeats all of it.
func (w *Worker) fail(ctx context.Context, a *Attempt, result any, d diagnosis.Diagnosis,
	causes diagnosis.Causes) error {
	invocation.From(ctx).SetCode(d.Code)
	if a.task.isFollowUp() {
		if err := a.task.GiveUp(ctx, a, d); err != nil && !errors.Is(err, ErrDone) && !errors.Is(err, ErrSuperseded) {
			return err
		}
		return a.tellAll(ctx)
	}
	// else the operation, and with it the document, is another command's
	own := d.Code != diagnosis.CodeOperationIDReused
	if own && a.operation.ETag != "" && a.task.isDocumentOwner() {
		if err := a.failDocument(ctx, d); err != nil {
			return err
		}
	}
	if own && a.operation.ETag != "" && a.operation.Kind == a.task.Kind &&
		a.operation.IntegrationID == a.command.IntegrationID {
		return a.end(ctx, integration.OperationFailed, result, inMessage(a.command, d), causes)
	}
	return errors.Join(w.endOrRecord(ctx, a.command, a.task.Kind, d), a.tellAll(ctx))
}

// failDocument writes into the document that the operation has failed, and why, where it is the document's last one.
func (a *Attempt) failDocument(ctx context.Context, d diagnosis.Diagnosis) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	err := a.writeDocument(ctx, func(doc *integration.Document) error {
		if a.isSuperseded(*doc) || doc.Status.Phase == integration.PhaseDeleted {
			return ErrSuperseded
		}
		doc.MarkFailed(a.engine.now(), a.task.Kind, &d)
		a.engine.announce(doc, a.command.OperationID, a.operation.Caller, News{message.TypeIntegrationFailed, &d},
			Look)
		return nil
	})
	if errors.Is(err, ErrSuperseded) || errors.Is(err, integration.ErrNotFound) || integration.IsRefused(err) {
		return nil // a record that is refused is left alone; the operation's record tells
	}
	return err
}

// endOrRecord ends the command's operation as failed, and makes one where there is none or where it is another's.
func (w *Worker) endOrRecord(ctx context.Context, c message.Command, kind integration.OperationKind,
	d diagnosis.Diagnosis) error {
	invocation.From(ctx).SetCode(d.Code)
	d = inMessage(c, d)
	of, err := w.ofProducers(ctx, c.IntegrationID)
	if err != nil {
		return err
	}
	op, err := w.engine.repository.GetOperation(ctx, c.OperationID)
	id := c.OperationID
	switch {
	case err == nil && op.Kind == kind && slices.Contains([]string{c.IntegrationID, of}, op.IntegrationID) &&
		d.Code != diagnosis.CodeOperationIDReused:
		_, err := w.engine.repository.UpdateOperationFrom(ctx, op, func(o *integration.Operation) error {
			if o.Status.IsFinal() {
				return ErrDone
			}
			o.Status, o.Error, o.Waiting = integration.OperationFailed, &d, nil
			return nil
		})
		if errors.Is(err, ErrDone) || integration.IsRefused(err) {
			return nil
		}
		return StoreError(err)
	case err == nil, integration.IsRefused(err):
		id = otherID(id, c.ID)
	case !errors.Is(err, integration.ErrNotFound):
		return StoreError(err)
	}
	return w.record(ctx, integration.Operation{ID: id, Kind: kind, IntegrationID: of,
		Status: integration.OperationFailed, Error: &d})
}

// inMessage has the findings about a spec point into the message that the spec came in, as those of a message that
// cannot be read do. In the document, which holds the spec, they point into the spec.
func inMessage(c message.Command, d diagnosis.Diagnosis) diagnosis.Diagnosis {
	if c.Spec == nil {
		return d
	}
	d.Findings = slices.Clone(d.Findings)
	for i := range d.Findings {
		d.Findings[i].Pointer = message.SpecPointer + d.Findings[i].Pointer
	}
	return d
}

// ofProducers is the integration that a message's record belongs to; empty where its producers do not see one:
// another owner's history is not for them to fill, nor is theirs for the other owner to read. One that is not there is
// left out as well, so that the record does not tell which of the two it is.
func (w *Worker) ofProducers(ctx context.Context, integrationID string) (string, error) {
	ctx = caller.With(ctx, w.engine.producers)
	if integrationID == "" || integration.HasAllInSight(ctx) {
		return integrationID, nil
	}
	_, err := w.engine.repository.Get(ctx, integrationID)
	if errors.Is(err, integration.ErrOthers) || errors.Is(err, integration.ErrNotFound) {
		return "", nil
	}
	return integrationID, StoreError(unlessAbsent(err))
}

// record writes an operation that is final from the start. Recording it again changes nothing.
func (w *Worker) record(ctx context.Context, op integration.Operation) error {
	op.CreatedAt, op.Caller = w.engine.now(), w.engine.producers.IDs()
	var d integration.Document
	if integration.IsValidID(op.IntegrationID) {
		var err error
		if d, err = w.engine.repository.Get(caller.Without(ctx), op.IntegrationID); unlessUnusable(err) != nil {
			return StoreError(err)
		}
	}
	op.JoinLife(d, d.ETag == "")
	if err := w.engine.History.enter(ctx, op); err != nil {
		return err
	}
	_, err := w.engine.repository.CreateOperation(ctx, op)
	if errors.Is(err, integration.ErrConflict) {
		return nil
	}
	return StoreError(err)
}

// otherID names the record of a message whose operation id is taken. The same message gets the same name again.
func otherID(operationID, messageID string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("ddoe-wif:"+operationID+"|"+messageID)).String()
}
