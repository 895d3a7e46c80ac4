package field_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
)

func TestEveryRuleHasItsWords(t *testing.T) {
	for name, rules := range map[string]field.Rules{"issuer": field.Issuer(), "subject": field.Subject(), "audience": field.Audience(),
		"tenant-id": field.TenantID(), "client-id": field.ClientID(), "text": field.Printable("text", 10)} {
		seen := map[string]bool{}
		for _, r := range rules {
			assert.True(t, strings.HasPrefix(r.Code, name+"-"), r.Code)
			assert.Regexp(t, regexp.MustCompile(`^[a-z]+(-[a-z]+)+$`), r.Code)
			assert.NotEmpty(t, r.Expected, r.Code)
			assert.NotEmpty(t, r.Remedy, r.Code)
			assert.False(t, seen[r.Code], "one rule is one entry: %s", r.Code)
			seen[r.Code] = true
		}
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
		"api://AzureADTokenExchange":               field.Audience(),
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
	} {
		for _, rules := range []field.Rules{field.Issuer(), field.Subject(), field.Audience(), field.TenantID(), field.ClientID(), field.Printable("text", 600)} {
			findings := rules.Check("/x", secret)
			if assert.Len(t, findings, 1, secret) {
				assert.True(t, strings.HasSuffix(findings[0].Code, "-secret"), findings[0].Code)
				assert.Empty(t, findings[0].Actual)
			}
		}
		assert.Empty(t, field.Actual(secret))
	}
}
