package entra_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// credential is the SDK's own, unchanged but for the transport: instance discovery stays on.
func (f *fixture) credential(t *testing.T, tenant string, request platform.TokenRequest) azcore.TokenCredential {
	t.Helper()
	credential, err := azidentity.NewClientAssertionCredential(tenant, f.app.AppID,
		func(context.Context) (string, error) { return f.mint(t, request), nil },
		&azidentity.ClientAssertionCredentialOptions{ClientOptions: policy.ClientOptions{
			Transport: &http.Client{Transport: f.network},
			Retry:     policy.RetryOptions{MaxRetries: -1},
		}})
	require.NoError(t, err)
	return credential
}

// TestExchangeByAzidentity has a row for each resource that the app or its customers ask for.
func TestExchangeByAzidentity(t *testing.T) {
	for name, tc := range map[string]struct{ scope, audience, checked string }{
		"storage": {"https://storage.azure.com/.default", "https://storage.azure.com", entra.ResourceStorage},
		"ARM": {"https://management.azure.com/.default", "https://management.azure.com",
			entra.ResourceManagement},
		"ARM as the SDK": {"https://management.core.windows.net//.default", "https://management.core.windows.net/",
			entra.ResourceManagement},
		"Graph": {"https://graph.microsoft.com/.default", "https://graph.microsoft.com", entra.ResourceGraph},
		"Service Bus": {"https://servicebus.azure.net//.default", "https://servicebus.azure.net/",
			entra.ResourceServiceBus},
		"one account": {"https://acmedata.blob.core.windows.net/.default", "https://acmedata.blob.core.windows.net",
			entra.ResourceStorage},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			got, err := f.credential(t, world.TenantID, platform.TokenRequest{}).GetToken(t.Context(),
				policy.TokenRequestOptions{Scopes: []string{tc.scope}})
			require.NoError(t, err)
			assert.WithinDuration(t, f.clock.now().Add(time.Hour), got.ExpiresOn, 10*time.Second)

			principal, err := f.authority.Verify(got.Token, tc.checked)
			require.NoError(t, err)
			assert.Equal(t, f.principal.ID, principal.ID)
			assert.Equal(t, f.app.AppID, principal.AppID)
			assert.Equal(t, world.TenantID, principal.TenantID)
			assert.Equal(t, tc.audience, principal.Audience)

			claims, err := jose.Parse(got.Token)
			require.NoError(t, err)
			assert.Equal(t, "https://sts.windows.net/"+world.TenantID+"/", claims.Text("iss"))
			assert.Equal(t, "app", claims.Text("idtyp"))
			assert.Equal(t, "1.0", claims.Text("ver"))
		})
	}
}

func TestExchangeByTenantDomain(t *testing.T) {
	f := newFixture(t)
	_, err := f.credential(t, world.TenantDomain, platform.TokenRequest{}).GetToken(t.Context(),
		policy.TokenRequestOptions{Scopes: []string{"https://storage.azure.com/.default"}})
	require.NoError(t, err)
}

func TestRefusalReachesTheSDK(t *testing.T) {
	for name, tc := range map[string]struct {
		tenant  string
		request platform.TokenRequest
		text    string
	}{
		"at the token endpoint": {world.TenantID, platform.TokenRequest{Subject: "other"}, "AADSTS700213"},
		"at discovery":          {"99999999-9999-4999-8999-999999999999", platform.TokenRequest{}, "AADSTS90002"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			_, err := f.credential(t, tc.tenant, tc.request).GetToken(t.Context(),
				policy.TokenRequestOptions{Scopes: []string{"https://storage.azure.com/.default"}})
			var failed *azidentity.AuthenticationFailedError
			require.ErrorAs(t, err, &failed)
			require.NotNil(t, failed.RawResponse)
			assert.Contains(t, err.Error(), tc.text)
		})
	}
}

func TestDiscovery(t *testing.T) {
	f := newFixture(t)
	base := "https://" + entra.Host + "/"

	status, body := f.get(t, base+world.TenantDomain+"/v2.0/.well-known/openid-configuration")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, base+world.TenantID+"/v2.0", body["issuer"])
	assert.Equal(t, base+world.TenantID+"/oauth2/v2.0/token", body["token_endpoint"])

	status, body = f.get(t, body["jwks_uri"].(string))
	assert.Equal(t, http.StatusOK, status)
	assert.Len(t, body["keys"], 1)

	status, body = f.get(t, base+"nobody.example/v2.0/.well-known/openid-configuration")
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Equal(t, "invalid_tenant", body["error"])

	status, body = f.get(t, base+"not-a-tenant/v2.0/.well-known/openid-configuration")
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Equal(t, []any{float64(900023)}, body["error_codes"])
}

// TestVerifyRefuses has a row for each reason.
func TestVerifyRefuses(t *testing.T) {
	f := newFixture(t)
	issue := func(resource string, opts ...entra.IssueOption) string {
		token, _, err := f.authority.Issue(f.principal.ID, resource, opts...)
		require.NoError(t, err)
		return token
	}
	for name, tc := range map[string]struct {
		token string
		want  entra.Reason
	}{
		"no token":       {"", entra.ReasonMissing},
		"no JWT":         {"garbage", entra.ReasonMalformed},
		"other key":      {foreign(t, "k", map[string]any{"aud": entra.ResourceStorage}), entra.ReasonSignature},
		"subject token":  {f.mint(t, platform.TokenRequest{Audience: entra.ResourceStorage}), entra.ReasonSignature},
		"other resource": {issue(entra.ResourceGraph), entra.ReasonAudience},
		"expired":        {issue(entra.ResourceStorage, entra.WithLifetime(-time.Minute)), entra.ReasonLifetime},
	} {
		t.Run(name, func(t *testing.T) {
			request := httptest.NewRequest(http.MethodGet, "/", nil)
			if tc.token != "" {
				request.Header.Set("Authorization", "Bearer "+tc.token)
			}
			_, err := f.authority.Authenticate(entra.ResourceStorage)(request)
			var refused *entra.TokenError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, tc.want, refused.Reason)
			if tc.token != "" {
				assert.NotContains(t, err.Error(), tc.token)
			}
		})
	}
}

func TestIssue(t *testing.T) {
	f := newFixture(t)

	token, _, err := f.authority.Issue(world.AppPrincipalID, entra.ResourceGraph)
	require.NoError(t, err)
	principal, err := f.authority.Verify(token, entra.ResourceGraph+"/")
	require.NoError(t, err)
	assert.Equal(t, []string{world.AppRoleReadWriteOwnedBy}, principal.Roles)

	token, _, err = f.authority.Issue(world.AppPrincipalID, entra.ResourceStorage, entra.WithTenant("other"))
	require.NoError(t, err)
	principal, err = f.authority.Verify(token, entra.ResourceStorage)
	require.NoError(t, err)
	assert.Equal(t, "other", principal.TenantID)
	assert.Empty(t, principal.Roles)

	_, _, err = f.authority.Issue("nobody", entra.ResourceStorage)
	assert.True(t, errors.Is(err, entra.ErrUnknownPrincipal))
}

// TestAuthoritiesAgree: the SDK caches managed-identity tokens for a whole process, so a second sandbox in it meets
// the tokens of the first.
func TestAuthoritiesAgree(t *testing.T) {
	first, second := newFixture(t), newFixture(t)
	token, _, err := first.authority.Issue(world.AppPrincipalID, entra.ResourceGraph)
	require.NoError(t, err)
	_, err = second.authority.Verify(token, entra.ResourceGraph)
	require.NoError(t, err)
}
