package discovery_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
)

// keyFaults are what can be wrong with a key, each with what tells of it.
var keyFaults = map[string]struct {
	change func(map[string]any)
	told   string
}{
	"no kid": {func(k map[string]any) { delete(k, "kid") }, "it has no kid"},
	"short": {func(k map[string]any) { k["n"] = base64.RawURLEncoding.EncodeToString(make([]byte, 255)) },
		"n has 0 bits"},
	"1024 bits":      {func(k map[string]any) { k["n"] = k["n"].(string)[:172] }, "n has 1032 bits"},
	"n padded":       {func(k map[string]any) { k["n"] = k["n"].(string) + "==" }, "base64url without padding"},
	"n in base64":    {func(k map[string]any) { k["n"] = "+/" + k["n"].(string)[2:] }, "base64url without padding"},
	"e padded":       {func(k map[string]any) { k["e"] = "AQAB====" }, "base64url without padding"},
	"e of 3":         {func(k map[string]any) { k["e"] = "Aw" }, "e is not odd and above 65536"},
	"e of 65536":     {func(k map[string]any) { k["e"] = "AQAA" }, "e is not odd and above 65536"},
	"e even":         {func(k map[string]any) { k["e"] = "AQAC" }, "e is not odd and above 65536"},
	"no n":           {func(k map[string]any) { delete(k, "n") }, "n has 0 bits"},
	"for encryption": {func(k map[string]any) { k["use"] = "enc" }, ""},
	"for PS256":      {func(k map[string]any) { k["alg"] = "PS256" }, ""},
	"elliptic":       {func(k map[string]any) { k["kty"] = "EC" }, ""},
}

// copyOf is another key like it.
func copyOf(k any, id string) map[string]any {
	other := map[string]any{}
	for name, value := range k.(map[string]any) {
		other[name] = value
	}
	other["kid"] = id
	return other
}

// TestFaultsOfKeys: alone there is no key for Entra; beside a good one it is a warning, or nothing where the key is
// not meant for Entra.
func TestFaultsOfKeys(t *testing.T) {
	t.Parallel()
	for name, c := range keyFaults {
		i := newInternet(t)
		i.edit(keysPath, func(d map[string]any) { c.change(d["keys"].([]any)[0].(map[string]any)) })
		r := i.look(t, nil, "")
		assertTold(t, r)
		assert.Equal(t, map[string]string{"discovery.keys.usable": "fail issuer-keys-invalid"}, found(r), name)
		told := c.told
		if told == "" {
			told = "no RSA key for signatures with RS256"
		}
		assert.Contains(t, of(t, r, "discovery.keys.usable").Detail, told, name)

		i = newInternet(t)
		i.edit(keysPath, func(d map[string]any) {
			good := d["keys"].([]any)[0]
			bad := copyOf(good, "bad")
			c.change(bad)
			d["keys"] = []any{bad, good}
		})
		r = i.look(t, nil, "")
		assertTold(t, r)
		assert.Equal(t, assessment.ClaimDiscovery, r.ClaimLevel, name)
		if c.told == "" {
			assert.Empty(t, found(r), name)
			continue
		}
		assert.Equal(t, map[string]string{"discovery.keys.each": "warn issuer-key-unusable"}, found(r), name)
		assert.Contains(t, of(t, r, "discovery.keys.each").Detail, "Key 1 (kid ", name)
		assert.Contains(t, of(t, r, "discovery.keys.each").Detail, c.told, name)
		assert.Equal(t, "issuer", of(t, r, "discovery.keys.usable").Actual)
	}
}

// many are n keys, of which one alone is for Entra.
func many(n, at int) func(map[string]any) {
	return func(d map[string]any) {
		good, all := d["keys"].([]any)[0], []any{}
		for i := range n {
			k := map[string]any{"kty": "EC", "kid": fmt.Sprint(i)}
			if i == at {
				k = copyOf(good, "good")
			}
			all = append(all, k)
		}
		d["keys"] = all
	}
}

// sets are sets of keys, with the checks that do not pass.
var sets = map[string]struct {
	edit func(map[string]any)
	want map[string]string
}{
	"none": {func(d map[string]any) {
		d["keys"] = []any{}
	}, map[string]string{"discovery.keys.usable": "fail issuer-keys-invalid"}},
	"no member": {func(d map[string]any) {
		delete(d, "keys")
	}, map[string]string{"discovery.keys.usable": "fail issuer-keys-invalid"}},
	"one kid twice": {func(d map[string]any) {
		good := d["keys"].([]any)[0]
		d["keys"] = []any{good, good}
	}, map[string]string{"discovery.keys.each": "warn issuer-key-unusable"}},
	"two": {func(d map[string]any) {
		good := d["keys"].([]any)[0]
		d["keys"] = []any{good, copyOf(good, "next")}
	}, map[string]string{}},
	"for signatures": {func(d map[string]any) {
		k := d["keys"].([]any)[0].(map[string]any)
		k["use"], k["alg"] = "sig", "RS256"
	}, map[string]string{}},
	"for whatever": {func(d map[string]any) {
		k := d["keys"].([]any)[0].(map[string]any)
		delete(k, "use")
		delete(k, "alg")
	}, map[string]string{}},
	"a hundred": {many(100, 99), map[string]string{}},
	"one more":  {many(101, 99), map[string]string{"discovery.keys.count": "warn issuer-key-unusable"}},
	"one more, which is the good one": {many(101, 100),
		map[string]string{"discovery.keys.usable": "fail issuer-keys-invalid"}},
}

func TestSetsOfKeys(t *testing.T) {
	t.Parallel()
	for name, c := range sets {
		i := newInternet(t)
		i.edit(keysPath, c.edit)
		r := i.look(t, nil, "")
		assertTold(t, r)
		assert.Equal(t, c.want, found(r), name)
		if name == "two" {
			assert.Equal(t, "issuer, next", of(t, r, "discovery.keys.usable").Actual)
		}
		for _, check := range r.Checks {
			if strings.HasPrefix(check.ID, "discovery.keys") {
				assert.Equal(t, "https://dataloop.ai/oauth2/jwks", check.Target, check.ID)
			}
		}
	}
	// Of many faults three are told.
	i := newInternet(t)
	i.edit(keysPath, func(d map[string]any) {
		bad := copyOf(d["keys"].([]any)[0], "")
		d["keys"] = []any{bad, bad, bad, bad}
	})
	detail := of(t, i.look(t, nil, ""), "discovery.keys.usable").Detail
	require.Equal(t, 3, strings.Count(detail, "it has no kid"), detail)
	assert.True(t, strings.HasPrefix(detail, `Key 1 (kid ""): it has no kid.`), detail)
}
