package provision_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// hanging is the way to the platform, which never answers requests of a path.
type hanging struct {
	way http.RoundTripper
	at  string
}

func (h hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, h.at) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return h.way.RoundTrip(r)
}

// TestPlatformHangs: an invocation ends in time all the same. It parks its command where the answer is needed, and goes on
// where it is not.
func TestPlatformHangs(t *testing.T) {
	for at, want := range map[string]integration.OperationStatus{
		"/users/orgs":                  integration.OperationSucceeded,
		"/projects/" + world.ProjectID: integration.OperationSucceeded,
		"/availableIntegrations":       integration.OperationRunning,
		"/integrations":                integration.OperationRunning,
		"/drivers/test":                integration.OperationRunning,
	} {
		t.Run(at, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := withPlatform(t)
				client, err := ddoe.NewClient(ddoe.Options{URL: "https://" + gate, Key: secret.New("planted-key"), Sleep: f.sleep, Now: f.now,
					Client: &http.Client{Transport: hanging{roundTripper{f}, at}}})
				require.NoError(t, err)
				f.service.Platform = &provision.Platform{Hiding: client.Hiding}
				_, cmd := f.submit(wired())
				ctx, cancel := context.WithTimeout(t.Context(), 270*time.Second)
				defer cancel()
				require.NoError(t, f.worker.Handle(ctx, cmd))
				f.requireStatus(cmd.OperationID, want)
				if want == integration.OperationRunning {
					f.command(cmd.OperationID + "-retry-1")
				}
			})
		})
	}
}

// TestPlatformPreflightDecidesNothing: a platform that does not answer the questions, or answers them otherwise, spoils no
// deployment; what is really wrong shows at the write.
func TestPlatformPreflightDecidesNothing(t *testing.T) {
	const asJSON = "application/json"
	for name, c := range map[string]struct {
		request     string
		status      int
		contentType string
		body        string
	}{
		"role: no such path":         {askRole, 404, asJSON, `{"message":"Not found"}`},
		"role: forbidden":            {askRole, 403, asJSON, `{}`},
		"role: unauthorized":         {askRole, 401, asJSON, `{}`},
		"role: a fault":              {askRole, 500, asJSON, `{}`},
		"role: out for long":         {askRole, 503, "text/plain", "down"},
		"role: a web page":           {askRole, 200, "text/html", "<html>"},
		"role: no list":              {askRole, 200, asJSON, `{"items":[]}`},
		"role: an empty list":        {askRole, 200, asJSON, `[]`},
		"role: another organisation": {askRole, 200, asJSON, `[{"org":"o-2","member":"a@b","role":"member"}]`},
		"role: other entries":        {askRole, 200, asJSON, `["member",7,{"organization":"` + world.OrganizationID + `","role":"member"}]`},
		"role: no role":              {askRole, 200, asJSON, `[{"org":"` + world.OrganizationID + `","member":"a@b"}]`},
		"role: an unknown role":      {askRole, 200, asJSON, `[{"org":"` + world.OrganizationID + `","member":"a@b","role":"steward"}]`},
		"role: two of them":          {askRole, 200, asJSON, `[{"org":"` + world.OrganizationID + `","member":"a@b","role":"member"},{"org":{"id":"` + world.OrganizationID + `"},"member":"a@b","role":"owner"}]`},
		"role: of everybody":         {askRole, 200, asJSON, `[{"org":"` + world.OrganizationID + `","member":"a@b","role":"member"},{"org":"` + world.OrganizationID + `","member":"c@d","role":"worker"}]`},
		"project: a proxy's page":    {askProject, 404, "text/html", "<html>"},
		"project: a fault":           {askProject, 500, asJSON, `{}`},
		"project: unauthorized":      {askProject, 401, asJSON, `{}`},
		"project: a web page":        {askProject, 200, "text/html", "<html>"},
		"project: no object":         {askProject, 200, asJSON, `[]`},
		"project: no organisation":   {askProject, 200, asJSON, `{"id":"` + world.ProjectID + `"}`},
		"project: odd organisation":  {askProject, 200, asJSON, `{"id":"` + world.ProjectID + `","org":7}`},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.answers(c.request, c.status, c.contentType, c.body)
			d := f.carried(wired())
			assert.Equal(t, "api", d.Status.DDOE.Mode)
			assert.Equal(t, gateCounts{1, 1}, f.onGate())
		})
		if c.request != askRole {
			continue
		}
		t.Run(name+", and the role is missing", func(t *testing.T) {
			f := withPlatform(t)
			f.answers(c.request, c.status, c.contentType, c.body)
			f.role("member")
			f.quirk(platform.QuirkErrors, world.Object{"value": "text"})
			a, cmd := f.submit(wired())
			f.handle(cmd)
			op := f.requireStatus(a.Operation.ID, integration.OperationFailed)
			assert.Equal(t, diagnosis.CodeDDOEOrganizationRoleMissing, op.Error.Code)
			assert.Contains(t, op.Error.Detail, "The platform says: Forbidden")
			assert.Equal(t, 1, f.counts().applications, "the write told")
			assert.Equal(t, gateCounts{}, f.onGate())
		})
	}
}

// TestPlatformPageIsNoUnknownOrganisation: a web page with 404 comes from a proxy or a wrong base of the API, and nobody is sent
// to correct the spec for it.
func TestPlatformPageIsNoUnknownOrganisation(t *testing.T) {
	f := withPlatform(t)
	f.answers(askTypes, 404, "text/html", "<html>")
	op := f.refused(wired())
	assert.Equal(t, diagnosis.CodeDDOENotFound, op.Error.Code)
	assert.Empty(t, op.Error.Findings)
	assert.Contains(t, op.Error.Detail, gate+"/orgs/"+world.OrganizationID+"/availableIntegrations was not found")
	assert.Contains(t, op.Error.Remedy.Steps[1], "DDOE_API_URL")
}
