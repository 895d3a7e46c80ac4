package ddoe_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	ddoe "github.com/ddoe-ai/azure-wif/functions/internal/oldddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// TestASuccessIsBelievedByItsForm: what could be read is no answer of the API's where it does not say that it is JSON, or
// where it is longer than any list.
func TestASuccessIsBelievedByItsForm(t *testing.T) {
	const most = 8 << 20 // bytes
	padded := func(size int) string { return "[]" + strings.Repeat(" ", size-2) }
	list := func(c *ddoe.Client) error { _, err := c.ListIntegrations(t.Context(), "org"); return err }
	create := func(c *ddoe.Client) error {
		_, _, err := c.CreateIntegration(t.Context(), "org", ddoe.NewIntegration{Name: "n", Type: "t"})
		return err
	}
	count := func(c *ddoe.Client) error { _, err := c.CountDrivers(t.Context(), "i"); return err }
	for name, c := range map[string]struct {
		call              func(*ddoe.Client) error
		contentType, body string
		believed          bool
	}{
		"a list":                        {list, asJSON, `[]`, true},
		"a list without a charset":      {list, "application/json", `[]`, true},
		"a list as a web page":          {list, "text/html; charset=utf-8", `[]`, false},
		"a list as text":                {list, "text/plain", `[]`, false},
		"a list of no type that can be": {list, "application/json; ;", `[]`, false},
		"a list as another JSON":        {list, "application/problem+json", `[]`, false},
		"an object":                     {create, asJSON, `{"id":"i"}`, true},
		"an object as a web page":       {create, "text/html", `{"id":"i"}`, false},
		"a number":                      {count, asJSON, `3`, true},
		"a number as a web page":        {count, "text/html", `3`, false},
		"a list of the longest kind":    {list, asJSON, padded(most), true},
		"a list that is too long":       {list, asJSON, padded(most + 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, scripted{status: 200, contentType: c.contentType, body: c.body})
			err := c.call(a.Client)
			assert.Equal(t, int64(1), a.requests.Load())
			if c.believed {
				require.NoError(t, err)
				return
			}
			var refused *ddoe.Error
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, ddoe.CodeAnswerInvalid, refused.ErrorCode())
			assert.Equal(t, "r-1", refused.ServiceRequestID())
		})
	}
}

// TestAnObjectHasAnID: who asks for an object, or makes or changes one, believes no answer without its id.
func TestAnObjectHasAnID(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, c *ddoe.Client) error{
		"read integration": func(ctx context.Context, c *ddoe.Client) error { _, err := c.GetIntegration(ctx, "i"); return err },
		"create integration": func(ctx context.Context, c *ddoe.Client) error {
			_, _, err := c.CreateIntegration(ctx, "org", ddoe.NewIntegration{Name: "n", Type: "t"})
			return err
		},
		"update integration": func(ctx context.Context, c *ddoe.Client) error {
			_, _, err := c.UpdateIntegration(ctx, "org", ddoe.IntegrationPatch{ID: "i", Name: "n"})
			return err
		},
		"read project": func(ctx context.Context, c *ddoe.Client) error { _, err := c.GetProject(ctx, "p"); return err },
		"read driver":  func(ctx context.Context, c *ddoe.Client) error { _, err := c.GetDriver(ctx, "d"); return err },
		"create driver": func(ctx context.Context, c *ddoe.Client) error {
			_, _, err := c.CreateDriver(ctx, ddoe.NewDriver{})
			return err
		},
		"update driver": func(ctx context.Context, c *ddoe.Client) error {
			_, _, err := c.UpdateDriver(ctx, "d", ddoe.DriverPatch{Name: "n"})
			return err
		},
		"validate drivers": func(ctx context.Context, c *ddoe.Client) error { _, err := c.ValidateDrivers(ctx, "i"); return err },
		"read command":     func(ctx context.Context, c *ddoe.Client) error { _, err := c.GetCommand(ctx, "c"); return err },
		"read own user":    func(ctx context.Context, c *ddoe.Client) error { _, err := c.Me(ctx); return err },
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, call(t.Context(), serve(t, scripted{status: 200, contentType: asJSON, body: `{"id":"x"}`}).Client))
			for _, body := range []string{`{}`, `{"id":""}`, `null`} {
				var refused *ddoe.Error
				require.ErrorAs(t, call(t.Context(), serve(t, scripted{status: 200, contentType: asJSON, body: body}).Client), &refused, body)
				assert.Equal(t, ddoe.CodeAnswerInvalid, refused.ErrorCode())
			}
		})
	}
}

// TestTheKeyFollowsNoRedirect: neither to another host nor within the platform's, whatever the request; the redirect is the
// answer, and the caller's client is left as it was.
func TestTheKeyFollowsNoRedirect(t *testing.T) {
	var followed atomic.Int64
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		followed.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `[]`)
	}))
	t.Cleanup(elsewhere.Close)
	for target, base := range map[string]string{"another host": elsewhere.URL, "the same host": ""} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			for name, call := range map[string]func(*ddoe.Client) error{
				"read": func(c *ddoe.Client) error { _, err := c.ListIntegrations(t.Context(), "org"); return err },
				"write": func(c *ddoe.Client) error {
					_, _, err := c.CreateIntegration(t.Context(), "org", ddoe.NewIntegration{Name: "n", Type: "t"})
					return err
				},
				"removal": func(c *ddoe.Client) error { _, _, err := c.DeleteDriver(t.Context(), "d"); return err },
			} {
				t.Run(fmt.Sprint(name, " ", status, " to ", target), func(t *testing.T) {
					platform := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if r.URL.Path == "/followed" {
							followed.Add(1)
							return
						}
						w.Header().Set("Location", base+"/followed")
						w.WriteHeader(status)
					}))
					t.Cleanup(platform.Close)
					way := platform.Client() // its certificate is that of all test servers
					client, err := ddoe.NewClient(ddoe.Options{URL: platform.URL, Key: secret.New(apiKey), Client: way})
					require.NoError(t, err)
					err = call(client)
					var refused *ddoe.Error
					require.ErrorAs(t, err, &refused)
					assert.Equal(t, status, refused.HTTPStatus())
					assert.Zero(t, followed.Swap(0))
					assert.Nil(t, way.CheckRedirect)
				})
			}
		}
	}
}
