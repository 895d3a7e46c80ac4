package platform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// integrations is the kind of the platform's integration.
type integrations struct{ *Platform }

func (integrations) Name() string       { return KindIntegration }
func (integrations) Needs() []string    { return []string{resource.Identity} } // the options name it
func (integrations) Outlives() []string { return []string{KindDriver} }

// found is what Observe hands on to Apply and Remove.
type found struct {
	offer        *offer
	is           *ddoe.Integration // nil for none
	organization string            // in which it is, or is to be
	isUsed       bool              // the spec names it, or has named it: it is not ours
}

// sight is what one look at the platform's integrations has read. What was not asked for is zero.
type sight struct {
	home     seen[ddoe.Integration] // of the organisation in which something of ours may be
	target   seen[ddoe.Integration] // of the one that the spec asks for
	types    []ddoe.IntegrationType
	typesErr error
	role     string // of the key's user; empty where it cannot be read: the write will tell
	usage    usage  // of the integration of ours that the record knows
}

// look reads in one hop what there is to know of the platform's integrations.
func (k integrations) look(ctx context.Context, v resource.View, w way) sight {
	d, st := v.Document, statusOf(v.Document)
	home, target := organizationOf(d), ""
	if w == wayMade || w == wayUsed {
		target = d.Spec.DDOE.OrganizationID
	}
	isMoved := target != "" && !sameID(home, target)
	var s sight
	var parts []func()
	if home != "" {
		known := st.IntegrationID
		if w == wayUsed && !isMoved {
			known = d.Spec.DDOE.IntegrationID
		}
		parts = append(parts, func() { s.home = k.see(ctx, home, known) })
	}
	if isMoved {
		parts = append(parts, func() { s.target = k.see(ctx, target, d.Spec.DDOE.IntegrationID) })
	}
	if w == wayMade {
		parts = append(parts,
			func() { s.types, s.typesErr = k.types(ctx, target) },
			func() {
				s.role, _ = ask(ctx, k.Platform, policy.PlatformUserGet, func(ctx context.Context) (string, error) { return k.Client.Role(ctx, target) })
			})
	}
	if own := ownOf(d); own != "" && (w != wayMade || isMoved) {
		parts = append(parts, func() { s.usage = k.usageOf(ctx, d, own) })
	}
	together(parts...)
	if !isMoved {
		s.target = s.home
	}
	return s
}

// see reads the list of an organisation and, by its id, an integration that need not be in the list.
func (k integrations) see(ctx context.Context, organization, id string) (s seen[ddoe.Integration]) {
	together(
		func() {
			s.listed, s.listErr = ask(ctx, k.Platform, policy.PlatformIntegrationList, func(ctx context.Context) ([]ddoe.Integration, error) {
				return k.Client.ListIntegrations(ctx, organization)
			})
		},
		func() {
			if id != "" {
				s.one, s.oneErr = ask(ctx, k.Platform, policy.PlatformIntegrationGet, func(ctx context.Context) (ddoe.Integration, error) {
					return k.Client.GetIntegration(ctx, id)
				})
			}
		})
	return s
}

func (p *Platform) types(ctx context.Context, organization string) ([]ddoe.IntegrationType, error) {
	return ask(ctx, p, policy.PlatformTypesList, func(ctx context.Context) ([]ddoe.IntegrationType, error) {
		return p.Client.AvailableIntegrations(ctx, organization)
	})
}

// ownOf is the integration of ours that the record knows; empty for none.
func ownOf(d integration.Document) string {
	if st := statusOf(d); !st.Adopted {
		return st.IntegrationID
	}
	return ""
}

func (k integrations) isMarked(d integration.Document) func(ddoe.Integration) bool {
	return func(one ddoe.Integration) bool { return one.Metadata[metaOwner] == k.mark(d) }
}

