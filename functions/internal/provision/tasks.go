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
	// isLocal reports, then, that the task asks no cloud; nil where it may.
	isLocal func() bool
	do      func(ctx context.Context) outcome
}

// outcome is what a task came to: what is to be recorded, and whether the tasks after it may begin.
type outcome struct {
	// learn writes into the document what the task has taught; nil for nothing.
	learn func(*integration.Document)
	// hasWritten is true where something was sent to a cloud that may have changed it.
	hasWritten bool
	err        error
}

// journey is how far the tasks of a run have come.
type journey struct {
	tasks       []task
	begun, done map[string]bool
}

// ready are the tasks that can begin: those that ask no cloud alone, where there are some, so that what they come to
// is recorded with what they have waited for. Those that are needless by now are done.
func (j *journey) ready() ([]task, bool) {
	for {
		var ready, local []task
		isPassed := false
		for _, t := range j.tasks {
			switch {
			case j.begun[t.name] || !isReady(t, j.tasks, j.done):
			case t.isNeedless != nil && t.isNeedless():
				j.begun[t.name], j.done[t.name], isPassed = true, true, true
			case t.isLocal != nil && t.isLocal():
				local = append(local, t)
			default:
				ready = append(ready, t)
			}
		}
		switch {
		case isPassed:
		case len(local) > 0:
			return local, true
		default:
			return ready, false
		}
	}
}

// carryOut runs tasks side by side, each as soon as the tasks before it have succeeded. What tasks have written to a
// cloud is recorded before others begin after them; what has ended meanwhile is recorded with it. What takes no write
// is recorded with what is recorded next, and what ends last with the conclusion of the run: nothing is written to a
// cloud in between. A task that fails keeps only those after it from beginning. carryOut returns the error that
// decides; a record that cannot be written ends everything that has not begun.
func (r *run) carryOut(ctx context.Context, tasks []task) error {
	type ended struct {
		name string
		outcome
	}
	results := make(chan ended, len(tasks)) // so that a task ends while a record is written
	j := journey{tasks: tasks, begun: map[string]bool{}, done: map[string]bool{}}
	failed, running, hasWritten := map[string]error{}, 0, false
	var broken error
	take := func(e ended) {
		running--
		r.learn(e.learn)
		j.done[e.name] = e.err == nil
		failed[e.name], hasWritten = e.err, hasWritten || e.hasWritten
	}
	for {
		ready, areLocal := j.ready()
		if running == 0 && (len(ready) == 0 || broken != nil) {
			break
		}
		if hasWritten && (!areLocal || broken != nil) {
			broken, hasWritten = operation.Worst(broken, r.save(ctx, nil)), false
		}
		if broken != nil {
			ready = nil
		}
		for _, t := range ready {
			j.begun[t.name] = true
			running++
			if areLocal {
				take(ended{t.name, t.do(ctx)})
			} else {
				go func() { results <- ended{t.name, t.do(ctx)} }()
			}
		}
		if running == 0 || len(ready) > 0 && areLocal {
			continue
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
