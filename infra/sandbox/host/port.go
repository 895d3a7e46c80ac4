package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
)

// Ports of handlers lie below the ports that systems hand out by themselves (Linux from 32768 on, others from 49152
// on). They come in blocks: the process that listens on the first port of a block owns the others until it ends.
const (
	firstPort = 10000
	lastPort  = 30000
	blockSize = 100
)

// ports are the handlers' ports of this process. A handler listens only some time after its port was chosen, and a
// restarted one is away for a while. Without an owner, the host of another process could choose the port in between,
// and that host's readiness poll would be answered by a handler that is not its own.
var ports portBlocks

type portBlocks struct {
	mu    sync.Mutex
	owned []net.Listener // one for each block, never closed
	next  int            // the block that is tried next
	free  []int          // nobody in this process has them; somebody outside may still listen there
}

var errNoPort = errors.New("no free port for the handler")

// take returns a port on which nothing listens and that no other host is given until it is released.
func (b *portBlocks) take(ctx context.Context) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		for i, port := range b.free {
			if isFree(ctx, port) {
				b.free = slices.Delete(b.free, i, i+1)
				return port, nil
			}
		}
		if err := b.own(ctx); err != nil {
			return 0, err
		}
	}
}

// own adds the next block that no other process owns.
func (b *portBlocks) own(ctx context.Context) error {
	for ; firstPort+b.next*blockSize < lastPort; b.next++ {
		first := firstPort + b.next*blockSize
		listener, err := listenPort(ctx, first)
		if err != nil {
			continue
		}
		b.owned = append(b.owned, listener)
		for port := first + 1; port < first+blockSize; port++ {
			b.free = append(b.free, port)
		}
		b.next++
		return nil
	}
	return fmt.Errorf("%w between %d and %d: every block has an owner", errNoPort, firstPort, lastPort)
}

// release gives back a port whose handler has ended. It is the last to be taken again.
func (b *portBlocks) release(port int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free = append(b.free, port)
}

func isFree(ctx context.Context, port int) bool {
	listener, err := listenPort(ctx, port)
	return err == nil && listener.Close() == nil
}

func listenPort(ctx context.Context, port int) (net.Listener, error) {
	var lc net.ListenConfig
	return lc.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}
