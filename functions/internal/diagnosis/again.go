package diagnosis

import (
	"cmp"
	"regexp"
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
// what a step says of PUTs besides is left out: whoever tears down is not told how to keep.
const PutAgain = "PUT the spec again"

var sentences = regexp.MustCompile(`[^.]+(?:\.\S+[^.]*)*(?:\.|$)\s*`)
var ofPuts = regexp.MustCompile(`\bPUTs?\b`)
var sentAgain = regexp.MustCompile(`(?i)send the (?:DELETE|request) again\.$`)

// harmless are the commands that look, remove, or switch a provider on, which is needed for either. All others make or
// grant something, as the sentences ofMaking ask for.
var harmless = regexp.MustCompile(`^az (?:[a-z-]+ )+(?:list|show|delete|register) |^az rest --method get |^$`)
var ofMaking = regexp.MustCompile(`^(?:Assign|Enable|Or, if the service may|Each further role) |\bcreate the `)

// removes reports whether something is to go: nothing is offered then that gives access back. A blob is deleted to try
// a right that is to stay.
func (c Context) removes() bool {
	return c.Request == RequestDelete || c.Operation == "deletedItem.purge" ||
		strings.HasSuffix(string(c.Operation), ".delete") && c.Operation != "access.delete"
}

// steps are those of who repeats the request. Something is left to do in any case; what stays ends with the DELETE.
func (c Context) steps(e Entry) []string {
	r, removes := c.Request, c.removes()
	if r == RequestPut && !removes {
		return e.Steps
	}
	again := cmp.Or(string(r), PutAgain)
	var kept []string
	for _, step := range e.Steps {
		var text strings.Builder
		for _, s := range sentences.FindAllString(step, -1) {
			s = strings.ReplaceAll(s, "then "+PutAgain+".", "then "+strings.Replace(again, "Send", "send", 1)+".")
			s = strings.ReplaceAll(s, PutAgain+".", again+".")
			if (r == RequestPut || !ofPuts.MatchString(s)) && !(removes && ofMaking.MatchString(s)) {
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
