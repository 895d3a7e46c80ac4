// Package protocol speaks the custom-handler protocol of the Azure Functions host: the readiness probe, the invocation
// envelope of queue and timer triggers, and HTTP functions that the host proxies or forwards. It knows no function of
// the app and keeps no state between invocations.
//
// Source of the wire format: Azure/azure-functions-host, src/WebJobs.Script/Workers/Http, and
// https://learn.microsoft.com/azure/azure-functions/functions-custom-handlers.
package protocol

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// Headers of the host. The invocation id is sent with every invocation and repeated on every answer.
const (
	HeaderInvocationID = "X-Azure-Functions-InvocationId"
	HeaderRequestID    = "x-ms-request-id"
)

// Func handles one invocation of a queue or timer trigger. A nil error completes it; any error fails it, and the host
// then abandons the message. A panic fails that invocation alone.
type Func func(ctx context.Context, inv *Invocation) error

// Options configures the handler. All fields but Annotate and Redact are required.
type Options struct {
	// HTTP serves the HTTP functions under their public path, as the host hands them on.
	HTTP http.Handler
	// Functions are the queue and timer functions by name; the host posts to /<name>.
	Functions map[string]Func
	Log       *slog.Logger
	// Timeout ends an invocation's context. It must be below the host's functionTimeout: when that passes the host
	// kills the whole process, and every other invocation with it.
	Timeout time.Duration
	// HTTPTimeout ends an HTTP request's context. It must be below the 230 s after which Azure's front end gives up.
	HTTPTimeout time.Duration
	// MaxBody bounds a request body in bytes, envelope included.
	MaxBody int64
	// Annotate is called before each invocation; the function it returns gives further attributes of its log line.
	Annotate func(ctx context.Context) (context.Context, func() []slog.Attr)
	// Redact takes out of a path what must not be logged: somebody may have put a token there. Nil logs the path as it
	// is.
	Redact func(path string) string
}

// New returns the handler that answers the host.
func New(o Options) http.Handler {
	if o.Annotate == nil {
		o.Annotate = func(ctx context.Context) (context.Context, func() []slog.Attr) {
			return ctx, func() []slog.Attr { return nil }
		}
	}
	if o.Redact == nil {
		o.Redact = func(path string) string { return path }
	}
	web := &httpFunctions{Options: o}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			ready(w)
			return
		}
		// The host posts to the function's name exactly; a redirecting mux would turn the POST into a GET.
		if f, ok := o.Functions[r.URL.Path[1:]]; ok {
			t := &trigger{Options: o, name: r.URL.Path[1:], run: f}
			t.ServeHTTP(w, r)
			return
		}
		web.ServeHTTP(w, r)
	})
}

// ready answers the host's readiness probe and its later health pings. Any answer means ready, so the process must
// listen only once everything that can fail at start has been checked.
func ready(w http.ResponseWriter) {
	answer(w, http.StatusOK)
}

// answer writes the smallest legal answer. An empty 2xx body would hang the invocation until functionTimeout.
func answer(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("{}")) // the host is gone if this fails; nobody is left to tell
}
