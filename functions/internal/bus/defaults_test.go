package bus

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// nobody is a credential that is never asked.
type nobody struct{}

func (nobody) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{}, errors.New("asked")
}

// TestEachFailure: the code that a caller decides by, and whether the link is given up.
func TestEachFailure(t *testing.T) {
	t.Parallel()
	coded := func(code azservicebus.Code) error { return &azservicebus.Error{Code: code} }
	for name, c := range map[string]struct {
		err     error
		code    string
		isEnded bool
	}{
		"timeout":         {coded(azservicebus.CodeTimeout), "timeout", true},
		"closed":          {coded(azservicebus.CodeClosed), "closed", true},
		"connection lost": {coded(azservicebus.CodeConnectionLost), "connlost", true},
		"not found":       {coded(azservicebus.CodeNotFound), "notfound", true},
		"unauthorized":    {coded(azservicebus.CodeUnauthorizedAccess), "unauthorized", true},
		"lock lost":       {coded(azservicebus.CodeLockLost), "locklost", false},
		"too large":       {azservicebus.ErrMessageTooLarge, "toolarge", true},
		"ours":            {errClosed, "closed", true},
		"absent, as AMQP": {&amqp.Error{Condition: amqp.ErrCondNotFound}, "notfound", true},
		"full": {&amqp.Error{Condition: amqp.ErrCondResourceLimitExceeded},
			"amqp:resource-limit-exceeded", false},
		"detached": {&amqp.LinkError{}, "", true},
		"detached with a cause": {&amqp.LinkError{RemoteErr: &amqp.Error{Condition: "com.microsoft:entity-disabled"}},
			"", true},
		"cancelled": {context.Canceled, "", false},
		"no token":  {errors.New("no managed identity"), "", false},
	} {
		for _, err := range []error{c.err, errors.Join(errors.New("outer"), c.err)} {
			e := newError("send", "commands", err)
			if name == "detached with a cause" { // the SDK's text alone tells
				e.Code = c.code
			}
			assert.Equal(t, c.code, e.Code, name)
			assert.Equal(t, c.isEnded, e.isLinkFailure(), name)
			require.ErrorIs(t, e, err, name)
			assert.Equal(t, "bus: send commands: "+err.Error(), e.Error())
		}
	}
	assert.Equal(t, "bus: close: x", newError("close", "", errors.New("x")).Error())
}

// TestEncode: what is not given is not set, as Service Bus takes an empty session for one.
func TestEncode(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	assert.Equal(t, &azservicebus.Message{Body: []byte("x"), ContentType: new("application/cloudevents+json")},
		encode(Message{Body: []byte("x")}))
	assert.Equal(t, &azservicebus.Message{ContentType: new("application/cloudevents+json"), MessageID: new("m"),
		SessionID: new("s"), Subject: new("t"), ScheduledEnqueueTime: new(at.UTC())},
		encode(Message{ID: "m", SessionID: "s", Subject: "t", EnqueueAt: at}))
}

// TestDefaults: the limit of an answer is the configured one, else the app's; and the caller's options stay theirs.
func TestDefaults(t *testing.T) {
	t.Parallel()
	opts := &azservicebus.ClientOptions{}
	for limit, want := range map[time.Duration]time.Duration{0: 20 * time.Second, time.Minute: time.Minute} {
		c, err := New(Config{Namespace: "n.servicebus.windows.net", CustomEndpoint: "gateway", Limit: limit},
			nobody{}, opts)
		require.NoError(t, err)
		assert.Equal(t, want, c.limit)
		require.NoError(t, c.Close(t.Context()))
	}
	assert.Zero(t, *opts)
	c, err := New(Config{ConnectionString: secret.New(
		"Endpoint=sb://n.servicebus.windows.net/;SharedAccessKeyName=k;" +
			"SharedAccessKey=c2VjcmV0")}, nil, nil)
	require.NoError(t, err)
	require.NoError(t, c.Close(t.Context()))
}

// TestASenderIsReplacedOnce: one that was closed under a call gives way to another, and a second one is told.
func TestASenderIsReplacedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Config{Namespace: "n.servicebus.windows.net"}, nobody{}, nil)
		require.NoError(t, err)
		for _, tc := range []struct {
			err   error
			calls int
			kept  bool
		}{
			{&azservicebus.Error{Code: azservicebus.CodeClosed}, 2, false},
			{&azservicebus.Error{Code: azservicebus.CodeConnectionLost}, 1, false},
			{context.Canceled, 1, true},
			{nil, 1, true},
		} {
			var used []*azservicebus.Sender
			err := c.withSender(t.Context(), "send", "commands",
				func(ctx context.Context, s *azservicebus.Sender) error {
					at, ok := ctx.Deadline()
					assert.True(t, ok)
					assert.Equal(t, AnswerLimit, time.Until(at))
					used = append(used, s)
					return tc.err
				})
			if tc.err == nil {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, tc.err)
			}
			require.Len(t, used, tc.calls)
			if tc.calls > 1 {
				assert.NotSame(t, used[0], used[1])
			}
			next, err := c.sender("commands")
			require.NoError(t, err)
			assert.Equal(t, tc.kept, next == used[len(used)-1])
		}
		// The limit ends a call as a timeout; the caller's own end does not.
		late := func(ctx context.Context, _ *azservicebus.Sender) error { <-ctx.Done(); return ctx.Err() }
		var failure *Error
		began := time.Now()
		require.ErrorAs(t, c.withSender(t.Context(), "send", "health", late), &failure)
		assert.Equal(t, "timeout", failure.Code)
		assert.Equal(t, AnswerLimit, time.Since(began))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorAs(t, c.withSender(ctx, "send", "health", late), &failure)
		assert.Empty(t, failure.Code)
		require.NoError(t, c.Close(t.Context()))
	})
}

// TestALostConnectionIsTriedFourTimes: all of the SDK's repetitions come before the limit of an answer.
func TestALostConnectionIsTriedFourTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, tries := time.Now(), 0
		c, err := New(Config{Namespace: "n.servicebus.windows.net"}, nobody{}, &azservicebus.ClientOptions{
			NewWebSocketConn: func(context.Context, azservicebus.NewWebSocketConnArgs) (net.Conn, error) {
				tries++
				return nil, io.EOF
			}})
		require.NoError(t, err)
		err = c.Send(t.Context(), "commands", Message{ID: "1"})
		require.Error(t, err)
		assert.Equal(t, 4, tries)
		// 1, 3 and 7 s, each shortened or lengthened by the SDK to 80 to 130 %.
		assert.Greater(t, time.Since(began), 8*time.Second)
		assert.Less(t, time.Since(began), 15*time.Second)
		require.NoError(t, c.Close(t.Context()))
	})
}
