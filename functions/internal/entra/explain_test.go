package entra

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Tails that Entra puts after every text.
const (
	lineTail = "\r\nTrace ID: 2f5ec3e7-0000-4000-8000-000000000000\r\nCorrelation ID: " +
		"6a1b0000-0000-4000-8000-000000000000\r\nTimestamp: 2026-03-01 12:00:00Z"
	blankTail = " Trace ID: 2f5ec3e7-0000-4000-8000-000000000000 Correlation ID: " +
		"6a1b0000-0000-4000-8000-000000000000 Timestamp: 2026-03-01 12:00:00Z"
)

const checkTail = "Check your federated identity credential Subject, Audience and Issuer against the presented " +
	"assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation"

// explanations are texts of the token service, and what is taken out of them.
var explanations = map[string]struct {
	text   string
	number int
	want   explanation
}{
	"issuer": {
		text: "AADSTS700211: No matching federated identity record found for presented assertion issuer " +
			"'https://dataloop.ai/oauth2/'. " + checkTail,
		number: 700211, want: explanation{issuer: "https://dataloop.ai/oauth2/"},
	},
	"audience": {
		text: "AADSTS700212: No matching federated identity record found for presented assertion audience " +
			"'api://other'. " + checkTail,
		number: 700212, want: explanation{audience: "api://other"},
	},
	"subject": {
		text: "AADSTS700213: No matching federated identity record found for presented assertion subject " +
			"'system:serviceaccount:dataloop:x'. " + checkTail,
		number: 700213, want: explanation{subject: "system:serviceaccount:dataloop:x"},
	},
	"subject, wrapped by a log": {
		text: "AADSTS700213: No matching federated identity record found for presented\r\n assertion subject " +
			"'system:serviceaccount:dataloop:x'.\r\nCheck",
		number: 700213, want: explanation{subject: "system:serviceaccount:dataloop:x"},
	},
	"subject with a quote and a full stop": {
		text: "AADSTS700213: No matching federated identity record found for presented assertion subject " +
			"'repo:a/b'.c'. " + checkTail,
		number: 700213, want: explanation{subject: "repo:a/b'.c"},
	},
	"masked": {
		text: "AADSTS700213: No matching federated identity record found for presented assertion " +
			"subject '***'. " + checkTail,
		number: 700213, want: explanation{},
	},
	"expected subject": {
		text: "AADSTS7002137: No matching federated identity record found for presented assertion subject 'a:B'. " +
			"The expected federated identity credential Subject is 'a:b'. " + checkTail,
		number: 7002137, want: explanation{subject: "a:B", expectedSubject: "a:b"},
	},
	"case": {
		text: "AADSTS7002138: No matching federated identity record found for presented assertion subject 'a:B'. " +
			"The subject matches with case-insensitive comparison, but not with case-sensitive " +
			"comparison. " + checkTail,
		number: 7002138, want: explanation{subject: "a:B"},
	},
	"legacy": {
		text: "AADSTS70021: No matching federated identity record found for presented assertion. Assertion " +
			"Issuer: 'https://i'. Assertion Subject: 's'. Assertion Audience: " +
			"'api://AzureADTokenExchange'. " + checkTail,
		number: 70021, want: explanation{issuer: "https://i", subject: "s", audience: "api://AzureADTokenExchange"},
	},
	"application": {
		text: "AADSTS700016: Application with identifier '77777777-7777-4777-8777-777777777777' was not found in " +
			"the directory 'Acme'. This can happen if the application has not been installed by the administrator " +
			"of the tenant.",
		number: 700016, want: explanation{client: "77777777-7777-4777-8777-777777777777", directory: "Acme"},
	},
	"no credential": {
		text: "AADSTS70025: The client '77777777-7777-4777-8777-777777777777'(ddoe) has no configured federated " +
			"identity credentials.",
		number: 70025, want: explanation{},
	},
	"times": {
		text: "AADSTS700024: Client assertion is not within its valid time range. Current time: " +
			"2026-03-01T12:00:00.0000000Z, assertion valid from 2026-03-01T10:00:00.0000000Z, expiry time of " +
			"assertion 2026-03-01T11:00:00.0000000Z. Review the documentation",
		number: 700024, want: explanation{now: "2026-03-01T12:00:00.0000000Z", from: "2026-03-01T10:00:00.0000000Z",
			until: "2026-03-01T11:00:00.0000000Z"},
	},
	"key": {
		text: "AADSTS7000272: The certificate with identifier k-2 used to sign the federated credential could not " +
			"be found in the metadata of identity provider https://dataloop.ai/oauth2. Please",
		number: 7000272, want: explanation{keyID: "k-2", issuer: "https://dataloop.ai/oauth2"},
	},
	"tenant": {
		text: "AADSTS900023: Specified tenant identifier 'a b' is neither a valid DNS name, nor a valid " +
			"external domain.",
		number: 900023, want: explanation{directory: "a b"},
	},
	"claim": {
		text: "AADSTS7002381: The token issued by 'https://i' and used in this app must contain the enterprise " +
			"claim with value acme but actual value is 'other'.",
		number: 7002381, want: explanation{issuer: "https://i", wantClaim: "enterprise", wantValue: "acme",
			gotValue: "other"},
	},
	"no number":     {text: "Too Many Requests"},
	"nothing known": {text: "AADSTS999999: Something new about 'x'.", number: 999999},
}

func TestExplain(t *testing.T) {
	for name, tt := range explanations {
		for tail, suffix := range map[string]string{"lines": lineTail, "blanks": blankTail, "none": ""} {
			t.Run(name+" with "+tail, func(t *testing.T) {
				assert.Equal(t, tt.number, numberInText(tt.text+suffix))
				got := explain(tt.text + suffix)
				if name == "no credential" {
					got.client = "" // tested below
				}
				assert.Equal(t, tt.want, got)
			})
		}
	}
	assert.Equal(t, "77777777-7777-4777-8777-777777777777",
		explain("The client '77777777-7777-4777-8777-777777777777' has no configured federated identity "+
			"credentials.").client)
}

// TestASentenceFitsEachKindOfIdentity: Microsoft's texts say application or client, whatever the client id is of.
func TestASentenceFitsEachKindOfIdentity(t *testing.T) {
	for text, want := range map[string]string{
		"The client 'c' has no configured federated identity credentials.": "Entra looked at the identity with " +
			`the client id "c".`,
		"Application with identifier 'c' was not found in the directory 'd'.": "Entra looked for " +
			`"c" in the tenant "d".`,
	} {
		assert.Equal(t, want, explain(text).sentence())
	}
}

func TestExplainIsSafe(t *testing.T) {
	got := explain("presented assertion subject 'a\x1b[31m\u202eb" + strings.Repeat("x", 2000) + "'. ")
	assert.LessOrEqual(t, len(got.subject), maxValue+10)
	assert.NotContains(t, got.subject, "\x1b")
	assert.NotContains(t, got.subject, "\u202e")
}

func TestNumberPrefersTheList(t *testing.T) {
	assert.Equal(t, 700213, number(answer{Codes: []int{700213, 1}, Description: "AADSTS70021: x"}))
	assert.Equal(t, 70021, number(answer{Description: "AADSTS70021: x"}))
}
