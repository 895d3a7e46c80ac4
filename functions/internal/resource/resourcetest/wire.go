package resourcetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/inprocess"
)

// errKilled is what a request meets whose process has ended.
var errKilled = errors.New("killed")

// Wire is the way from a kind's clients to its services, in this process: it makes requests fail, and hides what lists
// show too early. It has a clock that only waiting moves.
type Wire struct {
	// Hosts answer requests, by the host's name.
	Hosts map[string]http.Handler

	mu     sync.Mutex
	at     time.Time
	asked  []Request
	count  map[string]int
	writes int
	fault  *struck
	dead   bool
	cancel context.CancelFunc
	lag    int
	hidden map[string]int // by an object's id: how often a list has hidden it
}

// Request is one request of a run: the n-th of a shape, from 1. A shape is method and URL without ids, which differ
// from cloud to cloud.
type Request struct {
	Shape string
	N     int
}

func (r Request) String() string { return fmt.Sprintf("%s (%d)", r.Shape, r.N) }

// struck is a fault on its way.
type struck struct {
	Fault
	at Request
	// stays is true where the later requests of the shape fail as well.
	stays bool
	done  int
}

// NewWire returns a wire without hosts.
func NewWire() *Wire {
	return &Wire{Hosts: map[string]http.Handler{}, at: time.Now().UTC().Truncate(time.Second), count: map[string]int{},
		hidden: map[string]int{}}
}

// Now is the wire's time.
func (w *Wire) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

// Sleep moves the clock.
func (w *Wire) Sleep(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
	return ctx.Err()
}

// Do implements azcore's policy.Transporter.
func (w *Wire) Do(r *http.Request) (*http.Response, error) { return w.RoundTrip(r) }

// RoundTrip implements http.RoundTripper.
func (w *Wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	hit, err := w.begin(r)
	if err != nil {
		return nil, err
	}
	if hit == nil {
		return w.answer(r)
	}
	if hit.meanwhile != nil {
		hit.meanwhile()
		return w.answer(r)
	}
	var done *http.Response
	if hit.isDone {
		if done, err = w.answer(r); err != nil {
			return nil, err
		}
	}
	if hit.kills {
		w.kill()
		return nil, errKilled
	}
	if hit.hangs > 0 {
		_ = w.Sleep(r.Context(), hit.hangs) // the attempt's own limit has passed, whatever the context states
	}
	return hit.answer(r, done)
}

// begin counts a request, and returns the fault that it meets.
func (w *Wire) begin(r *http.Request) (*struck, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return nil, errKilled
	}
	shape := shapeOf(r)
	w.count[shape]++
	w.asked = append(w.asked, Request{shape, w.count[shape]})
	if r.Method != http.MethodGet {
		w.writes++
	}
	f := w.fault
	if f == nil || f.at.Shape != shape || w.count[shape] < f.at.N || w.count[shape] > f.at.N && !f.stays {
		return nil, nil
	}
	f.done++
	return f, nil
}

var ids = regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|[0-9a-f]{16,}`)

func shapeOf(r *http.Request) string {
	return r.Method + " " + r.URL.Host + ids.ReplaceAllString(r.URL.RequestURI(), "*")
}

func (w *Wire) kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = true
	w.cancel()
}

// answer has a host answer.
func (w *Wire) answer(r *http.Request) (*http.Response, error) {
	response, err := inprocess.ByHost(w.Hosts).RoundTrip(r)
	if w.isDead() { // of a request within this batch
		return nil, errKilled
	}
	if err == nil && r.Method == http.MethodGet && response.StatusCode == http.StatusOK && w.isLagging() {
		w.hide(response)
	}
	return response, err
}

func (w *Wire) isDead() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dead
}

// InBatch makes the requests within a batch fail like any other. One that is not answered at all cuts the connection
// of its batch.
func (w *Wire) InBatch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		hit, err := w.begin(r)
		switch {
		case err != nil:
			panic(http.ErrAbortHandler)
		case hit == nil:
			next.ServeHTTP(out, r)
			return
		case hit.meanwhile != nil:
			hit.meanwhile()
			next.ServeHTTP(out, r)
			return
		}
		var done *http.Response
		if hit.isDone {
			recorder := httptest.NewRecorder()
			next.ServeHTTP(recorder, r)
			done = recorder.Result()
		}
		if hit.kills {
			w.kill()
			panic(http.ErrAbortHandler)
		}
		if hit.hangs > 0 {
			_ = w.Sleep(r.Context(), hit.hangs) // the attempt's own limit has passed, whatever the context states
		}
		response, err := hit.answer(r, done)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		maps.Copy(out.Header(), response.Header)
		out.WriteHeader(response.StatusCode)
		_, _ = io.Copy(out, response.Body) // a recorder does not fail
	})
}

// hide takes what a list shows too early out of an answer.
func (w *Wire) hide(response *http.Response) {
	body, _ := io.ReadAll(response.Body) // a recorder's body does not fail
	response.Body = io.NopCloser(bytes.NewReader(body))
	var list []map[string]any
	var page map[string]json.RawMessage
	isPage := json.Unmarshal(body, &list) != nil
	if isPage && (json.Unmarshal(body, &page) != nil || json.Unmarshal(page["value"], &list) != nil) {
		return
	}
	visible := []map[string]any{}
	w.mu.Lock()
	for _, one := range list {
		id, _ := one["id"].(string)
		times := w.hidden[id]
		switch {
		case id == "" || times >= w.lag:
			visible = append(visible, one)
		default:
			w.hidden[id]++
		}
	}
	w.mu.Unlock()
	if len(visible) == len(list) {
		return
	}
	var content any = visible
	if isPage {
		page["value"], _ = json.Marshal(visible) // it was decoded from JSON
		content = page
	}
	body, _ = json.Marshal(content)
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	response.Header.Del("Content-Length")
}

func (w *Wire) isLagging() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lag > 0
}

// lags makes lists hide each new object in the first n answers that would show it.
func (w *Wire) lags(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lag = n
}

// strike makes a request fail, and returns the context of the process that sends it.
func (w *Wire) strike(parent context.Context, f *struck) context.Context {
	w.mu.Lock()
	defer w.mu.Unlock()
	ctx, cancel := context.WithCancel(parent)
	w.fault, w.cancel, w.asked, w.count, w.writes = f, cancel, nil, map[string]int{}, 0
	return ctx
}

// calm ends a fault, and a process that was killed: the next one begins.
func (w *Wire) calm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cancel != nil {
		w.cancel()
	}
	w.fault, w.dead, w.cancel, w.asked, w.count, w.writes = nil, false, nil, nil, map[string]int{}, 0
}

// sent are the requests since calm, and how many of them were no reads.
func (w *Wire) sent() ([]Request, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked, w.writes
}
