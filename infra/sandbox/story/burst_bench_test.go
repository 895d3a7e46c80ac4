package story

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/control"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/stack"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// burst is how many integrations are asked for at once.
const burst = 200

// What the pretended services take to answer, beyond their own work: assumptions on the slow side of what is usual
// within one region. serviceDelay is everybody's (state account, managed identity, data accounts); the others come on
// top.
const (
	serviceDelay = 10 * time.Millisecond
	graphDelay   = 250 * time.Millisecond
	armDelay     = 150 * time.Millisecond
	entraDelay   = 100 * time.Millisecond
)

// The events that end the two parts of a provisioning, and the one that must not come.
const (
	eventProvisioned = "ai.ddoe.wif.integration.provisioned.v1"
	eventUsable      = "ai.ddoe.wif.integration.usable.v1"
	eventFailed      = "ai.ddoe.wif.integration.failed.v1"
)

// burstPatience ends a row that is not through by then; its counts say how far it came. The default keeps all rows
// together at two minutes. The first row needs five: -args -burst.patience=8m, with -timeout=20m.
var burstPatience = flag.Duration("burst.patience", time.Minute, "how long BenchmarkBurst waits for one row")

// BenchmarkBurst measures how fast one instance works off a burst of PUTs, for several values of host.json's
// maxConcurrentSessions and sessionIdleTimeout. The host receives within the broker's process: the round trips of
// a real one, for every session and message, are not in the figures. Its columns:
//
//   - provisioned, usable: how many integrations came that far within the patience
//   - s-last-provisioned, s-last-usable: from the first PUT; only where all came that far
//   - integrations/s: provisioned ones, up to the last
//   - s-to-usable-median, s-to-usable-max: from an integration's provisioned to its usable; the first access test is
//     scheduled for 10 s after provisioned, and what is above that is waiting for a session slot
//   - graph-writes, graph-writes/s: against Graph's quota of 3,000 in 150 s for an app in a tenant, 20/s
func BenchmarkBurst(b *testing.B) {
	app := assembleForSpeed(b)
	for _, row := range []struct {
		sessions int
		idle     time.Duration
	}{{8, 5 * time.Second}, {16, time.Second}, {32, time.Second}} {
		b.Run(fmt.Sprintf("sessions=%d/idle=%v", row.sessions, row.idle), func(b *testing.B) {
			for b.Loop() {
				runBurst(b, app, row.sessions, row.idle).report(b)
			}
		})
	}
}

// assembleForSpeed lays out the app as `make run` does: without the race detector, which the tests' handler has.
func assembleForSpeed(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	build := exec.Command("make", "assemble", "DIST="+dir)
	build.Dir = filepath.Join("..", "..", "..")
	out, err := build.CombinedOutput()
	require.NoError(b, err, string(out))
	return dir
}

// burstResult is what one burst came to.
type burstResult struct {
	began               time.Time
	provisioned, usable map[string]time.Time // by integration
	graphWrites         []time.Time
}

func runBurst(b *testing.B, app string, sessions int, idle time.Duration) burstResult {
	b.Helper()
	log := &lockedBuffer{}
	const bus = "AzureFunctionsJobHost__extensions__serviceBus__"
	s, err := stack.Start(b.Context(), stack.Options{Dist: app, Log: log, Env: []string{
		fmt.Sprintf("%smaxConcurrentSessions=%d", bus, sessions),
		bus + "sessionIdleTimeout=" + time.Time{}.Add(idle).Format(time.TimeOnly),
	}})
	require.NoError(b, err)
	defer func() { assert.NoError(b, s.Close()) }()
	slowDown(b, s)

	r := burstResult{began: time.Now()}
	putBurst(b, s)
	deadline := r.began.Add(*burstPatience)
	for len(r.usable) < burst && time.Now().Before(deadline) && s.HandlerPID() != 0 {
		time.Sleep(100 * time.Millisecond) // the events carry their own times
		r.provisioned, r.usable = reached(s, eventProvisioned), reached(s, eventUsable)
	}
	require.Empty(b, reached(s, eventFailed), "log:\n%s", log)
	require.NotEmpty(b, r.provisioned, "log:\n%s", log)
	r.graphWrites = graphWrites(b, s)
	return r
}

