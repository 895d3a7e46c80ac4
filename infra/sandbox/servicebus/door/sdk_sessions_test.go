package door_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	sdk "github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func (w *world) accept(t *testing.T, queue, id string) *sdk.SessionReceiver {
	t.Helper()
	r, err := w.client.AcceptSessionForQueue(timeout(t), queue, id, nil)
	require.NoError(t, err)
	closeAtEnd(t, r.Close)
	return r
}

func sessionWork(t *testing.T, w *world) {
	for i := range 3 {
		w.send(t, "s", inSession("a", fmt.Sprint("a", i)), inSession("b", fmt.Sprint("b", i)))
	}
	r := w.accept(t, "s", "b")
	assert.Equal(t, "b", r.SessionID())
	assert.WithinDuration(t, time.Now().Add(time.Minute), r.LockedUntil(), 5*time.Second)
	got := take(t, r, 3)
	assert.Equal(t, []string{"b0", "b1", "b2"}, bodies(got))
	for _, m := range got {
		assert.Equal(t, "b", *m.SessionID)
		require.NoError(t, r.CompleteMessage(timeout(t), m, nil))
	}
	nothing(t, r)

	state, err := r.GetSessionState(timeout(t), nil)
	require.NoError(t, err)
	assert.Nil(t, state)
	require.NoError(t, r.SetSessionState(timeout(t), []byte("state"), nil))
	before := r.LockedUntil()
	require.NoError(t, r.RenewSessionLock(timeout(t), nil))
	assert.False(t, r.LockedUntil().Before(before))
	require.NoError(t, r.Close(timeout(t)))

	r = w.accept(t, "s", "b")
	state, err = r.GetSessionState(timeout(t), nil)
	require.NoError(t, err)
	assert.Equal(t, "state", string(state))
	require.NoError(t, r.SetSessionState(timeout(t), nil, nil))
	state, err = r.GetSessionState(timeout(t), nil)
	require.NoError(t, err)
	assert.Nil(t, state)
}

func sessionRefused(t *testing.T, w *world) {
	first := w.accept(t, "s", "a")
	_, err := w.client.AcceptSessionForQueue(timeout(t), "s", "a", nil)
	require.ErrorContains(t, err, "com.microsoft:session-cannot-be-locked")
	require.NoError(t, first.Close(timeout(t)))
	w.accept(t, "s", "a")
}

func sessionAcceptNext(t *testing.T, w *world) {
	w.send(t, "s", inSession("x", "1"), inSession("", "empty id"))
	for _, want := range []string{"x", ""} {
		r, err := w.client.AcceptNextSessionForQueue(timeout(t), "s", nil)
		require.NoError(t, err)
		closeAtEnd(t, r.Close)
		assert.Equal(t, want, r.SessionID())
		require.NoError(t, r.CompleteMessage(timeout(t), take(t, r, 1)[0], nil))
	}
}

func sessionWait(t *testing.T, w *world) {
	type result struct {
		r   *sdk.SessionReceiver
		err error
	}
	ctx := timeout(t)
	accepted := make(chan result, 1)
	go func() {
		r, err := w.client.AcceptNextSessionForQueue(ctx, "s", nil)
		accepted <- result{r, err}
	}()
	select {
	case got := <-accepted:
		require.Fail(t, "accepted too early", "%v", got.err)
	case <-time.After(50 * time.Millisecond):
	}
	w.send(t, "s", inSession("late", "m"))
	got := <-accepted
	require.NoError(t, got.err)
	closeAtEnd(t, got.r.Close)
	assert.Equal(t, "late", got.r.SessionID())
	assert.Equal(t, []string{"m"}, bodies(take(t, got.r, 1)))
}

func sessionTimeout(t *testing.T, w *world) {
	ctx, cancel := contextWithTimeout(t, 400*time.Millisecond)
	defer cancel()
	_, err := w.client.AcceptNextSessionForQueue(ctx, "s", nil)
	// The SDK asks the broker for up to 1 % less than its context has left: either may be first.
	var e *sdk.Error
	if !errors.Is(err, context.DeadlineExceeded) && assert.ErrorAs(t, err, &e) {
		assert.Equal(t, sdk.CodeTimeout, e.Code)
	}
	w.send(t, "s", inSession("a", "m"))
	r, err := w.client.AcceptNextSessionForQueue(timeout(t), "s", nil)
	require.NoError(t, err, "the one who gave up got no session")
	closeAtEnd(t, r.Close)
}

