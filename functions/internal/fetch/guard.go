package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"

	"code.dny.dev/ssrf"
)

// ErrProxied is returned for a name that a proxy resolves, and does not tell of.
var ErrProxied = errors.New("a proxy resolves the name")

// Guard is the transport to the internet. It connects to public addresses alone: an address is judged when the
// connection to it is about to be made, so that it does not matter what the name led to before. Where a proxy leads to
// a host, the proxy is what is connected to, whose address is the operator's and is not judged; it resolves the name,
// and decides which address that may lead to.
type Guard struct {
	direct, open *http.Transport
	resolver     *net.Resolver
}

// NewGuard makes a Guard of a transport, whose settings and proxy it takes over. A nil resolver is the system's.
func NewGuard(open *http.Transport, resolver *net.Resolver) *Guard {
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	direct := open.Clone()
	direct.Proxy = nil
	direct.DialContext = (&net.Dialer{Timeout: Limit, Resolver: resolver, Control: permit}).DialContext
	return &Guard{direct: direct, open: open, resolver: resolver}
}

// RoundTrip implements http.RoundTripper. An address that is none of the internet is a *Refusal.
func (g *Guard) RoundTrip(r *http.Request) (*http.Response, error) {
	proxy, err := g.proxy(r)
	switch {
	case err != nil:
		return nil, err
	case proxy != nil:
		return g.open.RoundTrip(r)
	default:
		return g.direct.RoundTrip(r)
	}
}

func (g *Guard) proxy(r *http.Request) (*url.URL, error) {
	if g.open.Proxy == nil {
		return nil, nil
	}
	return g.open.Proxy(r)
}

// LookupHost returns the addresses of a name, which may be any; nothing is sent to them. Where a proxy leads to the
// host, it is asked for a way there: one that opens it has resolved the name, whose addresses stay unknown; one that
// tells that it cannot resolve it is a *net.DNSError; any other answer is ErrProxied.
func (g *Guard) LookupHost(ctx context.Context, host string) ([]string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, "https://"+host, nil)
	if err != nil {
		return nil, err
	}
	proxy, err := g.proxy(r)
	switch {
	case err != nil:
		return nil, err
	case proxy == nil:
		return g.resolver.LookupHost(ctx, host)
	}
	response, err := g.open.RoundTrip(r)
	var other *tls.CertificateVerificationError // of whoever is at the end of the way
	var missing *net.DNSError
	switch {
	case err == nil:
		return nil, response.Body.Close()
	case errors.As(err, &other):
		return nil, nil
	case errors.As(err, &missing):
		return nil, err
	default:
		return nil, fmt.Errorf("%w: %w", ErrProxied, err)
	}
}

// CloseIdleConnections ends what is kept for the next request.
func (g *Guard) CloseIdleConnections() { g.direct.CloseIdleConnections() }

// ofHost is the address at which Azure's host answers its machines (wireserver: DNS, health, goal state): public by
// its number alone. Source: learn.microsoft.com, What is IP address 168.63.129.16?
var ofHost = netip.MustParsePrefix("168.63.129.16/32")

// guardian takes port 443 of what IANA's registries of special-purpose addresses do not name. An IPv6 address that has
// an IPv4 one in it (mapped, NAT64, 6to4, Teredo) is none of the internet, whatever is in it.
var guardian = ssrf.New(ssrf.WithPorts(443), ssrf.WithDeniedV4Prefixes(ofHost))

// permit is the net.Dialer.Control of direct connections.
func permit(network, address string, c syscall.RawConn) error {
	if guardian.Safe(network, address, c) == nil {
		return nil
	}
	return &Refusal{Reason: ReasonAddress, Host: address}
}
