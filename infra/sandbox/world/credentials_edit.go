package world

import (
	"errors"
	"slices"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
)

func (c *Credentials) editCredential(id string, body []byte) error {
	var f FederatedIdentityCredential
	if err := part.DecodeObject(body, &f, id, &f.ID); err != nil {
		return err
	}
	old, exists := c.byID(id)
	if f.ApplicationID == "" {
		f.ApplicationID = old.ApplicationID
	}
	if f.Name == "" {
		f.Name = old.Name
	}
	if err := errors.Join(part.Required("applicationId", f.ApplicationID), part.Required("name", f.Name)); err != nil {
		return err
	}
	if !c.applications.isLive(f.ApplicationID) {
		return ErrNotFound
	}
	if named, taken := c.find(f.ApplicationID, f.Name); taken && part.Key(named.ID) != part.Key(id) {
		return ErrExists
	}
	if err := c.checkPair(f); err != nil {
		return err
	}
	changed := f.Issuer != old.Issuer || f.Subject != old.Subject || !slices.Equal(f.Audiences, old.Audiences)
	if f.ChangedAt.IsZero() || changed && f.ChangedAt.Equal(old.ChangedAt) {
		f.ChangedAt = c.Now()
	}
	if f.Audiences == nil {
		f.Audiences = []string{}
	}
	if exists {
		c.state.live[part.Key(old.ApplicationID)].Delete(id)
	}
	c.put(f)
	return nil
}

func (c *Credentials) removeCredential(id string) error {
	f, ok := c.byID(id)
	if !ok {
		return ErrNotFound
	}
	c.state.live[part.Key(f.ApplicationID)].Delete(f.ID)
	return nil
}

func (c *Credentials) byID(id string) (FederatedIdentityCredential, bool) {
	for _, rows := range c.state.live {
		if f, ok := rows.Get(id); ok {
			return f, true
		}
	}
	return FederatedIdentityCredential{}, false
}
