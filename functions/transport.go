package functions

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
)

// headerLimit is how long the transport waits for the beginning of an answer. It is the net below the limits that the
// clients have, and as long as the longest of those.
const headerLimit = ddoe.AnswerLimit

// newClient is the HTTP client of every call that leaves the app, but for those to hosts that callers name.
func newClient() *http.Client { return &http.Client{Transport: newTransport()} }

// newTransport is the transport of a client. It honours HTTPS_PROXY, and tells by a type what a
// proxy answers where it opens no tunnel: net/http makes a bare text of it.
func newTransport() *http.Transport {
	// As the Azure SDK's own transport: more idle connections to one host, and pings that find a dead connection.
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2: true, MaxIdleConns: 100, MaxIdleConnsPerHost: 10,
		IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second, ExpectContinueTimeout: time.Second,
		ResponseHeaderTimeout: headerLimit,
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, request *http.Request,
			response *http.Response) error {
			switch {
			case response.StatusCode == http.StatusOK:
				return nil
			case isUnresolved(response.Header):
				return &net.DNSError{Err: "the proxy found no such host", Name: request.URL.Hostname(),
					IsNotFound: true}
			default:
				return &proxyRefusal{host: request.Host, status: response.StatusCode}
			}
		},
	}
}

// isUnresolved reports whether a proxy tells that the name does not resolve. Sources: RFC 9209, 2.3.2 (dns_error);
// Squid's header X-Squid-Error.
func isUnresolved(h http.Header) bool {
	return strings.Contains(h.Get("Proxy-Status"), "error=dns_error") ||
		strings.Contains(strings.ToLower(h.Get("X-Squid-Error")), "dns_fail")
}

// proxyRefusal is a forward proxy's refusal to open a tunnel.
type proxyRefusal struct {
	host   string
	status int
}

// Error names host and status.
func (e *proxyRefusal) Error() string {
	return fmt.Sprintf("the proxy answered %d for %s", e.status, e.host)
}

// ProxyStatus is the proxy's answer; package diagnosis knows the error by it.
func (e *proxyRefusal) ProxyStatus() int { return e.status }
