package openapi_test

import (
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
	"github.com/ddoe-ai/azure-wif/functions/openapi"
)

type thing struct {
	Name string   `json:"name" maxLength:"9" doc:"<b>Its name</b>"`
	Kind string   `json:"kind,omitempty" enum:"a,b"`
	Code string   `json:"code,omitempty" required:"true" minLength:"3" maxLength:"8" pattern:"^[a-z]+$"`
	Tags []string `json:"tags,omitempty" minItems:"1" maxItems:"20"`
	Own  string   `json:"stored-alone,omitempty" hidden:"true"`
}

func (thing) LongTags() map[string]string {
	return map[string]string{"Code": `patternDescription:"lower-case letters"`}
}

type input struct {
	Size int `query:"size" minimum:"1" maximum:"9" default:"3" doc:"How many"`
	problem.JSONBody[thing]
}

// register has the document's edge first: what comes later must still be in it.
func register(api huma.API) {
	openapi.Register(api)
	problem.Register(api, huma.Operation{
		OperationID: "makeThing", Method: http.MethodPost, Path: "/things", Summary: "Makes & keeps a thing",
		RequestBody: &huma.RequestBody{Required: true,
			Content: map[string]*huma.MediaType{"application/json": {Examples: map[string]*huma.Example{
				"one": {Summary: "One thing", Value: thing{Name: "</pre><script>"}}}}}},
	}, []int{http.StatusConflict}, func(context.Context, *input) (*struct{ Body []thing }, error) { return nil, nil })
}

var update = flag.Bool("update", false, "rewrite the files in testdata")

// TestTheOperationsAreToldWhole holds what the document states of its own two operations against testdata.
func TestTheOperationsAreToldWhole(t *testing.T) {
	t.Parallel()
	paths := problemtest.Serve(openapi.Register).Call(t, "GET", "/openapi.json", "").Body["paths"]
	for _, path := range paths.(map[string]any) {
		get := path.(map[string]any)["get"].(map[string]any)
		get["responses"] = get["responses"].(map[string]any)["200"] // the others are those of every operation
	}
	got, err := json.MarshalIndent(paths, "", "  ")
	require.NoError(t, err)
	golden := filepath.Join("testdata", "operations.json")
	if *update {
		require.NoError(t, os.WriteFile(golden, append(got, '\n'), 0o644)) //nolint:gosec // nothing to hide
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got)+"\n", "go test -update accepts the change")
}

// TestBothNeverChange, and are read with GET alone.
func TestBothNeverChange(t *testing.T) {
	t.Parallel()
	edge := problemtest.Serve(register)
	for _, target := range []string{"/openapi.json", "/docs"} {
		got := edge.Call(t, "GET", target, "")
		require.Equal(t, 200, got.Status)
		assert.Equal(t, got.Raw, edge.Call(t, "GET", target, "").Raw)
		assert.True(t, strings.HasSuffix(got.Raw, "}\n") || strings.HasSuffix(got.Raw, "</html>\n"))
		assert.Contains(t, got.Raw, "\n  ", "indented")
		assert.Equal(t, 405, edge.Call(t, "POST", target, "").Status)
	}
}

// TestWhatCannotBeToldIsAnError, not half a document.
func TestWhatCannotBeToldIsAnError(t *testing.T) {
	t.Parallel()
	edge := problemtest.Serve(func(api huma.API) {
		register(api)
		api.OpenAPI().Components.Schemas.Map()["Thing"].Default = make(chan int)
		document, err := openapi.Document(api)
		require.ErrorContains(t, err, "encode the API document: ")
		assert.Nil(t, document)
	})
	for _, target := range []string{"/openapi.json", "/docs"} {
		got := edge.Call(t, "GET", target, "")
		assert.Equal(t, 500, got.Status)
		assert.Equal(t, "internal", got.Body["code"])
	}
}

func TestDocument(t *testing.T) {
	got := problemtest.Serve(register).Call(t, "GET", "/openapi.json", "")
	require.Equal(t, 200, got.Status)
	assert.Equal(t, "application/json", got.Header.Get("Content-Type"))
	operation := got.Body["paths"].(map[string]any)["/things"].(map[string]any)["post"].(map[string]any)
	body := operation["requestBody"].(map[string]any)
	assert.Equal(t, true, body["required"])
	schema := body["content"].(map[string]any)["application/json"].(map[string]any)["schema"].(map[string]any)
	assert.Equal(t, "#/components/schemas/Thing", schema["$ref"])
	for _, status := range []string{"200", "400", "408", "409", "413", "415", "422", "500"} {
		assert.Contains(t, operation["responses"], status)
	}
	assert.NotContains(t, got.Raw, "ErrorModel")
	assert.NotContains(t, got.Raw, "stored-alone", "hidden: neither in the document nor in the page")
}

func TestPageIsPlainHTML(t *testing.T) {
	got := problemtest.Serve(register).Call(t, "GET", "/docs", "")
	require.Equal(t, 200, got.Status)
	assert.Equal(t, "text/html; charset=utf-8", got.Header.Get("Content-Type"))
	for _, text := range []string{
		"Makes &amp; keeps a thing", `<code>size</code>`, "1 to 9; default 3", `<a href="#Thing">Thing</a>`,
		`array of <a href="#Thing">Thing</a>`,
		"3 to 8 characters; lower-case letters", "1 to 20 entries", "<code>code</code> *", "required in a request",
		"One thing", "at most 9 characters", "one of a, b", "&lt;b&gt;Its name&lt;/b&gt;",
		// Nothing makes a narrow screen scroll sideways: words break, and a table scrolls in itself.
		"overflow-wrap: anywhere", "table { display: block; overflow-x: auto;",
	} {
		assert.Contains(t, got.Raw, text)
	}
	assert.Equal(t, "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "+
		"frame-ancestors 'none'", got.Header.Get("Content-Security-Policy"))
	for _, foreign := range []string{"stored-alone", "<script", "src=", "@import", "<b>"} {
		assert.NotContains(t, got.Raw, foreign)
	}
}
