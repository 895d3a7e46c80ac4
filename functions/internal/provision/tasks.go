package provision

import (
	"context"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

// task is a part of a run that depends on others.
type task struct {
	name string
	// after names the tasks that must have succeeded before; those that are not part of the run do not count.
	after []string
	// isNeedless reports, when those have succeeded, that there is nothing to do; nil where there always is.
	isNeedless func() bool
	do         func(ctx context.Context) outcome
}

// outcome is what a task came to: what is to be recorded, and whether the tasks after it may begin.
type outcome struct {
	// learn writes into the document what the task has taught; nil for nothing.
	learn func(*integration.Document)
	// hasWritten is true where something was sent to a cloud that may have changed it.
	hasWritten bool
	err        error
}

// progress is how far the tasks of a run have come.
type progress struct {
	tasks       []task
	begun, done map[string]bool
}

// ready are the tasks that can begin. Those that are needless by now are done.
func (j *progress) ready() []task {
	for {
		var ready []task
		isPassed := false
		for _, t := range j.tasks {
			switch {
			case j.begun[t.name] || !isReady(t, j.tasks, j.done):
			case t.isNeedless != nil && t.isNeedless():
				j.begun[t.name], j.done[t.name], isPassed = true, true, true
			default:
				ready = append(ready, t)
			}
		}
		if !isPassed {
			return ready
		}
	}
}

// carryOut runs tasks side by side, each as soon as the tasks before it have succeeded. What a task has written to a
// cloud is recorded at once while others are under way. Where none is, the tasks that begin then record it, before
// they send anything: those that ask no cloud, such as a form for a person, have nothing to record it for, and what
// ends last is recorded with the conclusion of the run. A task that fails keeps only those after it from beginning.
// carryOut returns the error that decides; a record that cannot be written ends everything that has not begun.
func (r *run) carryOut(ctx context.Context, tasks []task) error {
	type ended struct {
		name string
		outcome
	}
	results := make(chan ended, len(tasks)) // so that a task ends while a record is written
	j := progress{tasks: tasks, begun: map[string]bool{}, done: map[string]bool{}}
	failed, running, hasWritten := map[string]error{}, 0, false
	var broken error
	take := func(e ended) {
		running--
		r.learn(e.learn)
		j.done[e.name] = e.err == nil
		failed[e.name], hasWritten = e.err, hasWritten || e.hasWritten
	}
	for {
		ready := j.ready()
		if hasWritten && running > 0 {
			broken = operation.Worst(broken, r.record(ctx, false))
		}
		hasWritten = false
		if broken != nil {
			ready = nil
		}
		for _, t := range ready {
			j.begun[t.name] = true
			running++
			go func() { results <- ended{t.name, t.do(ctx)} }()
		}
		if running == 0 {
			break
		}
		for take(<-results); len(results) > 0; {
			take(<-results)
		}
	}
	errs := []error{broken}
	for _, t := range tasks { // in their order, so that the same faults always have the same root
		errs = append(errs, failed[t.name])
	}
	if operation.Worst(errs...) == nil {
		return nil
	}
	return operation.Worst(append(errs, r.flush(ctx))...)
}

func isReady(t task, tasks []task, done map[string]bool) bool {
	return !slices.ContainsFunc(t.after, func(name string) bool {
		return !done[name] && slices.ContainsFunc(tasks, func(other task) bool { return other.name == name })
	})
}
