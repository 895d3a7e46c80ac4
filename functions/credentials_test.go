package functions

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/fetch"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// inForm returns the file as the body of a form, and its Content-Type.
func inForm(t *testing.T, file []byte, fields map[string]string) (string, string) {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, err := w.CreateFormFile("file", "azure_credentials.json")
	require.NoError(t, err)
	_, err = part.Write(file)
	require.NoError(t, err)
	for name, value := range fields {
		require.NoError(t, w.WriteField(name, value))
	}
	require.NoError(t, w.Close())
	return body.String(), w.FormDataContentType()
}

// TestUploads judges every bad file of package credential through the whole app. Every secret in these files has
// "pl4nted" in it, in some case.
func TestUploads(t *testing.T) {
	a := newApp(t, nil)
	folder := filepath.Join("internal", "credential", "testdata", "bad")
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Greater(t, len(entries), 25)
	for _, e := range entries {
		t.Run(e.Name(), func(t *testing.T) {
			file, err := os.ReadFile(filepath.Join(folder, e.Name()))
			require.NoError(t, err)
			raw := a.call("POST", "/credentials/validate", string(file), "Content-Type", "application/json")
			require.Equal(t, 200, raw.StatusCode, raw.raw)
			body, contentType := inForm(t, file, nil)
			form := a.call("POST", "/credentials/validate?depth=file", body, "Content-Type", contentType)
			require.Equal(t, 200, form.StatusCode, form.raw)
			want := "fail"
			if strings.HasPrefix(e.Name(), "warn_") {
				want = "warn"
			}
			assert.Equal(t, want, raw.at("verdict"))
			assert.NotEqual(t, raw.at("id"), form.at("id"), "each run has its own id")
			assert.Equal(t, "file", raw.at("claimLevel"))
			assert.Equal(t, raw.at("checks"), form.at("checks"))
			assert.NotContains(t, strings.ToLower(raw.raw+form.raw), "pl4nted")
		})
	}
	assert.NotContains(t, strings.ToLower(a.log.String()), "pl4nted")
}

// TestTheServedFilePasses is the round trip: what the app gives out, it takes.
func TestTheServedFilePasses(t *testing.T) {
	a := newApp(t, nil)
	require.Equal(t, 201, a.call("PUT", "/integrations/my-images", good).StatusCode)
	a.deliver()
	served := a.call("GET", "/integrations/my-images/credentials", "")
	require.Equal(t, 200, served.StatusCode, served.raw)
	body, contentType := inForm(t, []byte(served.raw), map[string]string{"clientId": served.at("clientId").(string),
		"tenantId": strings.ToUpper(served.at("tenantId").(string))})
	report := a.call("POST", "/credentials/validate", body, "Content-Type", contentType)
	assert.Equal(t, "pass", report.at("verdict"), report.raw)

	body, contentType = inForm(t, []byte(served.raw), map[string]string{"clientId": served.at("tenantId").(string)})
	report = a.call("POST", "/credentials/validate", body, "Content-Type", contentType)
	assert.Equal(t, "fail", report.at("verdict"))
	assert.Contains(t, report.raw, "form-client-id-mismatch")
}

// TestNoFileToJudge holds the refusals against the API document.
func TestNoFileToJudge(t *testing.T) {
	a := newApp(t, nil)
	for name, c := range map[string]struct {
		path, body, contentType string
		status                  int
		code                    string
	}{
		"no file": {"/credentials/validate", "", "application/json", 400, "file-missing"},
		"too large": {"/credentials/validate", strings.Repeat("x", 9<<10), "application/json", 413,
			"file-too-large"},
		"text": {"/credentials/validate", "{}", "text/plain", 415, "unsupported-media-type"},
		"depth not offered": {"/credentials/validate?depth=access", "{}", "application/json", 400,
			"invalid-parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			got := a.call("POST", c.path, c.body, "Content-Type", c.contentType)
			assert.Equal(t, c.status, got.StatusCode, got.raw)
			assert.Equal(t, c.code, got.Header.Get("x-ms-error-code"))
		})
	}
}

// TestDiscovery is the whole way of a served file, to what the internet states of it.
func TestDiscovery(t *testing.T) {
	a := newApp(t, map[string]string{"ISSUER_ALLOWLIST": "keys.example.com",
		"STORAGE_SUFFIX_ALLOWLIST": "blob.example.com"})
	require.Equal(t, 201, a.call("PUT", "/integrations/my-images", good).StatusCode)
	a.deliver()
	served := a.call("GET", "/integrations/my-images/credentials", "")
	require.Equal(t, 200, served.StatusCode, served.raw)
	var asked sync.Map // looks are side by side
	for _, host := range []string{"login.microsoftonline.com", sandbox.Host, "*.blob.core.windows.net"} {
		next := a.net[host]
		a.net[host] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Store(r.Host, true)
			assert.Empty(t, r.Header.Get("Authorization"), r.Host)
			next.ServeHTTP(w, r)
		})
	}
	look := func(file, query string) answer {
		got := a.call("POST", "/credentials/validate?depth=discovery"+query, file, "Content-Type", "application/json")
		require.Equal(t, 200, got.StatusCode, got.raw)
		return got
	}
	report := look(served.raw, "&container=images&storage="+world.DataAccountID)
	assert.Equal(t, "pass", report.at("verdict"), report.raw)
	assert.Equal(t, "discovery", report.at("claimLevel"))
	assert.Nil(t, report.at("diagnosis"))
	var hosts []string
	asked.Range(func(host, _ any) bool { hosts = append(hosts, host.(string)); return true })
	assert.ElementsMatch(t, []string{"login.microsoftonline.com", sandbox.Host, "acmedata.blob.core.windows.net"},
		hosts)

	a.net["keys.example.com"] = http.NotFoundHandler()
	report = look(strings.ReplaceAll(served.raw, world.Issuer, "https://keys.example.com/x"),
		"&storage=https://acme.blob.example.com")
	assert.Equal(t, "issuer-unreachable", report.at("diagnosis", "code"), report.raw)
	assert.Equal(t, "discovery", report.at("diagnosis", "layer"))
	assert.Equal(t, "/api/errors/issuer-unreachable", report.at("diagnosis", "type"))
	assert.Equal(t, "file", report.at("claimLevel"))
	assert.Contains(t, report.raw, "network-dns", "the account's domain is listed, and there is no such account")
	report = look(strings.ReplaceAll(served.raw, world.Issuer, "https://evil.example/x"), "")
	assert.Contains(t, report.raw, "host-not-allowed")

	got := a.call("POST", "/credentials/validate?depth=discovery&storage=acme", served.raw,
		"Content-Type", "application/json")
	assert.Equal(t, 400, got.StatusCode, got.raw)
	assert.Equal(t, "invalid-parameter", got.Header.Get("x-ms-error-code"))
}

// TestProductionIsGuarded: what callers name is reached by nothing but the guard.
func TestProductionIsGuarded(t *testing.T) {
	cfg, err := ConfigFromEnvironment(settings(nil))
	require.NoError(t, err)
	p, err := production(cfg)
	require.NoError(t, err)
	defer func() { require.NoError(t, p.close(t.Context())) }()
	assert.IsType(t, &fetch.Guard{}, p.public)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://127.0.0.1/", nil)
	require.NoError(t, err)
	_, err = p.public.RoundTrip(request)
	var refused *fetch.Refusal
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, fetch.ReasonAddress, refused.Reason)
}
