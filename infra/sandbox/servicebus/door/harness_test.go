package door_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	sdk "github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/door"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const namespace = "sandbox.servicebus.windows.net"

// credential is a token credential whose token states nothing but a word.
type credential string

func (c credential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(c), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// bed is a broker that listens.
type bed struct {
	*servicebus.Broker
	plain, secure string // addresses
	roots         *x509.CertPool
	lines         *lines
}

// lines remembers the server's side of connections, to cut them.
type lines struct {
	net.Listener
	mu   sync.Mutex
	open []net.Conn
}

func (l *lines) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.mu.Lock()
		l.open = append(l.open, conn)
		l.mu.Unlock()
	}
	return conn, err
}

// cut breaks all connections that are open, without a word of AMQP.
func (l *lines) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.open {
		_ = conn.Close()
	}
	l.open = nil
}

func newBed(t testing.TB, o servicebus.Options) *bed {
	t.Helper()
	b := &bed{Broker: servicebus.NewBroker(o), lines: &lines{Listener: listen(t)}}
	certificate, roots := selfSigned(t)
	b.roots = roots
	secure := listen(t)
	b.plain, b.secure = b.lines.Addr().String(), secure.Addr().String()
	var serving sync.WaitGroup
	serve := func(l net.Listener) {
		if err := door.Serve(context.Background(), b.Broker, l); err != nil {
			t.Errorf("serve: %v", err)
		}
	}
	serving.Go(func() { serve(b.lines) })
	serving.Go(func() {
		serve(tls.NewListener(secure, &tls.Config{Certificates: []tls.Certificate{certificate},
			MinVersion: tls.VersionTLS12}))
	})
	t.Cleanup(func() {
		b.Close()
		serving.Wait()
	})
	return b
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return l
}

func selfSigned(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: namespace},
		DNSNames:  []string{namespace},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// A transport is a way in which the SDK reaches the broker.
type transport func(t testing.TB, b *bed) *sdk.Client

func retries() sdk.RetryOptions {
	return sdk.RetryOptions{MaxRetries: 3, RetryDelay: 10 * time.Millisecond, MaxRetryDelay: 100 * time.Millisecond}
}

func overConnectionString(t testing.TB, b *bed) *sdk.Client {
	t.Helper()
	c, err := sdk.NewClientFromConnectionString(b.connectionString(), &sdk.ClientOptions{RetryOptions: retries()})
	require.NoError(t, err)
	closeAtEnd(t, c.Close)
	return c
}

func (b *bed) connectionString() string {
	return fmt.Sprintf("Endpoint=sb://%s;SharedAccessKeyName=root;SharedAccessKey=key;UseDevelopmentEmulator=true",
		b.plain)
}

func overTLS(t testing.TB, b *bed) *sdk.Client { return overTLSAs(t, b, "anybody") }

func overTLSAs(t testing.TB, b *bed, who credential) *sdk.Client {
	t.Helper()
	c, err := sdk.NewClient(namespace, who, &sdk.ClientOptions{RetryOptions: retries(), CustomEndpoint: b.secure,
		TLSConfig: b.tlsConfig()})
	require.NoError(t, err)
	closeAtEnd(t, c.Close)
	return c
}

func (b *bed) tlsConfig() *tls.Config {
	return &tls.Config{RootCAs: b.roots, ServerName: namespace, MinVersion: tls.VersionTLS12}
}

func overConn(t testing.TB, b *bed) *sdk.Client {
	t.Helper()
	var dialer net.Dialer
	c, err := sdk.NewClient(namespace, credential("anybody"), &sdk.ClientOptions{RetryOptions: retries(),
		NewWebSocketConn: func(ctx context.Context, _ sdk.NewWebSocketConnArgs) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", b.plain)
		}})
	require.NoError(t, err)
	closeAtEnd(t, c.Close)
	return c
}

// closeAtEnd closes an SDK object at the end of the test. Errors are fine: the test may have broken its connection.
func closeAtEnd(t testing.TB, closer func(context.Context) error) {
	t.Helper()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = closer(ctx)
	})
}

// timeout returns a context for one call of the SDK.
func timeout(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func contextWithTimeout(t testing.TB, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}

// soon is a time to schedule for that no test reaches.
func soon() time.Time { return time.Now().Add(time.Hour) }

// inBubble runs f with a broker on synctest's clock.
func inBubble(t *testing.T, f func(t *testing.T, b *servicebus.Broker)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := servicebus.NewBroker(servicebus.Options{})
		defer b.Close()
		f(t, b)
	})
}

func putQueue(t *testing.T, b *servicebus.Broker, p servicebus.QueueProperties) {
	t.Helper()
	require.NoError(t, b.PutQueue("q", p))
}

func send(t *testing.T, b *servicebus.Broker, entity string, messages ...servicebus.Message) {
	t.Helper()
	for _, m := range messages {
		require.NoError(t, b.Send(entity, m))
	}
}

func receive(t *testing.T, b *servicebus.Broker, entity string) *servicebus.Locked {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	l, err := b.Receive(ctx, entity)
	require.NoError(t, err)
	return l
}
