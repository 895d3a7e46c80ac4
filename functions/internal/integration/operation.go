package integration

import (
	"encoding/json"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// OperationKind is what an operation does.
type OperationKind string

// The kinds of operation.
const (
	KindProvision   OperationKind = "provision"
	KindDeprovision OperationKind = "deprovision"
	KindAccessTest  OperationKind = "accessTest"
	KindHealthCheck OperationKind = "healthCheck"
	// KindUnknown is the record of a message that is none of the others, or that could not be read.
	KindUnknown OperationKind = "unknown"
)

// IsLook reports whether such an operation only looks: the document stays in the hands of whoever has it.
func (k OperationKind) IsLook() bool { return k == KindAccessTest || k == KindHealthCheck }

// OperationStatus is how far an operation is.
type OperationStatus string

// The operation statuses; the last three are final.
const (
	OperationNotStarted OperationStatus = "NotStarted"
	OperationRunning    OperationStatus = "Running"
	OperationSucceeded  OperationStatus = "Succeeded"
	OperationFailed     OperationStatus = "Failed"
	OperationCanceled   OperationStatus = "Canceled"
)

// IsFinal reports whether the operation will not change any more.
func (s OperationStatus) IsFinal() bool {
	return s == OperationSucceeded || s == OperationFailed || s == OperationCanceled
}

// Operation is one long-running piece of work on an integration, as the use cases work on it; see Document about its
// JSON.
type Operation struct {
	ID            string
	Kind          OperationKind
	Status        OperationStatus
	IntegrationID string
	Steps         []Step
	// Waiting tells why the last attempt failed and when the next one begins. It stays until that attempt ends. Or why
	// a request is being repeated within an attempt.
	Waiting *Waiting
	// Error is why the operation has failed, or was canceled.
	Error *diagnosis.Diagnosis
	// Causes are the root cause of that, where it is another one, and what else has failed by itself.
	diagnosis.Causes
	// Result is the operation's result, as JSON by its kind.
	Result                   json.RawMessage
	CreatedAt, LastUpdatedAt time.Time
	// Caller is who asked for it; zero where that is not known.
	Caller caller.IDs
	// Standing is the caller's. It is kept until the work begins, as what was cut off before is admitted again.
	Standing *caller.Standing
	// Owner is whose its integration was when it was written down, and FirstOperationID the integration's then, its
	// own id where it is to make the integration: an id may have several lives, one after the other, with other
	// owners. Both are empty in records of builds that did not write them.
	Owner, FirstOperationID string
	// Attempts is how many attempts have failed so far, of those that were written down.
	Attempts int
	// IsClaimed is true where an attempt was under way when the operation was written down: that of the message that
	// asks for it.
	IsClaimed bool
	// RequestHash tells a repeated request from another one under the same id.
	RequestHash string
	// ETag is the store's version of the operation.
	ETag string
}

// Waiting tells what the last attempt at an operation failed with, or a request that the attempt under way repeats,
// and when the next one begins.
type Waiting struct {
	diagnosis.Diagnosis
	// Attempt is how many attempts have failed so far.
	Attempt       int       `json:"attempt" minimum:"0"`
	NextAttemptAt time.Time `json:"nextAttemptAt"`
	IsParked      bool      `json:"parked,omitempty"`
}

// LongTags are the ends of tags that are too long for a line.
func (Waiting) LongTags() map[string]string {
	return map[string]string{
		"Attempt": `doc:"How many attempts have failed so far, 0 while the first one repeats a request; the ` +
			`eleventh that fails ends the operation"`,
		"NextAttemptAt": `doc:"When the next attempt begins, or the request is repeated, at the earliest; in the ` +
			`past once it is under way"`,
		"IsParked": `doc:"No attempt is being made, so the operation can be canceled"`,
	}
}

// Step is one keyed write of an operation, with the request id that the service's support asks for.
type Step struct {
	Name       string         `json:"name" example:"application"`
	Target     string         `json:"target,omitempty" doc:"The key it was written by"`
	Status     string         `json:"status" enum:"done,failed"`
	Outcome    string         `json:"outcome,omitempty" enum:"created,updated,unchanged,deleted,absent,adopted,restored"`
	Code       diagnosis.Code `json:"code,omitempty" doc:"Diagnosis code where status is failed"`
	RequestID  string         `json:"requestId,omitempty"`
	At         time.Time      `json:"at"`
	DurationMS int64          `json:"durationMs"`
}

// LongTags are the ends of tags that are too long for a line.
func (Step) LongTags() map[string]string {
	return map[string]string{
		"Outcome": `doc:"What the write came to: updated is a write over an object that was there, at ` +
			`the look or by ` +
			`the time of the write, adopted is an equal object that others had made, absent ` +
			`one that was gone already"`,
	}
}
