package door

import (
	"errors"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// maxReplies is how many replies may wait for the peer's credit on one link.
const maxReplies = 1000

// reply is the answer to a request on $cbs or $management.
type reply struct {
	status    int32 // as in HTTP
	text      string
	condition servicebus.Condition // of an error
	body      any
}

// request answers a request. The reply goes to the link of this connection that receives from the same node and that
// reply-to names, by its target address or, as Microsoft's JavaScript SDK has it, by its name.
func (c *connection) request(node string, m *amqp.Message, answer func(*amqp.Message) reply) error {
	if m.Properties == nil || m.Properties.ReplyTo == nil {
		return &servicebus.Error{Condition: servicebus.ConditionInvalidField,
			Description: "The request has no reply-to."}
	}
	to := c.replyLink(node, *m.Properties.ReplyTo)
	if to == nil {
		return &servicebus.Error{Condition: servicebus.ConditionNotFound,
			Description: "No link receives replies at '" + *m.Properties.ReplyTo + "'."}
	}
	if len(to.pending) >= maxReplies {
		return &servicebus.Error{Condition: "amqp:resource-limit-exceeded",
			Description: "Too many replies are waiting for credit."}
	}
	r := answer(m)
	payload, err := r.encode(node, m.Properties)
	if err != nil {
		return err
	}
	to.pending = append(to.pending, &outbound{payload: payload})
	return nil
}

func (c *connection) replyLink(node, address string) *outgoing {
	for _, ch := range c.channels {
		for _, l := range ch.links {
			o, ok := l.(*outgoing)
			if ok && o.replies == node && (o.attach.Target.Address() == address || o.name == address) {
				return o
			}
		}
	}
	return nil
}

// encode makes the reply message. The two nodes spell the status differently, as in Service Bus.
func (r reply) encode(node string, request *amqp.Properties) ([]byte, error) {
	code, description, condition := "statusCode", "statusDescription", "errorCondition"
	if node == servicebus.CBSNode {
		code, description, condition = "status-code", "status-description", "error-condition"
	}
	body, err := amqp.ValueBody(r.body)
	if err != nil {
		return nil, err
	}
	m := &amqp.Message{Properties: &amqp.Properties{CorrelationID: request.MessageID}, Body: body,
		ApplicationProperties: amqp.Map{{Key: code, Value: r.status}, {Key: description, Value: r.text}}}
	if request.CorrelationID != nil {
		m.Properties.CorrelationID = request.CorrelationID
	}
	if r.condition != "" {
		m.ApplicationProperties = append(m.ApplicationProperties,
			amqp.Entry{Key: condition, Value: amqp.Symbol(r.condition)})
	}
	return amqp.AppendMessage(nil, m)
}

// failure is the reply that reports an error.
func failure(err error) reply {
	var e *servicebus.Error
	if !errors.As(err, &e) {
		e = &servicebus.Error{Condition: servicebus.ConditionInternalError, Description: err.Error()}
	}
	status := int32(500)
	switch e.Condition {
	case servicebus.ConditionNotFound, servicebus.ConditionMessageNotFound:
		status = 404
	case servicebus.ConditionLockLost, servicebus.ConditionSessionLockLost:
		status = 410
	case servicebus.ConditionUnauthorizedAccess:
		status = 401
	case servicebus.ConditionNotAllowed, servicebus.ConditionInvalidField, servicebus.ConditionDecodeError:
		status = 400
	case servicebus.ConditionNotImplemented:
		status = 501
	}
	return reply{status: status, text: e.Description, condition: e.Condition}
}

// cbs answers put-token.
func (c *connection) cbs(m *amqp.Message) reply {
	if operation, _ := property(m, "operation"); operation != "put-token" {
		return failure(&servicebus.Error{Condition: servicebus.ConditionNotImplemented,
			Description: "The operation '" + operation + "' is not supported."})
	}
	kind, _ := property(m, "type")
	audience, ok := property(m, "name")
	token, isText := m.Value().(string)
	if !ok || !isText {
		return failure(&servicebus.Error{Condition: servicebus.ConditionInvalidField,
			Description: "put-token needs a name and a token."})
	}
	if err := c.putToken(kind, audience, token); err != nil {
		return failure(err)
	}
	return reply{status: 202, text: "Accepted"}
}

func property(m *amqp.Message, name string) (string, bool) {
	v, _ := m.ApplicationProperties.Get(name)
	switch v := v.(type) {
	case string:
		return v, true
	case amqp.Symbol:
		return string(v), true
	}
	return "", false
}
