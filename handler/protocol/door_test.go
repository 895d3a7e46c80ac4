package protocol

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheLargestBody: up to the limit, and not a byte more.
func TestTheLargestBody(t *testing.T) {
	const limit = 200
	begin, end := `{"Data":{"m":"`, `"}}`
	envelope := func(size int) string {
		return begin + strings.Repeat("A", size-len(begin)-len(end)) + end
	}
	read := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	server, _ := start(t, Options{MaxBody: limit, HTTP: read, Functions: map[string]Func{
		"reconcile": func(context.Context, *Invocation) error { return nil },
	}})
	for _, c := range []struct{ size, trigger, web int }{{limit, 200, 204}, {limit + 1, 413, 413}} {
		answer, _ := send(t, server, http.MethodPost, "/reconcile", envelope(c.size))
		assert.Equal(t, c.trigger, answer.StatusCode, c.size)
		answer, _ = send(t, server, http.MethodPut, "/api/x", strings.Repeat("x", c.size))
		assert.Equal(t, c.web, answer.StatusCode, c.size)
	}
}

// TestOutcomes: what the log states of an answer, at each end of a class.
func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		status         int
		code           string
		outcome, level string
	}{
		{200, "", "succeeded", "INFO"}, {399, "", "succeeded", "INFO"}, {399, "role-missing", "succeeded", "WARN"},
		{400, "", "refused", "INFO"}, {499, "", "refused", "INFO"}, {400, "invalid-id", "refused", "INFO"},
		{500, "", "failed", "ERROR"}, {599, "", "failed", "ERROR"}, {503, "throttled", "failed", "ERROR"},
	} {
		server, log := start(t, Options{
			HTTP: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(c.status) }),
			Annotate: func(ctx context.Context) (context.Context, func() []slog.Attr) {
				return ctx, func() []slog.Attr {
					return []slog.Attr{slog.String("code", c.code), slog.Int("attempt", 0)}
				}
			},
		})
		answer, _ := send(t, server, http.MethodGet, "/api/x", "")
		assert.Equal(t, c.status, answer.StatusCode)
		line := oneLine(t, log)
		assert.Equal(t, c.outcome, line["outcome"], c.status)
		assert.Equal(t, c.level, line["level"], c.status)
		assert.InDelta(t, 0, line["attempt"], 0, "a number is shown, even none")
		assert.NotContains(t, line, "error")
	}
}

// TestTheFirstStatusCounts, as it is the one that was sent; what is written without one is a 200.
func TestTheFirstStatusCounts(t *testing.T) {
	for name, c := range map[string]struct {
		web    http.HandlerFunc
		status int
	}{
		"twice": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, "{}")
		}, 202},
		"none": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "{}")
			_, _ = io.WriteString(w, "{}")
		}, 200},
		"flushed": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			assert.NoError(t, http.NewResponseController(w).Flush())
		}, 201},
	} {
		t.Run(name, func(t *testing.T) {
			server, log := start(t, Options{HTTP: c.web})
			answer, _ := send(t, server, http.MethodGet, "/api/x", "")
			assert.Equal(t, c.status, answer.StatusCode)
			assert.InDelta(t, c.status, oneLine(t, log)["status"], 0)
		})
	}
}

// TestTheLineOfARequest has what finds the request again, and the path as Redact shows it.
func TestTheLineOfARequest(t *testing.T) {
	server, log := start(t, Options{
		HTTP:   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }),
		Redact: func(path string) string { return strings.ReplaceAll(path, "token", "…") },
	})
	send(t, server, http.MethodPatch, "/api/token/x?code=planted", "")
	line := oneLine(t, log)
	duration, ok := line["durationMs"].(float64)
	require.True(t, ok, "%v", line)
	assert.Less(t, duration, 60_000.0)
	delete(line, "durationMs")
	delete(line, "time")
	assert.Equal(t, map[string]any{"level": "INFO", "msg": "invocation", "outcome": "succeeded", "invocationId": id,
		"traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "method": "PATCH", "path": "/api/…/x", "status": 200.0}, line)
}

// TestDeadlines: queue functions have theirs, HTTP functions another.
func TestDeadlines(t *testing.T) {
	left := map[string]time.Duration{}
	note := func(ctx context.Context, name string) {
		at, ok := ctx.Deadline()
		assert.True(t, ok, name)
		left[name] = time.Until(at)
	}
	o := Options{Timeout: time.Hour, HTTPTimeout: time.Minute,
		HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { note(r.Context(), "web") }),
		Functions: map[string]Func{"tick": func(ctx context.Context, _ *Invocation) error {
			note(ctx, "tick")
			return nil
		}}}
	server, _ := start(t, o)
	send(t, server, http.MethodPost, "/tick", `{"Data":{}}`)
	send(t, server, http.MethodPost, "/tick/", `{"Data":{}}`) // no function is called like it
	assert.InDelta(t, time.Hour, left["tick"], float64(time.Minute))
	assert.InDelta(t, time.Minute, left["web"], float64(30*time.Second))
}

func TestWhatAFunctionLearns(t *testing.T) {
	var got *Invocation
	server, _ := start(t, Options{Functions: map[string]Func{
		"one":   func(_ context.Context, inv *Invocation) error { got = inv; return nil },
		"other": func(context.Context, *Invocation) error { return errors.New("the wrong function") },
	}})
	answer, _ := send(t, server, http.MethodPost, "/one", `{"Data":{"m":"x"},"Metadata":{"a":"b"},"Newer":1}`)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	assert.Equal(t, &Invocation{ID: id, Function: "one", Data: map[string]Value{"m": Value(`"x"`)},
		Metadata: Metadata{"a": Value(`"b"`)}}, got)
}

func TestTraceIDs(t *testing.T) {
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	for header, want := range map[string]string{
		"00-" + trace + "-00f067aa0ba902b7-01":                     trace,
		"cc-" + trace + "-00f067aa0ba902b7-01-later":               trace, // a later version may have more
		"00-" + trace + "-00f067aa0ba902b7":                        "",
		"00-" + trace[1:] + "-00f067aa0ba902b7-01":                 "",
		"00-" + trace + "0-00f067aa0ba902b7-01":                    "",
		"00-" + strings.ToUpper(trace) + "-00f067aa0ba902b7-01":    "",
		"00-4bf92f35\"7b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01": "",
		"": "",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("traceparent", header)
		assert.Equal(t, want, traceID(r), header)
	}
}

func TestEachInvocationWithoutAnIDGetsAnother(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	assert.NotEqual(t, invocationID(r), invocationID(r))
}

// TestACutBodyFailsItsInvocation: a host that goes away within the envelope has not sent it.
func TestACutBodyFailsItsInvocation(t *testing.T) {
	ran := false
	var log bytes.Buffer
	handler := New(Options{Log: slog.New(slog.NewJSONHandler(&log, nil)), Timeout: time.Minute, MaxBody: 1 << 20,
		Functions: map[string]Func{"f": func(context.Context, *Invocation) error { ran = true; return nil }}})
	w := httptest.NewRecorder()
	body := io.MultiReader(strings.NewReader(`{"Data":{"m":"eA=="}`), &cut{})
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/f", body))
	assert.Equal(t, http.StatusBadRequest, w.Code)
	assert.False(t, ran)
	var line map[string]any
	require.NoError(t, json.Unmarshal(log.Bytes(), &line))
	assert.Contains(t, line["error"], io.ErrUnexpectedEOF.Error())
}

// cut is a body that breaks off.
type cut struct{}

func (*cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
