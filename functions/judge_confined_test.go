package functions

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/fetch"
	"github.com/ddoe-ai/azure-wif/functions/internal/judgement"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// leadingInside is the way to the internet where every name leads to a private address.
type leadingInside struct{ internet }

func (leadingInside) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, &fetch.Refusal{Reason: fetch.ReasonAddress, Host: r.URL.Host}
}

// unused is a client that must not be used.
type unused struct{ t *testing.T }

func (u unused) RoundTrip(r *http.Request) (*http.Response, error) {
	u.t.Errorf("a request of the app's own client: %s %s", r.Method, r.URL.Host)
	return nil, http.ErrAbortHandler
}

// TestATestOfAFileIsConfined: what a caller's file names is contacted by the guarded way alone, with depth access too;
// where a name leads inside, nothing is sent, and the report says so.
func TestATestOfAFileIsConfined(t *testing.T) {
	t.Parallel()
	a := byHand(t, nil)
	cfg, err := ConfigFromEnvironment(settings(map[string]string{"DDOE_ISSUER": world.Issuer}))
	require.NoError(t, err)
	token, err := a.issuer.Mint(sandbox.TokenRequest{Subject: subject})
	require.NoError(t, err)
	wanted := judgement.Request{Depth: judgement.DepthAccess, File: []byte(handFile), Account: world.DataAccountID,
		Container: "images", Token: secret.New(token)}
	own := func(context.Context) (string, error) { return world.TenantID, nil }
	judge := func(public public) map[string]string {
		p := foundation{client: &http.Client{Transport: unused{t}}, public: public}
		report, err := newJudge(cfg, p, nil, own).Judge(t.Context(), wanted)
		require.NoError(t, err)
		found := map[string]string{}
		for _, c := range report.Checks {
			found[c.ID] = string(c.Status) + " " + string(c.Code)
		}
		return found
	}
	assert.Equal(t, "pass ", judge(internet{a.net})["exchange.token"])
	inside := judge(leadingInside{internet{a.net}})
	assert.Equal(t, "unknown address-not-public", inside["exchange.token"], inside)
}
