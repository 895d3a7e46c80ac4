package servicebus_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
)

// inBubble runs f with a broker on synctest's clock.
func inBubble(t *testing.T, f func(t *testing.T, b *servicebus.Broker)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := servicebus.NewBroker(servicebus.Options{})
		defer b.Close()
		f(t, b)
	})
}

func putQueue(t *testing.T, b *servicebus.Broker, p servicebus.QueueProperties) {
	t.Helper()
	require.NoError(t, b.PutQueue("q", p))
}

func send(t *testing.T, b *servicebus.Broker, entity string, messages ...servicebus.Message) {
	t.Helper()
	for _, m := range messages {
		require.NoError(t, b.Send(entity, m))
	}
}

func receive(t *testing.T, b *servicebus.Broker, entity string) *servicebus.Locked {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	l, err := b.Receive(ctx, entity)
	require.NoError(t, err)
	return l
}

func assertEmpty(t *testing.T, b *servicebus.Broker, entity string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := b.Receive(ctx, entity)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func assertCondition(t *testing.T, want servicebus.Condition, err error) {
	t.Helper()
	var e *servicebus.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, want, e.Condition)
}

func ids(messages []servicebus.Message) []string {
	out := []string{}
	for _, m := range messages {
		out = append(out, m.MessageID)
	}
	return out
}

func TestReceiveAndSettle(t *testing.T) {
	const dead = "q/$deadletterqueue"
	tests := map[string]struct {
		settle func(*servicebus.Locked) error
		active []string
		dead   []string
		count  int // of the message that is left
		reason string
	}{
		"complete": {settle: (*servicebus.Locked).Complete, active: []string{}, dead: []string{}},
		"abandon": {settle: func(l *servicebus.Locked) error { return l.Abandon(nil) }, active: []string{"m"},
			dead: []string{}, count: 1},
		"release": {settle: (*servicebus.Locked).Release, active: []string{"m"}, dead: []string{}},
		"defer":   {settle: (*servicebus.Locked).Defer, active: []string{"m"}, dead: []string{}},
		"dead letter": {settle: func(l *servicebus.Locked) error { return l.DeadLetter("bad", "no good") },
			active: []string{}, dead: []string{"m"}, reason: "bad"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *servicebus.Broker) {
				putQueue(t, b, servicebus.QueueProperties{})
				send(t, b, "q", servicebus.Message{MessageID: "m", Body: []byte("x")})
				l := receive(t, b, "q")
				assert.Equal(t, 1, l.Message.DeliveryCount)
				require.NoError(t, tt.settle(l))
				assert.Equal(t, tt.active, ids(b.Peek("q")))
				assert.Equal(t, tt.dead, ids(b.Peek(dead)))
				for _, m := range append(b.Peek("q"), b.Peek(dead)...) {
					assert.Equal(t, tt.count, m.DeliveryCount)
					assert.Equal(t, tt.reason, m.DeadLetterReason)
				}
				assertCondition(t, servicebus.ConditionLockLost, l.Complete())
				assertCondition(t, servicebus.ConditionLockLost, l.Renew())
			})
		})
	}
}

func TestMessageFieldsSurvive(t *testing.T) {
	inBubble(t, func(t *testing.T, b *servicebus.Broker) {
		putQueue(t, b, servicebus.QueueProperties{})
		sent := servicebus.Message{MessageID: "m", SessionID: "s", ContentType: "application/json", Subject: "sub",
			CorrelationID: "c",
			To:            "to", ReplyTo: "back", Body: []byte(`{}`), TTL: time.Hour,
			Properties: map[string]any{"n": 7, "f": 1.5, "t": time.UnixMilli(5).UTC(), "s": "x", "b": true}}
		send(t, b, "q", sent)
		got := receive(t, b, "Q").Message
		now := time.Now()
		assert.True(t, got.LockedUntil.Equal(now.Add(time.Minute)))
		assert.True(t, got.EnqueuedAt.Equal(now))
		assert.True(t, got.ExpiresAt.Equal(now.Add(time.Hour)))
		assert.Len(t, got.LockToken, 36)
		want := sent
		want.Properties["n"] = int64(7)
		want.State, want.DeliveryCount, want.SequenceNumber = "active", 1, 1
		want.LockedUntil, want.EnqueuedAt, want.ExpiresAt, want.LockToken = got.LockedUntil, got.EnqueuedAt,
			got.ExpiresAt, got.LockToken
		assert.Equal(t, want, got)
	})
}

func TestUnsupportedPropertyIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, b *servicebus.Broker) {
		putQueue(t, b, servicebus.QueueProperties{})
		err := b.Send("q", servicebus.Message{Properties: map[string]any{"x": struct{}{}}})
		assertCondition(t, servicebus.ConditionNotAllowed, err)
	})
}

func TestReceiveWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, b *servicebus.Broker) {
		putQueue(t, b, servicebus.QueueProperties{})
		got := make(chan string)
		go func() {
			l, err := b.Receive(t.Context(), "q")
			assert.NoError(t, err)
			got <- l.Message.MessageID
		}()
		synctest.Wait()
		send(t, b, "q", servicebus.Message{MessageID: "late"})
		assert.Equal(t, "late", <-got)
	})
}

func TestLockExpiryRedeliversAndRenewPreventsIt(t *testing.T) {
	inBubble(t, func(t *testing.T, b *servicebus.Broker) {
		putQueue(t, b, servicebus.QueueProperties{LockDuration: "PT30S"})
		send(t, b, "q", servicebus.Message{MessageID: "m"})
		l := receive(t, b, "q")
		time.Sleep(20 * time.Second)
		require.NoError(t, l.Renew())
		time.Sleep(20 * time.Second)
		assertEmpty(t, b, "q")
		time.Sleep(10 * time.Second)
		assertCondition(t, servicebus.ConditionLockLost, l.Complete())
		again := receive(t, b, "q")
		assert.Equal(t, 2, again.Message.DeliveryCount)
		require.NoError(t, again.Complete())
	})
}

func TestMaxDeliveryCount(t *testing.T) {
	inBubble(t, func(t *testing.T, b *servicebus.Broker) {
		putQueue(t, b, servicebus.QueueProperties{MaxDeliveryCount: 3})
		send(t, b, "q", servicebus.Message{MessageID: "m"})
		for i := range 3 {
			l := receive(t, b, "q")
			assert.Equal(t, i+1, l.Message.DeliveryCount)
			require.NoError(t, l.Abandon(map[string]any{"tries": i + 1}))
		}
		assertEmpty(t, b, "q")
		dead := receive(t, b, "q/$DeadLetterQueue")
		assert.Equal(t, "MaxDeliveryCountExceeded", dead.Message.DeadLetterReason)
		assert.Equal(t, "Message could not be consumed after 3 delivery attempts.", dead.Message.DeadLetterDescription)
		assert.Equal(t, "q", dead.Message.DeadLetterSource)
		assert.Equal(t, int64(3), dead.Message.Properties["tries"])
		require.NoError(t, dead.Complete())
		assert.Empty(t, b.Peek("q/$deadletterqueue"))
	})
}

func TestTimeToLive(t *testing.T) {
	tests := map[string]struct {
		queue servicebus.QueueProperties
		ttl   time.Duration
		after time.Duration
		left  int
		dead  int
	}{
		"lives":   {ttl: time.Minute, after: 59 * time.Second, left: 1},
		"dropped": {ttl: time.Minute, after: time.Minute},
		"dead-lettered": {queue: servicebus.QueueProperties{DeadLetteringOnMessageExpiration: true},
			ttl: time.Minute, after: time.Minute, dead: 1},
		"queue's default": {queue: servicebus.QueueProperties{DefaultMessageTimeToLive: "PT10S"},
			after: 10 * time.Second},
		"queue's default is a cap": {queue: servicebus.QueueProperties{DefaultMessageTimeToLive: "PT10S"},
			ttl: time.Minute, after: 10 * time.Second},
		"own is shorter": {queue: servicebus.QueueProperties{DefaultMessageTimeToLive: "P14D"}, ttl: time.Minute,
			after: time.Minute},
		"Azure's for ever": {queue: servicebus.QueueProperties{DefaultMessageTimeToLive: "P10675199DT2H48M5.4775807S"},
			after: 1000 * time.Hour, left: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *servicebus.Broker) {
				putQueue(t, b, tt.queue)
				send(t, b, "q", servicebus.Message{TTL: tt.ttl})
				time.Sleep(tt.after)
				assert.Len(t, b.Peek("q"), tt.left)
				dead := b.Peek("q/$deadletterqueue")
				require.Len(t, dead, tt.dead)
				for _, m := range dead {
					assert.Equal(t, "TTLExpiredException", m.DeadLetterReason)
				}
			})
		})
	}
}

