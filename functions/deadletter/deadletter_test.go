package deadletter_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/deadletter"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

func TestWhateverArrivesIsHandedOn(t *testing.T) {
	const command = `{"specversion":"1.0","id":"e1","source":"/test","type":"ai.ddoe.wif.provision.v1",` +
		`"data":{"integrationId":"my-images","operationId":"op-1"}}`
	for name, body := range map[string]string{"a command": command, "unreadable": "\x00", "empty": ""} {
		t.Run(name, func(t *testing.T) {
			var got message.Delivery
			f := deadletter.Function{DeadLettered: func(_ context.Context, d message.Delivery) error {
				got = d
				return nil
			}}
			sent := message.Delivery{Body: []byte(body), MessageID: "m",
				ApplicationProperties: map[string]any{"DeadLetterReason": "x"}}
			require.NoError(t, f.Message(t.Context(), sent))
			assert.Equal(t, sent, got)
		})
	}
}

func TestWhatIsNotRecordedComesAgain(t *testing.T) {
	down := errors.New("store down")
	f := deadletter.Function{DeadLettered: func(context.Context, message.Delivery) error { return down }}
	require.ErrorIs(t, f.Message(t.Context(), message.Delivery{}), down)
}
