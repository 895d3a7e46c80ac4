// Package classify turns errors into diagnoses. It knows what the answers of the services mean; the words for people
// are those of the catalogue.
package classify

import (
	"errors"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// Error turns an error into its diagnosis: by the OAuth error and AADSTS number of the token service, the code of
// Graph, ARM, Storage or DDOE, or the kind of network failure. Text is never matched. What it does not know becomes an
// unrecognised code, which proves nothing.
func Error(err error, c diagnosis.Context) diagnosis.Diagnosis { return causeOf(err, c).describe(c) }

// serviceError is what the clients' typed errors have in common.
type serviceError interface {
	error
	Service() string
	HTTPStatus() int
	ErrorCode() string
	ServiceRequestID() string
}

// cause is why something failed, with what a service answered and the words that its text added.
type cause struct {
	code     diagnosis.Code
	evidence *diagnosis.Evidence
	target   string // what was asked, where the error names it
	words    words
	ready    *diagnosis.Diagnosis
}

// words are what could be extracted from an answer. They only explain; nothing is decided by them.
type words struct {
	field  string
	pair   assessment.Pair
	detail string
}

func (k cause) describe(c diagnosis.Context) diagnosis.Diagnosis {
	if k.ready != nil {
		return *k.ready
	}
	if k.target != "" {
		c.Target = k.target
	}
	d := diagnosis.New(k.code, diagnosis.WithContext(c))
	d.Evidence = k.evidence
	if k.words.detail != "" {
		d.Detail += " " + k.words.detail
	}
	return d
}

func causeOf(err error, c diagnosis.Context) cause {
	var ready *diagnosis.Error
	if errors.As(err, &ready) {
		return cause{ready: &ready.Diagnosis}
	}
	if err == nil {
		return cause{code: diagnosis.CodeInternal}
	}
	if own, ok := ownInfrastructure(err, c); ok {
		return own
	}
	var foreign interface {
		ForeignStatus() int
		ForeignService() string
	}
	if errors.As(err, &foreign) {
		return cause{code: diagnosis.CodeAnswerNotFromService, evidence: &diagnosis.Evidence{
			Service: foreign.ForeignService(), HTTPStatus: foreign.ForeignStatus()}}
	}
	if k, ok := exchangeCause(err, c); ok {
		return k
	}
	var service serviceError
	if errors.As(err, &service) {
		return serviceCause(service, c)
	}
	var response *azcore.ResponseError
	if errors.As(err, &response) {
		return responseCause(response, c)
	}
	if code := networkCode(err); code != "" {
		return cause{code: code, words: networkWords(err, c)}
	}
	// What azidentity cannot do it marks so. The federated identity's own failures are typed and were met above.
	var identity interface{ NonRetriable() }
	if errors.As(err, &identity) && !strings.HasPrefix(string(c.Operation), "access.") {
		return cause{code: diagnosis.CodeServiceIdentityUnavailable}
	}
	return cause{code: diagnosis.CodeUnrecognised}
}

// byStatus is the code for a status that means the same whatever the service's own code is.
func byStatus(status int, throttled, unavailable diagnosis.Code) diagnosis.Code {
	switch {
	case status == http.StatusTooManyRequests:
		return throttled
	case status >= http.StatusInternalServerError, status == http.StatusRequestTimeout:
		return unavailable
	default:
		return ""
	}
}