func TestExpiredMessageInUseIsNotTakenAway(t *testing.T) {
	inBubble(t, func(t *testing.T, b *servicebus.Broker) {
		putQueue(t, b, servicebus.QueueProperties{})
		send(t, b, "q", servicebus.Message{TTL: 10 * time.Second}, servicebus.Message{TTL: 10 * time.Second})
		kept, returned := receive(t, b, "q"), receive(t, b, "q")
		time.Sleep(20 * time.Second)
		require.NoError(t, kept.Complete())
		require.NoError(t, returned.Abandon(nil))
		assert.Empty(t, b.Peek("q"))
	})
}

func TestScheduledMessageIsEnqueuedAtItsTime(t *testing.T) {
	inBubble(t, func(t *testing.T, b *servicebus.Broker) {
		putQueue(t, b, servicebus.QueueProperties{})
		at := time.Now().Add(time.Minute)
		send(t, b, "q", servicebus.Message{MessageID: "later", ScheduledAt: at}, servicebus.Message{MessageID: "now"})
		assert.Equal(t, []servicebus.EntityInfo{{Name: "q", Kind: "queue", Active: 1, Scheduled: 1,
			Properties: servicebus.QueueProperties{LockDuration: "PT1M", MaxDeliveryCount: 10}}}, b.Entities())
		require.NoError(t, receive(t, b, "q").Complete())
		assertEmpty(t, b, "q")
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		l, err := b.Receive(ctx, "q")
		require.NoError(t, err)
		assert.True(t, time.Now().Equal(at))
		assert.True(t, l.Message.EnqueuedAt.Equal(at))
		assert.Equal(t, int64(3), l.Message.SequenceNumber, "a new number when it becomes active")
	})
}

// TestAdvance: scheduled messages become due, on queues and topics; what is locked stays locked, and what lives on.
func TestAdvance(t *testing.T) {
	inBubble(t, func(t *testing.T, b *servicebus.Broker) {
		putQueue(t, b, servicebus.QueueProperties{LockDuration: "PT1M"})
		require.NoError(t, b.PutTopic("t", servicebus.TopicProperties{
			Subscriptions: []servicebus.SubscriptionProperties{{Name: "s"}}}))
		start := time.Now()
		send(t, b, "q", servicebus.Message{MessageID: "locked"})
		locked := receive(t, b, "q")
		send(t, b, "q", servicebus.Message{MessageID: "lives", TTL: time.Hour})
		for id, in := range map[string]time.Duration{"later": 13 * time.Minute, "much later": 14 * time.Minute} {
			send(t, b, "q", servicebus.Message{MessageID: id, ScheduledAt: start.Add(in)})
			send(t, b, "t", servicebus.Message{MessageID: id, ScheduledAt: start.Add(in)})
		}
		require.NoError(t, b.Advance(13*time.Minute))
		assert.Equal(t, []string{"later"}, ids(b.Peek("t/subscriptions/s")))
		assert.Equal(t, "lives", receive(t, b, "q").Message.MessageID)
		assert.Equal(t, "later", receive(t, b, "q").Message.MessageID)
		assertEmpty(t, b, "q")
		require.NoError(t, locked.Complete(), "its lock has not run out")
		time.Sleep(time.Minute - time.Since(start))
		assert.Equal(t, []string{"later", "much later"}, ids(b.Peek("t/subscriptions/s")), "the rest by the clock")
	})
}

