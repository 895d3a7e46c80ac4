package door_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

func TestHandshakeFailures(t *testing.T) {
	refuse := servicebus.Options{AuthorizeSAS: func(string, string) error { return assert.AnError }}
	tests := map[string]func(p *peer){
		"not AMQP": func(p *peer) {
			assert.Equal(p.t, amqp.SASLHeader(), p.header(amqp.ProtocolHeader{'G', 'E', 'T', ' ', '/', ' ', 'H', 'T'}))
		},
		"no SASL": func(p *peer) { assert.Equal(p.t, amqp.SASLHeader(), p.header(amqp.PlainHeader())) },
		"no init": func(p *peer) {
			p.header(amqp.SASLHeader())
			_ = next[*amqp.SASLMechanisms](p)
			p.sendSASL(&amqp.SASLOutcome{})
		},
		"wrong key": func(p *peer) {
			p.header(amqp.SASLHeader())
			_ = next[*amqp.SASLMechanisms](p)
			p.sendSASL(&amqp.SASLInit{Mechanism: amqp.MechanismPlain, InitialResponse: []byte("\x00user\x00key")})
			assert.Equal(p.t, amqp.SASLAuthFailed, next[*amqp.SASLOutcome](p).Code)
		},
		"malformed PLAIN": func(p *peer) {
			p.header(amqp.SASLHeader())
			_ = next[*amqp.SASLMechanisms](p)
			p.sendSASL(&amqp.SASLInit{Mechanism: amqp.MechanismPlain, InitialResponse: []byte("user")})
			assert.Equal(p.t, amqp.SASLAuthFailed, next[*amqp.SASLOutcome](p).Code)
		},
		"no open": func(p *peer) {
			p.header(amqp.SASLHeader())
			_ = next[*amqp.SASLMechanisms](p)
			p.sendSASL(&amqp.SASLInit{Mechanism: amqp.MechanismAnonymous})
			_ = next[*amqp.SASLOutcome](p)
			p.header(amqp.PlainHeader())
			p.send(0, &amqp.Begin{})
		},
	}
	for name, talk := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := servicebus.NewBroker(refuse)
				defer b.Close()
				p := connect(t, b)
				talk(p)
				require.Error(t, p.end())
			})
		})
	}
}

func TestSilentPeerIsDropped(t *testing.T) {
	inBubble(t, func(t *testing.T, b *servicebus.Broker) {
		p := connect(t, b)
		start := time.Now()
		require.NoError(t, p.end())
		assert.Equal(t, 30*time.Second, time.Since(start))
		p = connect(t, b).open(&amqp.Open{ContainerID: "test"})
		start = time.Now()
		require.NoError(t, p.end())
		assert.Equal(t, 4*time.Minute, time.Since(start))
	})
}

func TestSignsOfLife(t *testing.T) {
	inBubble(t, func(t *testing.T, b *servicebus.Broker) {
		p := connect(t, b).open(&amqp.Open{ContainerID: "test", IdleTimeout: 10_000})
		for range 3 {
			start := time.Now()
			f, err := amqp.ReadFrame(p.conn, 512)
			require.NoError(t, err)
			assert.Nil(t, f.Body)
			assert.LessOrEqual(t, time.Since(start), 5*time.Second)
		}
	})
}

func TestBrokerSaysGoodbye(t *testing.T) {
	overPipe(t, func(t *testing.T, b *servicebus.Broker, p *peer) {
		closed := make(chan struct{})
		go func() { b.Close(); close(closed) }()
		assert.Equal(t, amqp.Symbol("amqp:connection:forced"), next[*amqp.Close](p).Error.Condition)
		<-closed
	})
}

func TestPeerSaysGoodbye(t *testing.T) {
	overPipe(t, func(t *testing.T, _ *servicebus.Broker, p *peer) {
		p.send(1, &amqp.End{})
		assert.Nil(t, next[*amqp.End](p).Error)
		p.send(0, &amqp.Close{})
		assert.Nil(t, next[*amqp.Close](p).Error)
	})
}

