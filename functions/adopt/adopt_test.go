package adopt_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/adopt"
	"github.com/ddoe-ai/azure-wif/functions/internal/adoption"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/cuttest"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/judgement"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
)

const (
	path     = "/integrations/by-hand/import"
	formType = "multipart/form-data; boundary=x"
	file     = `{"clientId":  "x"}` // it is handed on as it is, blanks included
	rest     = `"displayName": "Theirs", "storage": [{"resourceId": "/a", "container": "c", "access": "read"},
		{"resourceId": "/b", "container": "d", "access": "readWrite"}], "healthCheck": {"interval": "1h"},
		"ddoe": {"integrationId": "0123-a_B", "driverId": "4567"}`
)

// use is a use case that notes what it is asked for.
type use struct {
	asked []adoption.Import
	err   error

	mu      sync.Mutex
	judged  []judgement.Request
	judging error
}

func (u *use) edge() *problemtest.Edge {
	return problemtest.Serve(adopt.Function{Import: func(_ context.Context,
		in adoption.Import) (integration.Document, error) {
		u.asked = append(u.asked, in)
		return integration.Document{ID: in.ID, IsUnmanaged: true, Generation: 2, CreatedAt: time.Now(),
			Spec: in.Spec, ETag: "7"}, u.err
	}, Judge: func(_ context.Context, r judgement.Request) (assessment.Report, error) {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.judged = append(u.judged, r)
		return assessment.Report{ID: r.Account}, u.judging
	}}.Register)
}

// TestAnImportIsJudged by what can be seen for each storage entry, and by what the identity reaches where a token is
// given; one that is refused is not.
func TestAnImportIsJudged(t *testing.T) {
	t.Parallel()
	u := &use{}
	for name, c := range map[string]struct {
		body, contentType string
		depth             judgement.Depth
		token             string
	}{
		"JSON": {`{"credentials": ` + file + `, ` + rest + `}`, "application/json", judgement.DepthStructure, ""},
		"JSON with a token": {`{"credentials": ` + file + `, "subjectToken": "t", ` + rest + `}`, "application/json",
			judgement.DepthAccess, "t"},
		"a form with a token": {form("file", file, "spec", "{"+rest+"}", "subjectToken", "t"), formType,
			judgement.DepthAccess, "t"},
	} {
		u.judged = nil
		got := u.edge().Call(t, "POST", path, c.body, "Content-Type", c.contentType)
		require.Equal(t, 201, got.Status, "%s: %s", name, got.Raw)
		require.Len(t, u.judged, 2, name)
		slices.SortFunc(u.judged, func(a, b judgement.Request) int { return strings.Compare(a.Account, b.Account) })
		for i, want := range []judgement.Request{{Account: "/a", Container: "c", Access: "read"},
			{Account: "/b", Container: "d", Access: "readWrite"}} {
			r := u.judged[i]
			assert.Equal(t, c.token, r.Token.Reveal(), name)
			assert.Equal(t, file, string(r.File), name)
			assert.Equal(t, []any{c.depth, want.Account, want.Container, want.Access},
				[]any{r.Depth, r.Account, r.Container, r.Access}, name)
		}
		assert.Contains(t, got.Raw, `"reports":[{"id":"/a"`, name)
		assert.NotContains(t, got.Raw, `"subjectToken"`, name)
	}
	u.judged, u.err = nil, &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeIdentityBound)}
	got := u.edge().Call(t, "POST", path, `{"credentials": `+file+`, `+rest+`}`)
	assert.Equal(t, 409, got.Status, got.Raw)
	assert.Empty(t, u.judged)
	u.err, u.judging = nil, &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeStoreUnavailable)}
	assert.Equal(t, 503, u.edge().Call(t, "POST", path, `{"credentials": `+file+`, `+rest+`}`).Status,
		"it may be sent again")
}

