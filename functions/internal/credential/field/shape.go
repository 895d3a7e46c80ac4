package field

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

func blankEdge(v string) string {
	first, _ := utf8.DecodeRuneInString(v)
	last, _ := utf8.DecodeLastRuneInString(v)
	switch {
	case unicode.IsSpace(first):
		return fmt.Sprintf("The value begins with a blank, %U.", first)
	case unicode.IsSpace(last):
		return fmt.Sprintf("The value ends with a blank, %U.", last)
	default:
		return ""
	}
}

func blankAt(v string) int {
	if first, _ := utf8.DecodeRuneInString(v); unicode.IsSpace(first) {
		return 0
	}
	return utf8.RuneCountInString(strings.TrimRightFunc(v, unicode.IsSpace))
}

// typographic are marks that a word processor makes of plain ones: they are seen, but never meant.
const typographic = "“”‘’„‚«»‹›–—…\u2010\u2011\u2212"

// invisible finds what a person does not see but Entra compares: control and format characters, and blanks that are
// not the plain one. Typographic marks are seen, but are never meant.
func invisible(v string) string {
	at := invisibleAt(v)
	if at < 0 {
		return ""
	}
	r := []rune(v)[at]
	if strings.ContainsRune(typographic, r) {
		return fmt.Sprintf("Character %d is %U, a typographic mark.", at+1, r)
	}
	return fmt.Sprintf("Character %d is %U, which cannot be seen.", at+1, r)
}

func invisibleAt(v string) int {
	return slices.IndexFunc([]rune(v), func(r rune) bool {
		return r != ' ' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.IsSpace(r) ||
			r == unicode.ReplacementChar ||
			strings.ContainsRune(typographic, r))
	})
}

func control(v string) string {
	for i, r := range []rune(v) {
		switch {
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return fmt.Sprintf("Character %d is %U, which cannot be printed.", i+1, r)
		case r == unicode.ReplacementChar: // what encoding/json makes of half a surrogate pair
			return fmt.Sprintf("Character %d is %U, or cannot be read.", i+1, r)
		}
	}
	return ""
}

// quoted finds a value that was pasted with the quotation marks of where it came from.
func quoted(v string) string {
	return when(len(v) > 1 && strings.ContainsRune("\"'`", rune(v[0])) && strings.IndexByte(v[1:], v[0]) == len(v)-2,
		"The value stands in quotation marks of its own.")
}

// placeholderShape finds <x>, {x}, YOUR_X, xxxx, $X, %X%, __X__ and the words that scripts write for nothing.
var placeholderShape = regexp.MustCompile(`<[^<>]*>|\{[^{}]*\}|(?i:\byour[_-])|(?i:^x{4,` +
	`}$|\bx{8}-x{4})|\$[A-Za-z_(]|%[A-Za-z_]+%|__[A-Z][A-Z0-9_]*__|` +
	`(?i:^(null|nil|none|undefined|n/a|todo|tbd|changeme|change-me|placeholder)$)`)

// placeholder finds what a template or a document leaves to be filled in.
func placeholder(v string) string {
	inner := strings.TrimSuffix(strings.TrimPrefix(v, "{"), "}")
	switch {
	case IsGUID(inner):
		return when(isSample(inner), "The value is a sample GUID of a document.")
	default:
		return when(placeholderShape.MatchString(v), "The value still holds a placeholder.")
	}
}

// isSample reports whether a GUID is one that documents show: one digit repeated, or counted up.
func isSample(guid string) bool {
	digits := strings.ReplaceAll(guid, "-", "")
	return digits[0] != '0' && strings.Count(digits, digits[:1]) == len(digits) ||
		strings.HasPrefix(digits, "12345678123412341234")
}

// The shapes of secrets. Sources: the public descriptions of secret scanners for Entra client secrets, storage account
// keys (as they are, and in a URL), AWS keys, and tokens of GitHub, GitLab, Slack and Google.
var (
	clientSecretShape = regexp.MustCompile(`[A-Za-z0-9._~-]{3}[78]Q~[A-Za-z0-9._~-]{31}`)
	passwordShape     = regexp.MustCompile(`://[^\s"']*:[^\s"']*@`)
	keyShape          = regexp.MustCompile(`[A-Za-z0-9+/]{86}==|\bAKIA[0-9A-Z]{16}\b|gh[pousr]_[A-Za-z0-9]{36}` +
		`|(?i:([A-Z0-9]|%2B|%2F){86}%3D%3D)|github_pat_[A-Za-z0-9_]{22}|glpat-[A-Za-z0-9_-]{20}` +
		`|xox[abeprs]-[A-Za-z0-9-]{10}|AIza[A-Za-z0-9_-]{35}`)
)

// hasShape reports whether a text has a shape, which none has that lacks all of the signs: to look for them is quick.
func hasShape(shape *regexp.Regexp, text string, signs ...string) bool {
	hasSign := func(sign string) bool { return strings.Contains(text, sign) }
	return slices.ContainsFunc(signs, hasSign) && shape.MatchString(text)
}

// Secret tells which kind of token, key or signature a value holds, by its shape; empty where it shows none. What
// cannot be seen in a value breaks no shape: whoever copies the value from a report has the secret.
func Secret(v string) string {
	what := secret(v)
	if plain := strings.Map(visible, v); what == "" && plain != v {
		return secret(plain)
	}
	return what
}

// visible drops what cannot be seen.
func visible(r rune) rune {
	if r != ' ' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.IsSpace(r)) {
		return -1
	}
	return r
}

func secret(v string) string {
	lower := strings.ToLower(v)
	switch {
	case redact.HasToken(v):
		return "The value holds a token."
	case strings.Contains(lower, "accountkey="), strings.Contains(lower, "sharedaccesskey="),
		strings.Contains(lower, "sharedaccesssignature="):
		return "The value is a connection string with a key."
	case strings.Contains(lower, "sig=") && strings.Contains(lower, "sv="):
		return "The value is a shared access signature."
	case strings.Contains(v, "-----BEGIN"):
		return "The value is a key or certificate."
	case hasShape(clientSecretShape, v, "Q~"):
		return "The value has the shape of a client secret."
	case hasShape(passwordShape, v, "://"):
		return "The value is a URL with a password."
	case redact.HasAccountKey(v):
		return "The value has the shape of an access key."
	case hasShape(keyShape, v, "==", "AKIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_",
		"%3D%3D", "%3d%3d", "github_pat_", "glpat-", "xox", "AIza"):
		return "The value has the shape of an access key."
	default:
		return ""
	}
}
