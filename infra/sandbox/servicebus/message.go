package servicebus

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// Names that Service Bus gives meaning to.
const (
	AnnotationSequence         = amqp.Symbol("x-opt-sequence-number")
	AnnotationOriginalSequence = amqp.Symbol("x-opt-enqueue-sequence-number")
	AnnotationEnqueued         = amqp.Symbol("x-opt-enqueued-time")
	annotationScheduled        = amqp.Symbol("x-opt-scheduled-enqueue-time")
	AnnotationLockedUntil      = amqp.Symbol("x-opt-locked-until")
	AnnotationState            = amqp.Symbol("x-opt-message-state")
	AnnotationDeadLetterSource = amqp.Symbol("x-opt-deadletter-source")
	AnnotationLockToken        = amqp.Symbol("x-opt-lock-token")

	PropertyReason      = "DeadLetterReason"
	PropertyDescription = "DeadLetterErrorDescription"
)

// Message is a message as Go code sees it. To send one, the fields up to ScheduledAt and TTL matter; the broker fills
// in the rest, and the MessageID if there is none.
type Message struct {
	MessageID     string         `json:"messageId,omitempty"`
	SessionID     string         `json:"sessionId,omitempty"`
	ContentType   string         `json:"contentType,omitempty"`
	Subject       string         `json:"subject,omitempty"`
	CorrelationID string         `json:"correlationId,omitempty"`
	To            string         `json:"to,omitempty"`
	ReplyTo       string         `json:"replyTo,omitempty"`
	Body          []byte         `json:"body,omitempty"`
	Properties    map[string]any `json:"properties,omitempty"` // application properties

	ScheduledAt time.Time     `json:"scheduledAt,omitzero"` // when it becomes active; zero: at once
	TTL         time.Duration `json:"ttl,omitempty"`        // 0: the entity's default

	State      string    `json:"state,omitempty"` // "active", "deferred" or "scheduled"
	EnqueuedAt time.Time `json:"enqueuedAt,omitzero"`
	ExpiresAt  time.Time `json:"expiresAt,omitzero"` // zero: never
	// deliveries so far; 1 when it is received for the first time
	DeliveryCount         int       `json:"deliveryCount,omitempty"`
	SequenceNumber        int64     `json:"sequenceNumber,omitempty"`   //
	LockToken             string    `json:"lockToken,omitempty"`        // empty: not locked
	LockedUntil           time.Time `json:"lockedUntil,omitzero"`       //
	DeadLetterSource      string    `json:"deadLetterSource,omitempty"` // where it was before it was dead-lettered
	DeadLetterReason      string    `json:"deadLetterReason,omitempty"`
	DeadLetterDescription string    `json:"deadLetterDescription,omitempty"`
}

