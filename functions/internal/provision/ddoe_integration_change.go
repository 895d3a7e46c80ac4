package provision

import (
	"context"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// keepIntegration brings an integration of ours to the spec. Its options cannot be read: what was sent last is known by
// its hash.
func (r *run) keepIntegration(ctx context.Context, is ddoe.Integration) (string, error) {
	d := r.current()
	_, hash, err := r.platform.offer.values(d)
	if err != nil {
		return "", err
	}
	kind := r.platform.offer.kind
	known := d.Status.DDOE.IntegrationID == is.ID && d.Status.DDOE.OptionsHash == hash && (is.Type == kind || is.Type == "")
	if !known || !r.marked(d, is) || len(r.integrationDifferences(is)) > 0 {
		return r.updateIntegration(ctx, is, "updated", !known)
	}
	r.did("ddoeIntegration", platformName(d), "unchanged", "", r.now(), nil)
	return r.claimIntegration(ctx, is.ID, hash, false)
}

// marked reports whether an integration of ours needs no mark: it has ours, or the document knows its id and nobody else's mark
// is shown. The mark serves to find what a lost answer kept the document from knowing; a platform that does not show it is not
// sent it for ever.
func (s *Service) marked(d integration.Document, is ddoe.Integration) bool {
	mark, shown := is.Metadata[metaOwner]
	return mark.Value == s.platformOwner(d.ID) || !shown && d.Status.DDOE.IntegrationID == is.ID
}

// updateIntegration sends what is not known to be there: name, mark, and the options where they are asked for.
func (r *run) updateIntegration(ctx context.Context, is ddoe.Integration, outcome string, options bool) (string, error) {
	d := r.current()
	values, hash, err := r.platform.offer.values(d)
	if err != nil {
		return "", err
	}
	patch := ddoe.IntegrationPatch{ID: is.ID}
	if is.Name != "" && is.Name != platformName(d) {
		patch.Name = platformName(d)
	}
	if options {
		if err := r.learnPlatform(ctx, func(st *integration.DDOEStatus) { st.OptionsHash = "" }); err != nil {
			return "", err
		}
		patch.Type, patch.Options = r.platform.offer.kind, values
	}
	if !r.marked(d, is) {
		patch.Metadata = []ddoe.MetadataEntry{{ID: is.Metadata[metaOwner].ID, Name: metaOwner, Value: r.platformOwner(d.ID)}}
	}
	shown, err := r.patchIntegration(ctx, patch, outcome)
	if err != nil {
		return "", err
	}
	r.platform.sent = r.platform.sent || options
	if left := r.integrationDifferences(shown); len(left) > 0 {
		return "", refuse(diagnosis.CodeDDOEIntegrationUnchanged, diagnosis.WithDetail("The platform was asked to change the integration %s and did not: %s.",
			named(is.Name, is.ID), inWords(left)))
	}
	return r.claimIntegration(ctx, is.ID, hash, false)
}

// patchIntegration changes an integration and returns what the platform then shows of it: in its answer, or where that is
// not as it should be, when it is asked.
func (r *run) patchIntegration(ctx context.Context, patch ddoe.IntegrationPatch, outcome string) (ddoe.Integration, error) {
	d := r.current()
	var request string
	began := r.now()
	shown, err := ask(ctx, r, policy.PlatformIntegrationUpdate, func(ctx context.Context) (ddoe.Integration, error) {
		var shown ddoe.Integration
		var err error
		shown, request, err = r.client().UpdateIntegration(ctx, d.Spec.DDOE.OrganizationID, patch)
		return shown, err
	})
	r.did("ddoeIntegration", platformName(d), outcome, request, began, err)
	if err != nil || !slices.ContainsFunc(r.compareIntegration(shown), comparison.open) {
		return shown, err
	}
	return ask(ctx, r, policy.PlatformIntegrationGet, func(ctx context.Context) (ddoe.Integration, error) {
		return r.client().GetIntegration(ctx, patch.ID)
	})
}

// compareIntegration holds an integration against what it is to be, member by member: the options, which are not shown, and the
// mark aside.
func (r *run) compareIntegration(is ddoe.Integration) []comparison {
	return []comparison{
		{memberName, platformName(r.current()), said(is.Name)},
		{memberType, r.platform.offer.kind, said(is.Type)},
	}
}

// integrationDifferences are the members that are known to be something else than they are to be.
func (r *run) integrationDifferences(is ddoe.Integration) []comparison {
	return slices.DeleteFunc(r.compareIntegration(is), func(c comparison) bool { return !c.differs() })
}

// resend sends the options again, once in an attempt: somebody may have changed them, which cannot be seen.
func (r *run) resend(ctx context.Context, integrationID string) error {
	r.platform.sent = true
	found, err := r.lookForOurs(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(found.ours, func(one ddoe.Integration) bool { return one.ID == integrationID })
	if i < 0 {
		return nil
	}
	_, err = r.updateIntegration(ctx, found.ours[i], "updated", true)
	return err
}
