package platform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// keyNotice is how long before its end the API key is worth a warning.
const keyNotice = 30 * 24 * time.Hour

// integrations is the kind of the platform's integration.
type integrations struct{ *Platform }

func (integrations) Name() string       { return resource.PlatformIntegration }
func (integrations) Needs() []string    { return []string{resource.Identity} } // the options name it
func (integrations) Outlives() []string { return []string{resource.Driver} }

// found is what Observe hands on to Apply and Remove.
type found struct {
	offer        *offer
	is           *ddoe.Integration // nil for none
	organization string            // in which it is, or is to be
	left         string            // why it cannot be made yet; empty where nothing is in the way
}

// sight is what one look has read. What was not asked for is zero.
type sight struct {
	seen[ddoe.Integration]
	types    []ddoe.IntegrationType
	typesErr error
	usage    usage // of the integration of ours that the record knows
}

// Observe reads what there is. It is the preflight as well: it says what the platform would refuse. It warns of a key
// that ends, whatever the key is used for.
func (k integrations) Observe(ctx context.Context, v resource.View) []resource.Item {
	items := k.observe(ctx, v)
	if !v.Ending && !k.KeyExpires.IsZero() && k.KeyExpires.Sub(k.Requests.Now()) < keyNotice {
		item := newItem("ddoeKey", "", k.KeyExpires.Format(time.RFC3339))
		item.State, item.Code, item.CheckID = resource.Unchanged, diagnosis.CodeDDOEAPIKeyExpiring, "ddoe.key"
		items = append(items, item)
	}
	return items
}

func (k integrations) observe(ctx context.Context, v resource.View) []resource.Item {
	d, w := v.Document, k.wayOf(v)
	places := organizationsOf(d, w)
	switch {
	case k.Client == nil:
		return k.withoutAPI(v)
	case isTooEarly(v) && w != wayManual:
		return []resource.Item{newItem(nameIntegration, "", d.Spec.DisplayName)}
	case w == wayMade && v.Apart && statusOf(d).Form != nil: // whether the API can do it now is no matter of health
		return []resource.Item{manualItem(d, "", statusOf(d).Why, false)}
	case len(places) == 0:
		return k.manual(v, true)
	}
	s := k.look(ctx, d, w, places)
	if s.typesErr != nil { // nothing of ours goes for an organisation in which nothing can be made
		item := newItem(nameIntegration, "", d.Spec.DisplayName)
		return []resource.Item{failed(item, at(s.typesErr, pointerOrganization, d.Spec.DDOE.OrganizationID))}
	}
	kept, items, err := k.sorted(ctx, v, w, s)
	switch w {
	case wayMade:
		return append(items, k.madeItem(d, s, kept, items, err))
	case wayUsed:
		return append(items, k.usedItem(d, s))
	}
	return append(items, k.manual(v, len(items) == 0)...)
}

// sorted tells the integration of ours that stays from those that go. err is why there may be others.
func (k integrations) sorted(ctx context.Context, v resource.View, w way, s sight) (kept *ddoe.Integration,
	items []resource.Item, err error) {
	d, own := v.Document, ownOf(v.Document)
	all, err := s.ours(own)
	for i, one := range all {
		one.OrganizationID = cmp.Or(one.OrganizationID, statusOf(d).OrganizationID)
		switch {
		case w == wayMade && kept == nil && sameID(one.OrganizationID, d.Spec.DDOE.OrganizationID):
			kept = &all[i]
		case w != wayUsed || one.ID != d.Spec.DDOE.IntegrationID:
			items = append(items, k.unwantedItem(ctx, v, s, one, kept != nil))
		}
	}
	switch {
	case w == wayMade:
	case err != nil:
		items = append(items, failed(unwanted(nameIntegration, own), err))
	case own != "" && (len(all) == 0 || all[0].ID != own): // gone, which Remove writes down
		gone := ddoe.Integration{Object: ddoe.Object{ID: own}, OrganizationID: statusOf(d).OrganizationID}
		items = append(items, k.unwantedItem(ctx, v, s, gone, false))
	}
	return kept, items, err
}

// organizationsOf are the organisations in which something of ours is, or may be.
func organizationsOf(d integration.Document, w way) []place {
	wanted := ""
	if d.Spec.DDOE.IsWanted() {
		wanted = d.Spec.DDOE.OrganizationID
	}
	return placesOf(wanted, statusOf(d).OrganizationID, w == wayMade || w == wayUsed, ownOf(d) != "")
}

