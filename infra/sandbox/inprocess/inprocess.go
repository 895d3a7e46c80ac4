// Package inprocess answers HTTP requests of clients by handlers in the same process, as a server behind TLS would:
// what the handler gets was read from a wire, and what the client gets went over one.
package inprocess

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Hosts finds the handler that answers for a host.
type Hosts func(host string) (http.Handler, bool)

// RoundTrip implements http.RoundTripper. A host that is not known, and an address without TLS, do not resolve.
func (h Hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	handler, isKnown := h(r.URL.Host)
	if r.URL.Scheme != "https" || !isKnown {
		closeBody(r)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host",
			Name: r.URL.Hostname(), IsNotFound: true}}
	}
	return Answer(handler, r)
}

// Do makes Hosts a transport of Azure's SDKs.
func (h Hosts) Do(r *http.Request) (*http.Response, error) { return h.RoundTrip(r) }

// ByHost is the handlers by the host that they answer for. "*.example.com" answers for the hosts below example.com
// that are not named themselves.
type ByHost map[string]http.Handler

// RoundTrip implements http.RoundTripper, as that of Hosts.
func (b ByHost) RoundTrip(r *http.Request) (*http.Response, error) { return Hosts(b.find).RoundTrip(r) }

// Do makes ByHost a transport of Azure's SDKs.
func (b ByHost) Do(r *http.Request) (*http.Response, error) { return b.RoundTrip(r) }

func (b ByHost) find(host string) (http.Handler, bool) {
	if handler, isKnown := b[host]; isKnown {
		return handler, true
	}
	_, parent, _ := strings.Cut(host, ".")
	handler, isKnown := b["*."+parent]
	return handler, isKnown
}

// Answer has a handler answer a client's request. A handler that panics with http.ErrAbortHandler has cut the
// connection: the error is syscall.ECONNRESET. The error of the request's context wins over any answer.
func Answer(handler http.Handler, r *http.Request) (*http.Response, error) {
	defer closeBody(r) // RoundTripper's duty; the handler has read what it wanted
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	request, err := serverRequest(r)
	if err != nil {
		return nil, err
	}
	w := &responseBuffer{header: http.Header{}}
	isCut := serve(handler, w, request)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if isCut {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	return w.response(r), nil
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// serve tells whether the handler cut the connection, which is done by panicking with http.ErrAbortHandler.
func serve(handler http.Handler, w http.ResponseWriter, r *http.Request) bool {
	cut := false
	func() {
		defer func() {
			cause := recover()
			if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				cut = true
			} else if cause != nil {
				panic(cause)
			}
		}()
		handler.ServeHTTP(w, r)
	}()
	return cut
}

// serverRequest is the request as a server would have read it from the wire.
func serverRequest(r *http.Request) (*http.Request, error) {
	request := r.Clone(r.Context())
	request.RequestURI = r.URL.RequestURI()
	target, err := url.ParseRequestURI(request.RequestURI)
	if err != nil {
		return nil, err
	}
	request.URL = target
	if request.Host == "" {
		request.Host = r.URL.Host
	}
	request.Proto, request.ProtoMajor, request.ProtoMinor = "HTTP/1.1", 1, 1
	request.RemoteAddr = "127.0.0.1:1"
	if request.Body == nil {
		request.Body = http.NoBody
	}
	request.Header = http.Header{} // clients spell names as they like; a server reads them canonical
	for name, values := range r.Header {
		name = http.CanonicalHeaderKey(name)
		request.Header[name] = append(request.Header[name], values...)
	}
	hasBody := r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch
	if r.ContentLength > 0 || r.ContentLength == 0 && hasBody { // as net/http's transport sends it
		request.Header.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	return request, nil
}

// responseBuffer holds a whole answer.
type responseBuffer struct {
	header http.Header // what the handler may still change
	sent   http.Header // what went out with the status
	status int
	body   bytes.Buffer
}

func (b *responseBuffer) Header() http.Header { return b.header }

func (b *responseBuffer) WriteHeader(status int) {
	if b.status == 0 && status >= 200 {
		b.status, b.sent = status, b.header.Clone()
	}
}

func (b *responseBuffer) Write(p []byte) (int, error) {
	b.WriteHeader(http.StatusOK)
	return b.body.Write(p)
}

func (b *responseBuffer) response(r *http.Request) *http.Response {
	b.WriteHeader(http.StatusOK)
	body := b.body.Bytes()
	if b.sent.Get("Date") == "" {
		b.sent.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	}
	length := int64(len(body))
	switch {
	case r.Method == http.MethodHead || b.status == http.StatusNoContent || b.status == http.StatusNotModified:
		body = nil
		if n, err := strconv.ParseInt(b.sent.Get("Content-Length"), 10, 64); err == nil {
			length = n
		}
	case b.sent.Get("Content-Length") == "":
		b.sent.Set("Content-Length", strconv.FormatInt(length, 10))
	}
	return &http.Response{
		Status: strconv.Itoa(b.status) + " " + http.StatusText(b.status), StatusCode: b.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: b.sent, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: length, Request: r,
	}
}
