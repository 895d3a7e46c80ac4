package functions

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
)

// TestSettingsForPortals: what is malformed is told, each by its name.
func TestSettingsForPortals(t *testing.T) {
	t.Parallel()
	for name, values := range map[string][]string{
		"CORS_ORIGINS": {"*", "portal.example.com", "https://portal.example.com/", "https://*.example.com",
			"https://Portal.example.com", "ftp://portal.example.com", "https://portal.example.com:443",
			"http://portal.example.com:80", "https://a.example.com;https://b.example.com", "null",
			"https://user@portal.example.com", "https://portal.example.com?x", "https://portal.example.com:"},
		"RATE_LIMIT":          {"0", "-1", "1.5", "many", "100001"},
		"OPERATION_RETENTION": {"90", "90d", "23h", "-2160h", "0"},
	} {
		for _, value := range values {
			_, err := ConfigFromEnvironment(settings(map[string]string{name: value}))
			assert.ErrorContains(t, err, "setting "+name+" must ", "%s=%s", name, value)
		}
	}
	cfg, err := ConfigFromEnvironment(settings(map[string]string{"RATE_LIMIT": "7", "OPERATION_RETENTION": "24h",
		"CORS_ORIGINS": " https://portal.example.com, http://127.0.0.1:3000,https://[::1]:8443,https://portal.example.com"}))
	require.NoError(t, err)
	assert.Equal(t, []string{"https://portal.example.com", "http://127.0.0.1:3000", "https://[::1]:8443"}, cfg.Origins)
	assert.Equal(t, 7, cfg.RateLimit)
	assert.Equal(t, 24*time.Hour, cfg.Retention)
	cfg, err = ConfigFromEnvironment(settings(nil))
	require.NoError(t, err)
	assert.Empty(t, cfg.Origins)
	assert.Equal(t, 20, cfg.RateLimit)
	assert.Equal(t, 90*24*time.Hour, cfg.Retention)
}

// TestACallerWhoAsksTooOften is told when to ask again, and takes nothing from another one. What is open to all is not
// counted, nor who is not let in.
func TestACallerWhoAsksTooOften(t *testing.T) {
	t.Parallel()
	a := newApp(t, map[string]string{"AUTH_AUDIENCE": apiAudience, "RATE_LIMIT": "1",
		"CORS_ORIGINS": "https://portal.example.com"})
	one := a.bearer(entra.CallerRequest{ObjectID: "11111111-1111-4111-8111-aaaaaaaaaaaa", Roles: []string{"Wif.Read"}})
	another := a.bearer(entra.CallerRequest{ObjectID: "11111111-1111-4111-8111-bbbbbbbbbbbb",
		Roles: []string{"Wif.Read"}})
	statuses := map[int]int{}
	var refused answer
	for range 10 {
		got := a.call("GET", "/integrations", "", "Authorization", one, "Origin", "https://portal.example.com")
		if statuses[got.StatusCode]++; got.StatusCode == http.StatusTooManyRequests {
			refused = got
		}
	}
	assert.Positive(t, statuses[http.StatusOK])
	require.Positive(t, statuses[http.StatusTooManyRequests], "%v", statuses)
	assert.Equal(t, "rate-limited", refused.at("code"))
	assert.Equal(t, "1", refused.Header.Get("Retry-After"))
	assert.Equal(t, "https://portal.example.com", refused.Header.Get("Access-Control-Allow-Origin"))
	assert.Equal(t, http.StatusOK, a.call("GET", "/integrations", "", "Authorization", another).StatusCode)
	for range 10 {
		assert.Equal(t, http.StatusOK, a.call("GET", "/healthz", "").StatusCode)
		assert.Equal(t, http.StatusUnauthorized, a.call("GET", "/integrations", "").StatusCode)
	}
}

// TestABrowserMaySendAndReadWhatTheDocumentHas: a page of another origin may use every method, send every header and
// read every one that the API document names.
func TestABrowserMaySendAndReadWhatTheDocumentHas(t *testing.T) {
	t.Parallel()
	a := newApp(t, map[string]string{"CORS_ORIGINS": "https://portal.example.com"})
	type named map[string]json.RawMessage
	var document struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ In, Name string }
			Responses  map[string]struct{ Headers named }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(a.call("GET", "/openapi.json?code=function-key", "").raw), &document))
	var methods, sent, read []string
	for _, operations := range document.Paths {
		for method, operation := range operations {
			methods = append(methods, strings.ToUpper(method))
			for _, p := range operation.Parameters {
				if p.In == "header" {
					sent = append(sent, p.Name)
				}
			}
			for _, response := range operation.Responses {
				read = slices.AppendSeq(read, maps.Keys(response.Headers))
			}
		}
	}
	read = slices.DeleteFunc(read, func(h string) bool { return h == "Cache-Control" }) // every page may read it
	require.NotEmpty(t, methods)
	require.NotEmpty(t, sent)
	require.NotEmpty(t, read)
	portal := []string{"Origin", "https://portal.example.com", "Access-Control-Request-Method", "PUT"}
	preflight := a.call("OPTIONS", "/integrations", "", portal...).Header
	assert.Subset(t, strings.Split(preflight.Get("Access-Control-Allow-Methods"), ", "), methods)
	assert.Subset(t, strings.Split(preflight.Get("Access-Control-Allow-Headers"), ", "), sent)
	got := a.call("GET", "/integrations", "", portal[:2]...).Header
	assert.Subset(t, strings.Split(got.Get("Access-Control-Expose-Headers"), ", "), read)
}

// TestTheRequestsOfAPortal counts what docs/api.md says: create, usable, shown in a list, changed, deleted.
func TestTheRequestsOfAPortal(t *testing.T) {
	t.Parallel()
	a := newApp(t, map[string]string{"DDOE_API_KEY": planted,
		"DDOE_SUBJECT_TOKEN_URL": "https://" + sandbox.GateHost + "/api/v1/subject-tokens"})
	sent := 0
	send := func(method, path, body string, status int) answer {
		t.Helper()
		sent++
		got := a.call(method, path, body)
		require.Equal(t, status, got.StatusCode, got.raw)
		return got
	}
	// end waits for the end of what was begun, which the queue brings about meanwhile.
	end := func(begun answer) {
		t.Helper()
		a.deliver()
		location := strings.TrimPrefix(begun.Header.Get("Operation-Location"), "/api")
		assert.Equal(t, "Succeeded", send("GET", location+"?wait=20s", "", 200).at("status"))
		for i := range a.queue.sent {
			a.queue.sent[i].EnqueueAt = time.Time{} // the time has come for the test of access
		}
		a.deliver()
	}
	end(send("PUT", "/integrations/my-images", good, 201))
	listed := send("GET", "/integrations?subject="+subject, "", 200).at("value").([]any)
	require.Len(t, listed, 1)
	assert.Equal(t, "usable", answer{body: listed[0].(map[string]any)}.at("status", "phase"))
	end(send("PATCH", "/integrations/my-images", `{"displayName":"changed"}`, 200))
	end(send("DELETE", "/integrations/my-images", "", 202))
	page, err := os.ReadFile(filepath.Join("..", "docs", "api.md"))
	require.NoError(t, err)
	assert.Contains(t, string(page), fmt.Sprintf("takes %d requests", sent))
}
