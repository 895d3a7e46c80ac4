package provision_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
)

// network is the way to the hosts, with the faults that strike on it.
type network struct {
	hosts  map[string]http.Handler
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

// transporter is the way to the hosts, faults included.
type transporter struct{ f *fixture }

func (tr transporter) Do(r *http.Request) (*http.Response, error) {
	return effect(tr.f, func() (*http.Response, error) { return tr.f.faulty(r) })
}

func (n *network) faulty(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	what := r.Method + " " + r.URL.Host + r.URL.Path
	n.mu.Lock()
	var hit *fault
	for _, x := range n.faults {
		if hit == nil && x.match.MatchString(what) && x.strikes() {
			hit = x
		}
	}
	n.requests = append(n.requests, what)
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
	details := []any{}
	if x.detail != "" {
		details = append(details, map[string]string{"code": x.detail})
	}
	body, _ := json.Marshal(map[string]any{"error": map[string]any{"code": x.code, "message": x.message, "details": details}})
	header := http.Header{"Content-Type": {"application/json"}, "Request-Id": {"fault-request"}, "X-Ms-Request-Id": {"fault-request"}}
	return &http.Response{StatusCode: x.status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
}

// RoundTrip answers by host, in-process.
func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	handler, ok := n.hosts[r.URL.Host]
	if !ok {
		return nil, fmt.Errorf("lookup %s: no such host", r.URL.Host)
	}
	recorder := httptest.NewRecorder()
	received := r.Clone(r.Context())
	received.Header = http.Header{}
	for name, values := range r.Header { // azblob writes names in lower case, and a server reads them canonical
		received.Header[http.CanonicalHeaderKey(name)] = values
	}
	if r.Body == nil {
		received.Body = http.NoBody
	}
	if r.ContentLength >= 0 {
		received.Header.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10)) // as it comes over a wire
	}
	handler.ServeHTTP(recorder, received)
	response := recorder.Result()
	response.Request = r
	return response, nil
}

func (n *network) fails(x fault) { n.faults = append(n.faults, &x) }

// putsOff answers matching requests (over "METHOD path") of a host with a status and Retry-After, the first times times.
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
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{}`))
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
