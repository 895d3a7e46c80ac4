package functions

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// limit is one limit that the API document states of a member of a request: values that keep it, and one that does
// not.
type limit struct {
	pointer, name string
	good          []any
	bad           any
}

// limitsOf finds every limit below a schema, by JSON pointer. element makes the n-th of different elements of an
// array.
func limitsOf(schemas huma.Registry, s *huma.Schema, pointer string, element func(pointer string, n int) any) []limit {
	for s.Ref != "" {
		s = schemas.SchemaFromRef(s.Ref)
	}
	var found []limit
	note := func(name string, bad any, good ...any) { found = append(found, limit{pointer, name, good, bad}) }
	items := func(n int) []any {
		all := []any{}
		for i := range n {
			all = append(all, element(pointer, i))
		}
		return all
	}
	if n := s.MaxLength; n != nil {
		note("maxLength", strings.Repeat("a", *n+1), strings.Repeat("a", *n))
	}
	if n := s.MinLength; n != nil {
		note("minLength", strings.Repeat("a", *n-1), strings.Repeat("a", *n))
	}
	if n := s.MaxItems; n != nil {
		note("maxItems", items(*n+1), items(*n))
	}
	if n := s.MinItems; n != nil {
		note("minItems", items(*n-1), items(*n))
	}
	if s.Pattern != "" {
		note("pattern", "abc~d", "abcd")
	}
	if len(s.Enum) > 0 {
		note("enum", "another", s.Enum...)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		found = append(found, limitsOf(schemas, s.Properties[name], pointer+"/"+name, element)...)
	}
	if s.Items != nil {
		found = append(found, limitsOf(schemas, s.Items, pointer+"/0", element)...)
	}
	return found
}

// specFor is a spec that is valid but for what is put at the pointer.
func specFor(l limit, value any) map[string]any {
	entry := map[string]any{"resourceId": world.DataAccountID, "container": "images", "access": "readWrite"}
	spec := map[string]any{"subjects": []any{"one"}, "storage": []any{entry}}
	if strings.HasPrefix(l.pointer, "/ddoe") {
		spec["ddoe"] = map[string]any{"organizationId": dataloop.OrganizationID, "integration": true,
			"driver": map[string]any{"projectId": dataloop.ProjectID, "name": "images"}}
	}
	if strings.HasPrefix(l.pointer, "/identity") {
		identity := map[string]any{}
		if value == "managedIdentity" {
			identity["resourceGroup"], identity["location"] = identities, "westeurope"
		}
		spec["identity"] = identity
	}
	put(spec, strings.Split(l.pointer[1:], "/"), value)
	return spec
}

// importFor is an import with a value at a pointer.
func importFor(l limit, value any) map[string]any {
	var body map[string]any
	if err := json.Unmarshal([]byte(handImport), &body); err != nil {
		panic(err)
	}
	for _, part := range []string{"ddoe", "healthCheck"} {
		if strings.HasPrefix(l.pointer, "/"+part) {
			body[part] = map[string]any{}
		}
	}
	put(body, strings.Split(l.pointer[1:], "/"), value)
	return body
}

// put sets what a JSON pointer leads to.
func put(in any, path []string, value any) {
	switch v := in.(type) {
	case map[string]any:
		if len(path) == 1 {
			v[path[0]] = value
			return
		}
		put(v[path[0]], path[1:], value)
	case []any:
		n, _ := strconv.Atoi(path[0])
		if len(path) == 1 {
			v[n] = value
			return
		}
		put(v[n], path[1:], value)
	}
}

// requireTaken holds that a request was accepted. What it has imported is forgotten, or the next would find it there.
func (a *app) requireTaken(got answer, what string) {
	a.t.Helper()
	assert.Contains(a.t, []int{200, 201}, got.StatusCode, "%s: %s", what, got.raw)
	if got.at("unmanaged") == true {
		a.call("DELETE", "/integrations/imported", "")
		a.deliver()
	}
}

