package health

import (
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
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
	asked := check.Slot.IsZero()
	if now := s.now(); check.Slot.After(now.Add(farthestSlot)) {
		check.Slot = now
	}
	_, wanted := planOf(d)
	isAgain := record.Again != nil && record.Again.Equal(check.Slot)
	wanted = wanted || asked || isAgain || check.Confirm // a second look belongs to its first
	if why := integration.Unwatched(d); why != nil {
		s.Log.InfoContext(ctx, "health not checked", "integrationId", d.ID, "phase", d.Status.Phase, "code",
			why.Diagnosis.Code)
		wanted = false
	}
	if !wanted || isLate(record, check) {
		return s.follow(ctx, d, record, check)
	}
	return s.lookAt(ctx, d, check, false)
}

// CheckNow looks at an integration because somebody asks for it, and returns what is known of its health then. Errors
// are *diagnosis.Error: there is no such integration, or it cannot be looked at.
func (s *Service) CheckNow(ctx context.Context, id string) (integration.HealthStatus, error) {
	invocation.From(ctx).SetIntegration(id)
	var none integration.HealthStatus
	d, err := s.Repository.Get(ctx, id)
	switch {
	case errors.Is(err, integration.ErrNotFound):
		return none, integration.Absent(nil)
	case err != nil:
		return none, operation.StoreError(err)
	}
	if why := integration.Unwatched(d); why != nil {
		return none, why
	}
	err = s.lookAt(ctx, d, message.HealthCheck{IntegrationID: id}, true)
	if err != nil {
		return none, err
	}
	return s.Status(ctx, d)
}

// lookAt makes the look of a check, and keeps what it finds. One that comes of no schedule has no slot, and is none
// that others have dealt with, whatever their slots are. isAsked: somebody waits for the answer.
func (s *Service) lookAt(ctx context.Context, d integration.Document, check message.HealthCheck, isAsked bool) error {
	isUnplanned, slot := check.Slot.IsZero(), check.Slot
	if isUnplanned {
		slot = s.now()
	}
	report := s.Look(ctx, d)
	if ctx.Err() != nil {
		return ctx.Err() // what was broken off tells nothing
	}
	r := lookOf(d, s.now(), report)
	r.slot, r.confirm, r.isDecided, r.isAsked = slot, check.Confirm, isUnplanned || check.Confirm, isAsked
	return s.keepLook(ctx, d, check, r, nil)
}

// lookOf is a look at a document that was made just now.
func lookOf(d integration.Document, now time.Time, report assessment.Report) look {
	p, wanted := planOf(d)
	return look{slot: now, at: now, plan: p, isWatched: wanted, isAwaited: integration.IsAwaited(d, now),
		propagatedAt: integration.PropagatedAt(d), revokedAt: integration.RevokedAt(d), report: report}
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
// Whoever asks without a slot is never late.
func isLate(record integration.HealthRecord, check message.HealthCheck) bool {
	switch {
	case check.Confirm:
		return record.Suspicion == nil || !record.Suspicion.Slot.Equal(check.Slot)
	case check.Slot.IsZero():
		return false
	default:
		return !check.Slot.After(record.LastSlot)
	}
}

// keepLook saves the look, in the document and in the record of its health, tells of the change that it makes, and
// asks for the next look that it needs. A look that a change of the integration has overtaken is thrown away. The
// document comes first: a message that is delivered again then looks again.
func (s *Service) keepLook(ctx context.Context, d integration.Document, check message.HealthCheck, r look,
	refuted *diagnosis.Diagnosis) error {
	latest, err := s.Repository.Get(ctx, d.ID)
	if integration.IsRefused(err) {
		return s.giveUp(ctx, check, err)
	}
	if err != nil {
		return operation.StoreError(err)
	}
	if integration.Unwatched(latest) != nil || latest.Status.LastOperationID != d.Status.LastOperationID ||
		latest.Status.ChangedBy != d.Status.ChangedBy {
		return nil
	}
	if err := s.recordAccess(ctx, d, TestResult{Report: r.report, Refuted: refuted}); err != nil {
		return err
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
	return s.follow(ctx, latest, record, check)
}

// follow does what a record still asks for, after a check or after a message that has nothing to check: the next look,
// and the news, in the document first and then on the topic.
func (s *Service) follow(ctx context.Context, d integration.Document, record integration.HealthRecord,
	check message.HealthCheck) error {
	if err := s.lookAgain(ctx, record, check); err != nil {
		return err
	}
	if len(record.Outbox) == 0 && isCurrent(d, record) {
		return nil
	}
	d, err := s.showChange(ctx, record)
	if err != nil || len(record.Outbox) == 0 {
		return err
	}
	_, err = s.Engine.TellHealth(ctx, d, record)
	return err
}

// lookAgain asks for the next look that a record asks for: the second one at what the message's own check suspects, or
// one at what is not well. A repeated message repeats that, as a crash may have come in between.
func (s *Service) lookAgain(ctx context.Context, record integration.HealthRecord, check message.HealthCheck) error {
	if isAgainDue(record) {
		return s.ask(ctx, message.HealthCheck{IntegrationID: check.IntegrationID, Slot: *record.Again}, *record.Again)
	}
	return s.confirmAgain(ctx, record, check)
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

// healthOf is what the document's status shows of a record; nil while nothing has changed yet.
func healthOf(record integration.HealthRecord) *integration.Health {
	if len(record.History) == 0 {
		return nil
	}
	return &integration.Health{State: record.State, Since: record.Since, Code: record.History[0].Code,
		Diagnosis: record.Diagnosis}
}

// isCurrent reports whether the document shows what the record knows, or a later state.
func isCurrent(d integration.Document, record integration.HealthRecord) bool {
	want, known := healthOf(record), d.Status.Health
	return want == nil || known != nil && (isSame(*known, *want) || known.Since.After(want.Since))
}

// isSame reports whether two tell people the same. The evidence does not count: it names the requests of one check,
// and the next one has others. Neither does how a member that is empty is held: one of the two comes from the store.
func isSame(a, b integration.Health) bool {
	if a.State != b.State || !a.Since.Equal(b.Since) || a.Code != b.Code {
		return false
	}
	return told(a.Diagnosis) == told(b.Diagnosis)
}

// told is the diagnosis as text, without its evidence; empty where there is none.
func told(d *diagnosis.Diagnosis) string {
	if d == nil {
		return ""
	}
	plain := *d
	plain.Evidence = nil
	text, _ := json.Marshal(plain) // strings, numbers and lists: it cannot fail
	return string(text)
}

// showChange brings the last change into the integration's status, unless a later one is there, and returns the
// document.
func (s *Service) showChange(ctx context.Context, record integration.HealthRecord) (integration.Document, error) {
	d, err := s.Repository.Update(ctx, record.IntegrationID, func(d *integration.Document) error {
		if isCurrent(*d, record) || d.FirstOperationID != record.FirstOperationID || !record.IsAbout(*d) ||
			d.Status.Phase == integration.PhaseDeleted {
			return errLate
		}
		d.Status.Health = healthOf(record)
		return nil
	})
	if errors.Is(err, errLate) {
		return d, nil
	}
	return d, operation.StoreError(err)
}
