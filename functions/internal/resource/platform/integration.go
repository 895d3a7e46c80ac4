package platform

import (
	"cmp"
	"context"
	"fmt"
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
func (k integrations) CanObject() bool  { return k.Client != nil } // others may have drivers on it

// found is what Observe hands on to Apply and Remove.
type found struct {
	offer        *offer
	is           *ddoe.Integration // nil for none
	organization string            // in which it is, or is to be
	obstacle     string            // why it cannot be made yet; empty where nothing is in the way
}

// Observe reads what there is. It is the preflight as well: it tells what the platform would refuse. It warns of a key
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
	d, wanted := v.Document, v.Document.Spec.DDOE
	isMade := k.isAsked(v) && wanted.IntegrationID == ""
	switch {
	case k.Client == nil:
		return k.withoutAPI(v)
	case isTooEarly(v) && k.isAsked(v):
		return []resource.Item{newItem(nameIntegration, "", d.Spec.DisplayName)}
	case isMade && v.Apart && statusOf(d).Form != nil: // whether the API can do it now is no matter of health
		return []resource.Item{manualItem(d, "", statusOf(d).Why, false)}
	case !wanted.IsWanted() && statusOf(d).OrganizationID == "":
		return k.manual(v, true)
	case isMade:
		return k.made(ctx, v)
	}
	known, organization := statusOf(d).IntegrationID, ""
	if wanted.IsWanted() {
		organization = wanted.OrganizationID
	}
	if k.isAsked(v) {
		known = wanted.IntegrationID
	}
	s := k.collection(d).see(ctx, known, placesOf(organization, statusOf(d).OrganizationID, k.isAsked(v),
		ownOf(d) != "")...)
	_, going, err := k.collection(d).choose(s, ownOf(d), "")
	own := ownOf(d)
	isGone := err == nil && own != "" && (len(going) == 0 || going[0].ID != own)
	if isGone { // Remove writes it down
		going = append(going, ddoe.Integration{Object: ddoe.Object{ID: own}})
	}
	if k.isAsked(v) {
		going = slices.DeleteFunc(going, func(one ddoe.Integration) bool { return one.ID == known })
	}
	items := k.going(ctx, v, going, false)
	for i := range items {
		items[i].IsAbsent = isGone && items[i].Key == own // both reads say so
	}
	if err != nil {
		items = append(items, failed(unwanted(nameIntegration, ownOf(d)), err))
	}
	if k.isAsked(v) {
		return append(items, k.usedItem(d, s))
	}
	return append(items, k.manual(v, len(items) == 0)...)
}

// made are the items where we make the integration: the one that is wanted, and those of ours that go. Nothing goes
// for an organisation in which nothing can be made.
func (k integrations) made(ctx context.Context, v resource.View) []resource.Item {
	d, organization := v.Document, v.Document.Spec.DDOE.OrganizationID
	var s snapshot[ddoe.Integration]
	types, typesErr := []ddoe.IntegrationType(nil), error(nil)
	together(
		func() {
			places := placesOf(organization, statusOf(d).OrganizationID, true, ownOf(d) != "")
			s = k.collection(d).see(ctx, statusOf(d).IntegrationID, places...)
		},
		func() {
			types, typesErr = ask(ctx, k.Platform, policy.PlatformTypesList, k.Client.AvailableIntegrations,
				organization)
		})
	if typesErr != nil {
		err := at("/ddoe/organizationId", organization, typesErr)
		return []resource.Item{failed(newItem(nameIntegration, "", d.Spec.DisplayName), err)}
	}
	kept, going, err := k.collection(d).choose(s, ownOf(d), organization)
	items := k.going(ctx, v, going, kept != nil)
	offered, refusal := k.choose(d, types)
	if refusal != nil {
		return append(items, manualItem(d, refusal.Code, refusal.Detail, false))
	}
	f := found{offer: offered, is: kept, organization: organization}
	for _, one := range going { // the record can name one organisation: what it does not name would be forgotten
		if old := k.collection(d).place(one); !isSameID(old, organization) {
			f.obstacle = "The integration " + label(one.Name, "id "+one.ID) + " is still in organisation " + old + "."
		}
	}
	return append(items, k.madeItem(d, s, f, err))
}

// sort is how integrations are read.
func (k integrations) collection(d integration.Document) collection[ddoe.Integration] {
	mark := ddoe.MetadataEntry{Name: metaOwner, Value: k.mark(d)}
	return collection[ddoe.Integration]{k.Platform, policy.PlatformIntegrationList, policy.PlatformIntegrationGet,
		k.Client.ListIntegrations, k.Client.GetIntegration,
		func(one ddoe.Integration) bool { return slices.Contains(one.Metadata, mark) },
		func(one ddoe.Integration) string { return cmp.Or(one.OrganizationID, statusOf(d).OrganizationID) }}
}

// ownOf is the integration of ours that the record knows; empty for none.
func ownOf(d integration.Document) string {
	if st := statusOf(d); !st.Adopted {
		return st.IntegrationID
	}
	return ""
}

