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

// knownSamples are the GUIDs of examples that no rule tells: in RFC 4122 and RFC 9562, and where people look UUIDs up.
var knownSamples = []string{"f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
	"f81d4fae-7dec-41d0-a765-00a0c91e6bf6", "550e8400-e29b-41d4-a716-446655440000",
	"123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426655440000"}

// isSample reports whether a GUID is one that documents show: one digit repeated, digits counted up or down, or, as in
// Microsoft's documents, no more than two digits in each four, such as 00001111-aaaa-2222-bbbb-3333cccc4444. Of random
// digits one GUID in 10^12 is like that; those of Entra are random (version 4), and so such ones are let through.
func isSample(guid string) bool {
	guid = strings.ToLower(guid)
	digits := strings.ReplaceAll(guid, "-", "")
	isRandom := digits[12] == '4' && strings.IndexByte("89ab", digits[16]) >= 0
	isShort := strings.HasPrefix(digits, "0000000") // which Microsoft's own and nil ones are
	return digits[0] != '0' && strings.Count(digits, digits[:1]) == len(digits) || slices.Contains(knownSamples,
		guid) ||
		!isRandom && !isShort && (isCounted(digits) || isOfPairs(digits))
}

// isCounted reports whether most digits follow from the one before, up or down: by chance one in sixteen does.
func isCounted(digits string) bool {
	const order = "0123456789abcdef"
	up, down := 0, 0
	for i := range len(digits) - 1 {
		one, next := strings.IndexByte(order, digits[i]), strings.IndexByte(order, digits[i+1])
		switch {
		case next == (one+1)%16, one == 9 && next == 0:
			up++
		case one == (next+1)%16, next == 9 && one == 0:
			down++
		}
	}
	return max(up, down) >= 20
}

// isOfPairs reports whether each four digits are made of at most two.
func isOfPairs(digits string) bool {
	for four := range slices.Chunk([]byte(digits), 4) {
		slices.Sort(four)
		if len(slices.Compact(four)) > 2 {
			return false
		}
	}
	return true
}

// The shapes of secrets. Sources: the public descriptions of secret scanners for Entra client secrets, storage account
// keys (as they are, and in a URL), AWS keys, and tokens of GitHub, GitLab, Slack and Google.
var (
	clientSecretShape = regexp.MustCompile(`[A-Za-z0-9._~-]{3}[78]Q~[A-Za-z0-9._~-]{31}`)
	passwordShape     = regexp.MustCompile(`://[^\s"']*:[^\s"']*@`)
	headerShape       = regexp.MustCompile(`(?i)\b(?:bearer|basic)\s+[a-z0-9+/._~-]{20,}`)
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
	case (strings.Contains(lower, "bearer") || strings.Contains(lower, "basic")) && headerShape.MatchString(v):
		return "The value is the header of a request, with a token or a password."
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
