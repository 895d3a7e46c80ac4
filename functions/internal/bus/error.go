package bus

import (
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"
)

// CodeTooLarge is the code of a message that exceeds the entity's limit; the SDK has none for it.
const CodeTooLarge = "toolarge"

var errClosed = errors.New("the client is closed")

// Error is a message that was not sent, or a link that could not be opened.
type Error struct {
	// Op is what was tried ("send", "open link"), Entity the queue or topic.
	Op, Entity string
	// Code is azservicebus.Error's (unauthorized, connlost, notfound, timeout, closed), CodeTooLarge, or the AMQP
	// condition where the SDK has no code (com.microsoft:entity-disabled, amqp:resource-limit-exceeded). It is empty
	// where the service said nothing: no token, or the context ended. Unwrap tells those apart.
	Code string

	err error
}

// Error names the operation, the entity, the code and the SDK's words.
func (e *Error) Error() string {
	if e.Entity == "" {
		return fmt.Sprintf("bus: %s: %v", e.Op, e.err)
	}
	return fmt.Sprintf("bus: %s %s: %v", e.Op, e.Entity, e.err)
}

// Unwrap returns the SDK's error.
func (e *Error) Unwrap() error { return e.err }

// Service is "servicebus".
func (e *Error) Service() string { return "servicebus" }

// HTTPStatus is 0: AMQP has none.
func (e *Error) HTTPStatus() int { return 0 }

// ErrorCode is Code.
func (e *Error) ErrorCode() string { return e.Code }

// ServiceRequestID is empty: AMQP has none.
func (e *Error) ServiceRequestID() string { return "" }

func newError(op, entity string, err error) *Error {
	e := &Error{Op: op, Entity: entity, err: err}
	var coded *azservicebus.Error
	var condition *amqp.Error
	switch {
	case errors.As(err, &coded):
		e.Code = string(coded.Code)
	case errors.Is(err, azservicebus.ErrMessageTooLarge):
		e.Code = CodeTooLarge
	case errors.Is(err, errClosed):
		e.Code = string(azservicebus.CodeClosed)
	case errors.As(err, &condition):
		e.Code = string(condition.Condition)
		if condition.Condition == amqp.ErrCondNotFound {
			e.Code = string(azservicebus.CodeNotFound) // the SDK knows it by an HTTP-like 404 only
		}
	}
	return e
}

// isLinkFailure reports whether the sender is better replaced than used again. The SDK recovers from what it thinks
// transient; after a detach that it thinks final it would offer the dead link for ever.
func (e *Error) isLinkFailure() bool {
	switch e.Code {
	// the SDK thinks of a cancelled call, and would offer the link that hangs again
	case string(azservicebus.CodeTimeout):
		return true
	case string(azservicebus.CodeClosed), string(azservicebus.CodeConnectionLost), string(azservicebus.CodeNotFound),
		string(azservicebus.CodeUnauthorizedAccess), CodeTooLarge: // these hide whether there was a detach
		return true
	}
	var detached *amqp.LinkError
	return errors.As(e.err, &detached)
}