// TestTokensThatAreNone are refused, and nothing is imported.
func TestTokensThatAreNone(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("t", 16<<10+1)
	for name, c := range map[string]struct{ body, contentType, code string }{
		"empty": {`{"credentials": ` + file + `, "subjectToken": "", ` + rest + `}`, "application/json",
			"invalid-value"},
		"long": {`{"credentials": ` + file + `, "subjectToken": "` + long + `", ` + rest + `}`, "application/json",
			"invalid-value"},
		"an empty part": {form("file", file, "spec", "{"+rest+"}", "subjectToken", ""), formType, "invalid-value"},
		"in two places": {form("file", file, "spec", `{"subjectToken": "t", `+rest+"}", "subjectToken", "t"), formType,
			"invalid-combination"},
		"twice": {form("file", file, "spec", "{"+rest+"}", "subjectToken", "t", "subjectToken", "t"), formType,
			"duplicate-member"},
	} {
		u := &use{}
		got := u.edge().Call(t, "POST", path, c.body, "Content-Type", c.contentType)
		assert.Equal(t, 422, got.Status, "%s: %s", name, got.Raw)
		assert.Contains(t, got.Raw, `"code":"`+c.code+`"`, name)
		assert.Empty(t, u.asked, name)
	}
}

// form is a body with the parts: name and content in turn.
func form(parts ...string) string {
	var body strings.Builder
	for i := 0; i+1 < len(parts); i += 2 {
		body.WriteString("--x\r\nContent-Disposition: form-data; name=\"" + parts[i] + "\"\r\n\r\n" + parts[i+1] +
			"\r\n")
	}
	return body.String() + "--x--\r\n"
}

func TestTheOperationIsTheDocumented(t *testing.T) {
	problemtest.RequireDocumented(t, adopt.Function{}.Register)
}

// TestAnImportReachesTheUseCase whole, be it JSON or a form, and the document is answered.
func TestAnImportReachesTheUseCase(t *testing.T) {
	t.Parallel()
	want := adoption.Import{ID: "by-hand", File: []byte(file), IntegrationID: "0123-a_B", DriverID: "4567",
		Spec: integration.Spec{DisplayName: "Theirs", Storage: []integration.StorageAccess{
			{ResourceID: "/a", Container: "c", Access: "read"},
			{ResourceID: "/b", Container: "d", Access: "readWrite"}}}}
	require.NoError(t, json.Unmarshal([]byte(`{"healthCheck": {"interval": "1h"}}`), &want.Spec))
	for name, c := range map[string]struct {
		body, kind string
		want       adoption.Import
	}{
		"JSON":              {`{"credentials": ` + file + `, ` + rest + `}`, "application/json", want},
		"a form":            {form("file", file, "spec", "{"+rest+"}"), formType, want},
		"the spec first":    {form("spec", "{"+rest+"}", "file", file), formType, want},
		"a file alone":      {form("file", file), formType, adoption.Import{ID: "by-hand", File: []byte(file)}},
		"an empty file":     {form("file", ""), formType, adoption.Import{ID: "by-hand", File: []byte{}}},
		"an empty platform": {`{"credentials": 1, "ddoe": {}}`, "", adoption.Import{ID: "by-hand", File: []byte("1")}},
	} {
		u := &use{}
		got := u.edge().Call(t, "POST", path, c.body, "Content-Type", c.kind)
		require.Equal(t, 201, got.Status, "%s: %s", name, got.Raw)
		assert.Equal(t, []adoption.Import{c.want}, u.asked, name)
		assert.Equal(t, `"2-e3b0c442"`, got.Header.Get("ETag"))
		assert.Equal(t, "by-hand", got.Body["id"])
		assert.Equal(t, true, got.Body["unmanaged"])
	}
}

