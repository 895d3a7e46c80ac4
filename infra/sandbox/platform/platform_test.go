package platform_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func at() time.Time { return time.Unix(1800000000, 0) }

func newPlatform(t *testing.T) (*platform.Issuer, http.Handler) {
	t.Helper()
	key, err := jose.NewKey("issuer")
	require.NoError(t, err)
	issuer := platform.NewIssuer(world.Issuer, at, key)
	return issuer, platform.New(world.New(at), platform.Options{Issuer: issuer, APIKey: "the-key"})
}

func do(h http.Handler, method, address, body string, header ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, address, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	return recorder
}

func decode(t *testing.T, recorder *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	require.Contains(t, recorder.Header().Get("Content-Type"), "application/json")
	body := map[string]any{}
	require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &body))
	return body
}

// keysOf are the keys that anyone can fetch, by the way of the discovery document.
func keysOf(t *testing.T, h http.Handler) jose.JWKS {
	t.Helper()
	discovery := decode(t, do(h, "GET", world.Issuer+"/.well-known/openid-configuration", ""))
	require.Equal(t, world.Issuer, discovery["issuer"])
	answer := do(h, "GET", discovery["jwks_uri"].(string), "")
	var set jose.JWKS
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &set))
	return set
}

func verifies(t *testing.T, h http.Handler, compact string) bool {
	t.Helper()
	document, err := json.Marshal(keysOf(t, h))
	require.NoError(t, err)
	keys, err := jose.ParseKeySet(document)
	require.NoError(t, err)
	token, err := jose.Parse(compact)
	require.NoError(t, err)
	key, ok := keys[token.Header.KeyID]
	return ok && token.Verify(key) == nil
}

func TestSubjectToken(t *testing.T) {
	_, h := newPlatform(t)
	const path = "https://gate.dataloop.ai/api/v1/subject-tokens"
	good := `{"subject":"system:serviceaccount:dataloop:a","audience":"api://AzureADTokenExchange"}`

	answer := do(h, "POST", path, good, "Authorization", "Bearer the-key")
	require.Equal(t, http.StatusOK, answer.Code)
	compact := decode(t, answer)["token"].(string)
	token, err := jose.Parse(compact)
	require.NoError(t, err)
	assert.Equal(t, world.Issuer, token.Text("iss"))
	assert.Equal(t, "system:serviceaccount:dataloop:a", token.Text("sub"))
	assert.Equal(t, []string{"api://AzureADTokenExchange"}, token.Audience())
	assert.True(t, verifies(t, h, compact))

	for name, tc := range map[string]struct {
		method, body, authorization string
		status                      int
	}{
		"no key":           {"POST", good, "", http.StatusUnauthorized},
		"wrong key":        {"POST", good, "Bearer the-keys", http.StatusUnauthorized},
		"key without word": {"POST", good, "the-key", http.StatusUnauthorized},
		"not JSON":         {"POST", "subject", "Bearer the-key", http.StatusBadRequest},
		"no subject":       {"POST", `{"audience":"a"}`, "Bearer the-key", http.StatusBadRequest},
		"no audience":      {"POST", `{"subject":"a"}`, "Bearer the-key", http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			answer := do(h, tc.method, path, tc.body, "Authorization", tc.authorization)
			assert.Equal(t, tc.status, answer.Code)
			assert.EqualValues(t, tc.status, decode(t, answer)["status"])
			assert.NotContains(t, answer.Body.String(), "the-key")
		})
	}
}

// TestUnknownPathIsThePage: the real platform answers 200 with its console's page to what it does not know.
func TestUnknownPathIsThePage(t *testing.T) {
	_, h := newPlatform(t)
	for _, path := range []string{"/", "/api/v9/nothing", "/.well-known/openid-configuration"} {
		answer := do(h, "GET", "https://gate.dataloop.ai"+path, "")
		assert.Equal(t, http.StatusOK, answer.Code)
		assert.Contains(t, answer.Header().Get("Content-Type"), "text/html")
	}
	assert.Equal(t, http.StatusNotFound, do(h, "GET", "https://dataloop.ai/.well-known/openid-configuration", "").Code)
}

func TestMint(t *testing.T) {
	issuer, h := newPlatform(t)
	current := issuer.KeySet().Keys[0].KeyID
	for name, tc := range map[string]struct {
		request  platform.TokenRequest
		header   jose.Header
		iss      string
		aud      string
		lifetime int64
		verifies bool
	}{
		"all defaults": {platform.TokenRequest{}, jose.Header{Algorithm: "RS256", Type: "JWT", KeyID: current},
			world.Issuer, platform.DefaultAudience, 3600, true},
		"own claims": {platform.TokenRequest{Issuer: "https://x.example", Audience: "b", ExpiresInSeconds: 60},
			jose.Header{Algorithm: "RS256", Type: "JWT", KeyID: current}, "https://x.example", "b", 60, true},
		"expired": {platform.TokenRequest{ExpiresInSeconds: -60}, jose.Header{Algorithm: "RS256", Type: "JWT",
			KeyID: current}, world.Issuer, platform.DefaultAudience, -60, true},
		"other type": {platform.TokenRequest{Type: "at+jwt"}, jose.Header{Algorithm: "RS256", Type: "at+jwt",
			KeyID: current}, world.Issuer, platform.DefaultAudience, 3600, true},
		"unknown key": {platform.TokenRequest{KeyID: "x"}, jose.Header{Algorithm: "RS256", Type: "JWT", KeyID: "x"},
			world.Issuer, platform.DefaultAudience, 3600, false},
		"no signature": {platform.TokenRequest{Algorithm: "none"}, jose.Header{Algorithm: "none", Type: "JWT",
			KeyID: current}, world.Issuer, platform.DefaultAudience, 3600, false},
		"HMAC signature": {platform.TokenRequest{Algorithm: "HS256"}, jose.Header{Algorithm: "HS256", Type: "JWT",
			KeyID: current}, world.Issuer, platform.DefaultAudience, 3600, false},
	} {
		t.Run(name, func(t *testing.T) {
			compact, err := issuer.Mint(tc.request)
			require.NoError(t, err)
			token, err := jose.Parse(compact)
			require.NoError(t, err)
			assert.Equal(t, tc.header, token.Header)
			assert.Equal(t, tc.iss, token.Text("iss"))
			assert.Equal(t, []string{tc.aud}, token.Audience())
			expires, _ := token.Unix("exp")
			assert.Equal(t, at().Unix()+tc.lifetime, expires)
			issued, _ := token.Unix("iat")
			assert.Less(t, issued, expires)
			assert.Equal(t, tc.verifies, verifies(t, h, compact))
		})
	}
	_, err := issuer.Mint(platform.TokenRequest{Algorithm: "rot13"})
	assert.ErrorIs(t, err, jose.ErrUnsupportedAlgorithm)
}

func TestRotation(t *testing.T) {
	issuer, h := newPlatform(t)
	before, err := issuer.Mint(platform.TokenRequest{})
	require.NoError(t, err)
	kid, err := issuer.Rotate()
	require.NoError(t, err)
	after, err := issuer.Mint(platform.TokenRequest{})
	require.NoError(t, err)
	token, err := jose.Parse(after)
	require.NoError(t, err)
	assert.Equal(t, kid, token.Header.KeyID)
	assert.True(t, verifies(t, h, before))
	assert.True(t, verifies(t, h, after))

	issuer.Retire()
	assert.False(t, verifies(t, h, before))
	assert.True(t, verifies(t, h, after))
}
