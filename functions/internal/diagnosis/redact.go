package diagnosis

import "regexp"

// redacted stands where a token was.
const redacted = "[redacted]"

// tokenShape finds a compact JWT, whole or cut short, by the beginning of its JSON header, and three long base64url
// parts with dots between them. Host names and versions have shorter parts.
var tokenShape = regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)*|\b[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`)

// tokenMember finds a JSON member that is named after a token, with its text.
var tokenMember = regexp.MustCompile(`(?i)("[a-z_]*(?:token|assertion|apikey|secret)"\s*:\s*)"(?:[^"\\]|\\.)*"`)

// Redact replaces what looks like a token by "[redacted]".
func Redact(text string) string { return tokenShape.ReplaceAllLiteralString(text, redacted) }

// RedactJSON replaces what looks like a token, and the text of every member that is named after one, in a body that need
// not be JSON.
func RedactJSON(body []byte) []byte {
	named := tokenMember.ReplaceAll(body, []byte(`${1}"`+redacted+`"`))
	return tokenShape.ReplaceAllLiteral(named, []byte(redacted))
}
