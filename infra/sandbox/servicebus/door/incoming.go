package door

import (
	"errors"
	"fmt"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

const (
	incomingCredit = 1000       // messages, as Service Bus
	batchFormat    = 0x80013700 // message format: data sections that each hold a message
)

// incoming is a link on which the peer sends to an entity or a request node.
type incoming struct {
	ch     *channel
	handle uint32
	path   string                    // of the queue or topic
	accept func(*amqp.Message) error // of a request node; nil for an entity

	count  uint32 // deliveries so far
	credit uint32

	partial *amqp.Transfer // the first frame of a delivery that is not complete
	payload []byte
}

// grant tops the peer's credit up.
func (l *incoming) grant() {
	l.credit = incomingCredit
	handle, count, credit := l.handle, l.count, l.credit
	l.ch.announce(&amqp.Flow{Handle: &handle, DeliveryCount: &count, LinkCredit: &credit})
}

func (l *incoming) flow(f *amqp.Flow) {
	if f.Echo {
		l.grant()
	}
}

func (l *incoming) pump() {}
func (l *incoming) end()  {}

// transfer takes one frame of a delivery.
func (l *incoming) transfer(t *amqp.Transfer) error {
	if l.partial == nil {
		if t.DeliveryID == nil {
			return l.ch.c.protocolError("transfer without delivery-id")
		}
		l.partial, l.payload = t, nil
	}
	if t.Aborted {
		l.partial, l.payload = nil, nil
		return nil
	}
	if len(l.payload)+len(t.Payload) > l.ch.c.b.Options().MaxMessageSize {
		l.detach(&servicebus.Error{Condition: servicebus.ConditionMessageSizeExceeded,
			Description: fmt.Sprintf("The received message exceeds the limit of %d "+
				"bytes on the link.", l.ch.c.b.Options().MaxMessageSize)})
		return nil
	}
	if l.payload == nil && !t.More {
		l.payload = t.Payload // in one frame: no copy
	} else {
		l.payload = append(l.payload, t.Payload...)
	}
	l.partial.Settled = l.partial.Settled || t.Settled
	if t.More {
		return nil
	}
	first, payload := l.partial, l.payload
	l.partial, l.payload = nil, nil
	l.delivered(first, payload)
	return nil
}

// delivered deals with a complete delivery and tells the peer what became of it.
func (l *incoming) delivered(first *amqp.Transfer, payload []byte) {
	l.count++
	l.credit--
	disturbance, isDisturbed := l.disturbed()
	state := &amqp.State{Outcome: amqp.Accepted}
	if !isDisturbed || disturbance.Done {
		if err := l.take(first, payload); err != nil {
			state = &amqp.State{Outcome: amqp.Rejected, Error: wireError(err)}
		}
	}
	if isDisturbed {
		if err := disturbance.Error(servicebus.DetachForced()); errors.Is(err, servicebus.ErrCut) {
			l.ch.c.cut()
		} else {
			l.detach(err)
		}
		return
	}
	if !first.Settled {
		l.ch.send(&amqp.Disposition{Role: amqp.RoleReceiver, First: *first.DeliveryID, Settled: true, State: state})
	}
	if l.credit <= incomingCredit/2 {
		l.grant()
	}
}

// disturbed asks for the entity; the request nodes are left in peace.
func (l *incoming) disturbed() (disturbance servicebus.Disturbance, isDisturbed bool) {
	if l.accept != nil {
		return servicebus.Disturbance{}, false
	}
	_ = l.ch.c.b.Do(func(time.Time) error {
		disturbance, isDisturbed = l.ch.c.b.Disturbed(servicebus.OperationSend, l.path)
		return nil
	})
	return disturbance, isDisturbed
}

func (l *incoming) take(first *amqp.Transfer, payload []byte) error {
	messages, err := decodeDelivery(first, payload)
	if err != nil {
		return err
	}
	if l.accept != nil {
		return l.accept(messages[0])
	}
	return l.ch.c.b.Do(func(now time.Time) error {
		q, err := l.ch.c.b.Target(l.path)
		if err == nil {
			_, err = q.Send(now, messages)
		}
		return err
	})
}

// decodeDelivery decodes a message, or the messages of a batch; there is at least one.
func decodeDelivery(first *amqp.Transfer, payload []byte) ([]*amqp.Message, error) {
	m, err := decodeMessage(payload)
	if err != nil || first.MessageFormat == nil || *first.MessageFormat != batchFormat {
		return []*amqp.Message{m}, err
	}
	var batch []*amqp.Message
	for _, section := range m.DataSections() {
		one, err := decodeMessage(section)
		if err != nil {
			return nil, err
		}
		batch = append(batch, one)
	}
	if len(batch) == 0 {
		return nil, &servicebus.Error{Condition: servicebus.ConditionDecodeError, Description: "The batch is empty."}
	}
	return batch, nil
}

// decodeMessage decodes a message and drops the annotations that only the broker may set.
func decodeMessage(payload []byte) (*amqp.Message, error) {
	m, err := amqp.DecodeMessage(payload)
	if err != nil {
		return nil, errors.Join(&servicebus.Error{Condition: servicebus.ConditionDecodeError,
			Description: "The message could not be decoded."}, err)
	}
	m.DeliveryAnnotations = nil
	for _, name := range []amqp.Symbol{servicebus.AnnotationSequence, servicebus.AnnotationOriginalSequence,
		servicebus.AnnotationEnqueued,
		servicebus.AnnotationLockedUntil,
		servicebus.AnnotationState, servicebus.AnnotationDeadLetterSource} {
		if _, there := m.Annotations.Get(string(name)); there {
			m.Annotations = m.Annotations.Without(string(name))
		}
	}
	return m, nil
}

// detach ends the link for an error.
func (l *incoming) detach(err error) {
	l.ch.links[l.handle] = refused{}
	l.ch.send(&amqp.Detach{Handle: l.handle, Closed: true, Error: wireError(err)})
}
