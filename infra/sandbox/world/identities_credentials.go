package world

import (
	"slices"
	"strings"
)

// identityCredentials is the part of a credential's ARM id between the identity's id and the credential's name.
const identityCredentials = "/federatedIdentityCredentials/"

// UserAssignedIdentityCredentialID is the full ARM id of an identity's credential.
func UserAssignedIdentityCredentialID(identityID, name string) string {
	return strings.TrimRight(identityID, "/") + identityCredentials + name
}

// UserAssignedIdentityCredentials returns the credentials of an identity, oldest first.
func (i *Identities) UserAssignedIdentityCredentials(identityID string) []UserAssignedIdentityCredential {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return cloneAll(i.credentialsOf(identityID))
}

// UserAssignedIdentityCredential returns a credential by its full ARM id.
func (i *Identities) UserAssignedIdentityCredential(id string) (UserAssignedIdentityCredential, bool) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	c, ok := i.state.credentials.get(id)
	return c.Clone(), ok
}

// PutUserAssignedIdentityCredential creates the credential c.Name of the identity c.IdentityID, or replaces the one of
// that name; created tells which. Errors: ErrNotFound (identity), ErrNotReplicated, ErrCredentialPairTaken,
// ErrTooManyCredentials.
func (i *Identities) PutUserAssignedIdentityCredential(
	c UserAssignedIdentityCredential,
) (stored UserAssignedIdentityCredential, created bool, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	identity, ok := i.state.rows.get(c.IdentityID)
	if !ok {
		return UserAssignedIdentityCredential{}, false, ErrNotFound
	}
	if !i.isReplicated(identity.CreatedAt) {
		return UserAssignedIdentityCredential{}, false, ErrNotReplicated
	}
	c = c.Clone()
	c.IdentityID, c.ID = identity.ID, UserAssignedIdentityCredentialID(identity.ID, c.Name)
	old, exists := i.state.credentials.get(c.ID)
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
	if !exists || !c.trustsTheSame(old) {
		c.ChangedAt = i.Now()
	}
	i.state.credentials.put(c.ID, c.Clone())
	return c, !exists, nil
}

// DeleteUserAssignedIdentityCredential removes a credential by its full ARM id; ErrNotFound if absent.
func (i *Identities) DeleteUserAssignedIdentityCredential(id string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.removeCredential(id)
}

func (i *Identities) removeCredential(id string) error {
	c, ok := i.state.credentials.get(fullID(id))
	if !ok {
		return ErrNotFound
	}
	i.state.credentials.delete(c.ID)
	return nil
}

// credentialsOf returns an identity's credentials themselves: not to be changed.
func (i *Identities) credentialsOf(identityID string) []UserAssignedIdentityCredential {
	return slices.DeleteFunc(i.state.credentials.all(), func(c UserAssignedIdentityCredential) bool {
		return key(c.IdentityID) != key(identityID)
	})
}

// checkPair holds the rule that issuer and subject are unique within an identity.
func (i *Identities) checkPair(c UserAssignedIdentityCredential) error {
	for _, other := range i.credentialsOf(c.IdentityID) {
		if key(other.ID) != key(c.ID) && other.Issuer == c.Issuer && other.Subject == c.Subject {
			return ErrCredentialPairTaken
		}
	}
	return nil
}

func (c UserAssignedIdentityCredential) trustsTheSame(other UserAssignedIdentityCredential) bool {
	return c.Issuer == other.Issuer && c.Subject == other.Subject && slices.Equal(c.Audiences, other.Audiences)
}
