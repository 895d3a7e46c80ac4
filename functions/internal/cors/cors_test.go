package cors_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/cors"
)

// TestOrigins: an exact match is let in, and what only looks like one is not.
func TestOrigins(t *testing.T) {
	t.Parallel()
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	served := cors.Handler(next, []string{"https://portal.example.com", "http://127.0.0.1:3000"}, "preflight")
	for name, row := range map[string]struct {
		method, origin, asks string
		status               int
		isAllowed            bool
	}{
		"preflight":           {"OPTIONS", "https://portal.example.com", "PATCH", 204, true},
		"another's preflight": {"OPTIONS", "https://evil.example.com", "PATCH", 401, false},
		"request":             {"GET", "http://127.0.0.1:3000", "", 401, true},
		"another port":        {"GET", "http://127.0.0.1:3001", "", 401, false},
		"another scheme":      {"GET", "http://portal.example.com", "", 401, false},
		"longer":              {"GET", "https://portal.example.com.evil.com", "", 401, false},
		"a domain below":      {"GET", "https://x.portal.example.com", "", 401, false},
		"in capitals":         {"GET", "HTTPS://PORTAL.example.com", "", 401, false},
		"null":                {"GET", "null", "", 401, false},
		"no origin":           {"GET", "", "", 401, false},
		"OPTIONS by itself":   {"OPTIONS", "https://portal.example.com", "", 401, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), row.method, "/api/integrations", nil)
			r.Header.Set("Origin", row.origin)
			if row.asks != "" {
				r.Header.Set("Access-Control-Request-Method", row.asks)
			}
			w := httptest.NewRecorder()
			served.ServeHTTP(w, r)
			assert.Equal(t, row.status, w.Code)
			want := ""
			if row.isAllowed {
				want = row.origin
			}
			assert.Equal(t, want, w.Header().Get("Access-Control-Allow-Origin"))
			assert.Empty(t, w.Header().Values("Access-Control-Allow-Credentials"))
			assert.Contains(t, w.Header().Get("Vary"), "Origin", "a cache must not give it to another origin")
			isPreflight := row.status == 204
			assert.Equal(t, isPreflight, w.Header().Get("Access-Control-Allow-Methods") != "")
			if row.isAllowed && !isPreflight {
				assert.Contains(t, w.Header().Get("Access-Control-Expose-Headers"), "Operation-Location")
			}
		})
	}
}

// TestWhatABrowserIsTold, whole: what a page may send and for how long, and what it may read beside the body.
func TestWhatABrowserIsTold(t *testing.T) {
	t.Parallel()
	served := cors.Handler(http.NotFoundHandler(), []string{"https://portal.example.com"}, "preflight")
	ask := func(method string) http.Header {
		r := httptest.NewRequestWithContext(t.Context(), method, "/api/integrations", nil)
		r.Header.Set("Origin", "https://portal.example.com")
		if method == http.MethodOptions {
			r.Header.Set("Access-Control-Request-Method", "PUT")
		}
		w := httptest.NewRecorder()
		served.ServeHTTP(w, r)
		w.Header().Del("Content-Type")
		w.Header().Del("X-Content-Type-Options")
		return w.Header()
	}
	assert.Equal(t, http.Header{
		"Access-Control-Allow-Origin":  {"https://portal.example.com"},
		"Access-Control-Allow-Methods": {"GET, HEAD, POST, PUT, PATCH, DELETE"},
		"Access-Control-Allow-Headers": {
			"Authorization, Content-Type, If-Match, If-None-Match, Operation-Id, Prefer, " +
				"x-functions-key"},
		"Access-Control-Max-Age": {"600"},
		"Vary":                   {"Origin", "Access-Control-Request-Method, Access-Control-Request-Headers"},
	}, ask(http.MethodOptions))
	assert.Equal(t, http.Header{
		"Access-Control-Allow-Origin": {"https://portal.example.com"},
		"Access-Control-Expose-Headers": {"Allow, Content-Disposition, ETag, Location, Operation-Location, " +
			"Preference-Applied, Retry-After, WWW-Authenticate, x-ms-error-code, x-ms-request-id"},
		"Vary": {"Origin"},
	}, ask(http.MethodGet))
}

// TestWithoutOrigins nothing is added.
func TestWithoutOrigins(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Header.Set("Origin", "https://portal.example.com")
	cors.Handler(http.NotFoundHandler(), nil, "preflight").ServeHTTP(w, r)
	assert.Empty(t, w.Header().Get("Vary"))
	assert.Empty(t, w.Header().Get("Access-Control-Allow-Origin"))
}
