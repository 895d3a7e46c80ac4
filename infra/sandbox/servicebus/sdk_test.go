package servicebus_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	sdk "github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
)

// world is what a case of the SDK suite works with: a broker with the queues q (short lock), s (sessions) and d
// (duplicate detection) and the topic t with two subscriptions, and the SDK's client.
type world struct {
	*bed
	client *sdk.Client
}

func newWorld(t testing.TB, tr transport) *world {
	t.Helper()
	b := newBed(t, servicebus.Options{})
	require.NoError(t, b.PutQueue("q", servicebus.QueueProperties{MaxDeliveryCount: 2, DeadLetteringOnMessageExpiration: true}))
	require.NoError(t, b.PutQueue("short", servicebus.QueueProperties{LockDuration: "PT0.25S"}))
	require.NoError(t, b.PutQueue("s", servicebus.QueueProperties{RequiresSession: true}))
	require.NoError(t, b.PutQueue("s-short", servicebus.QueueProperties{RequiresSession: true, LockDuration: "PT0.25S"}))
	require.NoError(t, b.PutQueue("d", servicebus.QueueProperties{RequiresDuplicateDetection: true}))
	require.NoError(t, b.PutTopic("t", servicebus.TopicProperties{Subscriptions: []servicebus.SubscriptionProperties{
		{Name: "one"}, {Name: "two", RequiresSession: true}}}))
	return &world{bed: b, client: tr(t, b)}
}

func (w *world) sender(t testing.TB, entity string) *sdk.Sender {
	t.Helper()
	s, err := w.client.NewSender(entity, nil)
	require.NoError(t, err)
	return s
}

func (w *world) send(t testing.TB, entity string, messages ...*sdk.Message) {
	t.Helper()
	s := w.sender(t, entity)
	for _, m := range messages {
		require.NoError(t, s.SendMessage(timeout(t), m, nil))
	}
	require.NoError(t, s.Close(timeout(t)))
}

func (w *world) receiver(t testing.TB, entity string, o *sdk.ReceiverOptions) *sdk.Receiver {
	t.Helper()
	r, err := w.client.NewReceiverForQueue(entity, o)
	require.NoError(t, err)
	closeAtEnd(t, r.Close)
	return r
}

type messageSource interface {
	ReceiveMessages(ctx context.Context, maxMessages int, options *sdk.ReceiveMessagesOptions) ([]*sdk.ReceivedMessage, error)
}

// take receives exactly n messages: the SDK may return fewer at a time.
func take(t testing.TB, r messageSource, n int) []*sdk.ReceivedMessage {
	t.Helper()
	var out []*sdk.ReceivedMessage
	for len(out) < n {
		got, err := r.ReceiveMessages(timeout(t), n-len(out), nil)
		require.NoError(t, err)
		out = append(out, got...)
	}
	return out
}

// nothing asserts that there is nothing to receive.
func nothing(t testing.TB, r messageSource) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	got, err := r.ReceiveMessages(ctx, 1, nil)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Empty(t, got)
}

func assertCode(t testing.TB, want sdk.Code, err error) {
	t.Helper()
	var e *sdk.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, want, e.Code, "%v", err)
}

func bodies(messages []*sdk.ReceivedMessage) []string {
	out := []string{}
	for _, m := range messages {
		out = append(out, string(m.Body))
	}
	return out
}

func ptr[T any](v T) *T { return &v }

func text(s string) *sdk.Message { return &sdk.Message{Body: []byte(s)} }

func inSession(id, body string) *sdk.Message { return &sdk.Message{SessionID: &id, Body: []byte(body)} }

func numbered(n int) []*sdk.Message {
	var out []*sdk.Message
	for i := range n {
		out = append(out, text(fmt.Sprint(i)))
	}
	return out
}

// TestSDK runs every case over every transport, through the unmodified SDK.
func TestSDK(t *testing.T) {
	transports := map[string]transport{"connection string": overConnectionString, "TLS": overTLS, "conn": overConn}
	for name, run := range cases() {
		t.Run(name, func(t *testing.T) {
			for name, tr := range transports {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					run(t, newWorld(t, tr))
				})
			}
		})
	}
}

