package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"
)

// Version is what the stand-in calls itself in X-Azure-Functions-HostVersion and User-Agent.
const Version = "4.1045.200.0"

// The headers of every invocation.
const (
	headerInvocationID = "X-Azure-Functions-InvocationId"
	headerHostVersion  = "X-Azure-Functions-HostVersion"
	userAgent          = "Azure-Functions-Host/" + Version
)

// errFunctionTimeout is the cause of a context that functionTimeout ended.
var errFunctionTimeout = errors.New("functionTimeout exceeded")

// maxPayloadResponse bounds what is read of a handler's answer in payload mode.
const maxPayloadResponse = 100 << 20

// invoke waits for a handler and runs do against it. When functionTimeout passes, the handler is killed and restarted,
// and with it every other invocation that runs in it.
func (h *Host) invoke(ctx context.Context, f *function, id string, do func(context.Context, *process) error) error {
	p, err := h.handler.await(ctx)
	if err == nil {
		limited, cancel := h.limit(ctx)
		err = do(limited, p)
		if errors.Is(context.Cause(limited), errFunctionTimeout) {
			err = fmt.Errorf("timeout value of %s exceeded: the handler (pid %d) is killed and restarted: %w",
				h.config.functionTimeout, p.pid(), errFunctionTimeout)
			p.recycle()
		}
		cancel()
		if isConnectionLost(err) || p.recycled.Load() {
			p.awaitEnd(deathGrace)
		}
	}
	if err != nil {
		h.log.hostf("Executed 'Functions.%s' (Failed, Id=%s): %v", f.name, id, err)
		return fmt.Errorf("function %s, invocation %s: %w", f.name, id, err)
	}
	return nil
}

// deathGrace is how long an invocation whose connection broke waits to see the handler's end: the kernel closes
// connections a little before it reports an exit, and what comes next must not be sent to the dying.
const deathGrace = 500 * time.Millisecond

// errBrokenOff is a response body that ended too early.
var errBrokenOff = errors.New("the handler broke off its answer")

func isConnectionLost(err error) bool {
	var operation *net.OpError
	return errors.As(err, &operation) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, errBrokenOff)
}

func (h *Host) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if h.config.functionTimeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, h.config.functionTimeout, errFunctionTimeout)
}

// runPayload invokes a function with an envelope, in payload mode: POST /<FunctionName>.
func (h *Host) runPayload(ctx context.Context, f *function, e envelope) error {
	id := newInvocationID()
	return h.invoke(ctx, f, id, func(ctx context.Context, p *process) error {
		return h.post(ctx, p, f, id, e)
	})
}

func (h *Host) post(ctx context.Context, p *process, f *function, id string, e envelope) error {
	body, err := e.encode()
	if err != nil {
		return err
	}
	// A reader of unknown length makes the request chunked, as the real host's is.
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.address+"/"+f.name,
		io.NopCloser(bytes.NewReader(body)))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set(headerHostVersion, Version)
	request.Header.Set(headerInvocationID, id)
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set("Traceparent", newTraceparent(""))
	response, err := h.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	result, err := readResult(response)
	if err != nil {
		return err
	}
	for _, line := range result.Logs {
		h.log.hostf("[Function.%s.User] %s", f.name, line)
	}
	return nil
}

// result is what a handler answers in payload mode. Names are case-insensitive, as with Newtonsoft.
type result struct {
	Outputs     map[string]json.RawMessage
	Logs        []string
	ReturnValue json.RawMessage
}

// readResult applies the rules of a real host: 2xx, a JSON media type, an object. An empty body and null, on which a
// real host hangs until functionTimeout, fail at once here, with the reason.
func readResult(response *http.Response) (result, error) {
	var r result
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return r, fmt.Errorf("response status code does not indicate success: %d (%s)", response.StatusCode,
			http.StatusText(response.StatusCode))
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxPayloadResponse))
	if err != nil {
		return r, err
	}
	if text := strings.TrimSpace(string(body)); text == "" || text == "null" {
		return r, errors.New("the handler answered 2xx with an empty body or null: a real host never completes such " +
			"an invocation and kills the handler at functionTimeout; write at least {}")
	}
	mediaType, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil || (mediaType != "application/json" && !strings.HasSuffix(mediaType, "+json")) {
		return r, fmt.Errorf("invalid HttpResponseMessage: Content-Type is %q, must be application/json",
			response.Header.Get("Content-Type"))
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return r, fmt.Errorf("invalid HttpResponseMessage: %w", err)
	}
	return r, nil
}

// newClient talks to the handler: HTTP/1.1 on loopback, no proxy, no redirects (with forwarding on, the real host does
// not follow them either), and a refused connection is tried again like a proxying host does.
func newClient() (*http.Client, *http.Transport) {
	transport := &http.Transport{DialContext: dialRetrying, MaxIdleConnsPerHost: 64, DisableCompression: true}
	return &http.Client{Transport: transport, CheckRedirect: noRedirect}, transport
}