// Observe reads what there is. It is the preflight as well: it says what the platform would refuse.
func (k integrations) Observe(ctx context.Context, v resource.View) []resource.Item {
	d, w := v.Document, k.wayOf(v)
	switch {
	case k.Client == nil:
		return k.withoutAPI(v)
	case w == wayMade && isStranded(d):
		return []resource.Item{{Name: nameIntegration, Target: d.Spec.DisplayName, Key: ownOf(d), Err: elsewhere(*d.Spec.DDOE, statusOf(d).OrganizationID)}}
	}
	s := k.look(ctx, v, w)
	switch w {
	case wayMade:
		return k.observeMade(ctx, v, s)
	case wayUsed:
		return append(k.observeUnwanted(ctx, v, s, d.Spec.DDOE.IntegrationID), k.observeUsed(d, s))
	}
	unwanted := k.observeUnwanted(ctx, v, s, "")
	if w == wayManual {
		return append(unwanted, manualItem(d, "", k.why(d), len(unwanted) == 0))
	}
	return append(unwanted, leftForm(d)...)
}

// withoutAPI is what there is to say where the API cannot be asked.
func (k integrations) withoutAPI(v resource.View) []resource.Item {
	d := v.Document
	isWanted := d.Spec.DDOE.IsWanted() && !v.Ending
	switch own := ownOf(d); {
	case own != "" && isWanted:
		return []resource.Item{manualItem(d, diagnosis.CodeDDOEAPIOff, k.why(d), false)}
	case own != "":
		return []resource.Item{{Name: nameIntegration, Key: own, Target: own, State: resource.Unwanted, Err: refuse(diagnosis.CodeDDOEAPIOff)}}
	case v.Ending:
		return leftForm(d)
	}
	return []resource.Item{manualItem(d, "", k.why(d), false)}
}

// staysOn reports whether our driver stays in its project, and so on the record's integration until it is changed.
func staysOn(d integration.Document) bool {
	st, wanted := statusOf(d), d.Spec.DDOE
	return st.DriverID != "" && wanted.IsWanted() && wanted.Driver != nil && sameID(sent(d).ProjectID, wanted.Driver.ProjectID)
}

// isStranded reports whether the spec names another organisation, but keeps the driver in its project, which is in the old
// one: nothing of that can be made, and nothing must be removed for it.
func isStranded(d integration.Document) bool {
	st := statusOf(d)
	return st.OrganizationID != "" && !sameID(st.OrganizationID, d.Spec.DDOE.OrganizationID) && staysOn(d)
}

// observeMade compares what is ours with what the spec asks for, in the organisation that it names.
func (k integrations) observeMade(ctx context.Context, v resource.View, s sight) []resource.Item {
	d, own := v.Document, ownOf(v.Document)
	var items []resource.Item
	if !sameID(organizationOf(d), d.Spec.DDOE.OrganizationID) {
		items, own = k.observeUnwanted(ctx, v, s, ""), ""
	}
	ours, err := s.target.ours(own, k.isMarked(d))
	if len(ours) == 0 {
		return append(items, k.madeItem(d, s, nil, err))
	}
	for _, stray := range ours[1:] { // what a create has made after all whose answer was lost; it stays where it is used
		item := k.unwantedItem(stray, d.Spec.DDOE.OrganizationID, k.usageOf(ctx, d, stray.ID))
		if item.Blocks {
			item.Blocks, item.State = false, resource.Extra
		}
		item.Code = diagnosis.CodeDDOEIntegrationExtra
		items = append(items, item)
	}
	return append(items, k.madeItem(d, s, &ours[0], nil))
}

// madeItem is the item of the integration that we make. err is why it cannot be told whether there is one of ours.
func (k integrations) madeItem(d integration.Document, s sight, is *ddoe.Integration, err error) resource.Item {
	item := resource.Item{Name: nameIntegration, Target: d.Spec.DisplayName}
	if is != nil {
		item.Key = is.ID
	}
	if s.typesErr != nil {
		item.Err = at(s.typesErr, pointerOrganization, d.Spec.DDOE.OrganizationID)
		return item
	}
	offered, refusal := k.choose(d, s.types)
	if refusal != nil {
		return manualItem(d, refusal.Code, refusal.Detail, false)
	}
	item.Data = found{offer: offered, is: is, organization: d.Spec.DDOE.OrganizationID}
	foreign, isLeft := k.foreign(d, s.target.listed, offered.kind), statusOf(d).Form != nil
	switch {
	case is != nil:
		return k.compare(d, item, *is, offered)
	case err != nil:
		item.Err = err
	case foreign != nil && isLeft:
		return manualItem(d, diagnosis.CodeDDOEAPIUsable, handmade(*foreign), false)
	case foreign != nil:
		item.State, item.Code, item.Detail = resource.Foreign, diagnosis.CodeDDOEIntegrationForeign, handmade(*foreign)
	case slices.Contains([]string{"member", "worker"}, s.role):
		item.Err = at(refuse(diagnosis.CodeDDOEOrganizationRoleMissing, diagnosis.WithDetail("The user of DDOE_API_KEY has the role %s in the organisation. "+
			"Integrations need the role admin or owner.", s.role)), pointerOrganization, d.Spec.DDOE.OrganizationID)
	case isLeft:
		item.State, item.Code = resource.Missing, diagnosis.CodeDDOEAPIUsable
	default:
		item.State, item.Code = resource.Missing, diagnosis.CodeDDOEIntegrationMissing
	}
	return item
}

