package servicebus

import (
	"fmt"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// settlement is what a consumer decides about a message that it has locked.
type settlement int

const (
	complete   settlement = iota // it is done: remove it
	abandon                      // it failed: deliver it again, counting
	release                      // it was not looked at: deliver it again, without counting
	postpone                     // defer: only who knows the sequence number gets it
	deadLetter                   // it can never succeed
)

// decision is a settlement with its details.
type decision struct {
	settlement
	reason, description string
	properties          amqp.Map // application properties to change; used by abandon, postpone and deadLetter
}

// settle carries a decision out. It fails with ConditionLockLost if the token no longer holds a lock here.
func (q *queue) settle(now time.Time, token amqp.UUID, d decision) error {
	env, ok := q.locks[token]
	if !ok {
		return lockLost()
	}
	switch d.settlement {
	case complete:
		q.take(env)
	case abandon:
		env.msg = withProperties(env.msg, d.properties)
		q.fail(now, env)
	case release:
		q.requeue(now, env)
	case postpone:
		env.msg = withProperties(env.msg, d.properties)
		env.state = stateDeferred
		q.unlock(env)
	case deadLetter:
		q.bury(now, env, d.reason, d.description, d.properties)
	}
	q.dispatch(now)
	return nil
}

// renew extends a message's lock by the full lock duration; within a session, the session's.
func (q *queue) renew(now time.Time, token amqp.UUID) (time.Time, error) {
	env, ok := q.locks[token]
	if !ok {
		return time.Time{}, lockLost()
	}
	if env.session != nil {
		return q.sessions.renew(now, env.session.owner)
	}
	env.lockedUntil = now.Add(q.settings.lock)
	q.b.moveAlarm(env.lock, env.lockedUntil)
	return env.lockedUntil, nil
}

// receiveDeferred hands out deferred messages by sequence number: all, or none if one is not there. owner is the
// consumer whose session holds them, nil without sessions.
func (q *queue) receiveDeferred(now time.Time, seqs []int64, propagated bool, s *session) ([]delivery, error) {
	var found []*envelope
	for _, seq := range seqs {
		env, ok := q.messages.find(seq, stateDeferred)
		if !ok || env.locked || (s != nil && env.sessionID != s.id) {
			return nil, &Error{ConditionMessageNotFound,
				fmt.Sprintf("Failed to lock one or more specified messages. The message does not exist: %d.", seq)}
		}
		found = append(found, env)
	}
	out := make([]delivery, len(found))
	for i, env := range found {
		if propagated {
			q.take(env)
		} else {
			q.lockFor(now, env, s)
		}
		out[i] = delivery{record: env.record, env: env}
	}
	return out, nil
}

func maxDeliveryText(n uint32) string {
	return fmt.Sprintf("Message could not be consumed after %d delivery attempts.", n)
}
