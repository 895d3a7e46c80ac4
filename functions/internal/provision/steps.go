package provision

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// did notes a step. The request id of a failed one is that of the answer.
func (r *run) did(name, target, outcome, requestID string, began time.Time, err error) {
	step := integration.Step{Name: name, Target: target, Status: "done", Outcome: outcome, RequestID: requestID,
		At: began, DurationMS: r.now().Sub(began).Milliseconds()}
	if err != nil {
		step.Status, step.Outcome, step.Code = "failed", "", describe(err, false).Code
		var answer interface{ ServiceRequestID() string }
		if errors.As(err, &answer) {
			step.RequestID = answer.ServiceRequestID()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, step)
	r.wrote = r.wrote || telling(step)
}

// telling reports whether a step is known to have changed what access depends on.
func telling(step integration.Step) bool {
	return slices.Contains([]string{"created", "updated", "deleted", "restored"}, step.Outcome)
}

// flush saves the steps noted so far, and that what was waited for has come.
func (r *run) flush(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.steps) == 0 && !r.waited {
		return nil
	}
	_, err := r.Repository.UpdateOperation(ctx, r.cmd.OperationID, func(o *integration.Operation) error {
		o.Steps = mergeSteps(o.Steps, r.steps)
		if r.waited && o.Waiting != nil && o.Waiting.Attempt <= r.cmd.Attempt {
			o.Waiting = nil
		}
		return nil
	})
	if err != nil {
		return stored(err)
	}
	r.steps, r.waited = nil, false
	return nil
}

// mergeSteps keeps one step for each name and target: the one that made, changed or removed the object where there is one,
// as its request id is the one worth asking about and its time that of the change, else the newest. They are in the order
// in which they came.
func mergeSteps(old, more []integration.Step) []integration.Step {
	merged := slices.Clone(old)
	for _, step := range more {
		i := slices.IndexFunc(merged, func(s integration.Step) bool { return s.Name == step.Name && s.Target == step.Target })
		switch {
		case i < 0:
			merged = append(merged, step)
		case merged[i].Status != "done" || !slices.Contains([]string{"created", "updated", "deleted", "restored", "adopted"}, merged[i].Outcome):
			merged = append(slices.Delete(merged, i, i+1), step)
		}
	}
	return merged
}
