package door_test

import (
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
	require.NoError(t, b.PutQueue("q", servicebus.QueueProperties{MaxDeliveryCount: 2,
		DeadLetteringOnMessageExpiration: true}))
	require.NoError(t, b.PutQueue("short", servicebus.QueueProperties{LockDuration: "PT1S"}))
	require.NoError(t, b.PutQueue("s", servicebus.QueueProperties{RequiresSession: true}))
	require.NoError(t, b.PutQueue("s-short", servicebus.QueueProperties{RequiresSession: true, LockDuration: "PT1S"}))
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
	ReceiveMessages(ctx context.Context, maxMessages int, options *sdk.ReceiveMessagesOptions) ([]*sdk.ReceivedMessage,
		error)
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
