package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

var (
	// errSuperseded ends an operation that is no longer the integration's last.
	errSuperseded = errors.New("a newer operation took over")
	// errDone ends the handling of a command whose work is done already.
	errDone = errors.New("already done")
)

// Handle carries out a command. A nil error means that the message is done with: the work succeeded, or its failure is
// recorded, or a scheduled copy will try again. An error means that the message should be delivered again.
func (s *Service) Handle(ctx context.Context, cmd message.Command) error {
	note := invocation.From(ctx)
	note.SetIntegration(cmd.IntegrationID)
	note.SetOperation(cmd.OperationID)
	var err error
	switch cmd.Type {
	case message.TypeProvision:
		err = s.provision(ctx, cmd)
	case message.TypeDeprovision:
		err = s.teardown(ctx, cmd)
	case message.TypeVerify:
		err = s.verify(ctx, cmd)
	case message.TypeAccessTest:
		err = s.accessTest(ctx, cmd)
	case message.TypeAnnounce:
		err = s.announce(ctx, cmd)
	default:
		err = refuse(diagnosis.CodeUnknownCommand)
	}
	return s.settle(ctx, cmd, err)
}

// settle decides what becomes of a command that did not simply succeed.
func (s *Service) settle(ctx context.Context, cmd message.Command, err error) error {
	switch {
	case err == nil, errors.Is(err, errDone):
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s broken off: %w", cmd.Type, ctx.Err())
	case errors.Is(err, errSuperseded):
		if cmd.Type != message.TypeVerify { // a verification that has become pointless is nothing to look into
			invocation.From(ctx).SetCode(diagnosis.CodeSuperseded)
		}
		return s.end(ctx, cmd.OperationID, integration.OperationCanceled, diagnosis.New(diagnosis.CodeSuperseded))
	case policy.IsFinal(err):
		return s.fail(ctx, cmd, describe(err, false))
	case cmd.Attempt >= lastAttempt(cmd.Type):
		last := describe(err, true)
		d := diagnosis.New(diagnosis.CodeAttemptsExhausted, diagnosis.WithDetail("%d attempts have failed; the last one with %s: %s", cmd.Attempt+1, last.Code, last.Detail))
		d.Evidence, d.Remedy = last.Evidence, last.Remedy
		return s.fail(ctx, cmd, d)
	default:
		return s.park(ctx, cmd, err)
	}
}

// describe gives an error its words.
func describe(err error, settled bool) diagnosis.Diagnosis {
	var f *policy.Failure
	if errors.As(err, &f) {
		return f.Diagnosis(settled)
	}
	return diagnosis.Classify(err, diagnosis.Context{Settled: settled})
}

// fail records that the operation has failed for good: first in the document, then to the world, at last in the
// operation, so that a crash in between repeats all of it.
func (s *Service) fail(ctx context.Context, cmd message.Command, d diagnosis.Diagnosis) error {
	invocation.From(ctx).SetCode(d.Code)
	if cmd.Type == message.TypeAnnounce { // the operation has ended; only its news is lost
		s.log().ErrorContext(ctx, "event given up", "event", cmd.Event, "operationId", cmd.OperationID, "integrationId", cmd.IntegrationID, "code", d.Code)
		return nil
	}
	own := d.Code != diagnosis.CodeOperationIDReused // else the operation, and with it the document, is another command's
	if own && (cmd.Type == message.TypeProvision || cmd.Type == message.TypeDeprovision) {
		if err := s.failDocument(ctx, cmd.IntegrationID, cmd.OperationID, d); err != nil {
			return err
		}
	}
	return s.endOrRecord(ctx, cmd, d)
}

// failDocument moves the document to phase failed and says so, where the operation is its last one.
func (s *Service) failDocument(ctx context.Context, id, operationID string, d diagnosis.Diagnosis) error {
	doc, err := s.Repository.Update(ctx, id, func(doc *integration.Document) error {
		if doc.Status.LastOperationID != operationID || doc.Status.Phase == integration.PhaseDeleted {
			return errSuperseded
		}
		doc.Status.Phase = integration.PhaseFailed
		s.setCondition(doc, conditionProvisioned, "False", &d, "")
		return nil
	})
	switch {
	case errors.Is(err, errSuperseded), errors.Is(err, integration.ErrNotFound):
		return nil
	case err != nil:
		return stored(err)
	}
	return s.publish(ctx, message.TypeIntegrationFailed, operationID, doc, &d)
}

// end gives the operation its final status, once.
func (s *Service) end(ctx context.Context, operationID string, status integration.OperationStatus, d diagnosis.Diagnosis) error {
	_, err := s.Repository.UpdateOperation(ctx, operationID, func(o *integration.Operation) error {
		if o.Status.Final() {
			return errDone
		}
		o.Status, o.Error, o.Waiting = status, &d, nil
		return nil
	})
	if errors.Is(err, errDone) || errors.Is(err, integration.ErrNotFound) {
		return nil
	}
	return stored(err)
}

// endOrRecord ends the command's operation as failed, and makes one where there is none or where it is another's.
func (s *Service) endOrRecord(ctx context.Context, cmd message.Command, d diagnosis.Diagnosis) error {
	kind, d := kindOf(cmd.Type), inMessage(cmd, d)
	op, err := s.Repository.GetOperation(ctx, cmd.OperationID)
	id := cmd.OperationID
	switch {
	case err == nil && op.Kind == kind && op.IntegrationID == cmd.IntegrationID && d.Code != diagnosis.CodeOperationIDReused:
		return s.end(ctx, id, integration.OperationFailed, d)
	case err == nil:
		id = otherID(id, cmd.ID)
	case !errors.Is(err, integration.ErrNotFound):
		return stored(err)
	}
	return s.record(ctx, integration.Operation{ID: id, Kind: kind, IntegrationID: cmd.IntegrationID, Status: integration.OperationFailed, Error: &d})
}

// inMessage has the findings about a spec point into the message that the spec came in, as those of a message that cannot
// be read do. In the document, which holds the spec, they point into the spec.
func inMessage(cmd message.Command, d diagnosis.Diagnosis) diagnosis.Diagnosis {
	if cmd.Spec == nil {
		return d
	}
	d.Findings = slices.Clone(d.Findings)
	for i := range d.Findings {
		d.Findings[i].Pointer = message.SpecPointer + d.Findings[i].Pointer
	}
	return d
}

// record writes an operation that is final from the start. Recording it again changes nothing.
func (s *Service) record(ctx context.Context, op integration.Operation) error {
	op.CreatedAt = s.now()
	_, err := s.Repository.CreateOperation(ctx, op)
	if errors.Is(err, integration.ErrConflict) {
		return nil
	}
	return stored(err)
}

func kindOf(commandType string) integration.OperationKind {
	switch commandType {
	case message.TypeDeprovision:
		return integration.KindDeprovision
	case message.TypeAccessTest:
		return integration.KindAccessTest
	case message.TypeProvision, message.TypeVerify:
		return integration.KindProvision
	default:
		return integration.KindUnknown
	}
}
