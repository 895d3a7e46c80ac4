package access_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// unsigned is a token of these claims, which fit the document unless they are changed; nobody has signed it.
func unsigned(t *testing.T, c *cloud, header, changed map[string]any) secret.Value {
	t.Helper()
	claims := map[string]any{"iss": world.Issuer, "sub": subject, "aud": audience,
		"exp": c.world.Now().Add(time.Hour).Unix()}
	head := map[string]any{"alg": "RS256", "typ": "JWT", "kid": "k"}
	parts := []string{}
	for _, part := range []struct{ all, changed map[string]any }{{head, header}, {claims, changed}} {
		for name, value := range part.changed {
			if part.all[name] = value; value == nil {
				delete(part.all, name)
			}
		}
		text, err := json.Marshal(part.all)
		require.NoError(t, err)
		parts = append(parts, base64.RawURLEncoding.EncodeToString(text))
	}
	return secret.New(strings.Join(parts, ".") + ".c2lnbmF0dXJl")
}

// TestClaims compares every claim, on both sides of each bound. What fails first keeps the token at home.
func TestClaims(t *testing.T) {
	t.Parallel()
	now := newCloud(t).world.Now()
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	const day = 24 * time.Hour
	for name, tc := range map[string]struct {
		header, claims map[string]any
		want           string
		expected       string // empty: not looked at
		actual         string
	}{
		"ends now": {nil, map[string]any{"exp": at(0)}, "token.lifetime fail token-expired",
			"exp after 2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"},
		"ends in a second": {nil, map[string]any{"exp": at(time.Second)}, "token.lifetime pass",
			"exp after 2026-03-01T12:00:00Z", "2026-03-01T12:00:01Z"},
		"ends in a day": {nil, map[string]any{"exp": at(day)}, "token.lifetime pass",
			"exp after 2026-03-01T12:00:00Z", "2026-03-02T12:00:00Z"},
		"ends later": {nil, map[string]any{"exp": at(day + time.Second)},
			"token.lifetime warn token-lifetime-too-long",
			"exp before 2026-03-02T12:00:00Z", "2026-03-02T12:00:01Z"},
		"never ends": {nil, map[string]any{"exp": nil}, "token.lifetime fail token-no-expiry",
			"exp after 2026-03-01T12:00:00Z", "no exp"},
		"begins in five minutes": {nil, map[string]any{"nbf": at(5 * time.Minute)}, "token.lifetime pass", "", ""},
		"begins later": {nil, map[string]any{"nbf": at(5*time.Minute + time.Second)},
			"token.lifetime fail token-not-yet-valid", "nbf before 2026-03-01T12:00:00Z", "2026-03-01T12:05:01Z"},
		"no key":               {map[string]any{"kid": nil}, nil, "token.key warn token-key-id-missing", "", ""},
		"no type":              {map[string]any{"typ": nil}, nil, "token.type pass", "", ""},
		"type in another case": {map[string]any{"typ": "jwt"}, nil, "token.type pass", "", ""},
		"another type": {map[string]any{"typ": "at+jwt"}, nil, "token.type fail token-type-unsupported",
			"JWT", "at+jwt"},
		"another algorithm": {map[string]any{"alg": "RS512"}, nil,
			"token.algorithm fail token-algorithm-unsupported", "RS256", "RS512"},
		"issuer with a slash": {nil, map[string]any{"iss": world.Issuer + "/"},
			"token.issuer fail token-issuer-mismatch", world.Issuer, world.Issuer + "/"},
		"several audiences": {nil, map[string]any{"aud": []string{audience, "other"}},
			"token.audience fail token-audience-mismatch", audience, audience + " other"},
		"one audience, as a list": {nil, map[string]any{"aud": []string{audience}}, "token.audience pass", audience,
			audience},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
				Token: unsigned(t, c, tc.header, tc.claims)})
			require.NoError(t, err)
			assert.Contains(t, lines(report), tc.want)
			id, _, _ := strings.Cut(tc.want, " ")
			for _, check := range report.Checks {
				if check.ID == id && (tc.expected != "" || id == "token.key") {
					assert.Equal(t, []string{tc.expected, tc.actual}, []string{check.Expected, check.Presented})
				}
			}
			isFailed := strings.Contains(tc.want, " fail ")
			assert.Equal(t, isFailed, slices.Contains(lines(report), "exchange.token skip"))
			assert.Equal(t, isFailed, len(c.seen(http.MethodPost)) == 0, "what cannot match is sent nowhere")
		})
	}
}

