package bus_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/door"
)

// namespace is the sandbox's Service Bus on loopback: AMQP over TLS, which takes tokens, and in the clear.
type namespace struct {
	broker      *servicebus.Broker
	now         time.Time // the broker's clock stands still
	secure      string    // address, TLS
	plain       string    // address, no TLS
	roots       *x509.CertPool
	tokens      atomic.Int32 // how many tokens were asked for
	tokenError  atomic.Pointer[error]
	denied      atomic.Bool // no principal has any right
	connections atomic.Int32

	mu        sync.Mutex
	listeners []net.Listener
	open      []net.Conn
}

func newNamespace(t *testing.T) *namespace {
	t.Helper()
	n := &namespace{now: time.Now().Truncate(time.Millisecond), roots: x509.NewCertPool()}
	n.broker = servicebus.NewBroker(servicebus.Options{
		Now: func() time.Time { return n.now },
		Authorize: func(token, _, _ string) error {
			switch {
			case token != "token-of-test":
				return servicebus.ErrInvalidToken
			case n.denied.Load():
				return errors.New("no role")
			}
			return nil
		},
	})
	t.Cleanup(n.broker.Close)
	require.NoError(t, n.broker.PutQueue("commands", servicebus.QueueProperties{RequiresSession: true,
		RequiresDuplicateDetection: true}))
	require.NoError(t, n.broker.PutQueue("health", servicebus.QueueProperties{}))
	require.NoError(t, n.broker.PutTopic("events", servicebus.TopicProperties{
		Subscriptions: []servicebus.SubscriptionProperties{{Name: "all"}},
	}))

	// for its certificate, which is good for *.example.com: the SDK checks the namespace's name
	server := httptest.NewTLSServer(nil)
	n.roots.AddCert(server.Certificate())
	certificates := server.TLS.Certificates
	server.Close()
	n.secure = n.listen(t, func(l net.Listener) net.Listener {
		return tls.NewListener(l, &tls.Config{Certificates: certificates, MinVersion: tls.VersionTLS12})
	})
	n.plain = n.listen(t, func(l net.Listener) net.Listener { return l })
	return n
}

// listen serves the broker on a free port until the test ends.
func (n *namespace) listen(t *testing.T, wrap func(net.Listener) net.Listener) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	n.listeners = append(n.listeners, l)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = door.Serve(ctx, n.broker, wrap(&noting{Listener: l, n: n})) // it ends by our cancel, or by stopListening
	}()
	t.Cleanup(func() { cancel(); <-done })
	return l.Addr().String()
}

// noting remembers the connections, so that a test can break them.
type noting struct {
	net.Listener
	n *namespace
}

func (l *noting) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	l.n.connections.Add(1)
	l.n.open = append(l.n.open, conn)
	return conn, nil
}

func (n *namespace) dropConnections() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, conn := range n.open {
		_ = conn.Close()
	}
	n.open = nil
}

func (n *namespace) stopListening() {
	for _, l := range n.listeners {
		_ = l.Close()
	}
	n.dropConnections()
}

// GetToken implements azcore.TokenCredential.
func (n *namespace) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	n.tokens.Add(1)
	if err := n.tokenError.Load(); err != nil {
		return azcore.AccessToken{}, *err
	}
	return azcore.AccessToken{Token: "token-of-test", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// client returns a client as in production: by name and token, over TLS, to a custom endpoint.
func (n *namespace) client(t *testing.T) *bus.Client {
	t.Helper()
	client, err := bus.New(bus.Config{Namespace: "bus.example.com", CustomEndpoint: n.secure}, n,
		&azservicebus.ClientOptions{
			TLSConfig: &tls.Config{RootCAs: n.roots, MinVersion: tls.VersionTLS12},
			RetryOptions: azservicebus.RetryOptions{MaxRetries: 5, RetryDelay: time.Millisecond,
				MaxRetryDelay: 20 * time.Millisecond},
		})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, client.Close(context.WithoutCancel(t.Context()))) })
	return client
}

func (n *namespace) entity(t *testing.T, name string) servicebus.EntityInfo {
	t.Helper()
	for _, e := range n.broker.Entities() {
		if e.Name == name {
			return e
		}
	}
	t.Fatalf("no entity %s", name)
	return servicebus.EntityInfo{}
}
