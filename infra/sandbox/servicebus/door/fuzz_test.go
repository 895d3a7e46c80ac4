package door_test

import (
	"io"
	"net"
	"testing"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/door"
)

// FuzzConnection: whatever an authenticated peer sends after the open, the server neither panics nor hangs, and ends
// with the connection.
func FuzzConnection(f *testing.F) {
	frames := func(bodies ...amqp.Performative) []byte {
		var out []byte
		for _, body := range bodies {
			var err error
			if out, err = amqp.AppendFrame(out, amqp.Frame{Body: body}); err != nil {
				f.Fatal(err)
			}
		}
		return out
	}
	filter := amqp.Map{{Key: amqp.Symbol("com.microsoft:session-filter"), Value: nil}}
	begin := &amqp.Begin{IncomingWindow: 10}
	credit := &amqp.Flow{Handle: ptr(uint32(0)), LinkCredit: ptr(uint32(5)), Drain: true, Echo: true,
		NextIncomingID: ptr(uint32(0)), IncomingWindow: 9}
	message := amqp.AppendData(nil, []byte("x"))
	f.Add(frames(begin, &amqp.Attach{Role: amqp.RoleReceiver, Source: amqp.NewSource("q", nil)}, credit,
		&amqp.Disposition{Role: amqp.RoleReceiver, State: &amqp.State{Outcome: amqp.Accepted}}, &amqp.Detach{},
		&amqp.End{}))
	f.Add(frames(begin, &amqp.Attach{Role: amqp.RoleReceiver, Source: amqp.NewSource("s", filter)}, credit,
		&amqp.Detach{Closed: true}))
	f.Add(frames(begin, &amqp.Attach{Target: amqp.NewTarget("q")}, &amqp.Transfer{DeliveryID: ptr(uint32(0)),
		Payload: message},
		&amqp.Transfer{DeliveryID: ptr(uint32(1)), MessageFormat: ptr(uint32(0x80013700)), Payload: message}))
	f.Add(frames(begin, &amqp.Attach{Target: amqp.NewTarget("q/$management")}, &amqp.Attach{Role: amqp.RoleReceiver,
		Handle: 1, Source: amqp.NewSource("q/$management", nil)},
		&amqp.Transfer{DeliveryID: ptr(uint32(0)), Payload: message}))
	f.Add(frames(&amqp.Close{}))
	f.Fuzz(func(t *testing.T, stream []byte) {
		b := servicebus.NewBroker(servicebus.Options{})
		defer b.Close()
		if b.PutQueue("q", servicebus.QueueProperties{}) != nil ||
			b.PutQueue("s", servicebus.QueueProperties{RequiresSession: true}) != nil ||
			b.Send("q", servicebus.Message{}) != nil || b.Send("s", servicebus.Message{SessionID: "x"}) != nil {
			t.Fatal("no queues")
		}
		ours, theirs := net.Pipe()
		served := make(chan struct{})
		go func() {
			defer close(served)
			_ = door.ServeConn(t.Context(), b, theirs)
		}()
		go func() { _, _ = io.Copy(io.Discard, ours) }()
		header, plain := amqp.SASLHeader(), amqp.PlainHeader()
		hello := append(header[:], saslFrame(t)...)
		hello = append(append(hello, plain[:]...), frames(&amqp.Open{})...)
		// The zeros complete a frame that the stream leaves open, and are no frame themselves: they end the
		// connection.
		_, _ = ours.Write(append(append(hello, stream...), make([]byte, 65<<10)...))
		<-served
		_ = ours.Close()
	})
}

func saslFrame(t *testing.T) []byte {
	t.Helper()
	buf, err := amqp.AppendFrame(nil, amqp.Frame{SASL: true, Body: &amqp.SASLInit{Mechanism: amqp.MechanismPlain,
		InitialResponse: []byte("\x00u\x00p")}})
	if err != nil {
		t.Fatal(err)
	}
	return buf
}
