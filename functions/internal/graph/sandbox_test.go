package graph_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/graph"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// onSandbox returns a client, as the app's identity, of the sandbox's Graph behind a real TLS server.
func onSandbox(t *testing.T) (*graph.Client, *world.World) {
	t.Helper()
	w := world.New(time.Now)
	world.Seed(w)
	server := httptest.NewTLSServer(sandbox.New(w, func(r *http.Request) (string, error) {
		if r.Header.Get("Authorization") != "Bearer token-of-test" {
			return "", errors.New("no token")
		}
		return world.AppPrincipalID, nil
	}))
	t.Cleanup(server.Close)
	transport := server.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.ServerName = "example.com" // a name of the test server's certificate
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, server.Listener.Addr().String())
	}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := graph.New(credential{}, &graph.Options{ClientOptions: azcore.ClientOptions{
		Transport: &http.Client{Transport: transport}, Retry: policy.RetryOptions{MaxRetries: -1},
	}})
	require.NoError(t, err)
	return c, w
}

const uniqueName = "ddoe-wif-1234abcd-acme"

// TestApplicationAndItsPrincipal makes both, and changes them.
func TestApplicationAndItsPrincipal(t *testing.T) {
	c, _ := onSandbox(t)
	ctx := t.Context()

	_, err := c.GetApplicationByUniqueName(ctx, uniqueName)
	require.True(t, isNotFound(err), "%v", err)

	app, write, err := c.CreateApplication(ctx, uniqueName, graph.ApplicationPatch{DisplayName: "Acme",
		Tags: []string{"managed-by:ddoe-wif"}})
	require.NoError(t, err)
	assert.Equal(t, graph.OutcomeCreated, write.Outcome)
	assert.NotEmpty(t, write.RequestID)
	assert.NotEqual(t, app.ID, app.AppID)

	var refused *graph.Error
	_, _, err = c.CreateApplication(ctx, uniqueName, graph.ApplicationPatch{DisplayName: "Twice"})
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "Request_BadRequest", refused.Code, "a name that is taken is never merged into")
	write, err = c.UpdateApplication(ctx, app.ID, graph.ApplicationPatch{DisplayName: "Acme 2"})
	require.NoError(t, err)
	assert.Equal(t, graph.OutcomeUpdated, write.Outcome)
	read, err := c.GetApplicationByUniqueName(ctx, uniqueName)
	require.NoError(t, err)
	assert.Equal(t, graph.Application{
		ID: app.ID, AppID: app.AppID, UniqueName: uniqueName, DisplayName: "Acme 2", SignInAudience: "AzureADMyOrg",
		Tags:             []string{"managed-by:ddoe-wif"}, // a member left out keeps its value
		LoginCredentials: graph.LoginCredentials{PasswordCredentials: []graph.LoginCredential{}},
	}, read)

	sp, write, err := c.UpsertServicePrincipal(ctx, app.AppID, graph.ServicePrincipalPatch{})
	require.NoError(t, err)
	assert.Equal(t, graph.OutcomeCreated, write.Outcome)
	assert.Equal(t, app.AppID, sp.AppID)
	_, write, err = c.UpsertServicePrincipal(ctx, app.AppID, graph.ServicePrincipalPatch{})
	require.NoError(t, err)
	assert.Equal(t, graph.OutcomeUpdated, write.Outcome)
	readPrincipal, err := c.GetServicePrincipalByAppID(ctx, app.AppID)
	require.NoError(t, err)
	assert.Equal(t, sp.ID, readPrincipal.ID)
	assert.True(t, readPrincipal.AccountEnabled)
}

func TestCredentialsOfAnApplication(t *testing.T) {
	c, _ := onSandbox(t)
	ctx := t.Context()
	app, _, err := c.CreateApplication(ctx, uniqueName, graph.ApplicationPatch{DisplayName: "Acme"})
	require.NoError(t, err)
	patch := graph.FederatedCredentialPatch{Issuer: world.Issuer, Subject: "system:serviceaccount:dataloop:s",
		Audiences: []string{"api://AzureADTokenExchange"}}
	fic, write, err := c.UpsertFederatedCredential(ctx, app.ID, "subject-1", patch)
	require.NoError(t, err)
	assert.Equal(t, graph.OutcomeCreated, write.Outcome)
	assert.Equal(t, "subject-1", fic.Name)
	_, write, err = c.UpsertFederatedCredential(ctx, app.ID, "subject-1", patch)
	require.NoError(t, err)
	assert.Equal(t, graph.OutcomeUpdated, write.Outcome)
	all, err := c.ListFederatedCredentials(ctx, app.ID)
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, patch.Subject, all[0].Subject)
	assert.Equal(t, patch.Issuer, all[0].Issuer)
	assert.Equal(t, patch.Audiences, all[0].Audiences)

	var refused *graph.Error
	_, _, err = c.UpsertFederatedCredential(ctx, app.ID, "subject-2", patch)
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "InvalidFederatedIdentityCredentialValue", refused.Code)

	write, err = c.DeleteFederatedCredential(ctx, app.ID, "subject-1")
	require.NoError(t, err)
	assert.Equal(t, graph.OutcomeDeleted, write.Outcome)
	_, err = c.DeleteFederatedCredential(ctx, app.ID, "subject-1")
	assert.True(t, isNotFound(err), "%v", err)
}