func cases() map[string]func(*testing.T, *world) {
	return map[string]func(*testing.T, *world){
		"fields survive":                        fieldsSurvive,
		"property types survive":                propertyTypesSurvive,
		"AMQP value body":                       valueBody,
		"message of many frames":                manyFrames,
		"message too large":                     tooLarge,
		"batch":                                 batch,
		"complete":                              completes,
		"abandon counts and changes properties": abandons,
		"max delivery count":                    maxDelivery,
		"dead letter with reason":               deadLetters,
		"receive and delete":                    receiveAndDelete,
		"peek":                                  peeks,
		"renew and expire":                      renewAndExpire,
		"defer":                                 defers,
		"schedule and cancel":                   schedules,
		"scheduled by property":                 scheduledByProperty,
		"settle by lock token":                  settleByLockToken,
		"settle everything by management link":  settleByManagement,
		"leftover credit does not count":        leftoverCredit,
		"time to live":                          timeToLive,
		"duplicate detection":                   duplicates,
		"unknown entity":                        unknownEntity,
		"wrong kind of receiver":                wrongKind,
		"session: order, state, renewal":        sessionWork,
		"session: refused to a second":          sessionRefused,
		"session: accept next":                  sessionAcceptNext,
		"session: wait for next":                sessionWait,
		"session: nobody comes":                 sessionTimeout,
		"session: lock expires":                 sessionExpires,
		"session: list":                         sessionList,
		"session: deferred":                     sessionDeferred,
		"topic":                                 topicFanOut,
		"connection lost":                       connectionLost,
		"entity deleted":                        entityDeleted,
	}
}

