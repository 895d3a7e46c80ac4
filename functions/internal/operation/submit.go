package operation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// Intent is an intent that is to become an operation.
type Intent struct {
	Kind          integration.OperationKind
	IntegrationID string
	// OperationID makes the intent repeatable; a new one is made where it is empty.
	OperationID string
	// Content is what tells a repeated intent from another one under the same operation id, as JSON. It is nil for a
	// command that may be that of a request, which leaves out what the document holds since.
	Content any
	// IfMatch and IfNoneMatch are the HTTP preconditions on the spec's version, as sent; empty for none.
	IfMatch, IfNoneMatch string
	// Prepare completes an intent that is about to be written down for the first time, or refuses it. It runs at most
	// once, before Admit and Apply. Optional.
	Prepare func(ctx context.Context) error
	// Reserve takes what only one integration may have, for an intent that was admitted and is about to be written
	// down, or refuses it. Optional.
	Reserve func(ctx context.Context) error
	// Admit refuses what the state of the document does not allow. The document is nil where there is none.
	Admit func(*integration.Document) error
	// Apply writes the intent into the document, which is then in the operation's hands; nil where the document stays
	// as it is. It may run several times.
	Apply func(d *integration.Document)
	// Creates is true where the intent makes an integration that is not there.
	Creates bool
	// Joins has an intent without an operation id join the document's last operation, where that has the same kind and
	// content and has not ended.
	Joins bool
	// Command is what is sent; its operation id is filled in.
	Command message.Command
}

// Accepted is what a submission was answered with: the intent is written down and the command is sent.
type Accepted struct {
	Document  integration.Document
	Operation integration.Operation
	// Created is true where the operation made the integration, or made it again after a teardown.
	Created bool
}

// Submit writes the intent down and sends its command. The same operation id with the same content answers the same
// operation, and sends its command again while it has not started. Where the command cannot be sent the error is
// queue-unavailable and Accepted tells which operation to repeat; the timer sends it too (see Sweep). Errors are
// *diagnosis.Error.
func (e *Engine) Submit(ctx context.Context, in Intent) (Accepted, error) {
	w, err := newRequest(in)
	if err != nil {
		return Accepted{}, err
	}
	if in.Joins && w.OperationID == "" {
		if w.OperationID, err = e.runningAlready(ctx, w); err != nil {
			return Accepted{}, err
		}
	}
	if w.OperationID == "" {
		w.OperationID = uuid.NewString()
	}
	note := invocation.From(ctx)
	note.SetIntegration(w.IntegrationID)
	note.SetOperation(w.OperationID)
	if !integration.IsValidOperationID(w.OperationID) {
		return Accepted{}, refuse(diagnosis.CodeInvalidOperationID)
	}
	stored, err := e.read(ctx, w.OperationID, w.IntegrationID)
	if err != nil {
		return Accepted{}, err
	}
	w.Command.OperationID = w.OperationID
	marked := ""
	w.mark = func(ctx context.Context) (err error) {
		marked, err = e.markUnsent(ctx, w.Command)
		return StoreError(err)
	}
	a, err := e.accept(ctx, w, stored)
	if err == nil && a.Operation.Status == integration.OperationNotStarted {
		if err = e.Send(ctx, w.Command, a.Operation.ID, time.Time{}); err != nil {
			err = &diagnosis.Error{Diagnosis: e.keep(ctx, a, w.Command, err), Err: err}
		}
	}
	if marked != "" && (err == nil || a.Operation.ID == "") { // else the timer sends what the queue did not take
		if err := forget(ctx, e.repository.Store, prefixUnsent+w.OperationID, marked); err != nil {
			e.log.WarnContext(ctx, "the timer looks at a command that was sent", "operationId", w.OperationID, "error",
				Words(err))
		}
	}
	return a, err
}

// intent is an intent with the hash of its content.
type intent struct {
	Intent
	hash string
	// mark has the timer look whether the command was sent, before the intent is written down; nil where the command
	// is on the queue already.
	mark func(context.Context) error
}

func newRequest(in Intent) (intent, error) {
	body, err := json.Marshal([]any{in.Kind, in.IntegrationID, in.Content})
	if err != nil {
		return intent{}, fmt.Errorf("hash request: %w", err)
	}
	sum := sha256.Sum256(body)
	return intent{Intent: in, hash: hex.EncodeToString(sum[:])}, nil
}

func (w intent) prepare(ctx context.Context) error {
	if w.Prepare == nil {
		return nil
	}
	return w.Prepare(ctx)
}

func (w intent) reserve(ctx context.Context) error {
	if w.Reserve == nil {
		return nil
	}
	return w.Reserve(ctx)
}

// runningAlready finds the operation that does already what is asked for; empty where there is none.
func (e *Engine) runningAlready(ctx context.Context, w intent) (string, error) {
	d, err := e.repository.Get(ctx, w.IntegrationID)
	if err != nil || d.Status.LastOperationID == "" {
		return "", StoreError(unlessUnusable(err))
	}
	op, err := e.repository.GetOperation(ctx, d.Status.LastOperationID)
	if err != nil {
		return "", StoreError(unlessUnusable(err))
	}
	if !w.isOf(op) || op.RequestHash != w.hash || op.Status.IsFinal() {
		return "", nil
	}
	return op.ID, w.Preconditions(d)
}
