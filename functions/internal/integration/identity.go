package integration

import (
	"cmp"
	"strings"
)

// Identity is what the federated identity is to be made of. What is left out is what there is already, else the
// service's default.
type Identity struct {
	Kind          IdentityKind `json:"kind,omitempty"`
	ResourceGroup string       `json:"resourceGroup,omitempty"`
	Location      string       `json:"location,omitempty" example:"westeurope"`
}

// LongTags are the ends of tags that are too long for a line.
func (Identity) LongTags() map[string]string {
	return map[string]string{
		"Kind": kindTag() + ` doc:"An Entra application, or a user-assigned managed identity. Default: what there ` +
			`is already, ` +
			`else the setting DEFAULT_IDENTITY. Another one than there is has another client id, and needs ` +
			`?replace=true"`,
		"ResourceGroup": `doc:"ARM id of the resource group of a managed identity; default: setting ` +
			`IDENTITY_RESOURCE_GROUP. Another one than before needs ?replace=true" ` +
			`example:"/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/identities"`,
		"Location": `doc:"Azure region of a managed identity; default: the service's own. Another one than before ` +
			`needs ?replace=true"`,
	}
}

// IdentityMade is an identity of any kind as its service knows it.
type IdentityMade struct {
	// Kind is empty where nothing is known to have been made.
	Kind IdentityKind
	// Key is what it is found by, once it has one: a name, or an id that holds the name.
	Key string
	// ID is the id by which it can be restored, or removed for good, when it was removed; empty of a kind that is
	// removed for good at once.
	ID string
	// Location is its region; empty of a kind that is in none.
	Location string
	// FormerClientID is the client id of the identity that this one has replaced.
	FormerClientID string
	// IsTaken is true where somebody else has made it and it was taken over: an application has no key of ours then,
	// and is found by its ID.
	IsTaken bool
}

// ResourceGroup is the resource group that the identity is in; empty of a kind that is in none.
func (i IdentityMade) ResourceGroup() string {
	group, _, isInside := strings.Cut(i.Key, "/providers/")
	if !isInside {
		return ""
	}
	return group
}

// LearnIdentity records what the identity is made of.
func (s *Status) LearnIdentity(made IdentityMade) {
	made.FormerClientID = cmp.Or(made.FormerClientID, s.Identity.FormerClientID)
	s.Identity = made
}

// ForgetIdentity takes everything out of the record that has gone with the identity. The client id is kept as the
// former one.
func (s *Status) ForgetIdentity() {
	s.Identity = IdentityMade{FormerClientID: cmp.Or(s.ClientID, s.Identity.FormerClientID)}
	s.ClientID, s.ServicePrincipalID, s.FederatedCredentials, s.RoleAssignments = "", "", nil, nil
}

// ForgetFormerClientID forgets the former client id where everything is made and the platform was told the new one by
// its API. Of an integration that a person has made there nobody can tell, so the former one stays.
func (s *Status) ForgetFormerClientID() {
	if s.DDOE != nil && s.DDOE.Mode == ModeAPI && !s.DDOE.Adopted {
		s.Identity.FormerClientID = ""
	}
}

// IdentityKind is the kind of the identity that is recorded; where there is none, of the one that is wanted.
func (d Document) IdentityKind() IdentityKind {
	var wanted IdentityKind
	if d.Spec.Identity != nil {
		wanted = d.Spec.Identity.Kind
	}
	return cmp.Or(d.Status.Identity.Kind, wanted, unnamedKind())
}

// HasIdentityChange reports whether the spec asks for another identity than is recorded. Kind, resource group and
// location of one cannot be changed, so the one that there is has to go.
func (d Document) HasIdentityChange() bool {
	recorded, wanted := d.Status.Identity, d.Spec.Identity
	switch {
	case recorded.Kind == "" || wanted == nil || d.IsUnmanaged:
		return false
	case recorded.Kind != wanted.Kind:
		return true
	default:
		return !strings.EqualFold(recorded.ResourceGroup(), wanted.ResourceGroup) ||
			!strings.EqualFold(recorded.Location, wanted.Location)
	}
}

// IdentityGiven is what a new spec asks of the identity, with what it leaves out as there is already, or as it is
// being replaced by. What is still left out then is for the service's defaults: they are for what is new.
func (d Document) IdentityGiven(given *Identity) *Identity {
	recorded := d.Status.Identity
	if recorded.Kind == "" {
		return given
	}
	there := Identity{Kind: recorded.Kind, ResourceGroup: recorded.ResourceGroup(), Location: recorded.Location}
	if d.HasIdentityChange() {
		there = *d.Spec.Identity
	}
	var wanted Identity
	if given != nil {
		wanted = *given
	}
	wanted.Kind = cmp.Or(wanted.Kind, there.Kind)
	if wanted.Kind == there.Kind {
		wanted.ResourceGroup = cmp.Or(wanted.ResourceGroup, there.ResourceGroup)
		wanted.Location = cmp.Or(wanted.Location, there.Location)
	}
	return &wanted
}
