package world

import (
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/strictjson"
)

// identityID takes the full ARM id, or the name alone of an identity in the resource group for identities.
func identityID(id string) string {
	if strings.Contains(id, "/") {
		return part.FullID(id)
	}
	return IdentitiesResourceGroupID + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + id
}

func (i *Identities) editIdentity(id string, body []byte) error {
	var u UserAssignedIdentity
	if err := strictjson.Decode(body, &u); err != nil {
		return err
	}
	id = identityID(id)
	if u.ID == "" {
		u.ID = id
	}
	if part.Key(u.ID) != part.Key(id) {
		return part.IDMismatch("id", id)
	}
	if u.Name != "" && !strings.EqualFold(u.Name, part.LastSegment(id)) {
		return part.IDMismatch("name", id)
	}
	old, exists := i.state.rows.Get(id)
	if exists {
		u = u.keepIDs(old)
	}
	u = i.complete(u)
	if i.principals.isAppIDTaken(u.ClientID, u.PrincipalID) && (!exists || u.ClientID != old.ClientID) {
		return ErrExists
	}
	if i.principals.isLive(u.PrincipalID) && (!exists || u.PrincipalID != old.PrincipalID) {
		return ErrExists
	}
	i.put(u)
	return nil
}

// keepIDs takes over what a body left out and the service does not give anew.
func (u UserAssignedIdentity) keepIDs(old UserAssignedIdentity) UserAssignedIdentity {
	u.ID = old.ID
	if u.ClientID == "" {
		u.ClientID = old.ClientID
	}
	if u.PrincipalID == "" {
		u.PrincipalID = old.PrincipalID
	}
	if u.CreatedAt.IsZero() {
		u.CreatedAt = old.CreatedAt
	}
	return u
}

func (i *Identities) removeByHand(id string) error { return i.remove(identityID(id)) }

// editCredential takes the full ARM id; the identity and the name are in it.
func (i *Identities) editCredential(id string, body []byte) error {
	var c UserAssignedIdentityCredential
	if err := strictjson.Decode(body, &c); err != nil {
		return err
	}
	id = part.FullID(id)
	slash := strings.LastIndex(strings.ToLower(id), strings.ToLower(identityCredentials))
	if slash < 0 {
		return &strictjson.Error{Detail: "the path names no " + strings.Trim(identityCredentials, "/")}
	}
	identity, ok := i.state.rows.Get(id[:slash])
	if !ok {
		return ErrNotFound
	}
	for _, m := range []struct{ name, value, want string }{
		{"id", c.ID, id}, {"identityId", c.IdentityID, identity.ID}, {"name", c.Name, part.LastSegment(id)},
	} {
		if m.value != "" && part.Key(m.value) != part.Key(m.want) {
			return part.IDMismatch(m.name, id)
		}
	}
	c.IdentityID, c.Name = identity.ID, part.LastSegment(id)
	c.ID = UserAssignedIdentityCredentialID(identity.ID, c.Name)
	if err := i.checkPair(c); err != nil {
		return err
	}
	old, _ := i.state.credentials.Get(c.ID)
	if c.ChangedAt.IsZero() || !c.isSameTrust(old) && c.ChangedAt.Equal(old.ChangedAt) {
		c.ChangedAt = i.Now()
	}
	if c.Audiences == nil {
		c.Audiences = []string{}
	}
	i.state.credentials.Put(c.ID, c)
	return nil
}
