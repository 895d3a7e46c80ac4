package fetch

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
)

// inside are addresses that nothing may lead to.
var inside = []string{"127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255",
	"192.168.0.1", "169.254.169.254", "168.63.129.16", "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1",
	"198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
	"255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1",
	"fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "64:ff9b::7f00:1",
	"64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001::1", "2001:db8::1", "3fff::1",
	"100::1", "5f00::1"}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, address := range inside {
		at := net.JoinHostPort(address, "443")
		var refused *Refusal
		require.ErrorAs(t, permit("tcp4", at, nil), &refused, address)
		assert.Equal(t, Refusal{Reason: ReasonAddress, Host: at}, *refused)
	}
	for _, address := range []string{"20.60.1.1", "1.1.1.1", "11.0.0.1", "126.255.255.255", "128.0.0.1", "172.15.0.1",
		"172.32.0.1", "100.63.255.255", "100.128.0.1", "168.63.129.15", "168.63.129.17", "223.255.255.255",
		"2603:1030::1", "2606:4700::1111"} {
		at := netip.AddrPortFrom(netip.MustParseAddr(address), 443)
		assert.NoError(t, permit("tcp6", at.String(), nil), address)
		assert.Error(t, permit("tcp6", netip.AddrPortFrom(at.Addr(), 22).String(), nil), "%s, another port", address)
		assert.Error(t, permit("udp4", at.String(), nil), "%s, another network", address)
	}
	assert.Error(t, permit("tcp4", "example.com:443", nil), "no address at all")
}

// names answers for names, each time with the next of what it is told, the last one for ever. It speaks DNS.
type names struct {
	mu      sync.Mutex
	answers map[string][]string
	asked   []string
}

// resolver asks names over the wire.
func (n *names) resolver(t *testing.T) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0") //nolint:noctx // a test's
	require.NoError(t, err)
	var serving sync.WaitGroup
	serving.Go(func() {
		buffer := make([]byte, 1500)
		for {
			size, from, err := server.ReadFrom(buffer)
			if err != nil {
				return
			}
			if answer, err := n.answer(buffer[:size]); err == nil {
				_, _ = server.WriteTo(answer, from) // who is not answered asks again
			}
		}
	})
	t.Cleanup(func() { _ = server.Close(); serving.Wait() })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

// answer takes the next answer of a name at its question for an IPv4 address.
func (n *names) answer(query []byte) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || len(m.Questions) != 1 {
		return nil, errors.Join(err, errors.New("no question"))
	}
	q := m.Questions[0]
	m.Response, m.Authoritative, m.RecursionAvailable, m.Additionals = true, true, true, nil
	n.mu.Lock()
	defer n.mu.Unlock()
	left, isKnown := n.answers[q.Name.String()]
	if !isKnown {
		m.RCode = dnsmessage.RCodeNameError
		return m.Pack()
	}
	address := netip.MustParseAddr(left[0])
	if q.Type == dnsmessage.TypeA {
		n.asked = append(n.asked, q.Name.String())
		if len(left) > 1 {
			n.answers[q.Name.String()] = left[1:]
		}
	}
	var body dnsmessage.ResourceBody
	switch {
	case q.Type == dnsmessage.TypeA && address.Is4():
		body = &dnsmessage.AResource{A: address.As4()}
	case q.Type == dnsmessage.TypeAAAA && address.Is6():
		body = &dnsmessage.AAAAResource{AAAA: address.As16()}
	default:
		return m.Pack()
	}
	m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class}, Body: body}}
	return m.Pack()
}

func request(t *testing.T, host string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+"/", nil)
	require.NoError(t, err)
	return r
}

// reached is a server inside, which counts who comes, and a transport that trusts it.
func reached(t *testing.T) (*httptest.Server, *http.Transport, *sync.Map) {
	t.Helper()
	came := &sync.Map{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "{}") // who is gone needs none
	}))
	server.Config.ConnState = func(c net.Conn, _ http.ConnState) { came.Store(c.RemoteAddr().String(), true) }
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, server.Client().Transport.(*http.Transport), came
}

// TestNoNameLeadsInside, by the system's own dialer: whatever a listed name resolves to.
func TestNoNameLeadsInside(t *testing.T) {
	t.Parallel()
	told := &names{answers: map[string][]string{}}
	_, open, came := reached(t)
	g := NewGuard(open, told.resolver(t))
	for _, address := range inside {
		if netip.MustParseAddr(address).Zone() != "" {
			continue // DNS knows no zones
		}
		told.mu.Lock()
		told.answers["example.com."] = []string{address}
		told.mu.Unlock()
		_, err := New(Options{Hosts: []string{"example.com"}, Transport: g}).Do(request(t, "example.com"))
		var refused *Refusal
		require.ErrorAs(t, err, &refused, address)
		assert.Equal(t, ReasonAddress, refused.Reason, address)
	}
	// The operator's list may hold addresses, too.
	for _, address := range []string{"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[fe80::1%25lo]", "169.254.169.254"} {
		r := request(t, address)
		_, err := New(Options{Hosts: []string{r.URL.Hostname()}, Transport: g}).Do(r)
		var refused *Refusal
		require.ErrorAs(t, err, &refused, address)
		assert.Equal(t, ReasonAddress, refused.Reason, address)
	}
	came.Range(func(from, _ any) bool { assert.Fail(t, "a connection came", from); return true })
}

