package servicebus

import "errors"

// Operations of an AMQP link that can be disturbed.
const (
	OperationSend   = "SEND"   // a peer sends to a queue or topic
	OperationSettle = "SETTLE" // a consumer decides about a message that it has locked
)

// ConditionDetachForced is how Service Bus ends a link that it moves to another node.
// Source: https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-troubleshoot, "Link is closed".
const ConditionDetachForced Condition = "amqp:link:detach-forced"

// Disturbance is what goes wrong with one operation.
type Disturbance struct {
	// Done tells whether the operation is carried out all the same.
	Done bool
	// Cut ends the connection without a word.
	Cut bool
	// Code and Message are told otherwise. A link on which a peer sends is detached with them; whoever settles loses
	// the lock. Without Code they are amqp:link:detach-forced and com.microsoft:message-lock-lost.
	Code    Condition
	Message string
}

// ErrCut is the failure of an operation whose connection is to be cut.
var ErrCut = errors.New("servicebus: the connection is cut")

// Disturbed asks whether an operation on a queue, topic or subscription is to go wrong.
func (b *Broker) Disturbed(operation, path string) (Disturbance, bool) {
	if b.options.Disturb == nil {
		return Disturbance{}, false
	}
	return b.options.Disturb(operation, path)
}

// Error is what the peer is told; ordinary is said where the disturbance names no code.
func (d Disturbance) Error(ordinary *Error) error {
	switch {
	case d.Cut:
		return ErrCut
	case d.Code == "":
		return ordinary
	}
	return &Error{Condition: d.Code, Description: d.Message}
}

// DetachForced is the failure of a link that the broker ends by itself.
func DetachForced() *Error {
	return &Error{ConditionDetachForced, "The link is force detached by the broker."}
}
