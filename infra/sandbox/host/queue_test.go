package host_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
)

// newQueueFixture has a broker with the queues "plain" and "ordered" (sessions) and a function for each, and for the
// dead letters of the first.
func newQueueFixture(t *testing.T, react func(event) order) *fixture {
	t.Helper()
	trigger := func(queue string, extra string) string {
		return `{"bindings":[{"type":"serviceBusTrigger","direction":"in","name":"message","queueName":"` + queue +
			`","connection":"Bus"` + extra + `}]}`
	}
	f := newFixture(t, map[string]string{
		"plain/function.json":   trigger("plain", `,"dataType":"binary"`),
		"text/function.json":    trigger("text", ``),
		"ordered/function.json": trigger("ordered", `,"dataType":"binary","isSessionsEnabled":true`),
		"dead/function.json":    trigger("plain/$deadletterqueue", `,"dataType":"binary"`),
	}, react)
	f.env = append(f.env, "Bus__fullyQualifiedNamespace=ns.servicebus.windows.net")
	f.broker = servicebus.NewBroker(servicebus.Options{})
	t.Cleanup(f.broker.Close)
	require.NoError(t, f.broker.PutQueue("plain", servicebus.QueueProperties{MaxDeliveryCount: 3}))
	require.NoError(t, f.broker.PutQueue("text", servicebus.QueueProperties{}))
	require.NoError(t, f.broker.PutQueue("ordered", servicebus.QueueProperties{RequiresSession: true}))
	return f
}

// invocation is the envelope as a handler sees it.
type invocation struct {
	Data     map[string]json.RawMessage
	Metadata map[string]json.RawMessage
}

func decode(t *testing.T, e event) invocation {
	t.Helper()
	var i invocation
	require.NoError(t, json.Unmarshal(e.Body, &i))
	return i
}

func (i invocation) body(t *testing.T) string {
	t.Helper()
	var raw []byte
	require.NoError(t, json.Unmarshal(i.Data["message"], &raw))
	return string(raw)
}

// propagated waits until no message of the entity is left.
func propagated(t *testing.T, b *servicebus.Broker, entity string) {
	t.Helper()
	require.Eventually(t, func() bool { return len(b.Peek(entity)) == 0 }, 10*time.Second, 5*time.Millisecond)
}

func TestBinaryMessageEnvelope(t *testing.T) {
	f := newQueueFixture(t, always(order{}))
	f.start()
	require.NoError(t, f.broker.Send("plain", servicebus.Message{
		MessageID: "abc", Subject: "s", ContentType: "application/json", CorrelationID: "c",
		Body:       []byte(`{"messageId":"spoof"}`),
		Properties: map[string]any{"tenant": "t1", "try": int64(2)},
	}))
	e := f.waitFor("request", 1)[0]
	assert.Equal(t, "POST /plain", e.Method+" "+e.URI)
	assert.True(t, e.Chunked)
	assert.Equal(t, "application/json; charset=utf-8", e.Header.Get("Content-Type"))
	assert.Len(t, e.Header.Get("X-Azure-Functions-InvocationId"), 36)
	assert.Regexp(t, "^Azure-Functions-Host/", e.Header.Get("User-Agent"))
	i := decode(t, e)
	assert.Equal(t, `{"messageId":"spoof"}`, i.body(t))
	for name, want := range map[string]string{
		"MessageId": `"\"abc\""`, "Subject": `"\"s\""`, "Label": `"\"s\""`, "ContentType": `"\"application/json\""`,
		"CorrelationId": `"\"c\""`,
		"DeliveryCount": `"1"`, "SequenceNumber": `"1"`, "ApplicationProperties": `{"tenant":"t1","try":2}`,
		"UserProperties":  `{"tenant":"t1","try":2}`,
		"MessageReceiver": `{}`, "SessionActions": `{}`,
	} {
		assert.Equal(t, want, string(i.Metadata[name]), name)
	}
	assert.Regexp(t, `^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"$`, string(i.Metadata["EnqueuedTimeUtc"]), "no zone")
	assert.Regexp(t, `^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00"$`, string(i.Metadata["EnqueuedTime"]))
	assert.Contains(t, string(i.Metadata["Client"]), "ns.servicebus.windows.net")
	assert.Contains(t, string(i.Metadata["sys"]), `"MethodName":"plain"`)
	assert.NotContains(t, i.Metadata, "SessionId", "null ones are left out")
	propagated(t, f.broker, "plain")
}

