package provision

import (
	"context"
	"errors"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// listed is what an organisation's list holds.
type listed struct {
	// ours are the integrations that our document or their metadata says are ours; the document's comes first.
	ours []ddoe.Integration
	// foreign is another's integration of our name and type.
	foreign *ddoe.Integration
}

// lookAtPlatform lists the integrations of an organisation and sorts them.
func (r *run) lookAtPlatform(ctx context.Context, organizationID, kind string) (listed, error) {
	var all []ddoe.Integration
	err := r.askPlatform(ctx, opPlatformIntegrationList, func(ctx context.Context) error {
		var err error
		all, err = r.Platform.Client.ListIntegrations(ctx, organizationID)
		return err
	})
	return r.sorted(r.current(), kind, all), err
}

func (s *Service) sorted(d integration.Document, kind string, all []ddoe.Integration) listed {
	var found listed
	for i, one := range all {
		switch {
		case d.Status.DDOE != nil && one.ID == d.Status.DDOE.IntegrationID:
			found.ours = slices.Insert(found.ours, 0, one)
		case one.Metadata[metaOwner].Value == s.platformOwner(d.ID):
			found.ours = append(found.ours, one)
		case one.Name == platformName(d) && one.Type == kind:
			found.foreign = &all[i]
		}
	}
	return found
}

// platformIntegration makes the integration, or brings the one that is ours to the spec, and returns its id.
func (r *run) platformIntegration(ctx context.Context) (string, error) {
	d := r.current()
	found, err := r.lookAtPlatform(ctx, d.Spec.DDOE.OrganizationID, r.platform.offer.kind)
	if err != nil {
		return "", err
	}
	id, err := "", error(nil)
	switch {
	case len(found.ours) > 0:
		id, err = r.keepIntegration(ctx, found.ours[0])
	case found.foreign != nil:
		return "", foreignIntegration(*found.foreign)
	default:
		id, err = r.makeIntegration(ctx)
	}
	if err != nil {
		return "", err
	}
	// A request that was given up may have been carried out after all.
	for _, stray := range found.ours {
		if stray.ID != id {
			if err := r.removeStray(ctx, stray.ID); err != nil {
				return "", err
			}
		}
	}
	return id, nil
}

func foreignIntegration(f ddoe.Integration) error {
	return refuse("ddoe-integration-foreign", diagnosis.WithDetail("The organisation has an integration named %s (id %s) of the same type that this service did not make.",
		diagnosis.Printable(f.Name), diagnosis.Printable(f.ID)))
}

// makeIntegration creates the integration. The API has no idempotency key: after an answer that cannot be believed the
// list is asked whether there is one of ours.
func (r *run) makeIntegration(ctx context.Context) (string, error) {
	d := r.current()
	values, hash, err := r.platform.offer.values(d)
	if err != nil {
		return "", err
	}
	var made ddoe.Integration
	var request string
	began := r.now()
	outcome := "created"
	err = r.askPlatform(ctx, opPlatformIntegrationCreate, func(ctx context.Context) error {
		var err error
		made, request, err = r.Platform.Client.CreateIntegration(ctx, d.Spec.DDOE.OrganizationID, ddoe.NewIntegration{
			Name: platformName(d), Type: r.platform.offer.kind, Options: values, Metadata: map[string]string{metaOwner: r.platformOwner(d.ID)}})
		return err
	})
	if uncertain(err) && ctx.Err() == nil {
		outcome = "adopted"
		made, err = r.findMade(ctx, err)
	}
	r.did("ddoeIntegration", platformName(d), outcome, request, began, err)
	if err != nil {
		return "", err
	}
	r.platform.sent = true
	return r.claimIntegration(ctx, made.ID, hash, outcome == "created")
}

// findMade looks for the integration that a create may have made.
func (r *run) findMade(ctx context.Context, cause error) (ddoe.Integration, error) {
	found, err := r.lookAtPlatform(ctx, r.current().Spec.DDOE.OrganizationID, r.platform.offer.kind)
	switch {
	case err != nil:
		return ddoe.Integration{}, err
	case len(found.ours) > 0:
		return found.ours[0], nil
	case found.foreign != nil:
		return ddoe.Integration{}, foreignIntegration(*found.foreign)
	}
	var f *failure
	if errors.As(cause, &f) && f.reaction == readBack {
		f.reaction = duplicateReaction(f)
	}
	return ddoe.Integration{}, cause
}

// duplicateReaction is what to do where the platform knows a name that its list does not show: a conflict may be a matter
// of time, a bad request is believed.
func duplicateReaction(f *failure) reaction {
	if facts, ok := factsOf(f); ok && facts.status == 409 {
		return later
	}
	return fail
}

// claimIntegration makes the integration the document's. The document decides between two that were made at once: the
// first one claimed stays, and who lost removes what it has just made.
func (r *run) claimIntegration(ctx context.Context, id, hash string, own bool) (string, error) {
	before := r.current().Status.DDOE.IntegrationID
	err := r.learnPlatform(ctx, func(st *integration.DDOEStatus) {
		if st.IntegrationID == "" || st.IntegrationID == before || st.IntegrationID == id {
			st.IntegrationID, st.OptionsHash, st.IntegrationType = id, hash, r.platform.offer.kind
		}
	})
	winner := r.current().Status.DDOE.IntegrationID
	if winner != id && winner != "" && own {
		if err := r.removeStray(ctx, id); err != nil {
			return "", err
		}
	}
	return winner, err
}

// removeStray removes an integration of ours that is not the document's, unless drivers use it.
func (r *run) removeStray(ctx context.Context, id string) error {
	n, err := r.countDrivers(ctx, id)
	if err != nil || n > 0 {
		return err
	}
	return r.deleteIntegration(ctx, r.current().Spec.DDOE.OrganizationID, id)
}

// keepIntegration brings an integration of ours to the spec. Its options cannot be read: what was sent last is known by
// its hash.
func (r *run) keepIntegration(ctx context.Context, is ddoe.Integration) (string, error) {
	d := r.current()
	_, hash, err := r.platform.offer.values(d)
	if err != nil {
		return "", err
	}
	known := d.Status.DDOE.IntegrationID == is.ID && d.Status.DDOE.OptionsHash == hash && is.Type == r.platform.offer.kind
	marked := is.Metadata[metaOwner].Value == r.platformOwner(d.ID)
	if known && marked && is.Name == platformName(d) {
		r.did("ddoeIntegration", platformName(d), "unchanged", "", r.now(), nil)
		if d.Status.DDOE.IntegrationType != is.Type {
			return is.ID, r.learnPlatform(ctx, func(st *integration.DDOEStatus) { st.IntegrationType = is.Type })
		}
		return is.ID, nil
	}
	return r.updateIntegration(ctx, is, !known)
}

// updateIntegration sends name and mark, and the options where they are not known to be there.
func (r *run) updateIntegration(ctx context.Context, is ddoe.Integration, options bool) (string, error) {
	d := r.current()
	values, hash, err := r.platform.offer.values(d)
	if err != nil {
		return "", err
	}
	patch := ddoe.IntegrationPatch{ID: is.ID, Name: platformName(d)}
	if options {
		patch.Type, patch.Options = r.platform.offer.kind, values
	}
	if mark := is.Metadata[metaOwner]; mark.Value != r.platformOwner(d.ID) {
		patch.Metadata = []ddoe.MetadataEntry{{ID: mark.ID, Name: metaOwner, Value: r.platformOwner(d.ID)}}
	}
	var request string
	began := r.now()
	err = r.askPlatform(ctx, opPlatformIntegrationUpdate, func(ctx context.Context) error {
		var err error
		_, request, err = r.Platform.Client.UpdateIntegration(ctx, d.Spec.DDOE.OrganizationID, patch)
		return err
	})
	r.did("ddoeIntegration", platformName(d), "updated", request, began, err)
	if err != nil {
		return "", err
	}
	r.platform.sent = r.platform.sent || options
	return r.claimIntegration(ctx, is.ID, hash, false)
}

// resend sends the options again, once in an attempt: somebody may have changed them, which cannot be seen.
func (r *run) resend(ctx context.Context, integrationID string) error {
	r.platform.sent = true
	d := r.current()
	found, err := r.lookAtPlatform(ctx, d.Spec.DDOE.OrganizationID, r.platform.offer.kind)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(found.ours, func(one ddoe.Integration) bool { return one.ID == integrationID })
	if i < 0 {
		return nil
	}
	_, err = r.updateIntegration(ctx, found.ours[i], true)
	return err
}

func (r *run) deleteIntegration(ctx context.Context, organizationID, id string) error {
	var removed bool
	var request string
	began := r.now()
	err := r.askPlatform(ctx, opPlatformIntegrationDelete, func(ctx context.Context) error {
		var err error
		removed, request, err = r.Platform.Client.DeleteIntegration(ctx, organizationID, id)
		return err
	})
	r.did("ddoeIntegration-delete", id, deletion(removed), request, began, err)
	return err
}

func deletion(removed bool) string {
	if removed {
		return "deleted"
	}
	return "absent"
}
