package arm

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
)

// Error is an answer of ARM other than the documented success. It wraps the SDK's *azcore.ResponseError, whose own
// text holds the whole body. A request that got no answer at all is no *Error.
type Error struct {
	// Op is what was tried, such as "put role assignment".
	Op         string
	StatusCode int
	// Code is error.code, such as RoleAssignmentExists; empty if the body was no error of ARM's.
	Code string
	// Message is error.message. It may name objects of the customer; it is never part of Error().
	Message   string
	RequestID string
	// Wait is how long ARM asked to wait, zero if it did not.
	Wait time.Duration

	err error
}

// Error names the operation, status, code and request id, and nothing of the body besides.
func (e *Error) Error() string {
	code := e.Code
	if code == "" {
		code = "no error code"
	}
	return fmt.Sprintf("arm: %s: %d %s (request-id %s)", e.Op, e.StatusCode, code, e.RequestID)
}

// Unwrap returns the SDK's *azcore.ResponseError.
func (e *Error) Unwrap() error { return e.err }

// Service is "arm".
func (e *Error) Service() string { return "arm" }

// HTTPStatus is the status of the answer.
func (e *Error) HTTPStatus() int { return e.StatusCode }

// ErrorCode is ARM's error.code.
func (e *Error) ErrorCode() string { return e.Code }

// RetryAfter is how long ARM asked to wait; zero if it did not.
func (e *Error) RetryAfter() time.Duration { return e.Wait }

// ServiceRequestID is ARM's x-ms-request-id.
func (e *Error) ServiceRequestID() string { return e.RequestID }

// ServiceMessage is ARM's error.message.
func (e *Error) ServiceMessage() string { return e.Message }

// wrap turns an error of the SDK into *Error where there was an answer.
func wrap(op string, err error) error {
	var answer *azcore.ResponseError
	if !errors.As(err, &answer) {
		return fmt.Errorf("arm: %s: %w", op, err)
	}
	e := &Error{Op: op, StatusCode: answer.StatusCode, Code: answer.ErrorCode, err: err}
	if resp := answer.RawResponse; resp != nil {
		e.RequestID = resp.Header.Get(headerRequestID)
		e.Wait = azure.RetryAfter(resp.Header, time.Now())
		e.Message = messageOf(resp)
	}
	return e
}

// wrapAnswered is wrap for an error that may be about a success whose body is not the JSON that was asked for; resp is
// nil where there was no answer. The SDK's own error does not tell the two apart, nor from a body that broke off.
func wrapAnswered(op string, err error, resp *http.Response) error {
	var answer *azcore.ResponseError
	if resp == nil || errors.As(err, &answer) {
		return wrap(op, err)
	}
	if _, cut := runtime.Payload(resp); cut != nil {
		return wrap(op, err)
	}
	return undecodable(op, resp, err)
}

// undecodable is the error of a success whose body is not the JSON that ARM documents: it proves nothing, and was
// answered.
func undecodable(op string, resp *http.Response, err error) *Error {
	return &Error{Op: op, StatusCode: resp.StatusCode, RequestID: resp.Header.Get(headerRequestID),
		err: fmt.Errorf("answer is not the expected JSON: %w", err)}
}

// errIncomplete is why an answer proves nothing that is JSON, or empty, which the SDK takes for any value.
var errIncomplete = errors.New("it lacks what was asked for")

func messageOf(resp *http.Response) string {
	raw, err := runtime.Payload(resp)
	if err != nil {
		return ""
	}
	var body struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(raw, &body) != nil {
		return ""
	}
	return body.Error.Message
}
