package story

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// badFiles are the files that package credential's own tests judge. Every secret in them has "pl4nted" in it.
func badFiles(t *testing.T) map[string]string {
	t.Helper()
	folder := filepath.Join("..", "..", "..", "functions", "internal", "credential", "testdata", "bad")
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	files := map[string]string{}
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(folder, e.Name()))
		require.NoError(t, err)
		files[e.Name()] = string(raw)
	}
	require.Greater(t, len(files), 20)
	return files
}

// form returns the file as the body of a form, and its Content-Type.
func form(t *testing.T, file string, fields map[string]string) (string, string) {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, err := w.CreateFormFile("file", "azure_credentials.json")
	require.NoError(t, err)
	_, err = part.Write([]byte(file))
	require.NoError(t, err)
	for name, value := range fields {
		require.NoError(t, w.WriteField(name, value))
	}
	require.NoError(t, w.Close())
	return body.String(), w.FormDataContentType()
}

const validatePath = "/credentials/validate"

// TestUploads sends every bad file raw and as a form: twice the same report. No secret of any file is in an answer or
// in a log.
func TestUploads(t *testing.T) {
	t.Parallel()
	a := startWithPlanted(t)
	for name, file := range badFiles(t) {
		t.Run(name, func(t *testing.T) {
			raw := a.call(http.MethodPost, validatePath, file)
			require.Equal(t, http.StatusOK, raw.Status, raw.Raw)
			want := "fail"
			if strings.HasPrefix(name, "warn_") {
				want = "warn"
			}
			assert.Equal(t, want, raw.at("verdict"), raw.Raw)
			body, contentType := form(t, file, nil)
			sameReport(t, raw, a.call(http.MethodPost, validatePath, body, "Content-Type", contentType))
		})
	}
}

// TestUploadsAtTheRealHost is the same at the real Functions host, which answers as the stand-in does.
func TestUploadsAtTheRealHost(t *testing.T) {
	t.Parallel()
	standIn := startWithPlanted(t)
	realHost, log := runRealHost(t)
	require.Eventually(t, func() bool {
		response, err := http.Get(realHost + "/healthz")
		return err == nil && response.Body.Close() == nil && response.StatusCode == http.StatusOK
	}, 90*time.Second, 250*time.Millisecond, "the real host never answered")
	for name, file := range badFiles(t) {
		t.Run(name, func(t *testing.T) {
			want := standIn.call(http.MethodPost, validatePath, file)
			require.Equal(t, http.StatusOK, want.Status, want.Raw)
			body, contentType := form(t, file, nil)
			sameReport(t, want, send(t, http.MethodPost, realHost+validatePath, file))
			sameReport(t, want, send(t, http.MethodPost, realHost+validatePath, body, "Content-Type", contentType))
		})
	}
	t.Run("no file to judge", func(t *testing.T) { refusedAlike(t, standIn, realHost) })
	assert.NotContains(t, strings.ToLower(log.String()), planted, "a planted secret in the real host's log")
}

// planted is in every secret of the bad files, in some case.
const planted = "pl4nted"

func startWithPlanted(t *testing.T) *app {
	t.Helper()
	a := start(t)
	a.planted = append(a.planted, planted, "Pl4nted")
	return a
}

// sameReport compares two answers but for what differs from run to run.
func sameReport(t *testing.T, want, got answer) {
	t.Helper()
	require.Equal(t, http.StatusOK, got.Status, got.Raw)
	assert.Equal(t, want.Header.Get("Content-Type"), got.Header.Get("Content-Type"))
	for _, member := range []string{"kind", "verdict", "claimLevel", "checks", "leftovers"} {
		assert.Equal(t, want.at(member), got.at(member), member)
	}
	assert.NotEqual(t, want.at("id"), got.at("id"))
	assert.NotContains(t, strings.ToLower(got.Raw), planted)
}

// refusedAlike asks both hosts to judge what is no file.
func refusedAlike(t *testing.T, standIn *app, realHost string) {
	t.Helper()
	unknown, contentType := form(t, "{}", map[string]string{"clientid": "x"})
	for name, c := range map[string]struct {
		path, body, contentType string
		status                  int
		code                    string
	}{
		"empty": {validatePath, "", "application/json", http.StatusBadRequest, "file-missing"},
		"large": {validatePath, strings.Repeat("x", 9<<10), "application/octet-stream",
			http.StatusRequestEntityTooLarge, "file-too-large"},
		"much too large": {validatePath, strings.Repeat("x", 1<<20), "application/json",
			http.StatusRequestEntityTooLarge, "body-too-large"},
		"text": {validatePath, "{}", "text/plain", http.StatusUnsupportedMediaType, "unsupported-media-type"},
		"form cut off": {validatePath, "--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n{",
			"multipart/form-data; boundary=x", http.StatusBadRequest, "malformed-form"},
		"unknown part": {validatePath, unknown, contentType, http.StatusUnprocessableEntity, "unknown-member"},
	} {
		want := standIn.call(http.MethodPost, c.path, c.body, "Content-Type", c.contentType)
		got := send(t, http.MethodPost, realHost+c.path, c.body, "Content-Type", c.contentType)
		for where, a := range map[string]answer{"stand-in": want, "real host": got} {
			assert.Equal(t, c.status, a.Status, "%s, %s: %s", name, where, a.Raw)
			assert.Equal(t, c.code, a.at("code"), "%s, %s", name, where)
		}
	}
}

