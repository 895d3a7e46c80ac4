package entra_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/entra"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

func jwt(header, claims string) entra.SubjectToken {
	encode := base64.RawURLEncoding.EncodeToString
	return secret.New(encode([]byte(header)) + "." + encode([]byte(claims)) + "." + encode([]byte("signature")))
}

func TestParseSubjectToken(t *testing.T) {
	const header = `{"alg":"RS256","kid":"k1","typ":"JWT"}`
	t.Run("all claims", func(t *testing.T) {
		got, err := entra.ParseSubjectToken(jwt(header, `{"iss":"https://i","sub":"s","aud":"a","exp":1767225600,`+
			`"nbf":1767222000.5,"iat":1767222000,"extra":{"x":1}}`))
		require.NoError(t, err)
		assert.Equal(t, entra.Claims{Issuer: "https://i", Subject: "s", Audience: []string{"a"}, KeyID: "k1",
			Algorithm: "RS256", Type: "JWT",
			ExpiresAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotBefore: time.Date(2025, 12, 31, 23, 0, 0, 0,
				time.UTC), IssuedAt: time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC)}, got)
	})
	t.Run("several audiences", func(t *testing.T) {
		got, err := entra.ParseSubjectToken(jwt(header, `{"aud":["a","b"]}`))
		require.NoError(t, err)
		assert.Equal(t, []string{"a", "b"}, got.Audience)
		assert.True(t, got.ExpiresAt.IsZero())
	})

	good := jwt(header, `{"iss":"i"}`).Reveal()
	faults := map[string]entra.SubjectToken{
		"empty":                  {},
		"too large":              secret.New(strings.Repeat("a", entra.MaxSubjectToken+1)),
		"two parts":              secret.New(good[:strings.LastIndex(good, ".")]),
		"five parts, encrypted":  secret.New(good + ".a.b"),
		"quoted":                 secret.New(`"` + good + `"`),
		"newline at the end":     secret.New(good + "\n"),
		"padded":                 secret.New(strings.Replace(good, ".", "=.", 1)),
		"plain base64":           secret.New(good + "+/"),
		"dangling bits":          secret.New(good[:strings.LastIndex(good, ".")+1] + "YR"),
		"empty signature":        secret.New(good[:strings.LastIndex(good, ".")+1]),
		"claims are a list":      jwt(header, `[]`),
		"claims are no JSON":     jwt(header, `{"iss":`),
		"header is no object":    jwt(`"x"`, `{}`),
		"subject is a number":    jwt(header, `{"sub":7}`),
		"audience is an object":  jwt(header, `{"aud":{}}`),
		"expiry is a string":     jwt(header, `{"exp":"1767225600"}`),
		"expiry beyond all time": jwt(header, `{"exp":1e300}`),
		"expiry negative":        jwt(header, `{"exp":-1}`),
		"after the last second":  jwt(header, `{"nbf":253402300800}`),
		"audience holds numbers": jwt(header, `{"aud":["a",1]}`),
		"no header":              secret.New(good[strings.Index(good, "."):]),
		"no claims":              secret.New("e30..c2ln"),
		"a blank before":         jwt(header, ` {}`),
		"newline within":         secret.New(good[:5] + "\r" + good[5:]),
		"signature no base64":    secret.New(good + "!"),
	}
	for name, token := range faults {
		t.Run(name, func(t *testing.T) {
			_, err := entra.ParseSubjectToken(token)
			require.ErrorIs(t, err, entra.ErrMalformedToken)
			if text := token.Reveal(); len(text) > 0 && len(text) < 400 {
				assert.NotContains(t, err.Error(), text[:3], "no part of the token")
			}
		})
	}
}

// TestTokensUpToTheLimit are read: 16 KiB, and not one byte more.
func TestTokensUpToTheLimit(t *testing.T) {
	start := jwt(`{}`, `{}`).Reveal()
	for _, size := range []int{16<<10 - 1, 16 << 10, 16<<10 + 1} {
		token := start + strings.Repeat("A", size-len(start))
		if len(token[strings.LastIndex(token, ".")+1:])%4 == 1 {
			token = "e30" + "." + token[strings.Index(token, ".")+1:] // another length of the signature
		}
		_, err := entra.ParseSubjectToken(secret.New(token))
		assert.Equal(t, size <= 16<<10, err == nil || !strings.Contains(err.Error(), "larger"), size)
	}
}

// TestTimesOfAClaim are seconds from 1970 to 9999; null is no claim.
func TestTimesOfAClaim(t *testing.T) {
	for text, want := range map[string]time.Time{"null": {}, "0": time.Unix(0, 0).UTC(), "1": time.Unix(1, 0).UTC(),
		"1.9":          time.Unix(1, 0).UTC(),
		"253402300799": time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)} {
		for _, claim := range []string{"exp", "nbf", "iat"} {
			got, err := entra.ParseSubjectToken(jwt(`{}`, `{"`+claim+`":`+text+`}`))
			require.NoError(t, err, text)
			found := map[string]time.Time{"exp": got.ExpiresAt, "nbf": got.NotBefore, "iat": got.IssuedAt}
			for name, value := range found {
				if name == claim {
					assert.Equal(t, want, value, "%s %s", claim, text)
				} else {
					assert.Zero(t, value)
				}
			}
		}
	}
}

