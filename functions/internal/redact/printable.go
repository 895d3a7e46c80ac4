package redact

import (
	"strings"
	"unicode"
)

// maxWord caps, in bytes, a value that came from outside before it is displayed.
const maxWord = 600

// Printable makes a value from outside fit for display: what looks like a token is redacted, control and invisible
// format characters become U+FFFD, and it is cut at 600 bytes.
func Printable(s string) string {
	s = Text(s)
	cut := false
	if len(s) > maxWord {
		s, cut = strings.ToValidUTF8(s[:maxWord], ""), true
	}
	s = Legible(s)
	if cut {
		s += "…"
	}
	return s
}

// Legible puts U+FFFD in the place of characters that cannot be seen.
func Legible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
