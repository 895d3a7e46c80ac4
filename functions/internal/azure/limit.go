package azure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// AnswerLimit is how long one attempt of a request may take, to the last byte of its answer. What answers at all
// does so within seconds. Storage itself gives up after 30 s (learn.microsoft.com, Setting timeouts for Blob
// service operations), ARM after 60 s; a caller of ours, or a session of the queue, waits for less than that.
const AnswerLimit = 20 * time.Second

// Limit returns the options with a time limit for each attempt, body included. An attempt that reaches it ends
// with a *TimeoutError, which no pipeline repeats: one hung answer costs one limit, and whoever asked decides what
// then. An attempt whose context ends first ends with the context's error. The options must have a transport.
//
// azcore's own RetryOptions.TryTimeout is no substitute: its error is the same as that of an invocation that has
// ended, and the pipeline repeats the attempt three times.
func Limit(o azcore.ClientOptions, limit time.Duration) azcore.ClientOptions {
	o.Transport = limited{next: o.Transport, limit: limit}
	return o
}

// TimeoutError is an answer that did not come, or did not end, within the limit. It wraps no error of a context:
// the invocation that asked has time left.
type TimeoutError struct {
	// Name is the host that was asked.
	Name  string
	Limit time.Duration
}

// Error names host and limit.
func (e *TimeoutError) Error() string {
	return fmt.Sprintf("no whole answer from %s within %v", e.Name, e.Limit)
}

// Timeout is true; package diagnosis knows the error by it.
func (*TimeoutError) Timeout() bool { return true }

// Host is the host that was asked.
func (e *TimeoutError) Host() string { return e.Name }

// NonRetriable marks the error for the pipelines of the SDKs: they do not repeat the attempt.
func (*TimeoutError) NonRetriable() {}

// limited is a transport whose answers have to end in time.
type limited struct {
	next  policy.Transporter
	limit time.Duration
}

// Do implements policy.Transporter.
func (l limited) Do(r *http.Request) (*http.Response, error) {
	late := &TimeoutError{Name: r.URL.Hostname(), Limit: l.limit}
	ctx, cancel := context.WithTimeoutCause(r.Context(), l.limit, late)
	resp, err := l.next.Do(r.WithContext(ctx))
	if err != nil {
		err = inTime(ctx, late, err)
		cancel()
		return nil, err
	}
	resp.Body = &limitedBody{ReadCloser: resp.Body, ctx: ctx, cancel: cancel, late: late}
	return resp, nil
}

// inTime returns late where it was the limit that ended the attempt, else the error.
func inTime(ctx context.Context, late *TimeoutError, err error) error {
	if err != nil && !errors.Is(err, io.EOF) && errors.Is(context.Cause(ctx), late) {
		return late
	}
	return err
}

// limitedBody reads an answer under its attempt's limit, which ends with it.
type limitedBody struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelFunc
	late   *TimeoutError
}

// Read implements io.Reader.
func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	return n, inTime(b.ctx, b.late, err)
}

// Close implements io.Closer.
func (b *limitedBody) Close() error {
	err := b.ReadCloser.Close()
	b.cancel()
	return err
}
