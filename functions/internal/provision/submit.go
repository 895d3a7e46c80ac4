package provision

import (
	"context"
	"errors"
	"fmt"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

// Submission is an intent to create or update an integration.
type Submission struct {
	ID   string
	Spec integration.Spec
	// Replace lets the spec ask for another identity than there is.
	Replace bool
	// OperationID makes the submission repeatable; a new one is made where it is empty.
	OperationID string
	// IfMatch and IfNoneMatch are the HTTP preconditions on the spec's version, as sent; empty for none.
	IfMatch, IfNoneMatch string
}

// TeardownOptions are the options of a teardown.
type TeardownOptions struct {
	OperationID string
	// IfMatch and IfNoneMatch are the HTTP preconditions on the spec's version, as sent; empty for none.
	IfMatch, IfNoneMatch string
	// Purge also removes the soft-deleted application and service principal, for good.
	Purge bool
}

// Submit validates the spec, writes the intent down and sends the command, as operation.Engine.Submit does. It writes
// nothing where the spec has faults.
func (s *Service) Submit(ctx context.Context, sub Submission) (operation.Accepted, error) {
	w := s.intent(sub.Spec, sub.Replace)
	if err := s.resolve(ctx, sub.ID, w); err != nil {
		return operation.Accepted{}, err
	}
	return s.Engine.Submit(ctx, operation.Intent{
		Kind: integration.KindProvision, IntegrationID: sub.ID, OperationID: sub.OperationID, Content: w.content(),
		IfMatch: sub.IfMatch, IfNoneMatch: sub.IfNoneMatch, Admit: w.admit, Creates: true,
		Reserve: func(ctx context.Context) error { return s.claim(ctx, sub.ID, w) },
		Apply:   func(d *integration.Document) { s.applySpec(d, w.resolved) },
		Command: message.Command{Type: message.TypeProvision, IntegrationID: sub.ID},
	})
}

// SubmitTeardown writes the intent to tear the integration down and sends the command. A teardown that runs already
// answers its own operation, unless an operation id or a purge asks for another. An integration that was torn down is
// refused as integration-deleted, unless its soft-deleted objects are to be purged.
func (s *Service) SubmitTeardown(ctx context.Context, id string, opts TeardownOptions) (operation.Accepted, error) {
	in := teardownIntent(message.Command{Type: message.TypeDeprovision, IntegrationID: id, Purge: opts.Purge})
	in.OperationID, in.IfMatch, in.IfNoneMatch, in.Joins = opts.OperationID, opts.IfMatch, opts.IfNoneMatch, true
	return s.Engine.Submit(ctx, in)
}

// SubmitAccessTest sends the command for an access test, of which a message carries mode and access; its report
// becomes the operation's result. It needs a source of subject tokens.
func (s *Service) SubmitAccessTest(ctx context.Context, id, operationID string,
	wanted access.Request) (operation.Accepted, error) {
	if err := access.Check(wanted.Mode, wanted.Access, ""); err != nil {
		return operation.Accepted{}, err
	}
	in := s.accessTestIntent(message.Command{Type: message.TypeAccessTest, IntegrationID: id,
		Mode: string(wanted.Mode), Access: string(wanted.Access)})
	in.OperationID = operationID
	return s.Engine.Submit(ctx, in)
}

// Tasks are what the commands on the queue ask for, by their CloudEvents types.
func (s *Service) Tasks() map[string]operation.Task {
	proof := s.verifier()
	return map[string]operation.Task{
		message.TypeProvision:   {Kind: integration.KindProvision, Intent: s.provisionIntent, Run: s.provision},
		message.TypeDeprovision: {Kind: integration.KindDeprovision, Intent: teardownIntent, Run: s.teardown},
		message.TypeAccessTest:  {Kind: integration.KindAccessTest, Intent: s.accessTestIntent, Run: s.accessTest},
		message.TypeVerify: {Kind: integration.KindProvision, GiveUp: proof.undecided, Run: proof.verify,
			LastAttempt: lastProof(), Due: proof.dueProof},
	}
}

// provisionIntent is the intent of a command that comes straight from a producer: without a spec it brings an
// integration to its spec again. A spec is checked only when it is to be written down: a message that repeats an
// operation's id with another one must not end that operation, however faulty it is.
func (s *Service) provisionIntent(c message.Command) operation.Intent {
	in := operation.Intent{Kind: integration.KindProvision, IntegrationID: c.IntegrationID, Admit: admitRepair,
		Command: c,
		Apply:   func(d *integration.Document) { s.applySpec(d, d.Spec) }}
	if c.Spec == nil {
		return in
	}
	w := s.intent(*c.Spec, c.Replace)
	in.Content, in.Admit, in.Creates = w.content(), w.admit, true
	in.Apply = func(d *integration.Document) { s.applySpec(d, w.resolved) }
	in.Prepare = func(ctx context.Context) error { return s.resolve(ctx, c.IntegrationID, w) }
	in.Reserve = func(ctx context.Context) error { return s.claim(ctx, c.IntegrationID, w) }
	return in
}

func teardownIntent(c message.Command) operation.Intent {
	return operation.Intent{Kind: integration.KindDeprovision, IntegrationID: c.IntegrationID, Content: c.Purge,
		Command: c,
		Admit:   admitTeardown(c.Purge), Apply: func(d *integration.Document) { d.Status.BeginTeardown() }}
}

func (s *Service) accessTestIntent(c message.Command) operation.Intent {
	return operation.Intent{Kind: integration.KindAccessTest, IntegrationID: c.IntegrationID, Content: c.Mode + "|" +
		c.Access, Command: c,
		Admit: s.admitAccessTest(false)}
}

// admitProvision refuses a change while a teardown runs, and of what somebody else has made.
func admitProvision(d *integration.Document) error {
	switch {
	case d != nil && d.IsEnding():
		return refuse(diagnosis.CodeDeprovisioning)
	case d != nil && d.IsUnmanaged && d.Status.Phase != integration.PhaseDeleted:
		return refuse(diagnosis.CodeIntegrationUnmanaged)
	default:
		return nil
	}
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

// admitTeardown refuses to tear down what is not there. What is torn down may still be purged, once.
func admitTeardown(purge bool) func(*integration.Document) error {
	return func(d *integration.Document) error {
		switch {
		case d == nil:
			return integration.Absent(nil)
		case d.Status.Phase == integration.PhaseDeleted && !(purge && d.Status.CanBePurged()):
			return integration.Absent(d)
		default:
			return nil
		}
	}
}

// applySpec writes a spec as the intent. Ids in the status stay: they tell what exists, and after a teardown what can
// be restored.
func (s *Service) applySpec(d *integration.Document, spec integration.Spec) {
	d.IsUnmanaged = false // what was imported before, and forgotten, is somebody else's
	generation := d.Generation
	d.ReplaceSpec(spec)
	if d.Generation != generation {
		integration.TakeHealthBack(d, s.now())
	}
	if d.Generation == generation && d.IsMade() {
		return // nothing is known to have changed: the run looks, and states so where something has
	}
	d.Status.Phase = integration.PhasePending
	d.Status.Conditions, d.Status.Left = nil, nil
}

func (s *Service) intent(given integration.Spec, replace bool) *intent {
	return &intent{given: given, defaults: s.Defaults, replace: replace}
}

// Faults are those that Submit would refuse a spec for; none where that cannot be told now.
func (s *Service) Faults(ctx context.Context, id string, spec integration.Spec) []diagnosis.Finding {
	var refused *diagnosis.Error
	if errors.As(s.resolve(ctx, id, s.intent(spec, false)), &refused) {
		return refused.Diagnosis.Findings
	}
	return nil
}

// faulty is the refusal of a spec.
func faulty(findings []diagnosis.Finding) error {
	return refuse(diagnosis.CodeInvalidSpec, diagnosis.WithDetail("%s", countFaults(len(findings))),
		diagnosis.WithFindings(findings...))
}

func countFaults(n int) string {
	if n == 1 {
		return "One member of the spec breaks a rule."
	}
	return fmt.Sprintf("%d members of the spec break a rule.", n)
}
