package errorpage_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/errorpage"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
)

func TestTheFormThatIsAskedFor(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	errorpage.Register(humago.NewWithPrefix(mux, "/api", huma.DefaultConfig("t", "1")))
	handler := problem.Handler(mux, "")
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for name, c := range map[string]struct{ accept, contentType, holds string }{
		"a browser":         {browser, "text/html; charset=utf-8", "<h1>No role grants the identity this action</h1>"},
		"HTML among others": {"text/plain, Text/HTML;q=0.5", "text/html; charset=utf-8", "<h1>"},
		"curl":              {"*/*", "text/markdown; charset=utf-8", "# role-missing\n"},
		"nothing said":      {"", "text/markdown; charset=utf-8", "# role-missing\n"},
		"Markdown":          {"text/markdown", "text/markdown; charset=utf-8", "# role-missing\n"},
		"something like it": {"text/html-fragment", "text/markdown; charset=utf-8", "# role-missing\n"},
		"neither, but JSON": {"application/json", "text/markdown; charset=utf-8", "# role-missing\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := httptest.NewRequest(http.MethodGet, "/api/errors/role-missing", nil)
			request.Header.Set("Accept", c.accept)
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, request)
			answer := recorder.Result()
			defer func() { _ = answer.Body.Close() }()
			body, err := io.ReadAll(answer.Body)
			require.NoError(t, err)
			assert.Equal(t, http.StatusOK, answer.StatusCode)
			assert.Equal(t, c.contentType, answer.Header.Get("Content-Type"))
			assert.Contains(t, string(body), c.holds)
			assert.Equal(t, "Accept", answer.Header.Get("Vary"), "one URL has two forms")
			assert.Contains(t, answer.Header.Get("Content-Security-Policy"), "default-src 'none'")
			assert.Equal(t, "nosniff", answer.Header.Get("X-Content-Type-Options"))
		})
	}
}

func TestEveryCodeHasItsPage(t *testing.T) {
	t.Parallel()
	edge := problemtest.Serve(errorpage.Register)
	for _, e := range diagnosis.Entries() {
		assert.Equal(t, http.StatusOK, edge.Call(t, "GET", "/errors/"+string(e.Code), "").Status, e.Code)
	}
}

func TestAnUnknownCodeIsAProblem(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"no-such-code", "Role-Missing", "%3Cscript%3E"} {
		got := problemtest.Serve(errorpage.Register).Call(t, "GET", "/errors/"+code, "")
		assert.Equal(t, http.StatusNotFound, got.Status)
		assert.Equal(t, "not-found", got.Body["code"])
		assert.Equal(t, "/api/errors/not-found", got.Body["type"])
	}
}
