package door

import (
	"math"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// encodeDelivery encodes a message as it is delivered: what the sender gave, and what the broker knows. withToken adds
// the lock token, for messages that have no delivery tag because they travel inside a management reply.
func encodeDelivery(r servicebus.Record, withToken bool) ([]byte, error) {
	m := *r.Message
	m.Header = deliveryHeader(r)
	m.Properties = deliveryProperties(r)
	m.Annotations = append(m.Annotations[:len(m.Annotations):len(m.Annotations)],
		amqp.Entry{Key: servicebus.AnnotationSequence, Value: r.Sequence},
		amqp.Entry{Key: servicebus.AnnotationOriginalSequence, Value: r.OriginalSequence},
		amqp.Entry{Key: servicebus.AnnotationEnqueued, Value: r.EnqueuedAt},
		amqp.Entry{Key: servicebus.AnnotationState, Value: r.State})
	if !r.LockedUntil.IsZero() {
		m.Annotations = append(m.Annotations, amqp.Entry{Key: servicebus.AnnotationLockedUntil, Value: r.LockedUntil})
	}
	if r.DeadLetterSource != "" {
		m.Annotations = append(m.Annotations, amqp.Entry{Key: servicebus.AnnotationDeadLetterSource,
			Value: r.DeadLetterSource})
	}
	if withToken && r.LockToken != (amqp.UUID{}) {
		m.DeliveryAnnotations = amqp.Map{{Key: servicebus.AnnotationLockToken, Value: r.LockToken}}
	}
	return amqp.AppendMessage(nil, &m)
}

// deliveryHeader: "for ever" is the largest TTL, as Service Bus has it; SDKs compute the expiry from it.
func deliveryHeader(r servicebus.Record) *amqp.Header {
	h := amqp.Header{Durable: true}
	if r.Message.Header != nil {
		h = *r.Message.Header
	}
	ttl := uint32(math.MaxUint32)
	if r.TimeToLive > 0 {
		ttl = servicebus.Milliseconds(r.TimeToLive)
	}
	h.TTL, h.DeliveryCount = &ttl, r.Failed
	return &h
}

func deliveryProperties(r servicebus.Record) *amqp.Properties {
	var p amqp.Properties
	if r.Message.Properties != nil {
		p = *r.Message.Properties
	}
	if !r.ExpiresAt.IsZero() {
		creation, expiry := amqp.Timestamp(r.EnqueuedAt.UnixMilli()), amqp.Timestamp(r.ExpiresAt.UnixMilli())
		p.CreationTime, p.AbsoluteExpiryTime = &creation, &expiry
	}
	return &p
}
