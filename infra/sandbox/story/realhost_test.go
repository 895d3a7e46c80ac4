package story

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/stack"
)

// TestRealHostAnswersLikeTheStandIn asks the real Functions host and the stand-in the same questions, each with a
// sandbox of its own, and compares what a caller sees.
//
// The real host runs here without extension bundle, so without Service Bus triggers: its provisioning stays
// NotStarted.
func TestRealHostAnswersLikeTheStandIn(t *testing.T) {
	t.Parallel()
	standIn, realHost := start(t), startRealHost(t)
	spec := standIn.spec("images")
	large := `{"displayName":"` + strings.Repeat("x", 1<<20) + `"}`
	for _, q := range []struct {
		name, method, path string
		body               any
		headers            []string
		same               bool // the bodies are equal, not only alike
	}{
		{name: "liveness", method: "GET", path: "/healthz", same: true},
		{name: "API document", method: "GET", path: "/openapi.json", same: true},
		{name: "API page", method: "GET", path: "/docs", same: true},
		{name: "empty list", method: "GET", path: "/integrations", same: true},
		{name: "create", method: "PUT", path: "/integrations/my-images", body: spec},
		{name: "create again", method: "PUT", path: "/integrations/my-images", body: spec,
			headers: []string{"If-None-Match", "*"}},
		{name: "dry run", method: "PUT", path: "/integrations/other?dryRun=true", body: spec},
		{name: "get", method: "GET", path: "/integrations/my-images"},
		{name: "test of what is not there", method: "POST", path: "/integrations/not-there/access-tests", body: `{}`},
		{name: "delete what is not there", method: "DELETE", path: "/integrations/not-there"},
		{name: "case of the route", method: "GET", path: "/INTEGRATIONS/not-there"},
		{name: "not provisioned by the real host", method: "GET", path: "/integrations/not-there/credentials"},
		{name: "malformed", method: "PUT", path: "/integrations/bad-one", body: `{"storage":`},
		{name: "too large", method: "PUT", path: "/integrations/bad-one", body: large},
		{name: "not JSON", method: "PUT", path: "/integrations/bad-one", body: "hello",
			headers: []string{"Content-Type", "text/plain"}},
		{name: "bad id", method: "GET", path: "/integrations/Not_An_Id"},
		{name: "unknown operation", method: "GET", path: "/operations/00000000-0000-4000-8000-000000000000"},
		{name: "unknown route", method: "GET", path: "/no-such-thing"},
		{name: "wrong method", method: "PATCH", path: "/integrations/my-images", body: `{}`},
		{name: "deeper than any route", method: "GET", path: "/integrations/my-images/health/more"},
	} {
		t.Run(q.name, func(t *testing.T) {
			want := send(t, q.method, standIn.APIURL()+q.path, q.body, q.headers...)
			got := send(t, q.method, realHost+q.path, q.body, q.headers...)
			assert.Equal(t, want.Status, got.Status, "stand-in: %s\nreal host: %s", want.Raw, got.Raw)
			for _, header := range []string{"Content-Type", "Content-Disposition", "X-Ms-Error-Code",
				"Retry-After", "Allow"} {
				assert.Equal(t, want.Header.Get(header), got.Header.Get(header), header)
			}
			for _, header := range []string{"X-Ms-Request-Id", "ETag", "Operation-Location"} {
				assert.Equal(t, want.Header.Get(header) == "", got.Header.Get(header) == "",
					"%s: stand-in %q, real host %q", header, want.Header.Get(header), got.Header.Get(header))
			}
			if q.same {
				// Each names its own address.
				assert.Equal(t, strings.ReplaceAll(want.Raw, standIn.APIURL(), "/api"),
					strings.ReplaceAll(got.Raw, realHost, "/api"))
			}
		})
	}
}

// TestRealHostServesEveryHTTPFunction walks the functions whose answers depend on a provisioning, which this host
// cannot run: what was accepted waits.
func TestRealHostServesEveryHTTPFunction(t *testing.T) {
	t.Parallel()
	standIn, realHost := start(t), startRealHost(t)
	created := send(t, http.MethodPut, realHost+"/integrations/my-images", standIn.spec("images"))
	require.Equal(t, http.StatusCreated, created.Status, created.Raw)
	location := created.Header.Get("Operation-Location")
	require.True(t, strings.HasPrefix(location, realHost+"/operations/"), location)

	operation := send(t, http.MethodGet, location, nil)
	assert.Equal(t, "NotStarted", operation.at("status"), operation.Raw)
	assert.NotEmpty(t, operation.Header.Get("Retry-After"))
	for _, path := range []string{"/integrations/my-images/credentials", "/integrations/my-images/access-tests"} {
		method := http.MethodGet
		if strings.HasSuffix(path, "tests") {
			method = http.MethodPost
		}
		got := send(t, method, realHost+path, nil)
		assert.Equal(t, http.StatusConflict, got.Status, got.Raw)
		assert.Equal(t, "not-provisioned", got.Header.Get("X-Ms-Error-Code"))
	}
	deleted := send(t, http.MethodDelete, realHost+"/integrations/my-images", nil)
	assert.Equal(t, http.StatusAccepted, deleted.Status, deleted.Raw)
	assert.NotEmpty(t, deleted.Header.Get("Operation-Location"))
}

