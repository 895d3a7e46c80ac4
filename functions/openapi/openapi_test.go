package openapi_test

import (
	"context"
	"net/http"
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
	for _, foreign := range []string{"stored-alone", "<script", "src=", "@import", "<b>"} {
		assert.NotContains(t, got.Raw, foreign)
	}
}
