package provision

import (
	"context"
	"errors"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/resolve"
)

// intent is a spec as it was given, and with its defaults. Those of the identity are known when the document is.
type intent struct {
	given, resolved integration.Spec
	defaults        resolve.Defaults
	// replace lets the spec ask for another identity than there is.
	replace bool
}

// content tells a repeated intent from another one.
func (w *intent) content() any {
	if !w.replace {
		return w.given
	}
	return struct {
		Spec    integration.Spec
		Replace bool
	}{w.given, true}
}

// admit completes the spec by what there is, and refuses one that is at fault then, a change while a teardown runs,
// and one that would take a client id away that somebody may use. d is nil where there is no document.
func (w *intent) admit(d *integration.Document) error {
	if err := admitProvision(d); err != nil {
		return err
	}
	if d == nil {
		d = &integration.Document{}
	}
	identity, findings := w.defaults.ResolveIdentity(d.IdentityGiven(w.given.Identity))
	if len(findings) > 0 {
		return faulty(findings)
	}
	w.resolved.Identity = identity
	next := *d
	next.Spec = w.resolved
	isAdmitted := d.HasIdentityChange() && *d.Spec.Identity == *identity
	isUsed := d.Status.ClientID != "" && d.Status.Phase != integration.PhaseDeleted
	if w.replace || !isUsed || isAdmitted || !next.HasIdentityChange() {
		return nil
	}
	recorded := d.Status.Identity
	return refuse(diagnosis.CodeIdentityReplaceRequired,
		diagnosis.WithDetail("The service would remove %s for good and make %s, which has another client id than "+
			"%s: whoever uses that one has to be given the new one.",
			"the "+recorded.Kind.Words(recorded.ResourceGroup(), recorded.Location),
			"the "+identity.Kind.Words(identity.ResourceGroup, identity.Location),
			d.Status.ClientID))
}

// resolve fills the defaults in; its error lists every fault of the spec, or what the caller may not ask for. One that
// has faults by the defaults alone is held against what there is: the identity may be complete by that.
func (s *Service) resolve(ctx context.Context, id string, w *intent) error {
	resolved, findings, err := s.Defaults.Resolve(ctx, id, w.given)
	if err != nil {
		return noIdentity(err)
	}
	if len(findings) > 0 && integration.IsValidID(id) {
		d, err := s.Repository.Get(ctx, id)
		if err != nil && !errors.Is(err, integration.ErrNotFound) && !integration.IsRefused(err) {
			return operation.Taken(operation.StoreError(err))
		}
		completed := w.given
		completed.Identity = d.IdentityGiven(w.given.Identity)
		resolved, findings, err = s.Defaults.Resolve(ctx, id, completed)
		if err != nil {
			return noIdentity(err)
		}
	}
	if len(findings) > 0 {
		return faulty(findings)
	}
	w.resolved = resolved
	return s.Policy.Admit(ctx, resolved)
}

// claim claims the subjects of an intent for its integration.
func (s *Service) claim(ctx context.Context, id string, w *intent) error {
	return operation.StoreError(s.Claims.Claim(ctx, id, w.resolved))
}

// noIdentity is the refusal where the service's own tenant, a default, could not be found out.
func noIdentity(err error) error {
	return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeServiceIdentityUnavailable), Err: err}
}
