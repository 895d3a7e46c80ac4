package problem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/google/uuid"
)

const (
	headerRequestID    = "x-ms-request-id"
	headerInvocationID = "X-Azure-Functions-InvocationId"
)

// exchange is what one request's problem documents and log lines share. One goroutine serves a request.
type exchange struct {
	requestID string
	cause     error
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{}
}

// Handler serves the routes of mux and answers everything else with problems: unknown paths, wrong methods, panics.
// Every answer carries x-ms-request-id: the one that is set already, else the host's invocation id, else a new one.
// The cause of a 5xx is logged, never sent.
func Handler(mux *http.ServeMux, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{requestID: requestID(w, r)}
		w.Header().Set(headerRequestID, x.requestID)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
		defer func() {
			if x.cause != nil {
				log.ErrorContext(r.Context(), "request failed", "requestId", x.requestID, "method", r.Method, "path", r.URL.Path,
					"error", x.cause.Error())
			}
		}()
		serve(mux, &answerWriter{ResponseWriter: w}, r)
	})
}

func requestID(w http.ResponseWriter, r *http.Request) string {
	if id := w.Header().Get(headerRequestID); id != "" {
		return id
	}
	if id, err := uuid.Parse(r.Header.Get(headerInvocationID)); err == nil {
		return id.String()
	}
	return uuid.NewString()
}

// serve runs the route and turns a panic into a bare 500. The panic's value may hold anything: the log gets it, the
// caller does not.
func serve(mux *http.ServeMux, w *answerWriter, r *http.Request) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(http.ErrAbortHandler)
		}
		p := internal()
		p.cause = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		if w.wrote {
			// Too late for a problem: cut the connection, so that half an answer does not look whole.
			exchangeOf(r.Context()).cause = p.cause
			panic(http.ErrAbortHandler)
		}
		Write(w, r, p)
	}()
	handler, pattern := mux.Handler(r)
	if pattern == "" {
		unrouted(handler, w, r)
		return
	}
	mux.ServeHTTP(w, r)
}

// unrouted turns net/http's own 404 or 405, which handler would write as text, into a problem.
func unrouted(handler http.Handler, w http.ResponseWriter, r *http.Request) {
	plain := &discard{header: http.Header{}}
	handler.ServeHTTP(plain, r)
	if plain.status != http.StatusMethodNotAllowed {
		Write(w, r, New(http.StatusNotFound, CodeNotFound, "There is nothing under this path. GET /api/openapi.json lists what there is."))
		return
	}
	allow := strings.Join(plain.header.Values("Allow"), ", ")
	w.Header().Set("Allow", allow)
	Write(w, r, New(http.StatusMethodNotAllowed, CodeMethodNotAllowed, "This path takes "+allow+"."))
}

// Write answers with a problem.
func Write(w http.ResponseWriter, r *http.Request, p *Problem) {
	p = finish(r.Context(), p, r.URL.Path)
	for name, values := range p.header() {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	w.Header().Set("Content-Type", MediaType)
	w.WriteHeader(p.Status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(p) // the client is gone if this fails
}

// answerWriter remembers whether an answer has begun.
type answerWriter struct {
	http.ResponseWriter
	wrote bool
}

func (w *answerWriter) WriteHeader(status int) {
	w.wrote = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *answerWriter) Write(p []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// discard takes an answer of net/http apart.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }
