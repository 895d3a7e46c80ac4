package control_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/control"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
)

// TestTokens: a request is what stands in the token.
func TestTokens(t *testing.T) {
	b := newBench(t)
	for name, tc := range map[string]struct {
		body   string
		claims map[string]any // nil: has no such claim
		hasKid bool
	}{
		"a subject alone": {`{"subject":"s"}`, map[string]any{"sub": "s", "aud": "api://AzureADTokenExchange",
			"azp": nil}, true},
		"an audience": {`{"subject":"s","audience":"a"}`, map[string]any{"aud": "a"}, true},
		"a list of audiences": {`{"subject":"s","audience":["a","b"]}`, map[string]any{"aud": []any{"a", "b"}},
			true},
		"a list of one audience": {`{"subject":"s","audience":["a"]}`, map[string]any{"aud": []any{"a"}}, true},
		"a list of no audience":  {`{"subject":"s","audience":[]}`, map[string]any{"aud": []any{}}, true},
		"an empty audience": {`{"subject":"s","audience":""}`,
			map[string]any{"aud": "api://AzureADTokenExchange"}, true},
		"an authorized party": {`{"subject":"s","azp":"p"}`, map[string]any{"azp": "p"}, true},
		"no kid":              {`{"subject":"s","withoutKid":true}`, nil, false},
		"extra claims, other types, and one less": {
			`{"subject":"s","azp":"p","claims":{"exp":"1767225600","team":{"id":7},"nbf":null,"azp":[]}}`,
			map[string]any{"sub": "s", "exp": "1767225600", "team": map[string]any{"id": 7.0}, "nbf": nil,
				"azp": []any{}}, true},
	} {
		got := b.do("POST", "/tokens", tc.body)
		require.Equal(t, 200, got.status, name)
		token, err := jose.Parse(got.at("token").(string))
		require.NoError(t, err)
		for claim, want := range tc.claims {
			assert.Equal(t, want, token.Claims[claim], "%s: %s", name, claim)
			assert.Equal(t, want != nil, contains(token.Claims, claim), "%s: %s", name, claim)
		}
		assert.Equal(t, tc.hasKid, token.Header.KeyID != "", name)
	}
}

func contains(claims map[string]any, name string) bool {
	_, ok := claims[name]
	return ok
}

// TestTokenRequestsThatAreRefused name the faulty member.
func TestTokenRequestsThatAreRefused(t *testing.T) {
	b := newBench(t)
	for body, pointer := range map[string]string{
		`{}`: "/subject", `{"subject":"s","alg":"XX"}`: "/alg", `{"sub":"s"}`: "/sub",
		`{"expiresInSeconds":"1"}`:                    "/expiresInSeconds",
		`{"subject":"s","audience":7}`:                "/audience",
		`{"subject":"s","audience":{"a":"b"}}`:        "/audience",
		`{"subject":"s","audience":["a",7]}`:          "/audience/1",
		`{"subject":"s","audience":["a",null]}`:       "/audience/1",
		`{"subject":"s","azp":["p"]}`:                 "/azp",
		`{"subject":"s","claims":[]}`:                 "/claims",
		`{"subject":"s","withoutKid":"true"}`:         "/withoutKid",
		`{"subject":"s","withoutKid":true,"kid":"x"}`: "/withoutKid",
	} {
		got := b.do("POST", "/tokens", body)
		assert.Equal(t, 400, got.status, body)
		assert.Equal(t, pointer, got.at("errors", 0, "pointer"), body)
	}
}

// TestCallerTokens: a request is what stands in the token, in the claims of its version.
func TestCallerTokens(t *testing.T) {
	b := newBench(t)
	const tenant, login = "99999999-9999-4999-8999-999999999999", "https://login.microsoftonline.com/"
	for name, tc := range map[string]struct {
		body   string
		claims map[string]any // nil: has no such claim
	}{
		"version 2 where none is asked for": {`{"audience":"a","oid":"o","appid":"p","tenantId":"` + tenant + `"}`,
			map[string]any{"aud": "a", "oid": "o", "sub": "o", "azp": "p", "appid": nil, "ver": "2.0", "tid": tenant,
				"iss": login + tenant + "/v2.0", "roles": nil, "groups": nil}},
		"version 1": {`{"audience":"a","appid":"p","tenantId":"` + tenant + `","version":"1.0"}`,
			map[string]any{"appid": "p", "azp": nil, "ver": "1.0", "iss": "https://sts.windows.net/" + tenant + "/"}},
		"roles and groups": {`{"audience":"a","roles":["r"],"groups":["g","h"]}`,
			map[string]any{"roles": []any{"r"}, "groups": []any{"g", "h"}}},
	} {
		got := b.do("POST", "/caller-tokens", tc.body)
		require.Equal(t, 200, got.status, "%s: %s", name, got.raw)
		token, err := jose.Parse(got.at("token").(string))
		require.NoError(t, err)
		for claim, want := range tc.claims {
			assert.Equal(t, want, token.Claims[claim], "%s: %s", name, claim)
		}
	}
	late := b.do("POST", "/caller-tokens", `{"audience":"a","expiresInSeconds":-60,"kid":"k","alg":"none"}`)
	token, err := jose.Parse(late.at("token").(string))
	require.NoError(t, err)
	from, _ := token.Unix("nbf")
	to, _ := token.Unix("exp")
	assert.EqualValues(t, -60, to-from)
	assert.Equal(t, jose.Header{Algorithm: "none", Type: "JWT", KeyID: "k"}, token.Header)
	for body, pointer := range map[string]string{
		`{}`: "/audience", `{"audience":"a","version":"3"}`: "/version", `{"audience":"a","alg":"XX"}`: "/alg",
		`{"audience":"a","roles":"Wif.Admin"}`: "/roles", `{"audience":"a","subject":"s"}`: "/subject",
	} {
		got := b.do("POST", "/caller-tokens", body)
		assert.Equal(t, 400, got.status, body)
		assert.Equal(t, pointer, got.at("errors", 0, "pointer"), body)
	}
}

// TestHelpNamesEveryMember of the bodies of both kinds of tokens.
func TestHelpNamesEveryMember(t *testing.T) {
	help := newBench(t).do("GET", "/", "").raw
	for path, body := range map[string]any{"/tokens": control.TokenRequest{},
		"/caller-tokens": entra.CallerRequest{}} {
		_, about, isThere := strings.Cut(help, "POST   "+path+" ")
		require.True(t, isThere, path)
		about, _, _ = strings.Cut(about, "\nP") // the next one: POST or PUT
		for _, field := range reflect.VisibleFields(reflect.TypeOf(body)) {
			assert.Contains(t, about, `"`+field.Tag.Get("json")+`"`, path)
		}
	}
}
