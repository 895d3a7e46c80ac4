package redact_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// A token in the shapes in which people paste it, and the cut one that ends a log line.
const (
	jwt    = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmF0dXJlLXBsYW50ZWQ"
	spaced = "ewogICJhbGciOiAiUlMyNTYiCn0.ewogICJzdWIiOiAicGxhbnRlZCIKfQ.c2lnbmF0dXJlLXBsYW50ZWQ"
)

func TestWhatLooksLikeATokenIsRedacted(t *testing.T) {
	for text, visible := range map[string]string{
		jwt: "[redacted]", spaced: "[redacted]", jwt[:24]: "[redacted]", "Bearer " + jwt + "!": "Bearer [redacted]!",
		"/api/operations/" + jwt:                        "/api/operations/[redacted]",
		"wif-tests/v1.2.3":                              "wif-tests/v1.2.3",
		"https://acmedata.blob.core.windows.net/images": "https://acmedata.blob.core.windows.net/images",
		"monkeyJumpingHigh.a.b":                         "monkeyJumpingHigh.a.b",
		"ai.ddoe.wif.provision.v1":                      "ai.ddoe.wif.provision.v1",
		"system:serviceaccount:dataloop:my-service":     "system:serviceaccount:dataloop:my-service",
	} {
		assert.Equal(t, visible, redact.Text(text))
		assert.Equal(t, visible, redact.Printable(text))
	}
}

// bareKey is a storage account's key without its padding.
var bareKey = strings.Repeat("pl4ntedKEY", 9)[:85] + "Q"

// TestWhatLooksLikeASecretIsRedacted has a row for each shape, before and after; "pl4nted" is the secret part.
func TestWhatLooksLikeASecretIsRedacted(t *testing.T) {
	for _, c := range [][2]string{
		{"DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=pl4nted+/==;EndpointSuffix=core.windows.net",
			"DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=[redacted];EndpointSuffix=core.windows.net"},
		{`AccountKey=pl4nted\u002Bpl4nted\/pl4nted\u003D\u0026pl4nted;X=y`, "AccountKey=[redacted];X=y"},
		{"Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=pl4nted=",
			"Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=[redacted]"},
		{"BlobEndpoint=https://a/;SharedAccessSignature=sv=2024&sp=r&sig=pl4nted%3D;X=y",
			"BlobEndpoint=https://a/;SharedAccessSignature=[redacted];X=y"},
		{"https://acme.blob.core.windows.net/c/b?sv=2024-11-04&sig=pl4nted%2B%3D&se=2026",
			"https://acme.blob.core.windows.net/c/b?sv=2024-11-04&sig=[redacted]&se=2026"},
		{"SharedAccessSignature sr=sb%3a%2f%2facme&sig=pl4nted%3d&se=1&skn=Root",
			"SharedAccessSignature sr=sb%3a%2f%2facme&sig=[redacted]&se=1&skn=Root"},
		{"Server=tcp:acme;User ID=me;Password=pl4nted&pl4nted,!;Encrypt=true",
			"Server=tcp:acme;User ID=me;Password=[redacted];Encrypt=true"},
		{"Server=acme;Pwd = 'pl4nted; pl4nted';Encrypt=true", "Server=acme;Pwd = [redacted];Encrypt=true"},
		{`Server=acme;PASSWORD="pl4nted; pl4nted";Encrypt=true`, "Server=acme;PASSWORD=[redacted];Encrypt=true"},
		{"grant_type=client_credentials&client_secret=pl4nted&scope=x",
			"grant_type=client_credentials&client_secret=[redacted]&scope=x"},
		{"grant_type=x&refresh_token=pl4nted&client_assertion=pl4nted",
			"grant_type=x&refresh_token=[redacted]&client_assertion=[redacted]"},
		{"amqps://RootManage:pl4nted@acme.servicebus.windows.net",
			"amqps://RootManage:[redacted]@acme.servicebus.windows.net"},
		{"Authorization: Bearer pl4nted-pl4nted-pl4nted", "Authorization: Bearer [redacted]"},
		{"the secret abc8Q~pl4nted0123456789abcdefghijklmnopqrs", "the secret [redacted]"},
		{"key " + strings.Repeat("pl4nted", 12) + "ab==", "key [redacted]"},
		{"key " + bareKey + ", and more", "key [redacted], and more"},
		{"/" + bareKey, "/" + bareKey}, // a character more than a key has
		{"x" + bareKey + ";", "x" + bareKey + ";"},
		{strings.ToLower(bareKey), strings.ToLower(bareKey)}, {bareKey[:85] + "B", bareKey[:85] + "B"},
		{"token 0.AXoA" + strings.Repeat("pl4nted-", 6) + ".AgABAAEAAAD" + strings.Repeat("pl4nted-", 30) + " end",
			"token [redacted] end"},
		{"1.A" + strings.Repeat("pl4nted_", 5), "[redacted]"}, {"version 1.Alpha-2", "version 1.Alpha-2"},
		{"AQABAAAAAAAm" + strings.Repeat("pl4nted_", 12), "[redacted]"},
		{"-----BEGIN RSA PRIVATE KEY-----\npl4nted\n-----END RSA PRIVATE KEY-----\nrest", "[redacted]\nrest"},
		{"-----BEGIN PRIVATE KEY-----\npl4nted", "[redacted]"},

		{"https://acme.example:8443/a@b", "https://acme.example:8443/a@b"},
		{"Bearer authorization_uri=https://login/x", "Bearer authorization_uri=https://login/x"},
		{"SharedAccessKeyName=Root", "SharedAccessKeyName=Root"},
		{"design=blue&signature-free", "design=blue&signature-free"},
		{"passwords are not asked for; keys are switched off", "passwords are not asked for; keys are switched off"},
		{"Password=;Encrypt=true", "Password=;Encrypt=true"},
	} {
		assert.Equal(t, c[1], redact.Text(c[0]))
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"none":           {"", ""},
		"plain":          {"system:serviceaccount:a:b", "system:serviceaccount:a:b"},
		"line feed":      {"a\r\nb", "a\uFFFD\uFFFDb"},
		"escape":         {"\x1b[31m", "\uFFFD[31m"},
		"right-to-left":  {"a\u202eb", "a\uFFFDb"},
		"the longest":    {strings.Repeat("a", 600), strings.Repeat("a", 600)},
		"a byte more":    {strings.Repeat("a", 601), strings.Repeat("a", 600) + "…"},
		"cut in a rune":  {strings.Repeat("a", 599) + "éx", strings.Repeat("a", 599) + "…"},
		"other language": {"日本", "日本"},
	} {
		assert.Equal(t, c.want, redact.Printable(c.in), name)
	}
}

