package platform

import (
	"cmp"
	"context"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Apply makes the integration, changes it, or writes down the one that the spec names.
func (k integrations) Apply(ctx context.Context, v resource.View, items []resource.Item) []resource.Result {
	return k.each(items, func(item resource.Item) resource.Result {
		f, _ := item.Data.(found)
		switch {
		case f.obstacle != "":
			return resource.Result{Err: later(policy.PlatformIntegrationDelete, diagnosis.CodeDDOEIntegrationUnwanted,
				"%s", f.obstacle)}
		case f.offer == nil && f.is == nil: // it was not looked at
			return resource.Result{Err: later(policy.PlatformIntegrationCreate, diagnosis.CodeDDOECreateUnsettled,
				"The integration waits for the identity.")}
		case f.offer == nil:
			return resource.Result{Outcome: resource.OutcomeAdopted, Learn: learn(func(st *integration.DDOEStatus) {
				know(st, *f.is, f.is.Type, "", f.organization)
				st.Adopted = true
			})}
		case f.is == nil:
			return k.make(ctx, v.Document, f)
		}
		return k.update(ctx, v.Document, f, *f.is)
	})
}

// make creates the integration, with our mark. What is there under our name and type already is a person's.
func (k integrations) make(ctx context.Context, d integration.Document, f found) resource.Result {
	values, hash, err := f.offer.values(d)
	if err != nil {
		return resource.Result{Err: err}
	}
	body := ddoe.NewIntegration{Name: d.Spec.DisplayName, Type: f.offer.kind, Options: values,
		Metadata: map[string]string{metaOwner: k.mark(d)}}
	return k.collection(d).create(ctx, policy.PlatformIntegrationCreate, f.organization,
		func(ctx context.Context, organization string) (ddoe.Integration, error) {
			return k.Client.CreateIntegration(ctx, organization, body)
		},
		func(s snapshot[ddoe.Integration]) error {
			if theirs := k.foreign(d, s, f.offer.kind); theirs != nil {
				return refuse(diagnosis.CodeDDOEIntegrationForeign, "%s", handmade(*theirs))
			}
			return nil
		},
		func(one ddoe.Integration) resource.Result { return k.update(ctx, d, f, one) },
		func(one ddoe.Integration) func(*integration.Status) { return claim(d, f, one, hash) })
}

// claim writes down an integration of ours in the place of the one that was known before. Where another run has
// written down its own meanwhile, that one stays: ours bears the mark, and the next run removes it.
func claim(d integration.Document, f found, is ddoe.Integration, hash string) func(*integration.Status) {
	before := statusOf(d).IntegrationID
	return learn(func(st *integration.DDOEStatus) {
		if st.IntegrationID == before || st.IntegrationID == is.ID {
			know(st, is, f.offer.kind, hash, f.organization)
		}
	})
}

// know writes down the integration, and that nothing is left to a person.
func know(st *integration.DDOEStatus, is ddoe.Integration, kind, hash, organization string) {
	if st.IntegrationID != is.ID || st.OptionsHash != hash {
		unvalidated(st)
	}
	st.Mode, st.OrganizationID, st.IntegrationID, st.IntegrationType = modeAPI, organization, is.ID, kind
	st.OptionsHash, st.Adopted = hash, false
	st.Form, st.Why, st.Next, st.Diagnosis = nil, "", "", nil
}

// update sends what is not as the spec comes to: the name, and type and options together.
func (k integrations) update(ctx context.Context, d integration.Document, f found,
	is ddoe.Integration) resource.Result {
	values, hash, err := f.offer.values(d)
	if err != nil {
		return resource.Result{Err: err}
	}
	patch := ddoe.IntegrationPatch{IntegrationID: is.ID}
	if is.Name != d.Spec.DisplayName {
		patch.Name = d.Spec.DisplayName
	}
	if st := statusOf(d); st.IntegrationID != is.ID || st.OptionsHash != hash || is.Type != f.offer.kind {
		patch.Credentials = &ddoe.Credentials{Type: f.offer.kind, Options: values}
	}
	if patch.Name == "" && patch.Credentials == nil {
		return resource.Result{Outcome: resource.OutcomeUnchanged, Learn: claim(d, f, is, hash)}
	}
	changed, err := ask(ctx, k.Platform, policy.PlatformIntegrationUpdate,
		func(ctx context.Context, organization string) (ddoe.Integration, error) {
			return k.Client.UpdateIntegration(ctx, organization, patch)
		}, f.organization)
	r := resource.Result{Outcome: resource.OutcomeUpdated, RequestID: changed.RequestID, Err: err}
	r.Learn = claim(d, f, is, hash)
	if err == nil && (changed.Name != d.Spec.DisplayName || changed.Type != f.offer.kind) {
		const text = "The platform was asked to change the integration %s and shows it with the type %s."
		kind := label(changed.Type, "")
		r.Err = refuse(diagnosis.CodeDDOEIntegrationUnchanged, text, label(changed.Name, "id "+changed.ID), kind)
	}
	if r.Err != nil { // what was sent may have been taken: which one it is stays known, and its options are not
		r.Learn = claim(d, f, is, "")
	}
	return r
}

// Remove removes integrations of ours. One that others use stays.
func (k integrations) Remove(ctx context.Context, v resource.View, items []resource.Item) []resource.Result {
	return k.each(items, func(item resource.Item) resource.Result {
		f, _ := item.Data.(found)
		if item.Blocks { // it was looked at while our driver went: by now only drivers of others count
			if count, _, err := k.usersOf(ctx, v.Document, item.Key); err != nil || count > 0 {
				return resource.Result{Step: nameIntegration + "-delete",
					Err: cmp.Or(err, error(refuse(item.Code, "%s", item.Detail)))}
			}
		}
		return k.collection(v.Document).remove(ctx, policy.PlatformIntegrationDelete, item,
			[]place{{f.organization, true}},
			func(ctx context.Context, id string) (string, error) {
				return k.Client.DeleteIntegration(ctx, f.organization, id)
			},
			func(st *integration.DDOEStatus) {
				if st.IntegrationID == item.Key { // another one of ours may still be in its organisation
					kept := integration.DDOEStatus{OrganizationID: st.OrganizationID}
					kept.DriverID, kept.Driver = st.DriverID, st.Driver
					*st = kept
				}
			})
	})
}
