// Package health checks integrations on a schedule and keeps their health state: it plans each integration's checks on
// a grid of its own (schedule), asks for those that are due (sweep), looks (look), and judges what was seen
// (judge). A change of state is told exactly once. It promises that a check is neither lost nor made twice, whatever
// crashes or runs at the same time; it never turns what is unknown into unhealthy, and it changes nothing that it
// looks at.
package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Options are what the use cases need. All but those marked optional are required.
type Options struct {
	Repository *integration.Repository
	// Look makes one check of a document and reports what it found.
	Look func(ctx context.Context, d integration.Document) assessment.Report
	// IsProof reports whether a test of access showed every right that the spec asks for, and nothing wrong.
	IsProof func(spec integration.Spec, r assessment.Report) bool
	// Kinds are what an integration consists of: one of them may have a proof of its own.
	Kinds []resource.Kind
	// Schedule is the index of the checks that are due.
	Schedule Schedule
	// Engine tells of changes.
	Engine *operation.Engine
	// Send puts a message on a queue.
	Send func(ctx context.Context, entity string, m bus.Message) error
	// Now is the clock; time.Now where nil.
	Now func() time.Time
	// Source is the CloudEvents source of this deployment.
	Source string
	// Log gets what an operator may want to see beside the invocation's line. Optional.
	Log *slog.Logger
}

// Service holds the use cases. Make one with New.
type Service struct{ Options }

// New returns the use cases. The error names what is missing.
func New(o Options) (*Service, error) {
	isMissing := map[string]bool{
		"Repository": o.Repository == nil, "Look": o.Look == nil, "Engine": o.Engine == nil, "Send": o.Send == nil,
		"Source": o.Source == "", "Proves": o.IsProof == nil, "Kinds": len(o.Kinds) == 0,
		"Schedule": o.Schedule.Repository == nil || o.Schedule.Now == nil,
	}
	for _, name := range slices.Sorted(maps.Keys(isMissing)) {
		if isMissing[name] {
			return nil, fmt.Errorf("health: %s is required", name)
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{Options: o}, nil
}

func (s *Service) now() time.Time { return s.Now().UTC() }

// Status returns what is known of the health of an integration.
func (s *Service) Status(ctx context.Context, d integration.Document) (integration.HealthStatus, error) {
	record, err := s.recordOf(ctx, d)
	if err != nil {
		return integration.HealthStatus{}, operation.StoreError(err)
	}
	status := record.HealthStatus
	p, wanted := planOf(d)
	switch why := integration.Unwatched(d); {
	case why != nil:
		status.Paused = &why.Diagnosis
	case !wanted && !isAgainDue(record):
		off := diagnosis.New(diagnosis.CodeHealthChecksOff, diagnosis.WithContext(d.Words()))
		status.Paused = &off
	default:
		due := p.next(s.now())
		if isAgainDue(record) && (!wanted || record.Again.Before(due)) {
			due = *record.Again
		}
		status.NextDue = &due
	}
	return status, nil
}

// isAgainDue reports whether another look is to come beside those of the schedule.
func isAgainDue(record integration.HealthRecord) bool {
	return record.Again != nil && record.Again.After(record.LastSlot)
}

// Plan plans the checks of an integration; see Schedule.
func (s *Service) Plan(ctx context.Context, d integration.Document) error {
	return s.Schedule.Plan(ctx, d)
}

// recordOf reads what is kept of the document's health. Where that cannot be read, health begins anew: the next check
// that is made finds out again, and keeps the record that it replaces.
func (s *Service) recordOf(ctx context.Context, d integration.Document) (integration.HealthRecord, error) {
	record, err := s.Repository.GetHealth(ctx, d.ID)
	if errors.Is(err, integration.ErrUnreadable) {
		s.passOver(ctx, d.ID, err)
		err = nil
	}
	return current(record, d), err
}

// passOver names a record that cannot be worked with, which must keep nobody from going on.
func (s *Service) passOver(ctx context.Context, id string, err error) {
	s.Log.ErrorContext(ctx, "record passed over", "integrationId", id, "error", err)
}

// current is the record of the integration as it is now. After a teardown health begins anew, but for what it has not
// told yet. After a change what was known is history.
func current(record integration.HealthRecord, d integration.Document) integration.HealthRecord {
	switch {
	case record.ETag == "" || record.FirstOperationID != d.FirstOperationID:
		record = integration.HealthRecord{
			IntegrationID: d.ID, FirstOperationID: d.FirstOperationID, Outbox: record.Outbox, ETag: record.ETag,
			HealthStatus: integration.HealthStatus{State: integration.HealthUnknown, Since: d.CreatedAt},
		}
	case record.IsAbout(d):
		return record
	default:
		takeBack(&record, d)
	}
	record.ObservedGeneration, record.ChangedBy = d.Generation, d.Status.ChangedBy
	return record
}

// takeBack has the record know nothing of the document as it is. The operation that has changed it tells of the
// change:
// health has no news of its own then.
func takeBack(record *integration.HealthRecord, d integration.Document) {
	record.ClaimLevel, record.Suspicion, record.Again, record.Tries = "", nil, nil, 0
	taken := d.Status.Health
	if len(record.History) == 0 || taken == nil || taken.Code != diagnosis.CodeHealthOutdated {
		record.State, record.Causes = integration.HealthUnknown, diagnosis.Causes{}
		return
	}
	record.History = slices.Insert(record.History, 0, integration.HealthChange{At: taken.Since, From: record.State,
		To: taken.State, Code: taken.Code})
	record.History = record.History[:min(len(record.History), maxHistory)]
	record.State, record.Since, record.Causes = taken.State, taken.Since, diagnosis.Causes{Diagnosis: taken.Diagnosis}
}

// put sends one message.
func (s *Service) put(ctx context.Context, entity string, m bus.Message) error {
	if err := s.Send(ctx, entity, m); err != nil {
		return fmt.Errorf("send %s: %w", m.Subject,
			operation.QueueError(err))
	}
	return nil
}
