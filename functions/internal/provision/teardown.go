package provision

import (
	"context"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// teardown removes what we made. Trust goes first, so that no new token is issued, and beside it the rights; what fails or
// hangs delays only what has to come after it. It can be resumed at any point. Tokens that were issued before live on for
// about an hour.
func (s *Service) teardown(ctx context.Context, a *operation.Attempt) (any, error) {
	r := s.newRun(a)
	r.ending = true
	seen := r.observe(ctx)
	if err := blocked(seen); err != nil {
		return nil, err
	}
	if err := r.save(ctx, r.learnSeen(seen)); err != nil {
		return nil, err
	}
	if err := r.remove(ctx, seen); err != nil {
		return nil, err
	}
	return r.leaveTombstone(ctx, seen)
}

// leaveTombstone turns the document into one that keeps only the ids by which a later PUT can take removed objects back,
// unless they were purged.
func (r *run) leaveTombstone(ctx context.Context, seen []resource.Observed) (any, error) {
	purged := r.attempt.Command().Purge
	err := r.attempt.Conclude(ctx, func(d *integration.Document) error {
		kept := integration.Status{Phase: integration.PhaseDeleted, UniqueName: d.Status.UniqueName, LastOperationID: d.Status.LastOperationID}
		if !purged {
			kept.Identity = d.Status.Identity
			kept.ClientID, kept.ObjectID, kept.ServicePrincipalID = d.Status.ClientID, d.Status.ObjectID, d.Status.ServicePrincipalID
		}
		d.Status = kept
		return nil
	}, operation.News{Type: message.TypeIntegrationDeleted})
	if err != nil {
		return nil, err
	}
	return struct {
		Purged bool     `json:"purged"`
		Left   []string `json:"left,omitempty"`
	}{purged, left(seen)}, nil
}

// left says what stays for a person to remove: what somebody else made and we only used.
func left(seen []resource.Observed) []string {
	var texts []string
	for _, item := range resource.InState(resource.Items(seen), resource.Manual) {
		if item.Detail != "" {
			texts = append(texts, item.Detail)
		}
	}
	return texts
}
