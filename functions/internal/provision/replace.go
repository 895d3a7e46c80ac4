package provision

import (
	"context"
	"fmt"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// intent is a spec as it was given, and with its defaults.
type intent struct {
	given, resolved integration.Spec
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

// specFor is the spec that the intent comes to for a document.
func (w *intent) specFor(d integration.Document) integration.Spec {
	spec := w.resolved
	spec.Identity = d.IdentityFor(w.given.Identity, w.resolved.Identity)
	return spec
}

// admit refuses a change while a teardown runs, and one that would take a client id away that somebody may use.
func (w *intent) admit(d *integration.Document) error {
	if err := admitProvision(d); err != nil || d == nil || w.replace || d.Status.ClientID == "" {
		return err
	}
	next := *d
	next.Spec = w.specFor(*d)
	isAdmitted := d.ReplacesIdentity() && *d.Spec.Identity == *next.Spec.Identity
	if !next.ReplacesIdentity() || isAdmitted {
		return nil
	}
	recorded, _ := d.Status.RecordedIdentity()
	return refuse(diagnosis.CodeIdentityReplaceRequired,
		diagnosis.WithDetail("%s would be removed for good, and %s be made, "+
			"with another client id than %s: whoever uses that has to be given the new one.",
			identityWords(recorded.Kind, recorded.ResourceGroup(), recorded.Location),
			identityWords(next.Spec.Identity.Kind, next.Spec.Identity.ResourceGroup, next.Spec.Identity.Location),
			d.Status.ClientID))
}

// identityWords name an identity in a sentence.
func identityWords(kind integration.IdentityKind, group, location string) string {
	if group == "" {
		return "the " + string(kind)
	}
	return fmt.Sprintf("the %s in %s (%s)", kind, group, location)
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
	if !r.current().ReplacesIdentity() {
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
	for _, o := range resource.Observe(ctx, s.onIdentity(), resource.View{Document: d, Ending: true, Purge: true}) {
		for _, item := range o.Items {
			step, ok := planned(item)
			if !ok {
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
