package provision

import (
	"context"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// replace takes down what is recorded of a kind, with what it outlives, where the spec asks for another one: the
// record tells what is pending, so it can be resumed at any point. It is removed for good, as what could be restored
// would hold the name that another change of the kind needs.
func (r *run) replace(ctx context.Context) error {
	for _, kind := range resource.Replaced(r.Kinds, r.current()) {
		down := r.newRun(r.attempt)
		down.ending, down.purge = true, true
		if err := down.remove(ctx, down.unseen(resource.With(r.Kinds, kind))); err != nil {
			return err
		}
		if err := down.save(ctx, func(d *integration.Document) { kind.Forget(&d.Status) }); err != nil {
			return err
		}
	}
	return nil
}

// planReplacement are the steps that take down what is recorded of a kind.
func (s *Service) planReplacement(ctx context.Context, d integration.Document,
	replaced resource.Replaceable) []PlannedStep {
	var steps []PlannedStep
	isTold := false
	seen := resource.Observe(ctx, resource.With(s.Kinds, replaced),
		resource.View{Document: d, Ending: true, Purge: true})
	isReplaced := func(o resource.Observed) bool { return o.Kind.Name() == replaced.Name() }
	isForeign := slices.ContainsFunc(seen, func(o resource.Observed) bool {
		return isReplaced(o) && len(resource.InState(o.Items, resource.Extra)) > 0
	})
	for _, o := range seen {
		for _, item := range o.Items {
			step, ok := planned(item)
			if !ok || isForeign && slices.Contains(replaced.Carries(), o.Kind.Name()) { // ours have gone with ours
				continue
			}
			if isReplaced(o) && !isTold {
				notice := replaced.Notice(d)
				step.Diagnosis, isTold = &notice, true
			}
			steps = append(steps, step)
		}
	}
	return steps
}