// look reads in one hop what there is to know.
func (k integrations) look(ctx context.Context, d integration.Document, w way, places []place) (s sight) {
	known, own := statusOf(d).IntegrationID, ownOf(d)
	if w == wayUsed {
		known = d.Spec.DDOE.IntegrationID
	}
	parts := []func(){func() { s.seen = k.sort(d).see(ctx, known, places...) }}
	if w == wayMade {
		parts = append(parts, func() {
			s.types, s.typesErr = ask(ctx, k.Platform, policy.PlatformTypesList, k.Client.AvailableIntegrations,
				d.Spec.DDOE.OrganizationID)
		})
	} else if own != "" {
		parts = append(parts, func() { s.usage = k.usageOf(ctx, d, own) })
	}
	together(parts...)
	return s
}

// sort is how integrations are read.
func (k integrations) sort(d integration.Document) sort[ddoe.Integration] {
	mark := ddoe.MetadataEntry{Name: metaOwner, Value: k.mark(d)}
	return sort[ddoe.Integration]{k.Platform, policy.PlatformIntegrationList, policy.PlatformIntegrationGet,
		k.Client.ListIntegrations, k.Client.GetIntegration,
		func(one ddoe.Integration) bool { return slices.Contains(one.Metadata, mark) }}
}

// ownOf is the integration of ours that the record knows; empty for none.
func ownOf(d integration.Document) string {
	if st := statusOf(d); !st.Adopted {
		return st.IntegrationID
	}
	return ""
}

// withoutAPI is what there is to say where the API cannot be asked.
func (k integrations) withoutAPI(v resource.View) []resource.Item {
	d, own := v.Document, ownOf(v.Document)
	switch {
	case own == "":
		return k.manual(v, false)
	case d.Spec.DDOE.IsWanted() && !v.Ending:
		return []resource.Item{manualItem(d, diagnosis.CodeDDOEAPIOff, k.why(d), false)}
	}
	return []resource.Item{failed(unwanted(nameIntegration, own), apiOff())}
}

// madeItem is the item of the integration that we make. is is the one of ours, going are those that go, and err is why
// it cannot be told whether there is another. The record can name one organisation: before one is made in another, all
// of ours are gone from the first.
func (k integrations) madeItem(d integration.Document, s sight, is *ddoe.Integration, going []resource.Item,
	err error) resource.Item {
	item := newItem(nameIntegration, "", d.Spec.DisplayName)
	offered, refusal := k.choose(d, s.types)
	if refusal != nil {
		return manualItem(d, refusal.Code, refusal.Detail, false)
	}
	f := found{offer: offered, is: is, organization: d.Spec.DDOE.OrganizationID}
	for _, one := range going {
		if old, _ := one.Data.(found); !sameID(old.organization, f.organization) {
			f.left = "The integration " + diagnosis.Printable(one.Key) + " is still in the organisation " +
				old.organization + "."
		}
	}
	item.Data = f
	theirs, hasForm := foreign(d, s.seen, offered.kind), statusOf(d).Form != nil
	switch {
	case err != nil && (is == nil || is.ID != ownOf(d)):
		return failed(item, err)
	case is != nil:
		return k.compare(d, item, *is, offered)
	case theirs != nil && hasForm:
		return manualItem(d, diagnosis.CodeDDOEAPIUsable, handmade(*theirs), false)
	case theirs != nil:
		item.State, item.Code, item.Detail = resource.Foreign, diagnosis.CodeDDOEIntegrationForeign, handmade(*theirs)
	case hasForm:
		item.Code = diagnosis.CodeDDOEAPIUsable
	default:
		item.Code = diagnosis.CodeDDOEIntegrationMissing
	}
	return item
}

// compare compares an integration of ours with the spec. Its options cannot be read back: what was sent last is known
// by its hash.
func (k integrations) compare(d integration.Document, item resource.Item, is ddoe.Integration, o *offer) resource.Item {
	st := statusOf(d)
	item.Key, item.State = is.ID, resource.Unchanged
	differ := func(differs bool, member, want, have string, code diagnosis.Code) {
		if differs {
			item.Differences = append(item.Differences, ours(member, want, have))
			item.State, item.Code = resource.Different, code
		}
	}
	_, hash, err := o.values(d)
	item.Err = err
	differ(st.Mode == modeManual, "mode", modeAPI, st.Mode, diagnosis.CodeDDOEAPIUsable)
	differ(st.IntegrationID != is.ID || st.OptionsHash != hash, "options", "as specified now", "as sent last",
		diagnosis.CodeDDOEOptionsChanged)
	differ(is.Name != d.Spec.DisplayName, "name", d.Spec.DisplayName, is.Name, diagnosis.CodeDDOEIntegrationRenamed)
	differ(is.Type != o.kind, "type", o.kind, is.Type, diagnosis.CodeDDOEIntegrationChanged)
	return item
}

