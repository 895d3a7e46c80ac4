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
		"with Bearer":            secret.New("Bearer " + good),
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
