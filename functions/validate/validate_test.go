package validate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"mime/multipart"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/cuttest"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/judgement"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/functions/validate"
)

const path = "/credentials/validate"

// TestStructure: all that was sent reaches the look.
func TestStructure(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]judgement.Request{
		"": {}, "&storage=x&container=y&access=read": {Account: "x", Container: "y", Access: "read"},
	} {
		var got judgement.Request
		edge := problemtest.Serve(validate.Function{Judge: func(_ context.Context,
			r judgement.Request) (assessment.Report, error) {
			r.File = slices.Clone(r.File) // the body's buffer is used again
			got = r
			return assessment.Report{Kind: "credential", Verdict: assessment.VerdictFail}, nil
		}}.Register)
		body, contentType := form(t, part{"file", "x", "{}"}, part{"clientId", "", "c"})
		answer := edge.Call(t, "POST", path+"?depth=structure"+query, body, "Content-Type", contentType)
		require.Equal(t, 200, answer.Status, answer.Raw)
		want.Depth, want.File, want.Form = "structure", []byte("{}"), credential.Form{ClientID: "c"}
		assert.Equal(t, want, got)
	}
}

// judge remembers what it was given.
type judge struct {
	mu    sync.Mutex
	asked judgement.Request
	ran   int
}

// assertAsked holds that one file was judged, and this one.
func (j *judge) assertAsked(t *testing.T, want judgement.Request, name string) {
	t.Helper()
	assert.Equal(t, want, j.asked, name)
	assert.Equal(t, 1, j.ran, name)
}

func (j *judge) edge() *problemtest.Edge {
	return problemtest.Serve(validate.Function{Judge: func(_ context.Context, r judgement.Request) (assessment.Report,
		error) {
		r.File = slices.Clone(r.File) // the body's buffer is used again
		j.mu.Lock()
		j.asked = r
		j.ran++
		j.mu.Unlock()
		if r.Account == "refused" {
			return assessment.Report{}, &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeInvalidResourceID,
				diagnosis.WithFindings(diagnosis.Finding{Pointer: "/storage", Code: diagnosis.CodeInvalidResourceID,
					Detail: "No."}, diagnosis.Finding{Pointer: "/container", Code: diagnosis.CodeInvalidContainer,
					Detail: "No."}))}
		}
		return assessment.Report{Kind: "credential", Verdict: assessment.VerdictFail}, nil
	}}.Register)
}

// part is one part of a form; a file has a name.
type part struct{ name, filename, content string }

