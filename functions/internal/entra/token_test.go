package entra_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/entra"
)

func jwt(header, claims string) entra.SubjectToken {
	encode := base64.RawURLEncoding.EncodeToString
	return entra.SubjectToken(encode([]byte(header)) + "." + encode([]byte(claims)) + "." + encode([]byte("signature")))
}

func TestSubjectTokenShowsItselfToNobody(t *testing.T) {
	const planted = "eyJplanted.eyJtoken.c2ln"
	token := entra.SubjectToken(planted)
	holder := struct {
		Token entra.SubjectToken
		Many  []entra.SubjectToken
		Point *entra.SubjectToken
	}{token, []entra.SubjectToken{token}, &token}
	var shown []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s", "%x", "%X", "%d", "%t", "%08.3f", "%U"} {
		shown = append(shown, fmt.Sprintf(verb, token), fmt.Sprintf(verb, holder))
	}
	body, err := json.Marshal(holder)
	require.NoError(t, err)
	text, err := token.MarshalText()
	require.NoError(t, err)
	var logged bytes.Buffer
	for _, log := range []*slog.Logger{slog.New(slog.NewJSONHandler(&logged, nil)), slog.New(slog.NewTextHandler(&logged, nil))} {
		log.Info("test", "token", token, "holder", holder, slog.Group("g", "pointer", &token))
	}
	shown = append(shown, string(body), string(text), logged.String(), token.String(), token.GoString(), token.LogValue().String())
	for _, s := range shown {
		assert.NotContains(t, s, "planted")
		assert.NotContains(t, s, fmt.Sprintf("%x", "planted"))
		assert.Contains(t, s, "[redacted]")
	}
	assert.Equal(t, planted, token.Reveal())
}

func TestParseSubjectToken(t *testing.T) {
	const header = `{"alg":"RS256","kid":"k1","typ":"JWT"}`
	t.Run("all claims", func(t *testing.T) {
		got, err := entra.ParseSubjectToken(jwt(header, `{"iss":"https://i","sub":"s","aud":"a","exp":1767225600,"nbf":1767222000.5,"iat":1767222000,"extra":{"x":1}}`))
		require.NoError(t, err)
		assert.Equal(t, entra.Claims{Issuer: "https://i", Subject: "s", Audience: []string{"a"}, KeyID: "k1", Algorithm: "RS256", Type: "JWT",
			ExpiresAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotBefore: time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC), IssuedAt: time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC)}, got)
	})
	t.Run("several audiences", func(t *testing.T) {
		got, err := entra.ParseSubjectToken(jwt(header, `{"aud":["a","b"]}`))
		require.NoError(t, err)
		assert.Equal(t, []string{"a", "b"}, got.Audience)
		assert.True(t, got.ExpiresAt.IsZero())
	})

	good := jwt(header, `{"iss":"i"}`).Reveal()
	faults := map[string]entra.SubjectToken{
		"empty":                  "",
		"too large":              entra.SubjectToken(strings.Repeat("a", entra.MaxSubjectToken+1)),
		"two parts":              entra.SubjectToken(good[:strings.LastIndex(good, ".")]),
		"five parts, encrypted":  entra.SubjectToken(good + ".a.b"),
		"with Bearer":            entra.SubjectToken("Bearer " + good),
		"quoted":                 entra.SubjectToken(`"` + good + `"`),
		"newline at the end":     entra.SubjectToken(good + "\n"),
		"padded":                 entra.SubjectToken(strings.Replace(good, ".", "=.", 1)),
		"plain base64":           jwt(header, `{"iss":"i"}`) + "+/",
		"dangling bits":          entra.SubjectToken(good[:strings.LastIndex(good, ".")+1] + "YR"),
		"empty signature":        entra.SubjectToken(good[:strings.LastIndex(good, ".")+1]),
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
			if len(token) > 0 && len(token) < 400 {
				assert.NotContains(t, err.Error(), token.Reveal()[:3], "no part of the token")
			}
		})
	}
}

func FuzzParseSubjectToken(f *testing.F) {
	f.Add(jwt(`{"alg":"RS256"}`, `{"iss":"i","aud":["a"],"exp":1}`).Reveal())
	f.Add("a.b.c")
	f.Add("..")
	f.Fuzz(func(t *testing.T, s string) {
		claims, err := entra.ParseSubjectToken(entra.SubjectToken(s))
		if err != nil && (claims.Issuer != "" || claims.Subject != "") {
			t.Error("claims beside an error")
		}
		if err == nil && strings.Count(s, ".") != 2 {
			t.Error("accepted without three parts")
		}
	})
}
