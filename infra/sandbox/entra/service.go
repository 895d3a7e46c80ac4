package entra

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// Host is where Entra answers in the public cloud.
const Host = "login.microsoftonline.com"

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// maxForm bounds a token request's body, in bytes.
const maxForm = 64 << 10

// Service is the token service's HTTP face; New makes it.
type Service struct {
	world     *world.World
	authority *Authority
	issuers   issuers
	mux       *http.ServeMux
}

// New returns the handler for Host: instance discovery, OpenID configuration, signing keys, and the token endpoint.
// The issuers' documents are fetched through issuers, so that a sandbox can answer for every issuer itself; nil means
// the default transport.
func New(w *world.World, authority *Authority, issuers http.RoundTripper) http.Handler {
	s := &Service{world: w, authority: authority, issuers: newIssuers(issuers), mux: http.NewServeMux()}
	s.mux.HandleFunc("GET /common/discovery/instance", s.instance)
	s.mux.HandleFunc("GET /{tenant}/v2.0/.well-known/openid-configuration", s.configuration)
	s.mux.HandleFunc("GET /{tenant}/.well-known/openid-configuration", s.configuration1)
	s.mux.HandleFunc("GET /{tenant}/discovery/v2.0/keys", s.keys)
	s.mux.HandleFunc("GET /{tenant}/discovery/keys", s.keys)
	s.mux.HandleFunc("POST /{tenant}/oauth2/v2.0/token", s.token)
	return s.mux
}

// instance answers azidentity's question whether the host it was told is an authority at all.
func (s *Service) instance(w http.ResponseWriter, r *http.Request) {
	tenant := "common"
	if endpoint := r.URL.Query().Get("authorization_endpoint"); endpoint != "" {
		if parts := strings.Split(strings.TrimPrefix(endpoint, "https://"), "/"); len(parts) > 1 {
			tenant = parts[1]
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": "https://" + Host + "/" + tenant + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata": []map[string]any{{
			"preferred_network": Host,
			"preferred_cache":   "login.windows.net",
			"aliases":           []string{Host, "login.windows.net", "login.microsoft.com", "sts.windows.net"},
		}},
	})
}

