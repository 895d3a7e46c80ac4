package resource_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// seenKind is a kind whose look shows the given items.
type seenKind struct {
	resource.Kind
	name  string
	needs []string
	items []resource.Item
	told  []resource.View
}

func (k *seenKind) Name() string    { return k.name }
func (k *seenKind) Needs() []string { return k.needs }
func (k *seenKind) Observe(_ context.Context, v resource.View) []resource.Item {
	k.told = append(k.told, v)
	return k.items
}

// TestObserve: each kind is told the view; what is missing has for its root the first missing item of the first kind
// that it needs and that lacks one.
func TestObserve(t *testing.T) {
	t.Parallel()
	unread := errors.New("unread")
	one, two := &seenKind{name: "one", items: []resource.Item{
		{Name: "there", State: resource.Unchanged}, {Name: "unread", State: resource.Missing, Err: unread},
		{Name: "binned", State: resource.Restorable}, {Name: "gone", State: resource.Missing}}},
		&seenKind{name: "two", items: []resource.Item{{Name: "x", CheckID: "own.id", State: resource.Missing}}}
	whole := &seenKind{name: "whole", items: []resource.Item{{Name: "w", State: resource.Different}}}
	within := &seenKind{name: "within", items: []resource.Item{{Name: "w2", State: resource.Different},
		{Name: "of w2", Needs: "w2", State: resource.Missing},
		{Name: "i", CheckID: "id of i", State: resource.Restorable},
		{Name: "of i", Needs: "i", State: resource.Restorable},
		{Name: "differs", Needs: "i", State: resource.Different},
		{Name: "by itself", State: resource.Missing}}}
	kinds := []resource.Kind{one, two, whole, within,
		&seenKind{name: "first", needs: []string{"one", "two"}, items: []resource.Item{
			{Name: "a", State: resource.Missing}, {Name: "b", State: resource.Restorable},
			{Name: "c", State: resource.Different}, {Name: "d", State: resource.Missing}}},
		&seenKind{name: "second", needs: []string{"whole", "two"},
			items: []resource.Item{{Name: "e", State: resource.Missing}}},
		&seenKind{name: "third", needs: []string{"whole"},
			items: []resource.Item{{Name: "f", State: resource.Missing}}}}
	v := resource.View{Document: integration.Document{ID: "my-service"}, Told: true}
	seen := resource.Observe(t.Context(), kinds, v)
	roots := map[string]string{}
	for i, o := range seen {
		assert.Same(t, kinds[i], o.Kind)
		assert.Equal(t, v.Document, o.Document)
		assert.Equal(t, []resource.View{v}, kinds[i].(*seenKind).told)
		for _, item := range o.Items {
			roots[item.Name] = item.Root
		}
	}
	assert.Equal(t, map[string]string{"there": "", "unread": "", "binned": "", "gone": "", "x": "", "w": "",
		"w2": "", "of w2": "", "i": "", "of i": "id of i", "differs": "", "by itself": "",
		"a": "structure.binned", "b": "", "c": "", "d": "structure.binned", "e": "own.id", "f": ""}, roots)
	all := resource.Items(seen)
	assert.Equal(t, []string{"there", "unread", "binned", "gone", "x", "w",
		"w2", "of w2", "i", "of i", "differs", "by itself", "a", "b", "c", "d", "e", "f"}, names(all))
	assert.Equal(t, []string{"binned", "gone", "x", "of w2", "i", "of i", "by itself", "a", "b", "d", "e", "f"},
		names(resource.InState(all, resource.Missing, resource.Restorable)), "in order, and those that could be read")
	assert.Equal(t, []string{"c", "w"}, names(resource.InState([]resource.Item{all[14], all[5]}, resource.Different)))
	assert.Len(t, all, 18, "what was given stays")
}

func names(items []resource.Item) []string {
	var all []string
	for _, item := range items {
		all = append(all, item.Name)
	}
	return all
}

// TestLearnAll: every item that could be read teaches, in order.
func TestLearnAll(t *testing.T) {
	t.Parallel()
	adds := func(what string) func(*integration.Status) {
		return func(st *integration.Status) { st.ClientID += what }
	}
	var st integration.Status
	resource.LearnAll(&st, []resource.Item{{Learn: adds("a")}, {}, {Learn: adds("b"), Err: errors.New("unread")},
		{Learn: adds("c")}})
	assert.Equal(t, "ac", st.ClientID)
}
