package provision

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// Submission is a wish to create or update an integration.
type Submission struct {
	ID   string
	Spec integration.Spec
	// OperationID makes the submission repeatable; a new one is made where it is empty.
	OperationID string
	// IfMatch and IfNoneMatch are the HTTP preconditions on the document's ETag, as sent; empty for none.
	IfMatch, IfNoneMatch string
}

// TeardownOptions are the options of a teardown.
type TeardownOptions struct {
	OperationID string
	// IfMatch and IfNoneMatch are the HTTP preconditions on the document's ETag, as sent; empty for none.
	IfMatch, IfNoneMatch string
	// Purge also removes the soft-deleted application and service principal, for good.
	Purge bool
}

// AccessTestOptions are the options of an asynchronous access test; empty members mean the test's defaults.
type AccessTestOptions struct{ OperationID, Mode, Access string }

// Submit validates the spec, writes the intent down and sends the command. It writes nothing where the spec has
// faults. The same operation id with the same submission answers the same operation, and sends its command again while
// it has not started. Where the command cannot be sent the error is queue-unavailable and Accepted says which
// operation to repeat. Errors are *diagnosis.Error.
func (s *Service) Submit(ctx context.Context, sub Submission) (Accepted, error) {
	spec, err := s.resolve(ctx, sub.ID, sub.Spec)
	if err != nil {
		return Accepted{}, err
	}
	hash, err := requestHash(integration.KindProvision, sub.ID, sub.Spec)
	if err != nil {
		return Accepted{}, err
	}
	in := intent{kind: integration.KindProvision, id: sub.ID, operationID: sub.OperationID, hash: hash, ifMatch: sub.IfMatch, ifNoneMatch: sub.IfNoneMatch,
		admit: admitProvision, apply: s.applySpec(sub.ID, spec),
		command: message.Command{Type: message.TypeProvision, IntegrationID: sub.ID}}
	return s.submit(ctx, in)
}

// SubmitTeardown writes the wish to tear the integration down and sends the command. A teardown that runs already
// answers its own operation, unless an operation id or a purge asks for another. An integration that was torn down is
// refused as integration-deleted, unless its soft-deleted objects are to be purged.
func (s *Service) SubmitTeardown(ctx context.Context, id string, opts TeardownOptions) (Accepted, error) {
	hash, err := requestHash(integration.KindDeprovision, id, opts.Purge)
	if err != nil {
		return Accepted{}, err
	}
	in := intent{kind: integration.KindDeprovision, id: id, operationID: opts.OperationID, hash: hash, ifMatch: opts.IfMatch, ifNoneMatch: opts.IfNoneMatch,
		admit: admitTeardown(opts.Purge), apply: applyTeardown, command: message.Command{Type: message.TypeDeprovision, IntegrationID: id, Purge: opts.Purge}}
	if in.operationID == "" {
		if in.operationID, err = s.runningTeardown(ctx, in); err != nil {
			return Accepted{}, err
		}
	}
	return s.submit(ctx, in)
}

// SubmitAccessTest sends the command for an access test; its report becomes the operation's result. It needs a source
// of subject tokens.
func (s *Service) SubmitAccessTest(ctx context.Context, id string, opts AccessTestOptions) (Accepted, error) {
	if err := access.Check(access.Mode(opts.Mode), integration.Access(opts.Access), ""); err != nil {
		return Accepted{}, err
	}
	hash, err := requestHash(integration.KindAccessTest, id, opts.Mode+"|"+opts.Access)
	if err != nil {
		return Accepted{}, err
	}
	return s.submit(ctx, intent{kind: integration.KindAccessTest, id: id, operationID: opts.OperationID, hash: hash, admit: s.admitAccessTest(false),
		command: message.Command{Type: message.TypeAccessTest, IntegrationID: id, Mode: opts.Mode, Access: opts.Access}})
}

// intent is what the three kinds of submission have in common.
type intent struct {
	kind                 integration.OperationKind
	id, operationID      string
	hash                 string
	ifMatch, ifNoneMatch string
	// admit refuses what the state of the document does not allow. The document is nil where there is none.
	admit func(*integration.Document) error
	// apply writes the intent into the document; nil where the document stays as it is. created says that the integration begins (again).
	apply   func(d *integration.Document, created bool)
	command message.Command
}

// maxConflicts bounds how often a submission looks again because another writer was first.
const maxConflicts = 20

