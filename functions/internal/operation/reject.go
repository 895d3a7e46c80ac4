package operation

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// Reject records a message that can never succeed: its body is kept, and an operation tells why it was refused. It
// ends no operation that a good message has started, whatever id it names. A nil error means that both are written.
func (w *Worker) Reject(ctx context.Context, d message.Delivery, rejection *message.Rejection) error {
	reason := diagnosis.New(rejection.Code, diagnosis.WithDetail("%s", rejection.Detail),
		diagnosis.WithFindings(rejection.Findings...))
	return w.refuse(ctx, d, rejection, reason)
}

// refuse keeps the body of a message that cannot be read as a command, and records why as an operation of its own.
func (w *Worker) refuse(ctx context.Context, d message.Delivery, rejection *message.Rejection,
	reason diagnosis.Diagnosis) error {
	note := invocation.From(ctx)
	note.SetIntegration(rejection.IntegrationID)
	note.SetOperation(rejection.OperationID)
	note.SetCaller(w.engine.producers.ID)
	note.SetCode(reason.Code)
	if err := w.engine.repository.SaveRejected(ctx, rejection.OperationID, d.Body); err != nil {
		return StoreError(err)
	}
	of, err := w.ofProducers(ctx, rejection.IntegrationID)
	if err != nil {
		return err
	}
	failed := integration.Operation{ID: rejection.OperationID, Kind: w.tasks[rejection.Type].Kind,
		IntegrationID: of, Status: integration.OperationFailed, Error: &reason}
	if failed.Kind == "" {
		failed.Kind = integration.KindUnknown
	}
	op, err := w.engine.repository.GetOperation(ctx, failed.ID)
	switch {
	case errors.Is(err, integration.ErrNotFound):
		return w.record(ctx, failed)
	case err != nil && !integration.IsRefused(err):
		return StoreError(err)
	case isSameRejection(op, failed):
		return nil // this message's own record, or one that tells all of it
	}
	failed.ID = otherID(failed.ID, d.MessageID)
	return w.record(ctx, failed)
}

// isSameRejection reports whether a record tells all that a rejection has to: of which integration, and what is wrong
// with the message. Another message may name the same operation, and have another fault of the same code.
func isSameRejection(op, rejection integration.Operation) bool {
	return op.Status == integration.OperationFailed && op.Error != nil &&
		op.IntegrationID == rejection.IntegrationID && op.Error.Code == rejection.Error.Code &&
		op.Error.Detail == rejection.Error.Detail && slices.Equal(op.Error.Findings, rejection.Error.Findings)
}

// DeadLettered keeps the body of a message that the queue has given up, so that nothing disappears silently, and ends
// its operation where the record states that nothing more can be expected of it; see giveUp. A message that belongs to
// no operation has a record of its own.
func (w *Worker) DeadLettered(ctx context.Context, d message.Delivery) error {
	c, err := message.ParseCommand(d)
	reason := deadLetterDiagnosis(d, w.tasks[c.Type].request())
	var rejection *message.Rejection
	if errors.As(err, &rejection) {
		reason.Findings = rejection.Findings
		return w.refuse(ctx, d, rejection, reason)
	}
	note := invocation.From(ctx)
	note.SetIntegration(c.IntegrationID)
	note.SetOperation(c.OperationID)
	note.SetCaller(w.engine.producers.ID) // until the record tells that the message belongs to it
	note.SetCode(reason.Code)
	if err := w.engine.repository.SaveRejected(ctx, c.OperationID, d.Body); err != nil {
		return StoreError(err)
	}
	t := w.tasks[c.Type]
	c.ID = d.MessageID // by which a record of its own is named, where the operation's cannot be used
	stored, err := w.engine.read(ctx, c.OperationID, c.IntegrationID)
	if err != nil && !integration.IsRefused(err) {
		return err
	}
	a := &Attempt{engine: w.engine, command: c, task: t, number: c.Attempt, operation: stored.operation,
		document: stored.document}
	a.limitNumber()
	switch {
	case t.isFollowUp() && (a.document.ETag == "" || a.isSuperseded(a.document)),
		!t.isFollowUp() && a.operation.Status.IsFinal():
		if err := w.engine.showCanceled(ctx, a.operation); err != nil {
			return err
		}
		return a.tellAll(ctx)
	case a.operation.ETag != "" && !t.isAbout(c, a.operation):
		of, err := w.ofProducers(ctx, c.IntegrationID)
		if err != nil {
			return err
		}
		return w.record(ctx, integration.Operation{ID: otherID(c.OperationID, c.ID), Kind: t.Kind, IntegrationID: of,
			Status: integration.OperationFailed, Error: &reason})
	}
	note.SetCaller(cmp.Or(a.operation.Caller.ID, w.engine.producers.ID))
	return w.giveUp(ctx, a, reason)
}

// deadLetterDiagnosis reads the queue's reason out of the message. How often it was delivered the description states.
func deadLetterDiagnosis(d message.Delivery, request diagnosis.Request) diagnosis.Diagnosis {
	reason, _ := d.ApplicationProperties["DeadLetterReason"].(string)
	description, _ := d.ApplicationProperties["DeadLetterErrorDescription"].(string)
	code := diagnosis.CodeDeadLettered
	switch reason {
	case "MaxDeliveryCountExceeded":
		code = diagnosis.CodeDeliveryExhausted
	case "TTLExpiredException":
		code = diagnosis.CodeMessageExpired
	}
	detail := "The message was dead-lettered"
	if reason != "" {
		detail += ": " + redact.Printable(reason)
	}
	if description != "" {
		detail += " (" + redact.Printable(description) + ")"
	}
	return diagnosis.New(code, diagnosis.WithDetail("%s", detail+"."),
		diagnosis.WithContext(diagnosis.Context{Request: request}))
}
