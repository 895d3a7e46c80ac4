package provision

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Drift compares what the services really hold with what the spec comes to, in one hop of reads, and changes nothing.
// What is missing or changed is mended by submitting the same spec again; what somebody added, or set beside ours, is
// only reported. While the last operation runs nothing is judged: what differs may be what it has not come to. Errors
// are *diagnosis.Error: there is no such integration, it is torn down, or nothing has been made yet.
func (s *Service) Drift(ctx context.Context, id string) (assessment.Report, error) {
	invocation.From(ctx).SetIntegration(id)
	d, err := s.Repository.Get(ctx, id)
	switch {
	case errors.Is(err, integration.ErrNotFound):
		return assessment.Report{}, integration.Absent(nil)
	case err != nil:
		return assessment.Report{}, operation.StoreError(err)
	case d.Status.Phase == integration.PhaseDeleted:
		return assessment.Report{}, integration.Absent(&d)
	case !d.Status.IsBegun():
		return assessment.Report{}, integration.Unprovisioned(d)
	}
	started := s.now()
	last, err := s.lastOperation(ctx, d)
	if err != nil {
		return assessment.Report{}, err
	}
	items := resource.Items(resource.Observe(ctx, s.Kinds, resource.View{Document: d, Told: true}))
	if ctx.Err() != nil {
		return assessment.Report{}, ctx.Err()
	}
	checks := resource.Checks(items, d.HasPropagated(started))
	if last != nil && !last.Status.IsFinal() {
		whileRunning(*last, checks)
	}
	report := assessment.Report{ID: uuid.NewString(), Kind: "drift", ClaimLevel: assessment.ClaimStructure,
		StartedAt: started, DurationMS: s.now().Sub(started).Milliseconds(), Checks: resource.Blamed(d, checks),
		Leftovers: []assessment.Leftover{}}
	if s.Tester != nil {
		report.TestedFrom = &s.Tester.Origin
	}
	report = report.Concluded()
	if err := s.Watch.AskIfOtherwise(ctx, d, report); err != nil {
		s.Log.WarnContext(ctx, "health is not asked to look", "integrationId", id, "error", operation.Words(err))
	}
	return report, nil
}