func fieldsSurvive(t *testing.T, w *world) {
	before := time.Now().Truncate(time.Millisecond)
	w.send(t, "q", &sdk.Message{Body: []byte{0, 1, 255}, MessageID: ptr("id"), ContentType: ptr("text/plain"), CorrelationID: ptr("corr"),
		Subject: ptr("subject"), To: ptr("to"), ReplyTo: ptr("reply"), ReplyToSessionID: ptr("rs"), SessionID: ptr("sess"),
		PartitionKey: ptr("sess"), TimeToLive: ptr(time.Hour)})
	m := take(t, w.receiver(t, "q", nil), 1)[0]
	assert.Equal(t, []byte{0, 1, 255}, m.Body)
	assert.Equal(t, "id", m.MessageID)
	for want, got := range map[string]*string{"text/plain": m.ContentType, "corr": m.CorrelationID, "subject": m.Subject, "to": m.To,
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
	properties := map[string]any{"string": "ü", "empty": "", "bool": true, "false": false, "int8": int8(-1), "int16": int16(-300), "int32": int32(-70000),
		"small int32": int32(5), "int64": int64(-1 << 40), "small int64": int64(-5), "uint8": uint8(200), "uint16": uint16(60000),
		"uint32": uint32(1 << 31), "zero uint32": uint32(0), "uint64": uint64(1 << 63), "float32": float32(1.5), "float64": 2.5,
		"time": time.UnixMilli(1234567890123).UTC(), "binary": []byte{1, 2}, "long": string(bytes.Repeat([]byte("x"), 300)), "null": nil}
	w.send(t, "q", &sdk.Message{ApplicationProperties: properties})
	got := take(t, w.receiver(t, "q", nil), 1)[0].ApplicationProperties
	got["time"] = got["time"].(time.Time).UTC()
	assert.Equal(t, properties, got)
	assert.Equal(t, properties["time"], w.Peek("q")[0].Properties["time"])
}

func valueBody(t *testing.T, w *world) {
	s := w.sender(t, "q")
	value := map[string]any{"a": int64(7), "l": []any{"x", int32(1)}}
	require.NoError(t, s.SendAMQPAnnotatedMessage(timeout(t), &sdk.AMQPAnnotatedMessage{Body: sdk.AMQPAnnotatedMessageBody{Value: value}}, nil))
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
	require.ErrorIs(t, s.SendMessage(timeout(t), &sdk.Message{Body: make([]byte, 257<<10)}, nil), sdk.ErrMessageTooLarge)
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
	assert.Equal(t, want, bodies(got))
	assert.Equal(t, "id99", got[99].MessageID)
}

func completes(t *testing.T, w *world) {
	w.send(t, "q", numbered(3)...)
	r := w.receiver(t, "q", nil)
	for _, m := range take(t, r, 3) {
		require.NoError(t, r.CompleteMessage(timeout(t), m, nil))
	}
	assert.Empty(t, w.Peek("q"))
	nothing(t, r)
}

func abandons(t *testing.T, w *world) {
	w.send(t, "q", text("again"))
	r := w.receiver(t, "q", nil)
	m := take(t, r, 1)[0]
	require.NoError(t, r.AbandonMessage(timeout(t), m, &sdk.AbandonMessageOptions{PropertiesToModify: map[string]any{"why": "busy"}}))
	m = take(t, r, 1)[0]
	assert.Equal(t, uint32(2), m.DeliveryCount)
	assert.Equal(t, "busy", m.ApplicationProperties["why"])
	require.NoError(t, r.CompleteMessage(timeout(t), m, nil))
}

func maxDelivery(t *testing.T, w *world) {
	w.send(t, "q", text("poison"))
	r := w.receiver(t, "q", nil)
	for range 2 {
		require.NoError(t, r.AbandonMessage(timeout(t), take(t, r, 1)[0], nil))
	}
	nothing(t, r)
	dead := take(t, w.receiver(t, "q", &sdk.ReceiverOptions{SubQueue: sdk.SubQueueDeadLetter}), 1)[0]
	assert.Equal(t, "MaxDeliveryCountExceeded", *dead.DeadLetterReason)
	assert.Equal(t, "q", *dead.DeadLetterSource)
}

func deadLetters(t *testing.T, w *world) {
	w.send(t, "q", text("bad"))
	r := w.receiver(t, "q", nil)
	require.NoError(t, r.DeadLetterMessage(timeout(t), take(t, r, 1)[0], &sdk.DeadLetterOptions{Reason: ptr("reason"), ErrorDescription: ptr("description"),
		PropertiesToModify: map[string]any{"extra": int64(1)}}))
	d := w.receiver(t, "q", &sdk.ReceiverOptions{SubQueue: sdk.SubQueueDeadLetter})
	dead := take(t, d, 1)[0]
	assert.Equal(t, "reason", *dead.DeadLetterReason)
	assert.Equal(t, "description", *dead.DeadLetterErrorDescription)
	assert.Equal(t, int64(1), dead.ApplicationProperties["extra"])
	require.NoError(t, d.CompleteMessage(timeout(t), dead, nil))
	assert.Empty(t, w.Peek("q/$DeadLetterQueue"))
}

func receiveAndDelete(t *testing.T, w *world) {
	w.send(t, "q", numbered(5)...)
	got := take(t, w.receiver(t, "q", &sdk.ReceiverOptions{ReceiveMode: sdk.ReceiveModeReceiveAndDelete}), 5)
	assert.Equal(t, []string{"0", "1", "2", "3", "4"}, bodies(got))
	assert.Empty(t, w.Peek("q"))
}

func peeks(t *testing.T, w *world) {
	r := w.receiver(t, "q", nil)
	got, err := r.PeekMessages(timeout(t), 10, nil)
	require.NoError(t, err)
	assert.Empty(t, got)
	w.send(t, "q", numbered(3)...)
	got, err = r.PeekMessages(timeout(t), 2, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"0", "1"}, bodies(got))
	got, err = r.PeekMessages(timeout(t), 2, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"2"}, bodies(got))
	got, err = r.PeekMessages(timeout(t), 10, &sdk.PeekMessagesOptions{FromSequenceNumber: ptr(int64(2))})
	require.NoError(t, err)
	assert.Equal(t, []string{"1", "2"}, bodies(got))
	assert.Len(t, take(t, r, 3), 3, "peeking locks nothing")
}

