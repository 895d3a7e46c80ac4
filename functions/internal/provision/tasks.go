package provision

import (
	"context"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

// task is a part of a run that depends on others.
type task struct {
	name string
	// after names the tasks that must have succeeded before; those that are not part of the run do not count.
	after []string
	do    func(ctx context.Context) outcome
}

// outcome is what a task came to: what is to be recorded, and whether the tasks after it may begin.
type outcome struct {
	record func(ctx context.Context) error
	err    error
}

// carryOut runs tasks side by side, each as soon as the tasks before it have succeeded. What a task came to is
// recorded before others begin after it, one at a time. A task that fails keeps only those after it from beginning.
// carryOut returns the error that decides; a record that cannot be written ends everything that has not begun.
func carryOut(ctx context.Context, tasks []task) error {
	type ended struct {
		name string
		outcome
	}
	results := make(chan ended)
	var errs []error
	done, begun := map[string]bool{}, map[string]bool{}
	running, broken := 0, false
	begin := func() {
		for _, t := range tasks {
			if broken || begun[t.name] || !isReady(t, tasks, done) {
				continue
			}
			begun[t.name] = true
			running++
			go func() { results <- ended{t.name, t.do(ctx)} }()
		}
	}
	for begin(); running > 0; begin() {
		e := <-results
		running--
		err := e.record(ctx)
		broken = broken || err != nil
		done[e.name] = e.err == nil && err == nil
		errs = append(errs, e.err, err)
	}
	return operation.Worst(errs...)
}

func isReady(t task, tasks []task, done map[string]bool) bool {
	return !slices.ContainsFunc(t.after, func(name string) bool {
		return !done[name] && slices.ContainsFunc(tasks, func(other task) bool { return other.name == name })
	})
}
