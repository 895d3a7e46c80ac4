package adoption

import (
	"context"
	"errors"

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
			return hide(ctx, notSeen(resource.Checks([]resource.Item{item}, true)))
		default:
			isTrusted = item.State == resource.Unchanged
		}
	}
	if isTrusted {
		return nil
	}
	return notTrusted()
}

// hide refuses an identity that is not seen in the words of one that does not let the file's subject in, unless an
// administrator asks: whether there is one, and where, is not for others to learn. Why a service could not be asked is
// told all the same.
func hide(ctx context.Context, err error) error {
	var told *diagnosis.Error
	if integration.HasAllInSight(ctx) || !errors.As(err, &told) {
		return err
	}
	switch told.Diagnosis.Code {
	case diagnosis.CodeInvalidCredentialFile, diagnosis.CodeIdentityMissing, diagnosis.CodeIdentityNotSeen:
		return notTrusted()
	default:
		return err
	}
}

// notTrusted is the refusal of an identity of which nothing tells that it is the caller's, whether it is there or not.
func notTrusted() error {
	const why = "No identity with this client id is seen to let the file's subject in, so none is shown to be yours."
	return refuse(diagnosis.CodeNotAllowed, diagnosis.WithDetail("%s", why),
		diagnosis.WithFindings(diagnosis.Finding{Pointer: pointerCredentials + "/clientId",
			Code: diagnosis.CodeNotAllowed, Detail: why,
			Expected: "an identity with a federated credential for issuer, subject and audience of the file",
			Remedy: "Correct the client id, have the credential added to the identity, or have an administrator " +
				"send the request."}))
}