// TestLimitsOfTheDocument: of every limit that the API document states of a request's body, the last value is
// accepted, and the first beyond is refused, where it is. A limit that is added to the document is tried by this, too.
func TestLimitsOfTheDocument(t *testing.T) {
	t.Parallel()
	a := newApp(t, map[string]string{"DDOE_SUBJECT_TOKEN_URL": "https://" + sandbox.GateHost +
		"/api/v1/subject-tokens", "DDOE_API_KEY": planted,
		"POLICY": `[{"callers":["function-key"],"subjects":["*","*:*:*:*"]}]`})
	a.setUpByHand()
	require.Equal(t, 201, a.call("PUT", "/integrations/existing", good).StatusCode)
	require.Equal(t, 201, a.call("PUT", "/integrations/by-hand", fmt.Sprintf(`{"serviceName": "by-hand", "ddoe": {
		"organizationId": %q}, "storage": [{"resourceId": %q}]}`, dataloop.OrganizationID,
		world.DataAccountID)).StatusCode)
	a.deliver()
	_, api := listed(t)
	schemas := api.OpenAPI().Components.Schemas
	element := func(pointer string, n int) any {
		if pointer == "/storage" {
			return map[string]any{"resourceId": world.DataAccountID, "container": fmt.Sprintf("container-%d", n)}
		}
		return fmt.Sprintf("%s-%d", strings.Trim(pointer, "/"), n)
	}
	tried := map[string]bool{}
	alone := func(l limit, value any) map[string]any { return map[string]any{l.pointer[1:]: value} }
	for _, c := range []struct {
		method, path, schema string
		body                 func(l limit, value any) map[string]any
		least                int
	}{
		{http.MethodPut, "/integrations/my-images?dryRun=true", "Spec", specFor, 17},
		{http.MethodPost, "/integrations/existing/access-tests", "Options", alone, 2},
		{http.MethodPost, "/integrations/by-hand/confirm", "Made", alone, 4},
		{http.MethodPost, "/integrations/imported/import", "ImportBody", importFor, 7},
	} {
		tried[c.schema] = true
		limits := limitsOf(schemas, schemas.Map()[c.schema], "", element)
		require.GreaterOrEqual(t, len(limits), c.least)
		for _, l := range limits {
			answer := func(value any) answer {
				body, err := json.Marshal(c.body(l, value))
				require.NoError(t, err)
				return a.call(c.method, c.path, string(body), "Content-Type", "application/json")
			}
			for _, value := range l.good {
				a.requireTaken(answer(value), fmt.Sprintf("%s, %s, %.80v", l.pointer, l.name, value))
			}
			got := answer(l.bad)
			assert.Equal(t, 422, got.StatusCode, "%s, %s: %s", l.pointer, l.name, got.raw)
			findings, _ := got.at("errors").([]any)
			if assert.Len(t, findings, 1, "%s, %s: %s", l.pointer, l.name, got.raw) {
				assert.Equal(t, l.pointer, findings[0].(map[string]any)["pointer"], l.name)
			}
		}
	}
	for name, op := range operationsOf(api) {
		if op.RequestBody == nil || op.RequestBody.Content["application/json"] == nil {
			continue
		}
		s := op.RequestBody.Content["application/json"].Schema
		assert.True(t, len(limitsOf(schemas, s, "", element)) == 0 || tried[path.Base(s.Ref)], "%s: %s", name, s.Ref)
	}
}

// TestLimitsOfTheDocumentsParameters, likewise of queries and paths. What keeps the limits of a path may name nothing
// that there is: that is 404, and no fault of the request.
func TestLimitsOfTheDocumentsParameters(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil)
	_, api := listed(t)
	tried := map[string]int{}
	for name, op := range operationsOf(api) {
		for _, p := range op.Parameters {
			var call func(value string) answer
			statuses := []int{http.StatusOK}
			path := op.Path[len(prefixOf(op.Path)):]
			switch {
			case p.In == "query" && op.Method == http.MethodGet:
				if strings.Contains(path, "{id}") {
					path = strings.Replace(path, "{id}", "none", 1)
					statuses = append(statuses, http.StatusNotFound)
				}
				call = func(value string) answer { return a.call(op.Method, path+"?"+p.Name+"="+value, "") }
			case p.In == "path":
				statuses = append(statuses, http.StatusNotFound)
				call = func(value string) answer {
					return a.call(op.Method, strings.Replace(path, "{"+p.Name+"}", value, 1), "")
				}
			default:
				continue
			}
			good, bad := boundsOf(p.Schema)
			for _, value := range good {
				tried[p.In]++
				assert.Contains(t, statuses, call(value).StatusCode, "%s %s=%s", name, p.Name, value)
			}
			for _, value := range bad {
				got := call(value)
				assert.Equal(t, http.StatusBadRequest, got.StatusCode, "%s %s=%s", name, p.Name, value)
				assert.Contains(t, got.raw, `"/`+p.In+`/`+p.Name+`"`)
			}
		}
	}
	assert.GreaterOrEqual(t, tried["query"], 13, "state, health and page size")
	assert.GreaterOrEqual(t, tried["path"], 1, "the code of an error page")
}

// boundsOf are the values on both sides of every limit of a parameter's schema.
func boundsOf(s *huma.Schema) (good, bad []string) {
	for _, value := range s.Enum {
		good, bad = append(good, fmt.Sprint(value)), []string{"another"}
	}
	if s.Minimum != nil {
		least, most := int(*s.Minimum), int(*s.Maximum)
		good = append(good, strconv.Itoa(least), strconv.Itoa(most))
		bad = append(bad, strconv.Itoa(least-1), strconv.Itoa(most+1), strconv.Itoa(most)+"x")
	}
	if s.MaxLength != nil {
		good = append(good, strings.Repeat("a", *s.MaxLength))
		bad = append(bad, strings.Repeat("a", *s.MaxLength+1))
	}
	return good, bad
}

// prefixOf is what of a path app.call adds by itself.
func prefixOf(path string) string {
	if strings.HasPrefix(path, prefix+"/") {
		return prefix
	}
	return ""
}
