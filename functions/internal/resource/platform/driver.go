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

func (drivers) Name() string { return KindDriver }

// Needs names trust and rights as well: the platform may test the storage when a driver is made.
func (drivers) Needs() []string {
	return []string{resource.PlatformIntegration, resource.FederatedCredential, resource.RoleAssignment}
}
func (drivers) Outlives() []string { return nil }

// driverSight is what one look at the platform's drivers has read. The list is that of the projects in which something of ours
// may be.
type driverSight struct {
	seen[ddoe.Driver]
	// isAlone says that the integration on which the driver was put is not shown any more.
	isAlone  bool
	owner    string // the organisation of the spec's project
	ownerErr error
	refusal  *diagnosis.Diagnosis // why the integration is left to a person, and the driver with it
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

// projectsOf are the projects in which a driver of ours is, or may be.
func projectsOf(d integration.Document) []string {
	var all []string
	if id := sent(d).ProjectID; id != "" {
		all = append(all, id)
	}
	if d.Spec.DDOE.IsWanted() && d.Spec.DDOE.Driver != nil && !slices.ContainsFunc(all, func(id string) bool { return sameID(id, d.Spec.DDOE.Driver.ProjectID) }) {
		all = append(all, d.Spec.DDOE.Driver.ProjectID)
	}
	return all
}

// Observe reads what there is. It is the preflight of the project as well.
func (k drivers) Observe(ctx context.Context, v resource.View) []resource.Item {
	d, id := v.Document, statusOf(v.Document).DriverID
	if k.Client == nil {
		isWanted := !v.Ending && d.Spec.DDOE.IsWanted() && d.Spec.DDOE.Driver != nil
		switch {
		case isWanted:
			return []resource.Item{{Name: nameDriver, Key: id, Target: d.Spec.DDOE.Driver.Name, State: resource.Manual, Detail: k.why(d)}}
		case id != "":
			return []resource.Item{{Name: nameDriver, Key: id, Target: id, State: resource.Unwanted, Err: refuse(diagnosis.CodeDDOEAPIOff)}}
		}
		return nil
	}
	s := k.look(ctx, v)
	all, err := s.ours(id, func(one ddoe.Driver) bool { return one.Metadata.ManagedBy == k.mark(d) })
	if id != "" && err == nil && (len(all) == 0 || all[0].ID != id) && !k.wants(v) { // gone, which Remove writes down
		all = append(all, ddoe.Driver{Object: ddoe.Object{ID: id}})
	}
	var kept *ddoe.Driver
	var items []resource.Item
	for _, one := range all {
		item := resource.Item{Name: nameDriver, Key: one.ID, Target: one.ID, State: resource.Unwanted, Code: diagnosis.CodeDDOEDriverUnwanted, Data: one}
		switch {
		case kept == nil && k.wants(v) && sameID(cmp.Or(one.ProjectID, sent(d).ProjectID), d.Spec.DDOE.Driver.ProjectID):
			kept = &one
			continue
		case k.wants(v) && one.ID != id:
			item.Code = diagnosis.CodeDDOEDriverExtra
		}
		items = append(items, item)
	}
	switch {
	case k.wants(v):
		return append(items, k.wantedItem(d, s, kept, err))
	case err != nil && len(all) == 0 && (id != "" || !isUnknown(err) || !isUnknown(k.look(ctx, v).listErr)):
		return append(items, resource.Item{Name: nameDriver, Key: id, Target: cmp.Or(id, sent(d).ProjectID), State: resource.Unwanted, Err: err})
	}
	return items // where the record knows of none, two reads that are shown none have to do
}

// look reads in one hop what there is to know of the platform's drivers.
func (k drivers) look(ctx context.Context, v resource.View) driverSight {
	d := v.Document
	var s driverSight
	parts := []func(){func() { s.seen = k.see(ctx, projectsOf(d), statusOf(d).DriverID) }}
	if k.wants(v) {
		parts = append(parts, k.preflight(ctx, d, &s)...)
	}
	together(parts...)
	return s
}

// see reads the lists of projects and, by its id, a driver that need not be in them. Where an entry does not say its project, it is
// the one that was asked for.
func (k drivers) see(ctx context.Context, projects []string, id string) (s seen[ddoe.Driver]) {
	lists, errs := make([][]ddoe.Driver, len(projects)), make([]error, len(projects))
	var parts []func()
	for i, project := range projects {
		parts = append(parts, func() {
			lists[i], errs[i] = ask(ctx, k.Platform, policy.DriverList, func(ctx context.Context) ([]ddoe.Driver, error) {
				return k.Client.ListDrivers(ctx, project, "")
			})
			for n := range lists[i] {
				lists[i][n].ProjectID = cmp.Or(lists[i][n].ProjectID, project)
			}
		})
	}
	if id != "" {
		parts = append(parts, func() {
			s.one, s.oneErr = ask(ctx, k.Platform, policy.DriverGet, func(ctx context.Context) (ddoe.Driver, error) { return k.Client.GetDriver(ctx, id) })
		})
	}
	together(parts...)
	s.listed, s.listErr = slices.Concat(lists...), cmp.Or(errs...)
	return s
}

// preflight are the reads that tell beforehand whether the driver can be made.
func (k drivers) preflight(ctx context.Context, d integration.Document, s *driverSight) []func() {
	st, wanted := statusOf(d), d.Spec.DDOE
	var parts []func()
	if st.DriverID == "" || !sameID(sent(d).ProjectID, wanted.Driver.ProjectID) {
		parts = append(parts, func() {
			s.owner, s.ownerErr = ask(ctx, k.Platform, policy.PlatformProjectGet, func(ctx context.Context) (string, error) {
				return k.Client.ProjectOrganization(ctx, wanted.Driver.ProjectID)
			})
		})
	}
	switch {
	case st.IntegrationID != "":
		parts = append(parts, func() {
			isThere, err := resource.Find(ctx, k.Requests, policy.PlatformIntegrationGet, diagnosis.Context{}, true, func(ctx context.Context) error {
				_, err := k.Client.GetIntegration(ctx, st.IntegrationID)
				return err
			})
			s.isAlone = !isThere && err == nil
		})
	case wanted.IntegrationID == "":
		parts = append(parts, func() {
			types, err := k.types(ctx, wanted.OrganizationID)
			if err == nil { // else the integration's item says it
				_, s.refusal = k.choose(d, types)
			}
		})
	}
	return parts
}

// wantedItem is the item of the driver that the spec asks for.
func (k drivers) wantedItem(d integration.Document, s driverSight, is *ddoe.Driver, err error) resource.Item {
	wanted := d.Spec.DDOE.Driver
	item := resource.Item{Name: nameDriver, Target: wanted.Name}
	if is != nil {
		item.Key, item.Data, item.State = is.ID, *is, resource.Unchanged
		item.Differences = k.differences(d, *is, s.isAlone)
		if len(item.Differences) > 0 {
			item.State, item.Code = resource.Different, codeOf(item.Differences)
		}
		return item
	}
	isForeign := func(one ddoe.Driver) bool {
		return one.Name == wanted.Name && one.IntegrationID == targetIntegration(d) && one.IntegrationID != "" && sameID(one.ProjectID, wanted.ProjectID)
	}
	i := slices.IndexFunc(s.listed, isForeign)
	switch {
	case s.refusal != nil:
		item.State, item.Detail = resource.Manual, s.refusal.Detail
	case isUnknown(s.ownerErr):
		item.Err = at(s.ownerErr, pointerProject, wanted.ProjectID)
	case s.owner != "" && !sameID(s.owner, d.Spec.DDOE.OrganizationID):
		item.Err = elsewhere(*d.Spec.DDOE, s.owner)
	case err != nil:
		item.Err = err
	case i >= 0:
		item.State, item.Code = resource.Foreign, diagnosis.CodeDDOEDriverForeign
		item.Detail = "The integration has the driver " + named(s.listed[i].Object) + " in the same project, which this service did not make."
	default: // a project that cannot be read for another reason decides nothing: the write will tell
		item.State, item.Code = resource.Missing, diagnosis.CodeDDOEDriverMissing
	}
	return item
}

// targetIntegration is the id of the integration that the driver is to be on; empty where that is known only once it is made.
func targetIntegration(d integration.Document) string {
	st, wanted := statusOf(d), d.Spec.DDOE
	switch {
	case wanted.IntegrationID != "":
		return wanted.IntegrationID
	case st.Adopted, st.OrganizationID != "" && !sameID(st.OrganizationID, wanted.OrganizationID):
		return ""
	}
	return st.IntegrationID
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

// differences are the members that are not as wanted. What the platform leaves out is what it was sent last; what is not
// known at all differs.
func (k drivers) differences(d integration.Document, is ddoe.Driver, isAlone bool) []diagnosis.MemberDifference {
	last, wanted := sent(d), d.Spec.DDOE.Driver
	var all []diagnosis.MemberDifference
	if known := statusOf(d).DriverID; known != is.ID { // found by our mark: a create's answer was lost
		last = integration.DDOEDriver{}
		all = append(all, ours(memberID, is.ID, known))
	}
	target := targetIntegration(d)
	if isAlone && target == statusOf(d).IntegrationID {
		target = ""
	}
	compare := func(member, want string, shown, sent *string) {
		switch have := cmp.Or(shown, sent); {
		case have == nil:
			all = append(all, ours(member, want, "not known"))
		case *have != want:
			all = append(all, ours(member, want, *have))
		}
	}
	compare(memberIntegration, cmp.Or(target, "the integration that is made for it"), said(is.IntegrationID), said(last.IntegrationID))
	compare(memberName, wanted.Name, said(is.Name), said(last.Name))
	compare(memberContainer, d.Spec.Storage[0].Container, is.ContainerName, last.Container)
	compare(memberPath, wanted.Path, folder(is.Path), folder(last.Path))
	compare(memberExternalDelete, strconv.FormatBool(wanted.AllowExternalDelete), boolean(is.AllowExternalDelete), boolean(last.AllowExternalDelete))
	return all
}

// codeOf is what differences come to. The datasets on a driver are at home all the same where only its name or its right to delete
// has changed.
func codeOf(all []diagnosis.MemberDifference) diagnosis.Code {
	isHarmless := func(d diagnosis.MemberDifference) bool {
		return d.Member == memberName || d.Member == memberExternalDelete
	}
	if slices.ContainsFunc(all, func(d diagnosis.MemberDifference) bool { return !isHarmless(d) }) {
		return diagnosis.CodeDDOEDriverChanged
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

// folder is a path without the slashes around it, with which the platform may show it.
func folder(path *string) *string {
	if path == nil {
		return nil
	}
	bare := strings.Trim(*path, "/")
	return &bare
}

func boolean(b *bool) *string {
	if b == nil {
		return nil
	}
	text := strconv.FormatBool(*b)
	return &text
}
