package resource

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// Looker is what looks at one sort of thing that somebody else has made, and has no way to write it. What it finds is
// Unchanged, Missing, Different or Extra.
type Looker interface {
	Place
	Observe(ctx context.Context, v View) []Item
}

// Looking is the kind that only looks: its writes are refused, whatever is asked of it.
func Looking(l Looker) Kind { return looking{l} }

type looking struct{ Looker }

// Apply implements Kind: it refuses.
func (looking) Apply(_ context.Context, _ View, items []Item) []Result { return refused(items) }

// Remove implements Kind: it refuses.
func (looking) Remove(_ context.Context, _ View, items []Item) []Result { return refused(items) }

func refused(items []Item) []Result {
	results := make([]Result, len(items))
	for i, item := range items {
		results[i] = Result{Item: item, Step: item.Name, StepTarget: item.Key,
			Err: &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeIntegrationUnmanaged)}}
	}
	return results
}

// Of are the kinds that an integration consists of, out of the list of all: those that only look where somebody else
// has made it, the others where we do.
func Of(kinds []Kind, d integration.Document) []Kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool {
		_, onlyLooks := k.(looking)
		return onlyLooks != d.IsUnmanaged
	})
}

// lookInTurn looks at what somebody else has made. No record tells what there is, so each kind waits for the kinds
// that it needs and gets what they have found. It waits for no other. Kinds that need none look first.
func lookInTurn(ctx context.Context, kinds []Kind, v View) []Observed {
	kinds = slices.Clone(kinds)
	slices.SortStableFunc(kinds, func(a, b Kind) int {
		return cmp.Compare(min(len(a.Needs()), 1), min(len(b.Needs()), 1))
	})
	seen, ended := make([]Observed, len(kinds)), make([]chan struct{}, len(kinds))
	for i := range kinds {
		ended[i] = make(chan struct{})
	}
	var wait sync.WaitGroup
	for i, kind := range kinds {
		wait.Go(func() {
			defer close(ended[i])
			v := v
			v.Document = v.Document.Clone()
			for j, other := range kinds {
				if slices.Contains(kind.Needs(), other.Name()) {
					<-ended[j]
					LearnAll(&v.Document.Status, seen[j].Items)
				}
			}
			seen[i] = Observed{Kind: kind, Document: v.Document, Items: kind.Observe(ctx, v)}
		})
	}
	wait.Wait()
	return seen
}