func TestDuplicateDetection(t *testing.T) {
	inBubble(t, func(t *testing.T, b *servicebus.Broker) {
		putQueue(t, b, servicebus.QueueProperties{RequiresDuplicateDetection: true,
			DuplicateDetectionHistoryTimeWindow: "PT1M"})
		m := servicebus.Message{MessageID: "same"}
		send(t, b, "q", m, m, servicebus.Message{MessageID: "other"}, servicebus.Message{}, servicebus.Message{})
		got := ids(b.Peek("q"))
		require.Len(t, got, 4)
		assert.Equal(t, []string{"same", "other"}, got[:2])
		assert.Len(t, got[2], 32, "the broker gives an id where there is none")
		assert.NotEqual(t, got[2], got[3])
		require.NoError(t, receive(t, b, "q").Complete())
		time.Sleep(59 * time.Second)
		send(t, b, "q", m)
		assert.Len(t, b.Peek("q"), 3, "remembered although it was completed")
		time.Sleep(time.Second)
		send(t, b, "q", m)
		assert.Len(t, b.Peek("q"), 4)
	})
}

func TestSessions(t *testing.T) {
	inBubble(t, func(t *testing.T, b *servicebus.Broker) {
		putQueue(t, b, servicebus.QueueProperties{RequiresSession: true, LockDuration: "PT30S"})
		for i := range 3 {
			for _, s := range []string{"a", "b"} {
				send(t, b, "q", servicebus.Message{SessionID: s, MessageID: fmt.Sprint(s, i)})
			}
		}
		a, err := b.AcceptNextSession(t.Context(), "q")
		require.NoError(t, err)
		assert.Equal(t, "a", a.ID())
		other, err := b.AcceptNextSession(t.Context(), "q")
		require.NoError(t, err)
		assert.Equal(t, "b", other.ID())

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = b.AcceptNextSession(ctx, "q")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = b.AcceptSession("q", "a")
		assertCondition(t, servicebus.ConditionSessionUnavailable, err)

		for i := range 3 {
			l, err := a.Receive(t.Context())
			require.NoError(t, err)
			assert.Equal(t, fmt.Sprint("a", i), l.Message.MessageID)
			time.Sleep(time.Second)
			require.NoError(t, l.Renew())
			until := time.Now().Add(30 * time.Second)
			assert.True(t, l.Message.LockedUntil.Equal(until))
			for _, m := range b.Peek("q") {
				assert.Equal(t, m.MessageID == l.Message.MessageID, m.LockedUntil.Equal(until),
					"the session's lock is the message's")
			}
			require.NoError(t, l.Complete())
		}
		held, err := other.Receive(t.Context())
		require.NoError(t, err)
		other.Close()
		assertCondition(t, servicebus.ConditionLockLost, held.Complete())

		again, err := b.AcceptNextSession(t.Context(), "q")
		require.NoError(t, err)
		l, err := again.Receive(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "b0", l.Message.MessageID)
		assert.Equal(t, 1, l.Message.DeliveryCount, "closing a session counts nothing")

		time.Sleep(time.Minute)
		_, err = again.Receive(t.Context())
		assertCondition(t, servicebus.ConditionSessionLockLost, err)
		_, err = again.Renew()
		assertCondition(t, servicebus.ConditionSessionLockLost, err)
		assertCondition(t, servicebus.ConditionLockLost, l.Complete())
		assert.Equal(t, 1, b.Peek("q")[0].DeliveryCount, "an expired session lock counts")
	})
}

func TestSessionReceiveEndsWhenTheLockExpires(t *testing.T) {
	inBubble(t, func(t *testing.T, b *servicebus.Broker) {
		putQueue(t, b, servicebus.QueueProperties{RequiresSession: true})
		s, err := b.AcceptSession("q", "empty")
		require.NoError(t, err)
		start := time.Now()
		_, err = s.Receive(t.Context())
		assertCondition(t, servicebus.ConditionSessionLockLost, err)
		assert.Equal(t, time.Minute, time.Since(start))
		s.Close()
	})
}

