package provision

import (
	"context"
	"errors"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// The names of tasks: what is done to a kind.
func observing(kind string) string     { return "observe " + kind }
func applying(kind string) string      { return "apply " + kind }
func removing(kind string) string      { return "remove " + kind }
func removingAgain(kind string) string { return "remove again " + kind }

// starting is the name of the task that ends when everything was looked at and nothing is in the way of making.
const starting = "start"

// converge brings an integration to its spec. Each kind is looked at by itself, and what is wanted no more of it is
// removed then: revoking waits for no other kind. Making begins with nothing in the way, so when all kinds were looked
// at; each kind is applied when the kinds that it needs are in place.
func (r *run) converge(ctx context.Context, seen []resource.Observed) error {
	tasks, start := r.looks(seen), task{name: starting}
	for i := range seen {
		o, kind := &seen[i], seen[i].Kind.Name()
		after := []string{starting, removing(kind)}
		for _, needed := range o.Kind.Needs() {
			after = append(after, applying(needed))
		}
		tasks = append(tasks, r.removal(o), task{name: applying(kind), after: after,
			do: func(ctx context.Context) outcome { return r.apply(ctx, *o) }})
		start.after = append(start.after, observing(kind))
	}
	start.do = func(ctx context.Context) outcome {
		err := r.start(ctx, seen)
		if foreign := resource.InState(resource.Items(seen), resource.Foreign); err == nil && len(foreign) > 0 {
			err = refusal(foreign[0])
		}
		return outcome{err: err}
	}
	return r.carryOut(ctx, append(tasks, start))
}

// remove takes down everything that is seen of an integration, each kind when it was looked at and what it outlives is
// gone.
func (r *run) remove(ctx context.Context, seen []resource.Observed) error {
	tasks := r.looks(seen)
	if r.veto != nil {
		tasks = append(tasks, r.veto.task())
	}
	for i := range seen {
		tasks = append(tasks, r.removal(&seen[i]), r.secondRemoval(&seen[i]))
	}
	return r.carryOut(ctx, tasks)
}

// removal is the task of removing what is wanted no more of a kind.
func (r *run) removal(o *resource.Observed) task {
	t := task{name: removing(o.Kind.Name()), after: []string{observing(o.Kind.Name()), hearing}}
	for _, outlived := range o.Kind.Outlives() {
		t.after = append(t.after, removing(outlived), removingAgain(outlived))
	}
	t.do = func(ctx context.Context) outcome { return r.takeAway(ctx, *o) }
	return t
}

// secondRemoval is the task of looking again, in a teardown, at a kind of which something that it needs has turned out
// to be another object than was recorded: under that one there may be more.
func (r *run) secondRemoval(o *resource.Observed) task {
	t := task{name: removingAgain(o.Kind.Name()), after: []string{removing(o.Kind.Name())}}
	for _, needed := range o.Kind.Needs() {
		t.after = append(t.after, observing(needed))
	}
	t.isNeedless = func() bool { return !slices.ContainsFunc(o.Kind.Needs(), r.hasTaught) }
	t.do = func(ctx context.Context) outcome {
		if err := r.record(ctx, true); err != nil {
			return outcome{err: err}
		}
		o.Items = o.Kind.Observe(ctx, r.view())
		return r.takeAway(ctx, *o)
	}
	return t
}

// takeAway removes what is wanted no more of a kind.
func (r *run) takeAway(ctx context.Context, o resource.Observed) outcome {
	var results []resource.Result
	if unwanted := resource.InState(o.Items, resource.Unwanted); len(unwanted) > 0 {
		if err := r.record(ctx, true); err != nil {
			return outcome{err: err}
		}
		results = o.Kind.Remove(ctx, r.view(), unwanted)
	}
	if !r.ending { // what else was seen is for apply
		return r.concluded(o, nil, results)
	}
	r.noteTakenDown(o.Kind.Name(), o.Items, results)
	return r.concluded(o, o.Items, results)
}

// apply writes what differs. Where a needed kind turned out to be another object than it was seen with, this one is
// looked at again first.
func (r *run) apply(ctx context.Context, o resource.Observed) outcome {
	items, isNew := r.upToDate(ctx, o)
	var results []resource.Result
	if stale := resource.InState(items, resource.Unwanted); isNew && len(stale) > 0 {
		if err := r.record(ctx, false); err != nil {
			return outcome{err: err}
		}
		results = o.Kind.Remove(ctx, r.view(), stale)
	}
	if foreign := resource.InState(items, resource.Foreign); len(foreign) > 0 {
		return outcome{err: refusal(foreign[0])}
	}
	if differ := resource.InState(items, resource.Missing, resource.Restorable, resource.Different); len(differ) > 0 {
		if err := r.record(ctx, false, differ...); err != nil {
			return outcome{err: err}
		}
		results = append(results, o.Kind.Apply(ctx, r.view(), differ)...)
	}
	for _, item := range resource.InState(items, resource.Unchanged) {
		results = append(results, resource.Result{Item: item, Step: item.Name, StepTarget: item.Key,
			Outcome: resource.OutcomeUnchanged, Began: r.now(), Ended: r.now()})
	}
	return r.concluded(o, items, results)
}

// refusal is the error of an item in whose place somebody else's object is.
func refusal(item resource.Item) *diagnosis.Error {
	opts := []diagnosis.Option{diagnosis.WithContext(item.Context)}
	if item.Detail != "" {
		opts = append(opts, diagnosis.WithDetail("%s", item.Detail))
	}
	return &diagnosis.Error{Diagnosis: diagnosis.New(item.Code, opts...)}
}

// concluded notes the steps of a kind's results, and gives what they have taught to be recorded.
func (r *run) concluded(o resource.Observed, items []resource.Item, results []resource.Result) outcome {
	var errs []error
	for _, item := range items {
		errs = append(errs, item.Err)
	}
	for _, result := range results {
		r.note(result)
		errs = append(errs, result.Err)
	}
	learn := func(d *integration.Document) {
		resource.LearnAll(&d.Status, items)
		for _, result := range results {
			if result.Learn != nil {
				result.Learn(&d.Status)
			}
		}
	}
	isRestored := slices.ContainsFunc(results, func(result resource.Result) bool {
		return result.Outcome == resource.OutcomeRestored
	})
	if isRestored { // it has come back with what was in it when it was removed
		r.mark(o)
	}
	if !r.ending { // what is removed is no other object
		r.teach(o, learn)
	}
	hasWritten := slices.ContainsFunc(results, func(result resource.Result) bool {
		return result.Err != nil || result.Outcome != resource.OutcomeUnchanged
	})
	return outcome{err: operation.Worst(errs...), learn: learn, hasWritten: hasWritten}
}

// teach remembers a kind whose objects turned out to be other ones than it was told.
func (r *run) teach(o resource.Observed, learn func(*integration.Document)) {
	if draft := o.Document.Clone(); isChangedBy(&draft, learn) {
		r.mark(o)
	}
}

// mark has the kinds that need this one looked at again before they are applied.
func (r *run) mark(o resource.Observed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taught[o.Kind.Name()] = true
}

// hasTaught reports whether a kind's objects turned out to be other ones than were recorded.
func (r *run) hasTaught(kind string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.taught[kind]
}

// upToDate are the items of a kind, looked at again where something that it needs has turned out to be another object;
// it reports whether they were.
func (r *run) upToDate(ctx context.Context, o resource.Observed) ([]resource.Item, bool) {
	for _, needed := range o.Kind.Needs() {
		if r.hasTaught(needed) {
			return o.Kind.Observe(ctx, r.view()), true
		}
	}
	return o.Items, false
}

// note writes a result down as a step of the operation.
func (r *run) note(result resource.Result) {
	step := result.Step
	if step == "" {
		step = result.Item.Name
	}
	noted := integration.Step{Name: step, Target: result.StepTarget, Status: "done", Outcome: string(result.Outcome),
		RequestID: result.RequestID,
		At:        result.Began, DurationMS: result.Ended.Sub(result.Began).Milliseconds()}
	if result.Err != nil {
		noted.Status, noted.Outcome, noted.Code = "failed", "", operation.Describe(result.Err, false).Code
		var answer interface{ ServiceRequestID() string }
		if errors.As(result.Err, &answer) {
			noted.RequestID = answer.ServiceRequestID()
		}
	}
	r.attempt.Step(noted)
}
