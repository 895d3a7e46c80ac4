package route

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var routeCases = []struct {
	name, template, path string
	want                 map[string]string // nil = no match
}{
	{name: "literal", template: "healthz", path: "/api/healthz", want: map[string]string{}},
	{name: "letter case does not matter", template: "healthz", path: "/API/HealthZ", want: map[string]string{}},
	{name: "trailing slash does not matter", template: "healthz", path: "/api/healthz/",
		want: map[string]string{}},
	{name: "prefix missing", template: "healthz", path: "/healthz"},
	{name: "one segment too many", template: "healthz", path: "/api/healthz/x"},
	{name: "parameter", template: "operations/{id}", path: "/api/operations/A-1",
		want: map[string]string{"id": "A-1"}},
	{name: "parameter missing", template: "operations/{id}", path: "/api/operations"},
	{name: "parameter is decoded", template: "operations/{id}", path: "/api/operations/a%20b",
		want: map[string]string{"id": "a b"}},
	{name: "an encoded slash stays one segment", template: "operations/{id}", path: "/api/operations/a%2Fb",
		want: map[string]string{"id": "a%2Fb"}},
	{name: "two optional, none given", template: "integrations/{id?}/{view?}", path: "/api/integrations",
		want: map[string]string{}},
	{name: "two optional, one given", template: "integrations/{id?}/{view?}", path: "/api/integrations/acme",
		want: map[string]string{"id": "acme"}},
	{name: "two optional, both given", template: "integrations/{id?}/{view?}",
		path: "/api/integrations/acme/health", want: map[string]string{"id": "acme", "view": "health"}},
	{name: "two optional, three given", template: "integrations/{id?}/{view?}", path: "/api/integrations/a/b/c"},
	{name: "literal after a parameter", template: "integrations/{id}/access-tests",
		path: "/api/integrations/acme/access-tests", want: map[string]string{"id": "acme"}},
	{name: "regex, first", template: "{document:regex(^(openapi.json|docs)$)}", path: "/api/openapi.json",
		want: map[string]string{"document": "openapi.json"}},
	{name: "regex, second, other case", template: "{document:regex(^(openapi.json|docs)$)}", path: "/api/DOCS",
		want: map[string]string{"document": "DOCS"}},
	{name: "regex, neither", template: "{document:regex(^(openapi.json|docs)$)}", path: "/api/healthz"},
	{name: "regex with a quantifier", template: `{n:regex(^\d{{2}}$)}`, path: "/api/42",
		want: map[string]string{"n": "42"}},
	{name: "int", template: "n/{id:int}", path: "/api/n/-7", want: map[string]string{"id": "-7"}},
	{name: "int does not fit", template: "n/{id:int}", path: "/api/n/99999999999"},
	{name: "optional int", template: "n/{id:int?}", path: "/api/n", want: map[string]string{}},
	{name: "guid", template: "n/{id:guid}", path: "/api/n/0b8d9a5e-0d5e-4d0a-8a52-3f5d2a3f9b11",
		want: map[string]string{"id": "0b8d9a5e-0d5e-4d0a-8a52-3f5d2a3f9b11"}},
	{name: "not a guid", template: "n/{id:guid}", path: "/api/n/1"},
	{name: "alpha", template: "n/{id:alpha}", path: "/api/n/abc1"},
	{name: "length", template: "n/{id:length(3,5)}", path: "/api/n/abcd", want: map[string]string{"id": "abcd"}},
	{name: "too long", template: "n/{id:length(3,5)}", path: "/api/n/abcdef"},
	{name: "two constraints", template: "n/{id:alpha:minlength(3)}", path: "/api/n/ab"},
	{name: "range", template: "n/{id:range(1,9)}", path: "/api/n/10"},
	{name: "default taken", template: "n/{id=all}", path: "/api/n", want: map[string]string{"id": "all"}},
	{name: "default not taken", template: "n/{id=all}", path: "/api/n/x", want: map[string]string{"id": "x"}},
	{name: "catch-all", template: "files/{*path}", path: "/api/files/a/b/c",
		want: map[string]string{"path": "a/b/c"}},
	{name: "catch-all, nothing", template: "files/{*path}", path: "/api/files",
		want: map[string]string{"path": ""}},
	{name: "several in one segment", template: "files/{name}.{ext}", path: "/api/files/a.b.json",
		want: map[string]string{"name": "a.b", "ext": "json"}},
}

func TestRouteMatch(t *testing.T) {
	for _, tt := range routeCases {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Parse("api", tt.template)
			require.NoError(t, err)
			got, ok := r.Match(tt.path)
			assert.Equal(t, tt.want != nil, ok)
			if ok {
				assert.Equal(t, tt.want, got)
			}
		})
	}
}

func TestRouteRefusesFaultyTemplates(t *testing.T) {
	for _, template := range []string{"a/{id", "a/id}", "a/{{id}", "a/{}", "a/{id:whatever}", "a/{id:int(x)}",
		"a/{id:regex(()}", "a/{*rest}/b", "a/{i{d}}", "a/{id:length(1,2,3)}"} {
		t.Run(template, func(t *testing.T) {
			_, err := Parse("api", template)
			require.Error(t, err)
		})
	}
}
