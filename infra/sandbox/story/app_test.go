package story

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/stack"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// dist is the packaged app, assembled once for all tests of this package.
var dist string

// storiesAtOnce is how many stories run beside each other: they wait for what is scheduled, and hardly compute.
const storiesAtOnce = "8"

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "story")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }()
		if err := assemble(dir); err != nil {
			fmt.Fprintln(os.Stderr, "assemble:", err)
			return 1
		}
		dist = dir
		// -parallel on the command line is read later, and wins
		if err := flag.Set("test.parallel", storiesAtOnce); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		code := m.Run()
		if err := goleak.Find(); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	}())
}

// assemble lays out the app for this machine as `make run` does, with the race detector in the handler.
func assemble(dir string) error {
	build := exec.Command("make", "assemble", "DIST="+dir, "BUILDFLAGS=-race", "BUILDENV=CGO_ENABLED=1")
	build.Dir = filepath.Join("..", "..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// sources looks at all that the handler is built of. It is built out of sight of go test, which would otherwise serve
// these tests from its cache after a change of the app; what a test looks at while it runs is part of the cache's key.
var sources = sync.OnceValue(func() error {
	top := filepath.Join("..", "..", "..")
	for _, part := range []string{"handler", "functions", "go.mod", "go.sum", "host.json", "Makefile"} {
		err := filepath.WalkDir(filepath.Join(top, part), func(path string, _ os.DirEntry, err error) error {
			if err == nil {
				_, err = os.Stat(path)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
})

// lack ends a test for which the machine lacks a program: in CI as a failure, else as a skip that says how to get
// it. .ci/prerequisites lists the same before the tests.
func lack(t testing.TB, how string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(how)
	}
	t.Skip(how)
}

// app is one running app with its sandbox, and a transcript of all that it said.
type app struct {
	*sandbox
	log *lockedBuffer
	// said is every response body and header of the app.
	said bytes.Buffer
	// planted are the secrets that must appear nowhere.
	planted []string
	// file is the credential file, once it was downloaded: it is in no answer but that one.
	file string
	// environment is the handler's, NAME=value each.
	environment []string
	// pending is the Operation-Location of the last PUT whose end was not waited for.
	pending string
}

func start(t *testing.T) *app {
	t.Helper()
	return launch(t, stack.Options{})
}

// launch starts the packaged app on a platform that has its own words for what it offers, and scans all that the app
// has said when the test ends.
func launch(t *testing.T, o stack.Options) *app {
	t.Helper()
	require.NoError(t, sources())
	log, arrange := &lockedBuffer{}, o.Arrange
	o.Dist, o.Log = dist, log
	o.Arrange = func(w *world.World) {
		w.RewordOffer()
		if arrange != nil {
			arrange(w)
		}
	}
	s, err := stack.Start(t.Context(), o)
	require.NoError(t, err)
	a := &app{sandbox: &sandbox{Stack: s, t: t}, log: log, environment: s.Cloud().Environment()}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log:\n%s\noffered: %v", log, s.Cloud().World().DDOEObjects(dataloop.AvailableIntegrations))
		}
		kept := a.kept() // before the sandbox ends
		assert.NoError(t, s.Close())
		a.noSecretWasTold(kept)
	})
	return a
}

// answer is one HTTP answer, read whole.
type answer struct {
	Status int
	Header http.Header
	Raw    string
	JSON   map[string]any
}

// at returns the member at a path like "status.phase" or "checks.0.code"; nil if there is none.
func (a answer) at(path string) any { return at(a.JSON, path) }

func at(v any, path string) any {
	for _, key := range strings.Split(path, ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[key]
		case []any:
			var n int
			if _, err := fmt.Sscan(key, &n); err != nil || n >= len(node) {
				return nil
			}
			v = node[n]
		default:
			return nil
		}
	}
	return v
}

// call sends one request to the app; body may be nil, a string sent as it is, or a value sent as JSON.
func (a *app) call(method, path string, body any, headers ...string) answer {
	a.t.Helper()
	got := send(a.t, method, a.APIURL()+path, body, headers...)
	if strings.HasSuffix(path, "/credentials") && got.Status == http.StatusOK {
		a.file = got.Raw
	} else {
		fmt.Fprintf(&a.said, "%s %s: %v %s\n", method, path, got.Header, got.Raw)
	}
	assert.NotEmpty(a.t, got.Header.Get("X-Ms-Request-Id"), "%s %s: every answer carries x-ms-request-id",
		method, path)
	if got.Status >= 400 {
		assert.Equal(a.t, "application/problem+json", got.Header.Get("Content-Type"), "%s %s: %s", method,
			path, got.Raw)
		assert.Equal(a.t, got.at("code"), got.Header.Get("X-Ms-Error-Code"), "%s %s", method, path)
	}
	return got
}

func send(t *testing.T, method, url string, body any, headers ...string) answer {
	t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		require.NoError(t, err)
		reader = bytes.NewReader(raw)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute) // clean-ups ask too
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, reader)
	require.NoError(t, err)
	if reader != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	require.NoError(t, err, "%s %s", method, url)
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	got := answer{Status: response.StatusCode, Header: response.Header, Raw: string(raw)}
	_ = json.Unmarshal(raw, &got.JSON) // not every answer is an object; those are compared as text
	return got
}

// spec asks for access to the containers of the seeded account acmedata.
func (a *app) spec(containers ...string) map[string]any {
	a.t.Helper()
	var storage []any
	for _, c := range containers {
		storage = append(storage, map[string]any{"resourceId": a.account("acmedata"), "container": c,
			"access": "readWrite"})
	}
	return map[string]any{"serviceName": "my-service", "storage": storage}
}

// wait polls an operation as a portal does, at most a minute and a half.
func (a *app) wait(location string) answer {
	a.t.Helper()
	path := operationPath(location)
	deadline := time.Now().Add(90 * time.Second)
	for {
		got := a.call(http.MethodGet, path, nil)
		require.Equal(a.t, http.StatusOK, got.Status, got.Raw)
		switch got.at("status") {
		case "Succeeded", "Failed", "Canceled":
			return got
		}
		assert.NotEmpty(a.t, got.Header.Get("Retry-After"), "a running operation says when to ask again")
		require.True(a.t, time.Now().Before(deadline), "operation did not end: %s", got.Raw)
		time.Sleep(50 * time.Millisecond) // a caller's own polling of a real server
	}
}

// operationPath is the path of an operation, below the API's.
func operationPath(location string) string {
	return location[strings.LastIndex(location, "/operations/"):]
}

// token is a fresh subject token of the sandbox's issuer.
func (a *app) token(subject string) string {
	a.t.Helper()
	got := a.control(http.MethodPost, "/tokens", map[string]any{"subject": subject})
	token, _ := got.at("token").(string)
	require.NotEmpty(a.t, token, got.Raw)
	a.planted = append(a.planted, token)
	return token
}

// settings returns the values of the handler's settings of those names.
func (a *app) settings(names ...string) []string {
	var values []string
	for _, setting := range a.environment {
		if name, value, _ := strings.Cut(setting, "="); value != "" && slices.Contains(names, name) {
			values = append(values, value)
		}
	}
	require.Len(a.t, values, len(names))
	return values
}

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