func TestTextMessageIsEncodedTwiceAndLeaksIntoTheMetadata(t *testing.T) {
	f := newQueueFixture(t, always(order{}))
	f.start()
	require.NoError(t, f.broker.Send("text", servicebus.Message{MessageID: "real",
		Body: []byte(`{"messageId":"spoof","n":7,"yes":true,"none":null,"list":[1],"deep":{"a":1}}`)}))
	i := decode(t, f.waitFor("request", 1)[0])
	var once, twice string
	require.NoError(t, json.Unmarshal(i.Data["message"], &once))
	require.NoError(t, json.Unmarshal([]byte(once), &twice))
	assert.Equal(t, `{"messageId":"spoof","n":7,"yes":true,"none":null,"list":[1],"deep":{"a":1}}`, twice)
	for name, want := range map[string]string{"messageId": `"\"spoof\""`, "n": `"\"7\""`, "yes": `"\"True\""`,
		"deep": `{"a":1}`} {
		assert.Equal(t, want, string(i.Metadata[name]), name)
	}
	assert.NotContains(t, i.Metadata, "MessageId", "overwritten, whatever the case")
	assert.NotContains(t, i.Metadata, "none")
	assert.NotContains(t, i.Metadata, "list")
}

func TestFailureIsRedeliveredAndDeadLettered(t *testing.T) {
	failures := map[string]order{
		"status 500":       {Status: http.StatusInternalServerError},
		"redirect":         {Status: http.StatusFound, Header: map[string]string{"Location": "/elsewhere"}},
		"empty body":       {Body: ptr("")},
		"null":             {Body: ptr("null")},
		"not JSON":         {Body: ptr("ok")},
		"wrong media type": {Header: map[string]string{"Content-Type": "text/plain"}},
		"array":            {Body: ptr("[]")},
	}
	for name, failure := range failures {
		t.Run(name, func(t *testing.T) {
			f := newQueueFixture(t, func(e event) order {
				if e.Kind == "request" && e.URI == "/plain" {
					return failure
				}
				return order{}
			})
			f.start()
			require.NoError(t, f.broker.Send("plain", servicebus.Message{MessageID: "m", Body: []byte("x")}))
			requests := f.waitFor("request", 4)
			ids := map[string]bool{}
			for n, e := range requests[:3] {
				assert.Equal(t, "/plain", e.URI)
				assert.Equal(t, `"`+string(rune('1'+n))+`"`, string(decode(t, e).Metadata["DeliveryCount"]))
				ids[e.Header.Get("X-Azure-Functions-InvocationId")] = true
			}
			assert.Len(t, ids, 3, "a fresh id for each attempt")
			assert.Equal(t, "/dead", requests[3].URI, "after maxDeliveryCount it is the dead-letter function's")
			assert.Contains(t, string(decode(t, requests[3]).Metadata["ApplicationProperties"]),
				"MaxDeliveryCountExceeded")
			propagated(t, f.broker, "plain/$deadletterqueue")
			if strings.Contains(name, "empty") {
				assert.Contains(t, f.log.String(), "write at least {}")
			}
		})
	}
}

func TestCrashRedelivers(t *testing.T) {
	var crashed atomic.Bool
	f := newQueueFixture(t, func(e event) order {
		if e.Kind == "request" && crashed.CompareAndSwap(false, true) {
			return order{Kill: true}
		}
		return order{Body: ptr(`{"Outputs":{"unknown":1},"Logs":["a line"],"ReturnValue":null}`)}
	})
	f.start()
	require.NoError(t, f.broker.Send("plain", servicebus.Message{MessageID: "m", Body: []byte("x")}))
	requests := f.waitFor("request", 2)
	assert.NotEqual(t, requests[0].PID, requests[1].PID)
	assert.Equal(t, `"2"`, string(decode(t, requests[1]).Metadata["DeliveryCount"]))
	propagated(t, f.broker, "plain")
	assert.Contains(t, f.log.String(), "a line")
}

