package provision_test

import (
	"slices"
	"sync"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
)

// The services that a run waits for, one answer after the other or side by side.
const (
	serviceGraph    = "graph"
	serviceARM      = "arm"
	serviceLogin    = "login"
	servicePlatform = "platform"
	serviceStore    = "store"

	// attempts is no service: it marks where an attempt begins and where it ends.
	attempts = "attempt"
)

func serviceOf(host string) string {
	switch host {
	case "graph.microsoft.com":
		return serviceGraph
	case "management.azure.com":
		return serviceARM
	case platform.GateHost:
		return servicePlatform
	}
	return host
}

// latencies are what the services take to answer, each time.
func latencies() map[string]time.Duration {
	return map[string]time.Duration{serviceGraph: 250 * time.Millisecond, serviceARM: 150 * time.Millisecond,
		servicePlatform: 250 * time.Millisecond,
		serviceLogin:    80 * time.Millisecond, serviceStore: 8 * time.Millisecond}
}

// span is one round trip to a service.
type span struct {
	service    string
	isWrite    bool
	begin, end time.Time
	key        string // of the store's record
}

// trip is a round trip that has begun.
type trip struct {
	service string
	isWrite bool
	key     string // of the store's record
}

// meter notes every round trip, and makes each take its time.
type meter struct {
	// latency is how long each service takes to answer.
	latency map[string]time.Duration

	mu      sync.Mutex
	spans   []span
	batched int // requests within batches
}

// takes begins a round trip, and returns what ends it. It takes as long as the service takes.
func (m *meter) takes(service string, isWrite bool) func() {
	return m.trip(trip{service: service, isWrite: isWrite})
}

func (m *meter) trip(t trip) func() {
	begin := time.Now()
	time.Sleep(m.latency[t.service])
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.spans = append(m.spans, span{t.service, t.isWrite, begin, time.Now(), t.key})
	}
}

// mark notes where an attempt begins, or ends.
func (m *meter) mark() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.spans = append(m.spans, span{service: attempts, begin: time.Now(), end: time.Now()})
}

// inAttempt are the round trips within the one attempt that was made, in the order in which they ended.
func (m *meter) inAttempt() []span {
	m.mu.Lock()
	defer m.mu.Unlock()
	isMark := func(s span) bool { return s.service == attempts }
	within := m.spans[slices.IndexFunc(m.spans, isMark)+1:]
	return within[:slices.IndexFunc(within, isMark)]
}

func (m *meter) countBatched() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.batched++
}

// traffic is what a run has asked of the services.
type traffic struct {
	// hops are the round trips of the chain that took longest, the store's and the login's left out; writeHops are
	// those of the longest chain of writes alone.
	hops, writeHops int
	// reads and writes are the round trips to each service; batched are the requests within batches.
	reads, writes map[string]int
	batched       int
	// waits is what the longest chain of round trips takes, by the latencies alone.
	waits time.Duration
}

// measure forgets what was asked before, runs something, and tells what it has asked for and how long it took.
func (m *meter) measure(do func()) (traffic, time.Duration) {
	m.mu.Lock()
	m.spans, m.batched = nil, 0
	m.mu.Unlock()
	began := time.Now()
	do()
	wall := time.Since(began)
	m.mu.Lock()
	defer m.mu.Unlock()
	t := traffic{reads: map[string]int{}, writes: map[string]int{}, batched: m.batched}
	for _, s := range m.spans {
		if s.isWrite {
			t.writes[s.service]++
		} else {
			t.reads[s.service]++
		}
	}
	isCloud := func(s span) bool {
		return s.service != serviceStore && s.service != serviceLogin && s.service != attempts
	}
	takes := func(s span) time.Duration { return m.latency[s.service] }
	chain := longest(m.spans, takes)
	for _, s := range chain {
		t.waits += takes(s)
	}
	t.hops = len(only(chain, isCloud))
	t.writeHops = len(longest(only(m.spans, func(s span) bool { return isCloud(s) && s.isWrite }), takes))
	return t, wall
}

func only(spans []span, counts func(span) bool) []span {
	return slices.DeleteFunc(slices.Clone(spans), func(s span) bool { return !counts(s) })
}

// longest is the heaviest chain of round trips each of which began when the one before had ended.
func longest(spans []span, weight func(span) time.Duration) []span {
	sorted := slices.SortedFunc(slices.Values(spans), func(a, b span) int { return a.begin.Compare(b.begin) })
	best, before := make([]time.Duration, len(sorted)), make([]int, len(sorted))
	heaviest := -1
	for j, s := range sorted {
		before[j] = -1
		for i := range j {
			if !sorted[i].end.After(s.begin) && best[i] > best[j] {
				best[j], before[j] = best[i], i
			}
		}
		best[j] += weight(s)
		if heaviest < 0 || best[j] > best[heaviest] {
			heaviest = j
		}
	}
	var chain []span
	for ; heaviest >= 0; heaviest = before[heaviest] {
		chain = append(chain, sorted[heaviest])
	}
	return chain
}