func form(t *testing.T, parts ...part) (string, string) {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	require.NoError(t, w.SetBoundary("x"))
	for _, p := range parts {
		var err error
		if p.filename == "" {
			require.NoError(t, w.WriteField(p.name, p.content))
			continue
		}
		to, err := w.CreateFormFile(p.name, p.filename)
		require.NoError(t, err)
		_, err = to.Write([]byte(p.content))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return body.String(), w.FormDataContentType()
}

func TestRaw(t *testing.T) {
	t.Parallel()
	const file = "\xff\xfeany bytes"
	for name, headers := range map[string][]string{
		"JSON":           {"Content-Type", "application/json"},
		"with a charset": {"Content-Type", "application/json; charset=utf-16"},
		"bytes":          {"Content-Type", "application/octet-stream"},
		"in any case":    {"Content-Type", "Application/JSON"},
		"no type":        nil,
		"an empty type":  {"Content-Type", ""},
		"not compressed": {"Content-Encoding", "identity"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for query, file := range map[string]string{"": file, "?depth=file": "x"} {
				j := &judge{}
				got := j.edge().Call(t, "POST", path+query, file, headers...)
				require.Equal(t, 200, got.Status, got.Raw)
				assert.Equal(t, "fail", got.Body["verdict"], "a failed verdict is an answer, not an error")
				j.assertAsked(t, judgement.Request{Depth: "file", File: []byte(file)}, query)
			}
		})
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("é", 300) // 600 bytes
	for name, c := range map[string]struct {
		parts []part
		want  judgement.Request
	}{
		"a file": {[]part{{"file", "azure_credentials.json", "{}"}},
			judgement.Request{File: []byte("{}")}},
		"a file as plain field": {[]part{{"file", "", "{}"}}, judgement.Request{File: []byte("{}")}},
		"an empty file":         {[]part{{"file", "empty.json", ""}}, judgement.Request{File: []byte{}}},
		"the largest file":      {[]part{{"file", "x", large[1:]}}, judgement.Request{File: []byte(large[1:])}},
		"with both ids": {[]part{{"clientId", "", "c"}, {"file", "x", "{}"}, {"tenantId", "", "t"}},
			judgement.Request{File: []byte("{}"), Form: credential.Form{ClientID: "c", TenantID: "t"}}},
		"with the longest ids": {[]part{{"clientId", "", longest}, {"tenantId", "", longest}, {"file", "", "{}"}},
			judgement.Request{File: []byte("{}"), Form: credential.Form{ClientID: longest, TenantID: longest}}},
		"with empty ids": {[]part{{"clientId", "", ""}, {"file", "", "{}"}, {"tenantId", "", ""}},
			judgement.Request{File: []byte("{}")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := &judge{}
			body, contentType := form(t, c.parts...)
			got := j.edge().Call(t, "POST", path, body, "Content-Type", contentType)
			require.Equal(t, 200, got.Status, got.Raw)
			c.want.Depth = "file"
			j.assertAsked(t, c.want, name)
		})
	}
}

// TestDiscovery: what names the storage is in the query, or in parts of a form.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		query              string
		parts              []part
		account, container string
	}{
		"no storage":     {"", nil, "", ""},
		"in the query":   {"&storage=%2Fa&container=c", nil, "/a", "c"},
		"in a form":      {"", []part{{"storage", "", "/a"}, {"container", "", "c"}}, "/a", "c"},
		"in either":      {"&container=c", []part{{"storage", "", "/a"}}, "/a", "c"},
		"no container":   {"&storage=%2Fa", nil, "/a", ""},
		"a form's query": {"&storage=%2Fa&container=c", []part{{"clientId", "", "x"}}, "/a", "c"},
	} {
		j := &judge{}
		body, contentType := "{}", "application/json"
		want := judgement.Request{Depth: "discovery", File: []byte("{}"), Account: c.account, Container: c.container}
		if c.parts != nil {
			body, contentType = form(t, append(c.parts, part{"file", "", "{}"})...)
		}
		if name == "a form's query" {
			want.Form.ClientID = "x"
		}
		got := j.edge().Call(t, "POST", path+"?depth=discovery"+c.query, body, "Content-Type", contentType)
		require.Equal(t, 200, got.Status, got.Raw)
		j.assertAsked(t, want, name)
	}
}

// TestStorageThatIsRefused is told where the caller has named it: in the query as every parameter, in a form as a
// part.
func TestStorageThatIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		query  string
		parts  []part
		status int
		want   []any
	}{
		"in the query": {"&storage=refused&container=c", nil, 400,
			[]any{"/query/storage invalid-parameter", "/query/container invalid-parameter"}},
		"in a form": {"", []part{{"storage", "", "refused"}}, 422,
			[]any{"/storage invalid-resource-id", "/container invalid-container"}},
		"in either": {"&container=c", []part{{"storage", "", "refused"}}, 400,
			[]any{"/storage invalid-resource-id", "/query/container invalid-parameter"}},
	} {
		body, contentType := "{}", "application/json"
		if c.parts != nil {
			body, contentType = form(t, append(c.parts, part{"file", "", "{}"})...)
		}
		got := (&judge{}).edge().Call(t, "POST", path+"?depth=discovery"+c.query, body, "Content-Type", contentType)
		assert.Equal(t, c.status, got.Status, name)
		assert.Equal(t, c.want, faultsOf(got), name)
	}
}

