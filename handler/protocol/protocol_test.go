package protocol

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const id = "5b8a7f7e-0b0f-4b5c-8d1e-2f3a4b5c6d7e"

// start serves Options over a real connection, as the host meets it, and returns the log.
func start(t *testing.T, o Options) (*httptest.Server, *lockedBuffer) {
	t.Helper()
	log := &lockedBuffer{}
	o.Log = slog.New(slog.NewJSONHandler(log, nil))
	if o.Timeout == 0 {
		o.Timeout, o.HTTPTimeout = time.Minute, time.Minute
	}
	if o.MaxBody == 0 {
		o.MaxBody = 1 << 20
	}
	if o.HTTP == nil {
		o.HTTP = http.NotFoundHandler()
	}
	server := httptest.NewServer(New(o))
	t.Cleanup(server.Close)
	return server, log
}

func send(t *testing.T, server *httptest.Server, method, path, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set(HeaderInvocationID, id)
	r.Header.Set("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	r.Header.Set("Authorization", "Bearer planted-secret")
	answer, err := server.Client().Do(r)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	got, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer, string(got)
}

func TestReadinessAnswersAtOnce(t *testing.T) {
	server, log := start(t, Options{})
	answer, body := send(t, server, http.MethodGet, "/", "")
	assert.Equal(t, http.StatusOK, answer.StatusCode)
	assert.JSONEq(t, "{}", body)
	assert.Empty(t, log.String(), "the host asks every 25 ms")
}

func TestInvocation(t *testing.T) {
	fine := `{"Data":{"message":"eyJhIjoxfQ=="},"Metadata":{"MessageId":"\"m1\""}}`
	for name, c := range map[string]struct {
		method, body string
		run          Func
		status       int
		outcome      string
		logged       string
	}{
		"success": {body: fine, status: 200, outcome: "succeeded"},
		"failure": {body: fine, run: func(context.Context, *Invocation) error { return errors.New("busy") },
			status: 500, outcome: "failed", logged: "busy"},
		"panic": {body: fine, run: func(context.Context, *Invocation) error { panic("boom") }, status: 500,
			outcome: "failed", logged: "panic: boom"},
		"not an envelope": {body: `[]`, status: 400, outcome: "failed", logged: "not an invocation envelope"},
		"too large": {body: `{"Data":{"message":"` + strings.Repeat("A", 2<<20) + `"}}`, status: 413,
			outcome: "failed", logged: "too large"},
		"wrong method": {method: http.MethodGet, status: 405, outcome: "failed", logged: "method GET"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.run == nil {
				c.run = func(_ context.Context, inv *Invocation) error {
					m, err := inv.Messages()
					assert.NoError(t, err)
					assert.Equal(t, `{"a":1}`, string(m[0].Body))
					return nil
				}
			}
			if c.method == "" {
				c.method = http.MethodPost
			}
			server, log := start(t, Options{Functions: map[string]Func{"reconcile": c.run}})
			answer, body := send(t, server, c.method, "/reconcile", c.body)
			assert.Equal(t, c.status, answer.StatusCode)
			assert.Equal(t, "application/json", answer.Header.Get("Content-Type"))
			assert.JSONEq(t, "{}", body, "an empty answer hangs the host")
			assert.Equal(t, id, answer.Header.Get(HeaderInvocationID))
			assert.Equal(t, id, answer.Header.Get(HeaderRequestID))

			line := oneLine(t, log)
			assert.Equal(t, "reconcile", line["function"])
			assert.Equal(t, id, line["invocationId"])
			assert.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", line["traceId"])
			assert.Equal(t, c.outcome, line["outcome"])
			if c.logged != "" {
				assert.Contains(t, line["error"], c.logged)
			}
			assert.NotContains(t, log.String(), "planted-secret")
		})
	}
}

