package jose_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
)

func newKey(t *testing.T, id string) *jose.Key {
	t.Helper()
	key, err := jose.NewKey(id)
	require.NoError(t, err)
	return key
}

// TestSignAndVerify goes the way of a real token: signed, published, parsed, verified.
func TestSignAndVerify(t *testing.T) {
	key := newKey(t, "k1")
	compact, err := key.Sign(jose.Header{}, map[string]any{"iss": "https://issuer.example", "aud": "a",
		"exp": 1800000000})
	require.NoError(t, err)
	document, err := json.Marshal(jose.KeySet(key))
	require.NoError(t, err)
	keys, err := jose.ParseKeySet(document)
	require.NoError(t, err)

	token, err := jose.Parse(compact)
	require.NoError(t, err)
	assert.Equal(t, jose.Header{Algorithm: "RS256", Type: "JWT", KeyID: "k1"}, token.Header)
	assert.Equal(t, "https://issuer.example", token.Text("iss"))
	assert.Equal(t, []string{"a"}, token.Audience())
	seconds, ok := token.Unix("exp")
	assert.True(t, ok)
	assert.EqualValues(t, 1800000000, seconds)
	_, ok = token.Unix("nbf")
	assert.False(t, ok)
	assert.NoError(t, token.Verify(keys["k1"]))
	assert.ErrorIs(t, token.Verify(newKey(t, "k1").Public()), jose.ErrSignature)
}

// TestVerifyAcceptsRS256Only: every other algorithm is refused, also when the signature is right.
func TestVerifyAcceptsRS256Only(t *testing.T) {
	key := newKey(t, "k1")
	for _, algorithm := range []string{"none", "HS256", "RS384", "RS512", "PS256"} {
		t.Run(algorithm, func(t *testing.T) {
			compact, err := key.Sign(jose.Header{Algorithm: algorithm, Type: "at+jwt", KeyID: "other"},
				map[string]any{})
			require.NoError(t, err)
			token, err := jose.Parse(compact)
			require.NoError(t, err)
			assert.Equal(t, jose.Header{Algorithm: algorithm, Type: "at+jwt", KeyID: "other"}, token.Header)
			assert.ErrorIs(t, token.Verify(key.Public()), jose.ErrSignature)
		})
	}
}

func TestSignRefusesUnknownAlgorithms(t *testing.T) {
	key := newKey(t, "k1")
	for _, algorithm := range []string{"rot13", "ES256", "EdDSA"} {
		_, err := key.Sign(jose.Header{Algorithm: algorithm}, nil)
		assert.ErrorIs(t, err, jose.ErrUnsupportedAlgorithm, algorithm)
	}
}

func TestParseRefuses(t *testing.T) {
	good, err := newKey(t, "k1").Sign(jose.Header{}, map[string]any{"a": 1})
	require.NoError(t, err)
	parts := strings.Split(good, ".")
	for name, compact := range map[string]string{
		"empty":             "",
		"one part":          "abc",
		"two parts":         parts[0] + "." + parts[1],
		"four parts":        good + ".x",
		"header not base64": "***." + parts[1] + "." + parts[2],
		"header not JSON":   "YWJj." + parts[1] + "." + parts[2],
		"claims not JSON":   parts[0] + ".YWJj." + parts[2],
		"bad signature":     parts[0] + "." + parts[1] + ".***",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := jose.Parse(compact)
			assert.ErrorIs(t, err, jose.ErrMalformed)
		})
	}
}

// TestParseUnknownAlgorithm: that is for the relying party to refuse, in its own words.
func TestParseUnknownAlgorithm(t *testing.T) {
	token, err := jose.Parse("eyJhbGciOiJyb3QxMyJ9.e30.") // {"alg":"rot13"}.{}
	require.NoError(t, err)
	assert.Equal(t, "rot13", token.Header.Algorithm)
	assert.ErrorIs(t, token.Verify(newKey(t, "k1").Public()), jose.ErrSignature)
}

func TestParseKeySetRefuses(t *testing.T) {
	for name, document := range map[string]string{
		"not JSON":        `<html>`,
		"no keys":         `{}`,
		"no RSA key":      `{"keys":[{"kty":"EC","kid":"a"}]}`,
		"n not base64url": `{"keys":[{"kty":"RSA","kid":"a","n":"+/==","e":"AQAB"}]}`,
		"n missing":       `{"keys":[{"kty":"RSA","kid":"a","e":"AQAB"}]}`,
		"e not base64url": `{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"=="}]}`,
		"e is one":        `{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQ"}]}`,
		"e beyond reason": `{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQABAQABAQABAQAB"}]}`,
		"one of two wrong": `{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"},{"kty":"RSA","kid":"b","n":"*",` +
			`"e":"AQAB"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := jose.ParseKeySet([]byte(document))
			assert.ErrorIs(t, err, jose.ErrKeySet)
		})
	}
}
