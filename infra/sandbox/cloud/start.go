package cloud

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/control"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/door"
)

// identityPath is where the managed-identity endpoint is, as on App Service.
const identityPath = "/msi/token"

// servers are the open ends of a started sandbox.
type servers struct {
	controlURL, proxyURL, identityURL string
	plain, tls                        string // AMQP, host:port
	caFile                            string

	log     io.Writer
	stop    context.CancelFunc
	closers []func() error
	running sync.WaitGroup
}

// Start opens the proxy, the AMQP listeners, the managed-identity endpoint and the control API, all on 127.0.0.1. ctx
// bounds the start only; Close ends what was started. The error tells which address is taken.
func (c *Cloud) Start(ctx context.Context) error {
	s := &servers{log: c.options.Log}
	if err := c.open(ctx, s); err != nil {
		return errors.Join(err, s.close())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.servers != nil {
		return errors.Join(errors.New("the sandbox is started already"), s.close())
	}
	c.servers = s
	return nil
}

func (c *Cloud) open(ctx context.Context, s *servers) error {
	if err := s.writeCertificate(c.certificates.pem); err != nil {
		return err
	}
	controlAddr := c.options.ControlAddr
	if controlAddr == "" {
		controlAddr = "127.0.0.1:0"
	}
	address, err := s.serve(ctx, controlAddr, c.control)
	if err != nil {
		return fmt.Errorf("control API: %w", err)
	}
	s.controlURL = "http://" + address
	mux := http.NewServeMux()
	mux.Handle(identityPath, c.identity)
	if address, err = s.serve(ctx, "127.0.0.1:0", mux); err != nil {
		return fmt.Errorf("managed-identity endpoint: %w", err)
	}
	s.identityURL = "http://" + address + identityPath
	if err := c.serveProxy(ctx, s); err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	return c.serveBus(ctx, s)
}

func (s *servers) writeCertificate(pem []byte) error {
	directory, err := os.MkdirTemp("", "azure-wif-sandbox-")
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	s.closers = append(s.closers, func() error { return os.RemoveAll(directory) })
	s.caFile = filepath.Join(directory, "ca.pem")
	if err := os.WriteFile(s.caFile, pem, 0o600); err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	return nil
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	return lc.Listen(ctx, "tcp", address)
}

// serve runs an HTTP server and returns its address.
func (s *servers) serve(ctx context.Context, address string, handler http.Handler) (string, error) {
	listener, err := listen(ctx, address)
	if err != nil {
		return "", err
	}
	s.serveOn(listener, handler)
	return listener.Addr().String(), nil
}

func (s *servers) serveOn(listener net.Listener, handler http.Handler) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(s.log, "sandbox: ", 0)}
	s.closers = append(s.closers, server.Close)
	s.running.Go(func() { _ = server.Serve(listener) }) // always ErrServerClosed, or the end of the listener
}

func (c *Cloud) serveProxy(ctx context.Context, s *servers) error {
	listener, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	tunnels := newTunnelListener(listener.Addr())
	s.serveOn(tunnels, c.handler)
	isKnown := func(host string) bool {
		return (c.options.IsRefused == nil || !c.options.IsRefused(host)) && c.hosts.isKnown(host)
	}
	s.serveOn(listener, &proxy{isKnown: isKnown, certificates: c.certificates, tunnels: tunnels})
	s.proxyURL = "http://" + listener.Addr().String()
	return nil
}

// serveBus opens the two AMQP listeners: in the clear for producers with the connection string, and over TLS for
// identities.
func (c *Cloud) serveBus(ctx context.Context, s *servers) error {
	plain, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("service bus: %w", err)
	}
	encrypted, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		_ = plain.Close()
		return fmt.Errorf("service bus: %w", err)
	}
	s.plain, s.tls = plain.Addr().String(), encrypted.Addr().String()
	// A client that dials the address gets a certificate for the address; the namespace's own name is good, too.
	config := c.certificates.configFor(c.deployment.Namespace.Host(), "localhost", "127.0.0.1")
	config.NextProtos = nil
	serving, stop := context.WithCancel(context.Background())
	s.stop = stop
	for _, listener := range []net.Listener{plain, tls.NewListener(encrypted, config)} {
		s.running.Go(func() {
			if err := door.Serve(serving, c.broker, listener); err != nil {
				// a log that fails has nowhere to be reported
				_, _ = fmt.Fprintf(c.options.Log, "sandbox: service bus: %v\n", err)
			}
		})
	}
	return nil
}

func (s *servers) close() error {
	if s.stop != nil {
		s.stop()
	}
	var errs []error
	for _, end := range s.closers {
		errs = append(errs, end())
	}
	s.running.Wait()
	return errors.Join(errs...)
}

// Close ends everything that was started, and the broker.
func (c *Cloud) Close() error {
	c.mu.Lock()
	s := c.servers
	c.servers = nil
	c.mu.Unlock()
	c.broker.Close()
	if s == nil {
		return nil
	}
	return s.close()
}

// started returns the open ends; empty ones before Start.
func (c *Cloud) started() *servers {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.servers == nil {
		return &servers{}
	}
	return c.servers
}

// ControlURL is the base of the control API; empty before Start.
func (c *Cloud) ControlURL() string { return c.started().controlURL }

// CertificateAuthority is the PEM certificate that signs every certificate of the sandbox.
func (c *Cloud) CertificateAuthority() []byte { return c.certificates.pem }

// access is what GET /world states about ways in.
func (c *Cloud) access() control.Access {
	s := c.started()
	return control.Access{
		ServiceBus: control.ServiceBus{ConnectionString: c.ConnectionString(), Plain: s.plain, TLS: s.tls,
			Namespace: c.deployment.Namespace.Host()},
		CertificateAuthority: string(c.certificates.pem),
	}
}

// ConnectionString is for producers that connect to the plain AMQP listener.
func (c *Cloud) ConnectionString() string {
	return "Endpoint=sb://" + c.started().plain + ";SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=" +
		c.busKey + ";UseDevelopmentEmulator=true"
}
