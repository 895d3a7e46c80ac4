package identity_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/identity"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

type fixture struct {
	world     *world.World
	authority *entra.Authority
	mine      world.ServicePrincipal // an identity of this test alone: the SDK's token cache is the process's
	server    *httptest.Server
}

func newFixture(t *testing.T, opts identity.Options) *fixture {
	t.Helper()
	f := &fixture{world: world.New(time.Now)}
	world.Seed(f.world)
	var err error
	f.authority, err = entra.NewAuthority(f.world)
	require.NoError(t, err)
	f.mine = world.ServicePrincipal{ID: uuid.NewString(), AppID: uuid.NewString(), AccountEnabled: true,
		ServicePrincipalType: world.PrincipalManagedIdentity}
	f.world.PutServicePrincipal(f.mine)
	opts.Authority, opts.Header, opts.UserAssigned = f.authority, "secret", []string{f.mine.ID}
	f.server = httptest.NewServer(identity.New(f.world, opts))
	t.Cleanup(f.server.Close)
	t.Setenv("IDENTITY_ENDPOINT", f.server.URL+"/MSI/token")
	t.Setenv("IDENTITY_HEADER", "secret")
	return f
}

func credentialOptions(id azidentity.ManagedIDKind) *azidentity.ManagedIdentityCredentialOptions {
	return &azidentity.ManagedIdentityCredentialOptions{ID: id,
		ClientOptions: policy.ClientOptions{Retry: policy.RetryOptions{MaxRetries: -1}}}
}

func TestTokenByAzidentity(t *testing.T) {
	f := newFixture(t, identity.Options{})
	for name, tc := range map[string]struct{ scope, checked string }{
		"Graph":       {"https://graph.microsoft.com/.default", entra.ResourceGraph},
		"ARM":         {"https://management.core.windows.net//.default", entra.ResourceManagement},
		"Service Bus": {"https://servicebus.azure.net//.default", entra.ResourceServiceBus},
	} {
		t.Run(name, func(t *testing.T) {
			credential, err := azidentity.NewManagedIdentityCredential(
				credentialOptions(azidentity.ClientID(f.mine.AppID)))
			require.NoError(t, err)
			got, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{tc.scope}})
			require.NoError(t, err)
			principal, err := f.authority.Verify(got.Token, tc.checked)
			require.NoError(t, err)
			assert.Equal(t, f.mine.ID, principal.ID)
			assert.WithinDuration(t, principal.ExpiresAt, got.ExpiresOn, time.Second)
		})
	}
}

func TestIdentityNotAssigned(t *testing.T) {
	newFixture(t, identity.Options{})
	credential, err := azidentity.NewManagedIdentityCredential(
		credentialOptions(azidentity.ClientID(uuid.NewString())))
	require.NoError(t, err)
	_, err = credential.GetToken(t.Context(),
		policy.TokenRequestOptions{Scopes: []string{"https://graph.microsoft.com/.default"}})
	var failed *azidentity.AuthenticationFailedError
	require.ErrorAs(t, err, &failed)
	assert.Contains(t, err.Error(), "Unable to load the proper Managed Identity.")
}

// TestProtocol drives the endpoint by hand: a row for each thing that it refuses.
func TestProtocol(t *testing.T) {
	f := newFixture(t, identity.Options{SystemAssigned: world.AppPrincipalID})
	app, err := f.world.CreateApplication(world.Application{DisplayName: "an app"}, "")
	require.NoError(t, err)
	_, err = f.world.CreateServicePrincipal(world.ServicePrincipal{AppID: app.AppID, AccountEnabled: true}, "")
	require.NoError(t, err)
	other, _ := f.world.PutUserAssignedIdentity(world.UserAssignedIdentity{
		ID: world.IdentitiesResourceGroupID + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/other"})

	for name, tc := range map[string]struct {
		change func(query url.Values, header http.Header)
		status int
		client string // client_id in the answer
	}{
		"by client id": {func(q url.Values, _ http.Header) { q.Set("client_id", f.mine.AppID) }, 200,
			f.mine.AppID},
		"by principal id": {func(q url.Values, _ http.Header) { q.Set("principal_id", f.mine.ID) }, 200,
			f.mine.AppID},
		"system-assigned":   {func(url.Values, http.Header) {}, 200, world.AppClientID},
		"no header":         {func(_ url.Values, h http.Header) { h.Del("X-IDENTITY-HEADER") }, 401, ""},
		"wrong header":      {func(_ url.Values, h http.Header) { h.Set("X-IDENTITY-HEADER", "guess") }, 401, ""},
		"other api version": {func(q url.Values, _ http.Header) { q.Set("api-version", "2018-02-01") }, 400, ""},
		"no resource":       {func(q url.Values, _ http.Header) { q.Del("resource") }, 400, ""},
		"unknown resource":  {func(q url.Values, _ http.Header) { q.Set("resource", "https://foo.example") }, 400, ""},
		"app's client id":   {func(q url.Values, _ http.Header) { q.Set("client_id", app.AppID) }, 400, ""},
		"unknown client id": {func(q url.Values, _ http.Header) { q.Set("client_id", "nobody") }, 400, ""},
		"not assigned":      {func(q url.Values, _ http.Header) { q.Set("client_id", other.ClientID) }, 400, ""},
		"nor by object id":  {func(q url.Values, _ http.Header) { q.Set("principal_id", other.PrincipalID) }, 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			query := url.Values{"api-version": {"2019-08-01"}, "resource": {entra.ResourceStorage}}
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.server.URL, nil)
			require.NoError(t, err)
			request.Header.Set("X-IDENTITY-HEADER", "secret")
			tc.change(query, request.Header)
			request.URL.RawQuery = query.Encode()
			response, err := f.server.Client().Do(request)
			require.NoError(t, err)
			defer func() { _ = response.Body.Close() }()
			body := map[string]any{}
			require.NoError(t, json.NewDecoder(response.Body).Decode(&body))
			assert.Equal(t, tc.status, response.StatusCode)
			if tc.status != http.StatusOK {
				assert.EqualValues(t, tc.status, body["statusCode"])
				assert.NotEmpty(t, body["message"])
				return
			}
			assert.Equal(t, tc.client, body["client_id"])
			assert.Equal(t, "Bearer", body["token_type"])
			assert.Equal(t, entra.ResourceStorage, body["resource"])
			expires, err := strconv.ParseInt(body["expires_on"].(string), 10, 64)
			require.NoError(t, err)
			assert.WithinDuration(t, time.Now().Add(time.Hour), time.Unix(expires, 0), 10*time.Second)
		})
	}
}
