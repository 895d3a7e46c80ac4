// Package door lets clients speak AMQP 1.0 to a broker of package servicebus: connections, sessions and links, $cbs,
// and the management nodes.
package door

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
)

// Serve accepts connections on l, plain or TLS, until ctx ends or the broker is closed; then it closes l and every
// connection it accepted, waits for them, and returns nil. The error is the listener's own if it fails before that.
func Serve(ctx context.Context, b *servicebus.Broker, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done, ok := b.Enter(cancel)
	if !ok {
		return l.Close()
	}
	defer done()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var conns sync.WaitGroup
	defer conns.Wait()
	defer cancel()
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept: %w", err)
		}
		// A connection that ends badly is its peer's affair; the others go on.
		conns.Go(func() { _ = serveConn(ctx, b, conn) })
	}
}

// ServeConn serves one connection until the peer leaves, ctx ends or the broker is closed, and closes it. The error
// tells why the connection ended other than by the peer's leave.
func ServeConn(ctx context.Context, b *servicebus.Broker, conn net.Conn) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done, ok := b.Enter(cancel)
	if !ok {
		return conn.Close()
	}
	defer done()
	return serveConn(ctx, b, conn)
}
