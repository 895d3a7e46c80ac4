package functions

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// tenantKeys is Entra with signing keys of the test's own, so that tokens can have any claims and keys can change.
type tenantKeys struct {
	http.Handler // all else
	mu           sync.Mutex
	keys         []*jose.Key
}

const keysPath = "/keys-of-the-test"

func (e *tenantKeys) publish(keys ...*jose.Key) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.keys = keys
}

func (e *tenantKeys) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch r.URL.Path {
	case "/" + world.TenantID + "/v2.0/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": entraIssuer, "jwks_uri": "https://" + entra.Host +
			keysPath})
	case keysPath:
		_ = json.NewEncoder(w).Encode(jose.KeySet(e.keys...))
	default:
		e.Handler.ServeHTTP(w, r)
	}
}

const entraIssuer = "https://" + entra.Host + "/" + world.TenantID + "/v2.0"

// withKeys is an app that asks for tokens, and the keys that its tenant signs them with.
func withKeys(t *testing.T, keys ...*jose.Key) (*app, *tenantKeys) {
	t.Helper()
	a := withCallers(t)
	tenant := &tenantKeys{Handler: a.net[entra.Host], keys: keys}
	a.net[entra.Host] = tenant
	return a, tenant
}

func newKey(t *testing.T, id string) *jose.Key {
	t.Helper()
	key, err := jose.NewKey(id)
	require.NoError(t, err)
	return key
}

// signed is the header of an administrator's token with some claims changed; nil takes one away.
func signed(t *testing.T, key *jose.Key, header jose.Header, changes map[string]any) string {
	t.Helper()
	now := time.Now()
	claims := map[string]any{"aud": apiAudience, "iss": entraIssuer, "tid": world.TenantID, "ver": "2.0",
		"oid": manager,
		"sub": manager, "azp": theirApp, "roles": []string{"Wif.Admin"}, "iat": now.Unix(), "nbf": now.Unix(),
		"exp": now.Add(time.Hour).Unix()}
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	token, err := key.Sign(header, claims)
	require.NoError(t, err)
	return "Bearer " + token
}

// TestAttacksByToken: a token that is an administrator's but for one thing opens nothing: each operation answers 401
// with what is wrong, nothing is done, and no part of the token is logged or repeated.
func TestAttacksByToken(t *testing.T) {
	t.Parallel()
	key, stranger := newKey(t, "one"), newKey(t, "stranger")
	a, _ := withKeys(t, key)
	platform, err := a.issuer.Mint(sandbox.TokenRequest{Subject: subject})
	require.NoError(t, err)
	made := a.call("PUT", "/integrations/my-images", good, "Authorization", signed(t, key, jose.Header{}, nil))
	require.Equal(t, 201, made.StatusCode, "the token is good but for what is changed below: %s", made.raw)
	a.deliver()
	at := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	const other = "99999999-9999-4999-8999-999999999999"
	type attack struct{ header, code string }
	with := func(changes map[string]any, code string) attack {
		return attack{signed(t, key, jose.Header{}, changes), code}
	}
	whole := signed(t, key, jose.Header{}, nil)
	for name, row := range map[string]attack{
		"alg none":                    {signed(t, key, jose.Header{Algorithm: "none"}, nil), "caller-token-invalid"},
		"HS256 by the public key":     {signed(t, key, jose.Header{Algorithm: "HS256"}, nil), "caller-token-invalid"},
		"RS512":                       {signed(t, key, jose.Header{Algorithm: "RS512"}, nil), "caller-token-invalid"},
		"an unknown kid":              {signed(t, stranger, jose.Header{}, nil), "caller-token-invalid"},
		"another key of the same kid": {signed(t, stranger, jose.Header{KeyID: "one"}, nil), "caller-token-invalid"},
		"no kid":                      {signed(t, key, jose.Header{WithoutKeyID: true}, nil), "caller-token-invalid"},
		"a token of the platform":     {"Bearer " + platform, "caller-token-invalid"},
		"cut off":                     {whole[:len(whole)-9], "caller-token-invalid"},
		"not Bearer":                  {strings.Replace(whole, "Bearer", "Basic", 1), "unauthorized"},
		"another audience": with(map[string]any{"aud": "https://management.azure.com"},
			"caller-token-audience"),
		"a longer audience": with(map[string]any{"aud": apiAudience + "/"}, "caller-token-audience"),
		"no audience":       with(map[string]any{"aud": nil}, "caller-token-invalid"),
		"another tenant":    with(map[string]any{"tid": other}, "caller-token-tenant"),
		"another issuer": with(map[string]any{"iss": "https://attacker.example/v2.0"},
			"caller-token-tenant"),
		"another tenant's issuer": with(map[string]any{"iss": strings.Replace(entraIssuer, world.TenantID, other, 1)},
			"caller-token-tenant"),
		"expired":       with(map[string]any{"exp": at(-6 * time.Minute)}, "caller-token-expired"),
		"not yet valid": with(map[string]any{"nbf": at(6 * time.Minute)}, "caller-token-expired"),
		"without end":   with(map[string]any{"exp": nil}, "caller-token-invalid"),
		"an id token":   with(map[string]any{"azp": nil}, "caller-token-invalid"),
	} {
		t.Run(name, func(t *testing.T) { refusedEverywhere(t, a, row.code, "Authorization", row.header) })
	}
	t.Run("forged headers", func(t *testing.T) {
		refusedEverywhere(t, a, "unauthorized", "X-MS-CLIENT-PRINCIPAL", "eyJyb2xlcyI6WyJXaWYuQWRtaW4iXX0=",
			"X-MS-CLIENT-PRINCIPAL-ID", manager, "X-MS-TOKEN-AAD-ACCESS-TOKEN", strings.TrimPrefix(whole, "Bearer "),
			"x-functions-key", "key")
	})
}