func sessionExpires(t *testing.T, w *world) {
	w.send(t, "s-short", inSession("a", "m"))
	r := w.accept(t, "s-short", "a")
	m := take(t, r, 1)[0]
	again, err := w.client.AcceptNextSessionForQueue(timeout(t), "s-short", nil) // waits for the expiry
	require.NoError(t, err)
	closeAtEnd(t, again.Close)
	m2 := take(t, again, 1)[0]
	assert.Equal(t, uint32(2), m2.DeliveryCount)
	ctx, cancel := contextWithTimeout(t, time.Second)
	defer cancel()
	require.Error(t, r.CompleteMessage(ctx, m, nil), "the first receiver has lost the session")
	assert.NotEmpty(t, w.Peek("s-short"))
}

func sessionList(t *testing.T, w *world) {
	list := func(o *sdk.ListSessionsOptions) []string {
		pager := w.client.NewListSessionsForQueuePager("s", o)
		all := []string{}
		for pager.More() {
			page, err := pager.NextPage(timeout(t))
			require.NoError(t, err)
			all = append(all, page.Sessions...)
		}
		return all
	}
	assert.Empty(t, list(nil))
	for i := range 5 {
		w.send(t, "s", inSession(fmt.Sprint("s", i), "m"))
	}
	assert.Equal(t, []string{"s0", "s1", "s2", "s3", "s4"}, list(nil))
}

func sessionDeferred(t *testing.T, w *world) {
	w.send(t, "s", inSession("a", "m"))
	w.accept(t, "s", "other")
	r := w.accept(t, "s", "a")
	w.accept(t, "s", "third")
	m := take(t, r, 1)[0]
	require.NoError(t, r.DeferMessage(timeout(t), m, nil))
	got, err := r.ReceiveDeferredMessages(timeout(t), []int64{*m.SequenceNumber}, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"m"}, bodies(got))
	require.NoError(t, r.CompleteMessage(timeout(t), got[0], nil))
	assert.Empty(t, w.Peek("s"))
}

func topicFanOut(t *testing.T, w *world) {
	w.send(t, "t", inSession("a", "event"))
	one, err := w.client.NewReceiverForSubscription("t", "one", nil)
	require.NoError(t, err)
	closeAtEnd(t, one.Close)
	m := take(t, one, 1)[0]
	assert.Equal(t, "event", string(m.Body))
	require.NoError(t, one.DeadLetterMessage(timeout(t), m, &sdk.DeadLetterOptions{Reason: ptr("r")}))
	dead, err := w.client.NewReceiverForSubscription("t", "one",
		&sdk.ReceiverOptions{SubQueue: sdk.SubQueueDeadLetter})
	require.NoError(t, err)
	closeAtEnd(t, dead.Close)
	assert.Equal(t, "r", *take(t, dead, 1)[0].DeadLetterReason)

	two, err := w.client.AcceptNextSessionForSubscription(timeout(t), "t", "two", nil)
	require.NoError(t, err)
	closeAtEnd(t, two.Close)
	require.NoError(t, two.CompleteMessage(timeout(t), take(t, two, 1)[0], nil))

	s := w.sender(t, "t")
	_, err = s.ScheduleMessages(timeout(t), []*sdk.Message{text("later")}, time.Now().Add(50*time.Millisecond), nil)
	require.NoError(t, err)
	assert.Equal(t, "later", string(take(t, one, 1)[0].Body))
	assert.Equal(t, []string{"event", "later"}, []string{string(w.Events("t")[0].Body), string(w.Events("t")[1].Body)})
}

func connectionLost(t *testing.T, w *world) {
	s, r := w.sender(t, "q"), w.receiver(t, "q", nil)
	require.NoError(t, s.SendMessage(timeout(t), text("before"), nil))
	m := take(t, r, 1)[0]
	w.lines.cut()
	require.NoError(t, s.SendMessage(timeout(t), text("after"), nil))
	assert.Equal(t, []string{"after"}, bodies(take(t, r, 1)), "the first message is still locked")
	require.NoError(t, r.CompleteMessage(timeout(t), &sdk.ReceivedMessage{LockToken: m.LockToken}, nil))
	assert.Len(t, w.Peek("q"), 1)
}

func entityDeleted(t *testing.T, w *world) {
	r := w.receiver(t, "q", nil)
	w.send(t, "q", text("m"))
	take(t, r, 1)
	require.NoError(t, w.DeleteEntity("q"))
	_, err := r.ReceiveMessages(timeout(t), 1, nil)
	require.ErrorContains(t, err, "amqp:not-found")
}
