package provision

import (
	"context"
	"errors"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// Reject records a message that can never succeed: its body is kept, and an operation says why it was refused. A nil
// error means that both are written.
func (s *Service) Reject(ctx context.Context, d message.Delivery, rejection *message.Rejection) error {
	note := invocation.From(ctx)
	note.SetIntegration(rejection.IntegrationID)
	note.SetOperation(rejection.OperationID)
	note.SetCode(rejection.Code)
	if err := s.Repository.SaveRejected(ctx, rejection.OperationID, d.Body); err != nil {
		return stored(err)
	}
	diag := diagnosis.New(rejection.Code, diagnosis.WithDetail("%s", rejection.Detail), diagnosis.WithFindings(rejection.Findings...))
	// A faulty message does not end an operation that a good one started, whatever id it names.
	failed := integration.Operation{ID: rejection.OperationID, Kind: kindOf(rejection.Type), IntegrationID: rejection.IntegrationID,
		Status: integration.OperationFailed, Error: &diag}
	return s.bringDown(ctx, failed, otherID(rejection.OperationID, d.MessageID), true)
}

// bringDown ends the operation that a message names as failed, with its document. Where there is none, or the message
// must not be trusted to name it, the failure is recorded as an operation of its own.
func (s *Service) bringDown(ctx context.Context, failed integration.Operation, spare string, stranger bool) error {
	op, err := s.Repository.GetOperation(ctx, failed.ID)
	switch {
	case errors.Is(err, integration.ErrNotFound):
		return s.record(ctx, failed)
	case err != nil:
		return stored(err)
	case stranger || op.IntegrationID != failed.IntegrationID || op.Status.Final():
		if op.Status == integration.OperationFailed && op.Error != nil && op.Error.Code == failed.Error.Code {
			return nil // this message's own record
		}
		failed.ID = spare
		return s.record(ctx, failed)
	}
	if op.Kind != integration.KindAccessTest {
		if err := s.failDocument(ctx, op.IntegrationID, op.ID, *failed.Error); err != nil {
			return err
		}
	}
	return s.end(ctx, op.ID, integration.OperationFailed, *failed.Error)
}

// DeadLettered ends the operation of a message that the queue has given up: nothing disappears silently. Commands whose
// operation has ended already leave only their body.
func (s *Service) DeadLettered(ctx context.Context, d message.Delivery) error {
	diag := deadLetterDiagnosis(d)
	cmd, err := message.ParseCommand(d)
	var rejection *message.Rejection
	if errors.As(err, &rejection) {
		diag.Findings = rejection.Findings
		cmd.OperationID, cmd.IntegrationID, cmd.Type = rejection.OperationID, rejection.IntegrationID, rejection.Type
	}
	note := invocation.From(ctx)
	note.SetIntegration(cmd.IntegrationID)
	note.SetOperation(cmd.OperationID)
	note.SetCode(diag.Code)
	if err := s.Repository.SaveRejected(ctx, cmd.OperationID, d.Body); err != nil {
		return stored(err)
	}
	if cmd.Type == message.TypeAnnounce && rejection == nil {
		return nil // its operation has ended; the event is in the kept body
	}
	if cmd.Type == message.TypeVerify && rejection == nil {
		err := s.undecided(ctx, cmd, diag)
		if errors.Is(err, errDone) {
			return nil
		}
		return err
	}
	op, err := s.Repository.GetOperation(ctx, cmd.OperationID)
	if err == nil && op.Status.Final() {
		return nil
	}
	if err != nil && !errors.Is(err, integration.ErrNotFound) {
		return stored(err)
	}
	failed := integration.Operation{ID: cmd.OperationID, Kind: kindOf(cmd.Type), IntegrationID: cmd.IntegrationID, Status: integration.OperationFailed, Error: &diag}
	return s.bringDown(ctx, failed, otherID(cmd.OperationID, d.MessageID), rejection != nil)
}

// deadLetterDiagnosis reads the queue's reason out of the message. How often it was delivered the description says.
func deadLetterDiagnosis(d message.Delivery) diagnosis.Diagnosis {
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
		detail += ": " + diagnosis.Printable(reason)
	}
	if description != "" {
		detail += " (" + diagnosis.Printable(description) + ")"
	}
	return diagnosis.New(code, diagnosis.WithDetail("%s", detail+"."))
}