func TestWrongUse(t *testing.T) {
	b := servicebus.NewBroker(servicebus.Options{})
	defer b.Close()
	require.NoError(t, b.PutQueue("plain", servicebus.QueueProperties{}))
	require.NoError(t, b.PutQueue("sessions", servicebus.QueueProperties{RequiresSession: true}))
	require.NoError(t, b.PutTopic("topic",
		servicebus.TopicProperties{Subscriptions: []servicebus.SubscriptionProperties{{Name: "s"}}}))
	accept := func(entity string) error { _, err := b.AcceptNextSession(t.Context(), entity); return err }
	take := func(entity string) error { _, err := b.Receive(t.Context(), entity); return err }
	tests := map[string]struct {
		err  error
		want servicebus.Condition
	}{
		"send to nothing":      {b.Send("none", servicebus.Message{}), servicebus.ConditionNotFound},
		"receive from nothing": {take("none"), servicebus.ConditionNotFound},
		"send to a dead-letter queue": {b.Send("plain/$DeadLetterQueue", servicebus.Message{}),
			servicebus.ConditionNotAllowed},
		"send to a subscription": {b.Send("topic/subscriptions/s", servicebus.Message{}),
			servicebus.ConditionNotAllowed},
		"receive from a topic":       {take("topic"), servicebus.ConditionNotAllowed},
		"session without sessions":   {accept("plain"), servicebus.ConditionNotAllowed},
		"no session with sessions":   {take("sessions"), servicebus.ConditionNotAllowed},
		"message without session id": {b.Send("sessions", servicebus.Message{}), servicebus.ConditionNotAllowed},
		"too large": {b.Send("plain", servicebus.Message{Body: make([]byte, 257<<10)}),
			servicebus.ConditionMessageSizeExceeded},
		"delete nothing": {b.DeleteEntity("none"), servicebus.ConditionNotFound},
		"topic in place of a queue": {b.PutTopic("plain", servicebus.TopicProperties{}),
			servicebus.ConditionNotAllowed},
		"sessions after creation": {b.PutQueue("plain", servicebus.QueueProperties{RequiresSession: true}),
			servicebus.ConditionNotAllowed},
		"empty name": {b.PutQueue("", servicebus.QueueProperties{}), servicebus.ConditionNotAllowed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { assertCondition(t, tt.want, tt.err) })
	}
}

func TestFaultySettings(t *testing.T) {
	tests := map[string]struct {
		p    servicebus.QueueProperties
		want string
	}{
		"not a duration":  {servicebus.QueueProperties{LockDuration: "60s"}, "lockDuration"},
		"nothing after T": {servicebus.QueueProperties{DefaultMessageTimeToLive: "PT"}, "defaultMessageTimeToLive"},
		"lock too long":   {servicebus.QueueProperties{LockDuration: "PT6M"}, "lockDuration"},
		"window": {servicebus.QueueProperties{DuplicateDetectionHistoryTimeWindow: "ten"},
			"duplicateDetectionHistoryTimeWindow"},
		"count below zero": {servicebus.QueueProperties{MaxDeliveryCount: -1}, "maxDeliveryCount"},
		"count too high":   {servicebus.QueueProperties{MaxDeliveryCount: 2001}, "maxDeliveryCount"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *servicebus.Broker) {
				require.ErrorContains(t, b.PutQueue("q", tt.p), tt.want)
				assert.Empty(t, b.Entities())
			})
		})
	}
}