// foreign is an integration of our name and type that is not ours.
func foreign(d integration.Document, s seen[ddoe.Integration], kind string) *ddoe.Integration {
	return first(slices.DeleteFunc(slices.Clone(s.listed), func(one ddoe.Integration) bool {
		return one.Name != d.Spec.DisplayName || one.Type != kind || one.ID == ownOf(d) || s.isMarked(one) ||
			!sameID(one.OrganizationID, d.Spec.DDOE.OrganizationID)
	}))
}

// handmade tells a person about an integration that may be the one that they have made.
func handmade(one ddoe.Integration) string {
	return "The organisation has the integration " + named(one.Object) +
		" of the same type, which this service did not make for this spec."
}

// usedItem is the item of the integration that the spec names.
func (k integrations) usedItem(d integration.Document, s sight) resource.Item {
	id, st := d.Spec.DDOE.IntegrationID, statusOf(d)
	item := newItem(nameIntegration, id, id)
	is, err := s.find(id)
	item.Data = found{is: is, organization: d.Spec.DDOE.OrganizationID}
	switch {
	case err != nil:
		return failed(item, at(err, pointerOrganization, d.Spec.DDOE.OrganizationID))
	case is == nil:
		item.State, item.Code = resource.Foreign, diagnosis.CodeDDOEIntegrationUnknown
	case st.IntegrationID == id && st.Adopted && st.Mode == modeAPI && st.IntegrationType == is.Type:
		item.State = resource.Unchanged
	default:
		item.State, item.Code = resource.Different, diagnosis.CodeDDOEIntegrationNotUsed
		item.Differences = []diagnosis.MemberDifference{ours("integrationId", id, st.IntegrationID)}
	}
	return item
}

// unwantedItem is an integration of ours that is to go. It blocks what would break others' drivers; a stray, which a
// create has made after all whose answer was lost, stays then.
func (k integrations) unwantedItem(ctx context.Context, v resource.View, s sight, is ddoe.Integration,
	isStray bool) resource.Item {
	used, item := s.usage, unwanted(nameIntegration, is.ID)
	if is.ID != ownOf(v.Document) || k.wayOf(v) == wayMade {
		used = k.usageOf(ctx, v.Document, is.ID)
	}
	item.Data, item.Err = found{is: &is, organization: is.OrganizationID}, used.err
	item.Code = diagnosis.CodeDDOEIntegrationUnwanted
	switch {
	case used.count > 0 && !isStray:
		item.Blocks, item.Code = true, diagnosis.CodeDDOEIntegrationInUse
		item.Detail = fmt.Sprintf("The integration %s is used by %d driver(s) that this service did not make: %s.",
			named(is.Object), used.count, used.names)
	case isStray:
		item.Code = diagnosis.CodeDDOEIntegrationExtra
	}
	if isStray && used.count > 0 || is.ID == ownOf(v.Document) && staysOn(v.Document) && !v.Ending {
		item.State = resource.Extra // our driver leaves it first; a later run removes it
	}
	return item
}

// usage is who uses an integration besides us.
type usage struct {
	names string // of those that the key's user may see
	count int    // of all
	err   error
}

// usageOf reads who uses an integration.
func (k integrations) usageOf(ctx context.Context, d integration.Document, id string) usage {
	var count int
	var listed []ddoe.Driver
	var countErr, listErr error
	together(
		func() { count, countErr = ask(ctx, k.Platform, policy.DriverCount, k.Client.CountDrivers, id) },
		func() { listed, listErr = ask(ctx, k.Platform, policy.DriverList, k.Client.DriversOn, id) })
	if ddoe.IsNotFound(countErr) {
		countErr = nil // who uses what is gone may not be told
	}
	var names []string
	for _, one := range listed {
		if one.ID == statusOf(d).DriverID || one.Metadata.ManagedBy == k.mark(d) {
			count--
			continue
		}
		names = append(names, named(one.Object)+" in the project "+diagnosis.Printable(one.ProjectID))
	}
	if count > len(names) {
		names = append(names, "others that the API key's user cannot see")
	}
	return usage{names: strings.Join(names, ", "), count: max(count, len(names)), err: cmp.Or(countErr, listErr)}
}

// isUnknown reports whether the platform does not know what was asked for, or does not show it: 400 is for an id that
// it cannot even read.
func isUnknown(err error) bool {
	var e *ddoe.Error
	unknown := []int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound}
	return errors.As(err, &e) && e.ErrorCode() == "" && slices.Contains(unknown, e.HTTPStatus())
}