// TestAHostThatGivesUpLeavesItsMessages: what comes after the third crash waits, uncounted, for the host's next start.
func TestAHostThatGivesUpLeavesItsMessages(t *testing.T) {
	var mended atomic.Bool
	f := newQueueFixture(t, func(e event) order { return order{Kill: e.Kind == "request" && !mended.Load()} })
	require.NoError(t, f.broker.PutQueue("ordered", servicebus.QueueProperties{RequiresSession: true,
		MaxDeliveryCount: 10}))
	h := f.start()
	require.NoError(t, f.broker.Send("ordered", servicebus.Message{SessionID: "s", MessageID: "m", Body: []byte("x")}))
	require.Error(t, h.Wait(t.Context()))
	require.NoError(t, f.broker.Send("plain", servicebus.Message{MessageID: "late", Body: []byte("x")}))
	require.Eventually(t, func() bool {
		return f.broker.Peek("ordered")[0].LockToken == "" && f.broker.Peek("plain")[0].LockToken == ""
	}, 10*time.Second, 5*time.Millisecond)
	assert.Never(t, func() bool {
		left := append(f.broker.Peek("ordered"), f.broker.Peek("plain")...)
		return len(left) != 2 || left[0].DeliveryCount != 3 || left[1].DeliveryCount != 0 || left[1].LockToken != ""
	}, 200*time.Millisecond, 5*time.Millisecond, "each crash counts, and nothing else")
	h.Close()

	mended.Store(true)
	f.start()
	propagated(t, f.broker, "ordered")
	propagated(t, f.broker, "plain")
	requests := f.waitFor("request", 5)
	assert.Len(t, requests, 5, "three that crashed, and one for each message")
	assert.Empty(t, f.broker.Peek("plain/$deadletterqueue"))
}

// TestADeadLetterThatFailsDoesNotSpin: its queue has no limit of deliveries.
func TestADeadLetterThatFailsDoesNotSpin(t *testing.T) {
	f := newQueueFixture(t, func(e event) order {
		if e.Kind == "request" {
			return order{Status: http.StatusInternalServerError}
		}
		return order{}
	})
	h := f.start()
	require.NoError(t, f.broker.Send("plain", servicebus.Message{MessageID: "m", Body: []byte("x")}))
	began := time.Now()
	f.waitFor("request", 6) // three of the queue, then the dead letter's
	assert.GreaterOrEqual(t, time.Since(began), 700*time.Millisecond, "250 ms, then twice that")
	assert.Len(t, f.waitFor("request", 6), 6)
	began = time.Now()
	h.Close()
	assert.Less(t, time.Since(began), time.Second, "a pause does not hold up the end")
	assert.Len(t, f.broker.Peek("plain/$deadletterqueue"), 1)
}

func TestSessionsKeepOrderAndDoNotBlockEachOther(t *testing.T) {
	release := make(chan struct{})
	f := newQueueFixture(t, func(e event) order {
		if e.Kind == "request" && strings.Contains(string(e.Body), `"SessionId":"\"slow\""`) &&
			decode(t, e).body(t) == "1" {
			<-release
		}
		return order{}
	})
	f.start()
	for _, body := range []string{"1", "2", "3"} {
		require.NoError(t, f.broker.Send("ordered", servicebus.Message{SessionID: "slow", Body: []byte(body)}))
	}
	f.waitFor("request", 1) // slow 1 is in work
	for _, body := range []string{"1", "2", "3"} {
		require.NoError(t, f.broker.Send("ordered", servicebus.Message{SessionID: "fast", Body: []byte(body)}))
	}
	f.waitFor("request", 4) // the other session goes on meanwhile
	close(release)
	bySession := map[string][]string{}
	for _, e := range f.waitFor("request", 6) {
		i := decode(t, e)
		bySession[string(i.Metadata["SessionId"])] = append(bySession[string(i.Metadata["SessionId"])], i.body(t))
	}
	assert.Equal(t, map[string][]string{`"\"slow\""`: {"1", "2", "3"}, `"\"fast\""`: {"1", "2", "3"}}, bySession)
	propagated(t, f.broker, "ordered")
}

