package servicebus

import (
	"context"
	"net"
)

func (b *Broker) serveConn(ctx context.Context, conn net.Conn) error {
	<-ctx.Done()
	return conn.Close()
}
