package world

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
)

// UserAssignedIdentity is a user-assigned managed identity, by its full ARM id. PrincipalID is the object id of its
// service principal, which role assignments name. What is left out of an identity that is put the service fills.
type UserAssignedIdentity struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Location    string            `json:"location"`
	ClientID    string            `json:"clientId"`
	PrincipalID string            `json:"principalId"`
	TenantID    string            `json:"tenantId"`
	Tags        map[string]string `json:"tags"`
	CreatedAt   time.Time         `json:"createdAt"`
}

// UserAssignedIdentityCredential is one trust of a managed identity, by its full ARM id; IdentityID is the identity's.
type UserAssignedIdentityCredential struct {
	ID         string    `json:"id"`
	IdentityID string    `json:"identityId"`
	Name       string    `json:"name"`
	Issuer     string    `json:"issuer"`
	Subject    string    `json:"subject"`
	Audiences  []string  `json:"audiences"`
	ChangedAt  time.Time `json:"changedAt"`
}

// Identities are the user-assigned managed identities and their federated identity credentials. An identity has a
// service principal in the directory that lives as long as it does; there is no application, and no recycle bin.
type Identities struct {
	*part.Base

	hierarchy  *Hierarchy
	principals *Principals
	state      identitiesState
}

type identitiesState struct {
	rows        *part.Table[UserAssignedIdentity]
	byClientID  map[string]string // lower client id → ARM id
	credentials *part.Table[UserAssignedIdentityCredential]
	buckets     map[string]bucket  // by operation and what it is for
	leaving     map[string]leaving // by lower ARM id
}

// leaving is an identity that was deleted, and whose name is held for its region for some time.
type leaving struct {
	location  string
	deletedAt time.Time
	holdFor   time.Duration
}

func newIdentities(b *part.Base, hierarchy *Hierarchy, principals *Principals) *Identities {
	return &Identities{Base: b, hierarchy: hierarchy, principals: principals, state: identitiesState{
		rows: part.NewTable[UserAssignedIdentity](), byClientID: map[string]string{},
		credentials: part.NewTable[UserAssignedIdentityCredential](), buckets: map[string]bucket{},
		leaving: map[string]leaving{},
	}}
}

// UserAssignedIdentities returns the identities, oldest first.
func (i *Identities) UserAssignedIdentities() []UserAssignedIdentity {
	i.Mu.RLock()
	defer i.Mu.RUnlock()
	return part.CloneAll(i.state.rows.All())
}

// UserAssignedIdentity returns an identity by its full ARM id.
func (i *Identities) UserAssignedIdentity(id string) (UserAssignedIdentity, bool) {
	i.Mu.RLock()
	defer i.Mu.RUnlock()
	u, ok := i.state.rows.Get(id)
	return u.Clone(), ok
}

// UserAssignedIdentityByClientID returns an identity by its client id.
func (i *Identities) UserAssignedIdentityByClientID(clientID string) (UserAssignedIdentity, bool) {
	i.Mu.RLock()
	defer i.Mu.RUnlock()
	u, ok := i.state.rows.Get(i.state.byClientID[part.Key(clientID)])
	return u.Clone(), ok
}

// PutUserAssignedIdentity creates the identity u.ID with its service principal, or replaces the tags of the one that
// there is; created tells which. It does not ask whether the resource group exists. A new identity gets new ids, also
// under a name that was used before, unless u names them.
func (i *Identities) PutUserAssignedIdentity(u UserAssignedIdentity) (stored UserAssignedIdentity, created bool) {
	i.Mu.Lock()
	defer i.Mu.Unlock()
	if old, ok := i.state.rows.Get(u.ID); ok {
		old.Tags = maps.Clone(u.Tags)
		u = old
	} else {
		created = true
	}
	u = i.complete(u.Clone())
	i.put(u)
	return u.Clone(), created
}

