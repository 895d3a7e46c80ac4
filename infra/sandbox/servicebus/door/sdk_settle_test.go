package door_test

import (
	"testing"
	"time"

	sdk "github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
	require.NoError(t, r.AbandonMessage(timeout(t), m,
		&sdk.AbandonMessageOptions{PropertiesToModify: map[string]any{"why": "busy"}}))
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
	require.NoError(t, r.DeadLetterMessage(timeout(t), take(t, r, 1)[0], &sdk.DeadLetterOptions{Reason: ptr("reason"),
		ErrorDescription:   ptr("description"),
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
	for m.LockedUntil.Before(first.Add(1200 * time.Millisecond)) { // longer than one lock lasts
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
		require.NoError(t, r.DeferMessage(timeout(t), m,
			&sdk.DeferMessageOptions{PropertiesToModify: map[string]any{"deferred": true}}))
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
	assertCode(t, sdk.CodeLockLost,
		other.CompleteMessage(timeout(t), &sdk.ReceivedMessage{LockToken: m.LockToken}, nil))
}

func settleByManagement(t *testing.T, w *world) {
	w.send(t, "q", numbered(3)...)
	r := w.receiver(t, "q", nil)
	got := take(t, r, 3)
	token := func(i int) *sdk.ReceivedMessage { return &sdk.ReceivedMessage{LockToken: got[i].LockToken} }
	require.NoError(t, r.AbandonMessage(timeout(t), token(0),
		&sdk.AbandonMessageOptions{PropertiesToModify: map[string]any{"p": "v"}}))
	require.NoError(t, r.DeferMessage(timeout(t), token(1), nil))
	require.NoError(t, r.DeadLetterMessage(timeout(t), token(2), &sdk.DeadLetterOptions{Reason: ptr("r"),
		ErrorDescription: ptr("d")}))
	left := w.Peek("q")
	require.Len(t, left, 2)
	assert.Equal(t, 1, left[0].DeliveryCount)
	assert.Equal(t, "v", left[0].Properties["p"])
	assert.Equal(t, "deferred", left[1].State)
	dead := w.Peek("q/$deadletterqueue")[0]
	assert.Equal(t, []string{"r", "d"}, []string{dead.DeadLetterReason, dead.DeadLetterDescription})
}

// leftoverCredit: ReceiveMessages(10) leaves credit behind; what arrives on it between two calls is released by the
// SDK.
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
	require.ErrorContains(t, w.sender(t, "s").SendMessage(timeout(t), text("no session"), nil),
		"SessionId was not set")
}