func TestConnectionErrors(t *testing.T) {
	tests := map[string]struct {
		provoke func(p *peer)
		want    amqp.Symbol
	}{
		"malformed frame": {func(p *peer) { _, _ = p.conn.Write([]byte{0, 0, 0, 9, 2, 0, 0, 1, 0xff}) },
			"amqp:connection:framing-error"},
		"frame too large": {func(p *peer) { _, _ = p.conn.Write([]byte{1, 0, 0, 0, 2, 0, 0, 1}) },
			"amqp:connection:framing-error"},
		"channel in use":            {func(p *peer) { p.send(1, &amqp.Begin{}) }, "amqp:not-allowed"},
		"channel above the maximum": {func(p *peer) { p.send(5000, &amqp.Begin{}) }, "amqp:not-allowed"},
		"no session on the channel": {func(p *peer) { p.send(2, &amqp.End{}) }, "amqp:not-allowed"},
		"second open":               {func(p *peer) { p.send(1, &amqp.Open{}) }, "amqp:not-allowed"},
		"transfer without delivery-id": {func(p *peer) {
			p.sender(amqp.NewTarget("q"))
			_ = next[*amqp.Flow](p)
			p.send(1, &amqp.Transfer{Handle: 3})
		}, "amqp:not-allowed"},
		"transfer to a receiver's link": {func(p *peer) {
			p.receiver(amqp.NewSource("q", nil), nil)
			_ = next[*amqp.Attach](p)
			p.send(1, &amqp.Transfer{Handle: 7, DeliveryID: ptr(uint32(0))})
		}, "amqp:not-allowed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *servicebus.Broker) {
				putQueue(t, b, servicebus.QueueProperties{})
				p := connect(t, b).open(&amqp.Open{ContainerID: "test"})
				tt.provoke(p)
				assert.Equal(t, tt.want, next[*amqp.Close](p).Error.Condition)
				require.Error(t, p.end())
			})
		})
	}
}

func TestSessionErrors(t *testing.T) {
	tests := map[string]struct {
		provoke func(p *peer)
		want    amqp.Symbol
	}{
		"handle in use": {func(p *peer) {
			p.sender(amqp.NewTarget("q"))
			_ = next[*amqp.Flow](p)
			p.send(1, &amqp.Attach{Name: "x", Handle: 3, Source: amqp.NewSource("me", nil)})
		}, "amqp:session:handle-in-use"},
		"handle above the maximum": {func(p *peer) { p.send(1, &amqp.Attach{Name: "x", Handle: 255}) },
			"amqp:not-allowed"},
		"flow for no link": {func(p *peer) { p.credit(1, false) }, "amqp:session:unattached-handle"},
		"transfer for no link": {func(p *peer) { p.send(1, &amqp.Transfer{Handle: 9}) },
			"amqp:session:unattached-handle"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			overPipe(t, func(t *testing.T, _ *servicebus.Broker, p *peer) {
				tt.provoke(p)
				assert.Equal(t, tt.want, next[*amqp.End](p).Error.Condition)
				p.begin(2, 1) // the connection lives on
			})
		})
	}
}

func TestRefusedLinks(t *testing.T) {
	filter := amqp.Map{{Key: amqp.Symbol("com.microsoft:session-filter"), Value: nil}}
	tests := map[string]struct {
		attach *amqp.Attach
		want   amqp.Symbol
	}{
		"transactions":   {&amqp.Attach{Target: &amqp.Terminus{Descriptor: 0x30}}, "amqp:not-implemented"},
		"unknown target": {&amqp.Attach{Target: amqp.NewTarget("none")}, "amqp:not-found"},
		"no target":      {&amqp.Attach{}, "amqp:not-found"},
		"unknown source": {&amqp.Attach{Role: amqp.RoleReceiver, Source: amqp.NewSource("none", nil)},
			"amqp:not-found"},
		"unknown management": {&amqp.Attach{Target: amqp.NewTarget("none/$management")}, "amqp:not-found"},
		"sessions not wanted": {&amqp.Attach{Role: amqp.RoleReceiver, Source: amqp.NewSource("s", nil)},
			"amqp:not-allowed"},
		"no sessions there": {&amqp.Attach{Role: amqp.RoleReceiver, Source: amqp.NewSource("q", filter)},
			"amqp:not-allowed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			overPipe(t, func(t *testing.T, _ *servicebus.Broker, p *peer) {
				tt.attach.Name, tt.attach.Handle = "x", 7
				p.send(1, tt.attach)
				assert.Equal(t, tt.want, p.refusal(7).Condition)
				p.receiver(amqp.NewSource("q", nil), nil) // the handle is free again
				assert.Equal(t, "q", next[*amqp.Attach](p).Source.Address())
			})
		})
	}
}

