package adoption

import (
	"context"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/claim"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

// listed is how many documents are read at a time by who looks for one.
const listed = 100

// claimIdentity claims the identity of an import that is about to be written down: of two that are sent at the same
// time one is refused. It may be repeated.
func (s *Service) claimIdentity(ctx context.Context, d integration.Document) error {
	who, _ := caller.From(ctx)
	identity := claim.Thing{Repository: s.Repository, Prefix: "identities/", IsBrief: true,
		Names: []string{strings.ToLower(d.Spec.TenantID), strings.ToLower(d.Status.ClientID)},
		IsHad: func(other integration.Document) bool { return hasIdentity(other, d) }}
	err := identity.Take(ctx, d.ID, who.ID, func(holders []integration.Document) error {
		if len(holders) == 0 {
			return nil
		}
		return bound(ctx, holders[0], d.Status.ClientID)
	})
	return operation.StoreError(err)
}

// hasIdentity reports whether another integration has the identity of a document.
func hasIdentity(other, d integration.Document) bool {
	return other.ID != d.ID && other.Status.Phase != integration.PhaseDeleted &&
		strings.EqualFold(other.Status.ClientID, d.Status.ClientID) &&
		strings.EqualFold(other.Spec.TenantID, d.Spec.TenantID)
}

// admitIdentity refuses an identity that another integration has.
func (s *Service) admitIdentity(ctx context.Context, d integration.Document) error {
	for token := ""; ; {
		page, err := s.Repository.List(caller.Without(ctx), token, listed)
		if err != nil {
			return operation.StoreError(err)
		}
		for _, other := range page.Documents {
			if hasIdentity(other, d) {
				return bound(ctx, other, d.Status.ClientID)
			}
		}
		if token = page.Next; token == "" {
			return nil
		}
	}
}

// bound refuses an identity that another integration has, and names that one where the caller may see it.
func bound(ctx context.Context, other integration.Document, clientID string) error {
	which, isOthers := "The integration "+other.ID, integration.RefuseOthers(ctx, other) != nil
	if isOthers {
		which = "Another owner's integration"
	}
	refused := refuse(diagnosis.CodeIdentityBound,
		diagnosis.WithDetail("%s has the identity with the client id %s.", which, clientID))
	if isOthers {
		refused.Diagnosis.Remedy.Steps = []string{"Ask an administrator whose it is, or import another identity."}
	}
	return refused
}
