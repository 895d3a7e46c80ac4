package entra_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// refusedRequests are the faults of the request itself.
func refusedRequests() map[string]refusalCase {
	return map[string]refusalCase{
		"unknown tenant id": {tenant: "99999999-9999-4999-8999-999999999999",
			code: 90002, oauth: "invalid_request", status: 400,
			text: `Tenant '99999999-9999-4999-8999-999999999999' not found`},
		"unknown tenant domain": {tenant: "nobody.example",
			code: 90002, oauth: "invalid_request", status: 400, text: `Tenant 'nobody\.example' not found`},
		"tenant is no name at all": {tenant: "not-a-tenant",
			code: 900023, oauth: "invalid_request", status: 400, text: `tenant identifier 'not-a-tenant' is neither`},
		"no grant type": {arrange: set("grant_type", ""),
			code: 900144, oauth: "invalid_request", status: 400, text: `'grant_type'`},
		"other grant type": {arrange: set("grant_type", "password"),
			code: 70003, oauth: "unsupported_grant_type", status: 400, text: `'password'`},
		"no client id": {arrange: set("client_id", ""),
			code: 900144, oauth: "invalid_request", status: 400, text: `'client_id'`},
		"no scope": {arrange: set("scope", ""),
			code: 900144, oauth: "invalid_request", status: 400, text: `'scope'`},
		"no credential": {arrange: func(_ *testing.T, _ *fixture, form url.Values) {
			form.Del("client_assertion")
			form.Del("client_assertion_type")
		}, code: 7000216, oauth: "invalid_client", status: 401, text: `'client_assertion', 'client_secret' or ` +
			`'request' is required`},
		"assertion type without assertion": {arrange: set("client_assertion", ""),
			code: 7000218, oauth: "invalid_client", status: 401, text: `'client_assertion' or 'client_secret'`},
		"assertion of another type": {arrange: set("client_assertion_type", "saml"),
			code: 900144, oauth: "invalid_request", status: 400, text: `'client_assertion_type'`},
		"a secret": {arrange: set("client_secret", "guess"),
			code: 7000215, oauth: "invalid_client", status: 401, text: `Invalid client secret provided`},
		"scope without /.default": {arrange: set("scope", "https://storage.azure.com/user_impersonation"),
			code: 1002012, oauth: "invalid_scope", status: 400},
		"two scopes": {arrange: set("scope",
			"https://storage.azure.com/.default https://graph.microsoft.com/.default"),
			code: 70011, oauth: "invalid_scope", status: 400},
		"unknown resource": {arrange: set("scope", "https://foo.example/.default"),
			code: 500011, oauth: "invalid_resource", status: 400, text: `The resource principal named ` +
				`https://foo\.example was not found in the tenant named`},
	}
}

// refusedClients are the faults of the client that the request names.
func refusedClients() map[string]refusalCase {
	return map[string]refusalCase{
		"client id unknown": {arrange: set("client_id", "99999999-9999-4999-8999-999999999999"),
			code: 700016, oauth: "unauthorized_client", status: 400, text: `Application with identifier '9{8}-.*?' ` +
				`was not found in the directory '.*?'`},
		"client id is the application's object id": {arrange: func(_ *testing.T, f *fixture, form url.Values) {
			form.Set("client_id", f.app.ID)
		},
			code: 700016, oauth: "unauthorized_client", status: 400, text: `Application with identifier '(.*?)' was ` +
				`not found in the directory '(.*?)'`},
		"client id is the principal's object id": {arrange: func(_ *testing.T, f *fixture, form url.Values) {
			form.Set("client_id", f.principal.ID)
		},
			code: 700016, oauth: "unauthorized_client", status: 400},
		"client id is all zeros": {arrange: set("client_id", uuid.Nil.String()),
			code: 700038, oauth: "invalid_request", status: 400},
		"application soft-deleted": {arrange: func(t *testing.T, f *fixture, _ url.Values) {
			require.NoError(t, f.world.DeleteApplication(f.app.ID))
		}, code: 700016, oauth: "unauthorized_client", status: 400},
		"application of another tenant": {tenant: "77777777-7777-4777-8777-777777777777",
			arrange: func(_ *testing.T, f *fixture, _ url.Values) {
				f.world.PutTenant(world.Tenant{ID: "77777777-7777-4777-8777-777777777777", Domain: "other.example"})
			}, code: 700016, oauth: "unauthorized_client", status: 400, text: `in the directory 'other\.example'`},
		"service principal missing": {arrange: func(t *testing.T, f *fixture, _ url.Values) {
			require.NoError(t, f.world.DeleteServicePrincipal(f.principal.ID))
		}, code: 7000229, oauth: "invalid_client", status: 401, text: `missing service principal in the tenant`},
		"service principal disabled": {arrange: func(t *testing.T, f *fixture, _ url.Values) {
			_, err := f.world.UpdateServicePrincipal(f.principal.ID, func(sp *world.ServicePrincipal) error {
				sp.AccountEnabled = false
				return nil
			})
			require.NoError(t, err)
		}, code: 7000112, oauth: "unauthorized_client", status: 400, text: `Application '.*'\(my-app\) is disabled\.`},
	}
}

