package policy

import (
	"errors"
	"slices"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

// The services, as their errors name themselves.
const (
	serviceGraph = "graph"
	serviceARM   = "arm"
	serviceDDOE  = "ddoe"
	// serviceStorage is what the SDK of Azure Storage has answered: its errors are asked for as they are.
	serviceStorage = "storage"
)

// answer is the error of a client that a service has answered.
type answer interface {
	error
	Service() string
	HTTPStatus() int
	ErrorCode() string
	// RetryAfter is how long the service asks to wait; zero if it does not.
	RetryAfter() time.Duration
}

// detailed is an answer with more codes than one.
type detailed interface{ ErrorDetailCodes() []string }

// part is an answer to one request of a batch.
type part interface{ IsPart() bool }

// facts are what the table looks at.
type facts struct {
	service    string
	status     int
	codes      []string
	retryAfter time.Duration
	isPart     bool
}

// factsOf reads the answer of a service out of an error; false where none has answered.
func factsOf(err error) (facts, bool) {
	var a answer
	if !errors.As(err, &a) {
		var plain *azcore.ResponseError
		if !errors.As(err, &plain) {
			return facts{}, false
		}
		return facts{service: serviceStorage, status: plain.StatusCode, codes: []string{plain.ErrorCode}}, true
	}
	f := facts{service: a.Service(), status: a.HTTPStatus(), codes: []string{a.ErrorCode()},
		retryAfter: a.RetryAfter()}
	if d, ok := a.(detailed); ok {
		f.codes = slices.Concat(f.codes, d.ErrorDetailCodes())
	}
	if p, ok := a.(part); ok {
		f.isPart = p.IsPart()
	}
	return f, true
}

// RetryAfter is how long the service that has answered with an error asks to wait; zero where none does.
func RetryAfter(err error) time.Duration {
	f, _ := factsOf(err)
	return f.retryAfter
}
