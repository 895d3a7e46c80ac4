package checkhealth_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/checkhealth"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

func TestChecksAndRejections(t *testing.T) {
	broken := errors.New("store down")
	const event = `{"specversion":"1.0","id":"e1","source":"/test","type":"ai.ddoe.wif.healthcheck.v1",` +
		`"data":{"integrationId":"my-images","slot":"2026-01-02T03:04:05Z"}}`
	for name, c := range map[string]struct {
		body, code string
		err        error
	}{
		"a check":               {body: event},
		"a check that fails":    {body: event, err: broken},
		"not JSON":              {body: "x", code: "not-json"},
		"a record that is lost": {body: "x", code: "not-json", err: broken},
		"a command": {body: `{"specversion":"1.0","id":"e1","source":"/test",` +
			`"type":"ai.ddoe.wif.provision.v1","data":{"integrationId":"my-images"}}`, code: "unknown-command"},
	} {
		t.Run(name, func(t *testing.T) {
			var checked, rejected int
			f := checkhealth.Function{
				Check: func(_ context.Context, m message.HealthCheck) error {
					checked++
					assert.Equal(t, message.HealthCheck{ID: "e1", IntegrationID: "my-images",
						Slot: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, m)
					return c.err
				},
				Reject: func(_ context.Context, d message.Delivery, r *message.Rejection) error {
					rejected++
					assert.Equal(t, c.body, string(d.Body), "the body is kept as it came")
					assert.Equal(t, c.code, string(r.Code))
					return c.err
				},
			}
			ctx, record := invocation.With(t.Context())
			require.ErrorIs(t, f.Message(ctx, message.Delivery{Body: []byte(c.body), MessageID: "m"}), c.err,
				"what is not recorded is delivered again")
			assert.Equal(t, 1, checked+rejected)
			assert.Equal(t, c.code == "", checked == 1)
			id, _, code := record.Values()
			assert.Equal(t, c.code, code)
			if c.code != "not-json" {
				assert.Equal(t, "my-images", id)
			}
		})
	}
}
