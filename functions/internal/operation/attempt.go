package operation

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// Attempt is one attempt at an operation. It has read document and operation once, and writes each over the version
// that it has written last. It is safe for concurrent use.
type Attempt struct {
	engine  *Engine
	command message.Command
	task    Task
	// number is the attempt's, from 0: that of the message, and at most the one that is due by the record.
	number int

	writing sync.Mutex // held while something is written, so that writes follow one another

	mu        sync.Mutex // guards what follows
	document  integration.Document
	operation integration.Operation
	steps     []integration.Step // noted and not written yet
	resumed   bool               // what the operation shows to wait for has come
}

// Document returns the document as this attempt knows it.
func (a *Attempt) Document() integration.Document {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.document
}

// Operation returns the operation as this attempt knows it, with the steps that were noted. It has no ETag where the
// command is a follow-up whose operation is not known any more.
func (a *Attempt) Operation() integration.Operation {
	a.mu.Lock()
	defer a.mu.Unlock()
	op := a.operation
	op.Steps = mergeSteps(op.Steps, a.steps)
	return op
}

// Command returns what is to be done.
func (a *Attempt) Command() message.Command { return a.command }

// Number is the number of the attempt, from 0.
func (a *Attempt) Number() int { return a.number }

// IsFirst reports whether the operation is the integration's first: it makes it, or makes it again after a teardown.
func (a *Attempt) IsFirst() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.document.FirstOperationID == a.command.OperationID
}

// Step notes a step. It is written with what is written next.
func (a *Attempt) Step(s integration.Step) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.steps = append(a.steps, s)
}

// Save writes what has been learnt, and beside it the steps that were noted; a nil change writes the steps alone. It
// is saved even for an operation that has been superseded, as the next one needs to know what exists: only the phase
// is then left alone, and ErrSuperseded ends the attempt. ErrDone means that the operation was ended by others. change
// may run several times.
func (a *Attempt) Save(ctx context.Context, change func(*integration.Document)) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	superseded := false
	learn := func(d *integration.Document) error {
		phase := d.Status.Phase
		superseded = a.isSuperseded(*d)
		change(d)
		if superseded {
			d.Status.Phase = phase
		}
		return nil
	}
	if change == nil {
		learn = nil
	}
	if err := a.write(ctx, learn, a.hasUnsaved()); err != nil {
		return err
	}
	if superseded {
		return ErrSuperseded
	}
	return nil
}

// Conclude writes what holds only if the operation is still the document's last, and with it the news, which are told
// when the run has ended; otherwise it returns ErrSuperseded. An error of change, such as ErrDone, is returned, and
// nothing of change is written. learn, which is nil for nothing, is what has been learnt: it is written before change,
// and even where that is not; see Save. learn and change may run several times.
func (a *Attempt) Conclude(ctx context.Context, learn func(*integration.Document),
	change func(*integration.Document) error, news ...News) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	var refused error
	caller := a.Operation().Caller // the operation is written beside the document
	err := a.write(ctx, func(d *integration.Document) error {
		phase := d.Status.Phase
		isSuperseded := a.isSuperseded(*d)
		if learn != nil {
			learn(d)
		}
		if refused = ErrSuperseded; isSuperseded {
			d.Status.Phase = phase
		} else {
			concluded := d.Clone()
			if refused = change(&concluded); refused == nil {
				a.engine.announce(&concluded, a.command.OperationID, caller, news...)
				*d = concluded
			}
		}
		if learn == nil {
			return refused
		}
		return nil
	}, a.hasUnsaved())
	if err != nil {
		return err
	}
	return refused
}

// Send puts a command that follows this one on the queue; see Engine.Send.
func (a *Attempt) Send(ctx context.Context, c message.Command, messageID string, after time.Duration) error {
	return a.engine.Send(ctx, c, messageID, a.engine.now().Add(after))
}

// isSuperseded reports whether the document is in another operation's hands.
func (a *Attempt) isSuperseded(d integration.Document) bool {
	return a.task.isDocumentOwner() && d.Status.LastOperationID != a.command.OperationID
}

// HasNews reports whether there is something to be written that somebody who follows the operation waits for: a step
// that has changed something or has failed, or the end of a wait.
func (a *Attempt) HasNews() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.resumed || slices.ContainsFunc(a.steps, func(s integration.Step) bool { return s.Outcome != "unchanged" })
}

func (a *Attempt) hasUnsaved() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.steps) > 0 || a.resumed || a.operation.Status == integration.OperationNotStarted
}

// write writes document and operation side by side; change is nil where the document stays.
func (a *Attempt) write(ctx context.Context, change func(*integration.Document) error, operation bool) error {
	var group errgroup.Group
	errs := make([]error, 2)
	group.Go(func() error {
		if change != nil {
			errs[0] = a.writeDocument(ctx, change)
		}
		return nil
	})
	group.Go(func() error {
		if operation && !a.task.isFollowUp() {
			errs[1] = a.writeOperation(ctx, func(*integration.Operation) error { return nil })
		}
		return nil
	})
	_ = group.Wait() // the functions return nil; their errors are in errs
	return errors.Join(errs...)
}

func (a *Attempt) writeDocument(ctx context.Context, change func(*integration.Document) error) error {
	d, err := a.engine.repository.UpdateFrom(ctx, a.Document(), change)
	if err != nil {
		return StoreError(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.document = d
	return nil
}

// writeOperation writes the steps that were noted, and what change adds. An operation that others have ended gets the
// steps, as they were done, and nothing else: ErrDone.
func (a *Attempt) writeOperation(ctx context.Context, change func(*integration.Operation) error) error {
	a.mu.Lock()
	known, steps, resumed := a.operation, slices.Clone(a.steps), a.resumed
	a.mu.Unlock()
	ended := false
	op, err := a.engine.repository.UpdateOperationFrom(ctx, known, func(o *integration.Operation) error {
		o.Steps = mergeSteps(o.Steps, steps)
		if ended = o.Status.IsFinal(); ended {
			if len(steps) == 0 {
				return ErrDone
			}
			return nil
		}
		if o.Status == integration.OperationNotStarted {
			o.Status = integration.OperationRunning
		}
		if o.Waiting != nil {
			o.Waiting.IsParked = false // an attempt is being made
		}
		if resumed && o.Waiting != nil && o.Waiting.Attempt <= a.number {
			o.Waiting = nil
		}
		return change(o)
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	if ended {
		a.operation = op
	}
	if err != nil {
		return StoreError(err)
	}
	a.operation, a.steps = op, a.steps[len(steps):]
	if resumed {
		a.resumed = false
	}
	if ended {
		return ErrDone
	}
	return nil
}

// reportPause shows in the operation what was done so far, and what a request that is about to be repeated within this
// attempt has failed with. It must keep nobody from repeating it.
func (a *Attempt) reportPause(ctx context.Context, p policy.Pause) {
	if p.Failure == nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.resumed = true
		return
	}
	if a.task.isFollowUp() {
		return // its operation has ended
	}
	found := p.Failure.Diagnosis(false)
	if a.task.Describe != nil {
		found = a.task.Describe(ctx, a, p.Failure)
	}
	a.writing.Lock()
	defer a.writing.Unlock()
	err := a.writeOperation(ctx, func(o *integration.Operation) error {
		if o.Waiting == nil || o.Waiting.Attempt <= a.number { // else a later attempt is on its way
			o.Waiting = &integration.Waiting{Diagnosis: found, Attempt: a.number, NextAttemptAt: p.Until}
		}
		return nil
	})
	a.engine.warnHidden(ctx, a.command, err)
}
