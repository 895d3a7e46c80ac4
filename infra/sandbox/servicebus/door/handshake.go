package door

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// handshake does the protocol headers, SASL and open. It returns how often the peer wants a sign of life, 0 for never.
func (c *connection) handshake(r io.Reader) (time.Duration, error) {
	if err := c.sasl(r); err != nil {
		return 0, fmt.Errorf("SASL: %w", err)
	}
	if err := c.exchangeHeader(r, amqp.PlainHeader()); err != nil {
		return 0, err
	}
	frame, err := amqp.ReadFrame(r, maxFrameSize)
	if err != nil {
		return 0, err
	}
	open, ok := frame.Body.(*amqp.Open)
	if !ok {
		return 0, fmt.Errorf("%w: %T in place of open", amqp.ErrMalformed, frame.Body)
	}
	c.frameMax = maxFrameSize
	if open.MaxFrameSize != 0 {
		c.frameMax = max(amqp.MinMaxFrameSize, min(open.MaxFrameSize, maxFrameSize))
	}
	c.send(0, &amqp.Open{ContainerID: "service-bus-sandbox", MaxFrameSize: maxFrameSize, ChannelMax: channelMax,
		IdleTimeout: uint32(ownIdleTimeout.Milliseconds())})
	if open.IdleTimeout == 0 {
		return 0, nil
	}
	return max(time.Duration(open.IdleTimeout)*time.Millisecond/2, shortestKeepAlive), nil
}

func (c *connection) exchangeHeader(r io.Reader, want amqp.ProtocolHeader) error {
	got, err := amqp.ReadHeader(r)
	if err != nil {
		return err
	}
	if _, err := c.net.Write(want[:]); err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%w: protocol header %q", amqp.ErrMalformed, got[:])
	}
	return nil
}

// sasl lets everybody in who will authenticate on $cbs, and checks the key of SASL PLAIN.
func (c *connection) sasl(r io.Reader) error {
	if err := c.exchangeHeader(r, amqp.SASLHeader()); err != nil {
		return err
	}
	mechanisms := []amqp.Symbol{amqp.MechanismMSSBCBS, amqp.MechanismPlain, amqp.MechanismAnonymous,
		amqp.MechanismExternal}
	if err := c.writeSASL(&amqp.SASLMechanisms{Mechanisms: mechanisms}); err != nil {
		return err
	}
	frame, err := amqp.ReadFrame(r, maxFrameSize)
	if err != nil {
		return err
	}
	init, ok := frame.Body.(*amqp.SASLInit)
	if !ok {
		return fmt.Errorf("%w: %T in place of sasl-init", amqp.ErrMalformed, frame.Body)
	}
	if err := c.authenticate(init); err != nil {
		return errors.Join(err, c.writeSASL(&amqp.SASLOutcome{Code: amqp.SASLAuthFailed}))
	}
	return c.writeSASL(&amqp.SASLOutcome{Code: amqp.SASLOK})
}

func (c *connection) authenticate(init *amqp.SASLInit) error {
	if init.Mechanism != amqp.MechanismPlain {
		return nil
	}
	parts := bytes.Split(init.InitialResponse, []byte{0}) // authorization id, key name, key
	if len(parts) != 3 {
		return errors.New("malformed PLAIN response")
	}
	granted, err := c.sharedAccess(string(parts[1]), string(parts[2]))
	if err == nil {
		c.claims[""] = granted
	}
	return err
}

func (c *connection) writeSASL(p amqp.Performative) error {
	buf, err := amqp.AppendFrame(nil, amqp.Frame{SASL: true, Body: p})
	if err != nil {
		return err
	}
	_, err = c.net.Write(buf)
	return err
}