// TestWhatASubjectTokenMayBe: each fault of a token that the platform could issue is told by what it is, and where
// the token is sent all the same Entra's answer states it too.
func TestWhatASubjectTokenMayBe(t *testing.T) {
	t.Parallel()
	const among, alone = "The token has 2 audiences, and the integration's is among them; Entra takes only tokens " +
		"with exactly one (AADSTS5002741).", "The token has 3 audiences, and the integration's is not among them; " +
		"Entra takes only tokens with exactly one (AADSTS5002741)."
	for name, tc := range map[string]struct {
		request        platform.TokenRequest
		behind         string // the token
		want           []string
		detail, actual string
	}{
		"two audiences, ours first": {request: platform.TokenRequest{Audience: []string{audience, "other"}},
			want:   []string{"token.audience fail token-audience-mismatch", "exchange.token skip"},
			detail: among, actual: audience + " other"},
		"two audiences, ours last": {request: platform.TokenRequest{Audience: []string{"other", audience}},
			want:   []string{"token.audience fail token-audience-mismatch", "exchange.token skip"},
			detail: among, actual: "other " + audience},
		"three others": {request: platform.TokenRequest{Audience: []string{"a", "b", audience + "/"}},
			want:   []string{"token.audience fail token-audience-mismatch", "exchange.token skip"},
			detail: alone, actual: "a b " + audience + "/"},
		"a list of ours": {request: platform.TokenRequest{Audience: []string{audience}},
			want: []string{"token.audience pass", "exchange.token pass"}},
		"no audience": {request: platform.TokenRequest{Audience: []string{}},
			want:   []string{"token.audience fail token-audience-mismatch", "exchange.token skip"},
			detail: "The token's aud is not the audience of the credential."},
		"a line break behind it": {behind: "\n",
			want:   []string{"token.format fail token-malformed", "exchange.token skip"},
			detail: "The subject token is not a JWT: a blank or line break stands behind it."},
		"exp is a string": {request: platform.TokenRequest{Claims: map[string]any{"exp": "4102444800"}},
			want: []string{"token.format fail token-malformed", "exchange.token skip"},
			detail: "The subject token is not a JWT: its exp is a string, where a number of seconds, from 1970 to " +
				"9999, is expected."},
		"no kid": {request: platform.TokenRequest{WithoutKeyID: true},
			want: []string{"token.key warn token-key-id-missing",
				"exchange.token fail signing-key-unknown"},
			detail: "The token's header has no kid, so Entra cannot find the key in the issuer's JWKS."},
		"azp and claims of its own": {request: platform.TokenRequest{AuthorizedParty: "x",
			Claims: map[string]any{"team": map[string]any{"id": 7}}},
			want: []string{"token.format pass", "exchange.token pass"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			token := c.token(tc.request)
			report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
				Token: secret.New(token.Reveal() + tc.behind)})
			require.NoError(t, err)
			assert.Subset(t, lines(report), tc.want)
			id, _, _ := strings.Cut(tc.want[0], " ")
			check := report.Checks[slices.IndexFunc(report.Checks, func(k assessment.Check) bool {
				return k.ID == id
			})]
			assert.Equal(t, tc.detail, check.Detail)
			if tc.actual != "" {
				assert.Equal(t, []string{audience, tc.actual}, []string{check.Expected, check.Presented})
			}
		})
	}
}

// TestKindsOfDifference are told beside the place where a claim differs.
func TestKindsOfDifference(t *testing.T) {
	t.Parallel()
	for claim, tc := range map[string]struct{ value, field, want string }{
		"iss": {world.Issuer, "/issuer", "token.issuer"}, "aud": {audience, "/audience", "token.audience"},
		"sub": {subject, "/subjects/0", "token.subject"}} {
		for told, value := range map[string]string{"by a trailing slash only": tc.value + "/",
			"by case only": strings.ToUpper(tc.value), "by blanks only": tc.value[:3] + " " + tc.value[3:],
			"": tc.value + "x"} {
			c := newCloud(t)
			report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
				Token: unsigned(t, c, nil, map[string]any{claim: value})})
			require.NoError(t, err)
			i := slices.IndexFunc(report.Checks, func(check assessment.Check) bool { return check.ID == tc.want })
			check := report.Checks[i]
			assert.Equal(t, diagnosis.OutcomeFail, check.Status, value)
			assert.Equal(t, tc.field, check.Field, value)
			require.NotNil(t, check.DiffAt)
			assert.Equal(t, *assessment.Diff(tc.value, value).At, *check.DiffAt, value)
			if told == "" {
				assert.NotContains(t, check.Detail, "Here they differ")
			} else {
				assert.Equal(t, 1, strings.Count(check.Detail, " Here they differ "+told+"."), check.Detail)
			}
			assert.Contains(t, check.Detail, "The token has "+check.Presented+", the integration "+check.Expected+".")
		}
	}
}

