package resourcetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"
)

// requestLimit is the time limit of one attempt on the wire.
const requestLimit = 15 * time.Second

var errReset = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

// Fault is one way in which a request goes wrong.
type Fault struct {
	Name string
	// isDone is true where the service has carried the request out.
	isDone bool
	// kills ends the process: its later requests are not sent, and nothing of it is recorded.
	kills bool
	// isSingle is true of a refusal that the same request, sent again, need not meet.
	isSingle bool
	// hangs is how long the answer is waited for.
	hangs time.Duration
	// meanwhile is done by somebody else just before the request, which does not fail itself.
	meanwhile func()
	answer    func(r *http.Request, done *http.Response) (*http.Response, error)
}

// faults are the ways in which any request of any service goes wrong.
func faults() []Fault {
	all := []Fault{
		{Name: "killed before", kills: true},
		{Name: "killed after", kills: true, isDone: true},
		{Name: "reset", answer: fails(errReset)},
		{Name: "lost answer", isDone: true, answer: fails(errReset)},
		{Name: "hung", hangs: requestLimit, answer: fails(context.DeadlineExceeded)},
		{Name: "hung answer", isDone: true, hangs: requestLimit, answer: fails(context.DeadlineExceeded)},
		{Name: "HTML 200", answer: page(http.StatusOK)},
		{Name: "HTML 404", answer: page(http.StatusNotFound)},
		{Name: "HTML 403", answer: page(http.StatusForbidden)},
		{Name: "truncated JSON", isDone: true, answer: truncated},
	}
	for _, code := range []int{429, 500, 502, 503, 401, 404, 409, 412} {
		isSingle := code == http.StatusUnauthorized || code == http.StatusConflict ||
			code == http.StatusPreconditionFailed
		all = append(all, Fault{Name: fmt.Sprint(code), answer: status(code), isSingle: isSingle})
	}
	for _, code := range []int{500, 503} { // a fault's answer does not say that nothing was done
		all = append(all, Fault{Name: fmt.Sprint(code, " after it was done"), isDone: true, answer: status(code)})
	}
	return all
}

func fails(err error) func(*http.Request, *http.Response) (*http.Response, error) {
	return func(*http.Request, *http.Response) (*http.Response, error) { return nil, err }
}

// status answers with an error that has the form of each service's.
func status(code int) func(*http.Request, *http.Response) (*http.Response, error) {
	body := fmt.Sprintf(`{"error": {"code": "Fault", "message": "fault"}, "status": %d, "message": "fault"}`, code)
	return func(r *http.Request, _ *http.Response) (*http.Response, error) {
		h := serviceHeader("application/json")
		if code == http.StatusTooManyRequests {
			h.Set("Retry-After", "1")
		}
		return respond(r, code, h, []byte(body)), nil
	}
}

// page answers with the web page of a proxy or a portal.
func page(code int) func(*http.Request, *http.Response) (*http.Response, error) {
	return func(r *http.Request, _ *http.Response) (*http.Response, error) {
		return respond(r, code, http.Header{"Content-Type": {"text/html"}},
			[]byte("<!doctype html><html><body>Sign in</body></html>")), nil
	}
}

// truncated answers with the first half of what the service has said.
func truncated(r *http.Request, done *http.Response) (*http.Response, error) {
	whole, err := io.ReadAll(done.Body)
	if err != nil {
		return nil, err
	}
	h := done.Header.Clone()
	h.Del("Content-Length")
	code := done.StatusCode
	if len(whole) == 0 { // an answer without content is cut into one that promises some
		whole, code = []byte(`{"id": "`), http.StatusOK
		h.Set("Content-Type", "application/json")
	} else {
		whole = whole[:len(whole)/2]
	}
	return respond(r, code, h, whole), nil
}

func serviceHeader(contentType string) http.Header {
	return http.Header{"Content-Type": {contentType}, "Request-Id": {"fault-request"},
		"X-Ms-Request-Id": {"fault-request"}, "X-Request-Id": {"fault-request"}}
}

func respond(r *http.Request, code int, h http.Header, body []byte) *http.Response {
	return &http.Response{StatusCode: code, Header: h, Body: io.NopCloser(bytes.NewReader(body)), Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(body))}
}
