package protocol

import (
	"encoding/base64"
	"time"
)

// Message is one message of a Service Bus trigger with `"dataType": "binary"`: exact bytes, and metadata that the
// body cannot overwrite (without that setting, members of a JSON body leak into the metadata).
type Message struct {
	Body      []byte
	MessageID string
	SessionID string
	// DeliveryCount starts at 1.
	DeliveryCount         int
	EnqueuedAt            time.Time
	ApplicationProperties map[string]any
}

// Messages returns the messages of a Service Bus invocation: one with `"cardinality": "one"`, any number with "many".
// The error wraps ErrEnvelope.
func (i *Invocation) Messages() ([]Message, error) {
	value, err := i.trigger()
	if err != nil {
		return nil, err
	}
	values, batch := value.elements()
	if !batch {
		m, err := message(value, i.Metadata)
		if err != nil {
			return nil, err
		}
		return []Message{m}, nil
	}
	messages := make([]Message, 0, len(values))
	for n, v := range values {
		m, err := message(v, i.Metadata.at(n))
		if err != nil {
			return nil, err
		}
		messages = append(messages, m)
	}
	return messages, nil
}

func message(value Value, metadata Metadata) (Message, error) {
	body, err := value.body()
	if err != nil {
		return Message{}, err
	}
	m := Message{Body: body, ApplicationProperties: metadata.Object("ApplicationProperties")}
	if m.ApplicationProperties == nil { // the older name of the same
		m.ApplicationProperties = metadata.Object("UserProperties")
	}
	if m.MessageID, err = metadata.String("MessageId"); err != nil {
		return Message{}, err
	}
	if m.SessionID, err = metadata.String("SessionId"); err != nil {
		return Message{}, err
	}
	if m.DeliveryCount, err = metadata.Int("DeliveryCount"); err != nil {
		return Message{}, err
	}
	for _, key := range []string{"EnqueuedTimeUtc", "EnqueuedTime"} {
		if m.EnqueuedAt, err = metadata.Time(key); err != nil || !m.EnqueuedAt.IsZero() {
			break
		}
	}
	return m, err
}

// body returns a message's bytes: base64 as the host writes binary values, else the text itself, which is what a
// binding without dataType and an operator's POST /admin/functions/{name} give.
func (v Value) body() ([]byte, error) {
	text, err := v.text()
	if err != nil {
		return nil, err
	}
	if v.isString() {
		if raw, err := base64.StdEncoding.Strict().DecodeString(text); err == nil {
			return raw, nil
		}
	}
	return []byte(text), nil
}
