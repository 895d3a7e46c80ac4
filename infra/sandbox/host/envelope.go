package host

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
)

// envelope is the body of an invocation in payload mode.
type envelope struct {
	Data     map[string]any
	Metadata map[string]any
}

// encode writes compact JSON and leaves <, > and & alone, as Newtonsoft does.
func (e envelope) encode() ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(e); err != nil {
		return nil, fmt.Errorf("encode the invocation: %w", err)
	}
	return bytes.TrimRight(buffer.Bytes(), "\n"), nil
}

// Layouts of times in the envelope. Fractions of seconds are lost on the way, and the Utc twins have no zone.
const (
	layoutUTC    = "2006-01-02T15:04:05"
	layoutOffset = "2006-01-02T15:04:05-07:00"
	layoutSys    = "2006-01-02T15:04:05.0000000Z07:00"
)

// doubled is the rule for every scalar and array: its JSON, put into a JSON string.
func doubled(value any) string {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "null" // scalars and string slices always encode
	}
	return strings.TrimRight(buffer.String(), "\n")
}

func system(function string, now time.Time) map[string]any {
	return map[string]any{"MethodName": function, "UtcNow": now.UTC().Format(layoutSys), "RandGuid": uuid.NewString()}
}

// messageEnvelope is the invocation for one Service Bus message.
func messageEnvelope(f *function, m servicebus.Message, namespace string, now time.Time) envelope {
	metadata := messageMetadata(m, namespace)
	metadata["sys"] = system(f.name, now)
	if f.trigger.isBinary() {
		return envelope{Data: map[string]any{f.trigger.Name: base64.StdEncoding.EncodeToString(m.Body)},
			Metadata: metadata}
	}
	text := strings.ToValidUTF8(string(m.Body), "\uFFFD")
	leak(text, metadata)
	return envelope{Data: map[string]any{f.trigger.Name: doubled(text)}, Metadata: metadata}
}

func messageMetadata(m servicebus.Message, namespace string) map[string]any {
	properties := applicationProperties(m)
	metadata := map[string]any{
		"MessageReceiver": map[string]any{}, "MessageSession": map[string]any{}, "MessageActions": map[string]any{},
		"SessionActions": map[string]any{}, "ReceiveActions": map[string]any{},
		"Client": map[string]any{"FullyQualifiedNamespace": namespace, "IsClosed": false, "TransportType": 0,
			"Identifier": namespace + "-" + uuid.NewString()},
		"DeliveryCount": strconv.Itoa(m.DeliveryCount), "SequenceNumber": strconv.FormatInt(m.SequenceNumber, 10),
		"ApplicationProperties": properties, "UserProperties": properties,
	}
	for name, value := range map[string]string{
		"MessageId": m.MessageID, "SessionId": m.SessionID, "ContentType": m.ContentType,
		"CorrelationId": m.CorrelationID,
		"Subject":       m.Subject, "Label": m.Subject, "To": m.To, "ReplyTo": m.ReplyTo, "LockToken": m.LockToken,
		"PartitionKey": m.SessionID,
	} {
		if value != "" { // null ones are left out
			metadata[name] = doubled(value)
		}
	}
	putTime(metadata, "EnqueuedTime", m.EnqueuedAt)
	expires := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	if !m.ExpiresAt.IsZero() {
		expires = m.ExpiresAt
	}
	putTime(metadata, "ExpiresAt", expires)
	return metadata
}

func putTime(metadata map[string]any, name string, t time.Time) {
	metadata[name+"Utc"] = t.UTC().Format(layoutUTC)
	metadata[name] = t.UTC().Format(layoutOffset)
}

func applicationProperties(m servicebus.Message) map[string]any {
	properties := make(map[string]any, len(m.Properties)+2)
	for name, value := range m.Properties {
		if t, ok := value.(time.Time); ok {
			value = t.UTC().Format(layoutOffset)
		}
		properties[name] = value
	}
	for name, value := range map[string]string{"DeadLetterReason": m.DeadLetterReason,
		"DeadLetterErrorDescription": m.DeadLetterDescription} {
		if value != "" {
			properties[name] = value
		}
	}
	return properties
}

// leak copies the members of a body that is a JSON object into the metadata, over whatever is there by that name: with
// text bindings the sender can pretend to be the broker. This is the real host's behaviour, and the reason for
// dataType binary.
func leak(text string, metadata map[string]any) {
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var members map[string]any
	if decoder.Decode(&members) != nil {
		return
	}
	for name, member := range members {
		var value any
		switch v := member.(type) {
		case nil, []any:
			continue
		case map[string]any:
			value = v
		case bool: // .NET writes True and False
			value = doubled(strings.ToUpper(strconv.FormatBool(v)[:1]) + strconv.FormatBool(v)[1:])
		default:
			value = doubled(fmt.Sprint(v))
		}
		for existing := range metadata {
			if strings.EqualFold(existing, name) {
				delete(metadata, existing)
			}
		}
		metadata[name] = value
	}
}

// timerStatus is what the host knows of a timer's runs.
type timerStatus struct {
	Last        string
	Next        string
	LastUpdated string
}

// timerEnvelope is the invocation for one tick; a nil status means that the schedule is not monitored.
func timerEnvelope(f *function, status *timerStatus, pastDue bool, now time.Time) envelope {
	info := map[string]any{"Schedule": map[string]any{"AdjustForDST": true}, "ScheduleStatus": nil,
		"IsPastDue": pastDue}
	if status != nil {
		info["ScheduleStatus"] = status
	}
	return envelope{Data: map[string]any{f.trigger.Name: info}, Metadata: map[string]any{"sys": system(f.name, now)}}
}
