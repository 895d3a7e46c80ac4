package integration

import "github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"

// The bounds of an integration id's length.
const (
	minID = 3
	maxID = 50
)

// ValidID reports whether the id has 3 to 50 characters of lower-case letters, digits and single hyphens between them:
// it stands in URLs, blob names, session ids and the application's uniqueName without any escaping.
func ValidID(id string) bool {
	if len(id) < minID || len(id) > maxID {
		return false
	}
	previous := byte('-')
	for i := range len(id) {
		c := id[i]
		letter := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !letter && (c != '-' || previous == '-') {
			return false
		}
		previous = c
	}
	return previous != '-'
}

// maxOperationID is the most characters of an operation id.
const maxOperationID = 128

// ValidOperationID reports whether the id can name an operation: it begins with a letter or digit and has at most 128
// letters, digits, dots, underscores and hyphens, and it is not what looks like a token. It is a segment of a store key.
func ValidOperationID(id string) bool {
	if id == "" || len(id) > maxOperationID || diagnosis.Redact(id) != id {
		return false
	}
	for i := range len(id) {
		c := id[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return true
}
