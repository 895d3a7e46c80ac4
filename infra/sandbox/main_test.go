package main

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// programVariable makes the test binary the program itself.
const programVariable = "SANDBOX_TEST_IS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// assemble packages the app as the Makefile does.
func assemble(t *testing.T) string {
	t.Helper()
	root, dist := filepath.Join("..", ".."), t.TempDir()
	for _, dir := range []string{"handler", "functions"} { // what is built is an input of the test, for the test cache
		require.NoError(t, filepath.WalkDir(filepath.Join(root, dir), func(path string, entry fs.DirEntry,
			err error) error {
			if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") {
				return err
			}
			_, err = os.Stat(path)
			return err
		}))
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dist, "handler"), "./handler")
	build.Dir = root
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	files, err := filepath.Glob(filepath.Join(root, "functions", "*", "function.json"))
	require.NoError(t, err)
	for _, file := range files {
		copyFile(t, file, filepath.Join(dist, filepath.Base(filepath.Dir(file)), "function.json"))
	}
	copyFile(t, filepath.Join(root, "host.json"), filepath.Join(dist, "host.json"))
	return dist
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o755))
	require.NoError(t, os.WriteFile(to, raw, 0o644))
}

func TestDemoTellsTheStory(t *testing.T) {
	var out bytes.Buffer
	err := realMain(t.Context(), []string{"demo", "-dist", assemble(t)}, &out, io.Discard)
	require.NoError(t, err, out.String())
	for _, part := range []string{"< 201 Created", "federatedTokenIssuer", "verdict  pass (proved: access",
		"+1 roleAssignments", "verdict  fail", "code     role-missing", "az role assignment create",
		"mode     manual", "It offers: azureblob (Azure Blob)", "importFile       azure_credentials.json",
		"next     Download", "requests to gate.dataloop.ai:", "200 POST /api/v1/drivers", "mode             api",
		"validated true", "ddoe-driver-missing", "ddoeIntegration-delete", "+0 applications",
		"201 PUT …/federatedIdentityCredentials/", "code     federated-credential-missing (HTTP 401 AADSTS",
		"az identity federated-credential create", "no identity, no credential, no role assignment", "went as told"} {
		assert.Contains(t, out.String(), part)
	}
	assert.NotContains(t, out.String(), "eyJ", "no token is shown")
	assertExcerpt(t, out.String())
}

// assertExcerpt holds the README's excerpt of the demo to the demo: every line of it was printed, in that order.
func assertExcerpt(t *testing.T, printed string) {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	require.NoError(t, err)
	_, excerpt, found := strings.Cut(string(readme), "$ make demo\n")
	require.True(t, found, "README.md shows the demo")
	excerpt, _, _ = strings.Cut(excerpt, "```")
	// What is another in each run.
	changing := regexp.MustCompile(`(?m)\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\bin \d+ ms\b|\bat \d{4}-\S+Z$`)
	rest, steps := strings.Split(changing.ReplaceAllString(printed, "*"), "\n"), 0
	for i, line := range rest {
		rest[i] = withSortedSteps(line)
	}
	for line := range strings.Lines(excerpt) {
		line = withSortedSteps(changing.ReplaceAllString(strings.TrimRight(line, "\n"), "*"))
		if line == "" || strings.TrimSpace(line) == "…" {
			continue
		}
		i := slices.Index(rest, line)
		require.GreaterOrEqual(t, i, 0, "README.md shows a line that the demo does not print there: %q", line)
		rest, steps = rest[i+1:], steps+1
	}
	assert.Greater(t, steps, 12, "lines of the excerpt")
}

// withSortedSteps puts the steps of an operation into one order: some are made side by side.
func withSortedSteps(line string) string {
	state, steps, isEnd := strings.Cut(line, "Succeeded: ")
	if !isEnd {
		return line
	}
	names := strings.Split(steps, ", ")
	slices.Sort(names)
	return state + "Succeeded: " + strings.Join(names, ", ")
}

func TestRunServesUntilItIsStopped(t *testing.T) {
	dist := assemble(t)
	t.Setenv("PORT", "0")
	t.Setenv("SANDBOX_PORT", "0")
	ctx, cancel := context.WithCancel(t.Context())
	var out, log lockedBuffer
	ended := make(chan error, 1)
	go func() { ended <- realMain(ctx, []string{"run", "-dist", dist}, &out, &log) }()
	ready := regexp.MustCompile(`^ready: api=http://127\.0\.0\.1:(\d+)/api sandbox=http://127\.0\.0\.1:\d+\n$`)
	require.Eventually(t, func() bool { return ready.MatchString(out.String()) }, 30*time.Second, 10*time.Millisecond,
		"one line on stdout; log:\n%s", &log)

	t.Setenv("PORT", ready.FindStringSubmatch(out.String())[1])
	err := realMain(t.Context(), []string{"run", "-dist", dist}, io.Discard, io.Discard)
	require.EqualError(t, err, "port "+os.Getenv("PORT")+" is taken: choose others with PORT and SANDBOX_PORT (0 = "+
		"any free one)")

	cancel()
	require.NoError(t, <-ended)
	_, err = net.DialTimeout("tcp", "127.0.0.1:"+os.Getenv("PORT"), time.Second)
	require.Error(t, err, "nothing listens any more")
}

