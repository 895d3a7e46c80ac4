package host

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
)

// maxBody is the host's cap on request bodies, in bytes.
const maxBody = 104_857_600

// connectAttempts and the delays between them are those of the host's proxy.
const (
	connectAttempts = 10
	firstDelay      = 50 * time.Millisecond
	maxDelay        = 250 * time.Millisecond
)

// ServeHTTP routes a request: the host's own paths, then functions in name order, first match wins.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); strings.EqualFold(first, "admin") ||
		strings.EqualFold(first, "runtime") {
		h.admin.ServeHTTP(w, r)
		return
	}
	f := h.find(r)
	if f == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if h.Err() != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if r.ContentLength > maxBody {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	id := newInvocationID()
	serve := h.forward
	if h.config.proxying { // wins when both are on
		serve = h.proxy
	}
	err := h.invoke(r.Context(), f, id, func(ctx context.Context, p *process) error {
		return serve(ctx, p, id, w, r)
	})
	answerFailure(w, r, err)
}

// find returns the function whose template and methods fit first, or nil. Specificity does not count; a wrong method
// and a disabled function look like no function at all.
func (h *Host) find(r *http.Request) *function {
	for _, f := range h.functions {
		if f.route == nil || f.disabled || !f.isAllowed(r.Method) {
			continue
		}
		if _, ok := f.route.Match(r.URL.EscapedPath()); ok {
			return f
		}
	}
	return nil
}

// answered marks an error that came after the response had begun.
type answered struct{ err error }

func (a *answered) Error() string { return a.err.Error() }
func (a *answered) Unwrap() error { return a.err }

// answerFailure writes what a client sees of a failed invocation: a status and an empty body.
func answerFailure(w http.ResponseWriter, r *http.Request, err error) {
	if err == nil || r.Context().Err() != nil {
		return
	}
	var begun *answered
	if errors.As(err, &begun) {
		panic(http.ErrAbortHandler) // cut the connection, so that the client does not take half for the whole
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	w.WriteHeader(http.StatusInternalServerError)
}

// proxy streams the request to the handler and the answer back. A client that goes away ends the upstream request.
func (h *Host) proxy(ctx context.Context, p *process, id string, w http.ResponseWriter, r *http.Request) error {
	var failure error
	tracked := &trackingWriter{ResponseWriter: w}
	proxy := &httputil.ReverseProxy{
		Transport:     h.client.Transport,
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0), // errors come back through failure
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.Out.URL = proxiedURL(p.address, pr.In.URL)
			pr.Out.Host = p.address
			pr.SetXForwarded()
			pr.Out.Header.Set(headerInvocationID, id)
			pr.Out.Header.Set(headerHostVersion, Version)
			pr.Out.Header.Set("X-Ms-Invocation-Id", id)
			pr.Out.Header.Set("Traceparent", newTraceparent(pr.In.Header.Get("Traceparent")))
		},
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { failure = err },
	}
	if aborted := serveProxy(proxy, tracked, r.WithContext(ctx)); aborted && failure == nil {
		failure = errBrokenOff
	}
	if failure != nil && tracked.wrote {
		return &answered{failure}
	}
	return failure
}

// serveProxy turns ReverseProxy's panic, its way to say that a body ended too early, into an answer.
func serveProxy(proxy *httputil.ReverseProxy, w http.ResponseWriter, r *http.Request) bool {
	aborted := false
	func() {
		defer func() {
			cause := recover()
			if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				aborted = true
			} else if cause != nil {
				panic(cause)
			}
		}()
		proxy.ServeHTTP(w, r)
	}()
	return aborted
}

// trackingWriter knows whether the response has begun.
type trackingWriter struct {
	http.ResponseWriter
	wrote bool
}

func (w *trackingWriter) WriteHeader(status int) {
	w.wrote = w.wrote || status >= 200
	w.ResponseWriter.WriteHeader(status)
}

func (w *trackingWriter) Write(b []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController flush.
func (w *trackingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

var encodedSlash = regexp.MustCompile(`(?i)%2f`)

// proxiedURL keeps path and query, except that an encoded slash is encoded once more: that is what host 4.1045 does.
func proxiedURL(address string, in *url.URL) *url.URL {
	out := &url.URL{Scheme: "http", Host: address, RawQuery: in.RawQuery, Path: in.Path}
	if escaped := in.EscapedPath(); encodedSlash.MatchString(escaped) {
		out.RawPath = encodedSlash.ReplaceAllString(escaped, "%252F")
		if path, err := url.PathUnescape(out.RawPath); err == nil {
			out.Path = path
		}
	} else {
		out.RawPath = in.RawPath
	}
	return out
}

// dialRetrying connects to the handler, trying a refused connection again for about two seconds.
func dialRetrying(ctx context.Context, network, address string) (net.Conn, error) {
	var dialer net.Dialer
	delay := firstDelay
	for attempt := 1; ; attempt++ {
		conn, err := dialer.DialContext(ctx, network, address)
		if err == nil || attempt == connectAttempts {
			return conn, err
		}
		timer := time.NewTimer(delay)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, err
		case <-timer.C:
		}
		delay = min(2*delay, maxDelay)
	}
}

func newInvocationID() string { return uuid.NewString() }

// newTraceparent continues the caller's trace with a new span, or starts a trace.
func newTraceparent(incoming string) string {
	span := make([]byte, 8)
	_, _ = rand.Read(span) // never fails
	if parts := strings.Split(incoming, "-"); len(parts) == 4 && len(parts[1]) == 32 {
		return parts[0] + "-" + parts[1] + "-" + hex.EncodeToString(span) + "-" + parts[3]
	}
	trace := make([]byte, 16)
	_, _ = rand.Read(trace) // never fails
	return "00-" + hex.EncodeToString(trace) + "-" + hex.EncodeToString(span) + "-00"
}
