package openapi

import (
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// small is a document that has each thing that the page shows, and two of each where their order is to be seen.
func small() *huma.OpenAPI {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	registry.Map()["Bounds"] = bounds()
	registry.Map()["A-bare"] = &huma.Schema{Type: huma.TypeObject}
	d := &huma.OpenAPI{Info: &huma.Info{Title: "A & B", Version: "1.2", Description: "What <it> is for."},
		Servers:    []*huma.Server{{URL: "https://a.example/api"}, {URL: "/api"}},
		Tags:       []*huma.Tag{{Name: "things"}, {Name: "others"}},
		Components: &huma.Components{Schemas: registry}, Paths: map[string]*huma.PathItem{"/b": {},
			"/a": {}, "/c": {}}}
	operation := func(method, tag string) *huma.Operation {
		return &huma.Operation{OperationID: "do" + method, Method: method, Path: "/a", Summary: "To <" + method + ">",
			Tags: []string{"unknown", tag}}
	}
	ref := &huma.Schema{Ref: "#/components/schemas/Bounds"}
	d.Paths["/a"].Delete, d.Paths["/a"].Post = operation(http.MethodDelete, "others"),
		operation(http.MethodPost, "others")
	d.Paths["/a"].Put, d.Paths["/a"].Get = operation(http.MethodPut, "others"), operation(http.MethodGet, "others")
	d.Paths["/c"].Get = operation("GETC", "others")
	d.Paths["/b"].Get = operation("GETB", "things")
	d.Paths["/a"].Get.Security, d.Paths["/a"].Delete.Security = []map[string][]string{},
		[]map[string][]string{{"key": {}}}
	d.Paths["/a"].Put.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {
		Schema: ref}}}
	post := d.Paths["/a"].Post
	post.Description = "Makes <one>."
	post.Parameters = []*huma.Param{{Name: "size", In: "query", Description: "How <many>",
		Schema: bounds().Properties["all"]},
		{Name: "Wait", In: "header", Schema: &huma.Schema{Type: "string"}}}
	post.RequestBody = &huma.RequestBody{Required: true,
		Content: map[string]*huma.MediaType{"application/json": {Schema: ref,
			Examples: map[string]*huma.Example{"b": {Summary: "Two", Value: map[string]int{"y": 2, "x": 1}},
				"a": {Summary: "One <thing>", Value: "</pre>"}}}}}
	post.Responses = map[string]*huma.Response{"400": {Description: "Not <fine>"}, "200": {Description: "Fine",
		Headers: map[string]*huma.Param{"X-B": {}, "X-A": {}}, Content: map[string]*huma.MediaType{
			"text/plain": {Schema: &huma.Schema{}}, "text/none": {}, "application/json": {Schema: &huma.Schema{
				OneOf: []*huma.Schema{ref, {Type: "<b>"}}}}}}}
	return d
}

// bounds is a type whose members have every rule that the page tells, and each bound alone.
func bounds() *huma.Schema {
	one, nine, low, high := 1, 9, -1.5, 2.0
	return &huma.Schema{Type: huma.TypeObject, Description: "All <rules>", Required: []string{"all", "most"},
		Properties: map[string]*huma.Schema{
			"all": {Type: "string", Enum: []any{"a", 1}, Format: "uuid", MinLength: &one, MaxLength: &nine,
				MinItems: &one,
				MaxItems: &nine, PatternDescription: "digits", Minimum: &low, Maximum: &high, Default: false},
			"least":      {Type: "string", MinLength: &nine},
			"most":       {Type: "string", MaxLength: &nine},
			"leastItems": {Type: "array", Items: &huma.Schema{Type: "array", Items: &huma.Schema{}}, MinItems: &one},
			"mostItems":  {Type: "array", Items: &huma.Schema{Ref: "a/<b>"}, MaxItems: &one},
			"one value":  {Type: "string", Enum: []any{"a"}},
			"minimum":    {Type: "number", Minimum: &low},
			"maximum":    {Type: "number", Maximum: &high},
			"none":       {Description: "no <rule>"},
		}}
}

// TestThePageIsWhole holds the page of a small document against testdata/page.html: all of it, and in which order.
func TestThePageIsWhole(t *testing.T) {
	t.Parallel()
	got, err := render(small())
	require.NoError(t, err)
	golden := filepath.Join("testdata", "page.html")
	if flag.Lookup("update").Value.String() == "true" { // the flag is that of openapi_test
		require.NoError(t, os.WriteFile(golden, got, 0o644)) //nolint:gosec // nothing to hide
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "go test -update accepts the change")
}

// TestASchemaThatCannotBeEncodedIsNamed, and there is no half page.
func TestASchemaThatCannotBeEncodedIsNamed(t *testing.T) {
	t.Parallel()
	d := small()
	d.Components.Schemas.Map()["Bounds"].Default = make(chan int)
	page, err := render(d)
	require.ErrorContains(t, err, "encode schema Bounds: ")
	assert.Nil(t, page)
}
