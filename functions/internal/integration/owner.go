package integration

import (
	"cmp"
	"context"
	"errors"

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

// CanSeeOperation reports whether the caller may see an operation: whoever may see its integration may, and where
// there is no integration, whoever has asked for the operation.
func (r *Repository) CanSeeOperation(ctx context.Context, integrationID, askedBy string) (bool, error) {
	who, isCalled := caller.From(ctx)
	if !isCalled || who.HasRole(caller.RoleAdmin) {
		return true, nil
	}
	if integrationID == "" {
		return who.IsOwner(askedBy), nil
	}
	d, err := r.Get(caller.Without(ctx), integrationID)
	switch {
	case errors.Is(err, ErrNotFound):
		return who.IsOwner(askedBy), nil
	case IsRefused(err):
		return false, nil // whose it is nobody knows
	default:
		return who.IsOwner(d.Owner), err
	}
}

// FindOperation is GetOperation for a caller: ErrNotFound for one that the caller may not see.
func (r *Repository) FindOperation(ctx context.Context, id string) (Operation, error) {
	o, err := r.GetOperation(ctx, id)
	if err != nil && !IsRefused(err) {
		return Operation{}, err
	}
	// Of one that cannot be read nobody knows whose it is.
	canSee, failed := r.CanSeeOperation(ctx, o.IntegrationID, o.Caller.ID)
	switch {
	case failed != nil:
		return Operation{}, failed
	case !canSee:
		return Operation{}, ErrNotFound
	default:
		return o, err
	}
}