func oneLine(t *testing.T, log *lockedBuffer) map[string]any {
	t.Helper()
	require.Equal(t, 1, strings.Count(log.String(), "\n"), "one line per invocation: %s", log)
	var line map[string]any
	require.NoError(t, json.Unmarshal([]byte(log.String()), &line))
	return line
}

func TestAPanicLeavesOtherInvocationsAlone(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	server, _ := start(t, Options{Functions: map[string]Func{
		"slow":   func(context.Context, *Invocation) error { close(entered); <-release; return nil },
		"broken": func(context.Context, *Invocation) error { panic("boom") },
	}})
	slow := make(chan int)
	go func() {
		answer, _ := send(t, server, http.MethodPost, "/slow", `{"Data":{"m":"eA=="}}`)
		slow <- answer.StatusCode
	}()
	<-entered
	answer, _ := send(t, server, http.MethodPost, "/broken", `{"Data":{"m":"eA=="}}`)
	assert.Equal(t, http.StatusInternalServerError, answer.StatusCode)
	close(release)
	assert.Equal(t, http.StatusOK, <-slow)
}

func TestInvocationHasADeadline(t *testing.T) {
	server, log := start(t, Options{Timeout: time.Millisecond, HTTPTimeout: time.Minute, Functions: map[string]Func{
		"slow": func(ctx context.Context, _ *Invocation) error { <-ctx.Done(); return ctx.Err() },
	}})
	answer, _ := send(t, server, http.MethodPost, "/slow", `{"Data":{"m":"eA=="}}`)
	assert.Equal(t, http.StatusInternalServerError, answer.StatusCode)
	assert.Contains(t, log.String(), context.DeadlineExceeded.Error())
}

func TestHTTPFunctions(t *testing.T) {
	web := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, hasDeadline := r.Context().Deadline()
		assert.True(t, hasDeadline)
		body, err := io.ReadAll(r.Body)
		switch {
		case err != nil:
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		case r.URL.Path == "/api/panic":
			panic("boom")
		case r.URL.Path == "/api/missing":
			w.WriteHeader(http.StatusNotFound)
		case r.URL.Path == "/api/silent":
		default:
			_, _ = w.Write(body)
		}
	})
	for name, c := range map[string]struct {
		path, body string
		status     int
		outcome    string
	}{
		"as sent":           {path: "/api/echo?code=planted-key", body: "hello", status: 200, outcome: "succeeded"},
		"refused":           {path: "/api/missing", status: 404, outcome: "refused"},
		"panic":             {path: "/api/panic", status: 500, outcome: "failed"},
		"nothing answered":  {path: "/api/silent", status: 500, outcome: "failed"},
		"body over the cap": {path: "/api/echo", body: strings.Repeat("x", 2<<20), status: 413, outcome: "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			server, log := start(t, Options{HTTP: web})
			answer, _ := send(t, server, http.MethodPut, c.path, c.body)
			assert.Equal(t, c.status, answer.StatusCode)
			assert.Equal(t, id, answer.Header.Get(HeaderInvocationID))
			assert.Equal(t, id, answer.Header.Get(HeaderRequestID))
			line := oneLine(t, log)
			assert.Equal(t, c.outcome, line["outcome"])
			assert.InDelta(t, c.status, line["status"], 0)
			assert.NotContains(t, log.String(), "planted")
		})
	}
}

// TestLargeBodyIsReadToItsEnd answers early and still takes the rest: a proxy that is cut off while it sends reports
// the broken connection instead of the answer.
func TestLargeBodyIsReadToItsEnd(t *testing.T) {
	refuse := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		assert.Error(t, err)
		assert.NoError(t, r.Body.Close())
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	})
	server, _ := start(t, Options{HTTP: refuse, MaxBody: 1 << 10})
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	body := strings.Repeat("x", 30<<20)
	_, err = fmt.Fprintf(conn, "PUT /api/integrations/x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s",
		len(body), body)
	require.NoError(t, err, "all of it is taken")
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	assert.Equal(t, http.StatusRequestEntityTooLarge, answer.StatusCode)
}

