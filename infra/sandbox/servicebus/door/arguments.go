package door

import (
	"math"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// argument reads a member of a request's body.
func argument[T any](c *call, name string) (T, error) {
	v, _ := c.args.Get(name)
	typed, ok := v.(T)
	if !ok {
		return typed, &servicebus.Error{Condition: servicebus.ConditionInvalidField, Description: name +
			" is missing or of a wrong type."}
	}
	return typed, nil
}

func (c *call) queue() (*servicebus.Queue, error) { return c.c.b.Source(c.path) }

// owner finds the link of this connection that has the session of the request locked: the session that session-id
// names or, as the Go SDK asks for deferred messages, the one of the associated link.
func (c *call) owner(q *servicebus.Queue) (*servicebus.Consumer, error) {
	id := c.sessionID()
	for _, ch := range c.c.channels {
		for _, l := range ch.links {
			o, ok := l.(*outgoing)
			if !ok || o.consumer == nil || o.consumer.Queue != q || o.consumer.Session == nil {
				continue
			}
			s := o.consumer.Session
			if s.Owner == o.consumer && ((id != nil && s.ID == *id) || (id == nil && o.name == c.link)) {
				return s.Owner, nil
			}
		}
	}
	if id == nil {
		return nil, &servicebus.Error{Condition: servicebus.ConditionInvalidField,
			Description: "session-id is missing."}
	}
	return nil, servicebus.SessionLockLost(*id)
}

func (c *call) sessionID() *string {
	if id, err := argument[string](c, "session-id"); err == nil {
		return &id
	}
	return nil
}

func (c *call) integer(name string) (int64, bool) {
	v, _ := c.args.Get(name)
	return integer(v)
}

// integer reads any of AMQP's integer types.
func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int8:
		return int64(v), true
	case int16:
		return int64(v), true
	case int32:
		return int64(v), true
	case int64:
		return v, true
	case uint8:
		return int64(v), true
	case uint16:
		return int64(v), true
	case uint32:
		return int64(v), true
	case uint64:
		return int64(min(v, math.MaxInt64)), true
	}
	return 0, false
}

// elements reads a member that is an array, or a list from a client that does not tell the two apart.
func (c *call) elements(name string) ([]any, error) {
	v, _ := c.args.Get(name)
	switch v := v.(type) {
	case amqp.Array:
		return v, nil
	case amqp.List:
		return v, nil
	}
	return nil, &servicebus.Error{Condition: servicebus.ConditionInvalidField, Description: name +
		" is missing or not an array."}
}

func (c *call) sequenceNumbers() ([]int64, error) {
	raw, err := c.elements("sequence-numbers")
	if err != nil {
		return nil, err
	}
	out := make([]int64, len(raw))
	for i, v := range raw {
		n, ok := integer(v)
		if !ok {
			return nil, &servicebus.Error{Condition: servicebus.ConditionInvalidField,
				Description: "sequence-numbers holds something else."}
		}
		out[i] = n
	}
	return out, nil
}

func (c *call) lockTokens() ([]amqp.UUID, error) {
	raw, err := c.elements("lock-tokens")
	if err != nil {
		return nil, err
	}
	out := make([]amqp.UUID, len(raw))
	for i, v := range raw {
		token, ok := v.(amqp.UUID)
		if !ok {
			return nil, &servicebus.Error{Condition: servicebus.ConditionInvalidField,
				Description: "lock-tokens holds something else."}
		}
		out[i] = token
	}
	return out, nil
}

func arrayOf[T any](in []T) amqp.Array {
	out := make(amqp.Array, len(in))
	for i, v := range in {
		out[i] = v
	}
	return out
}