func renewAndExpire(t *testing.T, w *world) {
	w.send(t, "short", text("m"))
	r := w.receiver(t, "short", nil)
	m := take(t, r, 1)[0]
	first := *m.LockedUntil
	for m.LockedUntil.Before(first.Add(300 * time.Millisecond)) { // longer than one lock lasts
		require.NoError(t, r.RenewMessageLock(timeout(t), m, nil))
	}
	m2 := take(t, r, 1)[0] // waits for the expiry
	assert.Equal(t, uint32(2), m2.DeliveryCount)
	assertCode(t, sdk.CodeLockLost, r.CompleteMessage(timeout(t), m, nil))
	assertCode(t, sdk.CodeLockLost, r.RenewMessageLock(timeout(t), m, nil))
	require.NoError(t, r.CompleteMessage(timeout(t), m2, nil))
}

func defers(t *testing.T, w *world) {
	w.send(t, "q", numbered(2)...)
	r := w.receiver(t, "q", nil)
	var seqs []int64
	for _, m := range take(t, r, 2) {
		require.NoError(t, r.DeferMessage(timeout(t), m, &sdk.DeferMessageOptions{PropertiesToModify: map[string]any{"deferred": true}}))
		seqs = append(seqs, *m.SequenceNumber)
	}
	nothing(t, r)
	peeked, err := r.PeekMessages(timeout(t), 1, nil)
	require.NoError(t, err)
	assert.Equal(t, sdk.MessageStateDeferred, peeked[0].State)

	got, err := r.ReceiveDeferredMessages(timeout(t), seqs, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"0", "1"}, bodies(got))
	assert.Equal(t, true, got[0].ApplicationProperties["deferred"])
	require.NoError(t, r.RenewMessageLock(timeout(t), got[0], nil))
	require.NoError(t, r.CompleteMessage(timeout(t), got[0], nil))
	require.NoError(t, r.AbandonMessage(timeout(t), got[1], nil))
	got, err = r.ReceiveDeferredMessages(timeout(t), seqs[1:], nil)
	require.NoError(t, err, "an abandoned deferred message stays deferred")
	require.NoError(t, r.DeadLetterMessage(timeout(t), got[0], nil))
	_, err = r.ReceiveDeferredMessages(timeout(t), seqs[:1], nil)
	assertCode(t, sdk.CodeNotFound, err)
	assert.Len(t, w.Peek("q/$deadletterqueue"), 1)
}

func schedules(t *testing.T, w *world) {
	s := w.sender(t, "q")
	soon := time.Now().Add(300 * time.Millisecond).Truncate(time.Millisecond)
	seqs, err := s.ScheduleMessages(timeout(t), numbered(2), soon, nil)
	require.NoError(t, err)
	require.Len(t, seqs, 2)
	r := w.receiver(t, "q", nil)
	peeked, err := r.PeekMessages(timeout(t), 2, nil)
	require.NoError(t, err)
	assert.Equal(t, sdk.MessageStateScheduled, peeked[0].State)
	assert.WithinDuration(t, soon, *peeked[0].ScheduledEnqueueTime, time.Millisecond)
	require.NoError(t, s.CancelScheduledMessages(timeout(t), seqs[:1], nil))
	assertCode(t, sdk.CodeNotFound, s.CancelScheduledMessages(timeout(t), seqs[:1], nil))
	got := take(t, r, 1)[0]
	assert.Equal(t, "1", string(got.Body))
	assert.False(t, time.Now().Before(soon), "not before its time")
	assert.Equal(t, sdk.MessageStateActive, got.State)
	require.NoError(t, r.CompleteMessage(timeout(t), got, nil))
}

func scheduledByProperty(t *testing.T, w *world) {
	soon := time.Now().Add(200 * time.Millisecond).Truncate(time.Millisecond)
	w.send(t, "q", &sdk.Message{Body: []byte("later"), ScheduledEnqueueTime: &soon}, text("now"))
	got := take(t, w.receiver(t, "q", nil), 2)
	assert.Equal(t, []string{"now", "later"}, bodies(got))
	assert.False(t, time.Now().Before(soon))
}