// compare compares an integration of ours with the spec. Its options cannot be read back: what was sent last is known by its
// hash.
func (k integrations) compare(d integration.Document, item resource.Item, is ddoe.Integration, o *offer) resource.Item {
	st := statusOf(d)
	item.State = resource.Unchanged
	differ := func(differs bool, member, want, have string, code diagnosis.Code) {
		if differs {
			item.Differences = append(item.Differences, ours(member, want, have))
			item.State, item.Code = resource.Different, code
		}
	}
	_, hash, err := o.values(d)
	item.Err = err
	differ(st.Mode == modeManual, "mode", modeAPI, st.Mode, diagnosis.CodeDDOEAPIUsable)
	differ(st.IntegrationID != is.ID || st.OptionsHash != hash, "options", "what the spec and the settings come to", "what was sent last", diagnosis.CodeDDOEOptionsChanged)
	differ(is.Name != d.Spec.DisplayName, "name", d.Spec.DisplayName, is.Name, diagnosis.CodeDDOEIntegrationRenamed)
	differ(is.Type != o.kind, "type", o.kind, is.Type, diagnosis.CodeDDOEIntegrationChanged)
	return item
}

// ours is a member of ours that is not as it is wanted.
func ours(member, want, have string) diagnosis.MemberDifference {
	return diagnosis.MemberDifference{Member: member, Want: want, Have: diagnosis.Printable(have), Owner: diagnosis.OwnerOurs}
}

// foreign is an integration of our name and type that is not ours.
func (k integrations) foreign(d integration.Document, listed []ddoe.Integration, kind string) *ddoe.Integration {
	i := slices.IndexFunc(listed, func(one ddoe.Integration) bool {
		return one.Name == d.Spec.DisplayName && one.Type == kind && one.ID != ownOf(d) && !k.isMarked(d)(one)
	})
	if i < 0 {
		return nil
	}
	return &listed[i]
}

// handmade tells a person about an integration that may be the one that they have made.
func handmade(one ddoe.Integration) string {
	whose := "this service did not make"
	if mark := one.Metadata[metaOwner]; mark != "" {
		whose = "is marked " + diagnosis.Printable(mark)
	}
	return "The organisation has the integration " + named(one.Object) + " of the same type, which " + whose + "."
}

// observeUsed is the item of the integration that the spec names.
func (k integrations) observeUsed(d integration.Document, s sight) resource.Item {
	id, st := d.Spec.DDOE.IntegrationID, statusOf(d)
	item := resource.Item{Name: nameIntegration, Target: id, Key: id}
	is, err := s.target.find(id)
	switch {
	case err != nil:
		item.Err = at(err, pointerOrganization, d.Spec.DDOE.OrganizationID)
	case is == nil:
		item.State, item.Code = resource.Foreign, diagnosis.CodeDDOEIntegrationUnknown
	case st.IntegrationID == id && st.Adopted && st.Mode == modeAPI && st.IntegrationType == is.Type:
		item.State = resource.Unchanged
	default:
		item.State, item.Code = resource.Different, diagnosis.CodeDDOEIntegrationNotUsed
		item.Differences = []diagnosis.MemberDifference{ours("integrationId", id, st.IntegrationID)}
	}
	item.Data = found{is: is, organization: d.Spec.DDOE.OrganizationID, isUsed: true}
	return item
}

