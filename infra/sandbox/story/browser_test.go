package story

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/stack"
)

// page calls the API as a portal's page does, and shows what it got to read.
const page = `<!doctype html><title>portal</title><pre id="told"></pre><script>
const api = %q, token = %q
const ask = async (path, options = {}) => {
  try {
    const headers = { Authorization: "Bearer " + token, ...options.headers }
    const answer = await fetch(api + path, { ...options, headers })
    return { status: answer.status, etag: answer.headers.get("etag"),
      operation: answer.headers.get("operation-location"),
      code: answer.headers.get("x-ms-error-code"), request: answer.headers.get("x-ms-request-id") }
  } catch (e) { return { refused: e.name } }
}
const json = { "Content-Type": "application/json" };
(async () => {
  const told = {
    created: await ask("/integrations/from-a-page", { method: "PUT", headers: { ...json, "If-None-Match": "*" },
      body: JSON.stringify({ serviceName: "my-service", storage: [{ resourceId: %q }] }) }),
    patched: await ask("/integrations/from-a-page", { method: "PATCH", headers: { ...json, "If-Match": "\"another\"" },
      body: JSON.stringify({ displayName: "New" }) }),
    read: await ask("/integrations/from-a-page"),
  }
  document.getElementById("told").textContent = JSON.stringify(told)
})()
</script>`

// read is what the page got to read of an answer.
type read struct {
	Status                                  int
	ETag, Operation, Code, Request, Refused string
}

// TestAPageInABrowser: Chromium lets a page of an origin that the app is told of call it, with a token and
// preconditions, and read the headers of its answers. A page of another origin can neither change nor read anything.
func TestAPageInABrowser(t *testing.T) {
	t.Parallel()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		lack(t, "no chromium on PATH: install Debian's chromium to run the test of a page in a browser")
	}
	content := ""
	serve := func() *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte(content)) // the browser has gone if this fails
		}))
		t.Cleanup(s.Close)
		return s
	}
	allowed, foreign := serve(), serve()
	a := launch(t, stack.Options{Env: []string{"CORS_ORIGINS=" + allowed.URL, "AUTH_AUDIENCE=api://wif"}})
	token, err := a.Cloud().Authority().IssueCaller(entra.CallerRequest{Audience: "api://wif", Roles: []string{"Wif.Operate"}})
	require.NoError(t, err)
	content = fmt.Sprintf(page, a.APIURL(), token, a.account("acmedata"))

	for _, refused := range open(t, browser, foreign.URL) {
		assert.Equal(t, read{Refused: "TypeError"}, refused)
	}
	told := open(t, browser, allowed.URL)
	assert.Equal(t, 201, told["created"].Status, "nothing was made by the other page")
	assert.NotEmpty(t, told["created"].ETag)
	assert.Contains(t, told["created"].Operation, "/operations/")
	assert.Equal(t, 412, told["patched"].Status)
	assert.Equal(t, "precondition-failed", told["patched"].Code)
	assert.Equal(t, 200, told["read"].Status)
	assert.NotEmpty(t, told["read"].Request)
}

// open opens an address in a browser, and returns what the page got to read.
func open(t *testing.T, browser, address string) map[string]read {
	t.Helper()
	command := exec.CommandContext(t.Context(), browser, "--headless=new", "--no-sandbox", "--disable-gpu",
		"--disable-dev-shm-usage", "--no-proxy-server", "--user-data-dir="+t.TempDir(), "--timeout=20000",
		"--virtual-time-budget=20000", "--dump-dom", address)
	command.WaitDelay = time.Second
	dom, err := command.Output()
	require.NoError(t, err)
	found := regexp.MustCompile(`<pre id="told">([^<]+)</pre>`).FindSubmatch(dom)
	require.NotNil(t, found, "%s", dom)
	told := map[string]read{}
	require.NoError(t, json.Unmarshal([]byte(html.UnescapeString(string(found[1]))), &told))
	require.Len(t, told, 3)
	return told
}