// imagesAccount is the storage account of the seeded world.
const imagesAccount = "/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/acmedata"

// apiURL takes the API's base from run's line.
func apiURL(ready string) string {
	_, rest, _ := strings.Cut(ready, "api=")
	url, _, _ := strings.Cut(rest, " ")
	return url
}

// call returns the body of a request that must succeed.
func call(t *testing.T, method, url, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Less(t, response.StatusCode, 300, string(answer))
	return string(answer)
}

// TestRunTakesSettings: the API is switched off by an empty setting, and what identities are made of is chosen.
func TestRunTakesSettings(t *testing.T) {
	dist := assemble(t)
	const elsewhere = "/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/elsewhere"
	for name, tt := range map[string]struct {
		set  map[string]string
		want []string
	}{
		"as it is":           {want: []string{`"name":"ddoeIntegration"`, `"name":"application"`}},
		"no API: a person's": {set: map[string]string{"DDOE_API_URL": ""}, want: []string{`"action":"manual"`}},
		"managed identities": {set: map[string]string{"DEFAULT_IDENTITY": "managedIdentity"},
			want: []string{`"name":"managedIdentity"`, "/resourceGroups/identities/"}},
		"managed identities elsewhere": {set: map[string]string{"DEFAULT_IDENTITY": "managedIdentity",
			"IDENTITY_RESOURCE_GROUP": elsewhere}, want: []string{elsewhere + "/"}},
	} {
		t.Run(name, func(t *testing.T) {
			for setting, value := range tt.set {
				t.Setenv(setting, value)
			}
			api, _, log := startRun(t, dist)
			plan := call(t, http.MethodPut, api+"/integrations/my-images?dryRun=true",
				`{"serviceName": "my-service",
				"storage": [{"resourceId": "`+imagesAccount+`", "container": "images", "access": "readWrite"}],
				"ddoe": {"organizationId": "55555555-5555-4555-8555-555555555555", "integration": true}}`)
			for _, want := range tt.want {
				assert.Contains(t, plan, want)
			}
			assert.NotRegexp(t, `IDENTITY\w* is ignored`, log.String())
		})
	}
}

// TestAFaultySettingIsTold: the last line names the option. A setting that is the sandbox's own is named before.
func TestAFaultySettingIsTold(t *testing.T) {
	t.Setenv("PORT", "0")
	t.Setenv("SANDBOX_PORT", "0")
	t.Setenv("DDOE_OPTION_MAP", `{"zone": "planted"}`)
	t.Setenv("DDOE_API_URL", "ftp://planted")
	var log lockedBuffer
	err := realMain(t.Context(), []string{"run", "-dist", assemble(t)}, io.Discard, &log)
	require.ErrorContains(t, err, "the handler does not start (exit status 1): handler: settings: setting "+
		"DDOE_OPTION_MAP must be")
	require.ErrorContains(t, err, `option "zone"`)
	assert.Equal(t, 1, strings.Count(log.String(), `option "zone"`), log.String())
	assert.Equal(t, 1, strings.Count(log.String(), "sandbox: DDOE_API_URL is ignored: the sandbox sets its own\n"),
		log.String())
	assert.NotContains(t, log.String(), "DDOE_OPTION_MAP is ignored")
	assert.NotContains(t, log.String()+err.Error(), "planted")
}

func TestRefusals(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	busy := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	for name, tt := range map[string]struct {
		args              []string
		port, sandboxPort string
		want              string
	}{
		"no subcommand":      {want: "usage"},
		"unknown subcommand": {args: []string{"walk"}, want: "unknown subcommand"},
		"unknown flag":       {args: []string{"run", "-fast"}, want: "not defined"},
		"faulty port":        {args: []string{"run"}, port: "http", want: "PORT must be a port"},
		"sandbox port taken": {args: []string{"run"}, port: "0", sandboxPort: busy, want: "port " + busy +
			" is taken"},
		"no such app": {args: []string{"run", "-dist", "no-such-folder"}, port: "0", sandboxPort: "0",
			want: "host.json"},
		"demo without app": {args: []string{"demo", "-dist", "no-such-folder"}, want: "host.json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PORT", tt.port)
			t.Setenv("SANDBOX_PORT", tt.sandboxPort)
			var out bytes.Buffer
			require.ErrorContains(t, realMain(t.Context(), tt.args, &out, io.Discard), tt.want)
			assert.Empty(t, out.String())
		})
	}
}

// lockedBuffer may be read while it is written.
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
