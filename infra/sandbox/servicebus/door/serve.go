package door

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

const (
	maxFrameSize      = 64 << 10
	channelMax        = 4999
	handleMax         = 254
	ownIdleTimeout    = 2 * time.Minute // announced; twice that is allowed
	shortestKeepAlive = 100 * time.Millisecond
	handshakeTimeout  = 30 * time.Second
	writeTimeout      = 30 * time.Second
	maxUnwritten      = 1 << 20 // bytes; beyond it the connection reads no further
)

// connection is one AMQP connection. The reader goroutine handles frames; the writer goroutine runs the broker's news
// and writes. Locks are taken in the order mu, Broker.mu, newsMu: callbacks of the broker may only post.
type connection struct {
	b      *servicebus.Broker
	net    net.Conn
	secure bool // TLS

	mu       sync.Mutex // guards the protocol state below
	flushed  *sync.Cond // out was taken, or the connection is dead
	channels map[uint16]*channel
	claims   map[string]claim // by entity path, "" for the whole namespace
	out      []byte           // encoded frames to write
	frameMax uint32           // the peer's limit
	closing  bool             // our close is in out: nothing may follow
	dead     bool             // nobody writes any more

	newsMu sync.Mutex
	news   []func() // run with mu held
	wake   chan struct{}
}

// serveConn serves conn until its end, and closes it.
func serveConn(ctx context.Context, b *servicebus.Broker, conn net.Conn) error {
	_, secure := conn.(*tls.Conn)
	c := &connection{b: b, net: conn, secure: secure, channels: map[uint16]*channel{}, claims: map[string]claim{},
		frameMax: amqp.MinMaxFrameSize, wake: make(chan struct{}, 1)}
	c.flushed = sync.NewCond(&c.mu)
	defer func() { _ = conn.Close() }()

	_ = conn.SetDeadline(time.Now().Add(handshakeTimeout)) // a failure shows at the next read
	abort := context.AfterFunc(ctx, func() { _ = conn.Close() })
	r := bufio.NewReaderSize(conn, maxFrameSize)
	keepAlive, err := c.handshake(r)
	if !abort() || err != nil {
		return ignoreGone(err)
	}
	_ = conn.SetDeadline(time.Time{})
	return c.run(ctx, r, keepAlive)
}

// run reads and writes until one of the two ends.
func (c *connection) run(ctx context.Context, r *bufio.Reader, keepAlive time.Duration) error {
	var writer sync.WaitGroup
	done := make(chan struct{})
	c.signal() // the open is waiting
	writer.Go(func() { c.write(done, keepAlive) })
	stop := context.AfterFunc(ctx, func() {
		c.post(func() {
			c.close(&amqp.Error{Condition: amqp.Symbol(servicebus.ConditionConnectionForced),
				Description: "The broker is closing the connection."})
		})
	})
	defer stop()
	err := c.read(r)
	c.mu.Lock()
	for _, ch := range c.channels {
		ch.end()
	}
	c.mu.Unlock()
	close(done)
	writer.Wait()
	return ignoreGone(err)
}

// ignoreGone drops the errors by which a connection ends in the usual way.
func ignoreGone(err error) error {
	var netErr net.Error
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.ErrClosedPipe) || errors.As(err, &netErr) {
		return nil
	}
	return err
}

// read handles frames until the peer closes or breaks the protocol.
func (c *connection) read(r *bufio.Reader) error {
	for {
		_ = c.net.SetReadDeadline(time.Now().Add(2 * ownIdleTimeout))
		frame, err := amqp.ReadFrame(r, maxFrameSize)
		c.mu.Lock()
		switch {
		case errors.Is(err, amqp.ErrMalformed):
			c.close(&amqp.Error{Condition: "amqp:connection:framing-error", Description: err.Error()})
		case err == nil:
			err = c.handle(frame)
		}
		for err == nil && len(c.out) > maxUnwritten && !c.dead {
			c.signal()
			c.flushed.Wait()
		}
		over := c.closing || c.dead
		c.mu.Unlock()
		c.signal()
		if err != nil || over {
			return err
		}
	}
}