func TestTopicFansOutAndRemembers(t *testing.T) {
	inBubble(t, func(t *testing.T, b *servicebus.Broker) {
		require.NoError(t, b.PutTopic("Events", servicebus.TopicProperties{}))
		send(t, b, "events", servicebus.Message{MessageID: "unheard"})
		require.NoError(t, b.PutTopic("events",
			servicebus.TopicProperties{Subscriptions: []servicebus.SubscriptionProperties{
				{Name: "one"}, {Name: "two", DefaultMessageTimeToLive: "PT1S"}}}))
		send(t, b, "events", servicebus.Message{MessageID: "m"}, servicebus.Message{MessageID: "later",
			ScheduledAt: time.Now().Add(time.Minute)})
		assert.Equal(t, []string{"unheard", "m"}, ids(b.Events("events")))

		l := receive(t, b, "events/Subscriptions/ONE")
		assert.Equal(t, "m", l.Message.MessageID)
		require.NoError(t, l.DeadLetter("r", "d"))
		assert.Len(t, b.Peek("events/subscriptions/one/$deadletterqueue"), 1)
		assert.Len(t, b.Peek("events/subscriptions/two"), 1)

		time.Sleep(time.Minute)
		assert.Equal(t, []string{"unheard", "m", "later"}, ids(b.Events("events")))
		assert.Equal(t, []string{"later"}, ids(b.Peek("events/subscriptions/one")))

		require.NoError(t, b.PutTopic("events",
			servicebus.TopicProperties{Subscriptions: []servicebus.SubscriptionProperties{{Name: "one"}}}))
		names := []string{}
		for _, e := range b.Entities() {
			names = append(names, e.Kind+" "+e.Name)
		}
		assert.Equal(t, []string{"topic Events", "subscription events/subscriptions/one"}, names)
		require.NoError(t, b.DeleteEntity("events"))
		assert.Empty(t, b.Entities())
	})
}

func TestTopicBoundsTimeToLive(t *testing.T) {
	inBubble(t, func(t *testing.T, b *servicebus.Broker) {
		require.NoError(t, b.PutTopic("t", servicebus.TopicProperties{DefaultMessageTimeToLive: "PT10S",
			Subscriptions: []servicebus.SubscriptionProperties{
				{Name: "none"}, {Name: "longer", DefaultMessageTimeToLive: "PT1M"},
				{Name: "shorter", DefaultMessageTimeToLive: "PT5S"}}}))
		send(t, b, "t", servicebus.Message{TTL: time.Hour})
		for sub, want := range map[string]time.Duration{"none": 10 * time.Second, "longer": 10 * time.Second,
			"shorter": 5 * time.Second} {
			assert.Equal(t, want, b.Peek("t/subscriptions/" + sub)[0].TTL, sub)
		}
	})
}

func TestPurge(t *testing.T) {
	inBubble(t, func(t *testing.T, b *servicebus.Broker) {
		putQueue(t, b, servicebus.QueueProperties{})
		require.NoError(t, b.PutQueue("other", servicebus.QueueProperties{}))
		send(t, b, "q", servicebus.Message{}, servicebus.Message{ScheduledAt: time.Now().Add(time.Hour)})
		send(t, b, "other", servicebus.Message{})
		require.NoError(t, b.Purge("q"))
		assert.Empty(t, b.Peek("q"))
		assert.Len(t, b.Peek("other"), 1)
		assertCondition(t, servicebus.ConditionNotFound, b.Purge("none"))
	})
}

func TestResetEmptiesAndKeepsEntities(t *testing.T) {
	inBubble(t, func(t *testing.T, b *servicebus.Broker) {
		putQueue(t, b, servicebus.QueueProperties{RequiresDuplicateDetection: true})
		require.NoError(t, b.PutQueue("s", servicebus.QueueProperties{RequiresSession: true}))
		require.NoError(t, b.PutTopic("t", servicebus.TopicProperties{}))
		m := servicebus.Message{MessageID: "m", SessionID: "id"}
		send(t, b, "q", m, servicebus.Message{MessageID: "dead"})
		send(t, b, "s", m)
		send(t, b, "t", m)
		l := receive(t, b, "q")
		require.NoError(t, receive(t, b, "q").DeadLetter("r", ""))
		s, err := b.AcceptNextSession(t.Context(), "s")
		require.NoError(t, err)

		b.Reset()
		for _, e := range b.Entities() {
			assert.Zero(t, e.Active+e.Scheduled+e.Deferred+e.DeadLettered, e.Name)
		}
		assert.Empty(t, b.Events("t"))
		assertCondition(t, servicebus.ConditionLockLost, l.Complete())
		_, err = s.Receive(t.Context())
		assertCondition(t, servicebus.ConditionSessionLockLost, err)
		send(t, b, "q", m)
		assert.Len(t, b.Peek("q"), 1, "the history is forgotten too")
	})
}