// TestDeletedObjectsAreRestoredAndPurged takes an application and its principal away and back, until nothing is left.
func TestDeletedObjectsAreRestoredAndPurged(t *testing.T) {
	c, w := onSandbox(t)
	ctx := t.Context()
	app, _, err := c.CreateApplication(ctx, uniqueName, graph.ApplicationPatch{DisplayName: "Acme"})
	require.NoError(t, err)
	sp, _, err := c.UpsertServicePrincipal(ctx, app.AppID, graph.ServicePrincipalPatch{})
	require.NoError(t, err)

	write, err := c.DeleteApplication(ctx, app.ID)
	require.NoError(t, err)
	assert.Equal(t, graph.OutcomeDeleted, write.Outcome)
	_, ok := w.ServicePrincipalByAppID(app.AppID)
	assert.False(t, ok, "the principal goes with its application")

	var refused *graph.Error
	_, _, err = c.CreateApplication(ctx, uniqueName, graph.ApplicationPatch{DisplayName: "Acme"})
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, 400, refused.StatusCode)
	assert.Equal(t, "Request_BadRequest", refused.Code)
	assert.Contains(t, refused.Message, "uniqueName")

	for _, id := range []string{app.ID, sp.ID} {
		write, err = c.RestoreDeletedItem(ctx, id)
		require.NoError(t, err)
		assert.Equal(t, graph.OutcomeRestored, write.Outcome)
	}
	readPrincipal, err := c.GetServicePrincipalByAppID(ctx, app.AppID)
	require.NoError(t, err)
	assert.Equal(t, sp.ID, readPrincipal.ID, "a restored principal keeps its id")

	write, err = c.DeleteServicePrincipal(ctx, sp.ID)
	require.NoError(t, err)
	assert.Equal(t, graph.OutcomeDeleted, write.Outcome)
	_, err = c.DeleteServicePrincipal(ctx, sp.ID)
	assert.True(t, isNotFound(err), "%v", err)
	_, err = c.DeleteApplication(ctx, app.ID)
	require.NoError(t, err)
	write, err = c.PurgeDeletedItem(ctx, app.ID)
	require.NoError(t, err)
	assert.Equal(t, graph.OutcomeDeleted, write.Outcome)
	_, err = c.PurgeDeletedItem(ctx, app.ID)
	assert.True(t, isNotFound(err), "%v", err)
	_, err = c.RestoreDeletedItem(ctx, app.ID)
	assert.True(t, isNotFound(err), "%v", err)
	_, write, err = c.CreateApplication(ctx, uniqueName, graph.ApplicationPatch{DisplayName: "Acme"})
	require.NoError(t, err)
	assert.Equal(t, graph.OutcomeCreated, write.Outcome, "purged, the name is free again")
}

// TestKeysArriveUnchanged: what is quoted and escaped here is what Graph reads there.
func TestKeysArriveUnchanged(t *testing.T) {
	c, w := onSandbox(t)
	for _, uniqueName := range []string{"plain", "it's", "''", "a b", "100%", "a%27b", "ä漢", "x)(y", "a&b=c", "a+b",
		"a;b", "a,b"} {
		_, write, err := c.CreateApplication(t.Context(), uniqueName, graph.ApplicationPatch{DisplayName: "d"})
		require.NoError(t, err, uniqueName)
		assert.Equal(t, graph.OutcomeCreated, write.Outcome)
		_, ok := w.ApplicationByUniqueName(uniqueName)
		assert.True(t, ok, uniqueName)
		got, err := c.GetApplicationByUniqueName(t.Context(), uniqueName)
		require.NoError(t, err, uniqueName)
		assert.Equal(t, uniqueName, got.UniqueName)
	}
}

func TestPrincipalWithoutApplication(t *testing.T) {
	c, _ := onSandbox(t)
	_, _, err := c.UpsertServicePrincipal(t.Context(), "99999999-9999-4999-8999-999999999999",
		graph.ServicePrincipalPatch{})
	var refused *graph.Error
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, 400, refused.StatusCode)
	assert.Contains(t, refused.DetailCodes, "NoBackingApplicationObject")
}

func TestWithoutRight(t *testing.T) {
	c, w := onSandbox(t)
	w.SetAppRoles(world.AppPrincipalID)
	_, _, err := c.CreateApplication(t.Context(), "u", graph.ApplicationPatch{DisplayName: "d"})
	var refused *graph.Error
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, 403, refused.StatusCode)
	assert.Equal(t, "Authorization_RequestDenied", refused.Code)
	assert.Empty(t, w.Applications())
}
