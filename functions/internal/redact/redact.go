// Package redact makes texts from outside fit to be displayed, kept and logged: without secrets, readable, and not too
// long.
package redact

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// redacted stands where a secret was.
const redacted = "[redacted]"

// shape is how a secret looks in a text, and what comes in its place; ${1} is what stays of it. A text without any of
// the signs has not the shape; to look for them is quick.
type shape struct {
	of    *regexp.Regexp
	by    string
	signs []string
}

func (s shape) replaceIn(text string) string {
	hasSign := func(sign string) bool { return strings.Contains(text, sign) }
	if s.signs != nil && !slices.ContainsFunc(s.signs, hasSign) {
		return text
	}
	return s.of.ReplaceAllString(text, s.by)
}

// The parts of an assignment in a text that may itself be inside a JSON string, where a quotation mark has a
// backslash, and where some writers escape & ' + / and = by their numbers.
const (
	equals    = `\s*(?:=|\\u003[dD]|%3[dD])\s*`
	ampersand = `\\u0026`
	character = `\\u00(?:2[bBfF]|3[dD])|\\/`
	quoted    = `'[^']*'|\\u0027.*?\\u0027|\\"[^"]*"|"[^"]*"`
)

// secretShapes are how secrets look in any text, built once, at first use.
var secretShapes = sync.OnceValue(func() []shape {
	// A connection string ends a value with a semicolon only, so an & may be part of it; a URL and a form end it with
	// &.
	setting := `(?:` + quoted + `|(?:` + character + `|` + ampersand + `|[^\s;"'\\])+)`
	parameter := `(?:` + quoted + `|(?:` + character + `|[^\s&;"'\\])+)`
	assignment := []string{"=", `\u003`, "%3"}
	return []shape{
		{regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----(?s:.*?)(?:-----END [A-Z0-9 ]*PRIVATE ` +
			`KEY[A-Z ]*-----|$)`), redacted, []string{"-----BEGIN"}},
		{regexp.MustCompile(`(?i)((?:sharedaccesssignature|(?:account|access|shared)[_-]?key|password|passwd|pwd)` +
			equals + `)` + setting), "${1}" + redacted, assignment},
		{regexp.MustCompile(`(?i)((?:\b|` + ampersand + `|%26)(?:sig|client_secret|client_assertion|api[_-]?key|(?` +
			`:[a-z]+_)?token)` + equals + `)` + parameter), "${1}" + redacted, assignment},
		{regexp.MustCompile(`(:(?:\\?/){2}[^\s/:@"'\\]*:)[^\s/@"'\\]+@`), "${1}" + redacted + "@",
			[]string{"@"}},
		{regexp.MustCompile(`(?i)(\b(?:bearer|basic)\s+)[a-z0-9+/._~-]{20,}=*`), "${1}" + redacted,
			[]string{" ", "\t", "\n",
				"\r", "\f"}},
		// A client secret of Entra, the 64 bytes of a storage account's key, keys of AWS and tokens of GitHub.
		{regexp.MustCompile(`[A-Za-z0-9._~-]{3}[78]Q~[A-Za-z0-9._~-]{31,}`), redacted, []string{"Q~"}},
		{regexp.MustCompile(`[A-Za-z0-9+/]{86}==`), redacted, []string{"=="}},
		{regexp.MustCompile(`\bAKIA[0-9A-Z]{16}\b|gh[pousr]_[A-Za-z0-9]{36}`), redacted, []string{"AKIA", "gh"}},
		// Three long base64url parts with dots between them, whatever they hold. Host names and versions have shorter
		// parts.
		{regexp.MustCompile(`\b[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`), redacted,
			[]string{"."}},
	}
})

// secretMembers find JSON members that are named after a secret, with their values: in the body itself, whole or cut
// off, and in JSON that is a string of the body.
var secretMembers = sync.OnceValue(func() []shape {
	const name = `[^"\\]*(?:token|assertion|secret|password|passwd|passphrase|pwd|key|connection[_ -]?` +
		`string|signature|authorization|sas|sig)(?:text|value|hash)?[0-9]*`
	return []shape{
		{regexp.MustCompile(`(?i)("` + name + `"\s*:\s*)(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|-?` +
			`[0-9][0-9.e+-]*|\[[^\]]*(?:\]|$))`), `${1}"` + redacted + `"`, nil},
		{regexp.MustCompile(`(?i)(\\"` + name + `\\"\s*:\s*)\\"(?:[^"\\]|\\\\\\"|\\\\.|\\[^"\\])*(?:\\"|$)`),
			`${1}\"` + redacted + `\"`, nil},
	}
})

// Text replaces what looks like a token, a key, a password or a signature by "[redacted]".
func Text(text string) string {
	if len(text) < minToken && !strings.ContainsAny(text, `=:%\`) {
		return text // no shape is that short, but those with one of these characters
	}
	text = redactKeys(redactTokens(text))
	for _, s := range secretShapes() {
		text = s.replaceIn(text)
	}
	return text
}

// JSON replaces what Text does, and the value of every member that is named after a secret, in a body that
// need not be JSON. Where there is one, the strings of the body lose the escapes that JSON does not ask for, since
// those can hide a secret; else the body is as it was.
func JSON(body []byte) []byte {
	bare := unescape(string(body))
	if kept := redactMembers(bare); kept != bare {
		return []byte(kept)
	}
	return body
}

func redactMembers(text string) string {
	for _, s := range secretMembers() {
		text = s.replaceIn(text)
	}
	return Text(text)
}

// jsonString finds the strings of a JSON text.
var jsonString = regexp.MustCompile(`(?s)"(?:[^"\\]|\\.)*"`)

// unescape writes the strings of a JSON text, and those of JSON within them, with the escapes alone that JSON asks
// for: it may spell any character by its number.
func unescape(text string) string {
	return jsonString.ReplaceAllStringFunc(text, func(literal string) string {
		var value string
		if !strings.Contains(literal, `\`) || json.Unmarshal([]byte(literal), &value) != nil {
			return literal
		}
		var bare strings.Builder
		encoder := json.NewEncoder(&bare)
		encoder.SetEscapeHTML(false)
		if encoder.Encode(unescape(value)) != nil {
			return literal
		}
		return strings.TrimSuffix(bare.String(), "\n")
	})
}
