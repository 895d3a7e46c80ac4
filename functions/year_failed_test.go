package functions

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// refuses has a host refuse what a request line matches, as Graph or Resource Manager do, until the function that is
// returned is called.
func (y *year) refuses(host string, isRefused func(r *http.Request, body string) bool) func() {
	up := y.net[host]
	y.net[host] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		if !isRefused(r, string(body)) {
			up.ServeHTTP(w, r)
			return
		}
		code := map[bool]string{true: "Authorization_RequestDenied", false: "AuthorizationFailed"}[host == graphHost]
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("x-ms-request-id", "refused")
		w.Header().Set("request-id", "refused")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error":{"code":"`+code+`","message":"no"}}`)
	})
	return func() { y.net[host] = up }
}

const (
	graphHost = "graph.microsoft.com"
	armHost   = "management.azure.com"
)

// inVirtualTime runs a test of one integration, which is made, in virtual time.
func inVirtualTime(t *testing.T, settings map[string]string, run func(y *year)) {
	t.Helper()
	_, err := cloud.NewServices(world.New(nil), cloud.ServiceOptions{}) // its key is shared: not in virtual time
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		all := map[string]string{"DDOE_API_KEY": planted,
			"DDOE_SUBJECT_TOKEN_URL": "https://" + sandbox.GateHost + "/api/v1/subject-tokens"}
		for name, value := range settings {
			all[name] = value
		}
		y := &year{app: newApp(t, all), sweeps: time.Now().Truncate(5 * time.Minute).Add(5 * time.Minute)}
		y.begin()
		run(y)
	})
}

func isDelete(r *http.Request, body string) bool {
	return r.Method == http.MethodDelete || strings.Contains(body, `"DELETE"`)
}

// failures are operations that take access away, or ask for other access, and then fail. Each returns what ends the
// cause.
var failures = map[string]struct {
	begin func(y *year) func()
	// code is what the operation fails with.
	code string
}{
	"a DELETE that cannot remove the identity": {func(y *year) func() {
		up := y.refuses(graphHost, isDelete)
		require.Equal(y.t, 202, y.call("DELETE", ours, "").StatusCode)
		return up
	}, "graph-permission-missing"},
	"a PUT of another container that is not granted": {func(y *year) func() {
		up := y.refuses(armHost, func(r *http.Request, _ string) bool { return r.Method == http.MethodPut })
		y.put("archive")
		return up
	}, "arm-permission-missing"},
	"a PUT of another subject that is not let in": {func(y *year) func() {
		up := y.refuses(graphHost, func(r *http.Request, body string) bool {
			return r.Method == http.MethodPatch && strings.Contains(r.URL.Path, "federatedIdentityCredentials") ||
				strings.Contains(body, `"PATCH"`)
		})
		y.spec = strings.Replace(good, "my-service", "another", 1)
		y.put("images")
		return up
	}, "graph-permission-missing"},
	"a PUT that is canceled while it waits": {func(y *year) func() {
		up := y.down(armHost, http.StatusServiceUnavailable)
		y.put("archive")
		y.pass(5 * time.Second)
		operation := y.call("GET", ours, "").at("status", "lastOperationId").(string)
		y.pass(5 * time.Minute)
		require.Equal(y.t, 200, y.call("POST", "/operations/"+operation+"/cancel", "").StatusCode)
		return up
	}, "operation-canceled"},
}

// TestAFailedOperationTakesHealthBack: what the app itself has taken away, or has not made, is no health; and it is
// told
// as what it is, and not as something that a stranger has done.
func TestAFailedOperationTakesHealthBack(t *testing.T) {
	t.Parallel()
	for name, c := range failures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, nil, func(y *year) {
				y.is("usable", "healthy", "True")
				up := c.begin(y)
				for n := range 40 { // at every quarter of a minute
					y.pass(15 * time.Second)
					h := y.call("GET", ours+"/health", "")
					assert.NotEqual(t, "healthy", h.at("state"), "%d %s", n, h.raw)
					assert.NotEqual(t, "access", h.at("claimLevel"), "%d %s", n, h.raw)
					assert.NotNil(t, h.at("diagnosis", "code"), "%d %s", n, h.raw)
					d := y.call("GET", ours, "")
					assert.Equal(t, h.at("state"), d.at("status", "health", "state"), d.raw)
				}
				up()
				isBlamed(y, c.code)
			})
		})
	}
}

// isBlamed holds that every report names a code as the root cause.
func isBlamed(y *year, code string) {
	y.t.Helper()
	d := y.call("GET", ours, "")
	ready := d.at("status", "conditions").([]any)[0].(map[string]any)
	assert.Equal(y.t, code, ready["reason"], d.raw)
	health := y.call("GET", ours+"/health", "")
	assert.Equal(y.t, "unhealthy", health.at("state"), health.raw)
	assert.Equal(y.t, code, health.at("diagnosis", "code"), health.raw)
	drift := y.call("GET", ours+"/drift", "")
	assert.Equal(y.t, code, drift.at("diagnosis", "code"), drift.raw)
	tested := y.call("POST", ours+"/access-tests", "{}")
	assert.Equal(y.t, code, tested.at("diagnosis", "code"), tested.raw)
	for _, report := range []answer{health, drift, tested} {
		assert.Nil(y.t, report.at("also"), report.raw)
	}
}

// TestWhatIsGivenUpIsNotTriedAgain: an operation that has ended promises nothing. It says who has to do what.
func TestWhatIsGivenUpIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	for method, again := range map[string]string{"PUT": "Have its cause mended; then PUT the spec again.",
		"DELETE": "Have its cause mended; then send the DELETE again."} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, nil, func(y *year) {
				up := y.down(armHost, http.StatusServiceUnavailable)
				if method == "PUT" {
					y.put("archive")
				} else {
					require.Equal(t, 202, y.call("DELETE", ours, "").StatusCode)
				}
				operation := "/operations/" + y.call("GET", ours, "").at("status", "lastOperationId").(string)
				y.pass(10 * time.Minute)
				waits := y.call("GET", operation, "")
				assert.Contains(t, waits.raw, "the service tries again by itself")
				y.pass(2 * time.Hour)
				up()
				ended, health := y.call("GET", operation, ""), y.call("GET", ours+"/health", "")
				require.Equal(t, "attempts-exhausted", ended.at("error", "code"), ended.raw)
				assert.Equal(t, "arm-unavailable", ended.at("diagnosis", "code"), ended.raw)
				assert.Contains(t, ended.at("error", "remedy", "steps"), again)
				for _, told := range []answer{ended, health, y.call("GET", ours, ""),
					y.call("GET", ours+"/drift", "")} {
					assert.NotContains(t, told.raw, "by itself")
				}
			})
		})
	}
}