// refusedEverywhere sends the headers to each operation that is not open to all.
func refusedEverywhere(t *testing.T, a *app, code string, headers ...string) {
	t.Helper()
	before := everything(a)
	a.log.Reset()
	a.eachOperation(func(method, path string, security []any) {
		if neededRole(security) == "" {
			return
		}
		got := a.call(method, path, good, append(headers, "Content-Type", "application/json")...)
		assert.Equal(t, http.StatusUnauthorized, got.StatusCode, "%s %s: %s", method, path, got.raw)
		assert.Equal(t, code, got.at("code"), "%s %s", method, path)
		assert.NotEmpty(t, got.Header.Get("WWW-Authenticate"))
		for i := 1; i < len(headers); i += 2 {
			for _, part := range strings.FieldsFunc(headers[i], func(r rune) bool { return r == '.' || r == ' ' }) {
				if len(part) > 12 {
					assert.NotContains(t, got.raw, part)
					assert.NotContains(t, a.log.String(), part)
				}
			}
		}
	})
	assert.Equal(t, before, everything(a), "nothing is done")
}

// TestForgedHeadersAddNothing to a token: roles and identity are the token's.
func TestForgedHeadersAddNothing(t *testing.T) {
	t.Parallel()
	a := withCallers(t)
	require.Equal(t, 201, as(a, first, "PUT", "/integrations/my-images", good).StatusCode)
	reader := a.bearer(entra.CallerRequest{ObjectID: second, Roles: []string{"Wif.Read"}})
	for path, want := range map[string]int{"/integrations/my-images": 404, "/policy": 403} {
		got := a.call("GET", path, "", "Authorization", reader, "X-MS-CLIENT-PRINCIPAL-ID", first,
			"X-MS-CLIENT-PRINCIPAL", "eyJyb2xlcyI6WyJXaWYuQWRtaW4iXX0=")
		assert.Equal(t, want, got.StatusCode, got.raw)
	}
}

// TestKeysAreRotated in between: the new key counts within a minute of its first token, the old one as long as it is
// published, and an hour at most.
func TestKeysAreRotated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		old, next := newKey(t, "old"), newKey(t, "next")
		a, tenant := withKeys(t, old)
		look := func(key *jose.Key) int {
			return a.call("GET", "/integrations", "", "Authorization", signed(t, key, jose.Header{}, nil)).StatusCode
		}
		assert.Equal(t, 200, look(old))
		assert.Equal(t, 401, look(next), "not published yet")
		tenant.publish(old, next)
		time.Sleep(time.Minute)
		assert.Equal(t, 200, look(next))
		assert.Equal(t, 200, look(old), "both count while both are published")
		tenant.publish(next)
		assert.Equal(t, 200, look(old), "nobody has looked again")
		time.Sleep(time.Hour)
		for range 2 {
			assert.Equal(t, 401, look(old))
			assert.Equal(t, 200, look(next))
		}
	})
}