// DeleteUserAssignedIdentity removes an identity for good, with its credentials and its service principal. Its role
// assignments stay behind. ErrNotFound if absent.
func (i *Identities) DeleteUserAssignedIdentity(id string) error {
	i.Mu.Lock()
	defer i.Mu.Unlock()
	return i.remove(id)
}

// complete fills what the service gives to a new identity.
func (i *Identities) complete(u UserAssignedIdentity) UserAssignedIdentity {
	for _, id := range []*string{&u.ClientID, &u.PrincipalID} {
		if *id == "" {
			*id = part.NewID()
		}
		*id = strings.ToLower(*id)
	}
	if u.Name == "" {
		u.Name = part.LastSegment(u.ID)
	}
	if u.Location == "" {
		u.Location = Location
	}
	if parts := strings.Split(u.ID, "/"); u.TenantID == "" && len(parts) > 2 { // /subscriptions/{}
		subscription, _ := i.hierarchy.state.subscriptions.Get(parts[2])
		u.TenantID = subscription.TenantID
	}
	if u.Tags == nil {
		u.Tags = map[string]string{}
	}
	if u.CreatedAt.IsZero() {
		u.CreatedAt = i.Now()
	}
	return u
}

// put stores an identity and sees to its service principal. One that is there already stays as it is: somebody may
// have disabled it.
func (i *Identities) put(u UserAssignedIdentity) {
	if old, ok := i.state.rows.Get(u.ID); ok {
		delete(i.state.byClientID, part.Key(old.ClientID))
		if old.PrincipalID != u.PrincipalID || old.ClientID != u.ClientID {
			i.principals.remove(old.PrincipalID)
		}
	}
	i.state.rows.Put(u.ID, u)
	i.state.byClientID[part.Key(u.ClientID)] = u.ID
	if i.principals.isLive(u.PrincipalID) {
		return
	}
	i.principals.put(i.principals.complete(ServicePrincipal{ID: u.PrincipalID, AppID: u.ClientID, DisplayName: u.Name,
		AccountEnabled: true, ServicePrincipalType: PrincipalManagedIdentity, CreatedDateTime: u.CreatedAt},
		Application{}))
}

func (i *Identities) remove(id string) error {
	u, ok := i.state.rows.Get(id)
	if !ok {
		return ErrNotFound
	}
	for _, c := range i.credentialsOf(u.ID) {
		i.state.credentials.Delete(c.ID)
	}
	i.principals.remove(u.PrincipalID)
	delete(i.state.byClientID, part.Key(u.ClientID))
	i.state.rows.Delete(u.ID)
	i.state.leaving[part.Key(u.ID)] = leaving{location: u.Location, deletedAt: i.Now(),
		holdFor: time.Duration(i.LimitsHeld().DeletedIdentitySeconds) * time.Second}
	return nil
}

// HeldLocation is the region for which the name of an identity is held: its own, or for a while that of a deleted one;
// false where it is free.
func (i *Identities) HeldLocation(id string) (string, bool) {
	i.Mu.RLock()
	defer i.Mu.RUnlock()
	if u, ok := i.state.rows.Get(id); ok {
		return u.Location, true
	}
	left, ok := i.state.leaving[part.Key(id)]
	return left.location, ok && i.ElapsedHeld(left.deletedAt) < left.holdFor
}

func (i *Identities) addTo(s *Snapshot) {
	s.UserAssignedIdentities = part.CloneAll(i.state.rows.All())
	s.UserAssignedIdentityCredentials = part.CloneAll(i.state.credentials.All())
}

func (i *Identities) editors() map[string]part.Editor {
	return map[string]part.Editor{
		"userAssignedIdentities":          {Put: i.editIdentity, Remove: i.removeByHand},
		"userAssignedIdentityCredentials": {Put: i.editCredential, Remove: i.removeCredential},
	}
}

func (u UserAssignedIdentity) Clone() UserAssignedIdentity {
	u.Tags = maps.Clone(u.Tags)
	return u
}

func (c UserAssignedIdentityCredential) Clone() UserAssignedIdentityCredential {
	c.Audiences = slices.Clone(c.Audiences)
	return c
}
