package provision

import (
	"context"
	"errors"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// platformIntegration makes the integration, or brings the one that is ours to the spec, and returns its id.
func (r *run) platformIntegration(ctx context.Context) (string, error) {
	d := r.current()
	found, err := r.lookForOurs(ctx)
	if err != nil {
		return "", err
	}
	if found.handmade, err = r.madeForUs(ctx, found.handmade); err != nil {
		return "", err
	}
	id := ""
	switch ours := len(found.ours) > 0; {
	case found.foreign != nil && (!ours && len(found.handmade) == 0 || ours && found.ours[0].Name != platformName(d)):
		return "", r.foreignIntegration(*found.foreign)
	case ours:
		id, err = r.keepIntegration(ctx, found.ours[0])
	case len(found.handmade) > 1:
		return "", severalHandmade(found.handmade)
	case len(found.handmade) == 1:
		id, err = r.updateIntegration(ctx, found.handmade[0], "adopted", true)
	default:
		if err = r.createSettled(); err == nil {
			id, err = r.makeIntegration(ctx)
		}
	}
	if err != nil {
		return "", err
	}
	// A request that was given up may have been carried out after all.
	for _, stray := range found.ours {
		if stray.ID != id {
			if err := r.removeStray(ctx, d.Spec.DDOE.OrganizationID, stray.ID); err != nil {
				return "", err
			}
		}
	}
	return id, nil
}

// makeIntegration creates the integration. The API has no idempotency key: after an answer that cannot be believed the
// list is asked whether there is one of ours, now and in later attempts, before it is sent again.
func (r *run) makeIntegration(ctx context.Context) (string, error) {
	d := r.current()
	values, hash, err := r.platform.offer.values(d)
	if err != nil {
		return "", err
	}
	if err := r.noteCreate(ctx, func(*integration.DDOEStatus) {}); err != nil {
		return "", err
	}
	var request string
	began := r.now()
	made, answer := ask(ctx, r, policy.PlatformIntegrationCreate, func(ctx context.Context) (ddoe.Integration, error) {
		var made ddoe.Integration
		var err error
		made, request, err = r.client().CreateIntegration(ctx, d.Spec.DDOE.OrganizationID, ddoe.NewIntegration{
			Name: platformName(d), Type: r.platform.offer.kind, Options: values, Metadata: map[string]string{metaOwner: r.platformOwner(d.ID)}})
		return made, err
	})
	err = answer
	if isToFind(answer) && ctx.Err() == nil {
		if made, err = r.findMade(ctx, answer); err == nil { // this request made it, or an earlier one, perhaps with other options
			return r.updateIntegration(ctx, made, "adopted", true)
		}
	}
	r.did("ddoeIntegration", platformName(d), "created", request, began, err)
	if createRefused(answer, err) {
		saved := r.learnPlatform(ctx, func(st *integration.DDOEStatus) { st.CreateSentAt = nil })
		return "", worst(err, saved)
	}
	if err != nil {
		return "", err
	}
	r.platform.sent = true
	return r.claimIntegration(ctx, made.ID, hash, true)
}

// findMade looks for the integration that a create may have made, or has met. That the platform knows a name which its
// list does not show is believed when it says so again: what is new may appear there late.
func (r *run) findMade(ctx context.Context, cause error) (ddoe.Integration, error) {
	found, err := r.lookAtPlatform(ctx, r.current().Spec.DDOE.OrganizationID, r.platform.offer.kind)
	switch {
	case err != nil:
		return ddoe.Integration{}, err
	case len(found.ours) > 0:
		return found.ours[0], nil
	case found.foreign != nil:
		return ddoe.Integration{}, r.foreignIntegration(*found.foreign)
	}
	return ddoe.Integration{}, r.nameTaken(cause, found)
}

// nameTaken is a refused create of which the list shows nothing that is ours. The platform has no code for a name that is
// taken: either it has a status of its own, or the list shows who has the name. Who may still free it, or does not show
// yet, is waited for; what a later attempt meets again is final.
func (r *run) nameTaken(cause error, found listed) error {
	var f *policy.Failure
	var refused *ddoe.Error
	if !errors.As(cause, &f) || f.Decision.Action != policy.Exists || !errors.As(cause, &refused) {
		return policy.Absent(cause)
	}
	taken := found.named || policy.ActionOf(policy.Absent(cause)) == policy.RetryLater
	if taken {
		words := diagnosis.New(diagnosis.CodeDDOEIntegrationNameTaken, diagnosis.WithEvidence(*operation.Describe(cause, false).Evidence))
		f.Err = &diagnosis.Error{Diagnosis: quoting(words, refused), Err: refused}
	}
	switch {
	case len(found.handmade) > 0 || taken && r.cmd.Attempt == 0:
		return f.With(policy.RetryLater)
	case taken:
		return f.With(policy.GiveUp)
	}
	return policy.Absent(cause)
}

// claimIntegration makes the integration the document's. The document decides between two that were made at once: the
// first one claimed stays, and who lost removes what it has just made. A tombstone takes none.
func (r *run) claimIntegration(ctx context.Context, id, hash string, own bool) (string, error) {
	organizationID := r.current().Spec.DDOE.OrganizationID
	claimed := func(st *integration.DDOEStatus) {
		if st.IntegrationID != id || st.OptionsHash != hash {
			unvalidated(st)
		}
		if st.IntegrationID != id { // else the create was a driver's
			st.CreateSentAt = nil
		}
		st.Mode, st.IntegrationID, st.OptionsHash, st.IntegrationType = modeAPI, id, hash, r.platform.offer.kind
		st.Form, st.Since, st.Why, st.Next, st.Diagnosis = nil, nil, "", "", nil
	}
	st := platformOf(r.current())
	if claimed(&st); st == platformOf(r.current()) {
		return id, nil
	}
	err := r.learnPlatform(ctx, func(st *integration.DDOEStatus) {
		if st.OrganizationID != "" && (st.IntegrationID == "" || st.IntegrationID == id) {
			claimed(st)
		}
	})
	winner := platformOf(r.current()).IntegrationID
	if winner != id && own {
		if err := r.removeStray(ctx, organizationID, id); err != nil {
			return "", err
		}
	}
	return winner, err
}

// removeStray removes an integration of ours that is not the document's, unless drivers use it.
func (r *run) removeStray(ctx context.Context, organizationID, id string) error {
	n, err := r.countDrivers(ctx, id)
	if ddoe.IsNotFound(err) {
		return nil
	}
	if err != nil || n > 0 {
		return err
	}
	return r.deleteIntegration(ctx, organizationID, id)
}

func (r *run) deleteIntegration(ctx context.Context, organizationID, id string) error {
	var request string
	began := r.now()
	removed, err := ask(ctx, r, policy.PlatformIntegrationDelete, func(ctx context.Context) (bool, error) {
		var removed bool
		var err error
		removed, request, err = r.client().DeleteIntegration(ctx, organizationID, id)
		return removed, err
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
