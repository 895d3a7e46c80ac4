package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
)

// asHandler makes the test binary be the handler, so that exit codes are those of a real process.
const asHandler = "TEST_BINARY_IS_THE_HANDLER"

func TestMain(m *testing.M) {
	if os.Getenv(asHandler) == "true" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// process returns the handler as a process of its own, with nothing in its environment but env.
func process(ctx context.Context, env ...string) (*exec.Cmd, *bytes.Buffer) {
	out := &bytes.Buffer{}
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(env, asHandler+"=true")
	cmd.Stderr = out
	return cmd, out
}

func TestAFaultAtStartIsOneClearExit(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	settings := []string{"STATE_STORAGE_URL=https://state.blob.core.windows.net",
		"ServiceBusConnection__fullyQualifiedNamespace=ns.servicebus.windows.net",
		"DDOE_ISSUER=https://dataloop.ai/oauth2"}
	for name, c := range map[string]struct {
		port, setting, text string
	}{
		"port missing":   {text: "FUNCTIONS_CUSTOMHANDLER_PORT"},
		"port malformed": {port: "http", text: "FUNCTIONS_CUSTOMHANDLER_PORT"},
		"port taken":     {port: portOf(taken), text: "address already in use"},
		"reference not resolved": {port: "7080",
			setting: "DDOE_API_KEY=@Microsoft.KeyVault(SecretUri=https://planted.vault.azure.net/secrets/k)",
			text:    "handler: settings: setting DDOE_API_KEY is not resolved: key-vault-reference-unresolved: "},
	} {
		t.Run(name, func(t *testing.T) {
			env := slices.Clone(settings)
			if c.setting != "" {
				env = append(env, c.setting)
			}
			if c.port != "" {
				env = append(env, "FUNCTIONS_CUSTOMHANDLER_PORT="+c.port)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a handler that starts would serve for ever
			defer cancel()
			cmd, out := process(ctx, env...)
			var exit *exec.ExitError
			require.ErrorAs(t, cmd.Run(), &exit, "the host does not restart a handler that exits with 0")
			assert.Equal(t, 1, exit.ExitCode())
			assert.Contains(t, out.String(), c.text)
			assert.NotContains(t, out.String(), "planted")
			assert.Equal(t, 1, strings.Count(out.String(), "\n"), "one line: %s", out)
		})
	}
}

func portOf(l net.Listener) string { return strconv.Itoa(l.Addr().(*net.TCPAddr).Port) }

// TestAStopIsNoSuccess starts the handler in a sandbox, asks whether it is ready, and stops it by signal.
func TestAStopIsNoSuccess(t *testing.T) {
	sandbox, err := cloud.New(cloud.Options{})
	require.NoError(t, err)
	require.NoError(t, sandbox.Start(t.Context()))
	defer func() { require.NoError(t, sandbox.Close()) }()
	free, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	port := portOf(free)
	require.NoError(t, free.Close())

	cmd, out := process(t.Context(), append(sandbox.Environment(), "FUNCTIONS_CUSTOMHANDLER_PORT="+port)...)
	require.NoError(t, cmd.Start())
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	require.Eventually(t, func() bool {
		response, err := client.Get("http://127.0.0.1:" + port + "/")
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		return response.StatusCode == http.StatusOK
	}, 20*time.Second, 25*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	assert.Equal(t, 1, exit.ExitCode())
	assert.Contains(t, out.String(), errStopped.Error())
}

func TestOnlyLoopbackIsServed(t *testing.T) {
	listener, err := listen(t.Context(), 0)
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	assert.True(t, listener.Addr().(*net.TCPAddr).IP.IsLoopback())
}

func TestServeWarmsAndCloses(t *testing.T) {
	warming, cooled, closed := make(chan struct{}), false, false
	app := &functions.App{
		HTTP:  http.NotFoundHandler(),
		Warm:  func(ctx context.Context) { close(warming); <-ctx.Done(); cooled = true },
		Close: func(context.Context) error { closed = true; return nil },
	}
	listener, err := listen(t.Context(), 0)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- serve(ctx, app, listener, slog.New(slog.NewJSONHandler(io.Discard, nil))) }()
	<-warming // in the background: the server is up meanwhile, and the first caller does not pay for it
	stop()
	require.ErrorIs(t, <-served, errStopped)
	assert.True(t, cooled, "warming ends with the process")
	assert.True(t, closed)
}

func TestDeadlinesStayBelowTheHosts(t *testing.T) {
	raw, err := os.ReadFile("../host.json")
	require.NoError(t, err)
	var host struct{ FunctionTimeout string }
	require.NoError(t, json.Unmarshal(raw, &host))
	limit, err := time.Parse("15:04:05", host.FunctionTimeout)
	require.NoError(t, err)
	functionTimeout := limit.Sub(limit.Truncate(24 * time.Hour))
	assert.LessOrEqual(t, invocationTimeout, functionTimeout-20*time.Second,
		"when functionTimeout passes the host kills the process, and all other invocations with it")
	assert.Less(t, httpTimeout, 230*time.Second, "Azure's front end gives up after 230 s")
}

func TestATokenInAPathIsNotLogged(t *testing.T) {
	const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmF0dXJl"
	var log bytes.Buffer
	app := &functions.App{HTTP: http.NotFoundHandler()}
	newHandler(app, slog.New(slog.NewJSONHandler(&log, nil))).ServeHTTP(httptest.NewRecorder(),
		httptest.NewRequest("GET", "/api/operations/"+token, nil))
	assert.Contains(t, log.String(), `"path":"/api/operations/[redacted]"`)
	assert.NotContains(t, log.String(), "eyJ")
}

func TestABatchFailsWithItsMessages(t *testing.T) {
	var seen []string
	app := &functions.App{HTTP: http.NotFoundHandler(), Functions: []functions.Function{{
		Name: "reconcile",
		Message: func(_ context.Context, d functions.Delivery) error {
			seen = append(seen, d.MessageID)
			if d.MessageID == "b" {
				return errors.New("busy")
			}
			return nil
		},
	}, {
		Name: "sweep",
		Tick: func(_ context.Context, pastDue bool) error {
			assert.True(t, pastDue)
			return nil
		},
	}}}
	log := &bytes.Buffer{}
	handler := newHandler(app, slog.New(slog.NewJSONHandler(log, nil)))
	for name, c := range map[string]struct {
		path, body string
		status     int
	}{
		"one of two messages": {path: "/reconcile", body: `{"Data":{"m":"[\"eA==\",\"eQ==\"]"},` +
			`"Metadata":{"MessageIdArray":"[\"a\",\"b\"]"}}`, status: 500},
		"timer": {path: "/sweep", body: `{"Data":{"timer":{"ScheduleStatus":null,"IsPastDue":true}},` +
			`"Metadata":{}}`, status: 200},
		"no timer":   {path: "/sweep", body: `{"Data":{"timer":"soon"},"Metadata":{}}`, status: 500},
		"no message": {path: "/reconcile", body: `{"Data":{},"Metadata":{}}`, status: 500},
	} {
		t.Run(name, func(t *testing.T) {
			recorder := httptest.NewRecorder()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.path, strings.NewReader(c.body))
			require.NoError(t, err)
			handler.ServeHTTP(recorder, request)
			assert.Equal(t, c.status, recorder.Code, log)
		})
	}
	assert.Equal(t, []string{"a", "b"}, seen, "each message is tried, whatever the others do")
}
