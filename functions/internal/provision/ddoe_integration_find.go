package provision

import (
	"context"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// listed is what an organisation's list holds.
type listed struct {
	// ours are the integrations that our document or their metadata says are ours; the document's comes first.
	ours []ddoe.Integration
	// handmade are those that a person made because our document said so.
	handmade []ddoe.Integration
	// foreign is another's integration of our name and type.
	foreign *ddoe.Integration
	// named says that one of another type, or of somebody else, has the name.
	named bool
}

// lookAtPlatform lists the integrations of an organisation and sorts them.
func (r *run) lookAtPlatform(ctx context.Context, organizationID, kind string) (listed, error) {
	all, err := ask(ctx, r, policy.PlatformIntegrationList, func(ctx context.Context) ([]ddoe.Integration, error) {
		return r.client().ListIntegrations(ctx, organizationID)
	})
	return r.sorted(r.current(), kind, all), err
}

func (s *Service) sorted(d integration.Document, kind string, all []ddoe.Integration) listed {
	var found listed
	for i, one := range all {
		found.named = found.named || one.Name == platformName(d)
		switch {
		case one.ID == "": // nothing can be done with it
		case d.Status.DDOE != nil && one.ID == d.Status.DDOE.IntegrationID:
			found.ours = slices.Insert(found.ours, 0, one)
		case one.Metadata[metaOwner].Value == s.platformOwner(d.ID):
			found.ours = append(found.ours, one)
		case handmade(d, kind, one):
			found.handmade = append(found.handmade, one)
		case one.Name == platformName(d) && one.Type == kind:
			found.foreign = &all[i]
		}
	}
	return found
}

// lookForOurs looks at the organisation that the spec names. A list may lag: the integration that the document knows is gone
// only where its id says so too, and is then forgotten.
func (r *run) lookForOurs(ctx context.Context) (listed, error) {
	found, err := r.lookAtPlatform(ctx, r.current().Spec.DDOE.OrganizationID, r.platform.offer.kind)
	if err != nil {
		return found, err
	}
	id := r.current().Status.DDOE.IntegrationID
	if id == "" || len(found.ours) > 0 && found.ours[0].ID == id {
		return found, nil
	}
	known, err := r.knownIntegration(ctx)
	if err != nil {
		return found, err
	}
	if known == nil {
		return found, r.learnPlatform(ctx, func(st *integration.DDOEStatus) {
			if st.IntegrationID == id {
				st.IntegrationID, st.OptionsHash = "", ""
			}
		})
	}
	found.ours = slices.Insert(found.ours, 0, *known)
	return found, nil
}

// madeForUs are the integrations made by hand that were made for this document's form, as far as other documents tell: they
// may have handed out a form of the same name, and what was made by it looks the same; or they have taken it over already, and
// the platform shows no marks. Who has chosen another name since has left the integration to the other. The documents are
// listed only where there is something to take over, which is seldom.
func (r *run) madeForUs(ctx context.Context, handmade []ddoe.Integration) ([]ddoe.Integration, error) {
	const page = 100
	d := r.current()
	for token, more := "", len(handmade) > 0; more; more = token != "" {
		others, err := r.Repository.List(ctx, token, page)
		if err != nil {
			return nil, err
		}
		token = others.Next
		for _, bad := range others.Unreadable { // nobody can tell what it claims, and it must keep nobody from going on
			r.log().ErrorContext(ctx, "record passed over", "integrationId", bad.ID, "code", bad.Diagnosis.Code)
		}
		for _, other := range others.Documents {
			has := slices.ContainsFunc(handmade, func(one ddoe.Integration) bool { return one.ID == platformOf(other).IntegrationID })
			if other.ID == d.ID || !has && !sameForm(d, other) {
				continue
			}
			name := d.Status.DDOE.Form.IntegrationName
			switch ours, theirs := platformName(d) == name, has || platformName(other) == name; {
			case theirs && !ours:
				return nil, nil
			case ours == theirs:
				return nil, twoForms(handmade[0], other)
			}
		}
	}
	return handmade, nil
}

// sameForm reports whether another document has handed out a form of our form's name, for the same organisation as far as
// both say.
func sameForm(d, other integration.Document) bool {
	ours, theirs := d.Status.DDOE.Form, platformOf(other).Form
	return theirs != nil && theirs.IntegrationName == ours.IntegrationName &&
		(ours.OrganizationID == "" || theirs.OrganizationID == "" || sameID(ours.OrganizationID, theirs.OrganizationID))
}

// twoForms leaves it to a person whose form it was.
func twoForms(made ddoe.Integration, other integration.Document) error {
	found := refuse(diagnosis.CodeDDOEIntegrationForeign, diagnosis.WithDetail("The integration %s was made by hand, for this spec or for %s: both have told a person to make one of its name.",
		named(made.Name, made.ID), diagnosis.Printable(other.ID)))
	found.Diagnosis.Remedy.Who = diagnosis.WhoUploader
	found.Diagnosis.Remedy.Steps = []string{"Ask who made it which of the two it is for. Choose another displayName for the other one and PUT that spec first; then PUT this one again, which takes the integration over."}
	return found
}

// knownIntegration reads the integration that the document knows, by its id alone: that tells one that is gone from one in
// an organisation that the key's user does not see. Nil where it is gone, or none is known.
func (r *run) knownIntegration(ctx context.Context) (*ddoe.Integration, error) {
	id := r.current().Status.DDOE.IntegrationID
	if id == "" {
		return nil, nil
	}
	known, err := ask(ctx, r, policy.PlatformIntegrationGet, func(ctx context.Context) (ddoe.Integration, error) {
		return r.client().GetIntegration(ctx, id)
	})
	switch {
	case ddoe.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &known, nil
}

// foreignIntegration refuses to touch what is another's. One that this service made is mended by its own spec: whatever is
// done to it on the platform would be undone, or would break what it is for.
func (s *Service) foreignIntegration(f ddoe.Integration) error {
	mark, ours := strings.CutPrefix(f.Metadata[metaOwner].Value, markPrefix)
	instance, id, _ := strings.Cut(mark, "/")
	if !ours {
		return refuse(diagnosis.CodeDDOEIntegrationForeign, diagnosis.WithDetail("The organisation has an integration named %s of the same type that this service did not make.", named(f.Name, f.ID)))
	}
	whose, steps := "", []string{"Choose another displayName for one of the two; then PUT the spec again."}
	if instance != s.Instance {
		whose = "another deployment of "
		steps = append(steps, "If that deployment is gone for good, delete its integration on the platform; then PUT the spec again.")
	}
	found := refuse(diagnosis.CodeDDOEIntegrationForeign, diagnosis.WithDetail("The organisation has an integration named %s of the same type, which %sthis service made for %s: two of one displayName.",
		named(f.Name, f.ID), whose, diagnosis.Printable(id)))
	found.Diagnosis.Remedy.Who, found.Diagnosis.Remedy.Steps = diagnosis.WhoUploader, steps
	return found
}

// severalHandmade leaves it to a person which of several they meant.
func severalHandmade(all []ddoe.Integration) error {
	var names []string
	for _, one := range all {
		names = append(names, named(one.Name, one.ID))
	}
	found := refuse(diagnosis.CodeDDOEIntegrationForeign, diagnosis.WithDetail("The organisation has several integrations that may have been made by the form: %s.", strings.Join(names, ", ")))
	found.Diagnosis.Remedy.Steps = []string{"Rename or delete all but one of them on the platform; then PUT the spec again, which takes over that one."}
	return found
}
