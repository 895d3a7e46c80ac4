package host_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/host"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
)

// collectorVariable makes the test binary behave as a custom handler: a process of its own that does what the test,
// the collector at this address, tells it for every event.
const collectorVariable = "FAKE_HANDLER_COLLECTOR"

func TestMain(m *testing.M) {
	if collector := os.Getenv(collectorVariable); collector != "" {
		runFakeHandler(collector)
		return
	}
	goleak.VerifyTestMain(m)
}

// event is what the fake handler reports.
type event struct {
	Kind    string // "start", "request", "continue"
	PID     int
	Dir     string
	Env     map[string]string
	Method  string
	URI     string
	Host    string
	Header  http.Header
	Body    []byte
	Chunked bool
}

// order is what the test wants done. The zero order answers 200 with {}.
type order struct {
	Status   int
	Header   map[string]string
	Body     *string
	Continue bool // flush, report "continue", then write that order's body
	Exit     *int // end the process with this code
	Kill     bool // end the process by SIGKILL
	Hang     bool // never answer
	Deaf     bool // at start: do not listen
	Print    string
}

func runFakeHandler(collector string) {
	do := report(collector, event{Kind: "start", PID: os.Getpid(), Env: environment(), Dir: workingDirectory()})
	obey(do)
	if do.Deaf {
		select {}
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:"+os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT"))
	if err != nil {
		os.Exit(70)
	}
	_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		answer(w, collector, report(collector, event{
			Kind: "request", PID: os.Getpid(), Method: r.Method, URI: r.RequestURI, Host: r.Host, Header: r.Header,
			Body:    body,
			Chunked: len(r.TransferEncoding) > 0,
		}))
	}))
}

func answer(w http.ResponseWriter, collector string, do order) {
	obey(do)
	for name, value := range do.Header {
		w.Header().Set(name, value)
	}
	if do.Header["Content-Type"] == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	if do.Status != 0 {
		w.WriteHeader(do.Status)
	}
	if do.Body == nil {
		_, _ = io.WriteString(w, "{}")
		return
	}
	_, _ = io.WriteString(w, *do.Body)
	if do.Continue {
		_ = http.NewResponseController(w).Flush()
		next := report(collector, event{Kind: "continue"})
		obey(next)
		_, _ = io.WriteString(w, *next.Body)
	}
}

func obey(do order) {
	if do.Print != "" {
		_, _ = io.WriteString(os.Stdout, do.Print)
		_, _ = io.WriteString(os.Stderr, do.Print)
	}
	switch {
	case do.Exit != nil:
		os.Exit(*do.Exit)
	case do.Kill:
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case do.Hang:
		select {}
	}
}

func report(collector string, e event) order {
	body, _ := json.Marshal(e)
	response, err := http.Post("http://"+collector, "application/json", bytes.NewReader(body))
	if err != nil {
		os.Exit(71)
	}
	defer func() { _ = response.Body.Close() }()
	var do order
	if json.NewDecoder(response.Body).Decode(&do) != nil {
		os.Exit(72)
	}
	return do
}

func environment() map[string]string {
	env := map[string]string{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	return env
}

func workingDirectory() string {
	dir, _ := os.Getwd()
	return dir
}

// fixture is a host over a fake handler.
type fixture struct {
	t      *testing.T
	root   string
	env    []string
	broker *servicebus.Broker
	listen func(entity string) error // host.Options.MayListen
	log    *syncBuffer
	host   *host.Host

	mu     sync.Mutex
	events []event
	react  func(event) order
	served chan struct{} // closed and replaced at each event
}

const hostJSON = `{"version": "2.0", "customHandler": {"description": {"defaultExecutablePath": "handler"},
	"enableProxyingHttpRequest": true, "enableForwardingHttpRequest": true, "initializationTimeout": "00:00:10"},
	"extensions": {"serviceBus": {"sessionIdleTimeout": "00:00:01"}}}`

// newFixture writes an app whose handler obeys react; files are added to, or replace, host.json and one HTTP function.
func newFixture(t *testing.T, files map[string]string, react func(event) order) *fixture {
	t.Helper()
	f := &fixture{t: t, root: t.TempDir(), log: &syncBuffer{}, react: react, served: make(chan struct{})}
	collector := httptest.NewServer(http.HandlerFunc(f.collect))
	t.Cleanup(collector.Close)
	f.env = []string{collectorVariable + "=" + strings.TrimPrefix(collector.URL, "http://")}
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, filepath.Join(f.root, "handler")))
	all := map[string]string{"host.json": hostJSON, "hello/function.json": httpFunction("hello", "get", "post")}
	for name, content := range files {
		all[name] = content
	}
	for name, content := range all {
		path := filepath.Join(f.root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
	return f
}

func httpFunction(route string, methods ...string) string {
	bindings := map[string]any{"bindings": []map[string]any{
		{"type": "httpTrigger", "direction": "in", "name": "req", "route": route, "methods": methods},
		{"type": "http", "direction": "out", "name": "res"},
	}}
	text, _ := json.Marshal(bindings)
	return string(text)
}

// collect takes an event of the fake handler and answers with the test's order.
func (f *fixture) collect(w http.ResponseWriter, r *http.Request) {
	var e event
	if json.NewDecoder(r.Body).Decode(&e) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var do order
	if e.Kind != "request" || e.URI != "/" { // the readiness poll is not worth noting
		f.mu.Lock()
		f.events = append(f.events, e)
		close(f.served)
		f.served = make(chan struct{})
		f.mu.Unlock()
		do = f.react(e)
	}
	_ = json.NewEncoder(w).Encode(do)
}

// start builds and starts the host; it is closed at the end of the test.
func (f *fixture) start() *host.Host {
	f.t.Helper()
	h := f.build()
	require.NoError(f.t, h.Start(f.t.Context()), "log:\n%s", f.log)
	return h
}

func (f *fixture) build() *host.Host {
	f.t.Helper()
	h, err := host.New(host.Options{Root: f.root, Env: f.env, Broker: f.broker, MayListen: f.listen, Log: f.log,
		Drain: 100 * time.Millisecond})
	require.NoError(f.t, err)
	f.host = h
	f.t.Cleanup(func() {
		h.Close()
		if f.t.Failed() {
			f.t.Logf("log:\n%s", f.log)
		}
	})
	return h
}

// waitFor returns the events of a kind once there are n of them.
func (f *fixture) waitFor(kind string, n int) []event {
	f.t.Helper()
	for {
		f.mu.Lock()
		var found []event
		for _, e := range f.events {
			if e.Kind == kind {
				found = append(found, e)
			}
		}
		served := f.served
		f.mu.Unlock()
		if len(found) >= n {
			return found
		}
		select {
		case <-served:
		case <-time.After(20 * time.Second):
			f.t.Fatalf("%d of %d %q events after 20 s; log:\n%s", len(found), n, kind, f.log)
		}
	}
}

func (f *fixture) do(method, path, body string, header http.Header) (*http.Response, string) {
	f.t.Helper()
	request, err := http.NewRequestWithContext(f.t.Context(), method, f.host.URL()+path, strings.NewReader(body))
	require.NoError(f.t, err)
	for name, values := range header {
		request.Header[name] = values
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	require.NoError(f.t, err)
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	require.NoError(f.t, err)
	return response, string(content)
}

// syncBuffer is a log that may be read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func ptr[T any](v T) *T { return &v }

func always(do order) func(event) order { return func(event) order { return do } }