// wire makes the AMQP message that m describes.
func (m Message) wire() (*amqp.Message, error) {
	out := &amqp.Message{Header: &amqp.Header{Durable: true}, Properties: &amqp.Properties{},
		Body: amqp.AppendData(nil, m.Body)}
	p := out.Properties
	if m.MessageID != "" {
		p.MessageID = m.MessageID
	}
	if m.CorrelationID != "" {
		p.CorrelationID = m.CorrelationID
	}
	p.GroupID, p.ContentType, p.Subject = text(m.SessionID), text(m.ContentType), text(m.Subject)
	p.To, p.ReplyTo = text(m.To), text(m.ReplyTo)
	if m.TTL > 0 {
		ttl := Milliseconds(m.TTL)
		out.Header.TTL = &ttl
	}
	if !m.ScheduledAt.IsZero() {
		out.Annotations = amqp.Map{{Key: annotationScheduled, Value: amqp.Timestamp(m.ScheduledAt.UnixMilli())}}
	}
	for _, key := range slices.Sorted(maps.Keys(m.Properties)) {
		v, err := wireValue(m.Properties[key])
		if err != nil {
			return nil, fmt.Errorf("property %s: %w", key, err)
		}
		out.ApplicationProperties = append(out.ApplicationProperties, amqp.Entry{Key: key, Value: v})
	}
	return out, nil
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Milliseconds is d in an AMQP milliseconds field, which ends at 49 days.
func Milliseconds(d time.Duration) uint32 {
	return uint32(min(max(d.Milliseconds(), 1), math.MaxUint32))
}

// wireValue converts a property's value to what AMQP can carry; application properties hold simple types only.
func wireValue(v any) (any, error) {
	switch v := v.(type) {
	case nil, bool, uint8, uint16, uint32, uint64, int8, int16, int32, int64, float32, float64, string, []byte,
		amqp.UUID, amqp.Symbol, amqp.Timestamp, amqp.Char:
		return v, nil
	case int:
		return int64(v), nil
	case uint:
		return uint64(v), nil
	case time.Time:
		return amqp.Timestamp(v.UnixMilli()), nil
	case [16]byte:
		return amqp.UUID(v), nil
	}
	return nil, &Error{ConditionNotAllowed, fmt.Sprintf("a %T cannot be an application property", v)}
}

// messageOf is the Go view of a record.
func messageOf(r Record) Message {
	m := Message{
		ScheduledAt: r.scheduledFor, TTL: r.TimeToLive, EnqueuedAt: r.EnqueuedAt, ExpiresAt: r.ExpiresAt,
		SequenceNumber:   r.Sequence,
		DeadLetterSource: r.DeadLetterSource, LockedUntil: r.LockedUntil, DeliveryCount: int(r.Failed),
		Body: joined(r.Message),
		State: map[int32]string{stateActive: "active", stateDeferred: "deferred",
			stateScheduled: "scheduled"}[r.State],
	}
	if r.LockToken != (amqp.UUID{}) {
		m.LockToken = r.LockToken.String()
		m.DeliveryCount++
	}
	if p := r.Message.Properties; p != nil {
		m.MessageID, m.CorrelationID = identifier(p.MessageID), identifier(p.CorrelationID)
		m.SessionID, m.ContentType, m.Subject = value(p.GroupID), value(p.ContentType), value(p.Subject)
		m.To, m.ReplyTo = value(p.To), value(p.ReplyTo)
	}
	for _, e := range r.Message.ApplicationProperties {
		if m.Properties == nil {
			m.Properties = map[string]any{}
		}
		m.Properties[fmt.Sprint(e.Key)] = goValue(e.Value)
	}
	m.DeadLetterReason, _ = m.Properties[PropertyReason].(string)
	m.DeadLetterDescription, _ = m.Properties[PropertyDescription].(string)
	return m
}

// joined returns the body's bytes: those of the data sections, or of a value that is a string or binary.
func joined(m *amqp.Message) []byte {
	switch v := m.Value().(type) {
	case string:
		return []byte(v)
	case []byte:
		return slices.Clone(v)
	}
	return slices.Concat(m.DataSections()...)
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func identifier(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []byte:
		return string(v)
	}
	return fmt.Sprint(v)
}

func goValue(v any) any {
	switch v := v.(type) {
	case amqp.Timestamp:
		return time.UnixMilli(int64(v)).UTC()
	case amqp.Symbol:
		return string(v)
	case amqp.UUID:
		return v.String()
	}
	return v
}

// scheduledTime is when the sender wants the message to become active.
func scheduledTime(m *amqp.Message) (time.Time, bool) {
	v, _ := m.Annotations.Get(string(annotationScheduled))
	at, ok := v.(amqp.Timestamp)
	return time.UnixMilli(int64(at)).UTC(), ok
}

// withMessageID gives a message without an id a GUID, as Service Bus does: SDKs count on an id being there.
func withMessageID(m *amqp.Message) *amqp.Message {
	if m.Properties != nil && m.Properties.MessageID != nil {
		return m
	}
	changed, properties := *m, amqp.Properties{}
	if m.Properties != nil {
		properties = *m.Properties
	}
	properties.MessageID = strings.ReplaceAll(newUUID().String(), "-", "")
	changed.Properties = &properties
	return &changed
}

// withProperties returns the message with application properties changed.
func withProperties(m *amqp.Message, changes amqp.Map) *amqp.Message {
	if len(changes) == 0 {
		return m
	}
	changed := *m
	for _, e := range changes {
		changed.ApplicationProperties = changed.ApplicationProperties.With(fmt.Sprint(e.Key), e.Value)
	}
	return &changed
}

func withReason(m *amqp.Message, reason, description string) *amqp.Message {
	var changes amqp.Map
	if reason != "" {
		changes = changes.With(PropertyReason, reason)
	}
	if description != "" {
		changes = changes.With(PropertyDescription, description)
	}
	return withProperties(m, changes)
}