// handle handles one frame.
func (c *connection) handle(frame amqp.Frame) error {
	switch body := frame.Body.(type) {
	case nil:
		return nil
	case *amqp.Begin:
		return c.begin(frame.Channel, body)
	case *amqp.Close:
		c.close(nil)
		return nil
	}
	ch, ok := c.channels[frame.Channel]
	if !ok {
		return c.protocolError("frame on channel %d, which has no session", frame.Channel)
	}
	return ch.handle(frame.Body)
}

// protocolError closes the connection with amqp:not-allowed.
func (c *connection) protocolError(format string, args ...any) error {
	err := &servicebus.Error{Condition: servicebus.ConditionNotAllowed, Description: fmt.Sprintf(format, args...)}
	c.close(wireError(err))
	return err
}

// send queues a frame; after close it is dropped.
func (c *connection) send(channel uint16, p amqp.Performative) {
	if c.closing {
		return
	}
	out, err := amqp.AppendFrame(c.out, amqp.Frame{Channel: channel, Body: p})
	if err != nil {
		// Only values that this package builds itself, or has decoded, are encoded here.
		c.close(&amqp.Error{Condition: amqp.Symbol(servicebus.ConditionInternalError), Description: err.Error()})
		return
	}
	c.out = out
}

func (c *connection) close(why *amqp.Error) {
	c.send(0, &amqp.Close{Error: why})
	c.closing = true
}

// cut ends the connection as a broken line does: what is not written yet is lost.
func (c *connection) cut() {
	c.out, c.closing = nil, true
	_ = c.net.Close()
}

// post hands news to the writer. Callbacks of the broker call it with the broker's lock held.
func (c *connection) post(f func()) {
	c.newsMu.Lock()
	c.news = append(c.news, f)
	c.newsMu.Unlock()
	c.signal()
}

func (c *connection) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// write writes what is queued until done is closed, and then what is left.
func (c *connection) write(done <-chan struct{}, keepAlive time.Duration) {
	defer func() {
		c.mu.Lock()
		c.dead = true
		c.flushed.Broadcast()
		c.mu.Unlock()
		_ = c.net.Close()
	}()
	var tick <-chan time.Time
	if keepAlive > 0 {
		ticker := time.NewTicker(keepAlive)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		alive, over := false, false
		select {
		case <-c.wake:
		case <-tick:
			alive = true
		case <-done:
			over = true
		}
		buf, last := c.collect(alive)
		if len(buf) > 0 {
			_ = c.net.SetWriteDeadline(time.Now().Add(writeTimeout))
			if _, err := c.net.Write(buf); err != nil {
				return
			}
		}
		if over || last {
			return
		}
	}
}

// collect runs the news, lets links send, and takes what is to be written; last means that nothing will follow.
func (c *connection) collect(alive bool) (buf []byte, last bool) {
	c.newsMu.Lock()
	news := c.news
	c.news = nil
	c.newsMu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range news {
		f()
	}
	for _, ch := range c.channels {
		ch.pump()
	}
	if alive && len(c.out) == 0 && !c.closing {
		if empty, err := amqp.AppendFrame(nil, amqp.Frame{}); err == nil {
			c.out = empty
		}
	}
	buf, c.out = c.out, nil
	c.flushed.Broadcast()
	return buf, c.closing
}

// wireError is err as an AMQP error; what is not an *Error is an internal one.
func wireError(err error) *amqp.Error {
	var e *servicebus.Error
	if errors.As(err, &e) {
		return &amqp.Error{Condition: amqp.Symbol(e.Condition), Description: e.Description}
	}
	return &amqp.Error{Condition: amqp.Symbol(servicebus.ConditionInternalError), Description: err.Error()}
}
