// Package diagnosis is the one place where an error becomes words: a catalogue of codes, each with title, cause and
// remedy. It calls no service and knows no HTTP edge.
package diagnosis

import "strings"

// Diagnosis is one cause in words: what an operation failed with, or what a problem document states.
type Diagnosis struct {
	Type      string    `json:"type,omitempty" format:"uri-reference" doc:"Link to the page of the code"`
	Layer     string    `json:"layer,omitempty" doc:"Where it was found, as the layer of a check"`
	Code      Code      `json:"code"`
	Title     string    `json:"title"`
	Detail    string    `json:"detail,omitempty"`
	Transient bool      `json:"transient,omitempty"`
	Remedy    *Remedy   `json:"remedy,omitempty"`
	Evidence  *Evidence `json:"evidence,omitempty"`
	Findings  []Finding `json:"errors,omitempty" doc:"One entry for each faulty member"`
}

// Finding is one faulty member of an input.
type Finding struct {
	Pointer  string `json:"pointer" doc:"JSON pointer (RFC 6901) to the member"`
	Code     Code   `json:"code"`
	Detail   string `json:"detail"`
	Expected string `json:"expected,omitempty"`
	Actual   string `json:"actual,omitempty"`
	Remedy   string `json:"remedy,omitempty"`
}

// Causes are why something is not as it should be. What follows from another fault is in neither.
type Causes struct {
	// Diagnosis is the root cause, that which is to be mended first; nil where all is well.
	Diagnosis *Diagnosis `json:"diagnosis,omitempty" doc:"The root cause; absent where all is well"`
	// Also are the faults that do not follow from it, in the order in which they are to be mended.
	Also []Diagnosis `json:"also,omitempty" doc:"Faults beside the root cause that do not follow from it"`
}

// Owner is whose a member of an object is: ours, or somebody else's who has set it and keeps it.
type Owner string

// The owners of a member.
const (
	OwnerOurs  Owner = "ours"
	OwnerOther Owner = "other"
)

// MemberDifference is one member of an object that is not as it is wanted.
type MemberDifference struct {
	Member string `json:"member" doc:"Name of the member, such as subject or condition"`
	Want   string `json:"want,omitempty" doc:"Absent where it is not wanted at all"`
	Have   string `json:"have" doc:"What the service holds"`
	Owner  Owner  `json:"owner" enum:"ours,other" doc:"other: somebody else has set it, and it is kept"`
}

// Remedy tells who repairs it and how.
type Remedy struct {
	Who     Who      `json:"who" enum:"entra-admin,storage-admin,ddoe-admin,caller,uploader,operator"`
	Steps   []string `json:"steps"`
	Command string   `json:"command,omitempty" doc:"A command with the real values filled in"`
}

// String is the remedy in one line, for a log.
func (r Remedy) String() string {
	line := string(r.Who) + ": " + strings.Join(r.Steps, " ")
	if r.Command != "" {
		line += " " + r.Command
	}
	return line
}

// Evidence is what a service answered, as codes and ids; never a token and never a body.
type Evidence struct {
	Service       string `json:"service,omitempty" enum:"entra,graph,arm,storage,ddoe,servicebus"`
	HTTPStatus    int    `json:"httpStatus,omitempty"`
	ServiceCode   string `json:"serviceCode,omitempty" doc:"error.code of Graph or ARM"`
	OAuthError    string `json:"oauthError,omitempty"`
	AADSTS        int    `json:"aadsts,omitempty"`
	StorageCode   string `json:"storageCode,omitempty"`
	RequestID     string `json:"requestId,omitempty"`
	CorrelationID string `json:"correlationId,omitempty"`
}
