package control

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/strictjson"
	"github.com/google/uuid"
)

// Effects of a Fault.
const (
	EffectBefore = "before" // answered instead of done
	EffectAfter  = "after"  // done, but this is answered
	EffectDrop   = "drop"   // done, and the connection is cut
)

// maxHeld bounds what is read of a body ahead of its service, in bytes; what is longer comes after it.
const maxHeld = 1 << 20

// Fault is one disturbance of a pretended service.
type Fault struct {
	// Match picks requests; the first fault that matches takes effect.
	Match Match `json:"match"`
	// Times is how often it still takes effect: absent is once, 0 never, negative without end.
	Times *int `json:"times"`
	// Status, Code, Message and Body make the answer. Without Body the error has the shape of the service's own;
	// without any of them, a fault with DelayMS only delays.
	Status  int               `json:"status,omitempty"`
	Code    string            `json:"code,omitempty"`
	Message string            `json:"message,omitempty"`
	Body    json.RawMessage   `json:"body,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	// Echo appends the body of the request to Message, as services do that say what they could not read.
	Echo bool `json:"echo,omitempty"`
	// DelayMS is waited for before the answer, in milliseconds: with before ahead of everything, else after the deed.
	DelayMS int `json:"delayMs,omitempty"`
	// Effect is before (the default), after or drop.
	Effect string `json:"effect"`
}

// Match holds regular expressions that a request must all match; an empty one matches everything. Path is compared
// with path and query. They are not anchored.
type Match struct {
	Host   string `json:"host,omitempty"`
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
}

// Faults is the list of faults in force. It is safe for concurrent use; make it with NewFaults.
type Faults struct {
	now func() time.Time

	mu   sync.Mutex
	list []armed
}

type armed struct {
	fault              Fault
	host, method, path *regexp.Regexp
	left               int
}

// NewFaults returns an empty list; now (nil means the wall clock) stamps the error bodies that show a time.
func NewFaults(now func() time.Time) *Faults {
	if now == nil {
		now = time.Now
	}
	return &Faults{now: now}
}

// Set replaces the whole list, or returns a *strictjson.Error and leaves it as it was.
func (f *Faults) Set(list []Fault) error {
	next := make([]armed, 0, len(list))
	for i, fault := range list {
		a, err := arm(fault, fmt.Sprintf("/%d", i))
		if err != nil {
			return err
		}
		next = append(next, a)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = next
	return nil
}

// Reset removes all faults.
func (f *Faults) Reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = nil
}

// List returns the faults with the times that are left; never nil.
func (f *Faults) List() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]Fault, 0, len(f.list))
	for _, a := range f.list {
		left := a.left
		a.fault.Times = &left
		list = append(list, a.fault)
	}
	return list
}

func arm(fault Fault, pointer string) (armed, error) {
	a := armed{fault: fault, left: 1}
	if fault.Times != nil {
		a.left = *fault.Times
	}
	for _, p := range []struct {
		member, pattern string
		into            **regexp.Regexp
	}{{"host", fault.Match.Host, &a.host}, {"method", fault.Match.Method, &a.method},
		{"path", fault.Match.Path, &a.path}} {
		compiled, err := regexp.Compile(p.pattern)
		if err != nil {
			return armed{}, &strictjson.Error{Pointer: pointer + "/match/" + p.member, Member: p.member,
				Detail: "is not a regular expression: " + err.Error()}
		}
		*p.into = compiled
	}
	switch fault.Effect {
	case "":
		a.fault.Effect = EffectBefore
	case EffectBefore, EffectAfter, EffectDrop:
	default:
		return armed{}, &strictjson.Error{Pointer: pointer + "/effect", Member: "effect",
			Detail: "is before, after or drop"}
	}
	if fault.Status != 0 && (fault.Status < 200 || fault.Status > 599) {
		return armed{}, &strictjson.Error{Pointer: pointer + "/status", Member: "status",
			Detail: "is an HTTP status from 200 to 599"}
	}
	if err := fault.checkLink(a.method, pointer); err != nil {
		return armed{}, err
	}
	if fault.DelayMS < 0 {
		return armed{}, &strictjson.Error{Pointer: pointer + "/delayMs", Member: "delayMs",
			Detail: "must not be negative"}
	}
	return a, nil
}

// take finds the fault for a request and uses it up by one.
func (f *Faults) take(r *http.Request) (Fault, bool) {
	host, _, _ := strings.Cut(r.Host, ":")
	path := r.URL.RequestURI()
	return f.takeFirst(func(a *armed) bool {
		return a.host.MatchString(host) && a.method.MatchString(r.Method) &&
			(a.path.MatchString(path) || a.path.MatchString(r.URL.Path))
	})
}

// takeFirst uses the first fault in force that matches up by one.
func (f *Faults) takeFirst(matches func(*armed) bool) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.list {
		a := &f.list[i]
		if a.left == 0 || !matches(a) {
			continue
		}
		if a.left > 0 {
			a.left--
		}
		return a.fault, true
	}
	return Fault{}, false
}

// Wrap disturbs the requests that go to next. EffectDrop panics with http.ErrAbortHandler, at which net/http closes
// the connection; an in-process transport must turn that panic into an error.
func (f *Faults) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault, ok := f.take(r)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		if fault.Echo || fault.DelayMS > 0 { // a server notices that its caller has gone only once the body is read
			body, err := io.ReadAll(io.LimitReader(r.Body, maxHeld))
			if err != nil {
				panic(http.ErrAbortHandler) // the caller has gone
			}
			if fault.Echo {
				fault.Message += string(body)
			}
			r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), r.Body))
		}
		if fault.Effect != EffectBefore {
			next.ServeHTTP(&discarded{header: http.Header{}}, r)
		}
		if !wait(r.Context(), time.Duration(fault.DelayMS)*time.Millisecond) || fault.Effect == EffectDrop {
			panic(http.ErrAbortHandler)
		}
		if fault.Effect == EffectBefore && fault.isDelayOnly() {
			next.ServeHTTP(w, r)
			return
		}
		fault.write(w, r, f.now().UTC(), uuid.NewString())
	})
}

func (f Fault) isDelayOnly() bool {
	return f.DelayMS > 0 && f.Status == 0 && f.Code == "" && f.Message == "" && f.Body == nil
}

// wait waits for d, or returns false when the caller has gone.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Latency adds the world's latency to every request that goes to next.
func Latency(w *world.World, next http.Handler) http.Handler {
	return http.HandlerFunc(func(writer http.ResponseWriter, r *http.Request) {
		if !wait(r.Context(), time.Duration(w.Timing().LatencyMS)*time.Millisecond) {
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(writer, r)
	})
}

// discarded takes an answer that nobody gets.
type discarded struct{ header http.Header }

func (d *discarded) Header() http.Header            { return d.header }
func (d *discarded) Write(data []byte) (int, error) { return len(data), nil }
func (d *discarded) WriteHeader(int)                {}
