// Package entra pretends to be Microsoft Entra's token service: discovery, signing keys, and the client-credentials
// grant with a federated assertion, which it verifies against the issuer's published keys in Entra's order and refuses
// with Entra's own AADSTS bodies. Its Authority signs the access tokens that the sandbox's other services check.
package entra

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// tokenLifetime is how long an access token for an application is good; Entra's varies between 60 and 90 minutes.
const tokenLifetime = time.Hour

// clockSkew is the difference between clocks that is forgiven when a token's times are judged.
const clockSkew = 5 * time.Minute

// Authority issues and verifies the access tokens of the pretended tenants. It is safe for concurrent use.
type Authority struct {
	world *world.World
	key   *jose.Key
}

// signingKey is one key for every Authority of the process. Entra has one set of keys for all tenants, too; and
// azidentity caches managed-identity tokens for the whole process, so that a second sandbox in it is met with tokens
// that the first one signed.
var signingKey = sync.OnceValues(func() (*jose.Key, error) {
	return jose.NewKey(strings.ReplaceAll(uuid.NewString(), "-", ""))
})

// NewAuthority makes an Authority for the principals of w and on its clock.
func NewAuthority(w *world.World) (*Authority, error) {
	key, err := signingKey()
	if err != nil {
		return nil, err
	}
	return &Authority{world: w, key: key}, nil
}

// IssueOption changes one thing about a token that is about to be issued.
type IssueOption func(*grant)

type grant struct {
	tenant   string
	lifetime time.Duration
}

// WithTenant issues the token as another tenant would.
func WithTenant(id string) IssueOption { return func(g *grant) { g.tenant = id } }

// WithLifetime makes the token good for d from now; a negative d gives a token that has expired.
func WithLifetime(d time.Duration) IssueOption { return func(g *grant) { g.lifetime = d } }

// ErrUnknownPrincipal is returned by Issue for an object id that is no service principal of the directory.
var ErrUnknownPrincipal = errors.New("entra: no such service principal")

// Issue signs a v1 access token for the service principal with object id principalID. The resource becomes the
// token's audience byte for byte, trailing slash included.
func (a *Authority) Issue(principalID, resource string, opts ...IssueOption) (string, time.Time, error) {
	principal, ok := a.world.ServicePrincipal(principalID)
	if !ok {
		return "", time.Time{}, fmt.Errorf("%w: %s", ErrUnknownPrincipal, principalID)
	}
	g := grant{tenant: a.homeTenant().ID, lifetime: tokenLifetime}
	for _, opt := range opts {
		opt(&g)
	}
	now := a.world.Now()
	expires := now.Add(g.lifetime).Truncate(time.Second)
	issued := now
	if expires.Before(now) {
		issued = expires.Add(-tokenLifetime)
	}
	token, err := a.key.Sign(jose.Header{}, a.claims(principal, resource, g.tenant, issued, expires))
	return token, expires, err
}

func (a *Authority) claims(principal world.ServicePrincipal, resource, tenant string, issued,
	expires time.Time) map[string]any {
	claims := map[string]any{
		"aud":      resource,
		"iss":      issuerOf(tenant),
		"iat":      issued.Unix(),
		"nbf":      issued.Unix(),
		"exp":      expires.Unix(),
		"appid":    principal.AppID,
		"appidacr": "2",
		"idp":      issuerOf(tenant),
		"idtyp":    "app",
		"oid":      principal.ID,
		"sub":      principal.ID,
		"tid":      tenant,
		"uti":      uuid.NewString(),
		"ver":      "1.0",
	}
	if roles := a.rolesFor(principal, resource); len(roles) > 0 {
		claims["roles"] = roles
	}
	return claims
}

// rolesFor are the app roles in a token; Microsoft Graph is the only resource here that grants any.
func (a *Authority) rolesFor(principal world.ServicePrincipal, resource string) []string {
	if canonical, _ := canonicalResource(resource); canonical != ResourceGraph {
		return nil
	}
	return a.world.AppRoles(principal.ID)
}

// Principal is who a verified token speaks for.
type Principal struct {
	ID        string    // object id of the service principal
	AppID     string    // client id
	TenantID  string    // tenant that issued the token
	Audience  string    // aud, as it stands in the token
	Roles     []string  // app roles
	ExpiresAt time.Time // exp
}

