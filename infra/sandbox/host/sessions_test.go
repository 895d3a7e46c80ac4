package host

import (
	"context"
	"io"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
)

// The queue of these tests, and host.json's part in them.
const (
	commands    = "commands"
	slots       = 2
	sessionIdle = time.Second
)

// delivered is one message that the handler got, and when, from the start of the listener.
type delivered struct {
	session, body string
	after         time.Duration
}

// listened is a listener for sessions on synctest's clock.
type listened struct {
	t      *testing.T
	broker *servicebus.Broker
	begun  time.Time

	mu  sync.Mutex
	got []delivered
}

// listenToSessions runs f beside a listener that hands every message to work.
func listenToSessions(t *testing.T, work func(*listened, servicebus.Message), f func(*listened)) []delivered {
	t.Helper()
	l := &listened{t: t}
	synctest.Test(t, func(t *testing.T) {
		l.broker, l.begun = servicebus.NewBroker(servicebus.Options{}), time.Now()
		defer l.broker.Close()
		require.NoError(t, l.broker.PutQueue(commands, servicebus.QueueProperties{RequiresSession: true}))
		q := &queueListener{
			broker: l.broker, now: time.Now, log: &logger{out: io.Discard},
			function: &function{name: "reconcile", trigger: binding{QueueName: commands, IsSessionsEnabled: true}},
			config:   config{sessions: slots, sessionIdle: sessionIdle, lockRenewal: time.Minute, autoComplete: true},
			invoke: func(_ context.Context, m servicebus.Message) error {
				l.mu.Lock()
				l.got = append(l.got, delivered{m.SessionID, string(m.Body), time.Since(l.begun)})
				l.mu.Unlock()
				work(l, m)
				return nil
			},
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); q.run(ctx, context.WithoutCancel(ctx)) }()
		f(l)
		cancel()
		<-done
	})
	return l.got
}

func (l *listened) send(session, body string, in time.Duration) {
	m := servicebus.Message{SessionID: session, Body: []byte(body)}
	if in > 0 {
		m.ScheduledAt = time.Now().Add(in)
	}
	assert.NoError(l.t, l.broker.Send(commands, m))
}

// waiting is how many messages could be delivered and have no slot.
func (l *listened) waiting() int {
	n := 0
	for _, m := range l.broker.Peek(commands) {
		if m.State == "active" && m.LockToken == "" {
			n++
		}
	}
	return n
}

func TestASlotIsFreedWhenItsSessionHasBeenIdle(t *testing.T) {
	const work, pause = 300 * time.Millisecond, 800 * time.Millisecond
	got := listenToSessions(t, func(*listened, servicebus.Message) { time.Sleep(work) }, func(l *listened) {
		for _, session := range []string{"a", "b", "c", "d"} {
			l.send(session, "first", 0)
		}
		l.send("a", "second", work+pause) // within the timeout: a keeps its slot, though c and d wait
		time.Sleep(time.Minute)
	})
	assert.ElementsMatch(t, []delivered{
		{"a", "first", 0},
		{"b", "first", 0},
		{"a", "second", work + pause},
		{"c", "first", work + sessionIdle},
		{"d", "first", work + pause + work + sessionIdle},
	}, got)
}

// TestAVerificationIsNotStarved: provisionings come faster than they can be worked off, and each has its verification
// come later, as the app does. It is behind what waits already, and ahead of all that comes after it.
func TestAVerificationIsNotStarved(t *testing.T) {
	const (
		provision, verify = "provision", "verify"

		work  = 500 * time.Millisecond
		later = 10 * time.Second
		every = 500 * time.Millisecond // two in a second; two slots of 1.5 s each manage 1.33
		many  = 120
	)
	waiting := map[string]int{} // by session, when its verification came
	came := map[string]time.Duration{}
	got := listenToSessions(t, func(l *listened, m servicebus.Message) {
		if string(m.Body) == provision {
			l.send(m.SessionID, verify, later)
		} else {
			n := l.waiting()
			l.mu.Lock()
			waiting[m.SessionID] = n
			l.mu.Unlock()
		}
		time.Sleep(work)
	}, func(l *listened) {
		for n := range many {
			session := strconv.Itoa(n)
			came[session] = time.Since(l.begun)
			l.send(session, provision, 0)
			time.Sleep(every)
		}
	})
	var verified []string
	at := map[string]map[string]time.Duration{provision: {}, verify: {}}
	for _, d := range got {
		at[d.body][d.session] = d.after
		if d.body == verify {
			verified = append(verified, d.session)
		}
	}
	require.NotEmpty(t, verified)
	last := verified[len(verified)-1]
	assert.Greater(t, waiting[last], slots, "more wait than there are slots, and a verification comes")
	for v := range at[provision] {
		due := at[provision][v] + later
		verified, isVerified := at[verify][v]
		for p, provisioned := range at[provision] {
			if came[p] > due {
				assert.True(t, isVerified && verified <= provisioned, "%s overtook the verification of %s", p, v)
			}
		}
	}
}
