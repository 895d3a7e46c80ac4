package words

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Request is what an operation comes from, and what is repeated when its obstacle is gone.
type Request string

// The requests: a PUT where nothing else is known, a DELETE, any other one, or a look at what somebody else has made,
// which only a person mends.
const (
	RequestPut    Request = ""
	RequestDelete Request = "Send the DELETE again"
	RequestOther  Request = "Send the request again"
	RequestLook   Request = "Look again"
)

// byHand is the step where only a command is left to say.
const byHand = "Run the command, or give it to somebody who may."

// PutAgain stands in the catalogue for the request to repeat. Where that is no PUT, another one takes its place, and
// what a step states of PUTs besides is left out: whoever tears down is not told how to keep.
const PutAgain = "PUT the spec again"

var sentences = regexp.MustCompile(`[^.]+(?:\.\S+[^.]*)*(?:\.|$)\s*`)
var ofPuts = regexp.MustCompile(`\bPUTs?\b`)
var sentAgain = regexp.MustCompile(`(?i)send the (?:DELETE|request) again\.$`)

// harmless are the commands that look, remove, or switch a provider on, which is needed for either. All others make or
// grant something, as steps for making do.
var harmless = regexp.MustCompile(`^az (?:[a-z-]+ )+(?:list|show|delete|register) |^az rest --method get |^$`)

// purpose is what a step is for, where it is not for whoever has the fault.
type purpose int

const (
	// making is the purpose of a step that makes, grants or enables what a removal is to take away.
	making purpose = iota + 1
	// writing is that of a step about what a request was to write.
	writing
	// waiting is that of a step that tells what the service does by itself, as long as it does.
	waiting
)

// Then adds steps.
func (e Entry) Then(steps ...string) Entry {
	e.Steps = append(slices.Clone(e.Steps), steps...)
	return e
}

// Making marks the last step as one that makes or grants something.
func (e Entry) Making() Entry { return e.marked(making) }

// Writing marks the last step as one about what was to be written.
func (e Entry) Writing() Entry { return e.marked(writing) }

// Waiting marks the first step: it tells what the service goes on doing by itself. Nobody is told to wait for that
// when
// it was waited for already.
func (e Entry) Waiting() Entry { return e.mark(0, waiting) }

func (e Entry) marked(p purpose) Entry { return e.mark(len(e.Steps)-1, p) }

func (e Entry) mark(step int, p purpose) Entry {
	e.purposes = maps.Clone(e.purposes)
	if e.purposes == nil {
		e.purposes = map[string]purpose{}
	}
	e.purposes[e.Steps[step]] = p
	return e
}

// isRead reports whether the request cannot have changed anything.
func (c Context) isRead() bool {
	return slices.ContainsFunc([]string{".get", ".list", ".count", ".link"}, func(suffix string) bool {
		return strings.HasSuffix(string(c.Operation), suffix)
	})
}

// isMeantFor reports whether a step is for who has made the request.
func (c Context) isMeantFor(p purpose) bool {
	return !(p == making && c.isRemoval()) && !(p == writing && c.isRead()) && !(p == waiting && c.Propagated)
}

// isRemoval reports whether something is to go: nothing is offered then that gives access back. A blob is deleted to
// try a right that is to stay.
func (c Context) isRemoval() bool {
	return c.Request == RequestDelete || c.Operation == "deletedItem.purge" ||
		strings.HasSuffix(string(c.Operation), ".delete") && c.Operation != "access.delete"
}

// steps are those of who repeats the request. Something is left to do in any case; what stays ends with the DELETE.
func (c Context) steps(e Entry) []string {
	return leading(c.meant(e))
}

// alternative is how a step begins that stands in the place of the one before it.
const alternative = "Or "

// IsAlternative reports whether a step stands in the place of the one before it, and does not follow it.
func IsAlternative(step string) bool { return strings.HasPrefix(step, alternative) }

// leading are steps of which the first is no alternative: what it was one to is not for who reads it.
func leading(steps []string) []string {
	if len(steps) == 0 || !IsAlternative(steps[0]) {
		return steps
	}
	first := strings.TrimPrefix(steps[0], alternative)
	return append([]string{strings.ToUpper(first[:1]) + first[1:]}, steps[1:]...)
}

func (c Context) meant(e Entry) []string {
	r := c.Request
	given := slices.DeleteFunc(slices.Clone(e.Steps), func(step string) bool {
		return !c.isMeantFor(e.purposes[step])
	})
	if r == RequestPut && !c.isRemoval() && len(given) > 0 {
		return given
	}
	again := cmp.Or(string(r), PutAgain)
	var kept []string
	for _, step := range given {
		var text strings.Builder
		for _, s := range sentences.FindAllString(step, -1) {
			s = strings.ReplaceAll(s, "then "+PutAgain+".", "then "+strings.Replace(again, "Send", "send", 1)+".")
			s = strings.ReplaceAll(s, PutAgain+".", again+".")
			if r == RequestPut || !ofPuts.MatchString(s) {
				text.WriteString(s)
			}
		}
		if t := strings.TrimSpace(text.String()); t != "" {
			kept = append(kept, t)
		}
	}
	if len(kept) == 0 && r == RequestLook && e.Command != "" {
		kept = append(kept, byHand, again+".")
	}
	isOpen := r == RequestDelete && !e.Transient && !sentAgain.MatchString(strings.Join(kept, " "))
	if len(kept) == 0 || isOpen {
		kept = append(kept, again+".")
	}
	return kept
}
