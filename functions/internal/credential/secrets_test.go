package credential_test

import (
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
)

// shapedSecrets are secrets of each kind that is known by its shape, wherever it stands.
var shapedSecrets = map[string]string{
	"token":               "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.pl4nted",
	"client secret":       "abc8Q~pl4nted0123456789abcdefghijklmnopq",
	"refresh token":       "0.AXoA" + strings.Repeat("pl4nted-", 6) + ".AgABAAEAAAD" + strings.Repeat("pl4nted_", 30),
	"newer refresh token": "1.AXoA" + strings.Repeat("pl4nted-", 6) + ".AgABAAEAAAD" + strings.Repeat("pl4nted_", 30),
	"older refresh token": "OAQABAAAAAAA" + strings.Repeat("pl4nted_", 14),
	"account key":         strings.Repeat("pl4ntedKEY", 9)[:85] + "Q==",
	"account key, bare":   strings.Repeat("pl4ntedKEY", 9)[:85] + "w",
	"connection string":   "AccountName=x;AccountKey=pl4nted",
	"signature":           "https://x.blob.core.windows.net/c?sv=2024-01-01&sig=pl4nted",
	"header":              "Authorization: Bearer pl4nted-pl4nted-pl4nted",
	"GitHub token":        "ghp_" + strings.Repeat("pl4nted", 5) + "A",
	"URL with a password": "https://me:pl4nted@dataloop.ai/oauth2",
}

// surroundings are texts and encodings that a secret may stand in, by what they are.
var surroundings = map[string]func(secret string) string{
	"a member":              func(s string) string { return seed(`"note":` + quote(s)) },
	"a value":               func(s string) string { return seed(`"subject":` + quote(s)) },
	"a name":                func(s string) string { return seed(quote(s) + `:1`) },
	"a list in a member":    func(s string) string { return seed(`"note":["x",{"y":` + quote(s) + `}]`) },
	"beside a wrapped file": func(s string) string { return `{"a":` + seed() + `,"note":` + quote(s) + `}` },
	"in a wrapped file":     func(s string) string { return `[` + seed(`"note":`+quote(s)) + `]` },
	"typographic quotes":    func(s string) string { return "{\n“clientId”: “x”,\n“note”: “" + s + "”\n}" },
	"German quotes":         func(s string) string { return "{ „note“: „" + s + "“ }" },
	"French quotes":         func(s string) string { return "{ «note»: «" + s + "» }" },
	"single quotes":         func(s string) string { return "{'note': '" + s + "'}" },
	"a cut file":            func(s string) string { return `{"clientId":"x","note":"` + s },
	"behind the file":       func(s string) string { return seed() + "\n" + s },
	"before the file":       func(s string) string { return s + "\n" + seed() },
	"numbered lines":        func(s string) string { return numbered(seed(`"note":` + quote(s))) },
	"Markdown":              func(s string) string { return "```json\n" + seed(`"note":`+quote(s)) + "\n```" },
	"a comment":             func(s string) string { return "// " + s + "\n" + seed() },
	"variables":             func(s string) string { return "AZURE_CLIENT_ID=x\nNOTE='" + s + "'\n" },
	"the five as variables": func(s string) string {
		return "CLIENT_ID=x\nTENANT_ID=x\nSUBJECT=x\nNOTE='" + s +
			"'\n"
	},
	"a value of YAML":    func(s string) string { return "clientId: x\ntenantId: x\naudience: " + s + "\n" },
	"INI":                func(s string) string { return "[a]\nclientId = x\nnote = " + s + "\n" },
	"CSV":                func(s string) string { return "clientId,tenantId,subject,note\nx,x,x,\"" + s + "\"\n" },
	"XML":                func(s string) string { return "<?xml version=\"1.0\"?><a><b>" + s + "</b></a>" },
	"a web page":         func(s string) string { return "<html><body>" + s + "</body></html>" },
	"RTF":                func(s string) string { return `{\rtf1 ` + s + `}` },
	"a PDF document":     func(s string) string { return "%PDF-1.4\n(" + s + ")" },
	"a file too large":   func(s string) string { return s + strings.Repeat(" ", credential.MaxSize) },
	"base64":             func(s string) string { return packed(seed(`"note":` + quote(s))) },
	"base64 in a member": func(s string) string { return `{"a":"` + packed(seed(`"note":`+quote(s))) + `"}` },
	"a JSON string":      func(s string) string { return quote(seed(`"note":` + quote(s))) },
	"a byte order mark":  func(s string) string { return "\ufeff" + seed(`"note":`+quote(s)) },
	"Latin-1":            func(s string) string { return seed(`"note":"` + "\xe9 " + s + `"`) },
	"Windows-1252":       func(s string) string { return "{\x93note\x94: \x93" + s + "\x94}" },
	"UTF-16":             func(s string) string { return utf16of(seed(`"note":`+quote(s)), true) },
	"UTF-16 with typographic quotes, without a mark": func(s string) string {
		return utf16of("“note”: “"+s+"”", false)
	},
}

