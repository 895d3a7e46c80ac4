package azure_test

import (
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
)

// TestBlobClientsAskForOneVersion, and name it once: azblob spells the header's name past the canonical form.
func TestBlobClientsAskForOneVersion(t *testing.T) {
	var versions, tokens []string
	transport := do(func(r *http.Request) (*http.Response, error) {
		for name, values := range r.Header {
			if http.CanonicalHeaderKey(name) == "X-Ms-Version" {
				versions = append(versions, values...)
			}
		}
		tokens = append(tokens, r.Header.Get("Authorization"))
		return answer(r, http.StatusOK, nothing()), nil
	})
	options := azcore.ClientOptions{Transport: transport}
	for _, cred := range []azcore.TokenCredential{nil, credential{}} {
		account, err := azure.BlobService("https://a.blob.core.windows.net", cred, options)
		require.NoError(t, err)
		_, err = account.GetProperties(t.Context(), nil)
		require.NoError(t, err)
		_, err = account.NewContainerClient("c").NewBlobClient("b").GetProperties(t.Context(), nil)
		require.NoError(t, err)
		container, err := azure.BlobContainer("https://a.blob.core.windows.net/c", cred, options)
		require.NoError(t, err)
		_, err = container.GetProperties(t.Context(), nil)
		require.NoError(t, err)
		_, err = container.NewBlobClient("b").GetProperties(t.Context(), nil)
		require.NoError(t, err)
	}
	const v = azure.StorageVersion
	assert.Equal(t, []string{v, v, v, v, v, v, v, v}, versions)
	const with = "Bearer token"
	assert.Equal(t, []string{"", "", "", "", with, with, with, with}, tokens)
	assert.Empty(t, options.PerCallPolicies, "the caller's options stay as they are")
}
