package provision

import (
	"context"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// intent is a spec as it was given, and with its defaults. Those of the identity are known when the document is.
type intent struct {
	given, resolved integration.Spec
	defaults        integration.Defaults
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

// onIdentity are the kinds that go with an identity: what it outlives, and itself.
func (s *Service) onIdentity() []resource.Kind {
	goes := []string{resource.Identity}
	for _, k := range s.Kinds {
		if k.Name() == resource.Identity {
			goes = append(goes, k.Outlives()...)
		}
	}
	return slices.DeleteFunc(slices.Clone(s.Kinds), func(k resource.Kind) bool {
		return !slices.Contains(goes, k.Name())
	})
}

// replaceIdentity takes the recorded identity down, with what it outlives, where the spec asks for another one: the
// record tells what is pending, so it can be resumed at any point. It is removed for good, as what could be restored
// would hold the name that another change of the kind needs.
func (r *run) replaceIdentity(ctx context.Context) error {
	if !r.current().HasIdentityChange() {
		return nil
	}
	down := r.newRun(r.attempt)
	down.ending, down.purge = true, true
	if err := down.remove(ctx, down.unseen(r.onIdentity())); err != nil {
		return err
	}
	return r.save(ctx, func(d *integration.Document) { d.Status.ForgetIdentity() })
}

// planReplacement are the steps that take the recorded identity down.
func (s *Service) planReplacement(ctx context.Context, d integration.Document) []PlannedStep {
	var steps []PlannedStep
	isTold := false
	seen := resource.Observe(ctx, s.onIdentity(), resource.View{Document: d, Ending: true, Purge: true})
	isForeign := slices.ContainsFunc(seen, func(o resource.Observed) bool {
		return o.Kind.Name() == resource.Identity && len(resource.InState(o.Items, resource.Extra)) > 0
	})
	for _, o := range seen {
		for _, item := range o.Items {
			step, ok := planned(item)
			if !ok || isForeign && resource.IsOnIdentity(o.Kind) { // ours have gone with ours
				continue
			}
			if o.Kind.Name() == resource.Identity && !isTold {
				told := diagnosis.New(diagnosis.CodeIdentityReplaced, diagnosis.WithContext(d.Words()))
				step.Diagnosis, isTold = &told, true
			}
			steps = append(steps, step)
		}
	}
	return steps
}
