package ddoe_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// hung takes every request and answers none.
type hung struct{ requests int }

// RoundTrip implements http.RoundTripper.
func (h *hung) RoundTrip(r *http.Request) (*http.Response, error) {
	h.requests++
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestAHungPlatform costs one limit, whether it is asked for a list, for a new object or for a token; a caller
// that goes away ends the request at once.
func TestAHungPlatform(t *testing.T) {
	const url = "https://gate.example/api/v1"
	api := func(h *hung) *ddoe.Client {
		c, err := ddoe.NewClient(ddoe.Options{
			URL: url, Key: secret.New("planted-key"), Client: &http.Client{Transport: h}})
		require.NoError(t, err)
		return c
	}
	for name, tc := range map[string]struct {
		call  func(context.Context, *hung) error
		limit time.Duration
	}{
		"list": {func(ctx context.Context, h *hung) error {
			_, err := api(h).ListIntegrations(ctx, "org")
			return err
		}, 30 * time.Second},
		"create": {func(ctx context.Context, h *hung) error {
			_, err := api(h).CreateIntegration(ctx, "org", ddoe.NewIntegration{Name: "n", Type: "t"})
			return err
		}, 30 * time.Second},
		"subject token": {func(ctx context.Context, h *hung) error {
			_, err := ddoe.NewTokenSource(url, secret.New("planted-key"), &http.Client{Transport: h}).SubjectToken(
				ctx, "s", "a")
			return err
		}, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, began := &hung{}, time.Now()
				err := tc.call(t.Context(), h)
				assert.Equal(t, tc.limit, time.Since(began))
				assert.Equal(t, 1, h.requests)
				d := classify.Error(err, diagnosis.Context{})
				assert.Equal(t, diagnosis.CodeNetworkTimeout, d.Code)
				assert.Contains(t, d.Detail, "gate.example")

				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Millisecond, cancel)
				began = time.Now()
				err = tc.call(ctx, h)
				assert.Equal(t, time.Millisecond, time.Since(began))
				assert.True(t, errors.Is(err, context.Canceled), err)
			})
		})
	}
}
