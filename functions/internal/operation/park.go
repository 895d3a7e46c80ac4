package operation

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// maxAttempts is how often a command is parked before its operation fails. With the pauses below that is after half
// an hour and the time that the eleven attempts take; up to 50 minutes where a service asks for longer pauses.
const maxAttempts = 10

// The pauses before parked commands: 10, 20, 40, 80, 160 and then 300 seconds.
const (
	FirstParking = 10 * time.Second
	maxParking   = 5 * time.Minute
)

// lastAttempt is the number of the command's last attempt, from 0.
func (a *Attempt) lastAttempt() int {
	if a.task.isFollowUp() {
		return a.task.LastAttempt
	}
	return maxAttempts
}

// park sends a scheduled copy of the command. Its MessageId is derived, so parking twice makes one copy. What it
// waits for is written down first: after a crash in between the command is delivered again, finds that, and parks its
// copy for the same time.
func (w *Worker) park(ctx context.Context, a *Attempt, cause error) error {
	e, c := w.engine, a.command
	d := Describe(cause, false)
	invocation.From(ctx).SetCode(d.Code)
	pause := min(FirstParking<<min(a.number, 10), maxParking)
	pause = max(pause, min(policy.RetryAfter(cause), maxParking))
	c.Attempt = min(c.Attempt+1, message.MaxAttempt)
	at := e.now().Add(pause)
	id := a.CopyID("retry", c.Attempt)
	if a.task.isFollowUp() {
		id = a.CopyID(wordOf(c.Type)+"-retry", c.Attempt)
	} else {
		at = w.showWaiting(ctx, a, c, d, at)
	}
	if err := e.Send(ctx, c, id, at); err != nil {
		return errors.Join(cause, err)
	}
	e.log.WarnContext(ctx, "parked", "operationId", c.OperationID, "integrationId", c.IntegrationID,
		"attempt", c.Attempt,
		"pauseMs", at.Sub(e.now()).Milliseconds(), "code", d.Code)
	return a.tellAll(ctx)
}

// showWaiting shows in document and operation what the parked command waits for, and returns when it is to be tried
// again. A store that cannot be written does not keep the command from being parked.
func (w *Worker) showWaiting(ctx context.Context, a *Attempt, next message.Command, d diagnosis.Diagnosis,
	at time.Time) time.Time {
	a.writing.Lock()
	defer a.writing.Unlock()
	d = cancelable(d, next.OperationID)
	errs := make([]error, 2)
	var group errgroup.Group
	group.Go(func() error {
		errs[0] = a.documentWaits(ctx, d)
		return nil
	})
	group.Go(func() error {
		errs[1] = a.operationWaits(ctx, next, d, &at)
		return nil
	})
	_ = group.Wait() // the functions return nil; their errors are in errs
	w.engine.warnHidden(ctx, next, errors.Join(errs...))
	return at
}

// cancelable tells beside what is waited for that nobody has to wait: an operation can be canceled while it is parked.
func cancelable(d diagnosis.Diagnosis, operationID string) diagnosis.Diagnosis {
	if d.Remedy == nil {
		return d
	}
	remedy := *d.Remedy
	remedy.Steps = append(slices.Clone(remedy.Steps),
		"Or end the operation while it waits: POST /api/operations/"+operationID+"/cancel.")
	d.Remedy = &remedy
	return d
}

// operationWaits shows in the operation what it waits for. at becomes the time for which a copy may have been sent
// already.
func (a *Attempt) operationWaits(ctx context.Context, next message.Command, d diagnosis.Diagnosis,
	at *time.Time) error {
	now, planned, failed := a.engine.now(), *at, a.number+1
	return a.writeOperation(ctx, func(o *integration.Operation) error {
		*at = planned
		switch {
		case o.Kind != a.task.Kind, o.IntegrationID != next.IntegrationID:
			return ErrDone
		case o.Waiting != nil && o.Waiting.Attempt > failed:
			return ErrDone // an old command, delivered again: a later copy of it is on its way
		case o.Waiting != nil && o.Waiting.Attempt == failed && o.Waiting.NextAttemptAt.After(now):
			*at = o.Waiting.NextAttemptAt // its copy may have been sent already
		}
		o.Waiting = &integration.Waiting{Diagnosis: d, Attempt: failed, NextAttemptAt: *at,
			IsParked: true}
		o.Attempts = max(o.Attempts, failed)
		return nil
	})
}

// documentWaits shows why a document is still not provisioned. One that was kept as it is tells what it said.
func (a *Attempt) documentWaits(ctx context.Context, d diagnosis.Diagnosis) error {
	if a.task.Kind != integration.KindProvision {
		return nil
	}
	return a.writeDocument(ctx, func(doc *integration.Document) error {
		begun := doc.Status.Phase == integration.PhasePending || doc.Status.Phase == integration.PhaseProvisioning
		if a.isSuperseded(*doc) || !begun || doc.HasCondition(integration.ConditionProvisioned, "Unknown", &d) {
			return ErrDone
		}
		doc.SetCondition(a.engine.now(), integration.ConditionProvisioned, "Unknown", &d, "")
		return nil
	})
}

// warnHidden logs that it does not show what a command waits for. Where nothing was to be written, or where there is
// no operation yet, that is as it should be.
func (e *Engine) warnHidden(ctx context.Context, c message.Command, err error) {
	if err == nil || errors.Is(err, ErrDone) || errors.Is(err, integration.ErrNotFound) {
		return
	}
	e.log.WarnContext(ctx, "what a command waits for does not show", "operationId", c.OperationID,
		"integrationId", c.IntegrationID, "error", err)
}

// wordOf is the word in the type of a command or an event that tells what it is about.
func wordOf(cloudEventsType string) string {
	words := strings.Split(cloudEventsType, ".")
	return words[max(0, len(words)-2)]
}
