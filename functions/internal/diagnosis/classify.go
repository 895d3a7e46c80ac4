package diagnosis

import (
	"errors"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

// Classify turns an error into its diagnosis: by the OAuth error and AADSTS number of the token service, the code of
// Graph, ARM, Storage or DDOE, or the kind of network failure. Text is never matched. What it does not know becomes an
// unrecognised code, which proves nothing.
func Classify(err error, c Context) Diagnosis { return classify(err, c).diagnosis(c) }

// serviceError is what the clients' typed errors have in common.
type serviceError interface {
	error
	Service() string
	HTTPStatus() int
	ErrorCode() string
	ServiceRequestID() string
}

// classified is a cause, with what a service answered and the words that its text added.
type classified struct {
	code     Code
	evidence *Evidence
	target   string // what was asked, where the error says so
	words    words
	ready    *Diagnosis
}

// words are what could be extracted from an answer. They only explain; nothing is decided by them.
type words struct {
	field, expected, actual string
	detail                  string
}

func (k classified) diagnosis(c Context) Diagnosis {
	if k.ready != nil {
		return *k.ready
	}
	if k.target != "" {
		c.Target = k.target
	}
	d := New(k.code, WithContext(c))
	d.Evidence = k.evidence
	if k.words.detail != "" {
		d.Detail += " " + k.words.detail
	}
	return d
}

func classify(err error, c Context) classified {
	var ready *Error
	if errors.As(err, &ready) {
		return classified{ready: &ready.Diagnosis}
	}
	if err == nil {
		return classified{code: CodeInternal}
	}
	if own, ok := ownInfrastructure(err, c); ok {
		return own
	}
	if k, ok := classifyExchange(err, c); ok {
		return k
	}
	var service serviceError
	if errors.As(err, &service) {
		return classifyService(service, c)
	}
	var response *azcore.ResponseError
	if errors.As(err, &response) {
		return classifyResponse(response, c)
	}
	if code := networkCode(err); code != "" {
		return classified{code: code, words: networkWords(err, c)}
	}
	// What azidentity cannot do it marks so. The federated identity's own failures are typed and were met above.
	var identity interface{ NonRetriable() }
	if errors.As(err, &identity) && !strings.HasPrefix(c.Operation, "access.") {
		return classified{code: CodeServiceIdentityUnavailable}
	}
	return classified{code: CodeUnrecognised}
}

// byStatus is the code for a status that means the same whatever the service's own code is.
func byStatus(status int, throttled, unavailable Code) Code {
	switch {
	case status == http.StatusTooManyRequests:
		return throttled
	case status >= http.StatusInternalServerError, status == http.StatusRequestTimeout:
		return unavailable
	default:
		return ""
	}
}
