package functions

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
)

// TestAProxysRefusalHasItsWords: what a forward proxy answers for an account that does not exist is no riddle.
func TestAProxysRefusalHasItsWords(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, http.MethodConnect, r.Method)
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer proxy.Close()
	client := newClient()
	transport, ok := client.Transport.(*http.Transport)
	require.True(t, ok)
	transport.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		"https://nobody.blob.core.windows.net/images", nil)
	require.NoError(t, err)
	_, err = client.Do(request)
	require.Error(t, err)
	d := classify.Error(err, diagnosis.Context{})
	assert.Equal(t, diagnosis.CodeNetworkProxy, d.Code)
	assert.Contains(t, d.Detail, "the name does not resolve, or the proxy refuses it. The host is "+
		"nobody.blob.core.windows.net.")
}

// TestAProxyThatTellsOfNoName: its word counts as that of DNS.
func TestAProxyThatTellsOfNoName(t *testing.T) {
	t.Parallel()
	for name, headers := range map[string]http.Header{
		"RFC 9209": {"Proxy-Status": {`proxy.example; error=dns_error; rcode="NXDOMAIN"`}},
		"Squid":    {"X-Squid-Error": {"ERR_DNS_FAIL 0"}},
		"another":  {"Proxy-Status": {"proxy.example; error=destination_unavailable"}, "X-Squid-Error": {"ERR_X 0"}},
	} {
		proxied := &http.Response{StatusCode: http.StatusBadGateway, Header: headers}
		request := &http.Request{Host: "nobody.example:443", URL: &url.URL{Host: "nobody.example:443"}}
		err := newTransport().OnProxyConnectResponse(t.Context(), nil, request, proxied)
		d := classify.Error(err, diagnosis.Context{})
		want := diagnosis.CodeNetworkDNS
		if name == "another" {
			want = diagnosis.CodeNetworkProxy
		}
		assert.Equal(t, want, d.Code, name)
	}
}
