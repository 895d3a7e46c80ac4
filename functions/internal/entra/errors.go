package entra

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// ExchangeError is a refusal of the token service, as codes and ids. Its text never holds a body or an assertion.
type ExchangeError struct {
	oauthError    string
	aadsts        int
	status        int
	requestID     string
	correlationID string
	explained     explanation
}

// Error shows status, OAuth error and AADSTS number.
func (e *ExchangeError) Error() string {
	if e.aadsts == 0 {
		return fmt.Sprintf("token exchange: status %d, %s", e.status, orDash(e.oauthError))
	}
	return fmt.Sprintf("token exchange: status %d, %s, AADSTS%d", e.status, orDash(e.oauthError), e.aadsts)
}

// OAuthError is the member error of the answer, such as invalid_client; empty where the body was no JSON.
func (e *ExchangeError) OAuthError() string { return e.oauthError }

// AADSTS is the first of error_codes, else the number in the text; 0 where there is none.
func (e *ExchangeError) AADSTS() int { return e.aadsts }

// HTTPStatus is the status of the answer.
func (e *ExchangeError) HTTPStatus() int { return e.status }

// ServiceRequestID is the answer's x-ms-request-id, else its trace_id.
func (e *ExchangeError) ServiceRequestID() string { return e.requestID }

// CorrelationID is the answer's correlation_id.
func (e *ExchangeError) CorrelationID() string { return e.correlationID }

// Presented returns what the assertion held according to the service; empty where it does not tell, or masks it.
func (e *ExchangeError) Presented() (issuer, subject, audience string) {
	return e.explained.issuer, e.explained.subject, e.explained.audience
}

// ExpectedSubject returns the credential's subject according to the service; empty where it does not tell.
func (e *ExchangeError) ExpectedSubject() string { return e.explained.expectedSubject }

// Explanation is a sentence made of the other values that the text holds (times, key id, identifiers), or empty.
func (e *ExchangeError) Explanation() string { return e.explained.sentence() }

// NetworkError means that the token service gave no answer.
type NetworkError struct {
	// Err is the transport's error, or nil where it is not known.
	Err error
}

// Error names the cause without its text where that is not one of Go's own network errors.
func (e *NetworkError) Error() string {
	if e.Err == nil {
		return "token exchange: no answer"
	}
	return "token exchange: no answer: " + e.Err.Error()
}

// Unwrap returns the transport's error.
func (e *NetworkError) Unwrap() error { return e.Err }

// Classify turns azidentity's AuthenticationFailedError into an *ExchangeError. Where there was no answer it returns a
// *NetworkError without a cause; any other error is returned as it is.
func Classify(err error) error {
	var exchange *ExchangeError
	var network *NetworkError
	if errors.As(err, &exchange) || errors.As(err, &network) {
		return err
	}
	var failed *azidentity.AuthenticationFailedError
	if !errors.As(err, &failed) {
		return err
	}
	if failed.RawResponse == nil {
		return &NetworkError{}
	}
	return fromResponse(failed.RawResponse)
}

// answer is the body of a refusal.
type answer struct {
	Error         string `json:"error"`
	Description   string `json:"error_description"`
	Codes         []int  `json:"error_codes"`
	TraceID       string `json:"trace_id"`
	CorrelationID string `json:"correlation_id"`
}

// fromResponse reads the refusal. runtime.Payload leaves the body readable for others.
func fromResponse(resp *http.Response) *ExchangeError {
	e := &ExchangeError{status: resp.StatusCode, requestID: clean(resp.Header.Get("x-ms-request-id"))}
	body, err := runtime.Payload(resp)
	if err != nil {
		return e
	}
	var a answer
	if json.Unmarshal(body, &a) != nil {
		// A throttled request is answered in plain text; the status is enough.
		return e
	}
	e.oauthError, e.correlationID = clean(a.Error), clean(a.CorrelationID)
	if e.requestID == "" {
		e.requestID = clean(a.TraceID)
	}
	e.aadsts = number(a)
	e.explained = explain(a.Description)
	return e
}

// number prefers error_codes over the text.
func number(a answer) int {
	if len(a.Codes) > 0 && a.Codes[0] > 0 {
		return a.Codes[0]
	}
	return numberInText(a.Description)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return strings.TrimSpace(s)
}
