package cloud

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// proxy is a forward proxy that ends TLS itself, with a certificate for the host that was asked for. It serves CONNECT
// to port 443 of known hosts, and answers 502 to everything else, as a proxy does for a name that does not resolve.
type proxy struct {
	isKnown      func(host string) bool
	certificates *certificateAuthority
	tunnels      *tunnelListener
}

// ServeHTTP takes a CONNECT over and hands the connection to the server behind the tunnels.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, port, err := net.SplitHostPort(r.Host)
	if r.Method != http.MethodConnect || err != nil || port != "443" || !p.isKnown(host) {
		w.Header().Set("Proxy-Status", "sandbox; error=dns_error") // RFC 9209
		http.Error(w, "sandbox proxy: no such host: "+r.Host, http.StatusBadGateway)
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil || buffered.Reader.Buffered() > 0 { // nothing may come before our answer
		http.Error(w, "sandbox proxy: cannot take the connection over", http.StatusBadGateway)
		return
	}
	_ = conn.SetDeadline(time.Time{}) // what the server had set; the tunnel has none
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection Established\r\n\r\n"); err != nil {
		_ = conn.Close()
		return
	}
	p.tunnels.hand(tls.Server(conn, p.certificates.configFor(host)))
}

// tunnelListener accepts the connections that are handed to it.
type tunnelListener struct {
	address net.Addr
	conns   chan net.Conn
	closing sync.Once
	closed  chan struct{}
}

func newTunnelListener(address net.Addr) *tunnelListener {
	return &tunnelListener{address: address, conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *tunnelListener) hand(conn net.Conn) {
	select {
	case l.conns <- conn:
	case <-l.closed:
		_ = conn.Close()
	}
}

// Accept implements net.Listener.
func (l *tunnelListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *tunnelListener) Close() error {
	l.closing.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *tunnelListener) Addr() net.Addr { return l.address }