func TestDeleteAndCloseEndWaits(t *testing.T) {
	tests := map[string]struct {
		end  func(*servicebus.Broker)
		want servicebus.Condition
	}{
		"delete": {func(b *servicebus.Broker) {
			_ = b.DeleteEntity("q")
			_ = b.DeleteEntity("s")
		}, servicebus.ConditionNotFound},
		"close": {func(b *servicebus.Broker) { b.Close() }, servicebus.ConditionConnectionForced},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *servicebus.Broker) {
				putQueue(t, b, servicebus.QueueProperties{})
				require.NoError(t, b.PutQueue("s", servicebus.QueueProperties{RequiresSession: true}))
				s, err := b.AcceptSession("s", "x")
				require.NoError(t, err)
				errs := make(chan error, 3)
				go func() { _, err := b.Receive(t.Context(), "q"); errs <- err }()
				go func() { _, err := b.AcceptNextSession(t.Context(), "s"); errs <- err }()
				go func() { _, err := s.Receive(t.Context()); errs <- err }()
				synctest.Wait()
				tt.end(b)
				for range 3 {
					assertCondition(t, tt.want, <-errs)
				}
			})
		})
	}
}

func TestEntitiesShowTheirSettings(t *testing.T) {
	for name, tc := range map[string]struct{ given, visible servicebus.QueueProperties }{
		"defaults": {servicebus.QueueProperties{}, servicebus.QueueProperties{LockDuration: "PT1M",
			MaxDeliveryCount: 10}},
		"all": {servicebus.QueueProperties{RequiresSession: true, RequiresDuplicateDetection: true,
			DuplicateDetectionHistoryTimeWindow: "P1DT2H", LockDuration: "PT30S",
			DefaultMessageTimeToLive: "P14D", MaxDeliveryCount: 5, DeadLetteringOnMessageExpiration: true},
			servicebus.QueueProperties{RequiresSession: true, RequiresDuplicateDetection: true,
				DuplicateDetectionHistoryTimeWindow: "P1DT2H", LockDuration: "PT30S",
				DefaultMessageTimeToLive: "P14D", MaxDeliveryCount: 5, DeadLetteringOnMessageExpiration: true}},
		"other forms": {servicebus.QueueProperties{LockDuration: "PT90S", DefaultMessageTimeToLive: "PT25H0.5S"},
			servicebus.QueueProperties{LockDuration: "PT1M30S", DefaultMessageTimeToLive: "P1DT1H0.5S",
				MaxDeliveryCount: 10}},
		"for ever": {servicebus.QueueProperties{DefaultMessageTimeToLive: "P10675199DT2H48M5.4775807S"},
			servicebus.QueueProperties{LockDuration: "PT1M", MaxDeliveryCount: 10}},
		"window without detection": {servicebus.QueueProperties{DuplicateDetectionHistoryTimeWindow: "PT20M"},
			servicebus.QueueProperties{LockDuration: "PT1M", MaxDeliveryCount: 10}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *servicebus.Broker) {
				putQueue(t, b, tc.given)
				require.NoError(t, b.PutTopic("t", servicebus.TopicProperties{DefaultMessageTimeToLive: "PT1H"}))
				entities := b.Entities()
				assert.Equal(t, tc.visible, entities[0].Properties)
				assert.Equal(t, servicebus.QueueProperties{DefaultMessageTimeToLive: "PT1H"}, entities[1].Properties,
					"a topic has no locks")
			})
		})
	}
}
