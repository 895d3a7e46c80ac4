package ddoe_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/entra"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const apiKey = "planted-api-key"

func TestTheKeyShowsItselfToNobody(t *testing.T) {
	source := ddoe.NewTokenSource("https://x", secret.New(apiKey), nil)
	assert.NotContains(t, fmt.Sprintf("%+v %#v %v", source, source, *source), "planted")
}

// TestAgainstThePlatform asks the sandbox's platform, which shares no code with the client.
func TestAgainstThePlatform(t *testing.T) {
	w := world.New(nil)
	world.Seed(w)
	key, err := jose.NewKey("issuer")
	require.NoError(t, err)
	handler := platform.New(w, platform.Options{Issuer: platform.NewIssuer(world.Issuer, w.Now, key), APIKey: apiKey})
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		r.Host = platform.GateHost
		handler.ServeHTTP(rw, r)
	}))
	defer server.Close()

	t.Run("token", func(t *testing.T) {
		token, err := ddoe.NewTokenSource(server.URL+"/api/v1/subject-tokens", secret.New(apiKey), server.Client()).SubjectToken(t.Context(), "system:serviceaccount:dataloop:x", "api://AzureADTokenExchange")
		require.NoError(t, err)
		claims, err := entra.ParseSubjectToken(token)
		require.NoError(t, err)
		assert.Equal(t, "system:serviceaccount:dataloop:x", claims.Subject)
		assert.Equal(t, []string{"api://AzureADTokenExchange"}, claims.Audience)
	})
	t.Run("wrong path is a web page with 200", func(t *testing.T) {
		_, err := ddoe.NewTokenSource(server.URL+"/api/v1/subject-token", secret.New(apiKey), server.Client()).SubjectToken(t.Context(), "s", "a")
		assertCode(t, err, http.StatusOK, "ddoe-answer-invalid")
	})
	t.Run("wrong key", func(t *testing.T) {
		_, err := ddoe.NewTokenSource(server.URL+"/api/v1/subject-tokens", secret.New("planted-other"), server.Client()).SubjectToken(t.Context(), "s", "a")
		assertCode(t, err, http.StatusUnauthorized, "ddoe-unauthorized")
	})
}

func assertCode(t *testing.T, err error, status int, code string) {
	t.Helper()
	var refused *ddoe.Error
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "ddoe", refused.Service())
	assert.Equal(t, status, refused.HTTPStatus())
	assert.Equal(t, code, string(diagnosis.Classify(err, diagnosis.Context{Operation: "subjectToken.get"}).Code))
	assert.NotContains(t, err.Error(), "planted")
}

func TestAnswers(t *testing.T) {
	tests := map[string]struct {
		status      int
		contentType string
		body        string
		want        string
	}{
		"401":                   {401, "application/json", `{"message":"planted"}`, "ddoe-unauthorized"},
		"403":                   {403, "application/json", `{"error":{"code":"planted code with blanks"}}`, "ddoe-forbidden"},
		"404":                   {404, "application/json", `{}`, "ddoe-not-found"},
		"429":                   {429, "text/plain", "slow down", "ddoe-throttled"},
		"500":                   {500, "application/json", `{"code":"E_INTERNAL"}`, "ddoe-unavailable"},
		"503 web page":          {503, "text/html", "<html>", "ddoe-unavailable"},
		"a redirect":            {307, "text/html", "", "ddoe-unrecognised"},
		"200 without type":      {200, "", `{"token":"a.b.c"}`, "ddoe-answer-invalid"},
		"200 not JSON":          {200, "application/json", `<html>`, "ddoe-answer-invalid"},
		"200 no token":          {200, "application/json", `{"token":""}`, "ddoe-answer-invalid"},
		"200 token is a number": {200, "application/json", `{"token":7}`, "ddoe-answer-invalid"},
		"200 too large":         {200, "application/json", `{"token":"` + strings.Repeat("a", 70<<10) + `"}`, "ddoe-answer-invalid"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the key was carried elsewhere") }))
			defer elsewhere.Close()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, "Bearer "+apiKey, r.Header.Get("Authorization"))
				body, err := io.ReadAll(r.Body)
				assert.NoError(t, err)
				assert.JSONEq(t, `{"subject":"s","audience":"a"}`, string(body))
				w.Header()["Content-Type"] = nil
				if tt.contentType != "" {
					w.Header().Set("Content-Type", tt.contentType)
				}
				w.Header().Set("x-request-id", "r-1")
				w.Header().Set("Location", elsewhere.URL)
				w.WriteHeader(tt.status)
				_, err = io.WriteString(w, tt.body)
				assert.NoError(t, err)
			}))
			defer server.Close()
			token, err := ddoe.NewTokenSource(server.URL, secret.New(apiKey), server.Client()).SubjectToken(t.Context(), "s", "a")
			assert.Empty(t, token)
			assertCode(t, err, tt.status, tt.want)
			var refused *ddoe.Error
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, "r-1", refused.ServiceRequestID())
		})
	}
}

func TestPlatformNotReachable(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	url := server.URL
	server.Close()
	_, err := ddoe.NewTokenSource(url, secret.New(apiKey), nil).SubjectToken(t.Context(), "s", "a")
	require.Error(t, err)
	assert.Equal(t, diagnosis.CodeNetworkConnect, diagnosis.Classify(err, diagnosis.Context{}).Code)
	_, err = ddoe.NewTokenSource("http://planted:pass@ host", secret.New(apiKey), nil).SubjectToken(t.Context(), "s", "a")
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "planted")
}
