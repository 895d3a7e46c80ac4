package resource

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// Observed is what was seen of a kind.
type Observed struct {
	Kind  Kind
	Items []Item
	// Document is the document that the kind looked for.
	Document integration.Document
}

// Observe looks at all kinds that an integration consists of, out of the list of all: at once, but for what somebody
// else has made.
func Observe(ctx context.Context, kinds []Kind, v View) []Observed {
	kinds = Of(kinds, v.Document)
	var seen []Observed
	if v.Document.IsUnmanaged {
		seen = lookInTurn(ctx, kinds, v)
	} else {
		seen = observeAll(ctx, kinds, v)
	}
	for _, o := range seen {
		for i := range o.Items {
			o.Items[i].Kind = o.Kind.Name()
		}
	}
	fold(seen)
	return seen
}

func observeAll(ctx context.Context, kinds []Kind, v View) []Observed {
	seen := make([]Observed, len(kinds))
	var wait sync.WaitGroup
	for i, kind := range kinds {
		seen[i].Kind, seen[i].Document = kind, v.Document
		wait.Go(func() { seen[i].Items = kind.Observe(ctx, v) })
	}
	wait.Wait()
	return seen
}

// fold names the root of what is missing because an item is missing of a kind that it needs, or one of its own kind.
func fold(seen []Observed) {
	for _, o := range seen {
		absent := InState(o.Items, Missing, Restorable)
		for i, item := range o.Items {
			at := slices.IndexFunc(absent, func(other Item) bool { return other.Name == item.Needs })
			if at >= 0 && (item.State == Missing || item.State == Restorable) {
				o.Items[i].Root = absent[at].checkID()
			}
		}
	}
	foldAbsent(Items(seen), seen)
	roots := map[string]string{}
	for _, o := range seen {
		for _, item := range o.Items {
			isUnseen := item.Err != nil && o.Document.IsUnmanaged // nothing of what is on it can be seen
			if isUnseen || item.Err == nil && (item.State == Missing || item.State == Restorable) {
				roots[o.Kind.Name()] = cmp.Or(roots[o.Kind.Name()], item.checkID())
			}
		}
	}
	for _, o := range seen {
		for _, need := range o.Kind.Needs() {
			for i := range o.Items {
				if o.Items[i].State == Missing {
					o.Items[i].Root = cmp.Or(o.Items[i].Root, roots[need])
				}
				if o.Items[i].Root != "" && o.Document.IsUnmanaged { // it was not looked at
					o.Items[i].Code, o.Items[i].Detail = "", ""
				}
			}
		}
	}
}

// foldAbsent names the root of an item that cannot be there, as what it rests on is not there either.
func foldAbsent(all []Item, seen []Observed) {
	for _, o := range seen {
		for i, item := range o.Items {
			at := slices.IndexFunc(all, func(other Item) bool {
				return other.Key != "" && strings.EqualFold(other.Key, item.RestsOn) && other.IsDecided()
			})
			if at >= 0 && item.IsDecided() {
				o.Items[i].State, o.Items[i].Root, o.Items[i].Err = Missing, all[at].checkID(), nil
				o.Items[i].Code, o.Items[i].Detail = "", ""
			}
		}
	}
}

// Items are the items of all kinds, in their order.
func Items(seen []Observed) []Item {
	var all []Item
	for _, o := range seen {
		all = append(all, o.Items...)
	}
	return all
}

// InState are the items in one of the states that could be read.
func InState(items []Item, states ...State) []Item {
	return slices.DeleteFunc(slices.Clone(items), func(i Item) bool {
		return i.Err != nil || !slices.Contains(states, i.State)
	})
}

// LearnAll writes into the status what the look has found, such as ids.
func LearnAll(st *integration.Status, items []Item) {
	for _, item := range items {
		if item.Learn != nil && item.Err == nil {
			item.Learn(st)
		}
	}
}

// LayerStructure is the layer of all checks of what services hold.
const LayerStructure = "structure"

// Checks are the items of a report: one for each item, with code and differences. propagated means that replication
// explains no difference any more.
func Checks(items []Item, propagated bool) []assessment.Check {
	checks := make([]assessment.Check, 0, len(items))
	for _, item := range items {
		checks = append(checks, item.check(propagated))
	}
	return checks
}

func (i Item) check(propagated bool) assessment.Check {
	id, c := i.checkID(), i.Words()
	c.Propagated = propagated
	var check assessment.Check
	switch {
	case i.State == Manual && i.Err == nil:
		check = assessment.Skip(id, LayerStructure, i.Title, "")
		check.Code, check.Detail = i.Code, i.Detail
	case i.Err != nil:
		check = classify.Check(id, LayerStructure, i.Title, i.Err, c)
		if !i.IsDecided() {
			check.Status = diagnosis.OutcomeUnknown
		}
	case i.Code != "":
		opts := []diagnosis.Option{diagnosis.WithContext(c)}
		if i.Detail != "" {
			opts = append(opts, diagnosis.WithDetail("%s", i.Detail))
		}
		check = assessment.CheckOf(id, LayerStructure, diagnosis.New(i.Code, opts...))
		check.Transient = !propagated && !i.Apart // what is elsewhere than in Entra and Azure does not replicate
	default:
		check = assessment.Check{ID: id, Layer: LayerStructure, Status: diagnosis.OutcomePass, Title: i.Title,
			Detail: i.Detail}
	}
	if i.Root != "" && i.Err == nil { // its root is what has to be mended
		check.Status, check.DependsOn, check.Remedy = diagnosis.OutcomeSkip, i.Root, nil
	}
	check.Bearing = assessment.Bearing{Kind: i.Kind, About: cmp.Or(i.Subject, i.Context.Scope)}
	check.Target = redact.Printable(i.Context.Target)
	if check.Target == "" {
		check.Target = redact.Printable(i.Target)
	}
	return withDifferences(check, i.Differences)
}

// checkID is the id of the item's check.
func (i Item) checkID() string {
	switch {
	case i.CheckID != "":
		return i.CheckID
	case i.State == Extra || i.State == Unwanted:
		return "drift." + i.Name
	default:
		return LayerStructure + "." + i.Name
	}
}

// Words are what the texts of Code and of Err are filled with. They name the operation that has failed: a service's
// code may mean another thing of another operation.
func (i Item) Words() diagnosis.Context {
	c := i.Context
	if operation := policy.OperationOf(i.Err); operation != "" {
		c.Operation = operation
	}
	return c
}

// IsDecided reports whether Err tells something of the integration: that a service knows no such object. Any
// other refusal is about the app's own identity, or the way.
func (i Item) IsDecided() bool { return policy.IsNotThere(policy.OperationOf(i.Err), i.Err) }

// withDifferences shows the first difference where reports had one pair, and all of them beside it.
func withDifferences(check assessment.Check, differences []diagnosis.MemberDifference) assessment.Check {
	for _, d := range differences {
		d.Want, d.Have = redact.Printable(d.Want), redact.Printable(d.Have)
		check.Differences = append(check.Differences, d)
	}
	if len(check.Differences) == 0 {
		return check
	}
	first := check.Differences[0]
	check.Field = "/" + first.Member
	return check.Compared(assessment.Pair{Expected: first.Want, Actual: first.Have})
}
