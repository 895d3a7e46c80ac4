package servicebus

// Condition is an AMQP error condition, the code by which Service Bus names a failure.
type Condition string

// The conditions that the broker uses. The ones of Microsoft's own are listed in "AMQP errors in Azure Service Bus".
const (
	ConditionNotFound            Condition = "amqp:not-found"
	ConditionNotAllowed          Condition = "amqp:not-allowed"
	ConditionNotImplemented      Condition = "amqp:not-implemented"
	ConditionInvalidField        Condition = "amqp:invalid-field"
	ConditionDecodeError         Condition = "amqp:decode-error"
	ConditionInternalError       Condition = "amqp:internal-error"
	ConditionUnauthorizedAccess  Condition = "amqp:unauthorized-access"
	ConditionConnectionForced    Condition = "amqp:connection:forced"
	ConditionMessageSizeExceeded Condition = "amqp:link:message-size-exceeded"
	ConditionTimeout             Condition = "com.microsoft:timeout"
	ConditionLockLost            Condition = "com.microsoft:message-lock-lost"
	ConditionSessionLockLost     Condition = "com.microsoft:session-lock-lost"
	ConditionSessionUnavailable  Condition = "com.microsoft:session-cannot-be-locked"
	ConditionMessageNotFound     Condition = "com.microsoft:message-not-found"
)

// Error is a failure as Service Bus reports it.
type Error struct {
	Condition   Condition
	Description string // for people; Service Bus's own wording where it is known
}

// Error implements error.
func (e *Error) Error() string { return string(e.Condition) + ": " + e.Description }

// Is makes errors.Is compare conditions, so that &Error{Condition: ConditionLockLost} finds any lost lock.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Condition == e.Condition
}

func notFound(path string) *Error {
	return &Error{ConditionNotFound, "The messaging entity '" + path + "' could not be found. To know more visit " +
		"https://aka.ms/sbResourceMgrExceptions."}
}

func lockLost() *Error {
	return &Error{ConditionLockLost, "The lock supplied is invalid. Either the lock expired, or the message has " +
		"already been removed from the queue. " +
		"For more information please see https://aka.ms/ServiceBusExceptions."}
}

func SessionLockLost(id string) *Error {
	return &Error{ConditionSessionLockLost, "The session lock has expired on the MessageSession '" + id +
		"'. Accept a new MessageSession. " +
		"For more information please see https://aka.ms/ServiceBusExceptions."}
}

func brokerClosed() *Error {
	return &Error{ConditionConnectionForced, "The broker is closed."}
}
