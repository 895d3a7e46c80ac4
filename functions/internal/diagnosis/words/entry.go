package words

import (
	"cmp"
	"strings"
)

// Entry is one row of the catalogue: a code and the words that belong to it. Texts may hold placeholders such as
// {subject}; New and Fill put the values of the Context in their places.
type Entry struct {
	// Code is kebab-case and never changes once released.
	Code Code
	// Title is one short sentence part without a full stop.
	Title string
	// Cause states in a sentence or two what is wrong. Written adds what that means for a request that was to write,
	// Tested what a test of access cannot tell apart from it.
	Cause, Written, Tested string
	// Who repairs it; WhoIdentityAdmin until Fill has put a person in its place.
	Who Who
	// ByHand is who repairs what a PUT of ours would put back, where none of ours is sent; empty where that is Who.
	ByHand Who
	// Steps say how, in order; purposes are those of steps that are not for everybody.
	Steps    []string
	purposes map[string]purpose
	// Command is a shell command with placeholders; values are quoted for a POSIX shell when they are filled in.
	Command string
	// Transient is true where the same request may succeed later without anybody's doing.
	Transient bool
	// Propagation is true where Transient holds only for some minutes after a change of ours, while directory, token
	// service and role-based access control catch up. See Context.Propagated.
	Propagation bool
	// Lost is what is said where the thing was there before; nil where that makes no difference. See
	// Context.WasThere.
	Lost *Loss
	// IfThere is the code of a refusal in place of this one where what it asks for was seen to be there; empty where
	// no look can tell.
	IfThere Code
	// Layer is the layer of a report that the code belongs to; empty for problems with a request.
	Layer string
	// Outcome is the status of a check that ends with the code. Empty means OutcomeFail; OutcomeUnknown is for what
	// proves nothing about the integration, OutcomeWarn for what works but should be changed.
	Outcome Outcome
	// AADSTS are the numbers of Entra's token service that mean this code.
	AADSTS []int
}

// Loss is what an entry states of something that was there before: that the request named it rightly, so that another
// person mends it.
type Loss struct {
	Cause string
	Who   Who
	Steps []string
}

// Fill returns the entry with the context's values in its texts; a value that is not known reads <name>.
func (e Entry) Fill(c Context) Entry {
	if e.Lost != nil && c.WasThere {
		e.Cause, e.Who, e.Steps = e.Lost.Cause, e.Lost.Who, e.Lost.Steps
	}
	if c.isRemoval() && !harmless.MatchString(e.Command) {
		e.Command = ""
	}
	if !c.isRead() {
		e.Cause = strings.TrimSpace(e.Cause + " " + e.Written)
	}
	if strings.HasPrefix(string(c.Operation), "access.") {
		e.Cause = strings.TrimSpace(e.Cause + " " + e.Tested)
	}
	e.Title, e.Cause, e.Command = c.fill(e.Title), c.fill(e.Cause), c.command(c.suited(e.Command))
	if c.Request == RequestLook {
		e.Who = cmp.Or(e.ByHand, e.Who)
	}
	e.Who = c.person(e.Who)
	given := c.steps(e)
	steps := make([]string, len(given))
	for i, step := range given {
		steps[i] = c.fill(c.suited(step))
	}
	e.Steps = steps
	return e
}

// CheckStatus is the outcome of a check that ends with the entry.
func (e Entry) CheckStatus() Outcome { return cmp.Or(e.Outcome, OutcomeFail) }
