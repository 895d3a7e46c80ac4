package cloud

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"
)

// transport answers requests in-process, as a server behind TLS would.
type transport struct {
	handler http.Handler
	known   func(host string) bool
}

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }() // RoundTripper's duty; the handler has read what it wanted
	}
	if r.URL.Scheme != "https" || !t.known(r.URL.Host) {
		name := r.URL.Hostname()
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: name,
			IsNotFound: true}}
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	request, err := serverRequest(r)
	if err != nil {
		return nil, err
	}
	w := &responseBuffer{header: http.Header{}}
	if t.serve(w, request) {
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	return w.response(r), nil
}

// serve tells whether the handler cut the connection, which is done by panicking with http.ErrAbortHandler.
func (t transport) serve(w http.ResponseWriter, r *http.Request) bool {
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
		t.handler.ServeHTTP(w, r)
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
