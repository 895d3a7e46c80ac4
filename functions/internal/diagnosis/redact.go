package diagnosis

import (
	"regexp"
	"sync"
)

// redacted stands where a secret was.
const redacted = "[redacted]"

// shape is how a secret looks in a text, and what comes in its place; ${1} is what stays of it.
type shape struct {
	of *regexp.Regexp
	by string
}

// The parts of an assignment in a text that may itself be inside a JSON string, where a quotation mark has a backslash,
// and where some writers escape & ' + / and = by their numbers.
const (
	equals    = `\s*(?:=|\\u003[dD]|%3[dD])\s*`
	ampersand = `\\u0026`
	character = `\\u00(?:2[bBfF]|3[dD])|\\/`
	quoted    = `'[^']*'|\\u0027.*?\\u0027|\\"[^"]*"|"[^"]*"`
)

// secretShapes are how secrets look in any text, built once, at first use.
var secretShapes = sync.OnceValue(func() []shape {
	// A connection string ends a value with a semicolon only, so an & may be part of it; a URL and a form end it with &.
	setting := `(?:` + quoted + `|(?:` + character + `|` + ampersand + `|[^\s;"'\\])+)`
	parameter := `(?:` + quoted + `|(?:` + character + `|[^\s&;"'\\])+)`
	return []shape{
		{regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)`), redacted},
		{regexp.MustCompile(`(?i)((?:sharedaccesssignature|(?:account|access|shared)[_-]?key|password|passwd|pwd)` + equals + `)` + setting), "${1}" + redacted},
		{regexp.MustCompile(`(?i)((?:\b|` + ampersand + `|%26)(?:sig|client_secret|client_assertion|api[_-]?key|(?:[a-z]+_)?token)` + equals + `)` + parameter), "${1}" + redacted},
		{regexp.MustCompile(`(:(?:\\?/){2}[^\s/:@"'\\]*:)[^\s/@"'\\]+@`), "${1}" + redacted + "@"},
		{regexp.MustCompile(`(?i)(\b(?:bearer|basic)\s+)[a-z0-9+/._~-]{20,}=*`), "${1}" + redacted},
		// A client secret of Entra, and the 64 bytes of a storage account's key.
		{regexp.MustCompile(`[A-Za-z0-9._~-]{3}[78]Q~[A-Za-z0-9._~-]{31,}`), redacted},
		{regexp.MustCompile(`[A-Za-z0-9+/]{86}==`), redacted},
		// A compact JWT, whole or cut short, by the beginning of its JSON header, and three long base64url parts with dots
		// between them. Host names and versions have shorter parts.
		{regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)*|\b[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`), redacted},
	}
})

// secretMembers find JSON members that are named after a secret, with their values: in the body itself, whole or cut
// off, and in JSON that is a string of the body.
var secretMembers = sync.OnceValue(func() []shape {
	const name = `[^"\\]*(?:token|assertion|secret|password|passwd|passphrase|pwd|key|connection[_ -]?string|signature|authorization|sas|sig)(?:text|value|hash)?[0-9]*`
	return []shape{
		{regexp.MustCompile(`(?i)("` + name + `"\s*:\s*)(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|-?[0-9][0-9.e+-]*|\[[^\]]*(?:\]|$))`), `${1}"` + redacted + `"`},
		{regexp.MustCompile(`(?i)(\\"` + name + `\\"\s*:\s*)\\"(?:[^"\\]|\\\\\\"|\\\\.|\\[^"\\])*(?:\\"|$)`), `${1}\"` + redacted + `\"`},
	}
})

// Redact replaces what looks like a token, a key, a password or a signature by "[redacted]".
func Redact(text string) string {
	for _, s := range secretShapes() {
		text = s.of.ReplaceAllString(text, s.by)
	}
	return text
}

// RedactJSON replaces what Redact does, and the value of every member that is named after a secret, in a body that need
// not be JSON.
func RedactJSON(body []byte) []byte {
	for _, s := range secretMembers() {
		body = s.of.ReplaceAll(body, []byte(s.by))
	}
	return []byte(Redact(string(body)))
}
