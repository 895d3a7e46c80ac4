package integration

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// RefuseOthers is the refusal of a document that the caller may not see, in the words of one that is absent. It is nil
// where the caller may, where there is no document, and where the app itself asks.
func RefuseOthers(ctx context.Context, d Document) error {
	who, isCalled := caller.From(ctx)
	if !isCalled || d.ETag == "" || who.CanSee(d.Owner) {
		return nil
	}
	return others()
}

// HasAllInSight reports whether nothing is hidden from who asks: an administrator, or the app itself.
func HasAllInSight(ctx context.Context) bool {
	who, isCalled := caller.From(ctx)
	return !isCalled || who.HasRole(caller.RoleAdmin)
}

func others() error {
	return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeIntegrationNotFound), Err: ErrOthers}
}

// RefuseUnknown is RefuseOthers for a record that cannot be read: whose it is nobody knows, so administrators alone
// see it.
func RefuseUnknown(ctx context.Context) error {
	if !HasAllInSight(ctx) {
		return others()
	}
	return nil
}

// refuseUnknown is RefuseUnknown where err is that a record cannot be read; other errors stay as they are.
func refuseUnknown(ctx context.Context, err error) error {
	if IsRefused(err) {
		return cmp.Or(RefuseUnknown(ctx), err)
	}
	return err
}

// OperationSight tells of operations whether the caller may see them; nil where all may be seen. While the life of the
// integration goes on that an operation was part of, it is for the integration's owner, whoever that was then. Else it
// is for the owner of then: the id may be another owner's by now. Each integration is read once.
func (r *Repository) OperationSight(ctx context.Context) func(Operation) (bool, error) {
	who, _ := caller.From(ctx)
	if HasAllInSight(ctx) {
		return nil
	}
	known, refused := map[string]Document{}, map[string]bool{}
	return func(o Operation) (bool, error) {
		d, isKnown := known[o.IntegrationID]
		if !isKnown && o.IntegrationID != "" {
			var err error
			d, err = r.Get(caller.Without(ctx), o.IntegrationID)
			refused[o.IntegrationID] = IsRefused(err)
			if err != nil && !IsRefused(err) && !errors.Is(err, ErrNotFound) {
				return false, err
			}
			known[o.IntegrationID] = d
		}
		switch {
		case refused[o.IntegrationID]:
			return false, nil // whose it is nobody knows
		case d.ETag != "" && o.isPartOf(d):
			return who.IsOwner(d.Owner), nil
		default:
			return who.IsOwner(cmp.Or(o.Owner, o.Caller.ID)), nil
		}
	}
}

// JoinLife makes an operation part of an integration's life, or of the one that it begins, and of its owner's history.
func (o *Operation) JoinLife(d Document, isBeginning bool) {
	o.Owner, o.FirstOperationID = cmp.Or(d.Owner, o.Caller.ID), d.FirstOperationID
	if isBeginning {
		o.FirstOperationID = o.ID
	}
}

// isPartOf reports whether an operation was part of the integration's present life. A record that does not name its
// life tells by its time, of which an index has the milliseconds.
func (o Operation) isPartOf(d Document) bool {
	if o.FirstOperationID == "" || d.FirstOperationID == "" {
		return !o.CreatedAt.Before(d.CreatedAt.Truncate(time.Millisecond))
	}
	return o.FirstOperationID == d.FirstOperationID
}

// FindOperation is GetOperation for a caller: ErrNotFound for one that the caller may not see.
func (r *Repository) FindOperation(ctx context.Context, id string) (Operation, error) {
	o, err := r.GetOperation(ctx, id)
	if err != nil && !IsRefused(err) {
		return Operation{}, err
	}
	if canSee := r.OperationSight(ctx); canSee != nil {
		// Of one that cannot be read nobody knows whose it is.
		if isSeen, failed := canSee(o); failed != nil || !isSeen {
			return Operation{}, cmp.Or(failed, ErrNotFound)
		}
	}
	return o, err
}