// slowDown gives the pretended services the latency of real ones.
func slowDown(b *testing.B, s *stack.Stack) {
	b.Helper()
	s.Cloud().World().SetTiming(world.Timing{LatencyMS: int(serviceDelay.Milliseconds())})
	delays := map[string]time.Duration{cloud.GraphHost: graphDelay, cloud.ManagementHost: armDelay,
		"^login[.]": entraDelay}
	var slow []control.Fault
	for host, delay := range delays {
		ms := int(delay.Milliseconds())
		slow = append(slow, control.Fault{Match: control.Match{Host: host}, Times: new(-1), DelayMS: ms})
	}
	exchange(b, http.MethodPut, s.ControlURL()+"/faults", slow)
}

// putBurst asks for all integrations at once and returns when all have been accepted.
func putBurst(b *testing.B, s *stack.Stack) {
	b.Helper()
	spec := map[string]any{"serviceName": "my-service", "storage": []any{
		map[string]any{"resourceId": world.DataAccountID, "container": "images", "access": "readWrite"},
	}}
	var puts errgroup.Group
	for n := range burst {
		puts.Go(func() error {
			_, err := request(b.Context(), http.MethodPut, fmt.Sprintf("%s/integrations/burst-%d",
				s.APIURL(), n), spec)
			return err
		})
	}
	require.NoError(b, puts.Wait())
}

func exchange(b *testing.B, method, url string, body any) []byte {
	b.Helper()
	raw, err := request(b.Context(), method, url, body)
	require.NoError(b, err)
	return raw
}

// request sends one request with a JSON body and returns the answer's, which must be a success.
func request(ctx context.Context, method, url string, body any) ([]byte, error) {
	sent, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(sent))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s %s: %s: %s", method, url, response.Status, got)
	}
	return got, err
}

// reached tells when each integration had the event.
func reached(s *stack.Stack, event string) map[string]time.Time {
	at := map[string]time.Time{}
	for _, m := range s.Cloud().Broker().Events("wif-events") {
		if m.Subject == event {
			at[m.SessionID] = m.EnqueuedAt
		}
	}
	return at
}

// graphWrites are the times of the requests that count against Graph's write quota: of a batch, each of its requests
// does (https://learn.microsoft.com/graph/json-batching, batch size limitations), and it itself does not.
func graphWrites(b *testing.B, s *stack.Stack) []time.Time {
	b.Helper()
	var all []control.Request
	require.NoError(b, json.Unmarshal(exchange(b, http.MethodGet, s.ControlURL()+"/requests", nil), &all))
	var writes []time.Time
	for _, r := range all {
		if r.Host == cloud.GraphHost && r.Method != http.MethodGet && !strings.HasSuffix(r.Path, "/$batch") {
			writes = append(writes, r.Time)
		}
	}
	slices.SortFunc(writes, time.Time.Compare)
	return writes
}

func (r burstResult) report(b *testing.B) {
	b.Helper()
	b.ReportMetric(0, "ns/op") // the columns say more
	b.ReportMetric(float64(len(r.provisioned)), "provisioned")
	b.ReportMetric(float64(len(r.usable)), "usable")
	last := r.sinceStart(r.provisioned)
	b.ReportMetric(float64(len(r.provisioned))/last, "integrations/s")
	if len(r.provisioned) == burst {
		b.ReportMetric(last, "s-last-provisioned")
	}
	if len(r.usable) == burst {
		b.ReportMetric(r.sinceStart(r.usable), "s-last-usable")
	}
	if lags := r.lags(); len(lags) > 0 {
		b.ReportMetric(lags[len(lags)/2].Seconds(), "s-to-usable-median")
		b.ReportMetric(lags[len(lags)-1].Seconds(), "s-to-usable-max")
	}
	writes := r.graphWrites
	b.ReportMetric(float64(len(writes)), "graph-writes")
	b.ReportMetric(float64(len(writes))/writes[len(writes)-1].Sub(writes[0]).Seconds(), "graph-writes/s")
}

// sinceStart is the seconds from the first PUT to the last of the times.
func (r burstResult) sinceStart(times map[string]time.Time) float64 {
	var last time.Duration
	for _, at := range times {
		last = max(last, at.Sub(r.began))
	}
	return last.Seconds()
}

// lags are the times from provisioned to usable, shortest first.
func (r burstResult) lags() []time.Duration {
	var lags []time.Duration
	for id, at := range r.usable {
		lags = append(lags, at.Sub(r.provisioned[id]))
	}
	slices.Sort(lags)
	return lags
}
