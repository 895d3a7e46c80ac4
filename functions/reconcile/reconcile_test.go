package reconcile_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/reconcile"
)

const command = `{"specversion":"1.0","id":"e1","source":"/test","type":"ai.ddoe.wif.provision.v1",` +
	`"data":{"integrationId":"my-images","operationId":"op-1"}}`

func TestCommandsAndRejections(t *testing.T) {
	broken := errors.New("store down")
	cases := map[string]struct {
		body, session          string
		handled, rejected      bool
		err                    error
		integration, operation string
		code                   string
	}{
		"a command": {body: command, session: "my-images", handled: true, integration: "my-images",
			operation: "op-1"},
		"a command that fails": {body: command, session: "my-images", handled: true, err: broken,
			integration: "my-images", operation: "op-1"},
		"another session": {body: command, session: "other", rejected: true, integration: "my-images",
			operation: "op-1", code: "session-mismatch"},
		"not JSON":              {body: "x", rejected: true, code: "not-json"},
		"a record that is lost": {body: "x", rejected: true, err: broken, code: "not-json"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var handled, rejected bool
			f := reconcile.Function{
				Handle: func(_ context.Context, m message.Command) error {
					handled = true
					assert.Equal(t, "my-images", m.IntegrationID)
					return c.err
				},
				Reject: func(_ context.Context, d message.Delivery, r *message.Rejection) error {
					rejected = true
					assert.Equal(t, c.body, string(d.Body), "the body is kept as it came")
					assert.Equal(t, c.code, string(r.Code))
					return c.err
				},
			}
			ctx, record := invocation.With(t.Context())
			err := f.Message(ctx, message.Delivery{Body: []byte(c.body), MessageID: "m", SessionID: c.session})
			require.ErrorIs(t, err, c.err, "what is not recorded is delivered again")
			assert.Equal(t, c.handled, handled)
			assert.Equal(t, c.rejected, rejected)
			id, operation, code := record.Values()
			assert.Equal(t, c.integration, id)
			assert.Equal(t, c.code, code)
			if c.operation != "" {
				assert.Equal(t, c.operation, operation)
			}
			assert.NotEmpty(t, operation)
		})
	}
}
