package redact

import (
	"encoding/base64"
	"regexp"
	"strings"
)

const (
	// minToken is the fewest characters of a token's first part by which it is known: eight bytes of its header.
	minToken = 11
	// maxHead is the most characters of a part that are decoded to know it.
	maxHead = 64
	// blanks are the blanks of JSON (RFC 8259, section 2), which may stand before and after the brace of a header.
	blanks = " \t\r\n"
)

var (
	// opaque are tokens of Entra that nobody but Entra can read: refresh tokens and authorization codes, as they are
	// now
	// and as they were. Source: the detectors of refresh tokens in public secret scanners, such as TruffleHog's; a
	// token
	// that was cut short is taken too.
	opaque = regexp.MustCompile(`\b[01]\.A[A-Za-z0-9_-]{40,}(?:\.[A-Za-z0-9_-]+)*|\bO?A[Qg]ABAA[A-Za-z0-9_-]{90,}`)
	// firstMember is how a header begins that nothing but a JSON object does.
	firstMember = regexp.MustCompile(`^\{[ \t\r\n]*"[A-Za-z0-9_./#-]+"[ \t\r\n]*:`)
)

// HasToken reports whether a text holds a compact token (JWT), whole or cut short: base64url that decodes to the
// beginning of a JSON object. By which letters it begins depends on the blanks in it. An opaque token of Entra is one
// too.
func HasToken(text string) bool { return redactTokens(text) != text }

// redactTokens replaces every token by "[redacted]".
func redactTokens(text string) string {
	if len(text) < minToken {
		return text
	}
	if strings.Contains(text, "0.A") || strings.Contains(text, "1.A") || strings.Contains(text, "ABAA") {
		text = opaque.ReplaceAllString(text, redacted)
	}
	return replaceRuns(text, minToken, isOfToken, func(run string) string {
		if at := tokenAt(run); at >= 0 {
			return run[:at] + redacted
		}
		return run
	})
}

// isOfToken reports whether a byte is of the alphabet of compact tokens: base64url, with dots between the parts (RFC
// 7515, section 7.1).
func isOfToken(c byte) bool { return isAlphanumeric(c) || c == '_' || c == '-' || c == '.' }

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// replaceRuns puts something in the place of the longest runs of an alphabet that have at least so many bytes. A text
// in which nothing changes is not copied.
func replaceRuns(text string, least int, isOf func(byte) bool, by func(run string) string) string {
	var out strings.Builder
	done := 0
	for i := 0; i < len(text); {
		start := i
		for i < len(text) && isOf(text[i]) {
			i++
		}
		if i-start >= least {
			if run, other := text[start:i], by(text[start:i]); other != run {
				out.WriteString(text[done:start] + other)
				done = i
			}
		}
		if i == start {
			i++
		}
	}
	if done == 0 {
		return text
	}
	return out.String() + text[done:]
}

// tokenAt is where in a run of the alphabet a token begins; -1 where it holds none. After a sign that parts words a
// brace and a quotation mark are enough; amid letters the whole first member is asked for, since words may look like
// less.
func tokenAt(run string) int {
	for i := range len(run) - minToken + 1 {
		parted := i == 0 || strings.IndexByte("._-", run[i-1]) >= 0
		switch run[i] {
		case 'e': // a brace, which the next character completes
			if strings.IndexByte("wxyz0123456789-_", run[i+1]) < 0 {
				continue
			}
		case 'I', 'C', 'D': // a blank, which proves nothing amid letters
			if !parted {
				continue
			}
		default:
			continue
		}
		head := headOf(run[i:])
		if parted && isObjectOpening(head) || firstMember.MatchString(head) {
			return i
		}
	}
	return -1
}

// headOf decodes the beginning of a token's first part; empty where it is too short, or no base64url.
func headOf(run string) string {
	part, _, _ := strings.Cut(run[:min(len(run), maxHead)], ".")
	if len(part) < minToken {
		return ""
	}
	if len(part)%4 == 1 { // cut in the middle of a byte
		part = part[:len(part)-1]
	}
	head, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return ""
	}
	return string(head)
}

// isObjectOpening reports whether a text begins as a JSON object with members does.
func isObjectOpening(head string) bool {
	inside, ok := strings.CutPrefix(strings.TrimLeft(head, blanks), "{")
	inside = strings.TrimLeft(inside, blanks)
	return ok && (inside == "" || inside[0] == '"')
}
