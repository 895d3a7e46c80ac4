package provision_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"sync/atomic"

	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/inprocess"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
)

// network is the way to the hosts, with the faults that strike on it.
type network struct {
	hosts  inprocess.ByHost
	faults []*fault

	mu       sync.Mutex // guards requests, meanwhile and the faults' counters
	requests []string   // "METHOD path" of every request that was answered
	// meanwhile runs once, when the next request is answered.
	meanwhile func()
}

// fault makes matching requests fail: instead of being done, or after.
type fault struct {
	match *regexp.Regexp // over "METHOD host/path"
	// skip lets that many pass first; times is how often it then strikes, 0 is always.
	skip    int
	times   int
	status  int
	code    string
	detail  string
	message string
	after   bool
	done    int
}

var errDropped = errors.New("connection reset by peer")

// transporter is the way to the hosts, faults included.
type transporter struct{ f *fixture }

func (tr transporter) Do(r *http.Request) (*http.Response, error) {
	defer tr.f.takes(serviceOf(r.URL.Host), r.Method != http.MethodGet)()
	return operationtest.Effect(tr.f.Process, func() (*http.Response, error) { return tr.f.faulty(r) })
}

func (n *network) faulty(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	hit := n.meet(r)
	n.mu.Lock()
	n.requests = append(n.requests, requestLine(r))
	meanwhile := n.meanwhile
	n.meanwhile = nil
	n.mu.Unlock()
	if meanwhile != nil {
		meanwhile()
	}
	if hit != nil && !hit.after {
		return hit.answer(r)
	}
	response, err := n.RoundTrip(r)
	if hit != nil {
		return hit.answer(r)
	}
	return response, err
}

// requestLine is how faults and the log of requests name a request.
func requestLine(r *http.Request) string { return r.Method + " " + r.URL.Host + r.URL.Path }

// meet returns the fault that a request meets.
func (n *network) meet(r *http.Request) *fault {
	n.mu.Lock()
	defer n.mu.Unlock()
	var hit *fault
	for _, x := range n.faults {
		if hit == nil && x.match.MatchString(requestLine(r)) && x.strikes() {
			hit = x
		}
	}
	return hit
}

// inBatch makes the requests within a batch fail like any other, and notes them. They are no round trips.
func (f *fixture) inBatch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hit := f.meet(r)
		f.countBatched()
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

func (x *fault) strikes() bool {
	x.done++
	return x.done > x.skip && (x.times == 0 || x.done <= x.skip+x.times)
}

// answer is the fault's response; without a status the connection is cut.
func (x *fault) answer(r *http.Request) (*http.Response, error) {
	if x.status == 0 {
		return nil, errDropped
	}
	return x.response(r), nil
}

func (x *fault) response(r *http.Request) *http.Response {
	recorder := httptest.NewRecorder()
	x.write(recorder)
	response := recorder.Result()
	response.Request = r
	return response
}

func (x *fault) write(w http.ResponseWriter) {
	details := []any{}
	if x.detail != "" {
		details = append(details, map[string]string{"code": x.detail})
	}
	body, _ := json.Marshal(map[string]any{"error": map[string]any{"code": x.code, "message": x.message,
		"details": details}})
	for _, name := range []string{"Request-Id", "X-Ms-Request-Id"} {
		w.Header().Set(name, "fault-request")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(x.status)
	_, _ = w.Write(body) // a recorder does not fail
}

// RoundTrip answers by host, in-process.
func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	return n.hosts.RoundTrip(r)
}

func (n *network) fails(x fault) { n.faults = append(n.faults, &x) }

// putsOff answers matching requests (over "METHOD path") of a host with a status and Retry-After, the first times
// times.
func (n *network) putsOff(host, match string, times int64, status int, retryAfter string) {
	var met atomic.Int64
	matches, next := regexp.MustCompile(match), n.hosts[host]
	n.hosts[host] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !matches.MatchString(r.Method+" "+r.URL.Path) || met.Add(1) > times {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Retry-After", retryAfter)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("request-id", "put-off")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"error":{"code":"PutOff"}}`))
	})
}

// atGate calls look before the platform answers a request that the pattern, as that of a ServeMux, matches.
func (n *network) atGate(pattern string, look func()) {
	next := n.hosts[platform.GateHost]
	mux := http.NewServeMux()
	mux.Handle("/", next)
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		look()
		next.ServeHTTP(w, r)
	})
	n.hosts[platform.GateHost] = mux
}
