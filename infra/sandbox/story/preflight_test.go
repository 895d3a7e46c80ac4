package story

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/stack"
)

// portal is an origin that the app is told of.
const portal = "https://portal.example.com"

// TestPreflights on both hosts, and HEAD: the app answers them without a key or a token, for the origins that it is
// told of.
func TestPreflights(t *testing.T) {
	t.Parallel()
	env := []string{"CORS_ORIGINS=" + portal, "AUTH_AUDIENCE=api://wif"}
	hosts := map[string]func(t *testing.T) string{
		"stand-in": func(t *testing.T) string { return launch(t, stack.Options{Env: env}).APIURL() },
		"real host": func(t *testing.T) string {
			api, _ := runRealHost(t, env...)
			require.Eventually(t, func() bool { return isAlive(api) }, 90*time.Second, 250*time.Millisecond)
			return api
		},
	}
	for name, start := range hosts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := start(t)
			for _, path := range []string{"/integrations", "/integrations/my-images", "/operations/x/cancel",
				"/healthz", "/credentials/validate"} {
				allowed := send(t, http.MethodOptions, api+path, nil, "Origin", portal,
					"Access-Control-Request-Method", "PATCH",
					"Access-Control-Request-Headers", "authorization,if-match")
				assert.Equal(t, http.StatusNoContent, allowed.Status, "%s %s", path, allowed.Raw)
				assert.Equal(t, portal, allowed.Header.Get("Access-Control-Allow-Origin"), path)
				assert.Contains(t, allowed.Header.Get("Access-Control-Allow-Headers"), "Authorization")
				refused := send(t, http.MethodOptions, api+path, nil, "Origin", "https://evil.example.com",
					"Access-Control-Request-Method", "PATCH")
				assert.Empty(t, refused.Header.Get("Access-Control-Allow-Origin"), path)
			}
			head := send(t, http.MethodHead, api+"/healthz", nil)
			assert.Equal(t, http.StatusOK, head.Status, "HEAD, where GET is served")
			assert.Empty(t, head.Raw)
			got := send(t, http.MethodGet, api+"/integrations", nil, "Origin", portal)
			assert.Equal(t, http.StatusUnauthorized, got.Status, "a request needs its token all the same")
			assert.Equal(t, portal, got.Header.Get("Access-Control-Allow-Origin"))
			assert.Contains(t, got.Header.Get("Access-Control-Expose-Headers"), "x-ms-error-code")
		})
	}
}

func isAlive(api string) bool {
	response, err := http.Get(api + "/healthz")
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode == http.StatusOK
}
