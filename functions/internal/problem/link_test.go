package problem_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
)

// report holds diagnoses in each of the ways that answers do, and one from before there were links.
type report struct {
	At    time.Time              `json:"at"`
	One   diagnosis.Diagnosis    `json:"one"`
	Also  []*diagnosis.Diagnosis `json:"also"`
	None  *diagnosis.Diagnosis   `json:"none"`
	Deep  struct{ In []diagnosis.Diagnosis }
	Other string `json:"other"`
	mine  string
}

// TestDiagnosesLinkToTheirPages: by an absolute URL where the app knows its own, and what was answered stays as it
// was.
func TestDiagnosesLinkToTheirPages(t *testing.T) {
	t.Parallel()
	kept := &report{At: time.Unix(1, 0).UTC(), One: diagnosis.New(diagnosis.CodeRoleMissing),
		Also: []*diagnosis.Diagnosis{{Code: diagnosis.CodeThrottled}, nil}, Other: "x", mine: "y"}
	kept.Deep.In = []diagnosis.Diagnosis{diagnosis.New(diagnosis.CodeScopeLocked)}
	for _, base := range []string{"", "https://wif.example.com"} {
		mux := http.NewServeMux()
		config := huma.DefaultConfig("t", "1")
		config.Transformers = []huma.Transformer{problem.Transform}
		api := humago.NewWithPrefix(mux, "/api", config)
		problem.Register(api, huma.Operation{OperationID: "get", Method: http.MethodGet, Path: "/report"}, nil,
			func(context.Context, *struct{}) (*struct{ Body *report }, error) {
				return &struct{ Body *report }{kept}, nil
			})
		call := func(path string) (body map[string]any) {
			recorder := httptest.NewRecorder()
			problem.Handler(mux, base).ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(),
				http.MethodGet, path,
				nil))
			require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &body))
			return body
		}
		link := func(code string) string { return base + "/api/errors/" + code }
		got := call("/api/report")
		assert.Equal(t, link("role-missing"), got["one"].(map[string]any)["type"])
		assert.Equal(t, link("throttled"), got["also"].([]any)[0].(map[string]any)["type"])
		assert.Nil(t, got["also"].([]any)[1])
		assert.Equal(t, link("scope-locked"), got["Deep"].(map[string]any)["In"].([]any)[0].(map[string]any)["type"])
		assert.Equal(t, []any{"x", "1970-01-01T00:00:01Z", nil}, []any{got["other"], got["at"], got["none"]})
		assert.Equal(t, link("not-found"), call("/api/elsewhere")["type"])
		assert.Equal(t, link("invalid-parameter"), call("/api/report?x=1")["type"])
	}
	assert.Equal(t, "/api/errors/role-missing", kept.One.Type)
	assert.Empty(t, kept.Also[0].Type)
	assert.Equal(t, "y", kept.mine)
}
