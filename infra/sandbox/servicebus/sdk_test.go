package servicebus_test

import (
	"testing"

	sdk "github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
)

func TestSmoke(t *testing.T) {
	for name, tr := range map[string]transport{"cs": overConnectionString, "tls": overTLS, "conn": overConn} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, servicebus.Options{})
			require.NoError(t, b.PutQueue("q", servicebus.QueueProperties{}))
			c := tr(t, b)
			s, err := c.NewSender("q", nil)
			require.NoError(t, err)
			require.NoError(t, s.SendMessage(timeout(t), &sdk.Message{Body: []byte("hi")}, nil))
			r, err := c.NewReceiverForQueue("q", nil)
			require.NoError(t, err)
			ms, err := r.ReceiveMessages(timeout(t), 1, nil)
			require.NoError(t, err)
			require.Equal(t, "hi", string(ms[0].Body))
			require.NoError(t, r.CompleteMessage(timeout(t), ms[0], nil))
			require.Empty(t, b.Peek("q"))
		})
	}
}