// faultsOf are the faults of a problem: pointer and code of each.
func faultsOf(got problemtest.Answer) []any {
	var all []any
	for _, f := range got.Body["errors"].([]any) {
		all = append(all, fmt.Sprint(f.(map[string]any)["pointer"], " ", f.(map[string]any)["code"]))
	}
	return all
}

// maxBody is the largest body: 20 files, each with a head of 1 KiB, a token of 16 KiB, and 16 KiB beside them.
const maxBody = 20*9<<10 + 32<<10

var large = strings.Repeat("x", credential.MaxSize+1)

func multi(parts ...part) func(*testing.T) (string, string) {
	return func(t *testing.T) (string, string) { return form(t, parts...) }
}

func raw(body, contentType string) func(*testing.T) (string, string) {
	return func(*testing.T) (string, string) { return body, contentType }
}

// unreadableUploads are uploads in which there is nothing to judge.
var unreadableUploads = map[string]struct {
	send    func(*testing.T) (string, string)
	query   string
	status  int
	code    string
	pointer string
}{
	"no body":               {raw("", "application/json"), "", 400, "file-missing", ""},
	"no body, no type":      {raw("", ""), "", 400, "file-missing", ""},
	"form without file":     {multi(part{"clientId", "", "x"}), "", 400, "file-missing", ""},
	"raw too large":         {raw(large, "application/json"), "", 413, "file-too-large", ""},
	"form's file too large": {multi(part{"file", "x", large}), "", 413, "file-too-large", ""},
	"the largest body": {raw(strings.Repeat("x", maxBody), "application/json"), "", 413, "file-too-large",
		""},
	"body too large by one": {raw(strings.Repeat("x", maxBody+1), "application/json"), "", 413,
		"body-too-large", ""},
	"form's boundary empty, and last": {raw("----", "multipart/form-data; boundary=\"\""), "", 400,
		"malformed-form", ""},
	"form's boundary empty": {raw("--\r\n", "multipart/form-data; boundary=\"\""), "", 400, "malformed-form", ""},
	"form's head cut off": {raw("--x\r\nContent-Disposition: form-data; na",
		"multipart/form-data; boundary=x"), "", 400, "malformed-form", ""},
	"another kind of multipart": {raw("--x--\r\n", "multipart/mixed; boundary=x"), "", 415,
		"unsupported-media-type", ""},
	"a type that is only begun": {raw("{}", "application/json; charset"), "", 415, "unsupported-media-type", ""},
	"clientId too long": {multi(part{"file", "x", "{}"}, part{"clientId", "", strings.Repeat("p", 601)}), "", 422,
		"invalid-value", "/clientId"},
	"clientId twice": {multi(part{"file", "x", "{}"}, part{"clientId", "", ""}, part{"clientId", "", ""}), "", 422,
		"duplicate-member", "/clientId"},
	"a name that could be a path": {multi(part{"té~/\\", "x", "{}"}), "", 422, "unknown-member", "/té~0~1\\"},
	"text":                        {raw("{}", "text/plain"), "", 415, "unsupported-media-type", ""},
	"what curl -d sends": {raw("{}", "application/x-www-form-urlencoded"), "", 415,
		"unsupported-media-type", ""},
	"no media type at all":  {raw("{}", ";;"), "", 415, "unsupported-media-type", ""},
	"form without boundary": {raw("{}", "multipart/form-data"), "", 400, "malformed-form", ""},
	"form of another shape": {raw("{}", "multipart/form-data; boundary=x"), "", 400, "malformed-form", ""},
	"form without parts, behind a preamble": {raw("x\n--x--", "multipart/form-data; boundary=x"), "", 400,
		"file-missing",
		""},
	"form of two kinds of lines": {raw("--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n{}\n--x--",
		"multipart/form-data; boundary=x"), "", 400, "malformed-form", ""},
	"form's type that is only begun": {raw("--x--", "multipart/form-data; boundary"), "", 415,
		"unsupported-media-type", ""},
	"form that ends amid a line": {raw("x--x--", "multipart/form-data; boundary=x"), "", 400, "malformed-form", ""},
	"form without parts":         {raw("--x--\r\n", "multipart/form-data; boundary=x"), "", 400, "file-missing", ""},
	"part without a name":        {multi(part{"file", "x", "{}"}, part{"", "", "x"}), "", 422, "unknown-member", "/"},
	"form cut off": {raw("--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n{",
		"multipart/form-data; boundary=x"), "", 400, "malformed-form", ""},
	"unknown part": {multi(part{"file", "x", "{}"}, part{"clientid", "", "x"}), "", 422, "unknown-member",
		"/clientid"},
	"part with a secret name": {multi(part{"file", "x", "{}"}, part{"abc8Q~pl4nted0123456789abcdefghijklmnopqrs", "",
		"x"}), "", 422, "unknown-member", "/[redacted]"},
	"21 files": {multi(slices.Repeat([]part{{"file", "x", "{}"}}, 21)...), "", 422, "invalid-value", "/file"},
	"21 files, and another fault": {multi(append(slices.Repeat([]part{{"file", "x", "{}"}}, 21),
		part{"x", "", ""})...),
		"", 422, "unknown-member", "/x"},
	"id too long": {multi(part{"file", "x", "{}"}, part{"tenantId", "", strings.Repeat("p", 601)}), "", 422,
		"invalid-value", "/tenantId"},
	"a token, and no depth for it": {multi(part{"file", "x", "{}"}, part{"subjectToken", "", "pl4nted"}),
		"?depth=structure", 422, "invalid-combination", "/subjectToken"},
	"no token": {multi(part{"file", "x", "{}"}), "?depth=access", 422, "missing-member", "/subjectToken"},
	"an empty token": {multi(part{"file", "x", "{}"}, part{"subjectToken", "", ""}), "?depth=access", 422,
		"missing-member", "/subjectToken"},
	"a token too long": {multi(part{"file", "x", "{}"}, part{"subjectToken", "", strings.Repeat("pl4nted!", 2<<10) +
		"!"}), "?depth=access", 422, "invalid-value", "/subjectToken"},
	"two tokens": {multi(part{"file", "x", "{}"}, part{"subjectToken", "", "pl4nted"}, part{"subjectToken", "", "x"}),
		"?depth=access", 422, "duplicate-member", "/subjectToken"},
	"a file alone has no place for a token": {raw("{}", "application/json"), "?depth=access", 400,
		"invalid-parameter", "/query/depth"},
	"storage without a look": {raw("{}", "application/json"), "?storage=x", 400, "invalid-parameter",
		"/query/storage"},
	"a container without a look": {multi(part{"file", "x", "{}"}, part{"container", "", "x"}), "?depth=file", 422,
		"invalid-combination", "/container"},
	"storage twice": {multi(part{"file", "x", "{}"}, part{"storage", "", "x"}), "?depth=discovery&storage=x", 400,
		"invalid-parameter", "/query/storage"},
	"a container twice": {multi(part{"file", "x", "{}"}, part{"container", "", "x"}),
		"?depth=discovery&storage=x&container=x", 400, "invalid-parameter", "/query/container"},
	"an unknown part, and no file": {multi(part{"x", "", ""}), "", 422, "unknown-member", "/x"},
	"a container too long": {raw("{}", "application/json"),
		"?depth=discovery&storage=x&container=" + strings.Repeat("x", 64), 400, "invalid-parameter",
		"/query/container"},
	"storage too long": {raw("{}", "application/json"), "?depth=discovery&storage=" + strings.Repeat("x", 601), 400,
		"invalid-parameter", "/query/storage"},
	"depth not offered": {raw("{}", "application/json"), "?depth=all", 400, "invalid-parameter", "/query/depth"},
	"access without a look": {raw("{}", "application/json"), "?depth=discovery&access=read", 400,
		"invalid-parameter",
		"/query/access"},
	"access that is none": {raw("{}", "application/json"), "?depth=structure&access=all", 400, "invalid-parameter",
		"/query/access"},
	"depth twice": {raw("{}", "application/json"), "?depth=file&depth=file", 400, "invalid-parameter",
		"/query/depth"},
	"unknown parameter": {raw("{}", "application/json"), "?deep=1", 400, "invalid-parameter", "/query/deep"},
}

