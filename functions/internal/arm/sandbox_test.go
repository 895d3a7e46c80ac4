package arm_test

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

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/arm"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// onSandbox returns a client, as the app's identity, of the sandbox's ARM behind a real TLS server.
func onSandbox(t *testing.T) (*arm.Client, *world.World) {
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
	c, err := arm.New(credential{}, &arm.Options{ClientOptions: azcore.ClientOptions{
		Transport: &http.Client{Transport: transport}, Retry: policy.RetryOptions{MaxRetries: -1},
	}})
	require.NoError(t, err)
	return c, w
}

func TestRoleAssignmentLifecycle(t *testing.T) {
	c, w := onSandbox(t)
	ctx := t.Context()
	w.PutServicePrincipal(world.ServicePrincipal{ID: principal, AppID: "a", AccountEnabled: true,
		ServicePrincipalType: "Application"})
	scope := arm.Scope(world.DataAccountID, "images")
	a := arm.RoleAssignment{
		Scope: scope, Name: arm.RoleAssignmentName(world.TenantID, scope, rbac.RoleBlobDataReader, principal, ""),
		RoleDefinitionID: arm.RoleDefinitionID(world.SubscriptionID, rbac.RoleBlobDataReader), PrincipalID: principal,
	}
	a.ID = arm.RoleAssignmentID(a.Scope, a.Name)

	_, err := c.GetRoleAssignment(ctx, a.ID)
	require.True(t, arm.IsNotFound(err), "%v", err)

	for _, want := range []arm.Outcome{arm.OutcomeCreated, arm.OutcomeUnchanged} {
		write, err := c.PutRoleAssignment(ctx, a)
		require.NoError(t, err)
		assert.Equal(t, want, write.Outcome)
		assert.NotEmpty(t, write.RequestID)
	}
	stored, ok := w.RoleAssignment(a.ID)
	require.True(t, ok)
	assert.Equal(t, "ServicePrincipal", stored.PrincipalType)

	got, err := c.GetRoleAssignment(ctx, a.ID)
	require.NoError(t, err)
	assert.Equal(t, a, got)
	all, err := c.ListRoleAssignments(ctx, scope, principal)
	require.NoError(t, err)
	assert.Equal(t, []arm.RoleAssignment{a}, all)
	none, err := c.ListRoleAssignments(ctx, scope, "00000000-0000-4000-8000-000000000000")
	require.NoError(t, err)
	assert.Empty(t, none)

	var refused *arm.Error
	other := a
	other.Name = arm.RoleAssignmentName(world.TenantID, scope, rbac.RoleBlobDataReader, principal, "salt")
	other.ID = ""
	_, err = c.PutRoleAssignment(ctx, other)
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, 409, refused.StatusCode)
	assert.Equal(t, "RoleAssignmentExists", refused.Code)

	changed := a
	changed.RoleDefinitionID = arm.RoleDefinitionID(world.SubscriptionID, rbac.RoleBlobDataContributor)
	_, err = c.PutRoleAssignment(ctx, changed)
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "RoleAssignmentUpdateNotPermitted", refused.Code)

	for _, want := range []arm.Outcome{arm.OutcomeDeleted, arm.OutcomeAbsent} {
		write, err := c.DeleteRoleAssignment(ctx, a.ID)
		require.NoError(t, err)
		assert.Equal(t, want, write.Outcome)
	}
	_, ok = w.RoleAssignment(a.ID)
	assert.False(t, ok)
}

func TestReads(t *testing.T) {
	c, _ := onSandbox(t)
	got, err := c.GetStorageAccount(t.Context(), world.DataAccountID)
	require.NoError(t, err)
	assert.Equal(t, arm.StorageAccount{
		ID: world.DataAccountID, Name: world.DataAccount, Location: world.Location,
		BlobEndpoint: "https://" + world.DataAccount + ".blob.core.windows.net/",
	}, got)
	_, err = c.GetStorageAccount(t.Context(), world.DataAccountID+"x")
	assert.True(t, arm.IsNotFound(err), "%v", err)

	_, err = c.PutRoleAssignment(t.Context(), arm.RoleAssignment{
		Scope: "/subscriptions/" + world.SubscriptionID, Name: name, PrincipalID: principal, RoleDefinitionID: roleID,
	})
	var refused *arm.Error
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "AuthorizationFailed", refused.Code)
}
