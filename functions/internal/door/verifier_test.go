package door_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/door"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	tenant   = "11111111-1111-4111-8111-111111111111"
	audience = "api://wif"
)

// keyOf makes one key an id: an RSA key takes longer to make than most tests take.
var keyOf = func() func(t *testing.T, id string) *jose.Key {
	var mu sync.Mutex
	made := map[string]*jose.Key{}
	return func(t *testing.T, id string) *jose.Key {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if made[id] == nil {
			key, err := jose.NewKey(id)
			require.NoError(t, err)
			made[id] = key
		}
		return made[id]
	}
}()

// authority publishes the metadata of one tenant's issuers, as Entra does.
type authority struct {
	*httptest.Server
	mu    sync.Mutex
	keys  []*jose.Key
	down  bool
	asked atomic.Int32
}

func newAuthority(t *testing.T, keys ...*jose.Key) *authority {
	t.Helper()
	a := &authority{keys: keys}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *authority) set(down bool, keys ...*jose.Key) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.down, a.keys = down, keys
}

// issuer is the name of the issuer of a version.
func (a *authority) issuer(version string) string {
	if version == "1.0" {
		return "https://sts.example/" + tenant + "/"
	}
	return a.URL + "/" + tenant + "/v2.0"
}

func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked.Add(1)
	base := "/" + tenant
	var body any
	switch {
	case a.down:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case r.URL.Path == base+"/.well-known/openid-configuration":
		body = map[string]string{"issuer": a.issuer("1.0"), "jwks_uri": a.URL + base + "/keys"}
	case r.URL.Path == base+"/v2.0/.well-known/openid-configuration":
		body = map[string]string{"issuer": a.issuer("2.0"), "jwks_uri": a.URL + base + "/keys"}
	case r.URL.Path == base+"/keys":
		body = jose.KeySet(a.keys...)
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_ = json.NewEncoder(w).Encode(body)
}

// verifier verifies on a clock.
func (a *authority) verifier(now func() time.Time) *door.Verifier {
	return door.NewVerifier(door.Options{Audience: audience, Authority: a.URL + "/", Client: a.Client(), Now: now,
		TenantID: func(context.Context) (string, error) { return tenant, nil }})
}

var epoch = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func atEpoch() time.Time { return epoch }

// token signs claims that are right but for the changes; nil takes a claim away.
func (a *authority) token(t *testing.T, key *jose.Key, header jose.Header, changes map[string]any) string {
	t.Helper()
	version, _ := changes["ver"].(string)
	if version == "" {
		version = "2.0"
	}
	claims := map[string]any{"aud": audience, "iss": a.issuer(version), "ver": version, "tid": tenant,
		"oid": "someone",
		"azp": "portal", "roles": []string{"Wif.Operate"}, "iat": epoch.Unix(), "nbf": epoch.Unix(),
		"exp": epoch.Add(time.Hour).Unix()}
	maps.Copy(claims, changes)
	for name, value := range claims {
		if value == nil {
			delete(claims, name)
		}
	}
	token, err := key.Sign(header, claims)
	require.NoError(t, err)
	return token
}

// codeOf is the code of a refusal.
func codeOf(t *testing.T, err error) diagnosis.Code {
	t.Helper()
	var refused *diagnosis.Error
	require.ErrorAs(t, err, &refused)
	return refused.Diagnosis.Code
}

