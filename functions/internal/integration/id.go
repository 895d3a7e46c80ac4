package integration

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// The bounds of an integration id's length.
const (
	minID = 3
	maxID = 50
)

// IsValidID reports whether the id has 3 to 50 characters of lower-case letters, digits and single hyphens between
// them: it stands in URLs, blob names, session ids and the application's uniqueName without any escaping.
func IsValidID(id string) bool {
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

// credentialPrefix begins the names of our federated credentials.
const credentialPrefix = "subject-"

// CredentialName derives a federated credential's name from its subject alone, so that a change of issuer or audience
// is an update in place and the old trust ends with it.
func CredentialName(subject string) string {
	sum := sha256.Sum256([]byte(subject))
	return credentialPrefix + hex.EncodeToString(sum[:8])
}

// WantedCredentials are the federated credentials that the spec asks for, one for each subject. Where the status has a
// credential of the same trust under another name, adopted or taken over, it is that one.
func WantedCredentials(d Document) []FederatedCredential {
	wanted := make([]FederatedCredential, len(d.Spec.Subjects))
	for i, subject := range d.Spec.Subjects {
		wanted[i] = FederatedCredential{Name: CredentialName(subject), Issuer: d.Spec.Issuer, Subject: subject,
			Audience: d.Spec.Audience}
		for _, known := range d.Status.FederatedCredentials {
			if known.Issuer == wanted[i].Issuer && known.Subject == subject && known.Audience == wanted[i].Audience {
				wanted[i].Name, wanted[i].Adopted = known.Name, known.Adopted
			}
		}
	}
	return wanted
}

// maxOperationID is the most characters of an operation id.
const maxOperationID = 128

// IsValidOperationID reports whether the id can name an operation: it begins with a letter or digit and has at most
// 128 letters, digits, dots, underscores and hyphens, and it is not what looks like a token. It is a segment of a
// store key.
func IsValidOperationID(id string) bool {
	if id == "" || len(id) > maxOperationID || redact.Text(id) != id {
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
