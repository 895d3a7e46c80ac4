package resource

import (
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// The names of the kinds by which others say what they need. The identity has one name whatever it is made of.
const (
	Identity            = "identity"
	FederatedCredential = "federatedCredential"
	RoleAssignment      = "roleAssignment"
	StorageAccount      = "storageAccount"
	Container           = "container"
	PlatformIntegration = "platformIntegration"
	Driver              = "driver"
)

// Credential is one federated identity credential, whatever kind of identity it is on: tokens of that issuer, subject
// and audience may be exchanged for tokens of the identity.
type Credential struct {
	ID, Name        string
	Issuer, Subject string
	Audiences       []string
	// Expression stands for the subject on a flexible credential, which only somebody else can have made.
	Expression string
	// Description is what people read beside it. One that was seen is written again as it was: whoever changes it owns
	// it.
	Description string
	// IsThere is true where a credential of the name was seen.
	IsThere bool
}

// Receipt is what became of one write.
type Receipt struct {
	// ID is the object's id where the answer told it.
	ID        string
	Outcome   Outcome
	RequestID string
	// IsGone is true where a read has found that there can be no such object any more, so that nothing was deleted.
	IsGone bool
	Err    error
}

// CredentialTerms are the terms on which a kind of identity keeps its credentials.
type CredentialTerms interface {
	// Between is how long the writes are apart by the service's own rate.
	Between(d integration.Document) time.Duration
	// Description is what is written beside a credential that is new; empty for nothing.
	Description(d integration.Document) string
}
