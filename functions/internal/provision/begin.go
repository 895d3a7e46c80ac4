package provision

import (
	"context"
	"errors"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// begin finds the operation and the document of a command, and makes them where the command comes straight from a
// producer. It returns errDone for an operation that has ended and errSuperseded for one that is not the document's
// last.
func (s *Service) begin(ctx context.Context, cmd message.Command) (Accepted, error) {
	in, err := s.intentOf(cmd)
	if err != nil {
		return Accepted{}, err
	}
	op, err := s.Repository.GetOperation(ctx, cmd.OperationID)
	var a Accepted
	switch {
	case errors.Is(err, integration.ErrNotFound):
		if in, err = s.resolved(ctx, in, cmd); err == nil {
			a, err = s.accept(ctx, in)
		}
	case err != nil:
		return Accepted{}, stored(err)
	case op.Kind != in.kind || op.IntegrationID != in.id || cmd.Spec != nil && op.RequestHash != in.hash:
		return Accepted{}, reused(op, in)
	case op.Status.Final():
		return Accepted{}, errDone
	case op.Status == integration.OperationNotStarted && cmd.Spec != nil:
		if in, err = s.resolved(ctx, in, cmd); err == nil {
			a, err = s.write(ctx, in, op)
		}
	default:
		a.Operation = op
		if a.Document, err = s.Repository.Get(ctx, cmd.IntegrationID); err != nil {
			err = s.absent(err)
		}
	}
	if err != nil {
		return Accepted{}, err
	}
	if a.Operation.Status.Final() {
		return Accepted{}, errDone // a teardown that has set the record aside
	}
	if in.apply != nil && a.Document.Status.LastOperationID != a.Operation.ID {
		return Accepted{}, errSuperseded
	}
	return a, s.running(ctx, a.Operation)
}

// running marks the operation as started. What its last attempt failed with stays until this one has come to something.
func (s *Service) running(ctx context.Context, op integration.Operation) error {
	if op.Status == integration.OperationRunning {
		return nil
	}
	_, err := s.Repository.UpdateOperation(ctx, op.ID, func(o *integration.Operation) error {
		if o.Status.Final() {
			return errDone
		}
		o.Status = integration.OperationRunning
		return nil
	})
	if errors.Is(err, errDone) {
		return errDone
	}
	return stored(err)
}

// intentOf is what a command that comes straight from a producer wants written down, its spec aside.
func (s *Service) intentOf(cmd message.Command) (intent, error) {
	in := intent{kind: kindOf(cmd.Type), id: cmd.IntegrationID, operationID: cmd.OperationID}
	var content any
	switch cmd.Type {
	case message.TypeDeprovision:
		in.admit, in.apply, content = admitTeardown(cmd.Purge), applyTeardown, cmd.Purge
	case message.TypeAccessTest:
		in.admit, content = s.admitAccessTest(false), cmd.Mode+"|"+cmd.Access
	default:
		in.admit, in.apply = admitRepair, s.applyRepair
		if cmd.Spec != nil {
			content = *cmd.Spec
		}
	}
	var err error
	in.hash, err = requestHash(in.kind, in.id, content)
	return in, err
}

// resolved adds the command's spec, which is checked only now: a message that repeats an operation's id with another
// spec must not end that operation, however faulty its spec is.
func (s *Service) resolved(ctx context.Context, in intent, cmd message.Command) (intent, error) {
	if cmd.Spec == nil {
		return in, nil
	}
	spec, err := s.resolve(ctx, cmd.IntegrationID, *cmd.Spec)
	if err != nil {
		return in, err
	}
	in.admit, in.apply = admitProvision, s.applySpec(cmd.IntegrationID, spec)
	return in, nil
}

// admitRepair lets a command without a spec bring an existing integration to its spec again.
func admitRepair(d *integration.Document) error {
	switch {
	case d == nil:
		return integration.Absent(nil)
	case d.Status.Phase == integration.PhaseDeleted:
		return integration.Absent(d)
	default:
		return admitProvision(d)
	}
}

func (s *Service) applyRepair(d *integration.Document, created bool) {
	s.applySpec(d.ID, d.Spec)(d, created)
}
