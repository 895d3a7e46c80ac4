package provision

import (
	"context"
	"errors"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// teardown removes what we made, unless a kind that can object states in time that this would break what others have
// built. Trust goes first, so that no new token is issued, and beside it the rights; what fails or hangs delays only
// what has to come after it. The document claims no access from the first removal on. It can be resumed at any point.
// Tokens that were issued before live on for about an hour. Its result tells what is left, also where it has failed.
func (s *Service) teardown(ctx context.Context, a *operation.Attempt) (any, error) {
	r := s.newRun(a)
	r.ending = true
	r.changing = func(d *integration.Document) { d.Withdraw(r.now()) }
	r.veto = newVeto(r.Kinds)
	seen, stays := r.unseen(r.Kinds), integration.Stays(a.Document())
	err := r.takeDown(ctx, seen)
	left := append(r.leftovers(seen), stays...)
	if err != nil && ctx.Err() == nil {
		r.showLeft(ctx, left)
	}
	return TeardownResult{Purged: err == nil && a.Command().Purge, Left: left}, err
}

// showLeft shows in the document what an attempt that has failed has left. What it has failed with counts, also where
// that cannot be written.
func (r *run) showLeft(ctx context.Context, left []string) {
	err := r.attempt.Conclude(ctx, nil, func(d *integration.Document) error {
		if slices.Equal(d.Status.Left, left) {
			return operation.ErrDone
		}
		d.Status.Left = left
		return nil
	})
	if err != nil && !errors.Is(err, operation.ErrDone) && !errors.Is(err, operation.ErrSuperseded) {
		r.Log.WarnContext(ctx, "the document does not show what is left", "integrationId", r.current().ID, "error",
			operation.Words(err))
	}
}

func (r *run) takeDown(ctx context.Context, seen []resource.Observed) error {
	if err := r.remove(ctx, seen); err != nil {
		return err
	}
	return r.leaveTombstone(ctx)
}

// leaveTombstone turns the document into one that keeps only the ids by which a later PUT can take removed objects
// back, unless they were purged.
func (r *run) leaveTombstone(ctx context.Context) error {
	purged := r.attempt.Command().Purge
	return r.concludeWith(ctx, func(d *integration.Document) error {
		d.Status = integration.Tombstone(*d, purged)
		return nil
	}, operation.News{Type: message.TypeIntegrationDeleted})
}
