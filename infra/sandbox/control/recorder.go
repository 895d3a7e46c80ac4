package control

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// recorderSize is how many requests the Recorder remembers.
const recorderSize = 100_000

// Request is one request to a pretended service.
type Request struct {
	N      int       `json:"n"` // counts up, also over a reset; in the order in which the answers were complete
	Time   time.Time `json:"time"`
	Host   string    `json:"host"`
	Method string    `json:"method"`
	Path   string    `json:"path"`   // with the query; signatures are taken out
	Status int       `json:"status"` // 0 if the connection was cut
	// InBatch is true where the request came within another, a batch of Microsoft Graph: it is no round trip of its
	// own.
	InBatch bool `json:"inBatch,omitempty"`
	// DurationMS is how long the answer took, in milliseconds.
	DurationMS float64 `json:"durationMs"`
}

// Recorder remembers the last requests. It is safe for concurrent use; make it with NewRecorder.
type Recorder struct {
	now func() time.Time

	mu    sync.Mutex
	ring  []Request
	next  int // number of the next request, from 1
	first int // number of the request that went into the ring's first place
}

// NewRecorder returns an empty recorder on the given clock (nil means the wall clock).
func NewRecorder(now func() time.Time) *Recorder {
	if now == nil {
		now = time.Now
	}
	return &Recorder{now: now, next: 1, first: 1}
}

// Wrap records every request that goes to next.
func (r *Recorder) Wrap(next http.Handler) http.Handler { return r.wrap(next, false) }

// WrapBatch records every request that comes to next within a batch. The batch is recorded after its requests.
func (r *Recorder) WrapBatch(next http.Handler) http.Handler { return r.wrap(next, true) }

func (r *Recorder) wrap(next http.Handler, inBatch bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		record := Request{Time: r.now().UTC(), Host: request.Host, Method: request.Method,
			Path: loggedPath(request.URL), InBatch: inBatch}
		writer := &statusWriter{ResponseWriter: w}
		returned := false
		defer func() { // also when the handler panics to cut the connection
			if record.Status = writer.status; returned && record.Status == 0 {
				record.Status = http.StatusOK
			}
			record.DurationMS = float64(r.now().Sub(record.Time).Microseconds()) / 1000
			r.add(record)
		}()
		next.ServeHTTP(writer, request)
		returned = true
	})
}

func (r *Recorder) add(record Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	record.N = r.next
	r.next++
	if len(r.ring) < recorderSize {
		r.ring = append(r.ring, record)
	} else {
		r.ring[(record.N-r.first)%recorderSize] = record
	}
}

// Since returns the requests with a number above n, in order; never nil.
func (r *Recorder) Since(n int) []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := []Request{}
	for i := max(n+1, r.next-len(r.ring)); i < r.next; i++ {
		out = append(out, r.ring[(i-r.first)%recorderSize])
	}
	return out
}

// Reset forgets all requests; the count goes on.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ring, r.first = nil, r.next
}

// loggedPath is path and query, without the parts of a query that would let somebody in.
func loggedPath(u *url.URL) string {
	if u.RawQuery == "" {
		return u.EscapedPath()
	}
	parts := strings.Split(u.RawQuery, "&")
	for i, part := range parts {
		name, _, _ := strings.Cut(part, "=")
		if name == "sig" || name == "code" {
			parts[i] = name + "=[redacted]"
		}
	}
	return u.EscapedPath() + "?" + strings.Join(parts, "&")
}

// statusWriter notes the status that goes out.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(data []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(data)
}

// Unwrap lets http.ResponseController reach the writer below.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
