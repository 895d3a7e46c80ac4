package door_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// requests opens the pair of links that requests need, and gives credit for replies.
func (p *peer) requests(node string, credit uint32) {
	p.t.Helper()
	p.receiver(amqp.NewSource(node, nil), nil)
	_ = next[*amqp.Attach](p)
	p.sender(amqp.NewTarget(node))
	_ = next[*amqp.Flow](p)
	if credit > 0 {
		p.credit(credit, false)
	}
}

// ask sends a request and returns how it was received.
func (p *peer) ask(replyTo, operation string, body any) *amqp.State {
	p.t.Helper()
	section, err := amqp.ValueBody(body)
	require.NoError(p.t, err)
	m := &amqp.Message{Properties: &amqp.Properties{MessageID: "request", ReplyTo: &replyTo}, Body: section,
		ApplicationProperties: amqp.Map{{Key: "operation", Value: operation}, {Key: "name", Value: "amqp://sandbox/q"},
			{Key: "type", Value: "jwt"}}}
	if replyTo == "" {
		m.Properties.ReplyTo = nil
	}
	p.send(1, &amqp.Transfer{Handle: 3, DeliveryID: ptr(uint32(0)), Payload: encoded(p.t, m)})
	return next[*amqp.Disposition](p).State
}

// reply reads a reply and returns its application properties.
func (p *peer) reply() amqp.Map {
	p.t.Helper()
	t := next[*amqp.Transfer](p)
	assert.True(p.t, t.Settled)
	m, err := amqp.DecodeMessage(t.Payload)
	require.NoError(p.t, err)
	assert.Equal(p.t, "request", m.Properties.CorrelationID)
	return m.ApplicationProperties
}

// managementCase is a request of a node, and its reply.
type managementCase struct {
	node, operation string
	body            any
	status          int32
	condition       string
}

func managementCases() map[string]managementCase {
	numbers, tokens := amqp.Array{int64(1)}, amqp.Array{amqp.UUID{1}}
	return map[string]managementCase{
		"unknown operation":  {"q", "add-rule", amqp.Map{}, 501, "amqp:not-implemented"},
		"body is not a map":  {"q", "peek-message", "x", 400, "amqp:invalid-field"},
		"peek without count": {"q", "peek-message", amqp.Map{}, 400, "amqp:invalid-field"},
		"peek nothing":       {"q", "peek-message", amqp.Map{{Key: "message-count", Value: int32(1)}}, 204, ""},
		"peek a topic": {"t", "peek-message", amqp.Map{{Key: "message-count", Value: int32(1)}}, 400,
			"amqp:not-allowed"},
		"renew nothing": {"q", "renew-lock", amqp.Map{{Key: "lock-tokens", Value: tokens}}, 410,
			"com.microsoft:message-lock-lost"},
		"renew without tokens": {"q", "renew-lock", amqp.Map{}, 400, "amqp:invalid-field"},
		"renew with numbers": {"q", "renew-lock", amqp.Map{{Key: "lock-tokens", Value: numbers}}, 400,
			"amqp:invalid-field"},
		"cancel nothing": {"q", "cancel-scheduled-message",
			amqp.Map{{Key: "sequence-numbers", Value: numbers}}, 404, "com.microsoft:message-not-found"},
		"cancel with tokens": {"q", "cancel-scheduled-message",
			amqp.Map{{Key: "sequence-numbers", Value: tokens}}, 400, "amqp:invalid-field"},
		"cancel on a subscription": {"t/subscriptions/one", "cancel-scheduled-message", amqp.Map{}, 400,
			"amqp:not-allowed"},
		"schedule nothing": {"q", "schedule-message", amqp.Map{}, 400, "amqp:invalid-field"},
		"schedule no message": {"q", "schedule-message", amqp.Map{{Key: "messages", Value: amqp.List{amqp.Map{}}}},
			400, "amqp:invalid-field"},
		"schedule rubbish": {"q", "schedule-message",
			amqp.Map{{Key: "messages", Value: amqp.List{amqp.Map{{Key: "message", Value: []byte{1}}}}}}, 400,
			"amqp:decode-error"},
		"receive nothing": {"q", "receive-by-sequence-number",
			amqp.Map{{Key: "sequence-numbers", Value: amqp.List{int64(1)}}}, 404, "com.microsoft:message-not-found"},
		"receive without session": {"s", "receive-by-sequence-number",
			amqp.Map{{Key: "sequence-numbers", Value: numbers}}, 400, "amqp:invalid-field"},
		"settle as nothing": {"q", "update-disposition", amqp.Map{{Key: "lock-tokens", Value: tokens}}, 400,
			"amqp:invalid-field"},
		"settle as unknown": {"q", "update-disposition", amqp.Map{{Key: "lock-tokens", Value: tokens},
			{Key: "disposition-status", Value: "eaten"}}, 400, "amqp:invalid-field"},
		"settle nothing": {"q", "update-disposition", amqp.Map{{Key: "lock-tokens", Value: tokens},
			{Key: "disposition-status", Value: "completed"}}, 410, "com.microsoft:message-lock-lost"},
		"state of nobody's": {"s", "get-session-state", amqp.Map{{Key: "session-id", Value: "x"}}, 410,
			"com.microsoft:session-lock-lost"},
		"state without session": {"s", "set-session-state", amqp.Map{}, 400, "amqp:invalid-field"},
		"renew nobody's session": {"s", "renew-session-lock", amqp.Map{{Key: "session-id", Value: "x"}}, 410,
			"com.microsoft:session-lock-lost"},
		"list without sessions": {"q", "get-message-sessions", amqp.Map{{Key: "top", Value: int32(1)}}, 400,
			"amqp:not-allowed"},
		"list without top": {"s", "get-message-sessions", amqp.Map{}, 400, "amqp:invalid-field"},
		"list nothing": {"s", "get-message-sessions", amqp.Map{{Key: "top", Value: int32(1)},
			{Key: "last-updated-time", Value: amqp.Timestamp(0)}}, 204, ""},
	}
}

func TestManagementRequests(t *testing.T) {
	for name, tt := range managementCases() {
		t.Run(name, func(t *testing.T) {
			overPipe(t, func(t *testing.T, b *servicebus.Broker, p *peer) {
				require.NoError(t, b.PutTopic("t",
					servicebus.TopicProperties{Subscriptions: []servicebus.SubscriptionProperties{{Name: "one"}}}))
				p.requests(tt.node+"/$management", 1)
				assert.Equal(t, amqp.Accepted, p.ask("me", "com.microsoft:"+tt.operation, tt.body).Outcome)
				got := p.reply()
				status, _ := got.Get("statusCode")
				assert.Equal(t, tt.status, status)
				condition, _ := got.Get("errorCondition")
				if tt.condition == "" {
					assert.Nil(t, condition)
				} else {
					assert.Equal(t, amqp.Symbol(tt.condition), condition)
				}
			})
		})
	}
}

func TestReplyAddress(t *testing.T) {
	tests := map[string]struct {
		replyTo string
		want    amqp.Outcome
	}{
		"target address": {"me", amqp.Accepted},
		"link name":      {"r", amqp.Accepted},
		"nobody":         {"you", amqp.Rejected},
		"none":           {"", amqp.Rejected},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			overPipe(t, func(t *testing.T, _ *servicebus.Broker, p *peer) {
				p.requests("$cbs", 1)
				assert.Equal(t, tt.want, p.ask(tt.replyTo, "put-token", "token").Outcome)
				if tt.want == amqp.Accepted {
					status, _ := p.reply().Get("status-code")
					assert.Equal(t, int32(202), status)
				}
			})
		})
	}
}

func TestRepliesWaitForCredit(t *testing.T) {
	overPipe(t, func(t *testing.T, _ *servicebus.Broker, p *peer) {
		p.requests("$cbs", 0)
		for range 3 {
			require.Equal(t, amqp.Accepted, p.ask("me", "put-token", "token").Outcome)
		}
		p.credit(2, false)
		p.reply()
		p.reply()
		p.credit(5, true)
		p.reply()
		f := next[*amqp.Flow](p)
		assert.Equal(t, uint32(5), *f.DeliveryCount)
		assert.Zero(t, *f.LinkCredit)
	})
}

func TestFaultyPutToken(t *testing.T) {
	tests := map[string]struct {
		operation string
		body      any
		status    int32
	}{
		"other operation": {"delete-token", "token", 501},
		"no token":        {"put-token", nil, 400},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			overPipe(t, func(t *testing.T, _ *servicebus.Broker, p *peer) {
				p.requests("$cbs", 1)
				p.ask("me", tt.operation, tt.body)
				status, _ := p.reply().Get("status-code")
				assert.Equal(t, tt.status, status)
			})
		})
	}
}
