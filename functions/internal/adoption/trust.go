package adoption

import (
	"context"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// admitTrust leaves it to administrators to import what is of others: an identity that does not let the file's subject
// in. One that does is the subject's to use, whoever has made it.
func admitTrust(ctx context.Context, seen []resource.Item) error {
	if integration.HasAllInSight(ctx) {
		return nil
	}
	isTrusted := false
	for _, item := range seen {
		switch {
		case item.Name != resource.FederatedCredential:
		case item.Err != nil:
			return notSeen(resource.Checks([]resource.Item{item}, true))
		default:
			isTrusted = item.State == resource.Unchanged
		}
	}
	if isTrusted {
		return nil
	}
	const why = "The identity does not let the file's subject in, so it is not shown to be yours."
	return refuse(diagnosis.CodeNotAllowed, diagnosis.WithDetail("%s", why),
		diagnosis.WithFindings(diagnosis.Finding{Pointer: pointerCredentials + "/clientId",
			Code: diagnosis.CodeNotAllowed, Detail: why,
			Expected: "an identity with a federated credential for issuer, subject and audience of the file",
			Remedy:   "Have the credential added to the identity, or an administrator send the request."}))
}
