package resource

import (
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// Replaceable is a kind of which a spec may ask for another object than the record names. The recorded one is removed
// first, for good, with what it outlives.
type Replaceable interface {
	Kind
	// IsReplaced reports whether the spec asks for another object than the record names.
	IsReplaced(d integration.Document) bool
	// Carries names the kinds whose items are on the object, and go with it.
	Carries() []string
	// Forget takes the object out of the record.
	Forget(st *integration.Status)
	// Notice is what people are told of the replacement.
	Notice(d integration.Document) diagnosis.Diagnosis
}

// Replaced are the kinds of which a spec asks for another object than the record names.
func Replaced(kinds []Kind, d integration.Document) []Replaceable {
	var all []Replaceable
	for _, k := range kinds {
		if r, ok := k.(Replaceable); ok && r.IsReplaced(d) {
			all = append(all, r)
		}
	}
	return all
}

// With are the kinds that go with one: those that it outlives, and itself, in the list's order.
func With(kinds []Kind, one Kind) []Kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool {
		return k.Name() != one.Name() && !slices.Contains(one.Outlives(), k.Name())
	})
}
