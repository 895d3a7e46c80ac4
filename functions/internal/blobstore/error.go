package blobstore

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// Error is an answer of the blob service that is neither success nor one of the Store contract's errors: a missing
// right, a closed firewall, a missing container. It wraps the SDK's *azcore.ResponseError, whose own text holds the
// body.
type Error struct {
	// Op is what was tried, such as "read"; Key is the record.
	Op, Key    string
	StatusCode int
	// Code is the storage error code, such as AuthorizationPermissionMismatch.
	Code      string
	RequestID string

	err error
}

// Error names the operation, key, status, code and request id, and nothing of the body.
func (e *Error) Error() string {
	return fmt.Sprintf("blobstore: %s %s: %d %s (request-id %s)", e.Op, e.Key, e.StatusCode, e.Code, e.RequestID)
}

// Unwrap returns the SDK's error.
func (e *Error) Unwrap() error { return e.err }

// Service is "storage".
func (e *Error) Service() string { return "storage" }

// HTTPStatus is the status of the answer.
func (e *Error) HTTPStatus() int { return e.StatusCode }

// ErrorCode is the storage error code.
func (e *Error) ErrorCode() string { return e.Code }

// ServiceRequestID is the service's x-ms-request-id.
func (e *Error) ServiceRequestID() string { return e.RequestID }

func wrap(op, key string, err error) error {
	var answer *azcore.ResponseError
	if !errors.As(err, &answer) {
		return fmt.Errorf("blobstore: %s %s: %w", op, key, err)
	}
	e := &Error{Op: op, Key: key, StatusCode: answer.StatusCode, Code: answer.ErrorCode, err: err}
	if answer.RawResponse != nil {
		e.RequestID = answer.RawResponse.Header.Get("x-ms-request-id")
	}
	return e
}

// metadataWriteID is the blob metadata that names the write which made a version.
const metadataWriteID = "writeid"

type attemptsKey struct{}

// countAttempts counts the attempts of a request whose context asks for it.
type countAttempts struct{}

func (countAttempts) Do(req *policy.Request) (*http.Response, error) {
	if n, ok := req.Raw().Context().Value(attemptsKey{}).(*int); ok {
		*n++
	}
	return req.Next()
}