// Reason tells which check a token failed.
type Reason string

// The reasons, in the order in which Verify checks.
const (
	ReasonMissing   Reason = "missing"   // no bearer token in the request
	ReasonMalformed Reason = "malformed" // not a JSON Web Token
	ReasonSignature Reason = "signature" // not signed by this authority with RS256
	ReasonIssuer    Reason = "issuer"    // not a tenant's v1 issuer
	ReasonAudience  Reason = "audience"  // for another resource
	ReasonLifetime  Reason = "lifetime"  // expired, or not valid yet
)

// TokenError is what Verify and Authenticate return for a token that is refused. It never holds the token.
type TokenError struct{ Reason Reason }

// Error names the check that failed.
func (e *TokenError) Error() string { return "entra: access token refused: " + string(e.Reason) }

// Verify checks signature, issuer, audience and lifetime of an access token. The audience is compared as a resource:
// case and a trailing slash do not matter, nor does which of the resource's names is used. Every error is a
// *TokenError.
func (a *Authority) Verify(token, audience string) (Principal, error) {
	parsed, err := jose.Parse(token)
	if err != nil {
		return Principal{}, &TokenError{ReasonMalformed}
	}
	if err := parsed.Verify(a.key.Public()); err != nil {
		return Principal{}, &TokenError{ReasonSignature}
	}
	tenant := parsed.Text("tid")
	if parsed.Text("iss") != issuerOf(tenant) {
		return Principal{}, &TokenError{ReasonIssuer}
	}
	if !isSameResource(parsed.Text("aud"), audience) {
		return Principal{}, &TokenError{ReasonAudience}
	}
	expires, ok := a.withinLifetime(parsed)
	if !ok {
		return Principal{}, &TokenError{ReasonLifetime}
	}
	return Principal{
		ID:        parsed.Text("oid"),
		AppID:     parsed.Text("appid"),
		TenantID:  tenant,
		Audience:  parsed.Text("aud"),
		Roles:     rolesOf(parsed),
		ExpiresAt: expires,
	}, nil
}

func (a *Authority) withinLifetime(token jose.Token) (time.Time, bool) {
	from, hasFrom := token.Unix("nbf")
	to, hasTo := token.Unix("exp")
	if !hasFrom || !hasTo {
		return time.Time{}, false
	}
	now, expires := a.world.Now(), time.Unix(to, 0)
	return expires, !now.Before(time.Unix(from, 0).Add(-clockSkew)) && now.Before(expires)
}

// Bearer is the token of the request's Authorization header, "" if it has none. The scheme's case does not matter.
func Bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// VerifyRequest is Verify for the bearer token of a request.
func (a *Authority) VerifyRequest(r *http.Request, audience string) (Principal, error) {
	token := Bearer(r)
	if token == "" {
		return Principal{}, &TokenError{ReasonMissing}
	}
	return a.Verify(token, audience)
}

// Authenticate gives a service of the sandbox its check: who sent this request, with a token for audience. Every
// error is a *TokenError.
func (a *Authority) Authenticate(audience string) func(*http.Request) (string, error) {
	return func(r *http.Request) (string, error) {
		principal, err := a.VerifyRequest(r, audience)
		return principal.ID, err
	}
}

// homeTenant is the tenant that the world's applications live in: its first one.
func (a *Authority) homeTenant() world.Tenant {
	if tenants := a.world.Tenants(); len(tenants) > 0 {
		return tenants[0]
	}
	return world.Tenant{}
}

func issuerOf(tenant string) string { return "https://sts.windows.net/" + tenant + "/" }

func isSameResource(one, other string) bool {
	if strings.EqualFold(strings.TrimSuffix(one, "/"), strings.TrimSuffix(other, "/")) {
		return one != ""
	}
	a, known := canonicalResource(one)
	b, alsoKnown := canonicalResource(other)
	return known && alsoKnown && a == b
}

func rolesOf(token jose.Token) []string {
	list, _ := token.Claims["roles"].([]any)
	roles := make([]string, 0, len(list))
	for _, role := range list {
		if name, ok := role.(string); ok {
			roles = append(roles, name)
		}
	}
	return slices.Clip(roles)
}
