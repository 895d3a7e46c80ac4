package resource

import (
	"context"
	"slices"

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

// lookInTurn looks at what somebody else has made. No record tells what there is, so the kinds that others need come
// first, and teach the others what they have found. Without them, the others have nothing to look at.
func lookInTurn(ctx context.Context, kinds []Kind, v View) []Observed {
	first := slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool { return len(k.Needs()) > 0 })
	rest := slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool { return len(k.Needs()) == 0 })
	v.Document = v.Document.Clone()
	seen := observeAll(ctx, first, v)
	LearnAll(&v.Document.Status, Items(seen))
	return append(seen, observeAll(ctx, rest, v)...)
}
