package field_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

const publicAudience = "api://AzureADTokenExchange"

// tables are all tables, by the prefix of their codes.
func tables() map[string]field.Rules {
	return map[string]field.Rules{"issuer": field.Issuer(), "subject": field.Subject(),
		"audience":  field.Audience(publicAudience),
		"tenant-id": field.TenantID(), "client-id": field.ClientID(), "display-name": field.Printable("display-name",
			10), "ddoe": field.Printable("ddoe", 256)}
}

func TestEveryRuleHasItsWords(t *testing.T) {
	for name, rules := range tables() {
		seen := map[diagnosis.Code]bool{}
		for _, r := range rules {
			assert.True(t, strings.HasPrefix(string(r.Code), name+"-"), r.Code)
			assert.NotEmpty(t, r.Expected, r.Code)
			assert.False(t, seen[r.Code], "one rule is one entry: %s", r.Code)
			seen[r.Code] = true
			_, ok := diagnosis.Lookup(r.Code)
			assert.True(t, ok, "%s is not in the catalogue", r.Code)
		}
		if name == "ddoe" {
			continue // the platform has more codes than those of its texts
		}
		for _, e := range diagnosis.Entries() {
			if strings.HasPrefix(string(e.Code), name+"-") && e.Layer == "file" && !slices.Contains(others(), e.Code) {
				assert.True(t, seen[e.Code], "no rule has the catalogue's code %s", e.Code)
			}
		}
	}
}

// others are codes of the catalogue that begin like a field's, but are found by whoever sees the whole file.
func others() []diagnosis.Code {
	return []diagnosis.Code{"issuer-subject-swapped", "issuer-unexpected", "subject-unexpected",
		"client-id-is-tenant-id"}
}

// guid is a well-formed one of nobody.
const guid = "4f6b0b1e-9a52-4a3c-8a43-0d6f3f6c2b11"

// offence is a value that breaks a rule.
type offence struct {
	value string
	at    int // -1: the rule is about the whole value
}

// general are the offenders by the end of the code, for rules that several tables have.
var general = map[string]offence{
	"required": {"", -1}, "secret": {"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln", -1}, "encoding": {"a\xff", -1},
	"blank-edge": {"https://a.example  ", 17}, "invisible-character": {"ab\u200bc", 2},
	"quoted":      {`"` + guid + `"`, -1},
	"placeholder": {"<your-value>", -1}, "too-long": {"https://a.example/" + strings.Repeat("x", 600), -1},
	"control-character": {"a\x00", -1},
	"not-guid":          {"4f6b0b1e-9a52-4a3c-8a43-0d6f3f6c2b1", -1},
	"nil":               {"00000000-0000-0000-0000-000000000001", -1},
}

// special are the offenders by the whole code.
var special = map[string]offence{
	"issuer-not-https": {"http://a.example", -1}, "issuer-user-info": {"https://me@a.example", -1},
	"issuer-query":          {"https://a.example?x", 17},
	"issuer-fragment":       {"https://a.example#x", 17},
	"issuer-discovery-path": {"https://a.example/.well-known/openid-configuration", 17},
	"issuer-entra":          {"https://login.microsoftonline.com/x/v2.0", -1},
	"issuer-local":          {"https://kubernetes.default.svc.cluster.local", -1},
	"issuer-address":        {"https://203.0.113.7", -1}, "issuer-port": {"https://a.example:8443", -1},
	"issuer-host-case": {"https://A.example", -1},
	"subject-wildcard": {"system:*", 7}, "subject-service-account": {"system:serviceaccount:a", -1},
	"audience-blank": {"a, b", 1}, "audience-default-scope": {publicAudience + "/.default", 26},
	"audience-trailing-slash": {publicAudience + "/", 26},
	"audience-case":           {"api://azureADTokenExchange", 6},
	"audience-other-cloud":    {publicAudience + "China", 26}, "audience-custom": {"api://" + guid, 6},
	"tenant-id-alias": {"common", -1}, "tenant-id-domain": {"acme.onmicrosoft.com", -1},
	"tenant-id-microsoft": {"72f988bf-86f1-41af-91ab-2d7cd011db47", -1},
	"client-id-microsoft": {"00000003-0000-0000-C000-000000000000", -1},
}

// TestEveryRuleCatchesItsOffender has one offender for each rule, in every table that has the rule.
func TestEveryRuleCatchesItsOffender(t *testing.T) {
	for name, rules := range tables() {
		for _, r := range rules {
			t.Run(string(r.Code), func(t *testing.T) {
				o, ok := special[string(r.Code)]
				if !ok {
					o, ok = general[strings.TrimPrefix(string(r.Code), name+"-")]
				}
				if !assert.True(t, ok, "no offender") {
					return
				}
				found := rules.Violations(o.value)
				i := slices.IndexFunc(found, func(v field.Violation) bool { return v.Code == r.Code })
				if !assert.GreaterOrEqual(t, i, 0, "%v", found) {
					return
				}
				at := -1
				if found[i].At != nil {
					at = *found[i].At
				}
				assert.Equal(t, o.at, at)
				refused := slices.ContainsFunc(rules.Check("/x", o.value), func(f diagnosis.Finding) bool {
					return f.Code == r.Code && f.Remedy != "" && f.Pointer == "/x"
				})
				assert.Equal(t, !found[i].Warning, refused, "a warning refuses no spec, a fault does")
			})
		}
	}
}

