package validate_test

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
	"github.com/ddoe-ai/azure-wif/functions/validate"
)

const path = "/credentials/validate"

// judge remembers what it was given.
type judge struct {
	file []byte
	form credential.Form
	ran  int
}

func (j *judge) edge() *problemtest.Edge {
	return problemtest.Serve(validate.Function{Lint: func(file []byte, form credential.Form) diagnosis.Report {
		j.file, j.form = file, form
		j.ran++
		return diagnosis.Report{Kind: "credential", Verdict: diagnosis.VerdictFail}
	}}.Register)
}

// part is one part of a form; a file has a name.
type part struct{ name, filename, content string }

func form(t *testing.T, parts ...part) (string, string) {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
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
	for _, contentType := range []string{"application/json", "application/json; charset=utf-16",
		"application/octet-stream", "Application/JSON"} {
		j := &judge{}
		got := j.edge().Call(t, "POST", path, "\xff\xfeany bytes", "Content-Type", contentType)
		require.Equal(t, 200, got.Status, got.Raw)
		assert.Equal(t, "fail", got.Body["verdict"], "a failed verdict is an answer, not an error")
		assert.Equal(t, "\xff\xfeany bytes", string(j.file))
	}
	j := &judge{}
	assert.Equal(t, 200, j.edge().Call(t, "POST", path+"?depth=file", "x").Status,
		"without Content-Type it is a file all the same")
}

func TestForm(t *testing.T) {
	for name, c := range map[string]struct {
		parts []part
		form  credential.Form
	}{
		"a file":                {[]part{{"file", "azure_credentials.json", "{}"}}, credential.Form{}},
		"a file as plain field": {[]part{{"file", "", "{}"}}, credential.Form{}},
		"with both ids": {[]part{{"clientId", "", "c"}, {"file", "x", "{}"}, {"tenantId", "", "t"}},
			credential.Form{ClientID: "c", TenantID: "t"}},
	} {
		t.Run(name, func(t *testing.T) {
			j := &judge{}
			body, contentType := form(t, c.parts...)
			got := j.edge().Call(t, "POST", path, body, "Content-Type", contentType)
			require.Equal(t, 200, got.Status, got.Raw)
			assert.Equal(t, "{}", string(j.file))
			assert.Equal(t, c.form, j.form)
		})
	}
	j := &judge{}
	body, contentType := form(t, part{"file", "empty.json", ""})
	assert.Equal(t, 200, j.edge().Call(t, "POST", path, body, "Content-Type", contentType).Status,
		"an empty file is a file")
}

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
	"body too large":        {raw(strings.Repeat("x", 1<<20), "application/json"), "", 413, "body-too-large", ""},
	"text":                  {raw("{}", "text/plain"), "", 415, "unsupported-media-type", ""},
	"what curl -d sends":    {raw("{}", "application/x-www-form-urlencoded"), "", 415, "unsupported-media-type", ""},
	"no media type at all":  {raw("{}", ";;"), "", 415, "unsupported-media-type", ""},
	"form without boundary": {raw("{}", "multipart/form-data"), "", 400, "malformed-form", ""},
	"form of another shape": {raw("{}", "multipart/form-data; boundary=x"), "", 400, "malformed-form", ""},
	"form without parts":    {raw("--x--\r\n", "multipart/form-data; boundary=x"), "", 400, "file-missing", ""},
	"part without a name":   {multi(part{"file", "x", "{}"}, part{"", "", "x"}), "", 422, "unknown-member", "/"},
	"form cut off": {raw("--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n{",
		"multipart/form-data; boundary=x"), "", 400, "malformed-form", ""},
	"unknown part": {multi(part{"file", "x", "{}"}, part{"clientid", "", "x"}), "", 422, "unknown-member",
		"/clientid"},
	"part with a secret name": {multi(part{"file", "x", "{}"}, part{"abc8Q~pl4nted0123456789abcdefghijklmnopqrs", "",
		"x"}), "", 422, "unknown-member", "/[redacted]"},
	"two files": {multi(part{"file", "x", "{}"}, part{"file", "y", "{}"}), "", 422,
		"duplicate-member", "/file"},
	"id too long": {multi(part{"file", "x", "{}"}, part{"tenantId", "", strings.Repeat("p", 601)}), "", 422,
		"invalid-value", "/tenantId"},
	"depth not offered": {raw("{}", "application/json"), "?depth=structure", 400, "invalid-parameter", "/query/depth"},
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
	compressed := (&judge{}).edge().Call(t, "POST", path, "{}", "Content-Type", "application/json",
		"Content-Encoding", "gzip")
	assert.Equal(t, 415, compressed.Status)
	assert.Equal(t, "unsupported-content-encoding", compressed.Body["code"])
}

// TestRealFilesThroughTheEdge: raw or in a form, a file is judged alike.
func TestRealFilesThroughTheEdge(t *testing.T) {
	linter := credential.Linter{Audience: "api://AzureADTokenExchange", Now: func() time.Time {
		return time.Unix(0, 0)
	}}
	edge := problemtest.Serve(validate.Function{Lint: linter.Lint}.Register)
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
