package servicebus

import (
	"math"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// encodeDelivery encodes a message as it is delivered: what the sender gave, and what the broker knows. withToken adds
// the lock token, for messages that have no delivery tag because they travel inside a management reply.
func encodeDelivery(r record, withToken bool) ([]byte, error) {
	m := *r.msg
	m.Header = deliveryHeader(r)
	m.Properties = deliveryProperties(r)
	m.Annotations = append(m.Annotations[:len(m.Annotations):len(m.Annotations)],
		amqp.Entry{Key: annotationSequence, Value: r.seq},
		amqp.Entry{Key: annotationOriginalSequence, Value: r.originalSeq},
		amqp.Entry{Key: annotationEnqueued, Value: r.enqueuedAt},
		amqp.Entry{Key: annotationState, Value: r.state})
	if !r.lockedUntil.IsZero() {
		m.Annotations = append(m.Annotations, amqp.Entry{Key: annotationLockedUntil, Value: r.lockedUntil})
	}
	if r.deadLetterSource != "" {
		m.Annotations = append(m.Annotations, amqp.Entry{Key: annotationDeadLetterSource, Value: r.deadLetterSource})
	}
	if withToken && r.lockToken != (amqp.UUID{}) {
		m.DeliveryAnnotations = amqp.Map{{Key: annotationLockToken, Value: r.lockToken}}
	}
	return amqp.AppendMessage(nil, &m)
}

// deliveryHeader: "for ever" is the largest TTL, as Service Bus has it; SDKs compute the expiry from it.
func deliveryHeader(r record) *amqp.Header {
	h := amqp.Header{Durable: true}
	if r.msg.Header != nil {
		h = *r.msg.Header
	}
	ttl := uint32(math.MaxUint32)
	if r.timeToLive > 0 {
		ttl = milliseconds(r.timeToLive)
	}
	h.TTL, h.DeliveryCount = &ttl, r.failed
	return &h
}

func deliveryProperties(r record) *amqp.Properties {
	var p amqp.Properties
	if r.msg.Properties != nil {
		p = *r.msg.Properties
	}
	if !r.expiresAt.IsZero() {
		creation, expiry := amqp.Timestamp(r.enqueuedAt.UnixMilli()), amqp.Timestamp(r.expiresAt.UnixMilli())
		p.CreationTime, p.AbsoluteExpiryTime = &creation, &expiry
	}
	return &p
}