// TestAFaultIsToldInWordsThatPeopleCount: characters are counted from 1 in words, while At is an index; what is too
// long is counted, not repeated.
func TestAFaultIsToldInWordsThatPeopleCount(t *testing.T) {
	for name, c := range map[string]struct {
		rules          field.Rules
		value          string
		detail, actual string
	}{
		"cannot be printed": {field.Printable("display-name", 256), "a\x00b",
			"Character 2 is U+0000, which cannot be printed.", "a\ufffdb"},
		"cannot be read": {field.Printable("ddoe", 256), "\ufffdx", "Character 1 is U+FFFD, or cannot be read.",
			"\ufffdx"},
		"cannot be seen": {field.Issuer(), "https://a\u200b.example",
			"Character 10 is U+200B, which cannot be seen.", "https://a\ufffd.example"},
		"typographic mark": {field.Subject(), "a\u2013b", "Character 2 is U+2013, a typographic mark.", "a\u2013b"},
		"text too long": {field.Printable("display-name", 256), strings.Repeat("x", 257),
			"The value has 257 characters.", ""},
		"subject too long": {field.Subject(), strings.Repeat("z", 601), "The value has 601 characters.", ""},
	} {
		t.Run(name, func(t *testing.T) {
			found := c.rules.Check("/x", c.value)
			require.Len(t, found, 1)
			assert.Equal(t, c.detail, found[0].Detail)
			assert.Equal(t, c.actual, found[0].Actual)
		})
	}
}

func TestPlaceholders(t *testing.T) {
	for _, v := range []string{"<APPLICATION_CLIENT_ID>", "{clientId}", "${CLIENT_ID}", "$CLIENT_ID", "%CLIENT_ID%",
		"{{ client_id }}", "__CLIENT_ID__", "YOUR_CLIENT_ID",
		"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "XXXX", "null", "undefined", "TODO",
		"12345678-1234-1234-1234-123456789012", "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"} {
		findings := field.ClientID().Check("/x", v)
		if assert.Len(t, findings, 1, v) {
			assert.Equal(t, diagnosis.CodeClientIDPlaceholder, findings[0].Code, v)
		}
	}
	findings := field.ClientID().Check("/x", "{4f6b0b1e-9a52-4a3c-8a43-0d6f3f6c2b11}")
	assert.Equal(t, diagnosis.CodeClientIDNotGUID, findings[0].Code,
		"brackets around a GUID are the registry's, not a template's")
}

// TestWhatIsNoIDIsNotRepeated: a password pasted as client id has no shape of its own.
func TestWhatIsNoIDIsNotRepeated(t *testing.T) {
	for value, visible := range map[string]bool{"hunter2!": false, "p4ssw0rd/with-more": false, "4f6b0b1e-9a52": true,
		"acme.example": true, strings.Repeat("a", 65): false} {
		assert.Equal(t, visible, field.ActualID(value) != "", value)
		assert.Equal(t, visible, field.ClientID().Check("/x", value)[0].Actual != "", value)
	}
}

func TestGoodValues(t *testing.T) {
	for value, rules := range map[string]field.Rules{
		"https://dataloop.ai/oauth2":               field.Issuer(),
		"https://dataloop.ai/oauth2/":              field.Issuer(),
		"https://xn--bcher-kva.example:8443/a%20b": field.Issuer(),
		"https://microsoftonline.com.example/x":    field.Issuer(),
		"system:serviceaccount:dataloop:a.b-c":     field.Subject(),
		"repo:octo/cat:ref:refs/heads/main":        field.Subject(),
		"Straße 1, ß":                              field.Subject(),
		"api://AzureADTokenExchange":               field.Audience(""),
		"11111111-1111-4111-8111-11111111AAAA":     field.TenantID(),
		"77777777-7777-4777-8777-777777777777":     field.ClientID(),
	} {
		assert.Empty(t, rules.Check("/x", value), value)
	}
}

func TestSecretsAreNotRepeated(t *testing.T) {
	for _, secret := range []string{
		"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln",
		"DefaultEndpointsProtocol=https;AccountName=x;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net",
		"Endpoint=sb://x/;SharedAccessKeyName=k;SharedAccessKey=c2VjcmV0",
		"https://x.blob.core.windows.net/c?sv=2024-01-01&sig=c2VjcmV0",
		"-----BEGIN PRIVATE KEY-----",
		"abc8Q~0123456789abcdefghijklmnopqrstuvwx",
		"https://me:c2VjcmV0@dataloop.ai/oauth2?x", "https://me:c2V/jcmV0@dataloop.ai/oauth2",
		"http://me:c2VjcmV0@dataloop.ai",
	} {
		for _, rules := range []field.Rules{field.Issuer(), field.Subject(), field.Audience(""), field.TenantID(),
			field.ClientID(), field.Printable("text", 600)} {
			findings := rules.Check("/x", secret)
			if assert.Len(t, findings, 1, secret) {
				assert.True(t, strings.HasSuffix(string(findings[0].Code), "-secret"), findings[0].Code)
				assert.Empty(t, findings[0].Actual)
			}
		}
		assert.Empty(t, field.Actual(secret))
	}
}
