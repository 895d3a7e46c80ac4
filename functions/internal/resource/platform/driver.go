package platform

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// drivers is the kind of the platform's driver.
type drivers struct{ *Platform }

func (drivers) Name() string { return resource.Driver }

// Needs names trust and rights as well: the platform may test the storage when a driver is made.
func (drivers) Needs() []string {
	return []string{resource.PlatformIntegration, resource.FederatedCredential, resource.RoleAssignment}
}
func (drivers) Outlives() []string { return nil }

// isWanted reports whether the spec asks for a driver that we make.
func (k drivers) isWanted(v resource.View) bool {
	return k.isAsked(v) && v.Document.Spec.DDOE.Driver != nil
}

// sent is what the platform was sent last.
func sent(d integration.Document) integration.DDOEDriver {
	if st := statusOf(d); st.Driver != nil {
		return *st.Driver
	}
	return integration.DDOEDriver{}
}

// Observe reads what there is. It is the preflight of the project as well.
func (k drivers) Observe(ctx context.Context, v resource.View) []resource.Item {
	d, id := v.Document, statusOf(v.Document).DriverID
	switch {
	case k.Client == nil && id != "" && (v.Ending || !d.Spec.DDOE.IsWanted() || d.Spec.DDOE.Driver == nil):
		return []resource.Item{failed(unwanted(nameDriver, id), apiOff())}
	case k.Client == nil, isTooEarly(v) && !k.isWanted(v):
		return nil
	case isTooEarly(v):
		return []resource.Item{newItem(nameDriver, "", d.Spec.DDOE.Driver.Name)}
	}
	target := ""
	if k.isWanted(v) {
		target = d.Spec.DDOE.Driver.ProjectID
	}
	var s snapshot[ddoe.Driver]
	var refusal error
	together(func() { s = k.collection(d).see(ctx, id, projectsOf(d, target != "")...) },
		func() { refusal = k.checkProject(ctx, d, target) })
	if refusal != nil { // nothing of ours goes for a project in which nothing can be made
		err := at("/ddoe/driver/projectId", target, refusal)
		return []resource.Item{failed(newItem(nameDriver, "", d.Spec.DDOE.Driver.Name), err)}
	}
	kept, going, err := k.collection(d).choose(s, id, target)
	isGone := target == "" && err == nil && id != "" && (len(going) == 0 || going[0].ID != id)
	if isGone { // Remove writes it down
		going = append(going, ddoe.Driver{Object: ddoe.Object{ID: id}})
	}
	var items []resource.Item
	for _, one := range going {
		item := unwanted(nameDriver, one.ID)
		item.Code, item.Data = diagnosis.CodeDDOEDriverUnwanted, one
		item.IsAbsent = isGone && one.ID == id // both reads say so
		if target != "" && one.ID != id {
			item.Code = diagnosis.CodeDDOEDriverExtra
		}
		items = append(items, item)
	}
	switch {
	case target != "":
		items = append(items, k.wantedItem(d, s, kept, err))
	case err != nil:
		items = append(items, failed(unwanted(nameDriver, id), err))
	}
	return items
}

// projectsOf are the projects in which a driver of ours is, or may be.
func projectsOf(d integration.Document, isWanted bool) []place {
	wanted := ""
	if d.Spec.DDOE.IsWanted() && d.Spec.DDOE.Driver != nil {
		wanted = d.Spec.DDOE.Driver.ProjectID
	}
	return placesOf(wanted, sent(d).ProjectID, isWanted, statusOf(d).DriverID != "")
}

// checkProject refuses a project in which no driver of the spec can be made. It is read where one is to be made in it,
// or the integration is to move to another organisation. Any other failure to read it decides nothing: the write will.
func (k drivers) checkProject(ctx context.Context, d integration.Document, project string) error {
	if project == "" || isLeft(d) || isStaying(d) && isSameID(statusOf(d).OrganizationID, d.Spec.DDOE.OrganizationID) {
		return nil
	}
	organization := d.Spec.DDOE.OrganizationID
	owner, err := ask(ctx, k.Platform, policy.PlatformProjectGet, k.Client.ProjectOrganization, project)
	switch {
	case isUnknown(err):
		return err
	case owner != "" && !isSameID(owner, organization):
		const text = "The project belongs to the organisation %s, and the spec asks for the integration in %s."
		return refuse(diagnosis.CodeDDOEProjectElsewhere, text, label(owner, ""), organization)
	}
	return nil
}

