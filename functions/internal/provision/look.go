package provision

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// unseen are kinds that were not looked at yet.
func (r *run) unseen(kinds []resource.Kind) []resource.Observed {
	seen := make([]resource.Observed, len(kinds))
	for i, kind := range kinds {
		seen[i] = resource.Observed{Kind: kind, Document: r.current()}
	}
	return seen
}

// looks are the tasks of looking at kinds, each by itself, so that a service that is down or slow delays only what
// depends on it. They do not fail: what could not be read is an item with an error.
func (r *run) looks(seen []resource.Observed) []task {
	tasks := make([]task, len(seen))
	for i := range seen {
		o := &seen[i]
		tasks[i] = task{name: observing(o.Kind.Name()), do: func(ctx context.Context) outcome {
			ctx, answered := r.veto.hear(ctx, o.Kind)
			o.Items = o.Kind.Observe(ctx, r.view())
			r.look(*o)
			answered(o.Items)
			return outcome{}
		}}
	}
	return tasks
}

// look remembers what looking at a kind has taught.
func (r *run) look(o resource.Observed) {
	r.teach(o, func(d *integration.Document) { resource.LearnAll(&d.Status, o.Items) })
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looked = append(r.looked, o.Items...)
}

// record writes down what was learnt so far, with what looking has taught, each thing once, and where isChanging that
// things are about to change; more are items that were looked at again. Whoever sends something to a cloud that may
// change it calls it before: nothing is sent any more where it has failed.
func (r *run) record(ctx context.Context, isChanging bool, more ...resource.Item) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	if r.failed != nil {
		return r.failed
	}
	r.mu.Lock()
	news := slices.Concat(r.looked[r.recorded:], more)
	r.recorded = len(r.looked)
	r.mu.Unlock()
	r.failed = r.save(ctx, func(d *integration.Document) {
		resource.LearnAll(&d.Status, news)
		if isChanging {
			r.changing(d)
			integration.MarkChanged(d, r.now())
		}
	})
	return r.failed
}

// hearing is the name of the task that ends when nobody has said anything against a teardown.
const hearing = "hear"

// vetoPatience is how long a teardown waits for what might speak against it. Revoking must not wait for a service that
// is down or hangs; one that is well answers the few reads of a look, one after the other, in a second or two.
const vetoPatience = 5 * time.Second

// veto is what kinds say against a teardown: that it would break what others have built. Only those are heard that can
// object, each once: a request that has to be repeated, and one that takes longer than vetoPatience, is no veto. What
// such a kind finds out later still keeps its own items from being removed.
type veto struct{ heard chan []resource.Item }

// newVeto hears those of the kinds that can object.
func newVeto(kinds []resource.Kind) *veto {
	objectors := 0
	for _, k := range kinds {
		if canObject(k) {
			objectors++
		}
	}
	return &veto{heard: make(chan []resource.Item, objectors)}
}

func canObject(k resource.Kind) bool {
	o, ok := k.(resource.Objector)
	return ok && o.CanObject()
}

// hear returns the context for a look at a kind, and what is to be called with the items that were seen.
func (v *veto) hear(ctx context.Context, k resource.Kind) (context.Context, func([]resource.Item)) {
	if v == nil || !canObject(k) {
		return ctx, func([]resource.Item) {}
	}
	var once sync.Once
	answered := func(items []resource.Item) { once.Do(func() { v.heard <- items }) }
	return policy.WithRepeats(ctx, func() { answered(nil) }), answered
}

// task waits until every kind that can object was heard, and fails with what one of them states against the teardown.
func (v *veto) task() task {
	return task{name: hearing, do: func(ctx context.Context) outcome {
		patience, cancel := context.WithTimeout(ctx, vetoPatience)
		defer cancel()
		for range cap(v.heard) {
			select {
			case items := <-v.heard:
				if err := blocked(items); err != nil {
					return outcome{err: err}
				}
			case <-patience.Done():
				return outcome{err: ctx.Err()}
			}
		}
		return outcome{}
	}}
}

// blocked is the error of a teardown that would break what others have built.
func blocked(items []resource.Item) error {
	for _, item := range items {
		if item.Blocks {
			return refusal(item)
		}
	}
	return nil
}
