package door

import (
	"errors"
	"slices"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// disposition carries out what the peer decides about deliveries, and confirms where it waits for that.
func (ch *channel) disposition(d *amqp.Disposition) {
	if d.Role != amqp.RoleReceiver {
		return // the peer, as a sender, learnt of our outcome
	}
	for _, id := range ch.unsettledBetween(d) {
		u := ch.unsettled[id]
		decided, final := decisionOf(d)
		if !final {
			continue
		}
		delete(ch.unsettled, id)
		var state *amqp.State
		if d.State != nil {
			state = &amqp.State{Outcome: d.State.Outcome} // an error in it would mean that we have refused it
		}
		err := ch.c.b.Do(func(now time.Time) error { return u.link.consumer.Queue.Settle(now, u.token, decided) })
		if errors.Is(err, servicebus.ErrCut) {
			ch.c.cut()
			return
		}
		if err != nil {
			state = &amqp.State{Outcome: amqp.Rejected, Error: wireError(err)}
		}
		if !d.Settled {
			ch.send(&amqp.Disposition{Role: amqp.RoleSender, First: id, Settled: true, State: state})
		}
	}
}

// unsettledBetween lists the ids that a disposition is about. Ids are serial numbers: they may wrap.
func (ch *channel) unsettledBetween(d *amqp.Disposition) []uint32 {
	span := uint32(0)
	if d.Last != nil {
		span = *d.Last - d.First
	}
	var ids []uint32
	if int64(span) < int64(len(ch.unsettled)) {
		for i := range span + 1 {
			if _, ok := ch.unsettled[d.First+i]; ok {
				ids = append(ids, d.First+i)
			}
		}
		return ids
	}
	for id := range ch.unsettled {
		if id-d.First <= span {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b uint32) int { return int(int32(a - b)) })
	return ids
}

// decisionOf translates a delivery state; final is false for one that settles nothing.
func decisionOf(d *amqp.Disposition) (decided servicebus.Decision, final bool) {
	if d.State == nil {
		return servicebus.Decision{Settlement: servicebus.Release}, d.Settled
	}
	switch d.State.Outcome {
	case amqp.Accepted:
		return servicebus.Decision{Settlement: servicebus.Complete}, true
	case amqp.Released:
		return servicebus.Decision{Settlement: servicebus.Release}, true
	case amqp.Modified:
		if d.State.UndeliverableHere {
			return servicebus.Decision{Settlement: servicebus.Postpone, Properties: d.State.Annotations}, true
		}
		return servicebus.Decision{Settlement: servicebus.Abandon, Properties: d.State.Annotations}, true
	case amqp.Rejected:
		return burial(d.State.Error), true
	}
	return servicebus.Decision{Settlement: servicebus.Release}, d.Settled
}

// burial reads reason and description of a dead letter from the error that a client rejects with.
func burial(e *amqp.Error) servicebus.Decision {
	out := servicebus.Decision{Settlement: servicebus.DeadLetter}
	if e == nil {
		return out
	}
	out.Description = e.Description
	for _, entry := range e.Info {
		name, ok := entry.Key.(string)
		if symbol, isSymbol := entry.Key.(amqp.Symbol); isSymbol {
			name, ok = string(symbol), true
		}
		if !ok {
			continue
		}
		text, _ := entry.Value.(string)
		switch name {
		case servicebus.PropertyReason:
			out.Reason = text
		case servicebus.PropertyDescription:
			out.Description = text
		default:
			out.Properties = append(out.Properties, amqp.Entry{Key: name, Value: entry.Value})
		}
	}
	return out
}