func TestLockIsRenewedWhileTheHandlerWorks(t *testing.T) {
	release := make(chan struct{})
	f := newQueueFixture(t, func(e event) order {
		if e.Kind == "request" {
			<-release
		}
		return order{}
	})
	require.NoError(t, f.broker.PutQueue("plain", servicebus.QueueProperties{LockDuration: "PT2S"}))
	f.start()
	require.NoError(t, f.broker.Send("plain", servicebus.Message{Body: []byte("x")}))
	f.waitFor("request", 1)
	first := f.broker.Peek("plain")[0].LockedUntil
	require.Eventually(t, func() bool {
		return f.broker.Peek("plain")[0].LockedUntil.After(first.Add(2 * time.Second))
	}, 10*time.Second, 20*time.Millisecond)
	close(release)
	propagated(t, f.broker, "plain")
	assert.Len(t, f.waitFor("request", 1), 1, "delivered once")
}

func TestMessagesWaitForTheHandler(t *testing.T) {
	listen := make(chan struct{})
	f := newQueueFixture(t, func(e event) order {
		if e.Kind == "start" {
			<-listen
		}
		return order{}
	})
	require.NoError(t, f.broker.Send("plain", servicebus.Message{Body: []byte("x")}))
	h := f.build()
	started := make(chan error, 1)
	go func() { started <- h.Start(t.Context()) }()
	require.Eventually(t, func() bool {
		waiting := f.broker.Peek("plain")
		return len(waiting) == 1 && waiting[0].LockToken != ""
	}, 10*time.Second, 5*time.Millisecond, "received, and held until the handler is there")
	close(listen)
	require.NoError(t, <-started)
	f.waitFor("request", 1)
	propagated(t, f.broker, "plain")
}

func TestCloseAbandonsWhatRuns(t *testing.T) {
	f := newQueueFixture(t, func(e event) order { return order{Hang: e.Kind == "request"} })
	h := f.start()
	require.NoError(t, f.broker.Send("ordered", servicebus.Message{SessionID: "s", Body: []byte("x")}))
	f.waitFor("request", 1)
	h.Close()
	left := f.broker.Peek("ordered")
	require.Len(t, left, 1)
	assert.Empty(t, left[0].LockToken, "ready for somebody else")
}

func TestAdminFiresAQueueFunction(t *testing.T) {
	f := newQueueFixture(t, always(order{}))
	f.start()
	response, _ := f.do("POST", "/admin/functions/plain", `{"input": "{\"a\":1}"}`, nil)
	assert.Equal(t, http.StatusAccepted, response.StatusCode)
	i := decode(t, f.waitFor("request", 1)[0])
	assert.Equal(t, `{"a":1}`, i.body(t))
	assert.NotContains(t, i.Metadata, "MessageId")
}

// The host receives with an identity, whose right may come later, as after a deployment.
func TestListeningNeedsTheRight(t *testing.T) {
	f := newQueueFixture(t, always(order{}))
	var granted atomic.Bool
	f.listen = func(entity string) error {
		if granted.Load() || entity == "text" {
			return nil
		}
		return errors.New("no right to " + entity)
	}
	f.start()
	for _, queue := range []string{"plain", "ordered", "text"} {
		require.NoError(t, f.broker.Send(queue, servicebus.Message{SessionID: "s", Body: []byte("{}")}))
	}
	propagated(t, f.broker, "text")
	assert.Eventually(t, func() bool {
		return strings.Count(f.log.String(), "cannot receive") == 3
	}, 10*time.Second, 5*time.Millisecond, "plain, ordered and the dead letters")
	assert.Len(t, f.broker.Peek("plain"), 1)
	assert.Len(t, f.broker.Peek("ordered"), 1)
	granted.Store(true)
	propagated(t, f.broker, "plain")
	propagated(t, f.broker, "ordered")
	assert.Equal(t, 3, strings.Count(f.log.String(), "cannot receive"), "a refusal is told once")
	assert.Contains(t, f.log.String(), "function ordered: cannot receive from ordered: no right to ordered")
}
