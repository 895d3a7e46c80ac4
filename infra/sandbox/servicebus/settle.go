package servicebus

import (
	"fmt"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// Settlement is what a consumer decides about a message that it has locked.
type Settlement int

const (
	Complete   Settlement = iota // it is done: remove it
	Abandon                      // it failed: deliver it again, counting
	Release                      // it was not looked at: deliver it again, without counting
	Postpone                     // defer: only who knows the sequence number gets it
	DeadLetter                   // it can never succeed
)

// Decision is a settlement with its details.
type Decision struct {
	Settlement
	Reason, Description string
	Properties          amqp.Map // application properties to change; used by abandon, postpone and deadLetter
}

// Settle carries a decision out. It fails with ConditionLockLost if the token no longer holds a lock here.
func (q *Queue) Settle(now time.Time, token amqp.UUID, d Decision) error {
	env, ok := q.locks[token]
	if !ok {
		return lockLost()
	}
	disturbance, isDisturbed := q.b.Disturbed(OperationSettle, q.path)
	if isDisturbed && !disturbance.Done {
		q.fail(now, env)
		q.dispatch(now)
		return disturbance.Error(lockLost())
	}
	switch d.Settlement {
	case Complete:
		q.take(env)
	case Abandon:
		env.Message = withProperties(env.Message, d.Properties)
		q.fail(now, env)
	case Release:
		q.requeue(now, env)
	case Postpone:
		env.Message = withProperties(env.Message, d.Properties)
		env.State = stateDeferred
		q.unlock(env)
	case DeadLetter:
		q.bury(now, env, d.Reason, d.Description, d.Properties)
	}
	q.dispatch(now)
	if isDisturbed {
		return disturbance.Error(lockLost())
	}
	return nil
}

// Renew extends a message's lock by the full lock duration; within a session, the session's.
func (q *Queue) Renew(now time.Time, token amqp.UUID) (time.Time, error) {
	env, ok := q.locks[token]
	if !ok {
		return time.Time{}, lockLost()
	}
	if env.session != nil {
		return q.Sessions.Renew(now, env.session.Owner)
	}
	env.LockedUntil = now.Add(q.settings.lock)
	q.b.moveAlarm(env.lock, env.LockedUntil)
	return env.LockedUntil, nil
}

// ReceiveDeferred hands out deferred messages by sequence number: all, or none if one is not there. owner is the
// consumer whose session holds them, nil without sessions.
func (q *Queue) ReceiveDeferred(now time.Time, seqs []int64, settled bool, s *MessageSession) ([]Delivery, error) {
	var found []*envelope
	for _, seq := range seqs {
		env, ok := q.Messages.find(seq, stateDeferred)
		if !ok || env.locked || (s != nil && env.sessionID != s.ID) {
			return nil, &Error{ConditionMessageNotFound,
				fmt.Sprintf("Failed to lock one or more specified messages. The message does not exist: %d.", seq)}
		}
		found = append(found, env)
	}
	out := make([]Delivery, len(found))
	for i, env := range found {
		if settled {
			q.take(env)
		} else {
			q.lockFor(now, env, s)
		}
		out[i] = Delivery{Record: env.Record, env: env}
	}
	return out, nil
}

func maxDeliveryText(n uint32) string {
	return fmt.Sprintf("Message could not be consumed after %d delivery attempts.", n)
}
