package door

import (
	"slices"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// pump sends what is pending, as far as the windows allow.
func (l *outgoing) pump() {
	for len(l.pending) > 0 && (l.consumer != nil || l.credit > 0) {
		if !l.push(l.pending[0]) {
			return
		}
		l.pending = slices.Delete(l.pending, 0, 1)
		l.count++
		if l.consumer == nil {
			l.credit--
		}
	}
	if l.drained {
		l.finishDrain()
	}
}

// finishDrain tells the peer that its credit is gone.
func (l *outgoing) finishDrain() {
	l.drained = false
	if l.consumer == nil {
		l.count, l.credit = l.count+l.credit, 0
	} else {
		_ = l.ch.c.b.Do(func(time.Time) error {
			l.count = l.consumer.Count
			return nil
		})
	}
	l.report(true)
}

// push sends the frames of one message; false if the window or the buffer is full before its end.
func (l *outgoing) push(o *outbound) bool {
	if !o.begun && o.payload == nil {
		payload, err := encodeDelivery(o.Record, false)
		if err != nil {
			l.detach(&servicebus.Error{Condition: servicebus.ConditionInternalError, Description: err.Error()})
			return false
		}
		o.payload = payload
	}
	room := int(l.ch.c.frameMax) - amqp.TransferOverhead
	for {
		if l.ch.peerWindow == 0 || len(l.ch.c.out) > maxUnwritten {
			if l.ch.peerWindow > 0 {
				l.ch.c.signal()
			}
			return false
		}
		chunk := o.payload[:min(room, len(o.payload))]
		o.payload = o.payload[len(chunk):]
		t := &amqp.Transfer{Handle: l.handle, Payload: chunk, More: len(o.payload) > 0}
		if !o.begun {
			l.start(o, t)
		}
		l.ch.peerWindow--
		l.ch.nextOutgoing++
		l.ch.send(t)
		if !t.More {
			return true
		}
	}
}

// start fills in what the first frame of a delivery carries.
func (l *outgoing) start(o *outbound, t *amqp.Transfer) {
	o.begun, o.id = true, l.ch.nextDelivery
	l.ch.nextDelivery++
	id, format := o.id, uint32(0)
	t.DeliveryID, t.MessageFormat = &id, &format
	t.Settled = l.settled || l.consumer == nil
	t.DeliveryTag = deliveryTag(o.LockToken)
	if !t.Settled {
		l.ch.unsettled[id] = unsettled{link: l, token: o.LockToken}
	}
}

// deliveryTag is the lock token as .NET writes a GUID: the first three groups little-endian.
func deliveryTag(token amqp.UUID) []byte {
	t := token
	slices.Reverse(t[0:4])
	slices.Reverse(t[4:6])
	slices.Reverse(t[6:8])
	return t[:]
}
