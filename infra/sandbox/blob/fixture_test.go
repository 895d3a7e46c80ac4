package blob_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/blob"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/inprocess"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

type fixture struct {
	world     *world.World
	authority *entra.Authority
	issuer    *platform.Issuer
	service   *blob.Service
	transport inprocess.Hosts
}

// issuerKey signs for the issuers of all tests: an RSA key takes longer to make than most tests take.
var issuerKey = sync.OnceValues(func() (*jose.Key, error) { return jose.NewKey("issuer") })

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{world: world.New(time.Now)}
	world.Seed(f.world)
	var err error
	f.authority, err = entra.NewAuthority(f.world)
	require.NoError(t, err)
	key, err := issuerKey()
	require.NoError(t, err)
	f.issuer = platform.NewIssuer(world.Issuer, time.Now, key)
	f.service = blob.New(f.world, f.authority)
	site := platform.New(f.world, platform.Options{Issuer: f.issuer, APIKey: "key"})
	login := entra.New(f.world, f.authority, inprocess.Hosts(func(string) (http.Handler, bool) { return site, true }))
	f.transport = func(host string) (http.Handler, bool) {
		if host == entra.Host {
			return login, true
		}
		return f.service, f.service.HasAccount(host)
	}
	return f
}

func containerID(account, container string) string {
	return account + "/blobServices/default/containers/" + container
}

// principal makes a workload identity with one role at one scope; no role for "".
func (f *fixture) principal(t *testing.T, role, scope string) world.ServicePrincipal {
	t.Helper()
	app, err := f.world.CreateApplication(world.Application{DisplayName: "workload"}, "")
	require.NoError(t, err)
	principal, err := f.world.CreateServicePrincipal(world.ServicePrincipal{AppID: app.AppID,
		AccountEnabled: true}, "")
	require.NoError(t, err)
	if role != "" {
		f.assign(t, principal.ID, role, scope)
	}
	return principal
}

func (f *fixture) assign(t *testing.T, principalID, role, scope string) {
	t.Helper()
	_, _, err := f.world.PutRoleAssignment(rbac.RoleAssignment{Name: uuid.NewString(), Scope: scope,
		PrincipalID:   principalID,
		PrincipalType: "ServicePrincipal", RoleDefinitionID: rbac.RoleDefinitionID(world.SubscriptionID, role)})
	require.NoError(t, err)
}

// token is a credential that was issued by hand.
type token func() (string, time.Time, error)

func (k token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	compact, expires, err := k()
	return azcore.AccessToken{Token: compact, ExpiresOn: expires}, err
}

func (f *fixture) tokenOf(principal world.ServicePrincipal, resource string, opts ...entra.IssueOption) token {
	return func() (string, time.Time, error) { return f.authority.Issue(principal.ID, resource, opts...) }
}

func (f *fixture) client(t *testing.T, account string, credential azcore.TokenCredential) *azblob.Client {
	t.Helper()
	client, err := azblob.NewClient("https://"+account+".blob.core.windows.net/", credential,
		&azblob.ClientOptions{ClientOptions: f.options()})
	require.NoError(t, err)
	return client
}

func (f *fixture) options() policy.ClientOptions {
	return policy.ClientOptions{Transport: &http.Client{Transport: f.transport},
		Retry:           policy.RetryOptions{MaxRetries: -1},
		PerCallPolicies: []policy.Policy{askForNewest{}}}
}

// askForNewest asks for a version that the account knows: azblob asks for a newer one.
type askForNewest struct{}

func (askForNewest) Do(req *policy.Request) (*http.Response, error) {
	header := req.Raw().Header
	delete(header, "x-ms-version") // as azblob spells it, past the canonical form
	header.Set("x-ms-version", blob.NewestVersion)
	return req.Next()
}

// as is a client for the seeded data account that has a role on the container images.
func (f *fixture) as(t *testing.T, role string) *azblob.Client {
	t.Helper()
	principal := f.principal(t, role, containerID(world.DataAccountID, "images"))
	return f.client(t, world.DataAccount, f.tokenOf(principal, entra.ResourceStorage))
}

// fails asserts status and storage code of an SDK error.
func fails(t *testing.T, err error, status int, code string) *azcore.ResponseError {
	t.Helper()
	var failed *azcore.ResponseError
	require.True(t, errors.As(err, &failed), "%v", err)
	assert.Equal(t, status, failed.StatusCode)
	assert.Equal(t, code, failed.ErrorCode)
	assert.NotEmpty(t, failed.RawResponse.Header.Get("x-ms-request-id"))
	return failed
}