// refusedAssertions are the faults of the assertion, or of what the application trusts.
func refusedAssertions() map[string]refusalCase {
	return map[string]refusalCase{
		"assertion is no token": {arrange: set("client_assertion", "garbage"),
			code: 50027, oauth: "invalid_request", status: 400},
		"assertion of another type than JWT": {arrange: mint(platform.TokenRequest{Type: "at+jwt"}),
			code: 5002727, oauth: "invalid_request", status: 400, text: `'JWT'`},
		"two audiences": {arrange: mint(platform.TokenRequest{Audience: []string{platform.DefaultAudience, "b"}}),
			code: 5002741, oauth: "invalid_client", status: 401, text: `2 audience values provided`},
		"no federated credential": {arrange: func(t *testing.T, f *fixture, _ url.Values) {
			require.NoError(t, f.world.DeleteFederatedCredential(f.app.ID, "trust"))
		}, code: 70025, oauth: "invalid_client", status: 401, text: `The client '[0-9a-f-]+'\(my-app\) has no ` +
			`configured federated identity credentials\.`},
		"flexible credential": {arrange: func(t *testing.T, f *fixture, _ url.Values) {
			_, err := f.world.UpdateFederatedCredential(f.app.ID, "trust",
				func(c *world.FederatedIdentityCredential) error {
					c.Subject = ""
					c.ClaimsMatchingExpression = &world.ClaimsMatchingExpression{Value: "claims['sub'] matches '*'",
						LanguageVersion: 1}
					return nil
				})
			require.NoError(t, err)
		}, code: 7002241, oauth: "invalid_client", status: 401, text: `issuer 'https://dataloop\.ai/oauth2'`},
		"issuer with a slash": {arrange: mint(platform.TokenRequest{Issuer: world.Issuer + "/"}),
			code: 700211, oauth: "invalid_client", status: 401,
			text: `presented\s+assertion\s+issuer\s+'https://dataloop\.ai/oauth2/'\.\s`},
		"other audience": {arrange: mint(platform.TokenRequest{Audience: "api://azureadtokenexchange"}),
			code: 700212, oauth: "invalid_client", status: 401,
			text: `presented\s+assertion\s+audience\s+'api://azureadtokenexchange'\.\s`},
		"other subject": {arrange: mint(platform.TokenRequest{Subject: "system:serviceaccount:ddoe:my-service"}),
			code: 700213, oauth: "invalid_client", status: 401,
			text: `presented\s+assertion\s+subject\s+'system:serviceaccount:ddoe:my-service'\.\s`},
		"subject in other case": {arrange: mint(
			platform.TokenRequest{Subject: "system:serviceaccount:dataloop:My-Service"}),
			code: 7002138, oauth: "invalid_client", status: 401,
			text: `'system:serviceaccount:dataloop:My-Service'\. .*case-insensitive comparison, but not ` +
				`with\s+case-sensitive`},
	}
}