func TestObservedAttributesAreLogged(t *testing.T) {
	server, log := start(t, Options{
		Functions: map[string]Func{"reconcile": func(context.Context, *Invocation) error { return nil }},
		Annotate: func(ctx context.Context) (context.Context, func() []slog.Attr) {
			return ctx, func() []slog.Attr {
				return []slog.Attr{slog.String("integrationId", "images"), slog.String("code", "")}
			}
		},
	})
	send(t, server, http.MethodPost, "/reconcile", `{"Data":{"m":"eA=="}}`)
	line := oneLine(t, log)
	assert.Equal(t, "images", line["integrationId"])
	assert.NotContains(t, line, "code", "empty attributes are left out")
	assert.Equal(t, "INFO", line["level"])
}

func TestADiagnosisIsAWarning(t *testing.T) {
	server, log := start(t, Options{
		Functions: map[string]Func{"reconcile": func(context.Context, *Invocation) error { return nil }},
		Annotate: func(ctx context.Context) (context.Context, func() []slog.Attr) {
			return ctx, func() []slog.Attr { return []slog.Attr{slog.String("code", "storage-account-not-found")} }
		},
	})
	send(t, server, http.MethodPost, "/reconcile", `{"Data":{"m":"eA=="}}`)
	assert.Equal(t, "WARN", oneLine(t, log)["level"])
}

func TestIDsComeFromTheHostOrAreMade(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	made := invocationID(r)
	assert.Len(t, made, 36)
	r.Header.Set(HeaderInvocationID, "not an id\r\nX-Evil: 1")
	assert.NotContains(t, invocationID(r), "Evil")
	r.Header.Set("traceparent", "00-zzz-1-1")
	assert.Empty(t, traceID(r))
}

// TestAFailureNamesItsCauseOnce: a 5xx is an error line, with the cause that was observed; what the door itself caught
// stands in only where nothing was.
func TestAFailureNamesItsCauseOnce(t *testing.T) {
	for name, c := range map[string]struct {
		observed string
		web      http.HandlerFunc
		cause    string
	}{
		"answered": {observed: "store: refused", web: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}, cause: "store: refused"},
		"panicked": {web: func(http.ResponseWriter, *http.Request) { panic("boom") }, cause: "panic: boom"},
		"both": {observed: "store: refused", web: func(http.ResponseWriter, *http.Request) { panic("boom") },
			cause: "store: refused"},
	} {
		t.Run(name, func(t *testing.T) {
			server, log := start(t, Options{HTTP: c.web, Annotate: func(ctx context.Context) (context.Context,
				func() []slog.Attr) {
				return ctx, func() []slog.Attr {
					return []slog.Attr{slog.String("function", "connect"), slog.String("error", c.observed)}
				}
			}})
			send(t, server, http.MethodPut, "/api/integrations/x", "")
			assert.Equal(t, 1, strings.Count(log.String(), `"error":`), log.String())
			line := oneLine(t, log)
			assert.Equal(t, "ERROR", line["level"])
			assert.Equal(t, "failed", line["outcome"])
			assert.Equal(t, "connect", line["function"])
			assert.Contains(t, line["error"], c.cause)
		})
	}
}

// TestABrokenOffAnswerIsCut: what a handler breaks off must not reach the caller as a whole answer.
func TestABrokenOffAnswerIsCut(t *testing.T) {
	server, log := start(t, Options{HTTP: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"half":`)
		panic(http.ErrAbortHandler)
	})})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/half", nil)
	require.NoError(t, err)
	answer, err := server.Client().Do(r)
	if err == nil {
		_, err = io.ReadAll(answer.Body)
		_ = answer.Body.Close()
	}
	require.Error(t, err)
	assert.Equal(t, "failed", oneLine(t, log)["outcome"])
}

// lockedBuffer is a log that is read while the server may still write it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
