package blobstore_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/blobstore"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/blob"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func stateURL() string {
	return "https://" + deployment.Example().State.Name + ".blob.core.windows.net"
}

// sandbox is the sandbox's blob service behind a real TLS server.
type sandbox struct {
	world     *world.World
	authority *entra.Authority
	transport *http.Transport
}

func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	w := world.New(time.Now)
	world.Seed(w)
	authority, err := entra.NewAuthority(w)
	require.NoError(t, err)
	server := httptest.NewTLSServer(blob.New(w, authority))
	t.Cleanup(server.Close)
	transport := server.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.ServerName = "example.com" // a name of the test server's certificate
	transport.MaxIdleConnsPerHost = 32
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, server.Listener.Addr().String())
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &sandbox{world: w, authority: authority, transport: transport}
}

// principal is a credential of a service principal of the sandbox.
type principal struct {
	authority *entra.Authority
	id        string
}

func (p principal) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, expires, err := p.authority.Issue(p.id, entra.ResourceStorage)
	return azcore.AccessToken{Token: token, ExpiresOn: expires}, err
}

// store returns the store as the app's identity sees it, over the given transport or else the plain one.
func (s *sandbox) store(t *testing.T, transport policy.Transporter) *blobstore.Store {
	t.Helper()
	if transport == nil {
		transport = &http.Client{Transport: s.transport}
	}
	store, err := blobstore.New(stateURL(), principal{s.authority, world.AppPrincipalID}, azcore.ClientOptions{
		Transport: transport, Retry: policy.RetryOptions{RetryDelay: time.Millisecond},
	})
	require.NoError(t, err)
	return store
}

func TestOnSandbox(t *testing.T) {
	s := newSandbox(t)
	store := s.store(t, nil)
	require.NoError(t, store.EnsureContainer(t.Context()), "it is there already")
	storetest.Run(t, func(*testing.T) integration.Store { return store })
}

func TestEnsureContainerMakesIt(t *testing.T) {
	s := newSandbox(t)
	require.NoError(t, s.world.DeleteContainer(deployment.Example().State.Name, deployment.StateContainer))
	store := s.store(t, nil)
	_, err := store.Get(t.Context(), "a.json")
	require.NotErrorIs(t, err, integration.ErrNotFound, "a missing container is an error, not an empty store")
	require.NoError(t, store.EnsureContainer(t.Context()))
	require.NoError(t, store.EnsureContainer(t.Context()))
	_, err = store.Get(t.Context(), "a.json")
	require.ErrorIs(t, err, integration.ErrNotFound)
}

// TestWithoutRight: what the service refuses is neither "not found" nor a conflict.
func TestWithoutRight(t *testing.T) {
	s := newSandbox(t)
	for _, a := range s.world.RoleAssignments() {
		if strings.HasPrefix(a.Scope, deployment.Example().State.ID+"/") {
			_, err := s.world.DeleteRoleAssignment(a.ID)
			require.NoError(t, err)
		}
	}
	store := s.store(t, nil)
	for name, call := range map[string]func() error{
		"get":    func() error { _, err := store.Get(t.Context(), "a.json"); return err },
		"create": func() error { _, err := store.Put(t.Context(), "a.json", []byte("1"), ""); return err },
		"update": func() error { _, err := store.Put(t.Context(), "a.json", []byte("1"), `"0x1"`); return err },
		"delete": func() error { return store.Delete(t.Context(), "a.json", `"0x1"`) },
		"list":   func() error { _, _, err := store.List(t.Context(), "", "", 10); return err },
		"ensure": func() error { return store.EnsureContainer(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			err := call()
			var failure *blobstore.Error
			require.ErrorAs(t, err, &failure)
			assert.Equal(t, 403, failure.HTTPStatus())
			assert.Equal(t, "AuthorizationPermissionMismatch", failure.ErrorCode())
			assert.Equal(t, "storage", failure.Service())
			assert.NotEmpty(t, failure.ServiceRequestID())
			assert.NotContains(t, err.Error(), "<", "Error() prints no body")
			var sdk *azcore.ResponseError
			assert.ErrorAs(t, err, &sdk)
			assert.NotErrorIs(t, err, integration.ErrNotFound)
			assert.NotErrorIs(t, err, integration.ErrConflict)
		})
	}
}
