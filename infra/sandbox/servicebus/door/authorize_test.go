package door_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	sdk "github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
)

// guard knows tokens of the form "entity:right,entity:right"; anything else is a bad token.
func guard(token, entity, right string) error {
	if !strings.Contains(token, ":") {
		return fmt.Errorf("%w: ExpiredToken", servicebus.ErrInvalidToken)
	}
	for grant := range strings.SplitSeq(token, ",") {
		if grant == entity+":"+right {
			return nil
		}
	}
	return errors.New("no role")
}

// use tries everything that needs a right, and tells how it ended.
func use(t *testing.T, c *sdk.Client) map[string]error {
	t.Helper()
	out := map[string]error{}
	s, err := c.NewSender("q", nil)
	require.NoError(t, err)
	out["send"] = s.SendMessage(timeout(t), text("x"), nil)
	_, out["schedule"] = s.ScheduleMessages(timeout(t), []*sdk.Message{text("x")}, soon(), nil)
	r, err := c.NewReceiverForQueue("q", nil)
	require.NoError(t, err)
	_, out["peek"] = r.PeekMessages(timeout(t), 1, nil)
	d, err := c.NewReceiverForQueue("q", &sdk.ReceiverOptions{SubQueue: sdk.SubQueueDeadLetter})
	require.NoError(t, err)
	_, out["peek dead letters"] = d.PeekMessages(timeout(t), 1, nil)
	sub, err := c.NewReceiverForSubscription("t", "s", nil)
	require.NoError(t, err)
	_, out["subscription"] = sub.PeekMessages(timeout(t), 1, nil)
	return out
}

func TestAuthorization(t *testing.T) {
	tests := map[string]struct {
		token   credential
		allowed []string
		text    string // in the errors
	}{
		"send":         {"q:Send", []string{"send", "schedule"}, "'Listen' claim(s) are required"},
		"listen":       {"q:Listen", []string{"peek", "peek dead letters"}, "'Send' claim(s) are required"},
		"subscription": {"t/subscriptions/s:Listen", []string{"subscription"}, "amqp:unauthorized-access"},
		"no role":      {"other:Send", nil, "amqp:unauthorized-access"},
		"bad token":    {"rubbish", nil, "status code 401 and description: InvalidToken: invalid token: ExpiredToken"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, servicebus.Options{Authorize: guard})
			require.NoError(t, b.PutQueue("q", servicebus.QueueProperties{}))
			require.NoError(t, b.PutTopic("t",
				servicebus.TopicProperties{Subscriptions: []servicebus.SubscriptionProperties{{Name: "s"}}}))
			allowed := map[string]bool{}
			for _, a := range tt.allowed {
				allowed[a] = true
			}
			for what, err := range use(t, overTLSAs(t, b, tt.token)) {
				if allowed[what] {
					require.NoError(t, err, what)
					continue
				}
				assertCode(t, sdk.CodeUnauthorizedAccess, err)
				if strings.Contains(tt.text, "claim") && strings.Contains(what, "subscription") {
					continue // lacks both
				}
				assert.ErrorContains(t, err, tt.text, what)
			}
		})
	}
}

func TestTokenThatLosesItsRightIsAskedAgain(t *testing.T) {
	var revoked atomic.Bool
	b := newBed(t, servicebus.Options{Authorize: func(string, string, string) error {
		if revoked.Load() {
			return errors.New("role removed")
		}
		return nil
	}})
	require.NoError(t, b.PutQueue("q", servicebus.QueueProperties{}))
	c := overTLS(t, b)
	first, err := c.NewSender("q", nil)
	require.NoError(t, err)
	require.NoError(t, first.SendMessage(timeout(t), text("x"), nil))
	revoked.Store(true)
	require.NoError(t, first.SendMessage(timeout(t), text("x"), nil), "an open link lives on, as in Azure")
	second, err := c.NewSender("q", nil)
	require.NoError(t, err)
	assertCode(t, sdk.CodeUnauthorizedAccess, second.SendMessage(timeout(t), text("x"), nil))
}

func TestSharedAccessSignature(t *testing.T) {
	var seen atomic.Value
	b := newBed(t, servicebus.Options{Authorize: guard, AuthorizeSAS: func(keyName, token string) error {
		seen.Store(token)
		if keyName != "root" {
			return errors.New("no such key")
		}
		return nil
	}})
	require.NoError(t, b.PutQueue("q", servicebus.QueueProperties{}))
	send := func(endpoint, extra string, o *sdk.ClientOptions) error {
		o.RetryOptions = retries()
		c, err := sdk.NewClientFromConnectionString("Endpoint=sb://"+endpoint+";SharedAccessKey=k"+extra, o)
		require.NoError(t, err)
		closeAtEnd(t, c.Close)
		s, err := c.NewSender("q", nil)
		require.NoError(t, err)
		return s.SendMessage(timeout(t), text("x"), nil)
	}
	require.NoError(t, send(b.plain, ";SharedAccessKeyName=root;UseDevelopmentEmulator=true", &sdk.ClientOptions{}))
	assert.Contains(t, seen.Load(), "SharedAccessSignature sr=")
	err := send(b.plain, ";SharedAccessKeyName=other;UseDevelopmentEmulator=true", &sdk.ClientOptions{})
	assertCode(t, sdk.CodeUnauthorizedAccess, err)
	assert.ErrorContains(t, err, "no such key")
	err = send(namespace, ";SharedAccessKeyName=root", &sdk.ClientOptions{CustomEndpoint: b.secure,
		TLSConfig: b.tlsConfig()})
	assertCode(t, sdk.CodeUnauthorizedAccess, err)
	assert.ErrorContains(t, err, "LocalAuthDisabled")
}
