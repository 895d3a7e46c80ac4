package provision_test

import (
	"net/http"
	"slices"
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
	return map[string]time.Duration{serviceGraph: 250 * time.Millisecond, serviceARM: 150 * time.Millisecond, servicePlatform: 250 * time.Millisecond,
		serviceLogin: 80 * time.Millisecond, serviceStore: 8 * time.Millisecond}
}

// span is one round trip to a service.
type span struct {
	service    string
	isWrite    bool
	begin, end time.Time
}

// takes begins a round trip, and returns what ends it. It takes as long as the service takes.
func (f *fixture) takes(service string, isWrite bool) func() {
	begin := time.Now()
	time.Sleep(f.latency[service])
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.spans = append(f.spans, span{service, isWrite, begin, time.Now()})
	}
}

// inBatch makes the requests within a batch fail like any other, and notes them. They are no round trips.
func (f *fixture) inBatch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hit := f.meet(r)
		f.mu.Lock()
		f.batched++
		f.mu.Unlock()
		if hit == nil || hit.after {
			next.ServeHTTP(w, r)
		}
		if hit == nil {
			return
		}
		if hit.status == 0 {
			panic(http.ErrAbortHandler)
		}
		hit.write(w)
	})
}

// traffic is what a run has asked of the services.
type traffic struct {
	// hops are the round trips to services that followed one another, the store's and the login's left out; writeHops are
	// those of the writes alone.
	hops, writeHops int
	// reads and writes are the round trips to each service; batched are the requests within batches.
	reads, writes map[string]int
	batched       int
	// waits is what the longest chain of round trips takes, by the latencies alone.
	waits time.Duration
}

// measure forgets what was asked before, runs something, and tells what it has asked for and how long it took.
func (f *fixture) measure(do func()) (traffic, time.Duration) {
	f.mu.Lock()
	f.spans, f.batched = nil, 0
	f.mu.Unlock()
	began := time.Now()
	do()
	wall := time.Since(began)
	f.mu.Lock()
	defer f.mu.Unlock()
	t := traffic{reads: map[string]int{}, writes: map[string]int{}, batched: f.batched}
	for _, s := range f.spans {
		if s.isWrite {
			t.writes[s.service]++
		} else {
			t.reads[s.service]++
		}
	}
	isCloud := func(s span) bool { return s.service != serviceStore && s.service != serviceLogin }
	one := func(span) time.Duration { return 1 }
	t.hops = int(longest(f.spans, isCloud, one))
	t.writeHops = int(longest(f.spans, func(s span) bool { return isCloud(s) && s.isWrite }, one))
	t.waits = longest(f.spans, func(span) bool { return true }, func(s span) time.Duration { return f.latency[s.service] })
	return t, wall
}

// longest is the weight of the heaviest chain of round trips each of which began when the one before had ended.
func longest(spans []span, counts func(span) bool, weight func(span) time.Duration) time.Duration {
	var chosen []span
	for _, s := range spans {
		if counts(s) {
			chosen = append(chosen, s)
		}
	}
	slices.SortFunc(chosen, func(a, b span) int { return a.begin.Compare(b.begin) })
	best := make([]time.Duration, len(chosen))
	var heaviest time.Duration
	for j, s := range chosen {
		for i := range j {
			if !chosen[i].end.After(s.begin) {
				best[j] = max(best[j], best[i])
			}
		}
		best[j] += weight(s)
		heaviest = max(heaviest, best[j])
	}
	return heaviest
}
