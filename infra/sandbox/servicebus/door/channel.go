package door

import (
	"fmt"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

const incomingWindow = 5000 // transfer frames, as Service Bus

// channel is an AMQP session (not to be confused with a session of messages). The same channel and handle numbers are
// used in both directions. The connection's lock guards it.
type channel struct {
	c      *connection
	number uint16
	links  map[uint32]link // by handle

	nextIncoming uint32 // transfer id
	unannounced  uint32 // transfers since the peer was last told of our window
	nextOutgoing uint32
	peerWindow   uint32 // transfers that the peer can take
	nextDelivery uint32
	unsettled    map[uint32]unsettled // deliveries to the peer, by id
}

// unsettled is a delivery whose fate the peer has not told.
type unsettled struct {
	link  *outgoing
	token amqp.UUID
}

// link is one end of a link: incoming or outgoing.
type link interface {
	flow(*amqp.Flow)
	transfer(*amqp.Transfer) error
	pump()
	end() // the peer has detached, or the channel ended
}

func (c *connection) begin(number uint16, begin *amqp.Begin) error {
	if _, used := c.channels[number]; used || number > channelMax {
		return c.protocolError("channel %d is in use or above the maximum", number)
	}
	c.channels[number] = &channel{c: c, number: number, links: map[uint32]link{}, nextIncoming: begin.NextOutgoingID,
		peerWindow: begin.IncomingWindow, unsettled: map[uint32]unsettled{}}
	highest := uint32(handleMax)
	c.send(number, &amqp.Begin{RemoteChannel: &number, IncomingWindow: incomingWindow, OutgoingWindow: incomingWindow,
		HandleMax: &highest})
	return nil
}

func (ch *channel) handle(body amqp.Performative) error {
	switch p := body.(type) {
	case *amqp.Attach:
		ch.attach(p)
	case *amqp.Flow:
		ch.flow(p)
	case *amqp.Transfer:
		return ch.transfer(p)
	case *amqp.Disposition:
		ch.disposition(p)
	case *amqp.Detach:
		ch.detach(p)
	case *amqp.End:
		ch.end()
		delete(ch.c.channels, ch.number)
		ch.send(&amqp.End{})
	default:
		return ch.c.protocolError("unexpected %T", body)
	}
	return nil
}

func (ch *channel) send(p amqp.Performative) { ch.c.send(ch.number, p) }

// fail ends the AMQP session for an error of the peer's.
func (ch *channel) fail(condition amqp.Symbol, format string, args ...any) {
	ch.end()
	delete(ch.c.channels, ch.number)
	ch.send(&amqp.End{Error: &amqp.Error{Condition: condition, Description: fmt.Sprintf(format, args...)}})
}

// end lets go of everything that the links hold.
func (ch *channel) end() {
	for _, l := range ch.links {
		l.end()
	}
	ch.links = map[uint32]link{}
}

func (ch *channel) flow(f *amqp.Flow) {
	var seen uint32
	if f.NextIncomingID != nil {
		seen = *f.NextIncomingID
	}
	ch.nextIncoming = f.NextOutgoingID
	ch.peerWindow = seen + f.IncomingWindow - ch.nextOutgoing
	if f.Handle != nil {
		l, ok := ch.links[*f.Handle]
		if !ok {
			ch.fail("amqp:session:unattached-handle", "flow for handle %d, which is not attached", *f.Handle)
			return
		}
		l.flow(f)
		return
	}
	if f.Echo {
		ch.announce(&amqp.Flow{})
	}
}

// announce sends a flow with the state of the AMQP session filled in.
func (ch *channel) announce(f *amqp.Flow) {
	next := ch.nextIncoming
	f.NextIncomingID, f.IncomingWindow = &next, incomingWindow
	f.NextOutgoingID, f.OutgoingWindow = ch.nextOutgoing, incomingWindow
	ch.unannounced = 0
	ch.send(f)
}

func (ch *channel) transfer(t *amqp.Transfer) error {
	ch.nextIncoming++
	if ch.unannounced++; ch.unannounced > incomingWindow {
		ch.fail("amqp:session:window-violation", "more than %d transfers without a flow", incomingWindow)
		return nil
	}
	l, ok := ch.links[t.Handle]
	if !ok {
		ch.fail("amqp:session:unattached-handle", "transfer for handle %d, which is not attached", t.Handle)
		return nil
	}
	err := l.transfer(t)
	if ch.unannounced >= incomingWindow/2 {
		ch.announce(&amqp.Flow{})
	}
	return err
}

func (ch *channel) detach(d *amqp.Detach) {
	l, ok := ch.links[d.Handle]
	if !ok {
		return
	}
	delete(ch.links, d.Handle)
	if _, answered := l.(refused); answered {
		return // this answers a detach of ours
	}
	if o, isOutgoing := l.(*outgoing); isOutgoing && o.waiting != nil {
		ch.decline(o.attach) // a detach must follow an attach
	}
	l.end()
	ch.send(&amqp.Detach{Handle: d.Handle, Closed: d.Closed})
}

func (ch *channel) pump() {
	for _, l := range ch.links {
		l.pump()
	}
}