func TestWhoATokenSpeaksFor(t *testing.T) {
	t.Parallel()
	key := keyOf(t, "one")
	a := newAuthority(t, key)
	v := a.verifier(atEpoch)
	for name, row := range map[string]struct {
		changes map[string]any
		want    caller.Caller
	}{
		"version 2": {nil, caller.Caller{ID: "someone", AppID: "portal", Roles: []caller.Role{"Wif.Operate"}}},
		"version 1": {map[string]any{"ver": "1.0", "azp": nil, "appid": "old portal"},
			caller.Caller{ID: "someone", AppID: "old portal", Roles: []caller.Role{"Wif.Operate"}}},
		"without roles": {map[string]any{"roles": nil}, caller.Caller{ID: "someone", AppID: "portal"}},
		"an audience of two": {map[string]any{"aud": []string{"other", audience}},
			caller.Caller{ID: "someone", AppID: "portal", Roles: []caller.Role{"Wif.Operate"}}},
		"a clock five minutes behind": {map[string]any{"exp": epoch.Add(-5*time.Minute + time.Second).Unix()},
			caller.Caller{ID: "someone", AppID: "portal", Roles: []caller.Role{"Wif.Operate"}}},
		"a clock five minutes ahead": {map[string]any{"nbf": epoch.Add(5 * time.Minute).Unix()},
			caller.Caller{ID: "someone", AppID: "portal", Roles: []caller.Role{"Wif.Operate"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := v.Verify(t.Context(), a.token(t, key, jose.Header{}, row.changes))
			require.NoError(t, err)
			assert.Equal(t, row.want, got)
		})
	}
}

func TestATokenThatIsRefused(t *testing.T) {
	t.Parallel()
	key, stranger := keyOf(t, "one"), keyOf(t, "stranger")
	a := newAuthority(t, key)
	v := a.verifier(atEpoch)
	for name, row := range map[string]struct {
		key     *jose.Key
		header  jose.Header
		changes map[string]any
		want    diagnosis.Code
	}{
		"unsigned":                            {key, jose.Header{Algorithm: "none"}, nil, "caller-token-invalid"},
		"signed with the public key":          {key, jose.Header{Algorithm: "HS256"}, nil, "caller-token-invalid"},
		"another digest":                      {key, jose.Header{Algorithm: "RS512"}, nil, "caller-token-invalid"},
		"a stranger's key":                    {stranger, jose.Header{}, nil, "caller-token-invalid"},
		"a stranger's key under our key's id": {stranger, jose.Header{KeyID: "one"}, nil, "caller-token-invalid"},
		"no key id":                           {key, jose.Header{WithoutKeyID: true}, nil, "caller-token-invalid"},
		"no version": {key, jose.Header{}, map[string]any{"ver": "3.0"},
			"caller-token-invalid"},
		"an id token":           {key, jose.Header{}, map[string]any{"azp": nil}, "caller-token-invalid"},
		"no object id":          {key, jose.Header{}, map[string]any{"oid": nil}, "caller-token-invalid"},
		"roles of another type": {key, jose.Header{}, map[string]any{"roles": "Wif.Admin"}, "caller-token-invalid"},
		"another audience":      {key, jose.Header{}, map[string]any{"aud": "api://wif/"}, "caller-token-audience"},
		"no audience":           {key, jose.Header{}, map[string]any{"aud": nil}, "caller-token-invalid"},
		"another tenant's issuer": {key, jose.Header{}, map[string]any{"iss": a.URL + "/other/v2.0"},
			"caller-token-tenant"},
		"the issuer of the other version": {key, jose.Header{}, map[string]any{"iss": a.issuer("1.0")},
			"caller-token-tenant"},
		"no issuer":      {key, jose.Header{}, map[string]any{"iss": nil}, "caller-token-tenant"},
		"another tenant": {key, jose.Header{}, map[string]any{"tid": "other"}, "caller-token-tenant"},
		"expired": {key, jose.Header{}, map[string]any{"exp": epoch.Add(-5 * time.Minute).Unix()},
			"caller-token-expired"},
		"without an end": {key, jose.Header{}, map[string]any{"exp": nil}, "caller-token-invalid"},
		"not valid yet": {key, jose.Header{}, map[string]any{"nbf": epoch.Add(5*time.Minute + time.Second).Unix()},
			"caller-token-expired"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token := a.token(t, row.key, row.header, row.changes)
			got, err := v.Verify(t.Context(), token)
			assert.Equal(t, row.want, codeOf(t, err))
			assert.Empty(t, got)
			assert.NotContains(t, err.Error(), token)
		})
	}
	for _, text := range []string{"", ".", "..", "a.b.c", strings.Repeat("a", 1<<20),
		a.token(t, key, jose.Header{}, nil) + "x"} {
		_, err := v.Verify(t.Context(), text)
		assert.Equal(t, diagnosis.Code("caller-token-invalid"), codeOf(t, err))
	}
}

