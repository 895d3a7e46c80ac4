package servicebus

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// closer is a listener or connection that Close must end. It is called with the broker's lock held.
type closer struct{ close func() }

// Serve accepts connections on l, plain or TLS, until ctx ends or the broker is closed; then it closes l and every
// connection it accepted, waits for them, and returns nil. The error is the listener's own if it fails before that.
func (b *Broker) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done, ok := b.enter(cancel)
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
		conns.Go(func() { _ = b.serveConn(ctx, conn) })
	}
}

// ServeConn serves one connection until the peer leaves, ctx ends or the broker is closed, and closes it. The error
// tells why the connection ended other than by the peer's leave.
func (b *Broker) ServeConn(ctx context.Context, conn net.Conn) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done, ok := b.enter(cancel)
	if !ok {
		return conn.Close()
	}
	defer done()
	return b.serveConn(ctx, conn)
}

// enter registers something that Close ends by calling cancel and then waits for; done must be called at its end.
func (b *Broker) enter(cancel func()) (done func(), ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, false
	}
	c := &closer{close: cancel}
	b.closers[c] = struct{}{}
	b.serving.Add(1)
	return func() {
		b.mu.Lock()
		delete(b.closers, c)
		b.mu.Unlock()
		b.serving.Done()
	}, true
}