// submit writes the operation, then the document, then sends. The operation comes first because its creation decides
// which of two requests with one operation id is the first.
func (s *Service) submit(ctx context.Context, in intent) (Accepted, error) {
	if in.operationID == "" {
		in.operationID = uuid.NewString()
	}
	note := invocation.From(ctx)
	note.SetIntegration(in.id)
	note.SetOperation(in.operationID)
	a, err := s.accept(ctx, in)
	if err != nil {
		return Accepted{}, err
	}
	if a.Operation.Status != integration.OperationNotStarted {
		return a, nil
	}
	in.command.OperationID = a.Operation.ID
	if err := s.send(ctx, in.command, a.Operation.ID, time.Time{}); err != nil {
		d := diagnosis.New("queue-unavailable", diagnosis.WithDetail("The intent is written down as operation %s, but its command could not be put on the queue. Send the request again with Operation-Id: %s.", a.Operation.ID, a.Operation.ID))
		return a, &diagnosis.Error{Diagnosis: d, Err: err}
	}
	return a, nil
}

// accept writes operation and document without sending anything.
func (s *Service) accept(ctx context.Context, in intent) (Accepted, error) {
	if !integration.ValidOperationID(in.operationID) {
		return Accepted{}, refuse("invalid-operation-id")
	}
	op, err := s.Repository.GetOperation(ctx, in.operationID)
	switch {
	case err == nil:
		return s.repeat(ctx, in, op)
	case !errors.Is(err, integration.ErrNotFound):
		return Accepted{}, stored(err)
	}
	if _, err := s.admitted(ctx, in); err != nil && !in.setsAside(err) {
		return Accepted{}, err
	}
	op, err = s.Repository.CreateOperation(ctx, integration.Operation{ID: in.operationID, Kind: in.kind, Status: integration.OperationNotStarted,
		IntegrationID: in.id, CreatedAt: s.now(), RequestHash: in.hash})
	if errors.Is(err, integration.ErrConflict) {
		if op, err = s.Repository.GetOperation(ctx, in.operationID); err == nil {
			return s.repeat(ctx, in, op)
		}
	}
	if err != nil {
		return Accepted{}, stored(err)
	}
	return s.write(ctx, in, op)
}

// repeat answers a request whose operation exists.
func (s *Service) repeat(ctx context.Context, in intent, op integration.Operation) (Accepted, error) {
	if op.Kind != in.kind || op.IntegrationID != in.id || op.RequestHash != in.hash {
		return Accepted{}, reused(op, in)
	}
	if op.Status == integration.OperationNotStarted {
		// The first try may have ended between operation and document.
		return s.write(ctx, in, op)
	}
	if op.Error != nil && op.Status == integration.OperationCanceled && op.Error.Code != "superseded" {
		return Accepted{}, &diagnosis.Error{Diagnosis: *op.Error}
	}
	d, err := s.Repository.Get(ctx, in.id)
	if errors.Is(err, integration.ErrNotFound) && in.kind == integration.KindDeprovision {
		return Accepted{Operation: op}, nil // it has set the record aside
	}
	if err != nil {
		return Accepted{}, s.absent(err)
	}
	return Accepted{Document: d, Operation: op, Created: began(d, op)}, nil
}

// reused refuses an operation id that another request has, and says which.
func reused(op integration.Operation, in intent) error {
	which := fmt.Sprintf("Operation %s exists already: it is of kind %s", op.ID, op.Kind)
	if op.IntegrationID != "" {
		which += " and about the integration " + op.IntegrationID
	}
	if op.Kind == in.kind && op.IntegrationID == in.id {
		which += ", and was started with other content"
	}
	return refuse("operation-id-reused", diagnosis.WithDetail("%s.", which))
}

// write puts the intent into the document, under the preconditions, unless it is there already.
func (s *Service) write(ctx context.Context, in intent, op integration.Operation) (Accepted, error) {
	var conflict error
	for range maxConflicts {
		d, err := s.admitted(ctx, in)
		if in.setsAside(err) {
			if op, err = s.setAside(ctx, op, err); err == nil {
				return Accepted{Operation: op}, nil
			}
			if conflict = err; errors.Is(err, integration.ErrConflict) || errors.Is(err, integration.ErrNotFound) {
				continue
			}
			return Accepted{}, stored(err)
		}
		if err != nil {
			return Accepted{}, s.cancel(ctx, op, err)
		}
		if in.apply == nil || d != nil && d.Status.LastOperationID == op.ID {
			return Accepted{Document: *d, Operation: op, Created: began(*d, op)}, nil
		}
		written, err := s.put(ctx, in, d, op)
		if err == nil {
			return Accepted{Document: written, Operation: op, Created: began(written, op)}, nil
		}
		if !errors.Is(err, integration.ErrConflict) {
			return Accepted{}, stored(err)
		}
		conflict = err // another writer was first: look again, preconditions included
	}
	return Accepted{}, stored(conflict)
}

