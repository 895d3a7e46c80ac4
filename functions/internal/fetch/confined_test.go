package fetch_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/fetch"
)

// TestConfinedRequests of any method go to the hosts of the list alone, whatever a caller's value is; a token goes
// with them, and no redirect is followed.
func TestConfinedRequests(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	var last *http.Request
	confined := fetcher(transport(func(r *http.Request) (*http.Response, error) {
		asked.Add(1)
		last = r
		return &http.Response{StatusCode: http.StatusTemporaryRedirect, Body: http.NoBody, Request: r,
			Header: http.Header{"Location": {"https://example.com/elsewhere"}}}, nil
	})).Confined()
	send := func(address, method string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader("x"))
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer token")
		r.Host = "evil.example"
		return confined.Do(r)
	}
	for address, reason := range unlisted {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
			_, err := send(address, method)
			assert.Equal(t, reason, refusal(t, err).Reason, "%s %s", method, address)
		}
	}
	assert.Zero(t, asked.Load(), "nothing was sent")
	answer, err := send("https://acct.blob.core.windows.net/images", http.MethodPut)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	assert.Equal(t, http.StatusTemporaryRedirect, answer.StatusCode)
	assert.EqualValues(t, 1, asked.Load(), "a redirect is not followed")
	assert.Equal(t, "Bearer token", last.Header.Get("Authorization"))
	assert.Empty(t, last.Host, "the URL's is the one that was checked")
}

// TestConfinedRequestsAreRefusedByAddress where a name of the list leads inside: on the connection.
func TestConfinedRequestsAreRefusedByAddress(t *testing.T) {
	t.Parallel()
	guarded := fetcher(transport(func(*http.Request) (*http.Response, error) {
		return nil, &fetch.Refusal{Reason: fetch.ReasonAddress, Host: "10.0.0.4:443"}
	})).Confined()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://example.com/", nil)
	require.NoError(t, err)
	_, err = guarded.Do(r)
	refused := refusal(t, err)
	assert.True(t, refused.IsOfAddress())
	refused.Reason = fetch.ReasonHost
	assert.False(t, refused.IsOfAddress())
}
