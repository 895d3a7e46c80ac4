package world

import (
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
)

// identityCredentials is the part of a credential's ARM id between the identity's id and the credential's name.
const identityCredentials = "/federatedIdentityCredentials/"

// UserAssignedIdentityCredentialID is the full ARM id of an identity's credential.
func UserAssignedIdentityCredentialID(identityID, name string) string {
	return strings.TrimRight(identityID, "/") + identityCredentials + name
}

// UserAssignedIdentityCredentials returns the credentials of an identity, oldest first.
func (i *Identities) UserAssignedIdentityCredentials(identityID string) []UserAssignedIdentityCredential {
	i.Mu.RLock()
	defer i.Mu.RUnlock()
	return part.CloneAll(i.credentialsOf(identityID))
}

// UserAssignedIdentityCredential returns a credential by its full ARM id.
func (i *Identities) UserAssignedIdentityCredential(id string) (UserAssignedIdentityCredential, bool) {
	i.Mu.RLock()
	defer i.Mu.RUnlock()
	c, ok := i.state.credentials.Get(id)
	return c.Clone(), ok
}

// PutUserAssignedIdentityCredential creates the credential c.Name of the identity c.IdentityID, or replaces the one of
// that name; created tells which. Errors: ErrNotFound (identity), ErrNotReplicated, ErrCredentialPairTaken,
// ErrTooManyCredentials.
func (i *Identities) PutUserAssignedIdentityCredential(
	c UserAssignedIdentityCredential,
) (stored UserAssignedIdentityCredential, created bool, err error) {
	i.Mu.Lock()
	defer i.Mu.Unlock()
	identity, ok := i.state.rows.Get(c.IdentityID)
	if !ok {
		return UserAssignedIdentityCredential{}, false, ErrNotFound
	}
	if !i.IsReplicated(identity.CreatedAt) {
		return UserAssignedIdentityCredential{}, false, ErrNotReplicated
	}
	c = c.Clone()
	c.IdentityID, c.ID = identity.ID, UserAssignedIdentityCredentialID(identity.ID, c.Name)
	old, exists := i.state.credentials.Get(c.ID)
	if exists {
		c.ID, c.Name = old.ID, old.Name
	}
	if err := i.checkPair(c); err != nil {
		return UserAssignedIdentityCredential{}, false, err
	}
	if !exists && len(i.credentialsOf(identity.ID)) >= MaxFederatedCredentials {
		return UserAssignedIdentityCredential{}, false, ErrTooManyCredentials
	}
	c.ChangedAt = old.ChangedAt
	if !exists || !c.isSameTrust(old) {
		c.ChangedAt = i.Now()
	}
	i.state.credentials.Put(c.ID, c.Clone())
	return c, !exists, nil
}

// DeleteUserAssignedIdentityCredential removes a credential by its full ARM id; ErrNotFound if absent.
func (i *Identities) DeleteUserAssignedIdentityCredential(id string) error {
	i.Mu.Lock()
	defer i.Mu.Unlock()
	return i.removeCredential(id)
}

func (i *Identities) removeCredential(id string) error {
	c, ok := i.state.credentials.Get(part.FullID(id))
	if !ok {
		return ErrNotFound
	}
	i.state.credentials.Delete(c.ID)
	return nil
}

// credentialsOf returns an identity's credentials themselves: not to be changed.
func (i *Identities) credentialsOf(identityID string) []UserAssignedIdentityCredential {
	return slices.DeleteFunc(i.state.credentials.All(), func(c UserAssignedIdentityCredential) bool {
		return part.Key(c.IdentityID) != part.Key(identityID)
	})
}

// checkPair holds the rule that issuer and subject are unique within an identity.
func (i *Identities) checkPair(c UserAssignedIdentityCredential) error {
	for _, other := range i.credentialsOf(c.IdentityID) {
		if part.Key(other.ID) != part.Key(c.ID) && other.Issuer == c.Issuer && other.Subject == c.Subject {
			return ErrCredentialPairTaken
		}
	}
	return nil
}

func (c UserAssignedIdentityCredential) isSameTrust(other UserAssignedIdentityCredential) bool {
	return c.Issuer == other.Issuer && c.Subject == other.Subject && slices.Equal(c.Audiences, other.Audiences)
}
