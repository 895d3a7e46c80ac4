package door_test

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	sdk "github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func fieldsSurvive(t *testing.T, w *world) {
	before := time.Now().Truncate(time.Millisecond)
	w.send(t, "q", &sdk.Message{Body: []byte{0, 1, 255}, MessageID: ptr("id"), ContentType: ptr("text/plain"),
		CorrelationID: ptr("corr"),
		Subject:       ptr("subject"), To: ptr("to"), ReplyTo: ptr("reply"), ReplyToSessionID: ptr("rs"),
		SessionID:    ptr("sess"),
		PartitionKey: ptr("sess"), TimeToLive: ptr(time.Hour)})
	m := take(t, w.receiver(t, "q", nil), 1)[0]
	assert.Equal(t, []byte{0, 1, 255}, m.Body)
	assert.Equal(t, "id", m.MessageID)
	for want, got := range map[string]*string{"text/plain": m.ContentType, "corr": m.CorrelationID,
		"subject": m.Subject, "to": m.To,
		"reply": m.ReplyTo, "rs": m.ReplyToSessionID, "sess": m.SessionID} {
		assert.Equal(t, &want, got)
	}
	assert.Equal(t, ptr("sess"), m.PartitionKey)
	assert.Equal(t, time.Hour, *m.TimeToLive)
	assert.Equal(t, int64(1), *m.SequenceNumber)
	assert.Equal(t, int64(1), *m.EnqueuedSequenceNumber)
	assert.Equal(t, uint32(1), m.DeliveryCount)
	assert.Equal(t, sdk.MessageStateActive, m.State)
	assert.NotZero(t, m.LockToken)
	assert.WithinRange(t, *m.EnqueuedTime, before, time.Now())
	assert.WithinRange(t, *m.LockedUntil, before.Add(time.Minute), time.Now().Add(time.Minute))
	assert.WithinRange(t, *m.ExpiresAt, before.Add(time.Hour), time.Now().Add(time.Hour))
	peeked := w.Peek("q")[0]
	assert.Equal(t, "id", peeked.MessageID)
	assert.Equal(t, "sess", peeked.SessionID)
	assert.NotEmpty(t, peeked.LockToken)
}

func propertyTypesSurvive(t *testing.T, w *world) {
	properties := map[string]any{"string": "ü", "empty": "", "bool": true, "false": false, "int8": int8(-1),
		"int16": int16(-300), "int32": int32(-70000),
		"small int32": int32(5), "int64": int64(-1 << 40), "small int64": int64(-5), "uint8": uint8(200),
		"uint16": uint16(60000),
		"uint32": uint32(1 << 31), "zero uint32": uint32(0), "uint64": uint64(1 << 63), "float32": float32(1.5),
		"float64": 2.5,
		"time":    time.UnixMilli(1234567890123).UTC(), "binary": []byte{1, 2},
		"long": string(bytes.Repeat([]byte("x"), 300)), "null": nil}
	w.send(t, "q", &sdk.Message{ApplicationProperties: properties})
	got := take(t, w.receiver(t, "q", nil), 1)[0].ApplicationProperties
	got["time"] = got["time"].(time.Time).UTC()
	assert.Equal(t, properties, got)
	assert.Equal(t, properties["time"], w.Peek("q")[0].Properties["time"])
}

func valueBody(t *testing.T, w *world) {
	s := w.sender(t, "q")
	value := map[string]any{"a": int64(7), "l": []any{"x", int32(1)}}
	require.NoError(t, s.SendAMQPAnnotatedMessage(timeout(t),
		&sdk.AMQPAnnotatedMessage{Body: sdk.AMQPAnnotatedMessageBody{Value: value}}, nil))
	require.NoError(t, s.SendAMQPAnnotatedMessage(timeout(t), &sdk.AMQPAnnotatedMessage{
		Body: sdk.AMQPAnnotatedMessageBody{Sequence: [][]any{{"a", int32(1)}, {true}}}}, nil))
	got := take(t, w.receiver(t, "q", nil), 2)
	assert.Equal(t, value, got[0].RawAMQPMessage.Body.Value)
	assert.Equal(t, [][]any{{"a", int32(1)}, {true}}, got[1].RawAMQPMessage.Body.Sequence)
}

func manyFrames(t *testing.T, w *world) {
	large := bytes.Repeat([]byte("0123456789abcdef"), 15<<10) // 240 KiB
	w.send(t, "q", &sdk.Message{Body: large}, text("next"))
	got := take(t, w.receiver(t, "q", nil), 2)
	assert.True(t, bytes.Equal(large, got[0].Body))
	assert.Equal(t, "next", string(got[1].Body))
}

func tooLarge(t *testing.T, w *world) {
	s := w.sender(t, "q")
	require.ErrorIs(t, s.SendMessage(timeout(t), &sdk.Message{Body: make([]byte, 257<<10)}, nil),
		sdk.ErrMessageTooLarge)
	b, err := s.NewMessageBatch(timeout(t), nil)
	require.NoError(t, err)
	require.NoError(t, b.AddMessage(&sdk.Message{Body: make([]byte, 200<<10)}, nil))
	require.ErrorIs(t, b.AddMessage(&sdk.Message{Body: make([]byte, 100<<10)}, nil), sdk.ErrMessageTooLarge)
	assert.Empty(t, w.Peek("q"))
}

func batch(t *testing.T, w *world) {
	s := w.sender(t, "q")
	b, err := s.NewMessageBatch(timeout(t), nil)
	require.NoError(t, err)
	want := []string{}
	for i, m := range numbered(100) {
		m.MessageID = ptr(fmt.Sprint("id", i))
		require.NoError(t, b.AddMessage(m, nil))
		want = append(want, fmt.Sprint(i))
	}
	require.NoError(t, s.SendMessageBatch(timeout(t), b, nil))
	got := take(t, w.receiver(t, "q", nil), 100)
	// Between two calls the SDK releases what arrives (receiver.go, newReleaserFunc); that comes again behind what the
	// next call was given. The order that counts is the broker's.
	slices.SortFunc(got, func(a, b *sdk.ReceivedMessage) int {
		return cmp.Compare(*a.SequenceNumber, *b.SequenceNumber)
	})
	assert.Equal(t, want, bodies(got))
	assert.Equal(t, "id99", got[99].MessageID)
}