// TestWhatStandsAroundATokenIsNamed, and nothing of the token or of a member's name that may be one.
func TestWhatStandsAroundATokenIsNamed(t *testing.T) {
	token := jwt(`{"alg":"RS256"}`, `{"iss":"i"}`).Reveal()
	for text, want := range map[string]string{
		"Bearer " + token:           "the word Bearer stands before it",
		"bearer  " + token:          "the word Bearer stands before it",
		`"` + token + `"`:           "it stands in quotes",
		`"` + token:                 "it stands in quotes",
		"'" + token + "'":           "it stands in quotes",
		`"Bearer ` + token + `"`:    "it stands in quotes",
		`{"token":"` + token + `"}`: "the value of token alone",
		`{"token_type":"x","access_token":"` + token + `"}`: "the value of access_token alone",
		`{ "id_token": "` + token + `" }`:                   "the value of id_token alone",
		`{"` + token + `":1}`:                               "it is a JSON object",
		`{"token":7}`:                                       "it is a JSON object",
		`["` + token + `"]`:                                 "it is JSON, or a part of it",
		`{"token":"` + token:                                "it is JSON, or a part of it",
	} {
		_, err := entra.ParseSubjectToken(secret.New(text))
		require.ErrorIs(t, err, entra.ErrMalformedToken, text)
		assert.ErrorContains(t, err, want, text)
		assert.NotContains(t, err.Error(), token)
		assert.NotContains(t, err.Error(), "base64")
	}
}

// TestTheFaultyPartIsNamed, with what is wrong about it.
func TestTheFaultyPartIsNamed(t *testing.T) {
	const fine = "e30"
	for text, want := range map[string]string{
		"": "it is empty", fine: "1 instead of 3 parts", fine + "." + fine + "." + fine + ".": "4 instead of 3 parts",
		"!." + fine + ".c2ln":    "the header part is not base64url",
		fine + ".!.c2ln":         "the claims part is not base64url",
		"W10." + fine + ".c2ln":  "the header part is not a JSON object",
		fine + ".W10.c2ln":       "the claims part is not a JSON object",
		"e30x." + fine + ".c2ln": "the header part is not readable",
		fine + ".e30x.c2ln":      "the claims part is not readable",
		fine + "." + fine + ".!": "the signature is not base64url", fine + "." + fine +
			".": "the signature is not base64url",
	} {
		_, err := entra.ParseSubjectToken(secret.New(text))
		require.ErrorIs(t, err, entra.ErrMalformedToken, text)
		assert.ErrorContains(t, err, want, text)
	}
}

func FuzzParseSubjectToken(f *testing.F) {
	f.Add(jwt(`{"alg":"RS256"}`, `{"iss":"i","aud":["a"],"exp":1}`).Reveal())
	f.Add("a.b.c")
	f.Add("..")
	f.Fuzz(func(t *testing.T, s string) {
		claims, err := entra.ParseSubjectToken(secret.New(s))
		if err != nil && (claims.Issuer != "" || claims.Subject != "") {
			t.Error("claims beside an error")
		}
		if err == nil && strings.Count(s, ".") != 2 {
			t.Error("accepted without three parts")
		}
	})
}

// TestTheFaultOfATokenIsNamed, with nothing of the token.
func TestTheFaultOfATokenIsNamed(t *testing.T) {
	t.Parallel()
	const header, date = `{"alg":"RS256"}`, "where a number of seconds, from 1970 to 9999, is expected"
	good := jwt(header, `{}`).Reveal()
	for name, c := range map[string]struct {
		token entra.SubjectToken
		want  string
	}{
		"a line break behind":    {secret.New(good + "\n"), "a blank or line break stands behind it"},
		"a Windows break behind": {secret.New(good + "\r\n"), "a blank or line break stands behind it"},
		"a blank before":         {secret.New("\u00a0" + good), "a blank or line break stands before it"},
		"a line break alone":     {secret.New("\n"), "a blank or line break stands before it"},
		"exp is a string":        {jwt(header, `{"exp":"1767225600"}`), "its exp is a string, " + date},
		"exp is an object":       {jwt(header, `{"exp":{}}`), "its exp is an object, " + date},
		"exp is too far":         {jwt(header, `{"exp":1e300}`), "its exp is a number, " + date},
		"nbf is a list":          {jwt(header, `{"nbf":[1]}`), "its nbf is a list, " + date},
		"iat is true":            {jwt(header, `{"iat":true}`), "its iat is true or false, " + date},
		"iat is false":           {jwt(header, `{"iat":false}`), "its iat is true or false, " + date},
		"kid is a number":        {jwt(`{"kid":7}`, `{}`), "its kid is a number, where a string is expected"},
		"sub is a number":        {jwt(header, `{"sub":-7}`), "its sub is a number, where a string is expected"},
		"aud holds a number": {jwt(header, `{"aud":["a",1]}`),
			"its aud is a list, where a string or a list of strings is expected"},
	} {
		_, err := entra.ParseSubjectToken(c.token)
		require.ErrorIs(t, err, entra.ErrMalformedToken, name)
		assert.EqualError(t, err, "the subject token is not a JWT: "+c.want, name)
	}
}

// TestNamesOfClaimsHaveACase (RFC 7519, section 4): what is written otherwise is another claim.
func TestNamesOfClaimsHaveACase(t *testing.T) {
	t.Parallel()
	got, err := entra.ParseSubjectToken(jwt(`{"KID":"k","Alg":7}`, `{"ISS":"i","Exp":"soon","aud":null,"sub":null}`))
	require.NoError(t, err)
	assert.Equal(t, entra.Claims{}, got)
}
