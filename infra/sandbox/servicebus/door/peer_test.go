package door_test

import (
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/door"
)

// peer is a client that speaks AMQP frame by frame: it can do what no SDK does.
type peer struct {
	t    *testing.T
	conn net.Conn
	end  func() error // waits for the server's side; its error
}

// connect opens a connection in process, up to the SASL header.
func connect(t *testing.T, b *servicebus.Broker) *peer {
	t.Helper()
	ours, theirs := net.Pipe()
	var served sync.WaitGroup
	var err error
	served.Go(func() { err = door.ServeConn(t.Context(), b, theirs) })
	p := &peer{t: t, conn: ours, end: func() error { served.Wait(); return err }}
	t.Cleanup(func() {
		_ = ours.Close()
		served.Wait()
	})
	return p
}

func (p *peer) header(send amqp.ProtocolHeader) amqp.ProtocolHeader {
	p.t.Helper()
	_, err := p.conn.Write(send[:])
	require.NoError(p.t, err)
	got, err := amqp.ReadHeader(p.conn)
	require.NoError(p.t, err)
	return got
}

// open does the handshake and begins an AMQP session on channel 1.
func (p *peer) open(o *amqp.Open) *peer {
	p.t.Helper()
	p.header(amqp.SASLHeader())
	_ = next[*amqp.SASLMechanisms](p)
	p.sendSASL(&amqp.SASLInit{Mechanism: amqp.MechanismPlain, InitialResponse: []byte("\x00user\x00key")})
	require.Equal(p.t, amqp.SASLOK, next[*amqp.SASLOutcome](p).Code)
	p.header(amqp.PlainHeader())
	p.send(0, o)
	assert.Equal(p.t, uint32(64<<10), next[*amqp.Open](p).MaxFrameSize)
	p.begin(1, 100)
	return p
}

func (p *peer) begin(channel uint16, window uint32) {
	p.t.Helper()
	p.send(channel, &amqp.Begin{IncomingWindow: window, OutgoingWindow: 100})
	assert.Equal(p.t, channel, *next[*amqp.Begin](p).RemoteChannel)
}

func (p *peer) send(channel uint16, body amqp.Performative) {
	p.t.Helper()
	p.write(amqp.Frame{Channel: channel, Body: body})
}

func (p *peer) sendSASL(body amqp.Performative) {
	p.t.Helper()
	p.write(amqp.Frame{SASL: true, Body: body})
}

func (p *peer) write(f amqp.Frame) {
	p.t.Helper()
	buf, err := amqp.AppendFrame(nil, f)
	require.NoError(p.t, err)
	_, err = p.conn.Write(buf)
	require.NoError(p.t, err)
}

// next reads the next frame, which must be a T.
func next[T amqp.Performative](p *peer) T {
	p.t.Helper()
	f, err := amqp.ReadFrame(p.conn, 1<<20)
	require.NoError(p.t, err)
	body, ok := f.Body.(T)
	require.True(p.t, ok, "got a %T: %+v", f.Body, f.Body)
	return body
}

// silence asserts that the server sends nothing for a second.
func (p *peer) silence() {
	p.t.Helper()
	require.NoError(p.t, p.conn.SetReadDeadline(time.Now().Add(time.Second)))
	_, err := p.conn.Read(make([]byte, 1))
	require.ErrorIs(p.t, err, os.ErrDeadlineExceeded)
	require.NoError(p.t, p.conn.SetReadDeadline(time.Time{}))
}

// receiver attaches as receiver with the handle 7.
func (p *peer) receiver(source *amqp.Terminus, properties amqp.Map) {
	p.t.Helper()
	p.send(1, &amqp.Attach{Name: "r", Handle: 7, Role: amqp.RoleReceiver, Source: source, Target: amqp.NewTarget("me"),
		Properties: properties})
}

// sender attaches as sender with the handle 3 and reads the answer.
func (p *peer) sender(target *amqp.Terminus) *amqp.Attach {
	p.t.Helper()
	p.send(1, &amqp.Attach{Name: "s", Handle: 3, Role: amqp.RoleSender, Source: amqp.NewSource("me", nil),
		Target: target})
	return next[*amqp.Attach](p)
}

func (p *peer) credit(n uint32, drain bool) {
	p.t.Helper()
	p.flow(&amqp.Flow{LinkCredit: &n, DeliveryCount: ptr(uint32(0)), Drain: drain})
}

func (p *peer) flow(f *amqp.Flow) {
	p.t.Helper()
	f.Handle, f.NextIncomingID = ptr(uint32(7)), ptr(uint32(0))
	if f.IncomingWindow == 0 {
		f.IncomingWindow = 100
	}
	p.send(1, f)
}

// refusal reads an attach without terminus and the detach that follows, and answers it.
func (p *peer) refusal(handle uint32) *amqp.Error {
	p.t.Helper()
	a := next[*amqp.Attach](p)
	if a.Role == amqp.RoleSender {
		assert.Nil(p.t, a.Source)
	} else {
		assert.Nil(p.t, a.Target)
	}
	return p.detached(handle)
}

func (p *peer) detached(handle uint32) *amqp.Error {
	p.t.Helper()
	d := next[*amqp.Detach](p)
	assert.Equal(p.t, handle, d.Handle)
	assert.True(p.t, d.Closed)
	p.send(1, &amqp.Detach{Handle: handle, Closed: true})
	return d.Error
}

func encoded(t *testing.T, m *amqp.Message) []byte {
	t.Helper()
	buf, err := amqp.AppendMessage(nil, m)
	require.NoError(t, err)
	return buf
}

// overPipe runs f with an open peer of a broker with the queues q and s (sessions), on synctest's clock.
func overPipe(t *testing.T, f func(t *testing.T, b *servicebus.Broker, p *peer)) {
	t.Helper()
	inBubble(t, func(t *testing.T, b *servicebus.Broker) {
		putQueue(t, b, servicebus.QueueProperties{})
		require.NoError(t, b.PutQueue("s", servicebus.QueueProperties{RequiresSession: true}))
		p := connect(t, b).open(&amqp.Open{ContainerID: "test"})
		f(t, b, p)
		_ = p.conn.Close()
		require.NoError(t, p.end())
	})
}
