package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
)

// Error is an answer of Graph other than the documented success. A request that got no answer at all is no *Error: it
// is wrapped as the transport or the credential returned it.
type Error struct {
	// Op is what was tried, such as "create application".
	Op         string
	StatusCode int
	// Code is error.code, such as Request_ResourceNotFound; empty if the body was no error of Graph's (a gateway's
	// page).
	Code string
	// DetailCodes are error.details[].code, such as NoBackingApplicationObject.
	DetailCodes []string
	// Message is error.message. It may name objects of the tenant; it is never part of Error().
	Message   string
	RequestID string
	// Wait is how long Graph asked to wait, zero if it did not.
	Wait time.Duration
	// InBatch is true where the answer is to one request of a batch, which no pipeline has repeated.
	InBatch bool
}

// Error names the operation, status, code and request id, and nothing of the body besides.
func (e *Error) Error() string {
	code := e.Code
	if code == "" {
		code = "no error code"
	}
	return fmt.Sprintf("graph: %s: %d %s (request-id %s)", e.Op, e.StatusCode, code, e.RequestID)
}

// Service is "graph".
func (e *Error) Service() string { return "graph" }

// HTTPStatus is the status of the answer.
func (e *Error) HTTPStatus() int { return e.StatusCode }

// ErrorCode is Graph's error.code.
func (e *Error) ErrorCode() string { return e.Code }

// ErrorDetailCodes are Graph's error.details[].code.
func (e *Error) ErrorDetailCodes() []string { return e.DetailCodes }

// RetryAfter is how long Graph asked to wait; zero if it did not.
func (e *Error) RetryAfter() time.Duration { return e.Wait }

// IsPart reports whether the answer is to one request of a batch.
func (e *Error) IsPart() bool { return e.InBatch }

// ServiceRequestID is Graph's request-id.
func (e *Error) ServiceRequestID() string { return e.RequestID }

// ServiceMessage is Graph's error.message: the only place where Graph tells some causes apart.
func (e *Error) ServiceMessage() string { return e.Message }

// IsNotFound reports whether err is Graph's 404.
func IsNotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.StatusCode == http.StatusNotFound
}

// errorBody is Graph's error document. innererror is how Graph spells it today, innerError how it did.
type errorBody struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Details []struct {
			Code string `json:"code"`
		} `json:"details"`
		InnerError struct { // encoding/json matches names in any case
			RequestID string `json:"request-id"`
		} `json:"innerError"`
	} `json:"error"`
}

// own are Graph's answers. Source: learn.microsoft.com, Microsoft Graph error responses.
var own = azure.Service{Name: "graph", RequestID: []string{headerRequestID}, IsRefusal: isRefusal}

// isRefusal reports whether a body is an error of Graph's.
func isRefusal(raw []byte, hasID bool) bool {
	var body errorBody
	return json.Unmarshal(raw, &body) == nil && body.Error.Code != "" &&
		(hasID || body.Error.InnerError.RequestID != "")
}

// newError reads an error response. A body that is not Graph's leaves Code empty.
func newError(op string, resp *http.Response) *Error {
	e := &Error{
		Op: op, StatusCode: resp.StatusCode,
		RequestID: resp.Header.Get(headerRequestID), Wait: azure.RetryAfter(resp.Header, time.Now()),
	}
	raw, err := runtime.Payload(resp)
	if err != nil {
		return e
	}
	e.read(raw)
	return e
}

// read takes what Graph's error document states. A body that is not Graph's leaves Code empty.
func (e *Error) read(raw []byte) {
	var body errorBody
	if json.Unmarshal(raw, &body) != nil {
		return
	}
	e.Code, e.Message = body.Error.Code, body.Error.Message
	for _, d := range body.Error.Details {
		if d.Code != "" {
			e.DetailCodes = append(e.DetailCodes, d.Code)
		}
	}
	if e.RequestID == "" {
		e.RequestID = body.Error.InnerError.RequestID
	}
}
