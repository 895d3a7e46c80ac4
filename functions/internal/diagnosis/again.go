package diagnosis

import (
	"regexp"
	"slices"
	"strings"
)

// Request is what an operation comes from, and what is repeated when its obstacle is gone.
type Request string

// The requests: a PUT where nothing else is known, a DELETE, or any other one.
const (
	RequestPut    Request = ""
	RequestDelete Request = "Send the DELETE again"
	RequestOther  Request = "Send the request again"
)

// PutAgain stands in the catalogue for the request to repeat. Where that is no PUT, another one takes its place, and
// what a step says of PUTs besides is left out: whoever tears down is not told how to keep.
const PutAgain = "PUT the spec again"

var sentences = regexp.MustCompile(`[^.]+(?:\.\S+[^.]*)*(?:\.|$)\s*`)
var ofPuts = regexp.MustCompile(`\bPUTs?\b`)

// steps are those of who repeats the request. Something is left to do in any case.
func (r Request) steps(given []string) []string {
	if r == RequestPut {
		return given
	}
	var kept []string
	for _, step := range given {
		var text strings.Builder
		for _, s := range sentences.FindAllString(step, -1) {
			s = strings.ReplaceAll(s, "then "+PutAgain+".", "then s"+string(r[1:])+".")
			if s = strings.ReplaceAll(s, PutAgain+".", string(r)+"."); !ofPuts.MatchString(s) {
				text.WriteString(s)
			}
		}
		kept = append(kept, strings.TrimSpace(text.String()))
	}
	if kept = slices.DeleteFunc(kept, func(s string) bool { return s == "" }); len(kept) == 0 {
		kept = []string{string(r) + "."}
	}
	return kept
}
