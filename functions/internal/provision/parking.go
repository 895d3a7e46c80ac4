package provision

import (
	"context"
	"errors"
	"fmt"
	"time"

	ddoe "github.com/ddoe-ai/azure-wif/functions/internal/oldddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// maxAttempts is how often a command is parked before its operation fails, verifications aside. With the pauses below that is after half an
// hour and the time that the eleven attempts take; up to 50 minutes where a service asks for longer pauses.
const maxAttempts = 10

// The pauses before parked commands: 10, 20, 40, 80, 160 and then 300 seconds.
const (
	firstParking = 10 * time.Second
	maxParking   = 5 * time.Minute
)

// lastAttempt is the number of a command's last attempt, from 0. A verification counts its looks at a validation.
func lastAttempt(commandType string) int {
	if commandType == message.TypeVerify {
		return lastLook()
	}
	return maxAttempts
}

// park sends a scheduled copy of the command. Its MessageId is derived, so parking twice makes one copy. What it waits for
// is written down first: after a crash in between the command is delivered again, finds that, and parks its copy for the
// same time.
func (s *Service) park(ctx context.Context, cmd message.Command, cause error) error {
	d := describe(cause, false)
	invocation.From(ctx).SetCode(d.Code)
	pause := min(firstParking<<min(cmd.Attempt, 10), maxParking)
	pause = max(pause, min(policy.RetryAfter(cause), maxParking))
	cmd.Attempt++
	id := fmt.Sprintf("%s-retry-%d", cmd.OperationID, cmd.Attempt)
	if cmd.Type == message.TypeAnnounce {
		id = fmt.Sprintf("%s-announce-%d", eventID(cmd.OperationID, cmd.Event), cmd.Attempt)
	}
	at := s.waits(ctx, cmd, d, s.now().Add(pause))
	if err := s.send(ctx, cmd, id, at); err != nil {
		return errors.Join(cause, err)
	}
	s.log().WarnContext(ctx, "parked", "operationId", cmd.OperationID, "integrationId", cmd.IntegrationID, "attempt", cmd.Attempt,
		"pauseMs", at.Sub(s.now()).Milliseconds(), "code", d.Code)
	return nil
}

// waits shows in document and operation what the parked command waits for, and returns when it is to be tried again. A
// store that cannot be written does not keep the command from being parked.
func (s *Service) waits(ctx context.Context, cmd message.Command, d diagnosis.Diagnosis, at time.Time) time.Time {
	if cmd.Type == message.TypeVerify || cmd.Type == message.TypeAnnounce {
		return at // the operation has ended, or is not this command's
	}
	if cmd.Type == message.TypeProvision {
		s.unshown(ctx, cmd, s.documentWaits(ctx, cmd, d))
	}
	_, err := s.Repository.UpdateOperation(ctx, cmd.OperationID, func(o *integration.Operation) error {
		then := at
		switch {
		case o.Status.Final(), o.Kind != kindOf(cmd.Type), o.IntegrationID != cmd.IntegrationID:
			return errDone
		case o.Waiting != nil && o.Waiting.Attempt > cmd.Attempt:
			return errDone // an old command, delivered again: a later copy of it is on its way
		case o.Waiting != nil && o.Waiting.Attempt == cmd.Attempt && o.Waiting.NextAttemptAt.After(s.now()):
			then = o.Waiting.NextAttemptAt // its copy may have been sent already
		}
		o.Waiting = &integration.Waiting{Diagnosis: d, Attempt: cmd.Attempt, NextAttemptAt: then}
		at = then
		return nil
	})
	s.unshown(ctx, cmd, err)
	return at
}

// try sends one request as the table says. What takes longer than a moment shows in the operation.
func (r *run) try(ctx context.Context, operation policy.Operation, c diagnosis.Context, request func(ctx context.Context) error) error {
	return policy.Requests{Sleep: r.sleep, Now: r.now, Log: r.log()}.Do(policy.WithPauses(ctx, r.pauses), operation, c, request)
}

// pauses shows in the operation what was done so far, and what a request that is about to be repeated within this attempt
// has failed with; once it has succeeded, the next flush takes that back. It must keep nobody from repeating it.
func (r *run) pauses(ctx context.Context, p policy.Pause) {
	if p.Failure == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.waited = true
		return
	}
	d, at := r.inWords(ctx, p.Failure), p.Until
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err := r.Repository.UpdateOperation(ctx, r.cmd.OperationID, func(o *integration.Operation) error {
		if o.Status.Final() {
			return errDone // a verification's, or one that has been ended meanwhile
		}
		o.Steps = mergeSteps(o.Steps, r.steps)
		if o.Waiting == nil || o.Waiting.Attempt <= r.cmd.Attempt { // else a later attempt is on its way
			o.Waiting = &integration.Waiting{Diagnosis: d, Attempt: r.cmd.Attempt, NextAttemptAt: at}
		}
		return nil
	})
	if err == nil {
		r.steps = nil
	}
	r.unshown(ctx, r.cmd, err)
}

// inWords is what a request has failed with, so far.
func (r *run) inWords(ctx context.Context, f *policy.Failure) diagnosis.Diagnosis {
	var refused *ddoe.Error
	if errors.As(f.Err, &refused) {
		return r.platformDiagnosis(ctx, f.Operation, r.object(f.Operation, refused), refused)
	}
	return f.Diagnosis(false)
}

// documentWaits shows why a document is still not provisioned. One that was kept as it is says what it said.
func (s *Service) documentWaits(ctx context.Context, cmd message.Command, d diagnosis.Diagnosis) error {
	_, err := s.Repository.Update(ctx, cmd.IntegrationID, func(doc *integration.Document) error {
		begun := doc.Status.Phase == integration.PhasePending || doc.Status.Phase == integration.PhaseProvisioning
		if doc.Status.LastOperationID != cmd.OperationID || !begun || shows(*doc, conditionProvisioned, "Unknown", &d) {
			return errDone
		}
		s.setCondition(doc, conditionProvisioned, "Unknown", &d, "")
		return nil
	})
	return err
}

// unshown logs that it does not show what a command waits for. Where nothing was to be written, or where there is no operation yet,
// that is as it should be.
func (s *Service) unshown(ctx context.Context, cmd message.Command, err error) {
	if err == nil || errors.Is(err, errDone) || errors.Is(err, integration.ErrNotFound) {
		return
	}
	s.log().WarnContext(ctx, "what a command waits for does not show", "operationId", cmd.OperationID, "integrationId", cmd.IntegrationID, "error", err)
}