func numbered(text string) string {
	var out strings.Builder
	for i, one := range strings.Split(text, "\n") {
		out.WriteString("0" + string(rune('1'+i)) + " | " + one + "\n")
	}
	return out.String()
}

// utf16of is a text in UTF-16, little end first.
func utf16of(text string, isMarked bool) string {
	var out strings.Builder
	if isMarked {
		out.WriteString("\xff\xfe")
	}
	for _, unit := range utf16.Encode([]rune(text)) {
		out.WriteByte(byte(unit))
		out.WriteByte(byte(unit >> 8))
	}
	return out.String()
}

// TestEachSecretIsToldInEachSurrounding: and none is repeated, nor a part of one.
func TestEachSecretIsToldInEachSurrounding(t *testing.T) {
	t.Parallel()
	for kind, secret := range shapedSecrets {
		for surrounding, in := range surroundings {
			assertTold(t, kind+" in "+surrounding, in(secret), credential.Form{})
		}
		assertTold(t, kind+" in the form", seed(), credential.Form{ClientID: secret})
	}
}

func assertTold(t *testing.T, name, file string, form credential.Form) {
	t.Helper()
	report := linter().Lint([]byte(file), form)
	assert.Equal(t, assessment.VerdictFail, report.Verdict, name)
	assert.NotContains(t, string(encode(t, report)), "pl4nted", name)
	isSecret := func(code string) bool {
		name, _, _ := strings.Cut(code, " ")
		return name == "file-secret" || strings.HasSuffix(name, "-secret")
	}
	assert.True(t, slices.ContainsFunc(codes(report), isSecret), "%s: %v\n%s", name, codes(report), file)
}

// namedSecrets are texts in which nothing but the name tells the secret.
var namedSecrets = map[string]string{
	"typographic":           "{“clientId”: “x”, “clientSecret”: “pl4nted”}",
	"typographic, single":   "{‘clientSecret’: ‘pl4nted’}",
	"typographic, one side": "{“clientSecret“:“pl4nted”}",
	"French":                "{«password»:«pl4nted»}",
	"backticks":             "{`password`:`pl4nted`}",
	"Windows-1252":          "{\x93clientSecret\x94: \x93pl4nted\x94}",
	"Latin-1":               "Gr\xfc\xdfe\nclientSecret: pl4nted",
	"UTF-16":                utf16of("“clientSecret”: “pl4nted”", true),
	"UTF-16, no mark":       utf16of("“clientSecret”: “pl4nted”", false),
	"escaped":               `x {\"clientSecret\": \"pl4nted\"}`,
	"for a web page":        `<p>{&quot;clientSecret&quot;:&quot;pl4nted&quot;}</p>`,
	"for a URL":             "x?" + url.QueryEscape(`{"clientSecret":"pl4nted"}`),
	"an element":            `<a><clientSecret type="x">pl4nted</clientSecret></a>`,
	"an attribute":          `<a clientSecret="pl4nted"/>`,
	"an option":             "az login --password pl4nted",
	"an option with a sign": "az login --client-secret=pl4nted",
	"PHP":                   "['clientSecret' => 'pl4nted']",
	"with a blank":          "Client secret value: pl4nted",
	"invisible in the name": "client\u200bSecret: pl4nted",
	"zeros between":         "c\x00l\x00i\x00e\x00n\x00t\x00Secret: pl4nted",
	"variables":             "CLIENT_ID=x\nTENANT_ID=x\nAUDIENCE=x\nCLIENT_SECRET=pl4nted",
	"CSV":                   "clientId,tenantId,subject,clientSecret\nx,x,x,pl4nted",
	"YAML":                  "a:\n  clientId: x\n  tenantId: x\n  subject: x\n  password: pl4nted",
	"base64 of JSON":        base64.StdEncoding.EncodeToString([]byte(`{"clientSecret":"pl4nted"}`)),
}

// TestASecretIsToldByItsName in texts that cannot be read as members.
func TestASecretIsToldByItsName(t *testing.T) {
	t.Parallel()
	for name, file := range namedSecrets {
		assertTold(t, name, file, credential.Form{})
	}
}

// TestWhatIsNoSecretIsNotTold in the same surroundings, with a value that is like none.
func TestWhatIsNoSecretIsNotTold(t *testing.T) {
	t.Parallel()
	others := 0
	for _, harmless := range []string{"a note", "1.Abc", "0.AXoA-short.AgABAA", strings.Repeat("x", 86),
		strings.Repeat("aB9", 29), "AQABAAAAAAA", "bearer of news", client, issuer, subject, audience} {
		for _, surrounding := range slices.Sorted(maps.Keys(surroundings)) {
			found := codes(linter().Lint([]byte(surroundings[surrounding](harmless)), credential.Form{}))
			for _, code := range found {
				assert.NotContains(t, code, "-secret", "%s in %s", harmless, surrounding)
			}
			others += len(found)
		}
	}
	assert.NotZero(t, others, "the files are judged")
}
