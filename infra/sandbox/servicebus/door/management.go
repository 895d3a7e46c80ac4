package door

import (
	"errors"
	"math"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// operation is one operation of an entity's $management node ("AMQP 1.0 in Azure Service Bus: request-response-based
// operations").
type operation struct {
	right string
	do    func(*call) (any, error) // the body of the reply; errNoContent for 204
}

// call is one request.
type call struct {
	c    *connection
	path string // of the entity
	link string // associated-link-name: the receiver on whose behalf it is made, "" if not said
	now  time.Time
	args amqp.Map
}

var errNoContent = errors.New("no content")

const operationPrefix = "com.microsoft:"

func operations() map[string]operation {
	return map[string]operation{
		"schedule-message":           {servicebus.RightSend, (*call).schedule},
		"cancel-scheduled-message":   {servicebus.RightSend, (*call).cancel},
		"peek-message":               {servicebus.RightListen, (*call).peek},
		"renew-lock":                 {servicebus.RightListen, (*call).renewLocks},
		"receive-by-sequence-number": {servicebus.RightListen, (*call).receiveDeferred},
		"update-disposition":         {servicebus.RightListen, (*call).updateDisposition},
		"renew-session-lock":         {servicebus.RightListen, (*call).renewSession},
		"set-session-state":          {servicebus.RightListen, (*call).setSessionState},
		"get-session-state":          {servicebus.RightListen, (*call).getSessionState},
		"get-message-sessions":       {servicebus.RightListen, (*call).listSessions},
	}
}

// manage answers a request on an entity's $management node.
func (c *connection) manage(path string, m *amqp.Message) reply {
	name, _ := property(m, "operation")
	op, ok := operations()[strings.TrimPrefix(name, operationPrefix)]
	if !ok {
		return failure(&servicebus.Error{Condition: servicebus.ConditionNotImplemented,
			Description: "The operation '" + name + "' is not supported."})
	}
	if err := c.allow(path, op.right); err != nil {
		return failure(err)
	}
	args, ok := m.Value().(amqp.Map)
	if !ok {
		return failure(&servicebus.Error{Condition: servicebus.ConditionInvalidField,
			Description: "The body of the request is not a map."})
	}
	link, _ := property(m, "associated-link-name")
	var body any
	err := c.b.Do(func(now time.Time) error {
		var err error
		body, err = op.do(&call{c: c, path: path, link: link, now: now, args: args})
		return err
	})
	switch {
	case errors.Is(err, errNoContent):
		return reply{status: 204, text: "No Content"}
	case err != nil:
		return failure(err)
	}
	return reply{status: 200, text: "OK", body: body}
}

func (c *call) schedule() (any, error) {
	q, err := c.c.b.Target(c.path)
	if err != nil {
		return nil, err
	}
	entries, err := argument[amqp.List](c, "messages")
	if err != nil {
		return nil, err
	}
	var messages []*amqp.Message
	for _, e := range entries {
		entry, _ := e.(amqp.Map)
		encoded, _ := entry.Get("message")
		payload, ok := encoded.([]byte)
		if !ok {
			return nil, &servicebus.Error{Condition: servicebus.ConditionInvalidField,
				Description: "messages: an entry has no message."}
		}
		m, err := decodeMessage(payload)
		if err != nil {
			return nil, err
		}
		messages = append(messages, m)
	}
	seqs, err := q.Send(c.now, messages)
	if err != nil {
		return nil, err
	}
	return amqp.Map{{Key: "sequence-numbers", Value: arrayOf(seqs)}}, nil
}

func (c *call) cancel() (any, error) {
	q, err := c.c.b.Target(c.path)
	if err != nil {
		return nil, err
	}
	seqs, err := c.sequenceNumbers()
	if err != nil {
		return nil, err
	}
	return amqp.Map{}, q.Cancel(seqs)
}

func (c *call) peek() (any, error) {
	q, err := c.queue()
	if err != nil {
		return nil, err
	}
	from, _ := c.integer("from-sequence-number")
	limit, ok := c.integer("message-count")
	if !ok || limit < 0 {
		return nil, &servicebus.Error{Condition: servicebus.ConditionInvalidField,
			Description: "message-count is missing or negative."}
	}
	records := q.Messages.Peek(from, int(min(limit, 1000)), c.sessionID())
	if len(records) == 0 {
		return nil, errNoContent
	}
	return encodeRecords(records, false, c.c.b.Options().MaxMessageSize)
}

// encodeRecords makes the "messages" of a reply: at least one, and no more than fit into limit bytes.
func encodeRecords(records []servicebus.Record, locked bool, limit int) (any, error) {
	var list amqp.List
	size := 0
	for _, r := range records {
		payload, err := encodeDelivery(r, true)
		if err != nil {
			return nil, err
		}
		if size += len(payload); size > limit && len(list) > 0 {
			break
		}
		entry := amqp.Map{{Key: "message", Value: payload}}
		if locked {
			entry = append(entry, amqp.Entry{Key: "lock-token", Value: r.LockToken})
		}
		list = append(list, entry)
	}
	return amqp.Map{{Key: "messages", Value: list}}, nil
}

func (c *call) renewLocks() (any, error) {
	q, err := c.queue()
	if err != nil {
		return nil, err
	}
	tokens, err := c.lockTokens()
	if err != nil {
		return nil, err
	}
	var until amqp.Array
	for _, token := range tokens {
		at, err := q.Renew(c.now, token)
		if err != nil {
			return nil, err
		}
		until = append(until, amqp.Timestamp(at.UnixMilli()))
	}
	return amqp.Map{{Key: "expirations", Value: until}}, nil
}

func (c *call) receiveDeferred() (any, error) {
	q, err := c.queue()
	if err != nil {
		return nil, err
	}
	seqs, err := c.sequenceNumbers()
	if err != nil {
		return nil, err
	}
	var s *servicebus.MessageSession
	if q.RequiresSession {
		owner, err := c.owner(q)
		if err != nil {
			return nil, err
		}
		s = owner.Session
	}
	mode, _ := c.integer("receiver-settle-mode")
	found, err := q.ReceiveDeferred(c.now, seqs, mode == int64(amqp.ReceiverFirst), s)
	if err != nil {
		return nil, err
	}
	var records []servicebus.Record
	for _, d := range found {
		records = append(records, d.Record)
	}
	return encodeRecords(records, true, math.MaxInt)
}

func (c *call) updateDisposition() (any, error) {
	q, err := c.queue()
	if err != nil {
		return nil, err
	}
	tokens, err := c.lockTokens()
	if err != nil {
		return nil, err
	}
	status, err := argument[string](c, "disposition-status")
	if err != nil {
		return nil, err
	}
	kinds := map[string]servicebus.Settlement{"completed": servicebus.Complete, "abandoned": servicebus.Abandon,
		"suspended": servicebus.DeadLetter,
		"defered":   servicebus.Postpone}
	kind, ok := kinds[status]
	if !ok {
		return nil, &servicebus.Error{Condition: servicebus.ConditionInvalidField,
			Description: "disposition-status: '" + status + "' is not known."}
	}
	d := servicebus.Decision{Settlement: kind}
	d.Reason, _ = argument[string](c, "deadletter-reason") // optional
	d.Description, _ = argument[string](c, "deadletter-description")
	d.Properties, _ = argument[amqp.Map](c, "properties-to-modify")
	for _, token := range tokens {
		if err := q.Settle(c.now, token, d); err != nil {
			return nil, err
		}
	}
	return amqp.Map{}, nil
}

func (c *call) renewSession() (any, error) {
	q, err := c.queue()
	if err != nil {
		return nil, err
	}
	owner, err := c.owner(q)
	if err != nil {
		return nil, err
	}
	until, err := q.Sessions.Renew(c.now, owner)
	if err != nil {
		return nil, err
	}
	return amqp.Map{{Key: "expiration", Value: until}}, nil
}

func (c *call) setSessionState() (any, error) {
	q, err := c.queue()
	if err != nil {
		return nil, err
	}
	owner, err := c.owner(q)
	if err != nil {
		return nil, err
	}
	state, _ := c.args.Get("session-state")
	bytes, isBytes := state.([]byte)
	if state != nil && !isBytes {
		return nil, &servicebus.Error{Condition: servicebus.ConditionInvalidField,
			Description: "session-state is not binary."}
	}
	if len(bytes) == 0 {
		bytes = nil // how the Go SDK clears the state
	}
	owner.Session.State, owner.Session.ChangedAt = bytes, c.now
	return amqp.Map{}, nil
}

func (c *call) getSessionState() (any, error) {
	q, err := c.queue()
	if err != nil {
		return nil, err
	}
	owner, err := c.owner(q)
	if err != nil {
		return nil, err
	}
	var state any
	if owner.Session.State != nil {
		state = owner.Session.State
	}
	return amqp.Map{{Key: "session-state", Value: state}}, nil
}

// unboundedTime is where SDKs' "no limit" begins: the year 9999 and, in Go, 10000.
const unboundedTime = amqp.Timestamp(253_000_000_000_000)

func (c *call) listSessions() (any, error) {
	q, err := c.queue()
	if err != nil {
		return nil, err
	}
	if err := q.Sessions.Check(); err != nil {
		return nil, err
	}
	var since time.Time
	if at, err := argument[amqp.Timestamp](c, "last-updated-time"); err == nil && at < unboundedTime {
		since = time.UnixMilli(int64(at))
	}
	skip, _ := c.integer("skip")
	top, ok := c.integer("top")
	if !ok || top < 0 || skip < 0 {
		return nil, &servicebus.Error{Condition: servicebus.ConditionInvalidField,
			Description: "skip or top is missing or negative."}
	}
	ids := q.Sessions.List(since, int(skip), int(top))
	if len(ids) == 0 {
		return nil, errNoContent
	}
	return amqp.Map{{Key: "skip", Value: int32(int(skip) + len(ids))}, {Key: "sessions-ids", Value: arrayOf(ids)}}, nil
}
