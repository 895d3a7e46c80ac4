package ddoe

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

const (
	// maxMessage is the longest message that is kept, in bytes.
	maxMessage = 400
	// minHidden is the shortest text that is taken out of a message, in bytes: a shorter one would spoil words.
	minHidden = 4
)

// bearer is whatever was sent as a token, also one without the shape of any.
var bearer = regexp.MustCompile(`(?i)bearer\s+\S+`)

// Hiding is the client for requests whose answers may hold more texts that are never shown: the platform knows the options
// that an integration was given, and may echo them whenever it uses them.
func (c *Client) Hiding(texts ...secret.Value) *Client {
	own := *c
	own.hidden = slices.Concat(c.hidden, texts)
	return &own
}

// conceal takes tokens and the hidden texts out of a message, the longest first, however they are written.
func conceal(message string, hidden []string) string {
	texts := slices.Clone(hidden)
	slices.SortFunc(texts, func(a, b string) int { return len(b) - len(a) })
	for _, text := range texts {
		if len(text) < minHidden || len(text) > len(message) { // in no way is it written shorter than it is
			continue
		}
		// A text that cannot be searched for is not known to be absent.
		pattern, err := regexp.Compile(written(text))
		if err != nil {
			return "[redacted]"
		}
		message = pattern.ReplaceAllLiteralString(message, "[redacted]")
	}
	message = diagnosis.Redact(bearer.ReplaceAllString(message, "[redacted]"))
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "…"
	}
	return message
}

// written is a pattern for a text in every way in which a message may hold it: as it is, in JSON at any depth and by any
// encoder, which differ in what they escape, and in a URL.
func written(text string) string {
	var pattern strings.Builder
	for _, r := range text {
		character := regexp.QuoteMeta(string(r))
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			pattern.WriteString(character)
			continue
		}
		ways := []string{`\\*` + character, `\\+u` + units(r), octets(r)}
		if letter, ok := map[rune]string{'\n': "n", '\r': "r", '\t': "t", '\b': "b", '\f': "f"}[r]; ok {
			ways = append(ways, `\\+`+letter)
		}
		if r == ' ' {
			ways = append(ways, `\+`)
		}
		pattern.WriteString("(?:" + strings.Join(ways, "|") + ")")
	}
	return pattern.String()
}

// units are the hexadecimal digits of a character's escape in JSON; of the two where it takes two.
func units(r rune) string {
	if high, low := utf16.EncodeRune(r); high != '\uFFFD' {
		return fmt.Sprintf(`(?i:%04x)\\+u(?i:%04x)`, high, low)
	}
	return fmt.Sprintf(`(?i:%04x)`, r)
}

// octets is a character as a URL has it.
func octets(r rune) string {
	var all strings.Builder
	for _, b := range []byte(string(r)) {
		fmt.Fprintf(&all, "%%(?i:%02x)", b)
	}
	return all.String()
}