// refusedIssuers are the faults of what the assertion's issuer publishes.
func refusedIssuers() map[string]refusalCase {
	return map[string]refusalCase{
		"issuer is Entra itself": {arrange: func(t *testing.T, f *fixture, form url.Values) {
			issuer := "https://login.microsoftonline.com/" + world.TenantID + "/v2.0"
			f.trustIssuer(t, issuer)
			form.Set("client_assertion", f.mint(t, platform.TokenRequest{Issuer: issuer}))
		}, code: 700222, oauth: "invalid_client", status: 401, text: `AAD-issued tokens may not be used`},
		"issuer does not resolve": {arrange: func(t *testing.T, f *fixture, form url.Values) {
			f.trustIssuer(t, "https://nowhere.example")
			form.Set("client_assertion", f.mint(t, platform.TokenRequest{Issuer: "https://nowhere.example"}))
		}, code: 501661, oauth: "invalid_request", status: 400},
		"issuer answers with an error": {arrange: func(_ *testing.T, f *fixture, _ url.Values) {
			f.network[platform.Host] = http.NotFoundHandler()
		}, code: 501661, oauth: "invalid_request", status: 400},
		"issuer redirects to where all is well": {arrange: func(_ *testing.T, f *fixture, _ url.Values) {
			f.network["elsewhere.example"] = f.network[platform.Host]
			f.network[platform.Host] = http.RedirectHandler(
				"https://elsewhere.example/oauth2/.well-known/openid-configuration", http.StatusFound)
		}, code: 501661, oauth: "invalid_request", status: 400},
		"discovery is of another issuer": {arrange: publish(map[string]any{"issuer": "https://dataloop.ai"}),
			code: 501661, oauth: "invalid_request", status: 400},
		"discovery with an empty authorization endpoint": {arrange: publish(
			map[string]any{"authorization_endpoint": ""}),
			code: 501661, oauth: "invalid_request", status: 400},
		"discovery without subject types": {arrange: publish(map[string]any{"subject_types_supported": []string{}}),
			code: 501661, oauth: "invalid_request", status: 400},
		"key set does not resolve": {arrange: publish(map[string]any{"jwks_uri": "https://nowhere.example/jwks"}),
			code: 90061, oauth: "invalid_request", status: 400},
		"key set without keys": {arrange: func(t *testing.T, f *fixture, form url.Values) {
			f.network["keys.example"] = document(map[string]any{"keys": []any{}})
			publish(map[string]any{"jwks_uri": "https://keys.example/jwks"})(t, f, form)
		}, code: 900612, oauth: "invalid_request", status: 400, text: `Failed to parse provider signing keys`},
	}
}

// refusedSignatures are the faults of the assertion's signature and lifetime.
func refusedSignatures() map[string]refusalCase {
	return map[string]refusalCase{
		"signing key unknown": {arrange: mint(platform.TokenRequest{KeyID: "DFA184AB"}),
			code: 7000272, oauth: "invalid_client", status: 401, text: `certificate with identifier DFA184AB used ` +
				`to sign .*? identity provider https://dataloop\.ai/oauth2\.\s`},
		"no signing key named": {arrange: mint(platform.TokenRequest{WithoutKeyID: true}),
			code: 7000272, oauth: "invalid_client", status: 401},
		"signing key retired": {arrange: func(t *testing.T, f *fixture, _ url.Values) {
			_, err := f.issuer.Rotate()
			require.NoError(t, err)
			f.issuer.Retire()
		}, code: 7000272, oauth: "invalid_client", status: 401},
		"signed by another key of the same id": {arrange: func(t *testing.T, f *fixture, form url.Values) {
			form.Set("client_assertion", foreign(t, f.issuer.KeySet().Keys[0].KeyID,
				map[string]any{"iss": world.Issuer, "sub": subject, "aud": entra.ResourceTokenExchange}))
		}, code: 7000274, oauth: "invalid_client", status: 401},
		"not signed": {arrange: mint(platform.TokenRequest{Algorithm: "none"}), code: 7000274,
			oauth: "invalid_client", status: 401},
		"signed with HS256": {arrange: mint(platform.TokenRequest{Algorithm: "HS256"}), code: 7000274,
			oauth: "invalid_client", status: 401},
		"signed with RS512": {arrange: mint(platform.TokenRequest{Algorithm: "RS512"}), code: 7000274,
			oauth: "invalid_client", status: 401},
		"expiry is a string": {arrange: mint(platform.TokenRequest{Claims: map[string]any{"exp": "4102444800"}}),
			code: 700024, oauth: "invalid_client", status: 401},
		"assertion expired": {arrange: mint(platform.TokenRequest{ExpiresInSeconds: -600}), code: 700024,
			oauth: "invalid_client", status: 401, text: `Current time: (\S+?), assertion valid from (\S+?), expiry ` +
				`time of assertion (\S+?)\.?\s`},
	}
}