// TestAHandlerThatCannotStart is the same on both hosts: the handler tells which setting is missing, and no function
// is ever served.
func TestAHandlerThatCannotStart(t *testing.T) {
	t.Parallel()
	const text = "setting STATE_STORAGE_URL is required"
	t.Run("stand-in", func(t *testing.T) {
		log := &lockedBuffer{}
		s, err := stack.Start(t.Context(), stack.Options{Dist: dist, Log: log, Env: []string{"STATE_STORAGE_URL="}})
		if !assert.Error(t, err) {
			require.NoError(t, s.Close())
		}
		assert.Contains(t, log.String(), text)
	})
	t.Run("real host", func(t *testing.T) {
		api, log := runRealHost(t, "STATE_STORAGE_URL=")
		require.Eventually(t, func() bool { return strings.Contains(log.String(), text) }, 60*time.Second,
			100*time.Millisecond)
		got := &http.Client{Timeout: 5 * time.Second}
		response, err := got.Get(api + "/healthz")
		if err == nil {
			assert.GreaterOrEqual(t, response.StatusCode, 500)
			require.NoError(t, response.Body.Close())
		}
	})
}

// startRealHost runs the packaged app under Azure Functions Core Tools and returns the address of its API when it
// answers.
func startRealHost(t *testing.T) string {
	t.Helper()
	api, _ := runRealHost(t)
	require.Eventually(t, func() bool {
		response, err := http.Get(api + "/healthz")
		if err != nil {
			return false
		}
		defer func() { _ = response.Body.Close() }()
		return response.StatusCode == http.StatusOK
	}, 90*time.Second, 250*time.Millisecond, "the real host never answered")
	return api
}

// runRealHost runs the packaged app under Azure Functions Core Tools, in a sandbox of its own and with env over its
// settings, and returns the address of its API and its log at once.
func runRealHost(t *testing.T, env ...string) (string, *lockedBuffer) {
	t.Helper()
	program, err := exec.LookPath("func")
	if err != nil {
		const how = "no func on PATH: install Azure Functions Core Tools 4 (npm i -g azure-functions-core-tools@4) " +
			"to run the tests against the real Functions host"
		lack(t, how)
	}
	sandbox, err := cloud.New(cloud.Options{})
	require.NoError(t, err)
	require.NoError(t, sandbox.Start(t.Context()))
	t.Cleanup(func() { assert.NoError(t, sandbox.Close()) })

	root := copyForRealHost(t)
	port := freePort(t)
	log := &lockedBuffer{}
	host := exec.Command(program, "start", "--port", port)
	host.Dir, host.Stdout, host.Stderr = root, log, log
	host.Env = append(append(os.Environ(), sandbox.Environment()...), "PUBLIC_BASE_URL=http://127.0.0.1:"+port)
	host.Env = append(append(host.Env, hostStorage(t)), env...)
	// func ignores SIGTERM and leaves the handler behind, so both are killed as one process group.
	host.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, host.Start())
	t.Cleanup(func() {
		_ = syscall.Kill(-host.Process.Pid, syscall.SIGKILL)
		_ = host.Wait()
		if t.Failed() {
			t.Logf("real host:\n%s", log)
		}
	})
	return "http://127.0.0.1:" + port + "/api", log
}

// copyForRealHost copies dist/ with what this host needs: no extension bundle, since none can be fetched in a test,
// and local settings that name the worker.
func copyForRealHost(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.CopyFS(root, os.DirFS(dist)))
	require.NoError(t, os.Chmod(filepath.Join(root, "handler"), 0o700))
	raw, err := os.ReadFile(filepath.Join(root, "host.json"))
	require.NoError(t, err)
	var hostJSON map[string]any
	require.NoError(t, json.Unmarshal(raw, &hostJSON))
	delete(hostJSON, "extensionBundle")
	raw, err = json.Marshal(hostJSON)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(root, "host.json"), raw, 0o600))
	settings := `{"IsEncrypted":false,"Values":{"FUNCTIONS_WORKER_RUNTIME":"custom",` +
		`"AzureWebJobsStorage":"UseDevelopmentStorage=true","AzureWebJobsSecretStorageType":"files"}}`
	require.NoError(t, os.WriteFile(filepath.Join(root, "local.settings.json"), []byte(settings), 0o600))
	return root
}

func freePort(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	return fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)
}
