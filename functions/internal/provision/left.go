package provision

import (
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// TeardownResult is the result of a teardown, of one that has failed too.
type TeardownResult struct {
	// Purged is true where nothing is kept from which a removed object could be restored.
	Purged bool `json:"purged"`
	// Left states, a sentence each, what stays: what somebody else made and we only used, what was not seen to be gone
	// before the teardown gave up, and what a service keeps for a while after its removal.
	Left []string `json:"left,omitempty"`
}

// takenDown is what an attempt at a teardown has come to for one kind.
type takenDown struct {
	items   []resource.Item
	results []resource.Result
}

// noteTakenDown notes what became of a kind's items.
func (r *run) noteTakenDown(kind string, items []resource.Item, results []resource.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.takenDown[kind] = takenDown{items, results}
}

// leftovers tells what stays: of each kind what was not seen to be gone, and what is a person's.
func (r *run) leftovers(seen []resource.Observed) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var texts []string
	for _, o := range seen {
		done, isBegun := r.takenDown[o.Kind.Name()]
		if !isBegun {
			done.items = o.Items
		}
		for _, item := range done.items {
			if text := done.leftOf(item); text != "" {
				texts = append(texts, text)
			}
		}
	}
	return texts
}

// leftOf is the sentence about an item that stays; empty for one that is gone, or that is no concern of a teardown.
func (d takenDown) leftOf(item resource.Item) string {
	switch {
	case item.Err != nil:
		return notGone(item, "it could not be looked at: "+reason(item.Err))
	case item.State == resource.Manual:
		return item.Detail
	case item.State != resource.Unwanted:
		return ""
	}
	isTried := false
	for _, result := range d.results {
		if result.Item.Name != item.Name || result.Item.Key != item.Key {
			continue
		}
		if isTried = true; result.Err != nil {
			return notGone(item, reason(result.Err))
		}
		if result.Kept != "" {
			return result.Kept
		}
	}
	if !isTried && !item.IsAbsent {
		return notGone(item, "it was not tried, as something that comes first has failed.")
	}
	return ""
}

func notGone(item resource.Item, why string) string {
	name := item.Target
	if name == "" {
		name = item.Key
	}
	return item.Name + " " + redact.Printable(name) + " was not seen to be gone: " + why
}

// reason is what an error is called, with its code.
func reason(err error) string {
	found := operation.Describe(err, false)
	return found.Title + " (" + string(found.Code) + ")."
}
