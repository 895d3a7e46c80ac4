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

// Apply makes the driver or changes it in place. A driver cannot change its project: it is made anew, and the old one
// is an unwanted item.
func (k drivers) Apply(ctx context.Context, v resource.View, items []resource.Item) []resource.Result {
	return k.each(items, func(item resource.Item) resource.Result {
		is, _ := item.Data.(ddoe.Driver)
		switch {
		case statusOf(v.Document).Mode == modeManual: // the integration is left to a person, and the driver with it
			return resource.Result{Outcome: resource.OutcomeUnchanged}
		case is.ID == "":
			return k.make(ctx, v.Document)
		}
		return k.change(ctx, v.Document, is)
	})
}

// make creates the driver, with our mark.
func (k drivers) make(ctx context.Context, d integration.Document) resource.Result {
	body, err := k.wanted(ctx, d)
	if err != nil {
		return resource.Result{Err: err}
	}
	return k.collection(d).create(ctx, policy.DriverCreate, body.Metadata.System.ProjectID,
		func(ctx context.Context, _ string) (ddoe.Driver, error) { return k.Client.CreateDriver(ctx, body) },
		func(snapshot[ddoe.Driver]) error { return nil }, // the names of drivers are not unique
		func(one ddoe.Driver) resource.Result { return k.change(ctx, d, one) },
		func(one ddoe.Driver) func(*integration.Status) { return claimDriver(d, one.ID, sending(d, body.Type)) })
}

// wanted is the driver that the spec asks for. Its type follows the account's kind.
func (k drivers) wanted(ctx context.Context, d integration.Document) (ddoe.NewDriver, error) {
	driver := d.Spec.DDOE.Driver
	n := ddoe.NewDriver{Name: driver.Name, Type: ddoe.DriverBlob, IntegrationID: targetIntegration(d),
		IntegrationType: statusOf(d).IntegrationType, AllowExternalDelete: driver.AllowExternalDelete,
		Payload: ddoe.Payload{ContainerName: d.Spec.Storage[0].Container, Path: driver.Path}}
	n.Metadata.System.ProjectID, n.Metadata.System.OrgID = driver.ProjectID, d.Spec.DDOE.OrganizationID
	n.Metadata.ManagedBy = k.mark(d)
	isHierarchical, err := ask(ctx, k.Platform, policy.AccountGet, k.Accounts.IsHierarchical,
		d.Spec.Storage[0].ResourceID)
	if err != nil {
		return n, err
	}
	if isHierarchical {
		n.Type = ddoe.DriverDatalake
	}
	n.Creator, err = ask(ctx, k.Platform, policy.PlatformUserGet, k.Client.User, "me")
	return n, err
}

// sending is what the record keeps of a driver that is as the spec states.
func sending(d integration.Document, kind string) integration.DDOEDriver {
	driver, container := *d.Spec.DDOE.Driver, d.Spec.Storage[0].Container
	return integration.DDOEDriver{ProjectID: driver.ProjectID, Name: driver.Name, Type: kind, Container: &container,
		IntegrationID: targetIntegration(d), IntegrationType: statusOf(d).IntegrationType, Path: &driver.Path,
		AllowExternalDelete: &driver.AllowExternalDelete}
}

// claimDriver writes down a driver of ours; see claim.
func claimDriver(d integration.Document, id string, sent integration.DDOEDriver) func(*integration.Status) {
	before := statusOf(d).DriverID
	return learn(func(st *integration.DDOEStatus) {
		if st.DriverID == before || st.DriverID == id {
			unvalidated(st)
			st.DriverID, st.Driver = id, &sent
		}
	})
}

// change sends what is not as the spec states, and looks whether the platform's answer shows it. What was sent without
// success may have been taken: which driver it is stays known, and its members are in doubt.
func (k drivers) change(ctx context.Context, d integration.Document, is ddoe.Driver) resource.Result {
	after := sending(d, cmp.Or(is.Type, sent(d).Type))
	patch, learn := patchOf(differences(d, is), after), claimDriver(d, is.ID, after)
	if patch.Name == "" && len(patch.Payload) == 0 {
		return resource.Result{Outcome: resource.OutcomeUnchanged, Learn: learn}
	}
	visible, err := ask(ctx, k.Platform, policy.DriverUpdate,
		func(ctx context.Context, id string) (ddoe.Driver, error) {
			return k.Client.UpdateDriver(ctx, id, patch)
		}, is.ID)
	if err == nil {
		changed := d
		learn(&changed.Status)
		if lost := differences(changed, visible); len(lost) > 0 {
			const text = "The platform was asked to change the driver %s, and shows its %s as %q, not as %q."
			l := lost[0]
			err = refuse(diagnosis.CodeDDOEDriverUnchanged, text, label(visible.Name, "id "+visible.ID), l.Member,
				l.Have, l.Want)
		}
	}
	if err != nil {
		learn = claimDriver(d, is.ID, integration.DDOEDriver{ProjectID: after.ProjectID, Type: after.Type})
	}
	return resource.Result{Outcome: resource.OutcomeUpdated, RequestID: visible.RequestID, Learn: learn, Err: err}
}

// patchOf is the change that differences ask for.
func patchOf(differing []diagnosis.MemberDifference, after integration.DDOEDriver) ddoe.DriverPatch {
	payload := map[string]any{}
	patch := ddoe.DriverPatch{Payload: payload}
	for _, one := range differing {
		switch one.Member {
		case memberIntegration:
			payload["integrationId"], payload["integrationType"] = after.IntegrationID, after.IntegrationType
		case memberName:
			patch.Name = after.Name
		case memberContainer:
			payload["containerName"] = after.Container
		case memberPath:
			payload["path"] = after.Path
		case memberDelete:
			payload["allowExternalDelete"] = after.AllowExternalDelete
		}
	}
	return patch
}

// Remove removes drivers of ours. The datasets on them lose their storage.
func (k drivers) Remove(ctx context.Context, v resource.View, items []resource.Item) []resource.Result {
	return k.each(items, func(item resource.Item) resource.Result {
		projects := projectsOf(v.Document, false)
		if one, _ := item.Data.(ddoe.Driver); one.ProjectID != "" {
			projects = []place{{one.ProjectID, true}}
		}
		return k.collection(v.Document).remove(ctx, policy.DriverDelete, item, projects, k.Client.DeleteDriver,
			func(st *integration.DDOEStatus) {
				if st.DriverID == item.Key {
					st.DriverID, st.Driver = "", nil
					unvalidated(st)
				}
			})
	})
}