func TestRedactJSON(t *testing.T) {
	for _, c := range [][2]string{
		{`{"data":{"subjectToken":"` + jwt + `"}}`, `{"data":{"subjectToken":"[redacted]"}}`},
		{`{"subject_token" : "opa\"que","mode":"oracle"}`, `{"subject_token" : "[redacted]","mode":"oracle"}`},
		{`{"prefix":"` + jwt + `"`, `{"prefix":"[redacted]"`},
		{`not JSON, ` + jwt[:30], `not JSON, [redacted]`},
		{`{"integrationId":"my-service","federatedToken":null}`,
			`{"integrationId":"my-service","federatedToken":null}`},

		{`{"password":"pl4nted","mode":"oracle"}`, `{"password":"[redacted]","mode":"oracle"}`},
		{`{"db.Password":"pl4\"nt;ed\\","x":1}`, `{"db.Password":"[redacted]","x":1}`},
		{`{"pwd":1234567,"x":1}`, `{"pwd":"[redacted]","x":1}`},
		{`{"secrets":1,"apiKeys":2,"Secret1":["pl4nted","pl4nted"],"x":1}`,
			`{"secrets":1,"apiKeys":2,"Secret1":"[redacted]","x":1}`},
		{`{"secretText":"pl4nted","accountKey":"pl4nted"}`,
			`{"secretText":"[redacted]","accountKey":"[redacted]"}`},
		{`{"AzureWebJobsStorage":"AccountName=a;AccountKey=pl4nted==","x":1}`,
			`{"AzureWebJobsStorage":"AccountName=a;AccountKey=[redacted]","x":1}`},
		{`{"connectionString":"anything pl4nted","x":1}`, `{"connectionString":"[redacted]","x":1}`},
		{`{"url":"https://a/c?sv=1\u0026sig=pl4nted\u002Bpl4nted\u003D\u0026se=2"}`,
			`{"url":"https://a/c?sv=1&sig=[redacted]&se=2"}`},
		{`{"dsn":"Server=a;Password=\u0027pl4nted;pl4nted\u0027;X=y"}`, `{"dsn":"Server=a;Password=[redacted];X=y"}`},
		{`{"dsn":"Server=a;Password=\"pl4nted pl4nted\";X=y"}`, `{"dsn":"Server=a;Password=[redacted];X=y"}`},
		{`{"body":"{\"clientSecret\":\"pl4\\\"nted\",\"x\":1}"}`,
			`{"body":"{\"clientSecret\":\"[redacted]\",\"x\":1}"}`},
		{`{"password":"pl4nted`, `{"password":"[redacted]"`},
		{`{"headers":{"Authorization":"Custom pl4nted"}}`, `{"headers":{"Authorization":"[redacted]"}}`},

		{`{"` + jwt + `":1,"AccountKey=pl4nted==;":2}`, `{"[redacted]":1,"AccountKey=[redacted];":2}`},
		{`{"\u0065` + jwt[1:] + `":"\u0061\/b"}`, `{"[redacted]":"a/b"}`},
		{`{"p\u0061ssword":"pl4nted","a":"\u0022"}`, `{"password":"[redacted]","a":"\""}`},
		{`{"key":"","x":"` + strings.Repeat(`pl4nted\/`, 10) + `abcdef=="}`, `{"key":"[redacted]","x":"[redacted]"}`},
		{`{"body":"{\"p\\u0061ssword\":\"pl4nted\"}"}`, `{"body":"{\"password\":\"[redacted]\"}"}`},
		{`{"x":"\u0061\/b","y":"\u00e9"}`, `{"x":"\u0061\/b","y":"\u00e9"}`},

		{`{"federatedTokenIssuer":"https://dataloop.ai/oauth2","subject":"s"}`,
			`{"federatedTokenIssuer":"https://dataloop.ai/oauth2","subject":"s"}`},
		{`{"tokenUrl":"https://a/b","keyId":"k1","design":"blue"}`,
			`{"tokenUrl":"https://a/b","keyId":"k1","design":"blue"}`},
	} {
		assert.Equal(t, c[1], string(redact.JSON([]byte(c[0]))))
	}
}