func TestMessageLargerThanTheLinkAllows(t *testing.T) {
	overPipe(t, func(t *testing.T, b *servicebus.Broker, p *peer) {
		assert.Equal(t, uint64(256<<10), *p.sender(amqp.NewTarget("q")).MaxMessageSize)
		_ = next[*amqp.Flow](p)
		for range 5 {
			p.send(1, &amqp.Transfer{Handle: 3, DeliveryID: ptr(uint32(0)), DeliveryTag: []byte{1}, More: true,
				Payload: make([]byte, 60<<10)})
		}
		assert.Equal(t, amqp.Symbol("amqp:link:message-size-exceeded"), p.detached(3).Condition)
		assert.Empty(t, b.Peek("q"))
	})
}

func TestAbortedAndPresettledTransfers(t *testing.T) {
	overPipe(t, func(t *testing.T, b *servicebus.Broker, p *peer) {
		p.sender(amqp.NewTarget("q"))
		_ = next[*amqp.Flow](p)
		body := encoded(t, &amqp.Message{Body: amqp.AppendData(nil, []byte("x"))})
		p.send(1, &amqp.Transfer{Handle: 3, DeliveryID: ptr(uint32(0)), More: true, Payload: []byte("rubbish")})
		p.send(1, &amqp.Transfer{Handle: 3, Aborted: true})
		p.send(1, &amqp.Transfer{Handle: 3, DeliveryID: ptr(uint32(1)), Settled: true, Payload: body})
		p.send(1, &amqp.Transfer{Handle: 3, DeliveryID: ptr(uint32(2)), Payload: []byte("rubbish")})
		d := next[*amqp.Disposition](p)
		assert.Equal(t, uint32(2), d.First)
		assert.Equal(t, amqp.Symbol("amqp:decode-error"), d.State.Error.Condition)
		assert.Len(t, b.Peek("q"), 1)
	})
}

func TestDrain(t *testing.T) {
	overPipe(t, func(t *testing.T, b *servicebus.Broker, p *peer) {
		send(t, b, "q", servicebus.Message{MessageID: "only"})
		p.receiver(amqp.NewSource("q", nil), nil)
		_ = next[*amqp.Attach](p)
		p.credit(5, true)
		assert.False(t, next[*amqp.Transfer](p).Settled)
		f := next[*amqp.Flow](p)
		assert.True(t, f.Drain)
		assert.Equal(t, uint32(5), *f.DeliveryCount)
		assert.Equal(t, uint32(0), *f.LinkCredit)
		send(t, b, "q", servicebus.Message{MessageID: "after"})
		assert.Empty(t, b.Peek("q")[1].LockToken, "nothing is delivered without credit")
	})
}

func TestEchoReportsWhatIsLeft(t *testing.T) {
	overPipe(t, func(t *testing.T, b *servicebus.Broker, p *peer) {
		send(t, b, "q", servicebus.Message{})
		p.receiver(amqp.NewSource("q", nil), nil)
		_ = next[*amqp.Attach](p)
		p.credit(5, false)
		_ = next[*amqp.Transfer](p)
		p.flow(&amqp.Flow{Echo: true})
		f := next[*amqp.Flow](p)
		assert.Equal(t, uint32(1), *f.DeliveryCount)
		assert.Equal(t, uint32(4), *f.LinkCredit)
		p.send(1, &amqp.Flow{NextIncomingID: ptr(uint32(1)), IncomingWindow: 100, Echo: true})
		assert.Nil(t, next[*amqp.Flow](p).Handle)
	})
}

