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

// Apply makes the driver or changes it in place. A driver cannot change its project: it is made anew, and the old one is an
// unwanted item.
func (k drivers) Apply(ctx context.Context, v resource.View, items []resource.Item) []resource.Result {
	return k.each(items, func(item resource.Item) resource.Result {
		is, _ := item.Data.(ddoe.Driver)
		switch {
		case item.State != resource.Missing && item.State != resource.Different,
			statusOf(v.Document).Mode == modeManual: // the integration is left to a person, and the driver with it
			return resource.Result{Outcome: resource.OutcomeUnchanged}
		case targetIntegration(v.Document) == "" || statusOf(v.Document).IntegrationType == "":
			return resource.Result{Err: later(policy.DriverCreate, diagnosis.CodeDDOEIntegrationMissing, "The driver waits for its integration.")}
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
			all, err := k.see(ctx, []string{body.Metadata.System.ProjectID}, "").ours("", func(one ddoe.Driver) bool {
				return one.Metadata.ManagedBy == k.mark(d)
			})
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
	return resource.Result{Outcome: resource.OutcomeCreated, RequestID: made.RequestID, Learn: claimDriver(d, made.ID, sending(d, body.Type))}
}

// wanted is the driver that the spec asks for. Its type follows the account's kind.
func (k drivers) wanted(ctx context.Context, d integration.Document) (ddoe.NewDriver, error) {
	driver := d.Spec.DDOE.Driver
	n := ddoe.NewDriver{Name: driver.Name, Type: ddoe.DriverBlob, IntegrationID: targetIntegration(d), IntegrationType: statusOf(d).IntegrationType,
		AllowExternalDelete: driver.AllowExternalDelete,
		Payload:             ddoe.Payload{ContainerName: d.Spec.Storage[0].Container, Path: driver.Path}}
	n.Metadata.System.ProjectID, n.Metadata.System.OrgID, n.Metadata.ManagedBy = driver.ProjectID, d.Spec.DDOE.OrganizationID, k.mark(d)
	isHierarchical, err := ask(ctx, k.Platform, policy.AccountGet, func(ctx context.Context) (bool, error) {
		return k.IsHierarchical(ctx, d.Spec.Storage[0].ResourceID)
	})
	if err != nil {
		return n, err
	}
	if isHierarchical {
		n.Type = ddoe.DriverDatalake
	}
	n.Creator, err = ask(ctx, k.Platform, policy.PlatformUserGet, k.Client.Me)
	return n, err
}

// sending is what the record keeps of a driver that is as the spec says.
func sending(d integration.Document, kind string) integration.DDOEDriver {
	driver := *d.Spec.DDOE.Driver
	return integration.DDOEDriver{ProjectID: driver.ProjectID, Name: driver.Name, Type: kind, IntegrationID: targetIntegration(d),
		IntegrationType: statusOf(d).IntegrationType, Container: &d.Spec.Storage[0].Container, Path: &driver.Path, AllowExternalDelete: &driver.AllowExternalDelete}
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
	differences := k.differences(d, is, false)
	after := sending(d, cmp.Or(is.Type, sent(d).Type))
	patch, doubt := patchOf(differences, after)
	if patch == (ddoe.DriverPatch{}) {
		return resource.Result{Outcome: resource.OutcomeUnchanged, Learn: claimDriver(d, is.ID, after)}
	}
	shown, err := ask(ctx, k.Platform, policy.DriverUpdate, func(ctx context.Context) (ddoe.Driver, error) {
		return k.Client.UpdateDriver(ctx, is.ID, patch)
	})
	if err == nil {
		known := d
		claimDriver(d, is.ID, after)(&known.Status)
		if left := k.differences(known, shown, false); len(left) > 0 {
			err = refuse(diagnosis.CodeDDOEDriverUnchanged, diagnosis.WithDetail("The platform was asked to change the driver %s, and shows its %s as %q, not as %q.",
				named(shown.Object), left[0].Member, left[0].Have, left[0].Want))
		}
	}
	if err != nil { // what was sent may have been taken: which driver it is stays known, and the members that were sent are in doubt
		return resource.Result{RequestID: shown.RequestID, Err: err, Learn: claimDriver(d, is.ID, doubt)}
	}
	return resource.Result{Outcome: resource.OutcomeUpdated, RequestID: shown.RequestID, Learn: claimDriver(d, is.ID, after)}
}

// patchOf is the change that the differences ask for, and what is certain of the driver while it is not known whether it was made.
func patchOf(differences []diagnosis.MemberDifference, after integration.DDOEDriver) (p ddoe.DriverPatch, doubt integration.DDOEDriver) {
	doubt = after
	for _, one := range differences {
		switch one.Member {
		case memberIntegration:
			p.Payload.IntegrationID, p.Payload.IntegrationType, doubt.IntegrationID = after.IntegrationID, after.IntegrationType, ""
		case memberName:
			p.Name, doubt.Name = after.Name, ""
		case memberContainer:
			p.Payload.ContainerName, doubt.Container = after.Container, nil
		case memberPath:
			p.Payload.Path, doubt.Path = after.Path, nil
		case memberExternalDelete:
			p.Payload.AllowExternalDelete, doubt.AllowExternalDelete = after.AllowExternalDelete, nil
		}
	}
	return p, doubt
}

// Remove removes drivers of ours. The datasets on them lose their storage.
func (k drivers) Remove(ctx context.Context, v resource.View, items []resource.Item) []resource.Result {
	return k.each(items, func(item resource.Item) resource.Result {
		r := resource.Result{Err: item.Err}
		if one, _ := item.Data.(ddoe.Driver); item.Err == nil {
			projects := projectsOf(v.Document)
			if one.ProjectID != "" {
				projects = []string{one.ProjectID}
			}
			r = remove(ctx, k.Platform, policy.DriverDelete, item.Key,
				func(ctx context.Context) (string, error) { return k.Client.DeleteDriver(ctx, item.Key) },
				func(ctx context.Context) seen[ddoe.Driver] { return k.see(ctx, projects, item.Key) })
		}
		if r.Step = nameDriver + "-delete"; r.Err == nil {
			r.Learn = learn(func(st *integration.DDOEStatus) {
				if st.DriverID == item.Key {
					st.DriverID, st.Driver = "", nil
					unvalidated(st)
				}
			})
		}
		return r
	})
}
