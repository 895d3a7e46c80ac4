package errorpage_test

import (
	"encoding/json"
	"flag"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/errorpage"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/page"
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
		"blanks before it":  {"*/*,\ttext/html", "text/html; charset=utf-8", "<h1>"},
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
			assert.Equal(t, "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "+
				"frame-ancestors 'none'", answer.Header.Get("Content-Security-Policy"))
			assert.Equal(t, "public, max-age=3600", answer.Header.Get("Cache-Control"))
			assert.Equal(t, "nosniff", answer.Header.Get("X-Content-Type-Options"))
		})
	}
}

// TestEveryCodeHasItsPage, the whole of it, in both forms.
func TestEveryCodeHasItsPage(t *testing.T) {
	t.Parallel()
	edge := problemtest.Serve(errorpage.Register)
	for _, e := range diagnosis.Entries() {
		p, _ := page.Of(e.Code)
		html, err := p.HTML()
		require.NoError(t, err)
		for accept, want := range map[string]string{"text/html": string(html), "": p.Markdown()} {
			got := edge.Call(t, "GET", "/errors/"+string(e.Code), "", "Accept", accept)
			assert.Equal(t, http.StatusOK, got.Status, e.Code)
			assert.Equal(t, want, got.Raw)
		}
	}
}

func TestAnUnknownCodeIsAProblem(t *testing.T) {
	t.Parallel()
	edge := problemtest.Serve(errorpage.Register)
	for code, want := range map[string]string{"no-such-code": "not-found", "Role-Missing": "not-found",
		"%3Cscript%3E": "not-found", "role-missing%20": "not-found", strings.Repeat("x", 64): "not-found",
		strings.Repeat("x", 65): "invalid-parameter"} {
		got := edge.Call(t, "GET", "/errors/"+code, "", "Accept", "text/html")
		assert.Equal(t, want, got.Body["code"], code)
		assert.Equal(t, "/api/errors/"+want, got.Body["type"])
		if want == "not-found" {
			assert.Equal(t, http.StatusNotFound, got.Status)
			assert.Equal(t, "There is no such code.", got.Body["detail"])
		}
		assert.Empty(t, got.Header.Get("Cache-Control"), "a code may come with the next version")
	}
}

var update = flag.Bool("update", false, "rewrite testdata/operation.json")

// TestTheOperationIsToldWhole holds what the API document states of it against testdata/operation.json.
func TestTheOperationIsToldWhole(t *testing.T) {
	t.Parallel()
	var paths map[string]*huma.PathItem
	problemtest.Serve(func(api huma.API) {
		errorpage.Register(api)
		paths = api.OpenAPI().Paths
		get := paths["/errors/{code}"].Get
		assert.Equal(t, []string{"200", "304", "400", "404", "500"}, slices.Sorted(maps.Keys(get.Responses)))
		get.Responses = map[string]*huma.Response{"200": get.Responses["200"]}
	})
	got, err := json.MarshalIndent(paths, "", "  ")
	require.NoError(t, err)
	golden := filepath.Join("testdata", "operation.json")
	if *update {
		require.NoError(t, os.WriteFile(golden, append(got, '\n'), 0o644)) //nolint:gosec // nothing to hide
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got)+"\n", "go test -update accepts the change")
}