func TestWindowHoldsTransfersBack(t *testing.T) {
	overPipe(t, func(t *testing.T, b *servicebus.Broker, p *peer) {
		send(t, b, "q", servicebus.Message{Body: make([]byte, 150<<10)})
		p.receiver(amqp.NewSource("q", nil), nil)
		_ = next[*amqp.Attach](p)
		p.flow(&amqp.Flow{LinkCredit: ptr(uint32(1)), IncomingWindow: 2})
		assert.True(t, next[*amqp.Transfer](p).More)
		assert.True(t, next[*amqp.Transfer](p).More)
		p.silence()
		p.send(1, &amqp.Flow{NextIncomingID: ptr(uint32(2)), IncomingWindow: 2})
		assert.False(t, next[*amqp.Transfer](p).More)
	})
}

func TestOwnWindowIsRenewed(t *testing.T) {
	overPipe(t, func(t *testing.T, _ *servicebus.Broker, p *peer) {
		p.sender(amqp.NewTarget("q"))
		_ = next[*amqp.Flow](p)
		for range 2500 {
			p.send(1, &amqp.Transfer{Handle: 3, DeliveryID: ptr(uint32(0)), More: true, Payload: []byte("x")})
		}
		assert.Equal(t, uint32(2500), *next[*amqp.Flow](p).NextIncomingID)
	})
}

func TestConsumersTakeTurns(t *testing.T) {
	overPipe(t, func(t *testing.T, b *servicebus.Broker, p *peer) {
		for handle := range uint32(2) {
			p.send(1, &amqp.Attach{Name: "r", Handle: handle, Role: amqp.RoleReceiver,
				Source: amqp.NewSource("q", nil)})
			_ = next[*amqp.Attach](p)
			p.send(1, &amqp.Flow{Handle: &handle, NextIncomingID: ptr(uint32(0)), IncomingWindow: 100,
				LinkCredit: ptr(uint32(10))})
		}
		synctest.Wait()
		got := map[uint32]int{}
		for range 4 {
			send(t, b, "q", servicebus.Message{})
			got[next[*amqp.Transfer](p).Handle]++
		}
		assert.Equal(t, map[uint32]int{0: 2, 1: 2}, got)
	})
}

// TestUnsentMessagesReturn: the window is closed, so the message never leaves; when the link ends it is ready for
// others, as if it had never been handed out.
func TestUnsentMessagesReturn(t *testing.T) {
	for name, mode := range map[string]uint8{"peek lock": amqp.SenderUnsettled,
		"receive and delete": amqp.SenderSettled} {
		t.Run(name, func(t *testing.T) {
			overPipe(t, func(t *testing.T, b *servicebus.Broker, p *peer) {
				send(t, b, "q", servicebus.Message{MessageID: "m"})
				p.begin(2, 0)
				p.send(2, &amqp.Attach{Name: "r", Handle: 0, Role: amqp.RoleReceiver, SenderSettleMode: &mode,
					Source: amqp.NewSource("q", nil)})
				_ = next[*amqp.Attach](p)
				p.send(2, &amqp.Flow{NextIncomingID: ptr(uint32(0)), Handle: ptr(uint32(0)),
					LinkCredit: ptr(uint32(1))})
				synctest.Wait()
				p.send(2, &amqp.Detach{Handle: 0, Closed: true})
				_ = next[*amqp.Detach](p)
				assert.Equal(t, 1, receive(t, b, "q").Message.DeliveryCount)
			})
		})
	}
}