// FuzzRedactJSON: whatever a secret is made of, and whatever stands around it, it does not stay where its name tells.
func FuzzRedactJSON(f *testing.F) {
	for _, s := range []string{"hunter2", `a"b\c`, "x;y&z", "ends with a backslash \\", "'quoted'", "é😀\u2028", "]}",
		`\u0022`} {
		f.Add(s, "before", ",\"after\":1")
	}
	f.Fuzz(func(t *testing.T, secret, before, after string) {
		planted := "pl4nted" + secret + "pl4nted"
		value, err := json.Marshal(planted)
		require.NoError(t, err)
		key, err := json.Marshal(before)
		require.NoError(t, err)
		inner, err := json.Marshal(`{"password":` + string(value) + `}`)
		require.NoError(t, err)
		for _, body := range []string{
			`{` + string(key) + `:1,"clientSecret":` + string(value) + `}`,
			`{"password": ` + string(value) + after,
			`{"` + byNumber("clientSecret") + `": ` + string(value) + after,
			`{` + string(key) + `:{"` + byNumber("AccountKey=pl4nted"+base64.StdEncoding.EncodeToString(
				[]byte(secret))+";") + `":1}}`,
			`{"x":"` + byNumber(tokenWith(" { \"pl4nted\":1}")) + `"}`,
			`{"body":` + string(inner) + `}`,
			`{"url":"https://a/b?sv=1\u0026sig=pl4nted` + base64.URLEncoding.EncodeToString([]byte(secret)) + `"}`,
			`{"c":"AccountName=a;AccountKey=pl4nted` + base64.StdEncoding.EncodeToString([]byte(secret)) + `;X=y"}`,
		} {
			kept := redact.JSON([]byte(body))
			if !strings.Contains(before+after, "pl4nted") {
				require.NotContains(t, string(kept), "pl4nted", body)
			}
			require.Equal(t, json.Valid([]byte(body)), json.Valid(kept), "%s became %s", body, kept)
			require.Equal(t, string(kept), string(redact.JSON(kept)), "redacting twice is redacting once")
		}
	})
}

// byNumber is the text as JSON may write it: each character by its number.
func byNumber(text string) string {
	var b strings.Builder
	for _, r := range text {
		fmt.Fprintf(&b, `\u%04x`, r)
	}
	return b.String()
}
