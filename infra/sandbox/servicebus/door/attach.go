package door

import (
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

const (
	sessionFilter           = amqp.Symbol("com.microsoft:session-filter")
	propertyTimeout         = "com.microsoft:timeout"
	propertyLockedUntil     = amqp.Symbol("com.microsoft:locked-until-utc")
	acceptNextTimeout       = time.Minute // where the peer sets none
	dotNetTicksAtUnixEpoch  = 621355968000000000
	dotNetTicksPerMicrosecd = 10
)

// attach opens a link to a queue, a topic, $cbs or an entity's $management.
func (ch *channel) attach(a *amqp.Attach) {
	switch _, used := ch.links[a.Handle]; {
	case used:
		ch.fail("amqp:session:handle-in-use", "handle %d is in use", a.Handle)
		return
	case a.Handle > handleMax:
		ch.fail(amqp.Symbol(servicebus.ConditionNotAllowed), "handle %d is above the maximum of %d",
			a.Handle, handleMax)
		return
	}
	if a.Role == amqp.RoleSender {
		ch.attachIncoming(a)
	} else {
		ch.attachOutgoing(a)
	}
}

// attachIncoming opens a link on which the peer sends.
func (ch *channel) attachIncoming(a *amqp.Attach) {
	l := &incoming{ch: ch, handle: a.Handle}
	path := servicebus.CleanPath(a.Target.Address())
	var err error
	switch node, isManagement := strings.CutSuffix(path, servicebus.ManagementSuffix); {
	case a.Target.IsCoordinator():
		err = &servicebus.Error{Condition: servicebus.ConditionNotImplemented,
			Description: "Transactions are not supported."}
	case path == servicebus.CBSNode:
		l.accept = func(m *amqp.Message) error { return ch.c.request(path, m, ch.c.cbs) }
	case isManagement:
		err = ch.c.allowManagement(node)
		l.accept = func(m *amqp.Message) error {
			return ch.c.request(path, m, func(m *amqp.Message) reply { return ch.c.manage(node, m) })
		}
	default:
		if err = ch.c.allow(path, servicebus.RightSend); err == nil {
			err = ch.c.b.Do(func(time.Time) error { _, err := ch.c.b.Target(path); return err })
		}
		l.path = path
	}
	if err != nil {
		ch.refuse(a, err)
		return
	}
	limit := uint64(ch.c.b.Options().MaxMessageSize)
	ch.links[a.Handle] = l
	ch.send(&amqp.Attach{Name: a.Name, Handle: a.Handle, Role: amqp.RoleReceiver, SenderSettleMode: a.SenderSettleMode,
		ReceiverSettleMode: a.ReceiverSettleMode, Source: a.Source, Target: a.Target, MaxMessageSize: &limit})
	l.grant()
}

// attachOutgoing opens a link on which the peer receives.
func (ch *channel) attachOutgoing(a *amqp.Attach) {
	l := &outgoing{ch: ch, handle: a.Handle, name: a.Name, attach: a}
	path := servicebus.CleanPath(a.Source.Address())
	node, isManagement := strings.CutSuffix(path, servicebus.ManagementSuffix)
	if path == servicebus.CBSNode || isManagement {
		if isManagement {
			if err := ch.c.allowManagement(node); err != nil {
				ch.refuse(a, err)
				return
			}
		}
		l.replies = path
		ch.links[a.Handle] = l
		l.confirm(a.Source, nil)
		return
	}
	err := ch.c.allow(path, servicebus.RightListen)
	if err == nil {
		ch.links[a.Handle] = l
		err = l.consume(path)
	}
	if err != nil {
		ch.refuse(a, err)
	}
}

// allowManagement asks for any right; the operations ask for the one they need.
func (c *connection) allowManagement(node string) error {
	if err := c.allow(node, servicebus.RightListen); err != nil && c.allow(node, servicebus.RightSend) != nil {
		return err
	}
	return c.b.Do(func(time.Time) error {
		_, err := c.b.Target(node)
		if err != nil {
			_, err = c.b.Source(node)
		}
		return err
	})
}

// refuse answers an attach as AMQP has it: a link without terminus, detached at once. The handle stays taken until the
// peer detaches too.
func (ch *channel) refuse(a *amqp.Attach, err error) {
	ch.links[a.Handle] = refused{}
	ch.decline(a)
	ch.send(&amqp.Detach{Handle: a.Handle, Closed: true, Error: wireError(err)})
}

// decline answers an attach with a link that has no terminus.
func (ch *channel) decline(a *amqp.Attach) {
	reply := &amqp.Attach{Name: a.Name, Handle: a.Handle, Role: !a.Role, SenderSettleMode: a.SenderSettleMode,
		ReceiverSettleMode: a.ReceiverSettleMode}
	if a.Role == amqp.RoleReceiver {
		zero := uint32(0)
		reply.InitialDeliveryCount = &zero
		reply.Target = a.Target
	} else {
		reply.Source = a.Source
	}
	ch.send(reply)
}

// refused is a link that we have detached and the peer has not.
type refused struct{}

func (refused) flow(*amqp.Flow)               {}
func (refused) transfer(*amqp.Transfer) error { return nil }
func (refused) pump()                         {}
func (refused) end()                          {}

// sessionOf reads the session filter of a source: wanted is false without one, id is nil for "any session". Clients
// send the filter described, as they should, or bare.
func sessionOf(source *amqp.Terminus) (id *string, wanted bool) {
	v, wanted := source.Filter().Get(string(sessionFilter))
	if d, ok := v.(amqp.Described); ok {
		v = d.Value
	}
	if s, ok := v.(string); ok {
		return &s, true
	}
	return nil, wanted
}

// withSession is the source with its session filter replaced by the session that was accepted, described or bare as
// the client sent it: the Go SDK reads only the one form, the JavaScript SDK only the other.
func withSession(source *amqp.Terminus, id string) *amqp.Terminus {
	var value any = id
	sent, _ := source.Filter().Get(string(sessionFilter))
	if d, ok := sent.(amqp.Described); ok {
		value = amqp.Described{Descriptor: d.Descriptor, Value: id}
	}
	return source.WithFilter(source.Filter().With(sessionFilter, value))
}

// dotNetTicks is t as .NET counts: units of 100 ns since the year 1.
func dotNetTicks(t time.Time) int64 {
	return t.UnixMicro()*dotNetTicksPerMicrosecd + dotNetTicksAtUnixEpoch
}