func TestNothingToJudge(t *testing.T) {
	for name, c := range unreadableUploads {
		t.Run(name, func(t *testing.T) {
			j := &judge{}
			body, contentType := c.send(t)
			got := j.edge().Call(t, "POST", path+c.query, body, "Content-Type", contentType)
			assert.Equal(t, c.status, got.Status, got.Raw)
			assert.Equal(t, c.code, got.Body["code"], got.Raw)
			assert.NotEmpty(t, got.Body["remedy"])
			assert.NotContains(t, got.Raw, "pl4nted")
			assert.Zero(t, j.ran)
			if c.pointer != "" {
				assert.Equal(t, c.pointer, got.Body["errors"].([]any)[0].(map[string]any)["pointer"], got.Raw)
			}
		})
	}
	for _, encoding := range []string{"gzip", "br", "identity, gzip"} {
		j := &judge{}
		got := j.edge().Call(t, "POST", path, "{}", "Content-Type", "application/json", "Content-Encoding", encoding)
		assert.Equal(t, 415, got.Status)
		assert.Equal(t, "unsupported-content-encoding", got.Body["code"])
		assert.Zero(t, j.ran)
	}
}

// TestRefusalsAreToldWhole holds every refusal, all words of its own included, against testdata/refusals.json.
func TestRefusalsAreToldWhole(t *testing.T) {
	t.Parallel()
	all := map[string]any{}
	for name, c := range unreadableUploads {
		body, contentType := c.send(t)
		got := (&judge{}).edge().Call(t, "POST", path+c.query, body, "Content-Type", contentType)
		for _, name := range []string{"requestId", "title", "remedy"} { // the latter two are the code's own
			delete(got.Body, name)
		}
		all[name] = got.Body
	}
	assertGolden(t, "refusals.json", all)
}

