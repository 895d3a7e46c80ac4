package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions"
)

func quiet() *slog.Logger { return slog.New(slog.NewJSONHandler(io.Discard, nil)) }

// still is an app that has nothing to warm or to close.
func still(web http.HandlerFunc, list ...functions.Function) *functions.App {
	return &functions.App{HTTP: web, Functions: list, Warm: func(context.Context) {},
		Close: func(context.Context) error { return nil }}
}

// TestAStopWaitsForRunningInvocations: what has begun is answered, and only then the app is closed.
func TestAStopWaitsForRunningInvocations(t *testing.T) {
	entered, release, closed := make(chan struct{}), make(chan struct{}), make(chan struct{})
	app := still(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		select {
		case <-closed:
			t.Error("the app was closed under an invocation")
		default:
		}
		w.WriteHeader(http.StatusAccepted)
	})
	app.Close = func(ctx context.Context) error {
		close(closed)
		_, hasDeadline := ctx.Deadline()
		assert.True(t, hasDeadline)
		assert.NoError(t, ctx.Err(), "the stop itself leaves time to close")
		return errors.New("bus: close: refused")
	}
	listener, err := listen(t.Context(), 0)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- serve(ctx, app, listener, quiet()) }()
	answered := make(chan int)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		answer, err := client.Get("http://" + listener.Addr().String() + "/api/x")
		if !assert.NoError(t, err) {
			answered <- 0
			return
		}
		_ = answer.Body.Close()
		answered <- answer.StatusCode
	}()
	<-entered
	stop()
	close(release)
	assert.Equal(t, http.StatusAccepted, <-answered)
	err = <-served
	require.ErrorIs(t, err, errStopped)
	assert.Equal(t, "stopped by a signal\nbus: close: refused", err.Error(), "what could not be closed is told")
}

// TestALostListenerEndsTheProcess: nobody else would notice that it does not listen any more.
func TestALostListenerEndsTheProcess(t *testing.T) {
	listener, err := listen(t.Context(), 0)
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	app, cooled := still(http.NotFound), false
	app.Warm = func(ctx context.Context) { <-ctx.Done(); cooled = true }
	err = serve(t.Context(), app, listener, quiet())
	assert.True(t, cooled, "warming ends with it")
	require.ErrorIs(t, err, net.ErrClosed)
	assert.NotErrorIs(t, err, errStopped)
}

// TestWhatAMessageBringsAlong: all that the host tells of a message reaches the function, of the largest one too.
func TestWhatAMessageBringsAlong(t *testing.T) {
	body := bytes.Repeat([]byte{0xff}, 256<<10) // the standard tier's largest message
	var got []functions.Delivery
	handler := newHandler(still(http.NotFound, functions.Function{Name: "reconcile",
		Message: func(ctx context.Context, d functions.Delivery) error {
			at, ok := ctx.Deadline()
			assert.True(t, ok)
			assert.InDelta(t, invocationTimeout, time.Until(at), float64(time.Minute))
			got = append(got, d)
			return nil
		}}), quiet())
	envelope := `{"Data":{"m":"` + base64.StdEncoding.EncodeToString(body) + `"},"Metadata":{"MessageId":"m",` +
		`"SessionId":"s","ApplicationProperties":{"DeadLetterReason":"TTLExpiredException"}}}`
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/reconcile", strings.NewReader(envelope)))
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, []functions.Delivery{{Body: body, MessageID: "m", SessionID: "s",
		ApplicationProperties: map[string]any{"DeadLetterReason": "TTLExpiredException"}}}, got)
}

// TestFunctionsByTheirTriggers: an HTTP function has no route of its own at the door, and a failed tick fails.
func TestFunctionsByTheirTriggers(t *testing.T) {
	var log bytes.Buffer
	handler := newHandler(still(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) },
		functions.Function{Name: "connect"},
		functions.Function{Name: "sweep", Tick: func(_ context.Context, pastDue bool) error {
			assert.False(t, pastDue)
			return errors.New("store: refused")
		}}), slog.New(slog.NewJSONHandler(&log, nil)))
	for path, want := range map[string]int{"/connect": http.StatusTeapot, "/sweep": 500} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path,
			strings.NewReader(`{"Data":{"timer":{"IsPastDue":false}}}`)))
		assert.Equal(t, want, w.Code, path)
	}
	var causes []any
	for line := range strings.Lines(log.String()) {
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &fields))
		if cause := fields["error"]; cause != nil {
			causes = append(causes, cause)
		}
	}
	assert.Equal(t, []any{"store: refused"}, causes)
}

// TestBothFailuresOfABatchAreTold: the first one hides none that comes after it.
func TestBothFailuresOfABatchAreTold(t *testing.T) {
	var log bytes.Buffer
	handler := newHandler(still(http.NotFound, functions.Function{Name: "reconcile",
		Message: func(_ context.Context, d functions.Delivery) error { return errors.New("busy with " + d.MessageID) },
	}), slog.New(slog.NewJSONHandler(&log, nil)))
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/reconcile", strings.NewReader(
		`{"Data":{"m":["eA==","eA=="]},"Metadata":{"MessageIdArray":["a","b"]}}`)))
	assert.Contains(t, log.String(), "busy with a")
	assert.Contains(t, log.String(), "busy with b")
}

// TestHTTPFunctionsHaveTheirDeadline, below the one of Azure's front end.
func TestHTTPFunctionsHaveTheirDeadline(t *testing.T) {
	app := still(func(w http.ResponseWriter, r *http.Request) {
		at, ok := r.Context().Deadline()
		assert.True(t, ok)
		assert.InDelta(t, httpTimeout, time.Until(at), float64(time.Minute))
		body, err := io.ReadAll(r.Body)
		assert.Equal(t, len(body) < 2<<20, err == nil, "up to 2 MiB")
		w.WriteHeader(http.StatusAccepted)
	})
	for _, size := range []int{2<<20 - 1, 2<<20 + 1} {
		newHandler(app, quiet()).ServeHTTP(httptest.NewRecorder(),
			httptest.NewRequest(http.MethodPost, "/api/x", strings.NewReader(strings.Repeat("x", size))))
	}
}