// TestWhatIsRefusedImportsNothing, and says where the fault is.
func TestWhatIsRefusedImportsNothing(t *testing.T) {
	t.Parallel()
	with := func(more string) string { return `{"credentials": ` + file + `, ` + more + `}` }
	for name, c := range map[string]struct {
		body, kind string
		status     int
		code       string
		pointer    string
	}{
		"no JSON":        {"{", "", 400, "malformed-body", ""},
		"nothing":        {"", "", 400, "malformed-body", ""},
		"no file":        {"{" + rest + "}", "", 422, "missing-member", "/credentials"},
		"an unknown one": {with(`"subjects": []`), "", 422, "unknown-member", "/subjects"},
		"another type":   {with(`"displayName": 1`), "", 422, "wrong-type", "/displayName"},
		"an integration": {with(`"ddoe": {"integrationId": "a/b"}`), "", 422, "invalid-value",
			"/ddoe/integrationId"},
		"a driver":         {with(`"ddoe": {"driverId": "a b"}`), "", 422, "invalid-value", "/ddoe/driverId"},
		"another kind":     {with(rest), "text/plain", 415, "unsupported-media-type", ""},
		"no boundary":      {form("file", file), "multipart/form-data", 400, "malformed-form", ""},
		"another boundary": {form("file", file), formType + "y", 400, "malformed-form", ""},
		"no form":          {"file", formType, 400, "malformed-form", ""},
		"no part file":     {form("spec", "{"+rest+"}"), formType, 422, "missing-member", "/file"},
		"two files":        {form("file", file, "file", file), formType, 422, "duplicate-member", "/file"},
		"two specs": {form("file", file, "spec", "{}", "spec", "{}"), formType, 422, "duplicate-member",
			"/spec"},
		"empty twice":  {form("file", "", "file", ""), formType, 422, "duplicate-member", "/file"},
		"another part": {form("file", file, "a/b", "c"), formType, 422, "unknown-member", "/a~1b"},
		"a spec with a file": {form("file", file, "spec", with(rest)), formType, 422, "invalid-combination",
			"/credentials"},
		"a spec that is no JSON": {form("file", file, "spec", "["), formType, 400, "malformed-body", ""},
		"a spec of more":         {form("file", file, "spec", `{"x": 1}`), formType, 422, "unknown-member", "/x"},
	} {
		u := &use{}
		kind := c.kind
		if kind == "" {
			kind = "application/json"
		}
		got := u.edge().Call(t, "POST", path, c.body, "Content-Type", kind)
		assert.Equal(t, c.status, got.Status, "%s: %s", name, got.Raw)
		assert.Equal(t, c.code, got.Body["code"], name)
		if c.pointer != "" {
			found := got.Body["errors"].([]any)[0].(map[string]any)
			assert.Equal(t, c.pointer, found["pointer"], name)
			assert.Equal(t, c.code, found["code"], name)
			assert.NotEmpty(t, found["detail"], name)
		}
		assert.Empty(t, u.asked, name)
	}
	u := &use{}
	assert.Equal(t, "invalid-id", u.edge().Call(t, "POST", "/integrations/By-Hand/import", with(rest)).Body["code"])
	packed := u.edge().Call(t, "POST", path, form("file", file), "Content-Type", formType, "Content-Encoding", "gzip")
	assert.Equal(t, 415, packed.Status, packed.Raw)
	assert.Empty(t, u.asked)
	u.err = &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeIdentityBound)}
	refused := u.edge().Call(t, "POST", path, with(rest))
	assert.Equal(t, 409, refused.Status)
	assert.Equal(t, "identity-bound", refused.Body["code"])
}

// TestABodyThatIsCut, wherever: nothing of it is imported.
func TestABodyThatIsCut(t *testing.T) {
	t.Parallel()
	u := &use{}
	edge := u.edge()
	whole := strings.TrimRight(form("file", "{}", "spec", "{}"), "\r\n")
	cuttest.EachByte(whole, func(cut string) {
		got := edge.Call(t, "POST", path, cut, "Content-Type", formType)
		assert.Equal(t, 400, got.Status, "%q: %s", cut, got.Raw)
		if cut != "" {
			assert.Equal(t, "malformed-form", got.Body["code"], cut)
		}
	})
	for kind, body := range map[string]string{formType: whole, "application/json": `{"credentials": {}}`} {
		cuttest.EachByte(body, func(cut string) {
			got := edge.Send(t, "POST", path, cuttest.Broken(cut), "Content-Type", kind)
			assert.GreaterOrEqual(t, got.Status, 400, "%q", cut)
			assert.NotEmpty(t, got.Body["code"], "%q", cut)
		})
	}
	assert.Empty(t, u.asked)
}