// TestTheOperationIsToldWhole holds what the API document states of it against testdata/operation.json.
func TestTheOperationIsToldWhole(t *testing.T) {
	t.Parallel()
	var told any
	problemtest.Serve(func(api huma.API) {
		validate.Function{}.Register(api)
		post := api.OpenAPI().Paths[path].Post
		statuses := slices.Sorted(maps.Keys(post.Responses))
		assert.Equal(t, []string{"200", "400", "408", "413", "415", "422", "500"}, statuses)
		post.Responses = map[string]*huma.Response{"200": post.Responses["200"]}
		told = post
	})
	assertGolden(t, "operation.json", told)
}

var update = flag.Bool("update", false, "rewrite the files in testdata")

func assertGolden(t *testing.T, name string, v any) {
	t.Helper()
	var got bytes.Buffer
	e := json.NewEncoder(&got)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	require.NoError(t, e.Encode(v))
	golden := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(golden, got.Bytes(), 0o644)) //nolint:gosec // nothing to hide
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), got.String(), "go test -update accepts the change")
}

// TestEveryFaultOfAForm is told in the order of the parts, the first 20 of them, and the first is the problem's.
func TestEveryFaultOfAForm(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 20, 21} {
		parts, want := []part{{"file", "x", "{}"}}, []string{}
		for i := range n {
			name := fmt.Sprintf("x%d", i)
			switch i {
			case 2:
				name = ""
			}
			parts = append(parts, part{name, "", "x"})
			want = append(want, "/"+name)
		}
		body, contentType := form(t, parts...)
		got := (&judge{}).edge().Call(t, "POST", path, body, "Content-Type", contentType)
		require.Equal(t, 422, got.Status, got.Raw)
		assert.Equal(t, "unknown-member", got.Body["code"])
		var pointers []string
		for _, f := range got.Body["errors"].([]any) {
			pointers = append(pointers, f.(map[string]any)["pointer"].(string))
		}
		assert.Equal(t, want[:min(n, 20)], pointers)
	}
}

