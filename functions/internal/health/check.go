package health

import (
	"context"
	"errors"
	"hash/fnv"
	"slices"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

// farthestSlot is how far in the future a slot may lie: a sweep asks at most for those until the next one, and as much
// again is left to clocks that differ. A later one, from whoever it comes, would keep all slots before it from being
// looked at.
const farthestSlot = 2 * SweepInterval

// errLate ends a check whose slot has been dealt with.
var errLate = errors.New("slot dealt with")

// Check looks at one integration and keeps what it found. A nil error means that the message is done with; a message
// that comes late or again, or for an integration that is not to be checked, is done with at once. An error means
// that store or queue failed, and that the message should be delivered again: it then goes on where it was. A message
// without a slot comes of no schedule: somebody wants to know now, also where the scheduled checks are switched off.
func (s *Service) Check(ctx context.Context, check message.HealthCheck) error {
	invocation.From(ctx).SetIntegration(check.IntegrationID)
	d, err := s.Repository.Get(ctx, check.IntegrationID)
	if errors.Is(err, integration.ErrNotFound) {
		return nil
	}
	var record integration.HealthRecord
	if err == nil {
		record, err = s.recordOf(ctx, d)
	}
	if integration.IsRefused(err) {
		return s.giveUp(ctx, check, err)
	}
	if err != nil {
		return operation.StoreError(err)
	}
	now := s.now()
	asked := check.Slot.IsZero() || check.Confirm // a second look belongs to its first
	if check.Slot.IsZero() || check.Slot.After(now.Add(farthestSlot)) {
		check.Slot = now
	}
	p, wanted := planOf(d)
	if !d.IsMade() {
		s.Log.InfoContext(ctx, "health not checked: it is not in place", "integrationId", d.ID, "phase",
			d.Status.Phase)
	}
	if !wanted && !asked || !d.IsMade() || isLate(record, check) {
		return s.follow(ctx, record, check)
	}
	r := run{slot: check.Slot, confirm: check.Confirm, plan: p, report: s.Look(ctx, d, isProved(d, record))}
	if ctx.Err() != nil {
		return ctx.Err() // what was broken off tells nothing
	}
	r.at = s.now()
	return s.keepRun(ctx, d, check, r)
}

// giveUp ends a check of an integration whose record cannot be worked with: to look again needs people first, and the
// sweep asks again.
func (s *Service) giveUp(ctx context.Context, check message.HealthCheck, err error) error {
	s.passOver(ctx, check.IntegrationID, err)
	var known *diagnosis.Error
	if errors.As(err, &known) {
		invocation.From(ctx).SetCode(known.Diagnosis.Code)
	}
	return nil
}

// isLate reports whether the message asks for a look that was made, or for a second look that is not wanted any more.
func isLate(record integration.HealthRecord, check message.HealthCheck) bool {
	if check.Confirm {
		return record.Suspicion == nil || !record.Suspicion.Slot.Equal(check.Slot)
	}
	return !check.Slot.After(record.LastSlot)
}

// isProved reports whether access has worked since the integration was made or changed.
func isProved(d integration.Document, record integration.HealthRecord) bool {
	if d.Status.Phase == integration.PhaseUsable {
		return true
	}
	made := slices.IndexFunc(d.Status.Conditions, func(c integration.Condition) bool {
		return c.Type == "Provisioned" &&
			c.Status == "True"
	})
	return made >= 0 && record.LastPass != nil && record.LastPass.After(d.Status.Conditions[made].LastTransitionTime)
}

// keepRun saves the run, tells of the change that it makes, and asks for the second look that it needs. A look that a
// change of the integration has overtaken is thrown away.
func (s *Service) keepRun(ctx context.Context, d integration.Document, check message.HealthCheck, r run) error {
	latest, err := s.Repository.Get(ctx, d.ID)
	if integration.IsRefused(err) {
		return s.giveUp(ctx, check, err)
	}
	if err != nil {
		return operation.StoreError(err)
	}
	if !latest.IsMade() || latest.Status.LastOperationID != d.Status.LastOperationID {
		return nil
	}
	record, err := s.Repository.UpdateHealth(ctx, d.ID, func(stored *integration.HealthRecord) error {
		*stored = current(*stored, d)
		if isLate(*stored, check) {
			return errLate
		}
		apply(stored, r)
		return nil
	})
	if errors.Is(err, errLate) {
		return nil
	}
	if err != nil {
		return operation.StoreError(err)
	}
	if j := judge(r.report); j.Diagnosis != nil {
		invocation.From(ctx).SetCode(j.Diagnosis.Code)
	}
	return s.follow(ctx, record, check)
}

// follow does what a record still asks for, after a check or after a message that has nothing to check: the second
// look, and the news, in the document first and then on the topic.
func (s *Service) follow(ctx context.Context, record integration.HealthRecord, check message.HealthCheck) error {
	if err := s.confirmAgain(ctx, record, check); err != nil {
		return err
	}
	if len(record.Outbox) == 0 {
		return nil
	}
	d, err := s.showChange(ctx, record)
	if err != nil {
		return err
	}
	_, err = s.Engine.TellHealth(ctx, d, record)
	return err
}

// confirmAgain asks for the second look at what the message's own check suspects; a repeated message repeats that, as
// a crash may have come in between.
func (s *Service) confirmAgain(ctx context.Context, record integration.HealthRecord, check message.HealthCheck) error {
	if check.Confirm || record.Suspicion == nil || !record.Suspicion.Slot.Equal(check.Slot) {
		return nil
	}
	at := s.now().Add(confirmPause(check.IntegrationID))
	return s.ask(ctx, message.HealthCheck{IntegrationID: check.IntegrationID, Slot: check.Slot, Confirm: true}, at)
}

// confirmPause is the pause before a second look, 60 to 90 seconds: what fails together is not looked at together.
func confirmPause(id string) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // a hash never fails
	return time.Minute + time.Duration(h.Sum32()%31)*time.Second
}

// showChange brings the last change into the integration's status, unless a later one is there, and returns the
// document.
func (s *Service) showChange(ctx context.Context, record integration.HealthRecord) (integration.Document, error) {
	d, err := s.Repository.Update(ctx, record.IntegrationID, func(d *integration.Document) error {
		if len(record.History) == 0 || d.FirstOperationID != record.FirstOperationID ||
			d.Status.Phase == integration.PhaseDeleted {
			return errLate
		}
		last := record.History[0]
		if known := d.Status.Health; known != nil && !known.Since.Before(last.At) {
			return errLate
		}
		d.Status.Health = &integration.Health{State: last.To, Since: last.At, Code: last.Code}
		return nil
	})
	if errors.Is(err, errLate) {
		return d, nil
	}
	return d, operation.StoreError(err)
}