// TestKeysThatChange: a new key is known at once, an invented one makes no load, a withdrawn one is forgotten.
func TestKeysThatChange(t *testing.T) {
	t.Parallel()
	first, second := keyOf(t, "one"), keyOf(t, "two")
	a := newAuthority(t, first)
	now := epoch
	v := a.verifier(func() time.Time { return now })
	later := map[string]any{"exp": epoch.Add(100 * time.Hour).Unix()}
	verify := func(key *jose.Key) error {
		_, err := v.Verify(t.Context(), a.token(t, key, jose.Header{}, later))
		return err
	}
	require.NoError(t, verify(first))
	require.NoError(t, verify(first))
	assert.EqualValues(t, 2, a.asked.Load(), "metadata and keys are read once")

	a.set(false, first, second)
	for range 3 {
		assert.Error(t, verify(second), "an unknown key is looked for once a minute")
	}
	assert.EqualValues(t, 2, a.asked.Load())
	now = now.Add(time.Minute)
	require.NoError(t, verify(second))
	assert.EqualValues(t, 4, a.asked.Load())

	a.set(false, second)
	now = now.Add(time.Hour - time.Second)
	require.NoError(t, verify(first), "keys are kept for an hour")
	now = now.Add(time.Second)
	assert.Equal(t, diagnosis.Code("caller-token-invalid"), codeOf(t, verify(first)), "the key was withdrawn")
	require.NoError(t, verify(second))
}

// TestKeysThatCannotBeRead: who has a good token is not refused for an outage, and goes on with the keys at hand.
func TestKeysThatCannotBeRead(t *testing.T) {
	t.Parallel()
	key := keyOf(t, "one")
	a := newAuthority(t, key)
	now := epoch
	v := a.verifier(func() time.Time { return now })
	verify := func() error {
		_, err := v.Verify(t.Context(), a.token(t, key, jose.Header{},
			map[string]any{"exp": epoch.Add(100 * time.Hour).Unix()}))
		return err
	}
	a.set(true, key)
	assert.Equal(t, diagnosis.Code("entra-unavailable"), codeOf(t, verify()))
	assert.Equal(t, diagnosis.Code("entra-unavailable"), codeOf(t, verify()), "and within the pause")
	assert.EqualValues(t, 1, a.asked.Load())

	a.set(false, key)
	now = now.Add(time.Minute)
	require.NoError(t, verify())
	a.set(true, key)
	now = now.Add(24*time.Hour - time.Second)
	require.NoError(t, verify())
	now = now.Add(time.Second)
	assert.Equal(t, diagnosis.Code("entra-unavailable"), codeOf(t, verify()), "keys of yesterday are not trusted")
}

func TestATenantThatIsNotKnown(t *testing.T) {
	t.Parallel()
	v := door.NewVerifier(door.Options{Audience: audience, Now: atEpoch,
		TenantID: func(context.Context) (string, error) { return "", errors.New("no identity") }})
	_, err := v.Verify(t.Context(), "a.b.c")
	assert.Equal(t, diagnosis.Code("entra-unavailable"), codeOf(t, err))
}

// TestManyWaitForOneReading of the keys.
func TestManyWaitForOneReading(t *testing.T) {
	t.Parallel()
	key := keyOf(t, "one")
	a := newAuthority(t, key)
	v := a.verifier(atEpoch)
	token := a.token(t, key, jose.Header{}, nil)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_, err := v.Verify(t.Context(), token)
			assert.NoError(t, err)
		})
	}
	all.Wait()
	assert.EqualValues(t, 2, a.asked.Load())
}