// TestTheServedFilePasses uploads the credential file of a provisioned integration, with the form that goes with it.
func TestTheServedFilePasses(t *testing.T) {
	t.Parallel()
	a := start(t)
	created := a.call(http.MethodPut, "/integrations/my-images", a.spec("images"))
	require.Equal(t, "Succeeded", a.wait(created.Header.Get("Operation-Location")).at("status"))
	served := a.call(http.MethodGet, "/integrations/my-images/credentials", nil)
	require.Equal(t, http.StatusOK, served.Status, served.Raw)
	body, contentType := form(t, served.Raw, map[string]string{"clientId": served.at("clientId").(string),
		"tenantId": served.at("tenantId").(string)})
	report := a.call(http.MethodPost, validatePath, body, "Content-Type", contentType)
	assert.Equal(t, "pass", report.at("verdict"), report.Raw)
	assert.Equal(t, "file", report.at("claimLevel"))
}

// issuerFaults are what the sandbox's issuer publishes in the place of its documents, with the code that tells of it.
var issuerFaults = map[string]struct {
	path string
	body map[string]any // nil answers 404
	kind string
	code string
}{
	"nothing": {"openid-configuration", nil, "", "issuer-unreachable"},
	"no types": {"openid-configuration", discoveryDocument("subject_types_supported", []string{}), "",
		"issuer-document-invalid"},
	"no RS256": {"openid-configuration", discoveryDocument("id_token_signing_alg_values_supported", []string{}), "",
		"issuer-document-invalid"},
	"no endpoint": {"openid-configuration", discoveryDocument("authorization_endpoint", ""), "",
		"issuer-document-invalid"},
	"no keys' address": {"openid-configuration", discoveryDocument("jwks_uri", "http://dataloop.ai/oauth2/jwks"), "",
		"issuer-document-invalid"},
	"another name": {"openid-configuration", discoveryDocument("issuer", "https://dataloop.ai/oauth2/"), "",
		"issuer-document-mismatch"},
	"as text":    {"openid-configuration", discoveryDocument("x", ""), "text/plain", "issuer-document-unusual"},
	"keys: none": {"jwks", map[string]any{"keys": []any{}}, "", "issuer-keys-invalid"},
	"keys: one of 2040 bits": {"jwks", map[string]any{"keys": []any{map[string]any{"kty": "RSA", "kid": "a",
		"e": "AQAB", "n": strings.Repeat("_", 340)}}}, "", "issuer-keys-invalid"},
}

// discoveryDocument is the issuer's own document, but for one member.
func discoveryDocument(member string, value any) map[string]any {
	d := map[string]any{"issuer": world.Issuer, "jwks_uri": world.Issuer + "/jwks",
		"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"}}
	d[member] = value
	return d
}

// TestDiscovery looks at what a served file names, with the issuer as it is, and with each fault of it. The app gets
// to the issuer through the sandbox's proxy.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	a := start(t)
	created := a.call(http.MethodPut, "/integrations/my-images", a.spec("images"))
	require.Equal(t, "Succeeded", a.wait(created.Header.Get("Operation-Location")).at("status"))
	served := a.call(http.MethodGet, "/integrations/my-images/credentials", nil)
	require.Equal(t, http.StatusOK, served.Status, served.Raw)
	look := func(file, account string) answer {
		t.Helper()
		body, contentType := form(t, file, map[string]string{"storage": account, "container": "images"})
		got := a.call(http.MethodPost, validatePath+"?depth=discovery", body, "Content-Type", contentType)
		require.Equal(t, http.StatusOK, got.Status, got.Raw)
		return got
	}
	good := look(served.Raw, world.DataAccountID)
	assert.Equal(t, "pass", good.at("verdict"), good.Raw)
	assert.Equal(t, "discovery", good.at("claimLevel"))
	assert.Contains(t, good.Raw, "DNS shows no private endpoint of the account.")
	locked := look(served.Raw, world.LockedAccountID)
	assert.Equal(t, "network-rules-blocked", locked.at("diagnosis.code"), locked.Raw)

	agency := "99999999-9999-4999-8999-999999999999"
	a.control(http.MethodPut, "/objects/tenants/"+agency, map[string]any{"id": agency, "domain": "agency.example",
		"cloud": "microsoftonline.us"})
	elsewhere := look(strings.ReplaceAll(served.Raw, world.TenantID, agency), world.DataAccountID)
	assert.Equal(t, "cloud-mismatch", elsewhere.at("diagnosis.code"), elsewhere.Raw)
	assert.Contains(t, elsewhere.Raw, "storage-tenant-mismatch")
	for name, c := range issuerFaults {
		fault := map[string]any{"match": map[string]any{"host": "^dataloop.ai$", "path": c.path}, "times": -1,
			"status": http.StatusOK, "body": c.body, "headers": map[string]string{"Content-Type": "application/json"}}
		if c.kind != "" {
			fault["headers"] = map[string]string{"Content-Type": c.kind}
		}
		if c.body == nil {
			fault["status"] = http.StatusNotFound
		}
		a.control(http.MethodPut, "/faults", []any{fault})
		got := look(served.Raw, world.DataAccountID)
		assert.Equal(t, c.code, got.at("diagnosis.code"), "%s: %s", name, got.Raw)
		assert.Equal(t, "discovery", got.at("diagnosis.layer"), name)
	}
}