func settleByLockToken(t *testing.T, w *world) {
	w.send(t, "q", text("m"))
	m := take(t, w.receiver(t, "q", nil), 1)[0]
	other := w.receiver(t, "q", nil)
	require.NoError(t, other.CompleteMessage(timeout(t), &sdk.ReceivedMessage{LockToken: m.LockToken}, nil))
	assert.Empty(t, w.Peek("q"))
	assertCode(t, sdk.CodeLockLost, other.CompleteMessage(timeout(t), &sdk.ReceivedMessage{LockToken: m.LockToken}, nil))
}

func settleByManagement(t *testing.T, w *world) {
	w.send(t, "q", numbered(3)...)
	r := w.receiver(t, "q", nil)
	got := take(t, r, 3)
	token := func(i int) *sdk.ReceivedMessage { return &sdk.ReceivedMessage{LockToken: got[i].LockToken} }
	require.NoError(t, r.AbandonMessage(timeout(t), token(0), &sdk.AbandonMessageOptions{PropertiesToModify: map[string]any{"p": "v"}}))
	require.NoError(t, r.DeferMessage(timeout(t), token(1), nil))
	require.NoError(t, r.DeadLetterMessage(timeout(t), token(2), &sdk.DeadLetterOptions{Reason: ptr("r"), ErrorDescription: ptr("d")}))
	left := w.Peek("q")
	require.Len(t, left, 2)
	assert.Equal(t, 1, left[0].DeliveryCount)
	assert.Equal(t, "v", left[0].Properties["p"])
	assert.Equal(t, "deferred", left[1].State)
	dead := w.Peek("q/$deadletterqueue")[0]
	assert.Equal(t, []string{"r", "d"}, []string{dead.DeadLetterReason, dead.DeadLetterDescription})
}

// leftoverCredit: ReceiveMessages(10) leaves credit behind; what arrives on it between two calls is released by the SDK.
func leftoverCredit(t *testing.T, w *world) {
	w.send(t, "q", text("0"))
	r := w.receiver(t, "q", nil)
	got, err := r.ReceiveMessages(timeout(t), 10, nil)
	require.NoError(t, err)
	require.Len(t, got, 1)
	w.send(t, "q", text("1"))
	other := w.receiver(t, "q", nil)
	m := take(t, other, 1)[0]
	assert.Equal(t, "1", string(m.Body))
	assert.Equal(t, uint32(1), m.DeliveryCount)
}

func timeToLive(t *testing.T, w *world) {
	w.send(t, "q", &sdk.Message{Body: []byte("brief"), TimeToLive: ptr(50 * time.Millisecond)})
	dead := take(t, w.receiver(t, "q", &sdk.ReceiverOptions{SubQueue: sdk.SubQueueDeadLetter}), 1)[0]
	assert.Equal(t, "TTLExpiredException", *dead.DeadLetterReason)
	assert.Empty(t, w.Peek("q"))
}

func duplicates(t *testing.T, w *world) {
	same := &sdk.Message{MessageID: ptr("same")}
	w.send(t, "d", same, same, &sdk.Message{MessageID: ptr("other")})
	assert.Len(t, w.Peek("d"), 2)
}

func unknownEntity(t *testing.T, w *world) {
	s := w.sender(t, "none")
	err := s.SendMessage(timeout(t), text("x"), nil)
	require.ErrorContains(t, err, "amqp:not-found")
	_, err = w.receiver(t, "none", nil).ReceiveMessages(timeout(t), 1, nil)
	require.ErrorContains(t, err, "could not be found")
}

func wrongKind(t *testing.T, w *world) {
	_, err := w.receiver(t, "s", nil).ReceiveMessages(timeout(t), 1, nil)
	require.ErrorContains(t, err, "non-sessionful message receiver")
	_, err = w.client.AcceptSessionForQueue(timeout(t), "q", "id", nil)
	require.ErrorContains(t, err, "sessionful message receiver cannot be created")
	require.ErrorContains(t, w.sender(t, "s").SendMessage(timeout(t), text("no session"), nil), "SessionId was not set")
}
