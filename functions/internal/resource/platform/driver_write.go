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
		case targetIntegration(v.Document) == "" || statusOf(v.Document).IntegrationType == "":
			return resource.Result{Err: later(policy.DriverCreate, diagnosis.CodeDDOEIntegrationMissing,
				"The driver waits for its integration.")}
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
	made, isFound, err := create(ctx, k.Platform, policy.DriverCreate,
		func(ctx context.Context) (ddoe.Driver, error) { return k.Client.CreateDriver(ctx, body) },
		func(ctx context.Context) (*ddoe.Driver, error) {
			all, err := k.sort(d).see(ctx, "", place{d.Spec.DDOE.Driver.ProjectID, true}).ours("")
			return first(all), err
		})
	switch {
	case err != nil:
		return resource.Result{RequestID: made.RequestID, Err: err}
	case isFound: // an earlier request may have made it, with other members
		r := k.change(ctx, d, made)
		r.Outcome = resource.OutcomeCreated
		return r
	}
	return resource.Result{Outcome: resource.OutcomeCreated, RequestID: made.RequestID,
		Learn: claimDriver(d, made.ID, sending(d, body.Type))}
}

// wanted is the driver that the spec asks for. Its type follows the account's kind.
func (k drivers) wanted(ctx context.Context, d integration.Document) (ddoe.NewDriver, error) {
	driver := d.Spec.DDOE.Driver
	n := ddoe.NewDriver{Name: driver.Name, Type: ddoe.DriverBlob, IntegrationID: targetIntegration(d),
		IntegrationType: statusOf(d).IntegrationType, AllowExternalDelete: driver.AllowExternalDelete,
		Payload: ddoe.Payload{ContainerName: d.Spec.Storage[0].Container, Path: driver.Path}}
	n.Metadata.System.ProjectID, n.Metadata.System.OrgID = driver.ProjectID, d.Spec.DDOE.OrganizationID
	n.Metadata.ManagedBy = k.mark(d)
	isHierarchical, err := ask(ctx, k.Platform, policy.AccountGet, k.IsHierarchical, d.Spec.Storage[0].ResourceID)
	if err != nil {
		return n, err
	}
	if isHierarchical {
		n.Type = ddoe.DriverDatalake
	}
	n.Creator, err = ask(ctx, k.Platform, policy.PlatformUserGet, k.Client.User, "me")
	return n, err
}

// sending is what the record keeps of a driver that is as the spec says.
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

// change sends what is not as the spec says, and looks whether the platform's answer shows it.
func (k drivers) change(ctx context.Context, d integration.Document, is ddoe.Driver) resource.Result {
	after := sending(d, cmp.Or(is.Type, sent(d).Type))
	patch, doubt := patchOf(differences(d, is), after)
	r := resource.Result{Outcome: resource.OutcomeUnchanged, Learn: claimDriver(d, is.ID, after)}
	if patch.Name == "" && len(patch.Payload) == 0 {
		return r
	}
	shown, err := ask(ctx, k.Platform, policy.DriverUpdate, func(ctx context.Context, id string) (ddoe.Driver, error) {
		return k.Client.UpdateDriver(ctx, id, patch)
	}, is.ID)
	if err == nil {
		known := d
		r.Learn(&known.Status)
		if left := differences(known, shown); len(left) > 0 {
			const says = "The platform was asked to change the driver %s, and shows its %s as %q, not as %q."
			l := left[0]
			err = refuse(diagnosis.CodeDDOEDriverUnchanged, says, named(shown.Object), l.Member, l.Have, l.Want)
		}
	}
	r.Outcome, r.RequestID, r.Err = resource.OutcomeUpdated, shown.RequestID, err
	if err != nil { // what was sent may have been taken: which driver it is stays known, and those members are in doubt
		r.Learn = claimDriver(d, is.ID, doubt)
	}
	return r
}

// patchOf is the change that differences ask for, and what is certain of the driver while it is not known whether it
// was made.
func patchOf(differing []diagnosis.MemberDifference, after integration.DDOEDriver) (p ddoe.DriverPatch,
	doubt integration.DDOEDriver) {
	p.Payload, doubt = map[string]any{}, after
	for _, one := range differing {
		switch one.Member {
		case memberIntegration:
			p.Payload["integrationId"], p.Payload["integrationType"] = after.IntegrationID, after.IntegrationType
			doubt.IntegrationID = ""
		case memberName:
			p.Name, doubt.Name = after.Name, ""
		case memberContainer:
			p.Payload["containerName"], doubt.Container = after.Container, nil
		case memberPath:
			p.Payload["path"], doubt.Path = after.Path, nil
		case memberExternalDelete:
			p.Payload["allowExternalDelete"], doubt.AllowExternalDelete = after.AllowExternalDelete, nil
		}
	}
	return p, doubt
}

// Remove removes drivers of ours. The datasets on them lose their storage.
func (k drivers) Remove(ctx context.Context, v resource.View, items []resource.Item) []resource.Result {
	return k.each(items, func(item resource.Item) resource.Result {
		projects := projectsOf(v.Document, false)
		if one, _ := item.Data.(ddoe.Driver); one.ProjectID != "" {
			projects = []place{{one.ProjectID, true}}
		}
		return remove(ctx, k.Platform, policy.DriverDelete, item, k.Client.DeleteDriver,
			func(ctx context.Context) seen[ddoe.Driver] { return k.sort(v.Document).see(ctx, item.Key, projects...) },
			func(st *integration.DDOEStatus) {
				if st.DriverID == item.Key {
					st.DriverID, st.Driver = "", nil
					unvalidated(st)
				}
			})
	})
}
