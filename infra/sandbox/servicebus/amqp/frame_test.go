package amqp_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

func ptr[T any](v T) *T { return &v }

// samples has every frame body, with all fields set.
func samples() map[string]amqp.Performative {
	source := amqp.NewSource("q", amqp.Map{{Key: amqp.Symbol("f"), Value: "v"}})
	failure := &amqp.Error{Condition: "amqp:not-found", Description: "gone",
		Info: amqp.Map{{Key: amqp.Symbol("i"), Value: true}}}
	return map[string]amqp.Performative{
		"open": &amqp.Open{ContainerID: "c", Hostname: "h", MaxFrameSize: 512, ChannelMax: 9, IdleTimeout: 1000,
			Properties: amqp.Map{{Key: amqp.Symbol("p"), Value: "v"}}},
		"bare open": &amqp.Open{ContainerID: ""},
		"begin": &amqp.Begin{RemoteChannel: ptr(uint16(1)), NextOutgoingID: 2, IncomingWindow: 3,
			OutgoingWindow: 4, HandleMax: ptr(uint32(5))},
		"attach": &amqp.Attach{Name: "n", Handle: 1, Role: amqp.RoleReceiver, SenderSettleMode: ptr(amqp.SenderMixed),
			ReceiverSettleMode: ptr(amqp.ReceiverSecond),
			Source:             source, Target: amqp.NewTarget("t"), InitialDeliveryCount: ptr(uint32(0)),
			MaxMessageSize:      ptr(uint64(1 << 20)),
			OfferedCapabilities: []amqp.Symbol{"a"}, DesiredCapabilities: []amqp.Symbol{"b", "c"},
			Properties: amqp.Map{{Key: amqp.Symbol("p"), Value: uint32(1)}}},
		"flow": &amqp.Flow{NextIncomingID: ptr(uint32(1)), IncomingWindow: 2, NextOutgoingID: 3, OutgoingWindow: 4,
			Handle: ptr(uint32(5)), DeliveryCount: ptr(uint32(6)),
			LinkCredit: ptr(uint32(7)), Available: ptr(uint32(8)), Drain: true, Echo: true},
		"transfer": &amqp.Transfer{Handle: 1, DeliveryID: ptr(uint32(2)), DeliveryTag: []byte{3},
			MessageFormat: ptr(uint32(0)), Settled: true, More: true, Aborted: true, Payload: []byte("payload")},
		"accepted": &amqp.Disposition{Role: amqp.RoleReceiver, First: 1, Last: ptr(uint32(2)), Settled: true,
			State: &amqp.State{Outcome: amqp.Accepted}},
		"rejected": &amqp.Disposition{First: 1, State: &amqp.State{Outcome: amqp.Rejected, Error: failure}},
		"modified": &amqp.Disposition{State: &amqp.State{Outcome: amqp.Modified, DeliveryFailed: true,
			UndeliverableHere: true, Annotations: amqp.Map{{Key: "k", Value: "v"}}}},
		"released":   &amqp.Disposition{State: &amqp.State{Outcome: amqp.Released}},
		"detach":     &amqp.Detach{Handle: 1, Closed: true, Error: failure},
		"end":        &amqp.End{Error: failure},
		"close":      &amqp.Close{},
		"mechanisms": &amqp.SASLMechanisms{Mechanisms: []amqp.Symbol{amqp.MechanismAnonymous, amqp.MechanismPlain}},
		"init": &amqp.SASLInit{Mechanism: amqp.MechanismPlain, InitialResponse: []byte("\x00u\x00p"),
			Hostname: "h"},
		"outcome": &amqp.SASLOutcome{Code: amqp.SASLAuthFailed, AdditionalData: []byte("no")},
	}
}

func TestFramesRoundTrip(t *testing.T) {
	for name, body := range samples() {
		t.Run(name, func(t *testing.T) {
			frame := amqp.Frame{Channel: 300, SASL: name == "init", Body: body}
			buf, err := amqp.AppendFrame(nil, frame)
			require.NoError(t, err)
			r := bytes.NewReader(buf)
			got, err := amqp.ReadFrame(r, amqp.MinMaxFrameSize)
			require.NoError(t, err)
			if transfer, ok := body.(*amqp.Transfer); ok {
				assert.Equal(t, transfer, got.Body)
			}
			assert.Equal(t, frame, got)
			assert.Zero(t, r.Len())
		})
	}
}