func TestDispositionOfARange(t *testing.T) {
	overPipe(t, func(t *testing.T, b *servicebus.Broker, p *peer) {
		for range 3 {
			send(t, b, "q", servicebus.Message{})
		}
		p.receiver(amqp.NewSource("q", nil), nil)
		_ = next[*amqp.Attach](p)
		p.credit(3, false)
		for range 3 {
			_ = next[*amqp.Transfer](p)
		}
		p.send(1, &amqp.Disposition{Role: amqp.RoleReceiver, First: 0, Last: ptr(uint32(1)), Settled: true,
			State: &amqp.State{Outcome: amqp.Accepted}})
		p.send(1, &amqp.Disposition{Role: amqp.RoleReceiver, First: 0, Last: ptr(uint32(1 << 31)),
			State: &amqp.State{Outcome: amqp.Received}})
		p.send(1, &amqp.Disposition{Role: amqp.RoleSender, First: 2, Settled: true})
		p.send(1, &amqp.Disposition{Role: amqp.RoleReceiver, First: 0, Last: ptr(uint32(1 << 31)),
			State: &amqp.State{Outcome: amqp.Released}})
		d := next[*amqp.Disposition](p)
		assert.Equal(t, uint32(2), d.First)
		assert.True(t, d.Settled)
		assert.Equal(t, amqp.Released, d.State.Outcome)
		left := b.Peek("q")
		require.Len(t, left, 1)
		assert.Zero(t, left[0].DeliveryCount)
	})
}

func TestWaitForSession(t *testing.T) {
	bare := amqp.Map{{Key: amqp.Symbol("com.microsoft:session-filter"), Value: nil}}
	const code = uint64(0x137000000C)
	described := amqp.Map{{Key: amqp.Symbol("com.microsoft:session-filter"), Value: amqp.Described{Descriptor: code}}}
	patience := amqp.Map{{Key: amqp.Symbol("com.microsoft:timeout"), Value: uint32(5000)}}

	t.Run("until the timeout", func(t *testing.T) {
		overPipe(t, func(t *testing.T, _ *servicebus.Broker, p *peer) {
			start := time.Now()
			p.receiver(amqp.NewSource("s", bare), patience)
			assert.Equal(t, amqp.Symbol("com.microsoft:timeout"), p.refusal(7).Condition)
			assert.Equal(t, 5*time.Second, time.Since(start))
			p.receiver(amqp.NewSource("s", bare), nil)
			assert.Equal(t, amqp.Symbol("com.microsoft:timeout"), p.refusal(7).Condition)
			assert.Equal(t, 65*time.Second, time.Since(start))
		})
	})
	t.Run("until there is one, with early credit", func(t *testing.T) {
		overPipe(t, func(t *testing.T, b *servicebus.Broker, p *peer) {
			p.receiver(amqp.NewSource("s", described), patience)
			p.credit(1, false)
			synctest.Wait()
			send(t, b, "s", servicebus.Message{SessionID: "x"})
			a := next[*amqp.Attach](p)
			id, _ := a.Source.Filter().Get("com.microsoft:session-filter")
			assert.Equal(t, amqp.Described{Descriptor: code, Value: "x"}, id)
			ticks, _ := a.Properties.Get("com.microsoft:locked-until-utc")
			assert.Equal(t, time.Now().Add(time.Minute).UnixMicro()*10+621355968000000000, ticks)
			_ = next[*amqp.Transfer](p)
			assert.Equal(t, amqp.Symbol("com.microsoft:session-lock-lost"), p.detached(7).Condition, "a minute later")
		})
	})
	t.Run("not to the end", func(t *testing.T) {
		overPipe(t, func(t *testing.T, b *servicebus.Broker, p *peer) {
			p.receiver(amqp.NewSource("s", bare), nil)
			p.send(1, &amqp.Detach{Handle: 7, Closed: true})
			assert.Nil(t, next[*amqp.Attach](p).Source)
			_ = next[*amqp.Detach](p)
			send(t, b, "s", servicebus.Message{SessionID: "x"})
			_, err := b.AcceptSession("s", "x")
			require.NoError(t, err)
		})
	})
}
