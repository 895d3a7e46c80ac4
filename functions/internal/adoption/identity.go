package adoption

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

const (
	// listed is how many documents are read at a time by who looks for one.
	listed = 100
	// claimLasts is how long a claim counts whose integration is not there.
	claimLasts = invocation.Longest
	// claimTries bounds the writes that others get ahead of.
	claimTries = 20
)

// claim tells which import has an identity, or is about to have it.
type claim struct {
	IntegrationID string `json:"integrationId"`
	// CallerID is who imports it.
	CallerID string    `json:"callerId"`
	At       time.Time `json:"at"`
}

// claimKey is the store's key of the claim on a document's identity.
func claimKey(d integration.Document) string {
	sum := sha256.Sum256([]byte(strings.ToLower(d.Spec.TenantID + "\n" + d.Status.ClientID)))
	return "identities/" + hex.EncodeToString(sum[:]) + ".json"
}

// claimIdentity claims the identity of an import that is about to be written down: of two that are sent at the same
// time one is refused. It may be repeated.
func (s *Service) claimIdentity(ctx context.Context, d integration.Document) error {
	who, _ := caller.From(ctx)
	mine, err := json.Marshal(claim{IntegrationID: d.ID, CallerID: who.ID, At: s.Repository.Now().UTC()})
	if err != nil {
		return fmt.Errorf("encode claim: %w", err)
	}
	for range claimTries {
		record, err := s.Repository.Store.Get(ctx, claimKey(d))
		if err != nil && !errors.Is(err, integration.ErrNotFound) {
			return operation.StoreError(err)
		}
		if err := s.admitClaim(ctx, record, d); err != nil {
			return operation.StoreError(err)
		}
		_, err = s.Repository.Store.Put(ctx, claimKey(d), mine, record.ETag)
		if !errors.Is(err, integration.ErrConflict) {
			return operation.StoreError(err)
		}
	}
	return operation.StoreError(integration.ErrConflict)
}

// admitClaim refuses an identity that another import has, or has claimed a moment ago.
func (s *Service) admitClaim(ctx context.Context, record integration.Record, d integration.Document) error {
	var there claim
	if record.ETag == "" || json.Unmarshal(record.Body, &there) != nil || there.IntegrationID == d.ID {
		return nil // what cannot be read tells nothing, and is replaced
	}
	other, err := s.Repository.Get(caller.Without(ctx), there.IntegrationID)
	switch {
	case err == nil && hasIdentity(other, d):
		return bound(ctx, other, d.Status.ClientID)
	case err == nil && other.UpdatedAt.After(there.At): // it has come to something else
		return nil
	case err != nil && !errors.Is(err, integration.ErrNotFound) && !integration.IsRefused(err):
		return err
	case s.Repository.Now().Sub(there.At) < claimLasts:
		return bound(ctx, integration.Document{ID: there.IntegrationID, Owner: there.CallerID, ETag: record.ETag},
			d.Status.ClientID)
	default:
		return nil
	}
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
