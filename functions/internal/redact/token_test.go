package redact_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// tokenWith is a token whose header is written so.
func tokenWith(header string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + encode([]byte(`{"sub":"x"}`)) + ".c2ln"
}

func TestATokenIsKnownByItsHeader(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ header, begins string }{
		"plain":            {`{"alg":"RS256"}`, "eyJh"},
		"a blank":          {`{ "alg":"RS256"}`, "eyAi"},
		"two blanks":       {`{  "alg":"RS256"}`, "eyAg"},
		"a line":           {"{\n\"alg\":\"RS256\"}", "ewoi"},
		"an indented line": {"{\n  \"alg\":\"RS256\"}", "ewog"},
		"a line and a tab": {"{\n\t\"alg\":\"RS256\"}", "ewoJ"},
		"two lines":        {"{\n\n\"alg\":\"RS256\"}", "ewoK"},
		"a Windows line":   {"{\r\n  \"alg\":\"RS256\"}", "ew0K"},
		"a tab":            {"{\t\"alg\":\"RS256\"}", "ewki"},
		"a blank before":   {` {"alg":"RS256"}`, "IHsi"},
		"a line before":    {"\n{\"alg\":\"RS256\"}", "Cnsi"},
		"a Windows before": {"\r\n{\"alg\":\"RS256\"}", "DQp7"},
		"many blanks":      {"{" + strings.Repeat(" ", 500) + `"alg":"RS256"}`, "eyAg"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token := tokenWith(c.header)
			require.Equal(t, c.begins, token[:4])
			for _, visible := range []struct{ text, want string }{
				{token, "[redacted]"}, {token[:11], "[redacted]"}, {token[:14], "[redacted]"},
				{"a " + token + "!", "a [redacted]!"},
				{"/x/" + token, "/x/[redacted]"}, {"my_" + token, "my_[redacted]"}, {"my-" + token, "my-[redacted]"},
				{"v1." + token, "v1.[redacted]"},
			} {
				assert.Equal(t, visible.want, redact.Text(visible.text))
				assert.True(t, redact.HasToken(visible.text), visible.text)
			}
		})
	}
}

func TestAmidLettersATokenShowsItsFirstMember(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "token[redacted]", redact.Text("token"+tokenWith(`{"alg":"none"}`)))
	assert.Equal(t, "token[redacted]", redact.Text("token"+tokenWith(`{ "alg" : "none"}`)))
	for _, word := range []string{"monkeyJumpingHigh", "eyewitness-account", "ewok-village-on-endor", "Configuration",
		"Distributed", "Images_of_cats",
		"ICAgICAgICA", "eyBhbGciOiB9", "e30.e30.e30", "0123456789abcdef0123456789abcdef",
		"system:serviceaccount:dataloop:eyJ"} {
		assert.Equal(t, word, redact.Text(word))
		assert.False(t, redact.HasToken(word), word)
	}
}

// TestManyBeginningsCostLittle: text that begins a token at every other letter takes no more than its length.
func TestManyBeginningsCostLittle(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("I-", 1<<14), strings.Repeat("ew", 1<<14),
		strings.Repeat("e-", 1<<14)} {
		assert.Equal(t, text, redact.Text(text))
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ name, visible, pointer string }{
		"plain":         {"colour", "colour", "/a/colour"},
		"none":          {"", "", "/a/"},
		"to be escaped": {"a/b~c", "a/b~c", "/a/a~1b~0c"},
		"long": {strings.Repeat("ä", 65), strings.Repeat("ä", 64) + "…",
			"/a/" + strings.Repeat("ä", 64) + "…"},
		"invisible":           {"a\u202eb", "a\uFFFDb", "/a/a\uFFFDb"},
		"a token":             {jwt, "[redacted]", "/a/[redacted]"},
		"a token with blanks": {spaced, "[redacted]", "/a/[redacted]"},
		"a token far back":    {strings.Repeat("x", 100) + " " + jwt, "[redacted]", "/a/[redacted]"},
		"a key with slashes":  {strings.Repeat("pl4nted/", 10) + "abcdef==", "[redacted]", "/a/[redacted]"},
		"a connection string": {"AccountName=a;AccountKey=pl4nted==;X=y", "[redacted]", "/a/[redacted]"},
		"a signature":         {"https://a/b?sv=1&sig=pl4nted", "[redacted]", "/a/[redacted]"},
		"an AWS key":          {"AKIAPL4NTEDPL4NTED00", "[redacted]", "/a/[redacted]"},
		"a GitHub token":      {"ghp_" + strings.Repeat("pl4nt", 7) + "x", "[redacted]", "/a/[redacted]"},
		"a PGP key":           {"-----BEGIN PGP PRIVATE KEY BLOCK-----pl4nted", "[redacted]", "/a/[redacted]"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.visible, redact.Name(c.name))
			assert.Equal(t, c.pointer, redact.PointerTo("/a", c.name))
		})
	}
}
