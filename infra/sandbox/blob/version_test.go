package blob_test

import (
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/blob"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// TestVersions: an account refuses a version that it does not know, whoever asks, and a token where the version is
// older than tokens, or there is none.
func TestVersions(t *testing.T) {
	f := newFixture(t)
	principal := f.principal(t, rbac.RoleBlobDataReader, containerID(world.DataAccountID, "images"))
	token, _, err := f.authority.Issue(principal.ID, entra.ResourceStorage)
	require.NoError(t, err)
	const invalid, unsupported = "InvalidHeaderValue", "AuthenticationFailed"
	for name, tc := range map[string]struct {
		version string
		token   string
		status  int
		code    string
	}{
		"newest":                 {blob.NewestVersion, token, 200, ""},
		"first with tokens":      {"2017-11-09", token, 200, ""},
		"to come":                {"2026-12-06", token, 400, invalid},
		"to come, anonymous":     {"2026-12-06", "", 400, invalid},
		"a day that was none":    {"2025-05-06", token, 400, invalid},
		"no date":                {"latest", token, 400, invalid},
		"none, with a token":     {"", token, 403, unsupported},
		"older than tokens":      {"2017-07-29", token, 403, unsupported},
		"none, anonymous":        {"", "", 401, "NoAuthenticationInformation"},
		"older, anonymous":       {"2017-07-29", "", 401, "NoAuthenticationInformation"},
		"none, with a bad token": {"", "garbage", 403, unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			request := httptest.NewRequest(http.MethodGet,
				"https://acmedata.blob.core.windows.net/images?restype=container&comp=list", nil)
			if tc.version != "" {
				request.Header.Set("x-ms-version", tc.version)
			}
			if tc.token != "" {
				request.Header.Set("Authorization", "Bearer "+tc.token)
			}
			recorder := httptest.NewRecorder()
			f.service.ServeHTTP(recorder, request)
			require.Equal(t, tc.status, recorder.Code, recorder.Body.String())
			assert.Equal(t, tc.code, recorder.Header().Get("x-ms-error-code"))
			var body struct {
				HeaderName, HeaderValue, AuthenticationErrorDetail string
			}
			require.NoError(t, xml.Unmarshal([]byte(strings.TrimPrefix(recorder.Body.String(), "\ufeff")), &body))
			switch tc.code {
			case invalid:
				assert.Equal(t, "x-ms-version", body.HeaderName)
				assert.Equal(t, tc.version, body.HeaderValue)
			case unsupported:
				assert.Equal(t, "Authentication scheme Bearer is not supported in this version.",
					body.AuthenticationErrorDetail)
				assert.Empty(t, body.HeaderName)
			default:
				assert.Empty(t, body.HeaderName)
			}
		})
	}
}

// TestTheSDKAsItIs: azblob asks for a version that no account here knows.
func TestTheSDKAsItIs(t *testing.T) {
	f := newFixture(t)
	principal := f.principal(t, rbac.RoleBlobDataReader, containerID(world.DataAccountID, "images"))
	client, err := azblob.NewClient("https://acmedata.blob.core.windows.net/",
		f.tokenOf(principal, entra.ResourceStorage),
		&azblob.ClientOptions{ClientOptions: azcore.ClientOptions{
			Transport: &http.Client{Transport: f.transport}, Retry: policy.RetryOptions{MaxRetries: -1}}})
	require.NoError(t, err)
	_, err = client.NewListBlobsFlatPager("images", nil).NextPage(t.Context())
	fails(t, err, http.StatusBadRequest, "InvalidHeaderValue")
}
