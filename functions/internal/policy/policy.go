// Package policy decides what to do about an error of a service: give up, repeat the request here, try again later,
// read what exists already, or ask the list whether a lost create went through. It decides by operation, status and
// code alone, in one table; words, and the HTTP status that a code is answered with, are never read. Requests sends a
// request as the table states.
package policy

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// Action is what to do about an error.
type Action string

const (
	// GiveUp ends the operation: the same request would be refused again.
	GiveUp Action = "give-up"
	// RetryHere repeats the request within the decision's budget or attempts, then does what Decision.After states.
	RetryHere Action = "retry-here"
	// RetryLater leaves it to a later attempt at the whole operation.
	RetryLater Action = "retry-later"
	// Exists means that something may be in the way already: look, and compare or adopt it. Where the look shows
	// nothing, Absent tells what to do.
	Exists Action = "exists"
	// InDoubt means that a create without a key may have been carried out although its answer was lost or a fault: ask
	// the list, and send it again only where nothing is there.
	InDoubt Action = "in-doubt"
	// NotTried means that the request was not carried out because another one, sent with it, has failed.
	NotTried Action = "not-tried"
	// NotThere means that a service has stated that there is no such object. One answer alone may come of a replica
	// that lags: who knows that it was there looks again. A delete that is answered so has nothing to do.
	NotThere Action = "not-there"
	// NotEvenPlace means that the parent is missing as well, such as its resource group.
	NotEvenPlace Action = "not-even-place"
	// NotVisible means that a service does not know what was asked for, or does not show it to who asks.
	NotVisible Action = "not-visible"
	// Answers means that a service works, though it has not answered with what was asked for.
	Answers Action = "answers"
	// Unsupported means that a service does not offer what was asked for where the object is. The object can have
	// nothing of the sort, or has it for as long as it is there itself.
	Unsupported Action = "unsupported"
)

// Decision is what the table decides about an error.
type Decision struct {
	Action Action
	// Budget is how long the pauses of RetryHere may take together. What a service asks for on top of our own pauses
	// counts.
	Budget time.Duration
	// Attempts is how often RetryHere repeats the request; 0 is as often as the budget allows.
	Attempts int
	// After is what to do once RetryHere is used up, or where a look after Exists or InDoubt shows nothing. Empty
	// means RetryLater.
	After Action
}

// then is the decision once its own action has been carried out without success.
func (d Decision) then() Decision {
	if d.After == "" {
		return Decision{Action: RetryLater}
	}
	return Decision{Action: d.After}
}

// Decide looks an error of an operation up. Without an answer of a service the request may have been carried out.
func Decide(op Operation, err error) Decision {
	f, answered := factsOf(err)
	if !answered {
		switch {
		case isKeylessCreate(op) || op == ProbeWrite:
			return Decision{Action: InDoubt}
		case op == ProbeDelete:
			return probeRepeats()
		case isSentOnce(op):
			return Decision{Action: RetryHere, Attempts: 1}
		default:
			return Decision{Action: RetryLater}
		}
	}
	for _, r := range rows() {
		if r.isMatch(op, f) {
			return r.Decision
		}
	}
	return Decision{Action: GiveUp} // an answer below 500 that no row knows: the request was refused
}

// isSentOnce reports whether a request is not repeated by the pipeline of its client: whoever repeats it must know
// that an answer was lost.
func isSentOnce(op Operation) bool { return op == DeletedItemPurge }

// Absent is the failure of a request that met Exists or InDoubt, after a look that has found nothing. Any other error
// is returned as it is.
func Absent(err error) error {
	var f *Failure
	if !errors.As(err, &f) || f.Decision.Action != Exists && f.Decision.Action != InDoubt {
		return err
	}
	return f.With(f.Decision.then().Action)
}

// ActionOf returns the action of a Failure, empty for any other error.
func ActionOf(err error) Action {
	var f *Failure
	if errors.As(err, &f) {
		return f.Decision.Action
	}
	return ""
}

// IsRefusal reports whether a service's answer means that nothing was made: one below 500 does, 408 aside, and a
// success that is not valid does not.
func IsRefusal(err error) bool {
	f, answered := factsOf(err)
	below500 := f.status >= http.StatusBadRequest && f.status < http.StatusInternalServerError
	return answered && below500 && f.status != http.StatusRequestTimeout
}

// IsFinal reports whether trying again cannot help: by a Failure's action, by the code of an error that has its words
// already, and never for any other error.
func IsFinal(err error) bool {
	var f *Failure
	if errors.As(err, &f) {
		return slices.Contains([]Action{GiveUp, Exists, Unsupported}, f.Decision.Action)
	}
	var known *diagnosis.Error
	return errors.As(err, &known) && !isPassing(known.Diagnosis.Code)
}
