// Package resource tells what an integration consists of outside the app's own store: an ordered list of resource
// kinds, such as its application, its federated credentials and its role assignments. Dry run, provisioning, drift,
// structural health and teardown are loops over that list and name no kind. A new kind is a package below this one,
// a line in the list (functions/resources.go), and what it tells others: rows of the policy table, codes, members of
// the status.
//
// Rules that every kind keeps, held by package resourcetest:
//   - Every write is keyed, so it may be sent twice.
//   - An item is gone when a read shows that it is gone, not when a delete was answered.
//   - What somebody else made is never changed and never removed; a member that somebody else set is kept.
//   - A member that somebody else set is reported, as theirs, where it decides who gets in as the identity or what it
//     reaches, or where we wrote it once. Notes, tags and what serves other uses are ignored.
package resource

import (
	"context"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// Kind is one sort of thing that an integration consists of. It keeps nothing between calls and never calls another
// kind: what it needs of one it finds in the document's status. Other kinds run beside it, so it does not change the
// items that it is given.
type Kind interface {
	Place
	// Observe reads in one hop what there is, and compares it with what the view wants. It writes nothing. What could
	// not be read is an item with Err.
	Observe(ctx context.Context, v View) []Item
	// Apply brings items to what the view wants, and returns at least one result for each. It may run twice. It sends
	// every member that it compares, and keeps every member that it does not own.
	Apply(ctx context.Context, v View, items []Item) []Result
	// Remove removes items, and returns at least one result for each. A result without Err means that a read has found
	// that the item is gone.
	Remove(ctx context.Context, v View, items []Item) []Result
}

// Place tells where a kind stands among the others.
type Place interface {
	// Name names the kind in the list, such as "federatedCredential".
	Name() string
	// Needs names the kinds whose items must be in place before items of this kind are applied.
	Needs() []string
	// Outlives names the kinds whose items must be gone before items of this kind are removed.
	Outlives() []string
}

// IdentityPlace is where an identity stands, whatever it is made of.
type IdentityPlace struct{}

// Name implements Place.
func (IdentityPlace) Name() string { return Identity }

// Needs implements Place: an identity needs nothing.
func (IdentityPlace) Needs() []string { return nil }

// Outlives implements Place. Role assignments go while their principal can still be named, and credentials go one by
// one before the identity takes the rest along, so that a deletion that fails leaves no trust behind.
func (IdentityPlace) Outlives() []string { return []string{FederatedCredential, RoleAssignment} }

// View is what a kind is told of an integration.
type View struct {
	Document integration.Document
	// Fresh is true where nothing was made yet, so that there is nothing to read.
	Fresh bool
	// Ending is true where the integration is being removed: nothing of it is wanted any more.
	Ending bool
	// Purge is true where nothing is to be kept from which a removed item could be restored.
	Purge bool
	// Told is true where what is seen is told to people, and nothing is done about it: a look may take a hop more.
	Told bool
	// Apart is true where only items are of interest that are Apart or have a Subject.
	Apart bool
}

// State tells how an item compares with what is wanted.
type State string

// The states of an item.
const (
	// Unchanged: it is as it is wanted, members of other owners aside.
	Unchanged State = "unchanged"
	// Missing: it is wanted and is not there.
	Missing State = "missing"
	// Restorable: it is wanted, was removed, and can be brought back.
	Restorable State = "restorable"
	// Different: it is wanted and there, and members that we own differ.
	Different State = "different"
	// Unwanted: it is ours, there or possibly there, and is wanted no more.
	Unwanted State = "unwanted"
	// Extra: somebody else made it beside ours. It is reported and never touched.
	Extra State = "extra"
	// Foreign: it is wanted, and somebody else's object is in its place. Nothing can be made until a person decides.
	Foreign State = "foreign"
	// Manual: it is wanted and left to a person. Its Learn writes down what the person has to do.
	Manual State = "manual"
)

// Item is one thing of a kind.
type Item struct {
	// Kind is the name of the item's kind; set by Observe.
	Kind string
	// Name is the item's name in steps, plans and checks, such as "servicePrincipal". A kind may have items of two
	// names.
	Name string
	// Title is what a report calls an item that is as it is wanted.
	Title string
	// CheckID is the id of the item's check in reports; structure.{name} where empty.
	CheckID string
	// Key is what the item is written by; empty where that is known only after another item exists.
	Key string
	// DisplayName is what a person has called what somebody else has made; empty where nothing tells.
	DisplayName string
	// Target tells people which one it is, such as a subject or a scope.
	Target string
	State  State
	// Differences are the members that are not as wanted, those that somebody else owns included.
	Differences []diagnosis.MemberDifference
	// Code is a report's code of an item that is not as it is wanted; empty for one that is.
	Code diagnosis.Code
	// Detail replaces the code's general cause; empty for none.
	Detail string
	// Needs is the name of the item of the same kind that this one cannot be without; empty for none.
	Needs string
	// Root is the check of an item that is not there and that this one cannot be without; empty for none. What is
	// missing then follows from it.
	Root string
	// RestsOn is the key of another item: where neither is there, this one follows from that. Empty for none.
	RestsOn string
	// Context fills the texts of Code, and of Err.
	Context diagnosis.Context
	// Err is why the item could not be read. Nothing is known of it then.
	Err error
	// Apart is true where no access test proves anything of the item.
	Apart bool
	// Subject is the one that the item lets in: an access test as another subject proves nothing of it. Empty where
	// the item serves all subjects.
	Subject string
	// Takes is how long applying or removing the item takes by the service's own rate; zero where that is not worth
	// telling.
	Takes time.Duration
	// Learn writes into the status what the look has found, such as the id of an item that was made anew, or the key
	// under which an item is about to be made; nil for nothing. It is recorded before the item is applied.
	Learn func(*integration.Status)
	// Blocks is true where removing the item would break what others have built on it, and that nothing may be
	// removed. Only an Objector sets it.
	Blocks bool
	// IsAbsent is true where two looks have found that there is nothing under the key of an item that is to go. A
	// teardown removes it all the same, to be sure, and does not list it among what is left.
	IsAbsent bool
	// Data is the kind's own, to carry what Observe has read to Apply and Remove.
	Data any
}

// Outcome is the result of a write.
type Outcome string

// The outcomes of writes. Updated is a write over an object that was there, at the look or by the time of the write;
// Absent is an item that was gone already.
const (
	OutcomeCreated   Outcome = "created"
	OutcomeUpdated   Outcome = "updated"
	OutcomeUnchanged Outcome = "unchanged"
	OutcomeDeleted   Outcome = "deleted"
	OutcomeAbsent    Outcome = "absent"
	OutcomeAdopted   Outcome = "adopted"
	OutcomeRestored  Outcome = "restored"
)

// HasChanged reports whether the outcome is known to have changed what access depends on.
func (o Outcome) HasChanged() bool {
	switch o {
	case OutcomeCreated, OutcomeUpdated, OutcomeDeleted, OutcomeRestored:
		return true
	default:
		return false
	}
}

// Result is what became of one item.
type Result struct {
	Item Item
	// Step is the name of the step in the operation, and StepTarget what it was about.
	Step, StepTarget string
	Outcome          Outcome
	// RequestID is the service's, of the write that counted.
	RequestID string
	// Kept states for people what the service keeps for a while of an item that was removed; empty where nothing.
	Kept string
	// Began is when the first request for the item was sent, Ended when its last answer came.
	Began, Ended time.Time
	// Learn writes into the status what is known now. It is nil where nothing was learnt, and it is called even where
	// Err is set: what a failed attempt has made must be known to the next one.
	Learn func(*integration.Status)
	Err   error
}
