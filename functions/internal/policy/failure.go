package policy

import (
	"errors"
	"fmt"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
)

// Failure is a request that did not succeed, with what the table decides about it.
type Failure struct {
	Operation Operation
	Decision  Decision
	// Spent is true where the request was repeated as often as the table allows, not only as long as the invocation
	// had time.
	Spent bool
	// Context is what the words of a diagnosis name.
	Context diagnosis.Context
	// Err is the service's error.
	Err error
}

// Fail makes the failure of a request that was sent once, without Requests.
func Fail(op Operation, c diagnosis.Context, err error) *Failure {
	return &Failure{Operation: op, Decision: Decide(op, err), Context: c, Err: err}
}

// Error names operation and cause.
func (f *Failure) Error() string { return fmt.Sprintf("%s: %v", f.Operation, f.Err) }

// Unwrap returns the service's error.
func (f *Failure) Unwrap() error { return f.Err }

// IsNotThere reports whether an answer to an operation states that there is no such object.
func IsNotThere(op Operation, err error) bool {
	return absence(op, err) == NotThere || HasNoPlace(op, err)
}

// HasNoPlace reports whether an answer to an operation states that there is not even the resource group, or the
// subscription, in which the object would be: nothing can be made there.
func HasNoPlace(op Operation, err error) bool { return absence(op, err) == NotEvenPlace }

// IsUnknown reports whether an answer to an operation states that there is no such object, or none that who asks may
// see.
func IsUnknown(op Operation, err error) bool {
	a := absence(op, err)
	return a == NotThere || a == NotEvenPlace || a == NotVisible
}

// absence looks an answer up; empty for one that states nothing of the object, and for none.
func absence(op Operation, err error) Action {
	f, answered := factsOf(err)
	if !answered {
		return ""
	}
	for _, r := range absenceRows() {
		if r.isMatch(op, f) {
			return r.Action
		}
	}
	return ""
}

// OperationOf is the operation that has failed; empty where err is no Failure.
func OperationOf(err error) Operation {
	var f *Failure
	if errors.As(err, &f) {
		return f.Operation
	}
	return ""
}

// With returns the failure with another action: that of a caller who has looked.
func (f *Failure) With(a Action) *Failure {
	other := *f
	other.Decision = Decision{Action: a}
	return &other
}

// Diagnosis gives the failure its words. propagated means that waiting has been tried.
func (f *Failure) Diagnosis(propagated bool) diagnosis.Diagnosis {
	c := f.Context
	c.Operation, c.Propagated = f.Operation, propagated
	return classify.Error(f.Err, c)
}