// TestANameThatChanges between a look at it and the connection is judged at the connection.
func TestANameThatChanges(t *testing.T) {
	t.Parallel()
	told := &names{answers: map[string][]string{"example.com.": {"20.60.1.1", "127.0.0.1"}}}
	_, open, _ := reached(t)
	g := NewGuard(open, told.resolver(t))
	addresses, err := g.LookupHost(t.Context(), "example.com")
	require.NoError(t, err)
	assert.Equal(t, []string{"20.60.1.1"}, addresses)
	_, err = New(Options{Hosts: []string{"example.com"}, Transport: g}).Do(request(t, "example.com"))
	var refused *Refusal
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, Refusal{Reason: ReasonAddress, Host: "127.0.0.1:443"}, *refused)
	told.mu.Lock()
	assert.Equal(t, []string{"example.com.", "example.com."}, told.asked)
	told.mu.Unlock()
	_, err = g.LookupHost(t.Context(), "other.example")
	var missing *net.DNSError
	require.ErrorAs(t, err, &missing)
}

// byProxy has a transport reach a server by a proxy, but for what it does not lead to; asked tells what the proxy was.
func byProxy(t *testing.T, open *http.Transport, server *httptest.Server) (asked func() []string) {
	t.Helper()
	var mu sync.Mutex
	var all []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		all = append(all, r.Method+" "+r.Host)
		mu.Unlock()
		switch r.Host {
		case "nobody.example:443":
			w.WriteHeader(http.StatusNotFound)
		case "refused.example:443":
			w.WriteHeader(http.StatusBadGateway)
		default:
			tunnel(w, r, server.Listener.Addr().String())
		}
	}))
	t.Cleanup(proxy.Close)
	at, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	open.Proxy = func(r *http.Request) (*url.URL, error) {
		assert.Equal(t, "https", r.URL.Scheme)
		switch r.URL.Host {
		case "direct.example":
			return nil, nil
		case "broken.example":
			return nil, errors.New("no such proxy")
		}
		return at, nil
	}
	open.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, r *http.Response) error {
		if r.StatusCode == http.StatusNotFound {
			return &net.DNSError{IsNotFound: true}
		}
		return nil
	}
	open.DisableKeepAlives = true
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Compact(slices.Clone(all))
	}
}

// TestProxy: it is asked for the name, and reached though it is inside; nothing is resolved here.
func TestProxy(t *testing.T) {
	t.Parallel()
	told := &names{}
	server, open, _ := reached(t)
	asked := byProxy(t, open, server)
	f := New(Options{Hosts: []string{"example.com", "direct.example", "broken.example"},
		Transport: NewGuard(open, told.resolver(t))})
	response, err := f.Do(request(t, "example.com"))
	require.NoError(t, err)
	assert.Equal(t, 200, response.StatusCode)
	_, err = f.Do(request(t, "other.example"))
	require.Error(t, err, "the list counts for what a proxy leads to as well")
	_, err = f.Do(request(t, "broken.example"))
	require.Error(t, err)
	_, err = f.Do(request(t, "direct.example"))
	var missing *net.DNSError
	require.ErrorAs(t, err, &missing, "the proxy does not lead there")
	assert.Equal(t, []string{"CONNECT example.com:443"}, asked())
}

// TestNamesBehindAProxy: what the proxy tells of a name counts, and what it does not tell is not known.
func TestNamesBehindAProxy(t *testing.T) {
	t.Parallel()
	told := &names{}
	server, open, _ := reached(t)
	asked := byProxy(t, open, server)
	g := NewGuard(open, told.resolver(t))
	for _, name := range []string{"example.com", "of-another-certificate.test"} {
		addresses, err := g.LookupHost(t.Context(), name)
		require.NoError(t, err, "the proxy has opened the way")
		assert.Empty(t, addresses)
	}
	_, err := g.LookupHost(t.Context(), "refused.example")
	require.ErrorIs(t, err, ErrProxied)
	var missing *net.DNSError
	_, err = g.LookupHost(t.Context(), "nobody.example")
	require.ErrorAs(t, err, &missing)
	_, err = g.LookupHost(t.Context(), "no name")
	require.Error(t, err)
	_, err = g.LookupHost(t.Context(), "broken.example")
	require.ErrorContains(t, err, "no such proxy")
	assert.Equal(t, []string{"CONNECT example.com:443", "CONNECT of-another-certificate.test:443",
		"CONNECT refused.example:443", "CONNECT nobody.example:443"}, asked())
	told.mu.Lock()
	assert.Empty(t, told.asked, "nothing is resolved here")
	told.mu.Unlock()
	_, err = g.LookupHost(t.Context(), "direct.example")
	require.ErrorAs(t, err, &missing)
}

// tunnel is what a forward proxy does.
func tunnel(w http.ResponseWriter, r *http.Request, to string) {
	target, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", to)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer func() { _ = target.Close() }()
	client, sent, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n") // who is gone needs none
	defer func() { _ = client.Close() }()
	done := make(chan struct{}, 2)
	go func() { _, _ = io.Copy(client, target); done <- struct{}{} }()
	go func() { _, _ = io.Copy(target, sent); done <- struct{}{} }()
	<-done
}
