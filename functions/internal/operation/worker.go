package operation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// Run makes one attempt at an operation. The operation succeeds with the result, as JSON, where the error is nil. It
// is tried again later, or ends as failed, as policy.IsFinal states; then the result, nil for none, tells how far it
// has come. A run may be broken off anywhere and made again.
type Run func(ctx context.Context, a *Attempt) (result any, err error)

// Task is what is done for one type of command.
type Task struct {
	// Kind is the kind of the operation that records it.
	Kind integration.OperationKind
	Run  Run
	// Intent is the intent of a command that comes straight from a producer, as Submit would get it; nil in a
	// follow-up.
	Intent func(c message.Command) Intent
	// GiveUp writes down why a follow-up has come to nothing, and makes a task one: its command follows an operation
	// that has ended, which it leaves as it is, and has no effect once another operation took over.
	GiveUp func(ctx context.Context, a *Attempt, reason diagnosis.Diagnosis) error
	// LastAttempt is the number of a follow-up's last attempt, from 0; other tasks have maxAttempts.
	LastAttempt int
	// Due is the number of a follow-up's latest attempt that can be due by the records; of other tasks the operation
	// counts them.
	Due func(a *Attempt) int
	// Describe gives what a request has failed with its words, while it is repeated; the failure's own where it is
	// nil.
	Describe func(ctx context.Context, a *Attempt, f *policy.Failure) diagnosis.Diagnosis
}

func (t Task) isFollowUp() bool { return t.GiveUp != nil }

// isDocumentOwner reports whether the document is in the operation's hands while it runs.
func (t Task) isDocumentOwner() bool { return t.isFollowUp() || !t.Kind.IsLook() }

// request is what is sent again to have such an operation once more.
func (t Task) request() diagnosis.Request {
	switch {
	case t.Kind == integration.KindDeprovision:
		return diagnosis.RequestDelete
	case t.Kind.IsLook():
		return diagnosis.RequestOther
	default:
		return diagnosis.RequestPut
	}
}

// Worker carries out commands.
type Worker struct {
	engine *Engine
	tasks  map[string]Task
}

// NewWorker returns a worker for tasks, by the CloudEvents type of their commands.
func NewWorker(e *Engine, tasks map[string]Task) (*Worker, error) {
	for name, t := range tasks {
		if t.Run == nil || t.Kind == "" || (t.Intent == nil) != t.isFollowUp() || (t.Due != nil) != t.isFollowUp() {
			return nil, fmt.Errorf("operation: task %s needs a kind, a run, and either an intent or a "+
				"way to give up with what is due", name)
		}
	}
	if e == nil || len(tasks) == 0 {
		return nil, errors.New("operation: engine and tasks are required")
	}
	return &Worker{engine: e, tasks: tasks}, nil
}

// Handle carries out a command. A nil error means that the message is done with: the work succeeded, or its failure is
// recorded, or a scheduled copy will try again. An error means that the message should be delivered again.
func (w *Worker) Handle(ctx context.Context, c message.Command) error {
	note := invocation.From(ctx)
	note.SetIntegration(c.IntegrationID)
	note.SetOperation(c.OperationID)
	note.SetCaller(w.engine.producers.ID) // until the record tells that the message belongs to it
	t, ok := w.tasks[c.Type]
	if !ok {
		return w.endOrRecord(ctx, c, integration.KindUnknown, diagnosis.New(diagnosis.CodeUnknownCommand))
	}
	a, err := w.begin(ctx, c, t)
	if errors.Is(err, ErrDone) {
		if failed := w.engine.showCanceled(ctx, a.Operation()); failed != nil {
			return failed
		}
	}
	var result any
	if err == nil {
		result, err = t.Run(policy.WithPauses(ctx, a.reportPause), a)
	}
	return w.decide(ctx, a, result, err)
}

// begin reads operation and document, once for the whole attempt, and writes down the intent of a command that comes
// straight from a producer. Its error is ErrDone for an operation that has ended and ErrSuperseded for one that is
// not the document's last. The attempt is never nil.
func (w *Worker) begin(ctx context.Context, c message.Command, t Task) (*Attempt, error) {
	e := w.engine
	a := &Attempt{engine: e, command: c, task: t, number: c.Attempt,
		operation: integration.Operation{ID: c.OperationID},
		document:  integration.Document{ID: c.IntegrationID}}
	stored, err := e.read(ctx, c.OperationID, c.IntegrationID)
	if err != nil {
		return a, err
	}
	a.operation, a.document = stored.operation, stored.document
	a.limitNumber()
	if t.isFollowUp() {
		invocation.From(ctx).SetCaller(stored.operation.Caller.ID)
		if stored.document.ETag == "" {
			return a, ErrDone
		}
	} else {
		got, err := w.accepted(ctx, c, t, stored)
		if err != nil {
			return a, err
		}
		a.operation, a.document = got.Operation, got.Document
	}
	if a.isSuperseded(a.document) {
		return a, ErrSuperseded
	}
	return a, a.claim(ctx)
}