func (s *Service) configuration(w http.ResponseWriter, r *http.Request) {
	tenant, err := s.tenant(r.PathValue("tenant"), invalidTenant)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	// Of a tenant in another cloud the metadata names that cloud's endpoints.
	domain := tenant.Cloud
	if domain == "" {
		domain = "microsoftonline.com"
	}
	base := "https://login." + domain + "/" + tenant.ID
	writeJSON(w, http.StatusOK, map[string]any{
		"token_endpoint": base + "/oauth2/v2.0/token",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt",
			"client_secret_basic"},
		"jwks_uri":                              base + "/discovery/v2.0/keys",
		"response_modes_supported":              []string{"query", "fragment", "form_post"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"response_types_supported":              []string{"code", "id_token", "code id_token", "id_token token"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
		"issuer":                                base + "/v2.0",
		"authorization_endpoint":                base + "/oauth2/v2.0/authorize",
		"device_authorization_endpoint":         base + "/oauth2/v2.0/devicecode",
		"tenant_region_scope":                   "EU",
		"cloud_instance_name":                   domain,
		"cloud_graph_host_name":                 "graph.windows.net",
		"msgraph_host":                          "graph.microsoft.com",
	})
}

// configuration1 is the metadata of tokens of version 1, whose issuer has another name. Source: the metadata of the
// public cloud's common endpoint.
func (s *Service) configuration1(w http.ResponseWriter, r *http.Request) {
	tenant, err := s.tenant(r.PathValue("tenant"), invalidTenant)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	base := "https://" + Host + "/" + tenant.ID
	writeJSON(w, http.StatusOK, map[string]any{
		"token_endpoint":                        base + "/oauth2/token",
		"jwks_uri":                              base + "/discovery/keys",
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"issuer":                                issuerOf(tenant.ID),
		"authorization_endpoint":                base + "/oauth2/authorize",
		"cloud_instance_name":                   "microsoftonline.com",
	})
}

func (s *Service) keys(w http.ResponseWriter, r *http.Request) {
	if _, err := s.tenant(r.PathValue("tenant"), invalidTenant); err != nil {
		s.refuse(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, jose.KeySet(s.authority.key))
}

// domainName is what a tenant may be named by other than its id.
var domainName = regexp.MustCompile(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)

// tenant finds a tenant by id or domain. oauth is the error word of the endpoint that asks: discovery states
// invalid_tenant where the token endpoint states invalid_request.
func (s *Service) tenant(name, oauth string) (world.Tenant, error) {
	for _, tenant := range s.world.Tenants() {
		if strings.EqualFold(tenant.ID, name) || strings.EqualFold(tenant.Domain, name) {
			return tenant, nil
		}
	}
	if uuid.Validate(name) != nil && !domainName.MatchString(name) {
		return world.Tenant{}, tenantMalformed(name, oauth)
	}
	return world.Tenant{}, tenantNotFound(name, oauth)
}

// token is the token endpoint.
func (s *Service) token(w http.ResponseWriter, r *http.Request) {
	tenant, err := s.tenant(r.PathValue("tenant"), invalidRequest)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		s.refuse(w, r, parameterMissing("grant_type"))
		return
	}
	principal, resource, err := s.exchange(tenant, r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	token, expires, err := s.authority.Issue(principal.ID, resource, WithTenant(tenant.ID))
	if err != nil {
		s.refuse(w, r, servicePrincipalMissing(principal.AppID, tenant.ID))
		return
	}
	seconds := int(expires.Sub(s.world.Now()).Round(time.Second) / time.Second)
	w.Header().Set("x-ms-request-id", uuid.NewString())
	w.Header().Set("client-request-id", correlationOf(r))
	writeJSON(w, http.StatusOK, map[string]any{
		"token_type":     "Bearer",
		"expires_in":     seconds,
		"ext_expires_in": seconds,
		"access_token":   token,
	})
}

// exchange judges a client-credentials request: who it is, what it presents, what it wants.
func (s *Service) exchange(tenant world.Tenant, r *http.Request) (world.ServicePrincipal, string, error) {
	none := world.ServicePrincipal{}
	if err := checkForm(r); err != nil {
		return none, "", err
	}
	who, err := s.client(tenant, r.PostFormValue("client_id"))
	if err != nil {
		return none, "", err
	}
	if r.PostFormValue("client_secret") != "" {
		return none, "", secretInvalid(who.principal.AppID)
	}
	if err := s.judgeAssertion(r.Context(), who, r.PostFormValue("client_assertion")); err != nil {
		return none, "", err
	}
	resource, err := resourceOf(r.PostFormValue("scope"), tenant)
	return who.principal, resource, err
}

// checkForm refuses a request that lacks what every client-credentials request has.
func checkForm(r *http.Request) error {
	grantType := r.PostFormValue("grant_type")
	switch {
	case grantType == "":
		return parameterMissing("grant_type")
	case grantType != "client_credentials":
		return grantUnsupported(grantType)
	case r.PostFormValue("client_id") == "":
		return parameterMissing("client_id")
	case r.PostFormValue("scope") == "":
		return parameterMissing("scope")
	}
	hasType := r.PostFormValue("client_assertion_type") != ""
	hasAssertion := r.PostFormValue("client_assertion") != ""
	hasSecret := r.PostFormValue("client_secret") != ""
	switch {
	case hasSecret:
		return nil
	case !hasType && !hasAssertion:
		return credentialMissing()
	case !hasAssertion:
		return assertionMissing()
	case r.PostFormValue("client_assertion_type") != assertionType:
		return parameterMissing("client_assertion_type")
	}
	return nil
}

// resourceOf is the audience that a scope asks for, if the tenant has that resource: the scope less "/.default", byte
// for byte, so that a scope with a double slash gives an audience with a trailing one, as in Entra's tokens. MSAL adds
// the scopes of OpenID Connect to every request, also where no user is there to whom they could apply.
func resourceOf(scope string, tenant world.Tenant) (string, error) {
	scopes := slices.DeleteFunc(strings.Fields(scope), func(s string) bool {
		return s == "openid" || s == "offline_access" || s == "profile"
	})
	if len(scopes) != 1 {
		return "", scopeMalformed(scope)
	}
	resource, ok := strings.CutSuffix(scopes[0], "/.default")
	if !ok {
		return "", scopeNotDefault(scope)
	}
	if resource == "" {
		return "", scopeMalformed(scope)
	}
	if _, known := canonicalResource(resource); !known {
		return "", resourceNotFound(resource, tenant.Domain)
	}
	return resource, nil
}

func (s *Service) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var f *failure
	if !errors.As(err, &f) {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	f.write(w, r, s.world.Now())
}
