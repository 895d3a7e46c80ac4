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
		number: 70025, want: explanation{client: "77777777-7777-4777-8777-777777777777"},
	},
	"no credential, without the name": {
		text: "AADSTS70025: The client '77777777-7777-4777-8777-777777777777' has no configured federated " +
			"identity credentials.",
		number: 70025, want: explanation{client: "77777777-7777-4777-8777-777777777777"},
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
				assert.Equal(t, tt.want, explain(tt.text+suffix))
			})
		}
	}
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

// TestExplanationsNameTheirValues: the sentence holds those that are compared with nothing, and no text without such
// has one.
func TestExplanationsNameTheirValues(t *testing.T) {
	const client = "77777777-7777-4777-8777-777777777777"
	told := map[string][]string{"application": {client, "Acme"},
		"times": {"2026-03-01T12:00:00.0000000Z", "2026-03-01T10:00:00.0000000Z", "2026-03-01T11:00:00.0000000Z"},
		"key":   {"k-2", "https://dataloop.ai/oauth2"}, "tenant": {"a b"}, "claim": {"enterprise", "acme", "other"},
		"no credential": {client}, "no credential, without the name": {client}}
	for name, tt := range explanations {
		sentence := explain(tt.text + lineTail).sentence()
		assert.Equal(t, len(told[name]) > 0, sentence != "", name)
		for _, value := range told[name] {
			assert.Contains(t, sentence, value, name)
		}
		if sentence != "" {
			assert.Regexp(t, `^[A-Z].*\.$`, sentence)
			assert.NotContains(t, sentence, "%!", name)
			assert.NotContains(t, sentence, `""`, name)
		}
	}
}

// TestEveryPresentedValueIsTaken, in whatever order the text has them.
func TestEveryPresentedValueIsTaken(t *testing.T) {
	presented := map[string]string{"issuer": "i", "subject": "s", "audience": "a"}
	for _, order := range [][]string{{"issuer", "subject", "audience"}, {"audience", "subject", "issuer"}} {
		var text strings.Builder
		for _, name := range order {
			text.WriteString("No record for presented assertion " + name + " '" + presented[name] + "'. ")
		}
		assert.Equal(t, explanation{issuer: "i", subject: "s", audience: "a"}, explain(text.String()))
	}
}

// TestValuesAreCleaned: at most 600 bytes, whole characters, nothing invisible, and nothing where it was masked.
func TestValuesAreCleaned(t *testing.T) {
	a := func(n int) string { return strings.Repeat("a", n) }
	for value, want := range map[string]string{"": "", "a": "a", a(599): a(599), a(600): a(600), a(601): a(600),
		a(599) + "é": a(599), a(598) + "é": a(598) + "é", "a\x00b": "a\ufffdb", "a\u202eb": "a\ufffdb",
		"a\nb": "a\ufffdb", "*": "", "***": "", "a***": "a***", "***a": "***a"} {
		assert.Equal(t, want, clean(value), "%.20q", value)
	}
}

// TestNumber is the first of the list, else that of the text, which has four to nine digits.
func TestNumber(t *testing.T) {
	for text, want := range map[string]int{"AADSTS700213: x": 700213, "x AADSTS1234: y": 1234, "AADSTS123: x": 0,
		"AADSTS123456789: x": 123456789, "AADSTS1234567890: x": 0, "AADSTS700213 x": 0, "aadsts700213: x": 0, "": 0} {
		assert.Equal(t, want, number(answer{Description: text}), text)
		assert.Equal(t, want, number(answer{Codes: []int{}, Description: text}), text)
		assert.Equal(t, want, number(answer{Codes: []int{0, 1}, Description: text}), text)
		assert.Equal(t, want, number(answer{Codes: []int{-1}, Description: text}), text)
		assert.Equal(t, 1, number(answer{Codes: []int{1, 2}, Description: text}), text)
	}
}