// TestAPartThatIsFaultyIsNotTaken: a second one of its name is judged by itself.
func TestAPartThatIsFaultyIsNotTaken(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("p", 601)
	body, contentType := form(t, part{"clientId", "", long}, part{"clientId", "", long}, part{"clientId", "", "c"},
		part{"clientId", "", "c"})
	got := (&judge{}).edge().Call(t, "POST", path, body, "Content-Type", contentType)
	var codes []any
	for _, f := range got.Body["errors"].([]any) {
		codes = append(codes, f.(map[string]any)["code"])
	}
	assert.Equal(t, []any{"invalid-value", "invalid-value", "duplicate-member", "file-missing"}, codes)
}

// TestAFormThatIsCutIsNoForm, wherever it is cut before the two hyphens that end it, and nothing of it is judged.
func TestAFormThatIsCutIsNoForm(t *testing.T) {
	t.Parallel()
	body, contentType := form(t, part{"clientId", "", "c"}, part{"file", "x", "{}"}, part{"tenantId", "", "t"})
	body = strings.TrimRight(body, "\r\n")
	j := &judge{}
	edge := j.edge()
	cuttest.EachByte(body, func(cut string) {
		got := edge.Call(t, "POST", path, cut, "Content-Type", contentType)
		assert.Equal(t, 400, got.Status, "%q: %s", cut, got.Raw)
		assert.Equal(t, "malformed-form", got.Body["code"], cut)
		assert.Zero(t, j.ran)
	})
}

// TestABodyThatBreaksOffIsNotJudged, neither raw nor in a form, at whatever byte the connection breaks.
func TestABodyThatBreaksOffIsNotJudged(t *testing.T) {
	t.Parallel()
	body, contentType := form(t, part{"file", "x", "{}"}, part{"tenantId", "", "t"})
	j := &judge{}
	edge := j.edge()
	for _, kind := range []string{contentType, "application/json"} {
		cuttest.EachByte(body+" ", func(cut string) {
			got := edge.Send(t, "POST", path, cuttest.Broken(cut), "Content-Type", kind)
			assert.GreaterOrEqual(t, got.Status, 400, "%q", cut)
			assert.NotEmpty(t, got.Body["code"], "%q", cut)
			assert.Zero(t, j.ran)
		})
	}
}

// TestRealFilesThroughTheEdge: raw or in a form, a file is judged alike.
func TestRealFilesThroughTheEdge(t *testing.T) {
	linter := credential.Linter{Audience: "api://AzureADTokenExchange", Now: func() time.Time {
		return time.Unix(0, 0)
	}}
	edge := problemtest.Serve(validate.Function{Judge: (&judgement.Service{Linter: linter}).Judge}.Register)
	folder := filepath.Join("..", "internal", "credential", "testdata", "bad")
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Greater(t, len(entries), 25)
	for _, e := range entries {
		t.Run(e.Name(), func(t *testing.T) {
			content, err := os.ReadFile(filepath.Join(folder, e.Name()))
			require.NoError(t, err)
			raw := edge.Call(t, "POST", path, string(content), "Content-Type", "application/octet-stream")
			require.Equal(t, 200, raw.Status, raw.Raw)
			body, contentType := form(t, part{"file", e.Name(), string(content)})
			multi := edge.Call(t, "POST", path, body, "Content-Type", contentType)
			require.Equal(t, 200, multi.Status, multi.Raw)
			delete(raw.Body, "id")
			delete(multi.Body, "id")
			assert.Equal(t, raw.Body, multi.Body)
			assert.NotContains(t, strings.ToLower(raw.Raw), "pl4nted")
		})
	}
}

// FuzzForm: whatever the body, the answer is a report or a problem of the caller's.
func FuzzForm(f *testing.F) {
	f.Add("--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n{}\r\n--x--\r\n",
		"multipart/form-data; boundary=x")
	f.Add("{}", "application/json")
	edge := (&judge{}).edge()
	f.Fuzz(func(t *testing.T, body, contentType string) {
		got := edge.Call(t, "POST", path, body, "Content-Type", contentType)
		if got.Status != 200 && (got.Status < 400 || got.Status > 499) {
			t.Fatalf("%d %s", got.Status, got.Raw)
		}
		require.True(t, json.Valid([]byte(got.Raw)))
	})
}