func TestEmptyFrame(t *testing.T) {
	buf, err := amqp.AppendFrame(nil, amqp.Frame{})
	require.NoError(t, err)
	assert.Equal(t, []byte{0, 0, 0, 8, 2, 0, 0, 0}, buf)
	got, err := amqp.ReadFrame(bytes.NewReader(buf), 512)
	require.NoError(t, err)
	assert.Nil(t, got.Body)
}

func TestExtendedHeaderIsSkipped(t *testing.T) {
	got, err := amqp.ReadFrame(bytes.NewReader([]byte{0, 0, 0, 16, 3, 0, 0, 1, 9, 9, 9, 9, 0, 0x53, 0x18, 0x45}), 512)
	require.NoError(t, err)
	assert.Equal(t, amqp.Frame{Channel: 1, Body: &amqp.Close{}}, got)
}

func TestMalformedFrames(t *testing.T) {
	composite := func(code uint64, l amqp.List) []byte {
		b, err := amqp.AppendValue([]byte{0, 0, 0, 0, 2, 0, 0, 0}, amqp.Described{Descriptor: code, Value: l})
		require.NoError(t, err)
		b[3] = byte(len(b))
		return b
	}
	tests := map[string][]byte{
		"too large":               {0, 1, 0, 0, 2, 0, 0, 0},
		"smaller than its header": {0, 0, 0, 4, 2, 0, 0, 0},
		"offset below header":     {0, 0, 0, 8, 1, 0, 0, 0},
		"offset beyond frame":     {0, 0, 0, 8, 3, 0, 0, 0},
		"unknown type":            {0, 0, 0, 8, 2, 7, 0, 0},
		"not a described list":    {0, 0, 0, 9, 2, 0, 0, 0, 0x40},
		"unknown performative":    composite(0x19, amqp.List{}),
		"attach without name":     composite(0x12, amqp.List{nil, uint32(0), false}),
		"handle is a string":      composite(0x16, amqp.List{"0"}),
		"state is not described":  composite(0x15, amqp.List{true, uint32(0), nil, nil, true}),
		"error without condition": composite(0x18,
			amqp.List{amqp.Described{Descriptor: uint64(0x1d), Value: amqp.List{}}}),
		"wrong error": composite(0x18,
			amqp.List{amqp.Described{Descriptor: uint64(0x1e), Value: amqp.List{amqp.Symbol("x")}}}),
		"capabilities of numbers": composite(0x12, amqp.List{"n", uint32(0), false, nil, nil, nil, nil, nil, nil, nil,
			nil, amqp.Array{int32(1)}}),
		"source is a map": composite(0x12, amqp.List{"n", uint32(0), false, nil, nil,
			amqp.Described{Descriptor: uint64(0x28), Value: amqp.Map{}}}),
		"bytes after close": {0, 0, 0, 13, 2, 0, 0, 0, 0, 0x53, 0x18, 0x45, 0x40},
	}
	for name, buf := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := amqp.ReadFrame(bytes.NewReader(buf), 512)
			require.ErrorIs(t, err, amqp.ErrMalformed)
		})
	}
}

func TestCutFrames(t *testing.T) {
	buf, err := amqp.AppendFrame(nil, amqp.Frame{Body: samples()["open"]})
	require.NoError(t, err)
	for n := range len(buf) {
		_, err := amqp.ReadFrame(bytes.NewReader(buf[:n]), 512)
		if n == 0 {
			require.ErrorIs(t, err, io.EOF)
			continue
		}
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	}
}

func TestTerminus(t *testing.T) {
	assert.Empty(t, (*amqp.Terminus)(nil).Address())
	assert.Nil(t, (*amqp.Terminus)(nil).Filter())
	assert.Nil(t, amqp.NewTarget("t").Filter())
	source := amqp.NewSource("q", nil)
	filtered := source.WithFilter(amqp.Map{{Key: "f", Value: 1}})
	assert.Equal(t, "q", filtered.Address())
	assert.Len(t, filtered.Filter(), 1)
	assert.Nil(t, source.Filter(), "the original stays")
	assert.False(t, amqp.NewTarget("t").IsCoordinator())
	assert.True(t, (&amqp.Terminus{Descriptor: 0x30}).IsCoordinator())
}
