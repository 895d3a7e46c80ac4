package operation

import (
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// mergeSteps keeps one step for each name and target: the one that made, changed or removed the object where there is
// one, as its request id is the one worth asking about and its time that of the change, else the newest. They are in
// the order in which they came.
func mergeSteps(old, more []integration.Step) []integration.Step {
	merged := slices.Clone(old)
	for _, step := range more {
		i := slices.IndexFunc(merged, func(s integration.Step) bool {
			return s.Name == step.Name && s.Target == step.Target
		})
		switch {
		case i < 0:
			merged = append(merged, step)
		case !hasTold(merged[i]):
			merged = append(slices.Delete(merged, i, i+1), step)
		}
	}
	return merged
}

// hasTold reports whether a step tells what became of its object, so that a later look at it tells less.
func hasTold(s integration.Step) bool {
	return s.Status == "done" && slices.Contains([]string{"created", "updated", "deleted", "restored", "adopted"},
		s.Outcome)
}