// TestSeveralFiles are judged one by one: none hides another, and what stands beside them is beside each.
func TestSeveralFiles(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile(filepath.Join("..", "internal", "credential", "testdata", "good", "seed.json"))
	require.NoError(t, err)
	parts := []part{{"clientId", "", "00000003-0000-0000-c000-000000000000"}}
	want := []any{}
	for name, c := range map[string]struct{ content, code string }{
		"large.json": {large, "file-too-large"}, "empty.json": {"", "file-empty"}, "cut.json": {"{", "file-not-json"},
		"fine.json": {string(good), "client-id-microsoft"},
		"abc8Q~pl4nted0123456789abcdefghijklmnopqrs.json": {string(good), "client-id-microsoft"},
		"a/b/\u202epath.json":                             {string(good), "client-id-microsoft"},
	} {
		parts = append(parts, part{"file", name, c.content})
		switch {
		case strings.Contains(name, "pl4nted"):
			name = "[redacted]"
		case strings.Contains(name, "/"):
			name = "\ufffdpath.json"
		}
		want = append(want, name+" "+c.code)
	}
	body, contentType := form(t, parts...)
	linter := credential.Linter{Now: time.Now}
	edge := problemtest.Serve(validate.Function{Judge: (&judgement.Service{Linter: linter}).Judge}.Register)
	got := edge.Call(t, "POST", path, body, "Content-Type", contentType)
	require.Equal(t, 200, got.Status, got.Raw)
	told := []any{}
	for _, one := range got.Body["reports"].([]any) {
		r := one.(map[string]any)
		told = append(told, fmt.Sprint(r["name"], " ", r["diagnosis"].(map[string]any)["code"]))
		assert.NotEmpty(t, r["checks"])
	}
	assert.Equal(t, want, told)
	assert.NotContains(t, got.Raw, "pl4nted")
	assert.NotContains(t, got.Body, "verdict")
}

// TestTheMostFiles that one request may have, each as large as a file may be.
func TestTheMostFiles(t *testing.T) {
	t.Parallel()
	j := &judge{}
	for n := range 21 {
		if n < 2 {
			continue
		}
		body, contentType := form(t, slices.Repeat([]part{{"file", "x", large[1:]}}, n)...)
		got := j.edge().Call(t, "POST", path, body, "Content-Type", contentType)
		require.Equal(t, 200, got.Status, got.Raw)
		assert.Len(t, got.Body["reports"], n)
	}
	body, contentType := form(t, part{"file", "x", "{}"}, part{"file", "y", "{}"}, part{"storage", "", "refused"})
	got := j.edge().Call(t, "POST", path+"?depth=discovery", body, "Content-Type", contentType)
	assert.Equal(t, 422, got.Status, "what is wrong with the request is wrong with all of it")
	assert.Equal(t, []any{"/storage invalid-resource-id", "/container invalid-container"}, faultsOf(got))
}

// TestAToken is handed on as a secret, up to 16 KiB of it, for each of several files.
func TestAToken(t *testing.T) {
	t.Parallel()
	token := strings.Repeat("pl4nted!", 2<<10)
	j := &judge{}
	body, contentType := form(t, part{"subjectToken", "", token}, part{"file", "x", "{}"})
	got := j.edge().Call(t, "POST", path+"?depth=access&access=read", body, "Content-Type", contentType)
	require.Equal(t, 200, got.Status, got.Raw)
	assert.Equal(t, token, j.asked.Token.Reveal())
	j.asked.Token = secret.Value{}
	j.assertAsked(t, judgement.Request{Depth: "access", Access: "read", File: []byte("{}")}, "")
	assert.NotContains(t, got.Raw, "pl4nted")
}
