package problem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
)

const (
	headerRequestID    = "x-ms-request-id"
	headerInvocationID = "X-Azure-Functions-InvocationId"
)

type requestIDKey struct{}

// requestIDOf returns the id that Handler gave the request.
func requestIDOf(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// Handler serves the routes of mux and answers everything else with problems: unknown paths, wrong methods, panics.
// Every answer carries x-ms-request-id: the one that is set already, else the host's invocation id, else a new one.
// The cause of a 5xx is noted for the invocation's log line, never sent. base is the app's public URL, which links to
// the pages of codes are built from; empty where it is not known.
func Handler(mux *http.ServeMux, base string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := requestID(w, r)
		w.Header().Set(headerRequestID, id)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		r = r.WithContext(context.WithValue(context.WithValue(r.Context(), requestIDKey{}, id), baseKey{}, base))
		r.Body = sentBody{r.Body}
		serve(mux, &answerWriter{ResponseWriter: w}, r)
	})
}

// sentBody tells huma of a body that breaks off as of one that does not arrive in time (408). huma answers any other
// error of reading with 500: a caller that has gone would be a failure of ours, for the operator to look into.
type sentBody struct{ io.ReadCloser }

// Read implements io.Reader.
func (b sentBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		err = incomplete{err}
	}
	return n, err
}

// incomplete is the error of a body that broke off. It is a net.Error.
type incomplete struct{ error }

func (incomplete) Timeout() bool   { return true }
func (incomplete) Temporary() bool { return true }
func (e incomplete) Unwrap() error { return e.error }

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
			invocation.From(r.Context()).SetError(p.cause)
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
		Write(w, r, New(http.StatusNotFound, CodeNotFound,
			"There is nothing under this path. GET /api/openapi.json lists what there is."))
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
