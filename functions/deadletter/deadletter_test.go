package deadletter_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/deadletter"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

func TestWhateverArrivesIsHandedOn(t *testing.T) {
	const command = `{"specversion":"1.0","id":"e1","source":"/test","type":"ai.ddoe.wif.provision.v1","data":{"integrationId":"my-images","operationId":"op-1"}}`
	for name, c := range map[string]struct{ body, integration, operation, code string }{
		"a command":   {command, "my-images", "op-1", "dead-lettered"},
		"unreadable":  {"\x00", "", "", "not-json"},
		"empty":       {"", "", "", "not-json"},
		"half a good": {`{"specversion":"1.0","id":"e1","source":"/t","type":"ai.ddoe.wif.provision.v1","data":{"integrationId":"my-images","x":1}}`, "my-images", "e1", "unknown-member"},
	} {
		t.Run(name, func(t *testing.T) {
			var got message.Delivery
			f := deadletter.Function{DeadLettered: func(_ context.Context, d message.Delivery) error {
				got = d
				return nil
			}}
			sent := message.Delivery{Body: []byte(c.body), MessageID: "m", ApplicationProperties: map[string]any{"DeadLetterReason": "x"}}
			ctx, record := invocation.With(t.Context())
			require.NoError(t, f.Message(ctx, sent))
			assert.Equal(t, sent, got)
			id, operation, code := record.Values()
			assert.Equal(t, c.integration, id)
			assert.Equal(t, c.code, code)
			if c.operation != "" {
				assert.Equal(t, c.operation, operation)
			}
		})
	}
}

func TestWhatIsNotRecordedComesAgain(t *testing.T) {
	down := errors.New("store down")
	f := deadletter.Function{DeadLettered: func(context.Context, message.Delivery) error { return down }}
	require.ErrorIs(t, f.Message(t.Context(), message.Delivery{}), down)
}
