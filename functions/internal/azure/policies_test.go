package azure_test

import (
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
)

func send(t *testing.T, url string, o runtime.PipelineOptions, c policy.ClientOptions) (*http.Response, error) {
	t.Helper()
	request, err := runtime.NewRequest(t.Context(), http.MethodGet, url)
	require.NoError(t, err)
	return runtime.NewPipeline("m", "v1", o, &c).Do(request)
}

func TestEveryAttemptHasAnIDOfItsOwn(t *testing.T) {
	ids := map[string]bool{}
	transport := do(func(r *http.Request) (*http.Response, error) {
		require.Len(t, r.Header.Values("my-request-id"), 1)
		ids[r.Header.Get("my-request-id")] = true
		return answer(r, http.StatusServiceUnavailable, nothing()), nil
	})
	_, err := send(t, "https://a.example/", runtime.PipelineOptions{
		PerRetry: []policy.Policy{azure.AttemptID("my-request-id")}},
		policy.ClientOptions{Transport: transport, Retry: policy.RetryOptions{MaxRetries: 2, RetryDelay: 1}})
	require.NoError(t, err)
	assert.Len(t, ids, 3)
}

func TestTheTokenStaysAtItsHost(t *testing.T) {
	for url, carried := range map[string]bool{
		"https://a.example/next": true, "http://a.example/next": false, "https://b.example/next": false,
		"https://a.example:444/":       false,
		"https://a.example.b.example/": false,
	} {
		sent := false
		transport := do(func(r *http.Request) (*http.Response, error) {
			sent = true
			return answer(r, http.StatusOK, nothing()), nil
		})
		_, err := send(t, url, runtime.PipelineOptions{PerCall: []policy.Policy{azure.PinHost("a.example")}},
			policy.ClientOptions{Transport: transport})
		assert.Equal(t, carried, err == nil, url)
		assert.Equal(t, carried, sent, url)
	}
}