// sort is how drivers are read.
func (k drivers) collection(d integration.Document) collection[ddoe.Driver] {
	return collection[ddoe.Driver]{k.Platform, policy.DriverList, policy.DriverGet, k.Client.DriversIn,
		k.Client.GetDriver, func(one ddoe.Driver) bool { return one.Metadata.ManagedBy == k.mark(d) },
		func(one ddoe.Driver) string { return cmp.Or(one.ProjectID, sent(d).ProjectID) }}
}

// isLeft reports whether a person is to make the integration, and the driver with it.
func isLeft(d integration.Document) bool {
	st := statusOf(d)
	return st.Mode == modeManual && st.IntegrationID == ""
}

// isStaying reports whether our driver stays in its project, and so on the record's integration until it is changed.
func isStaying(d integration.Document) bool {
	wanted := d.Spec.DDOE
	return statusOf(d).DriverID != "" && wanted.IsWanted() && wanted.Driver != nil &&
		isSameID(sent(d).ProjectID, wanted.Driver.ProjectID)
}

// wantedItem is the item of the wanted driver. err is why it cannot be told whether there is another of ours.
func (k drivers) wantedItem(d integration.Document, s snapshot[ddoe.Driver], is *ddoe.Driver,
	err error) resource.Item {
	wanted, st := d.Spec.DDOE.Driver, statusOf(d)
	item := newItem(nameDriver, "", wanted.Name)
	if is != nil {
		item.Key, item.Data, item.State = is.ID, *is, resource.Unchanged
		if item.Differences = differences(d, *is); len(item.Differences) > 0 {
			item.State, item.Code = resource.Different, codeOf(item.Differences)
		}
		return item
	}
	theirs := slices.IndexFunc(s.listed, func(one ddoe.Driver) bool {
		return one.Name == wanted.Name && one.IntegrationID == targetIntegration(d) && one.IntegrationID != "" &&
			isSameID(one.ProjectID, wanted.ProjectID)
	})
	switch {
	case isLeft(d):
		item.State, item.Detail = resource.Manual, st.Why
	case err != nil:
		return failed(item, err)
	case theirs >= 0:
		item.State, item.Code = resource.Foreign, diagnosis.CodeDDOEDriverForeign
		item.Detail = "The integration has the driver " + label(s.listed[theirs].Name, "id "+s.listed[theirs].ID) +
			" in the same project, which this service did not make."
	default:
		item.Code = diagnosis.CodeDDOEDriverMissing
	}
	return item
}

// targetIntegration is the id of the integration that the driver is to be on; empty where that is known only once it
// is made.
func targetIntegration(d integration.Document) string {
	return cmp.Or(d.Spec.DDOE.IntegrationID, ownOf(d))
}

// The member of the record that names the driver, and those of a driver that can be changed, as the spec calls them.
const (
	memberID          = "driverId"
	memberIntegration = "integrationId"
	memberName        = "name"
	memberContainer   = "container"
	memberPath        = "path"
	memberDelete      = "allowExternalDelete"
)

// differences are the members that are not as wanted. What the platform leaves out is what it was sent last; what is
// not known at all differs.
func differences(d integration.Document, is ddoe.Driver) (all []diagnosis.MemberDifference) {
	want, last := sending(d, is.Type), sent(d)
	compare := func(member, want, have string) {
		if want != have {
			all = append(all, ours(member, want, have))
		}
	}
	if known := statusOf(d).DriverID; known != is.ID { // found by our mark: a create's answer was lost
		last = integration.DDOEDriver{}
		compare(memberID, is.ID, known)
	}
	target := cmp.Or(want.IntegrationID, "the one that is made for it")
	compare(memberIntegration, target, cmp.Or(is.IntegrationID, last.IntegrationID))
	compare(memberName, want.Name, cmp.Or(is.Name, last.Name))
	compare(memberContainer, said(want.Container), said(is.ContainerName, last.Container))
	compare(memberPath, said(want.Path), said(is.Path, last.Path))
	compare(memberDelete, said(want.AllowExternalDelete), said(is.AllowExternalDelete, last.AllowExternalDelete))
	return all
}

// said is the first value that was said. The platform may show a path with slashes around it.
func said[T any](values ...*T) string {
	for _, value := range values {
		if value != nil {
			return strings.Trim(fmt.Sprint(*value), "/")
		}
	}
	return "?" // which neither a container nor a path may be
}

// codeOf is what differences come to. The datasets on a driver are at home all the same where only its name or its
// right to delete has changed.
func codeOf(all []diagnosis.MemberDifference) diagnosis.Code {
	for _, d := range all {
		if d.Member != memberName && d.Member != memberDelete {
			return diagnosis.CodeDDOEDriverChanged
		}
	}
	return diagnosis.CodeDDOEDriverRenamed
}
