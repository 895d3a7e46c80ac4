package platform

import (
	"cmp"
	"context"
	"slices"
	"strconv"
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

// driverSight is what one look at the platform's drivers has read.
type driverSight struct {
	seen[ddoe.Driver]        // in the projects in which something of ours may be
	owner             string // the organisation of the spec's project
	ownerErr          error
}

// wants reports whether the spec asks for a driver that we make.
func (k drivers) wants(v resource.View) bool {
	w := k.wayOf(v)
	return (w == wayMade || w == wayUsed) && v.Document.Spec.DDOE.Driver != nil
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
	case k.Client == nil, isTooEarly(v) && !k.wants(v):
		return nil
	case isTooEarly(v):
		return []resource.Item{newItem(nameDriver, "", d.Spec.DDOE.Driver.Name)}
	}
	s := k.look(ctx, v)
	if err := s.refusal(d); err != nil { // nothing of ours goes for a project in which nothing can be made
		return []resource.Item{failed(newItem(nameDriver, "", d.Spec.DDOE.Driver.Name), err)}
	}
	all, err := s.ours(id)
	var kept *ddoe.Driver
	var items []resource.Item
	for _, one := range all {
		if kept == nil && k.wants(v) && sameID(cmp.Or(one.ProjectID, sent(d).ProjectID), d.Spec.DDOE.Driver.ProjectID) {
			kept = &one
			continue
		}
		item := unwanted(nameDriver, one.ID)
		item.Code, item.Data = diagnosis.CodeDDOEDriverUnwanted, one
		if k.wants(v) && one.ID != id {
			item.Code = diagnosis.CodeDDOEDriverExtra
		}
		items = append(items, item)
	}
	switch {
	case k.wants(v):
		items = append(items, k.wantedItem(d, s, kept, err))
	case err != nil:
		items = append(items, failed(unwanted(nameDriver, id), err))
	case id != "" && (len(all) == 0 || all[0].ID != id): // gone, which Remove writes down
		items = append(items, unwanted(nameDriver, id))
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

// look reads in one hop what there is to know. The project is read where a driver is to be made in it, or the
// integration is to move to another organisation.
func (k drivers) look(ctx context.Context, v resource.View) (s driverSight) {
	d, st := v.Document, statusOf(v.Document)
	parts := []func(){func() { s.seen = k.sort(d).see(ctx, st.DriverID, projectsOf(d, k.wants(v))...) }}
	if k.wants(v) && !isLeft(d) && (!staysOn(d) || !sameID(st.OrganizationID, d.Spec.DDOE.OrganizationID)) {
		parts = append(parts, func() {
			s.owner, s.ownerErr = ask(ctx, k.Platform, policy.PlatformProjectGet, k.Client.ProjectOrganization,
				d.Spec.DDOE.Driver.ProjectID)
		})
	}
	together(parts...)
	return s
}

// refusal is why no driver can be made in the spec's project; nil where nothing is known to be in the way. A project
// that cannot be read for another reason decides nothing: the write will tell.
func (s driverSight) refusal(d integration.Document) error {
	switch {
	case isUnknown(s.ownerErr):
		return at(s.ownerErr, pointerProject, d.Spec.DDOE.Driver.ProjectID)
	case s.owner != "" && !sameID(s.owner, d.Spec.DDOE.OrganizationID):
		const says = "The project belongs to the organisation %s, and the spec asks for the integration in %s."
		err := refuse(diagnosis.CodeDDOEProjectElsewhere, says, diagnosis.Printable(s.owner), d.Spec.DDOE.OrganizationID)
		return at(err, pointerProject, d.Spec.DDOE.Driver.ProjectID)
	}
	return nil
}

// sort is how drivers are read.
func (k drivers) sort(d integration.Document) sort[ddoe.Driver] {
	return sort[ddoe.Driver]{k.Platform, policy.DriverList, policy.DriverGet, k.Client.DriversIn, k.Client.GetDriver,
		func(one ddoe.Driver) bool { return one.Metadata.ManagedBy == k.mark(d) }}
}

// isLeft reports whether a person is to make the integration, and the driver with it.
func isLeft(d integration.Document) bool {
	st := statusOf(d)
	return st.Mode == modeManual && st.IntegrationID == ""
}

// staysOn reports whether our driver stays in its project, and so on the record's integration until it is changed.
func staysOn(d integration.Document) bool {
	wanted := d.Spec.DDOE
	return statusOf(d).DriverID != "" && wanted.IsWanted() && wanted.Driver != nil &&
		sameID(sent(d).ProjectID, wanted.Driver.ProjectID)
}

// wantedItem is the item of the driver that the spec asks for. err is why it cannot be told whether there is another
// of ours.
func (k drivers) wantedItem(d integration.Document, s driverSight, is *ddoe.Driver, err error) resource.Item {
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
			sameID(one.ProjectID, wanted.ProjectID)
	})
	switch {
	case isLeft(d):
		item.State, item.Detail = resource.Manual, st.Why
	case err != nil:
		return failed(item, err)
	case theirs >= 0:
		item.State, item.Code = resource.Foreign, diagnosis.CodeDDOEDriverForeign
		item.Detail = "The integration has the driver " + named(s.listed[theirs].Object) +
			" in the same project, which this service did not make."
	default:
		item.Code = diagnosis.CodeDDOEDriverMissing
	}
	return item
}