// accepted finds what a command is about, and makes it where the command comes straight from a producer.
func (w *Worker) accepted(ctx context.Context, c message.Command, t Task, stored records) (Accepted, error) {
	in, op := t.Intent(c), stored.operation
	in.OperationID = c.OperationID
	intended, err := newRequest(in)
	if err != nil {
		return Accepted{}, err
	}
	var got Accepted
	switch {
	case op.ETag == "": // no request has written it down, so a producer has sent the command
		got, err = w.engine.accept(caller.With(ctx, w.engine.producers), intended, stored)
	case op.IntegrationID == "" && op.Kind == intended.Kind && op.Caller == w.engine.producers.IDs():
		err = ErrDone // the record of this message: it was about another owner's integration
	case !intended.isOf(op) || in.Content != nil && op.RequestHash != intended.hash:
		return got, reused(caller.With(ctx, w.engine.producers), op, intended)
	case op.Status.IsFinal():
		err = ErrDone
	case op.Status == integration.OperationNotStarted && op.RequestHash == intended.hash:
		got, err = w.engine.resume(withAsker(ctx, op, w.engine.producers), intended, stored)
	case stored.unreadable != nil:
		err = stored.unreadable
	case stored.document.ETag == "":
		err = integration.Absent(nil)
	default:
		got = Accepted{Operation: op, Document: stored.document}
	}
	invocation.From(ctx).SetCaller(cmp.Or(got.Operation.Caller.ID, op.Caller.ID, w.engine.producers.ID))
	if err == nil && got.Operation.Status.IsFinal() {
		err = ErrDone // a teardown that has set the record aside
	}
	return got, err
}

// decide tells what becomes of a command after an attempt.
func (w *Worker) decide(ctx context.Context, a *Attempt, result any, err error) error {
	c := a.command
	switch {
	case ctx.Err() != nil && !errors.Is(err, ErrDone):
		return fmt.Errorf("%s broken off: %w", c.Type, ctx.Err())
	case err == nil:
		return a.succeed(ctx, result)
	case errors.Is(err, ErrDone):
		return a.tellAll(ctx)
	case errors.Is(err, ErrSuperseded):
		if a.task.isFollowUp() { // one that has become pointless is nothing to look into
			return a.tellAll(ctx)
		}
		invocation.From(ctx).SetCode(diagnosis.CodeSuperseded)
		return a.end(ctx, integration.OperationCanceled, nil, diagnosis.New(diagnosis.CodeSuperseded),
			diagnosis.Causes{})
	case isFinal(err):
		return w.fail(ctx, a, result, Describe(err, false), causesOf(err, false))
	case a.number >= a.lastAttempt():
		causes := causesOf(err, true)
		return w.fail(ctx, a, result, exhausted(a, *causes.Diagnosis), causes)
	}
	return w.park(ctx, a, err)
}

// isFinal reports whether trying again cannot help.
func isFinal(err error) bool { return policy.IsFinal(err) }

// Describe gives an error its words.
func Describe(err error, propagated bool) diagnosis.Diagnosis {
	var f *policy.Failure
	if errors.As(err, &f) {
		return f.Diagnosis(propagated)
	}
	return classify.Error(err, diagnosis.Context{Propagated: propagated})
}

// exhausted is what an operation ends with whose attempts have all failed; last is what the last one failed with.
// Nobody
// tries it again but who sends the request again; where a command mends the cause, it comes first.
func exhausted(a *Attempt, last diagnosis.Diagnosis) diagnosis.Diagnosis {
	d := diagnosis.New(diagnosis.CodeAttemptsExhausted,
		diagnosis.WithDetail("%d attempts have failed; the last one with %s: %s", a.number+1, last.Code, last.Detail),
		diagnosis.WithContext(diagnosis.Context{Request: a.task.request()}))
	d.Evidence = last.Evidence
	if last.Remedy != nil && last.Remedy.Command != "" {
		again := d.Remedy.Steps[len(d.Remedy.Steps)-1]
		d.Remedy = &diagnosis.Remedy{Who: last.Remedy.Who, Command: last.Remedy.Command,
			Steps: append(slices.Clone(last.Remedy.Steps), again)}
	}
	return d
}