// TestEverySubjectIsTaken: a token for the second of two subjects is as good as one for the first, and what is found
// out about it is told with the second one's credential.
func TestEverySubjectIsTaken(t *testing.T) {
	t.Parallel()
	const second = "system:serviceaccount:dataloop:other"
	c := newCloud(t)
	c.trust("second", world.Issuer, second, audience)
	for _, one := range []string{second, subject} {
		report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
			Token: c.token(platform.TokenRequest{Subject: one})})
		require.NoError(t, err)
		assert.Equal(t, assessment.VerdictPass, report.Verdict, lines(report))
		assert.Equal(t, one, report.TestedAs.Subject)
	}
	require.NoError(t, c.world.DeleteFederatedCredential(objectID, "second"))
	require.NoError(t, c.world.DeleteFederatedCredential(objectID, "subject"))
	for _, one := range []string{second, subject} {
		report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
			Token: c.token(platform.TokenRequest{Subject: one})})
		require.NoError(t, err)
		d, _ := report.Decisive()
		assert.Equal(t, diagnosis.CodeFederatedCredentialMissing, d.Code)
		assert.Contains(t, d.Remedy.Command, fmt.Sprintf("%q", integration.CredentialName(one)))
		assert.Contains(t, d.Remedy.Command, one)
	}
}

// TestNearestSubject is what a token that fits none is compared with: the one that differs by case before the one that
// begins alike, and of those the longest; where none does, the first.
func TestNearestSubject(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		subjects []string
		actual   string
		want     string
		code     diagnosis.Code
	}{
		"equal, the last":          {[]string{"a:b", "A:C", "a:c"}, "a:c", "a:c", ""},
		"case before beginning":    {[]string{"a:B", "a:b:c", "a:b:cc"}, "a:b", "a:B", "subject-case-mismatch"},
		"case, the last":           {[]string{"a:b:c", "A:B"}, "a:b", "A:B", "subject-case-mismatch"},
		"the longest beginning":    {[]string{"a:x", "a:b:y", "a:z"}, "a:b:c", "a:b:y", "token-subject-mismatch"},
		"the first of two as long": {[]string{"a:x", "a:y"}, "a:z", "a:x", "token-subject-mismatch"},
		"nothing alike":            {[]string{"x", "y"}, "a", "x", "token-subject-mismatch"},
		"the token's is longer":    {[]string{"b", "a"}, "ab", "a", "token-subject-mismatch"},
		"the token's is shorter":   {[]string{"b", "ab"}, "a", "ab", "token-subject-mismatch"},
		"there are none":           {nil, "a", "", "token-subject-mismatch"},
	} {
		c := newCloud(t)
		d := c.document()
		d.Spec.Subjects = tc.subjects
		report, err := c.tester().Run(t.Context(), access.Request{Document: d,
			Token: unsigned(t, c, nil, map[string]any{"sub": tc.actual})})
		require.NoError(t, err)
		assert.Equal(t, tc.want, report.TestedAs.Subject, name)
		i := slices.IndexFunc(report.Checks, func(check assessment.Check) bool { return check.ID == "token.subject" })
		check := report.Checks[i]
		assert.Equal(t, []string{tc.want, tc.actual, string(tc.code)}, []string{check.Expected,
			check.Presented, string(check.Code)}, name)
		field := ""
		switch at := slices.Index(tc.subjects, tc.want); {
		case tc.code == "":
		case at < 0:
			field = "/subjects"
		default:
			field = fmt.Sprintf("/subjects/%d", at)
		}
		assert.Equal(t, field, check.Field, name)
	}
}

// TestTokensThatAreNone are named as such, in a sentence that holds nothing of them.
func TestTokensThatAreNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"planted", "planted.planted.planted", "e30.e30", "e30.W10.planted"} {
		c := newCloud(t)
		report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(), Token: secret.New(text)})
		require.NoError(t, err)
		check := report.Checks[0]
		assert.Equal(t, []string{"token.format", "token", "token-malformed"}, []string{check.ID, check.Layer,
			string(check.Code)})
		assert.Regexp(t, `^[A-Z].*\.$`, check.Detail)
		assert.NotContains(t, check.Detail, "planted")
		assert.Equal(t, []string{"token.format fail token-malformed", "exchange.token skip"}, lines(report)[:2])
		assert.Equal(t, subject, report.TestedAs.Subject, "the first, where no token tells")
	}
}

// TestAMissingKeyIDIsTheCause of a signing key that Entra does not know; beside a key that was named it is not.
func TestAMissingKeyIDIsTheCause(t *testing.T) {
	t.Parallel()
	for want, request := range map[diagnosis.Code]platform.TokenRequest{
		diagnosis.CodeTokenKeyIDMissing: {WithoutKeyID: true}, diagnosis.CodeSigningKeyUnknown: {KeyID: "unpublished"},
	} {
		c := newCloud(t)
		report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(), Token: c.token(request)})
		require.NoError(t, err)
		require.NotNil(t, report.Diagnosis)
		assert.Equal(t, want, report.Diagnosis.Code)
		assert.Empty(t, report.Also, want)
		assert.Equal(t, assessment.VerdictFail, report.Verdict)
	}
}