// targetIntegration is the id of the integration that the driver is to be on; empty where that is known only once it
// is made.
func targetIntegration(d integration.Document) string {
	st, wanted := statusOf(d), d.Spec.DDOE
	if wanted.IntegrationID != "" {
		return wanted.IntegrationID
	}
	if st.OrganizationID != "" && !sameID(st.OrganizationID, wanted.OrganizationID) {
		return ""
	}
	return ownOf(d)
}

// The member of the record that names the driver, and those of a driver that can be changed, as the spec calls them.
const (
	memberID             = "driverId"
	memberIntegration    = "integrationId"
	memberName           = "name"
	memberContainer      = "container"
	memberPath           = "path"
	memberExternalDelete = "allowExternalDelete"
)

// differences are the members that are not as wanted. What the platform leaves out is what it was sent last; what is
// not known at all differs.
func differences(d integration.Document, is ddoe.Driver) []diagnosis.MemberDifference {
	last, wanted := sent(d), d.Spec.DDOE.Driver
	var all []diagnosis.MemberDifference
	if known := statusOf(d).DriverID; known != is.ID { // found by our mark: a create's answer was lost
		last = integration.DDOEDriver{}
		all = append(all, ours(memberID, is.ID, known))
	}
	compare := func(member, want string, shown, sent *string) {
		switch have := cmp.Or(shown, sent); {
		case have == nil:
			all = append(all, ours(member, want, "not known"))
		case strings.Trim(*have, "/") != want: // the platform may show a path with slashes around it
			all = append(all, ours(member, want, *have))
		}
	}
	target := cmp.Or(targetIntegration(d), "the one that is made for it")
	compare(memberIntegration, target, said(is.IntegrationID), said(last.IntegrationID))
	compare(memberName, wanted.Name, said(is.Name), said(last.Name))
	compare(memberContainer, d.Spec.Storage[0].Container, is.ContainerName, last.Container)
	compare(memberPath, wanted.Path, is.Path, last.Path)
	compare(memberExternalDelete, *boolean(&wanted.AllowExternalDelete), boolean(is.AllowExternalDelete),
		boolean(last.AllowExternalDelete))
	return all
}

// codeOf is what differences come to. The datasets on a driver are at home all the same where only its name or its
// right to delete has changed.
func codeOf(all []diagnosis.MemberDifference) diagnosis.Code {
	for _, d := range all {
		if d.Member != memberName && d.Member != memberExternalDelete {
			return diagnosis.CodeDDOEDriverChanged
		}
	}
	return diagnosis.CodeDDOEDriverRenamed
}

// said is a text that is empty where it has not been said.
func said(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func boolean(b *bool) *string {
	if b == nil {
		return nil
	}
	return said(strconv.FormatBool(*b))
}