func (s *Service) put(ctx context.Context, in intent, d *integration.Document, op integration.Operation) (integration.Document, error) {
	if d == nil {
		fresh := integration.Document{ID: in.id, CreatedAt: op.CreatedAt, FirstOperationID: op.ID}
		in.apply(&fresh, true)
		fresh.Status.LastOperationID = op.ID
		return s.Repository.Create(ctx, fresh)
	}
	again := d.Status.Phase == integration.PhaseDeleted && in.kind == integration.KindProvision
	if again {
		d.CreatedAt, d.FirstOperationID = op.CreatedAt, op.ID
	}
	in.apply(d, again)
	d.Status.LastOperationID = op.ID
	err := s.Repository.Save(ctx, d)
	return *d, err
}

// began says that the operation made the integration, or made it again after a teardown.
func began(d integration.Document, op integration.Operation) bool { return d.FirstOperationID == op.ID }

// cancel ends an operation whose request was refused after it was written down, and returns the refusal.
func (s *Service) cancel(ctx context.Context, op integration.Operation, refusal error) error {
	var known *diagnosis.Error
	if !errors.As(refusal, &known) || serverFault(known.Diagnosis) {
		return refusal
	}
	_, err := s.Repository.UpdateOperation(ctx, op.ID, func(o *integration.Operation) error {
		if o.Status == integration.OperationNotStarted {
			o.Status, o.Error = integration.OperationCanceled, &known.Diagnosis
		}
		return nil
	})
	if err != nil {
		return errors.Join(refusal, err)
	}
	return refusal
}

// admitted reads the document and holds preconditions and state against the intent; nil where there is no document.
func (s *Service) admitted(ctx context.Context, in intent) (*integration.Document, error) {
	var found *integration.Document
	d, err := s.Repository.Get(ctx, in.id)
	switch {
	case err == nil:
		found = &d
	case in.setsAside(err):
		var bad *integration.RecordError
		errors.As(err, &bad)
		if refusal := preconditions(&integration.Document{ETag: bad.ETag}, in); refusal != nil {
			return nil, refusal
		}
		return nil, err
	case !errors.Is(err, integration.ErrNotFound):
		return nil, stored(err)
	}
	if found != nil && found.Status.LastOperationID == in.operationID {
		return found, nil // our own write: the preconditions held when it was made
	}
	if err := in.admit(found); err != nil {
		return nil, err
	}
	return found, preconditions(found, in)
}

// runningTeardown finds the operation that does already what is asked for; empty where there is none.
func (s *Service) runningTeardown(ctx context.Context, in intent) (string, error) {
	d, err := s.Repository.Get(ctx, in.id)
	if in.setsAside(err) {
		return "", nil
	}
	if err != nil {
		return "", s.absent(err)
	}
	if d.Status.Phase != integration.PhaseDeprovisioning {
		return "", nil
	}
	if err := preconditions(&d, in); err != nil {
		return "", err
	}
	op, err := s.Repository.GetOperation(ctx, d.Status.LastOperationID)
	lost := errors.Is(err, integration.ErrNotFound) || errors.Is(err, integration.ErrUnreadable)
	if lost || err == nil && (op.Status.Final() || op.RequestHash != in.hash) {
		return "", nil
	}
	return op.ID, stored(err)
}

// absent gives the absence of an integration its words.
func (s *Service) absent(err error) error {
	if errors.Is(err, integration.ErrNotFound) {
		return integration.Absent(nil)
	}
	return stored(err)
}

// resolve fills the defaults in; its error lists every fault of the spec.
func (s *Service) resolve(ctx context.Context, id string, spec integration.Spec) (integration.Spec, error) {
	resolved, findings, err := s.Defaults.Resolve(ctx, id, spec)
	if err != nil {
		return integration.Spec{}, &diagnosis.Error{Diagnosis: diagnosis.New("service-identity-unavailable"), Err: err}
	}
	if len(findings) > 0 {
		return integration.Spec{}, refuse("invalid-spec", diagnosis.WithDetail("%s", countFaults(len(findings))), diagnosis.WithFindings(findings...))
	}
	return resolved, nil
}

func countFaults(n int) string {
	if n == 1 {
		return "One member of the spec breaks a rule."
	}
	return fmt.Sprintf("%d members of the spec break a rule.", n)
}

// requestHash tells a repeated request from another one.
func requestHash(kind integration.OperationKind, id string, content any) (string, error) {
	body, err := json.Marshal([]any{kind, id, content})
	if err != nil {
		return "", fmt.Errorf("hash request: %w", err)
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]), nil
}