// observeUnwanted are the items of all that is ours, but for the one of an id, which the spec names.
func (k integrations) observeUnwanted(ctx context.Context, v resource.View, s sight, but string) []resource.Item {
	d, st, own := v.Document, statusOf(v.Document), ownOf(v.Document)
	home := organizationOf(d)
	if home == "" {
		return nil
	}
	var items []resource.Item
	if st.Adopted && st.IntegrationID != but {
		item := k.unwantedItem(ddoe.Integration{Object: ddoe.Object{ID: st.IntegrationID}}, home, usage{})
		item.Data, item.Code = found{is: &ddoe.Integration{Object: ddoe.Object{ID: st.IntegrationID}}, isUsed: true}, ""
		items = append(items, item)
	}
	if own == but {
		own = ""
	}
	all, err := s.home.ours(own, k.isMarked(d))
	switch {
	case err != nil && own == "" && isUnknown(err) && isUnknown(k.see(ctx, home, "").listErr):
		return items // where the record knows of none, two reads that are shown none have to do
	case err != nil && len(all) == 0:
		return append(items, resource.Item{Name: nameIntegration, Key: own, Target: home, State: resource.Unwanted, Err: err})
	case own != "" && (len(all) == 0 || all[0].ID != own): // gone, which Remove writes down
		all = append(all, ddoe.Integration{Object: ddoe.Object{ID: own}})
	}
	for _, one := range all {
		used := s.usage
		if one.ID != own {
			used = k.usageOf(ctx, d, one.ID)
		}
		item := k.unwantedItem(one, home, used)
		if one.ID == own && staysOn(d) && !v.Ending {
			item.State = resource.Extra // the driver leaves it first; the next run removes it
		}
		if one.ID != but {
			items = append(items, item)
		}
	}
	return items
}

// unwantedItem is an integration of ours that is to go. It blocks what would break others' drivers.
func (k integrations) unwantedItem(is ddoe.Integration, organization string, used usage) resource.Item {
	item := resource.Item{Name: nameIntegration, Key: is.ID, Target: is.ID, State: resource.Unwanted, Code: diagnosis.CodeDDOEIntegrationUnwanted,
		Err: used.err, Data: found{is: &is, organization: organization}}
	if used.count > 0 {
		item.Blocks, item.Code = true, diagnosis.CodeDDOEIntegrationInUse
		item.Detail = fmt.Sprintf("The integration %s is used by %d driver(s) that this service did not make: %s.", named(is.Object), used.count, used.words())
	}
	return item
}

// usage is who uses an integration besides us.
type usage struct {
	others []ddoe.Driver
	count  int // those included that the key's user cannot see
	err    error
}

// usageOf reads who uses an integration.
func (k integrations) usageOf(ctx context.Context, d integration.Document, id string) usage {
	var u usage
	var countErr, listErr error
	together(
		func() {
			u.count, countErr = ask(ctx, k.Platform, policy.DriverCount, func(ctx context.Context) (int, error) { return k.Client.CountDrivers(ctx, id) })
		},
		func() {
			u.others, listErr = ask(ctx, k.Platform, policy.DriverList, func(ctx context.Context) ([]ddoe.Driver, error) {
				return k.Client.ListDrivers(ctx, "", id)
			})
		})
	if ddoe.IsNotFound(countErr) {
		countErr = nil // who uses what is gone may not be told
	}
	if err := cmp.Or(countErr, listErr); err != nil {
		return usage{err: err}
	}
	u.others = slices.DeleteFunc(u.others, func(one ddoe.Driver) bool {
		isOurs := one.ID == statusOf(d).DriverID || one.Metadata.ManagedBy == k.mark(d)
		if isOurs {
			u.count--
		}
		return isOurs
	})
	u.count = max(u.count, len(u.others))
	return u
}

// words names those who use an integration, as far as the key's user may see them.
func (u usage) words() string {
	names := []string{}
	for _, one := range u.others {
		names = append(names, named(one.Object)+" in the project "+diagnosis.Printable(one.ProjectID))
	}
	if u.count > len(u.others) {
		names = append(names, "others that the API key's user cannot see")
	}
	return strings.Join(names, ", ")
}

// isUnknown reports whether the platform does not know what was asked for, or does not show it: 400 is for an id that it
// cannot even read.
func isUnknown(err error) bool {
	var e *ddoe.Error
	return errors.As(err, &e) && e.ErrorCode() == "" &&
		slices.Contains([]int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound}, e.HTTPStatus())
}