// madeItem is the item of the integration that we make. err is why it cannot be told whether there is another of ours.
func (k integrations) madeItem(d integration.Document, s snapshot[ddoe.Integration], f found,
	err error) resource.Item {
	item := newItem(nameIntegration, "", d.Spec.DisplayName)
	item.Data = f
	if f.obstacle == "" { // an unrecorded create is found again only in an organisation that the record names
		item.Learn = learn(func(st *integration.DDOEStatus) { st.OrganizationID = f.organization })
	}
	theirs, hasForm := k.foreign(d, s, f.offer.kind), statusOf(d).Form != nil
	switch {
	case err != nil && (f.is == nil || f.is.ID != ownOf(d)):
		return failed(item, err)
	case f.is != nil:
		return k.compare(d, item, f)
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
func (k integrations) compare(d integration.Document, item resource.Item, f found) resource.Item {
	st, is, o := statusOf(d), *f.is, f.offer
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

// foreign is an integration of our name and type that is not ours; nil for none.
func (k integrations) foreign(d integration.Document, s snapshot[ddoe.Integration], kind string) *ddoe.Integration {
	for _, one := range s.listed {
		isNamesake := one.Name == d.Spec.DisplayName && one.Type == kind &&
			isSameID(one.OrganizationID, d.Spec.DDOE.OrganizationID)
		if isNamesake && one.ID != ownOf(d) && !k.collection(d).isMarked(one) {
			return &one
		}
	}
	return nil
}

// usedItem is the item of the integration that the spec names.
func (k integrations) usedItem(d integration.Document, s snapshot[ddoe.Integration]) resource.Item {
	id, st := d.Spec.DDOE.IntegrationID, statusOf(d)
	item := newItem(nameIntegration, id, id)
	is, err := s.find(id)
	item.Data = found{is: is, organization: d.Spec.DDOE.OrganizationID}
	switch {
	case err != nil:
		return failed(item, at("/ddoe/organizationId", d.Spec.DDOE.OrganizationID, err))
	case is == nil:
		item.State, item.Code = resource.Foreign, diagnosis.CodeDDOEIntegrationUnknown
	case st.IntegrationID != id || !st.Adopted || st.Mode != modeAPI:
		item.State, item.Code = resource.Different, diagnosis.CodeDDOEIntegrationNotUsed
		if st.IntegrationID != id { // else it was ours, or left to a person
			item.Differences = []diagnosis.MemberDifference{ours("integrationId", id, st.IntegrationID)}
		}
	case st.IntegrationType != is.Type: // theirs to change: it is told as long as it is not the one that was used
		item.State, item.Code = resource.Unchanged, diagnosis.CodeDDOEIntegrationChanged
		item.Differences = []diagnosis.MemberDifference{ours("type", st.IntegrationType, is.Type)}
		item.Differences[0].Owner = diagnosis.OwnerOther
	default:
		item.State = resource.Unchanged
	}
	return item
}

// going are the items of integrations of ours that are to go. One blocks what would break others' drivers; a stray,
// which a create has made after all whose answer was lost, stays then.
func (k integrations) going(ctx context.Context, v resource.View, all []ddoe.Integration,
	areStrays bool) (items []resource.Item) {
	d := v.Document
	for _, is := range all {
		item := unwanted(nameIntegration, is.ID)
		count, names, err := k.usersOf(ctx, d, is.ID)
		item.Data, item.Err = found{is: &is, organization: k.collection(d).place(is)}, err
		item.Code = diagnosis.CodeDDOEIntegrationUnwanted
		switch {
		case areStrays:
			item.Code = diagnosis.CodeDDOEIntegrationExtra
		case count > 0:
			item.Blocks, item.Code = true, diagnosis.CodeDDOEIntegrationInUse
			item.Detail = fmt.Sprintf("The integration %s is used by %d driver(s) that this service did not make: %s.",
				label(is.Name, "id "+is.ID), count, strings.Join(names, ", "))
		}
		if areStrays && count > 0 || is.ID == ownOf(d) && isStaying(d) && !v.Ending {
			item.State = resource.Extra // our driver leaves it first; a later run removes it
		}
		items = append(items, item)
	}
	return items
}

// usersOf are the drivers on an integration besides ours: how many, and the names of those that the key's user sees.
func (k integrations) usersOf(ctx context.Context, d integration.Document, id string) (int, []string, error) {
	var count int
	var listed []ddoe.Driver
	var countErr, listErr error
	together(
		func() { count, countErr = ask(ctx, k.Platform, policy.DriverCount, k.Client.CountDrivers, id) },
		func() { listed, listErr = ask(ctx, k.Platform, policy.DriverList, k.Client.DriversOn, id) })
	if isNotThere(countErr) {
		countErr = nil // who uses what is gone may not be told
	}
	var names []string
	for _, one := range listed {
		if one.ID == statusOf(d).DriverID || one.Metadata.ManagedBy == k.mark(d) {
			count--
			continue
		}
		names = append(names, label(one.Name, "id "+one.ID)+" in the project "+label(one.ProjectID, ""))
	}
	return max(count, len(names)), names, cmp.Or(countErr, listErr)
}

// isUnknown reports whether the platform does not know what was asked for, or does not show it.
func isUnknown(err error) bool { return policy.IsUnknown(policy.OperationOf(err), err) }

// isNotThere reports whether the platform has answered that there is no such object. One alone proves no absence.
func isNotThere(err error) bool { return policy.IsNotThere(policy.OperationOf(err), err) }
