package world

import (
	"slices"
	"strings"
)

// Credentials are the federated identity credentials of the applications: whom each of them trusts. Those of
// soft-deleted applications are kept, out of sight.
type Credentials struct {
	*base

	applications *AppRegistrations
	state        credentialsState
}

// credentialsState has both maps by application object id; the tables are by credential id.
type credentialsState struct {
	live   map[string]*table[FederatedIdentityCredential]
	binned map[string]*table[FederatedIdentityCredential] // of soft-deleted applications
}

func newCredentials(b *base, applications *AppRegistrations) *Credentials {
	return &Credentials{base: b, applications: applications, state: credentialsState{
		live:   map[string]*table[FederatedIdentityCredential]{},
		binned: map[string]*table[FederatedIdentityCredential]{},
	}}
}

// FederatedCredentials returns the credentials of a live application, oldest first; nil if there is no such
// application. The token service asks here what an application trusts: see ChangedAt and Timing.STSMS.
func (c *Credentials) FederatedCredentials(applicationID string) []FederatedIdentityCredential {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.applications.isLive(applicationID) {
		return nil
	}
	return c.of(applicationID)
}

// FederatedCredential returns one credential of an application by its name or its id.
func (c *Credentials) FederatedCredential(applicationID, nameOrID string) (FederatedIdentityCredential, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	f, ok := c.find(applicationID, nameOrID)
	return f.Clone(), ok
}

func (c *Credentials) find(applicationID, nameOrID string) (FederatedIdentityCredential, bool) {
	rows, ok := c.state.live[key(applicationID)]
	if !ok {
		return FederatedIdentityCredential{}, false
	}
	if f, ok := rows.get(nameOrID); ok {
		return f, true
	}
	for _, r := range rows.rows {
		if r.value.Name == nameOrID {
			return r.value, true
		}
	}
	return FederatedIdentityCredential{}, false
}

// CreateFederatedCredential adds a trust to the application f.ApplicationID. Errors: ErrNotFound, ErrNotReplicated,
// ErrExists (name), ErrCredentialPairTaken, ErrTooManyCredentials.
func (c *Credentials) CreateFederatedCredential(f FederatedIdentityCredential) (FederatedIdentityCredential, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	app, ok := c.applications.get(f.ApplicationID)
	if !ok {
		return FederatedIdentityCredential{}, ErrNotFound
	}
	if !c.isReplicated(app.CreatedDateTime) {
		return FederatedIdentityCredential{}, ErrNotReplicated
	}
	f = f.Clone()
	f.ApplicationID = app.ID
	if _, exists := c.find(app.ID, f.Name); exists {
		return FederatedIdentityCredential{}, ErrExists
	}
	if err := c.checkPair(f); err != nil {
		return FederatedIdentityCredential{}, err
	}
	if rows, ok := c.state.live[key(app.ID)]; ok && len(rows.rows) >= MaxFederatedCredentials {
		return FederatedIdentityCredential{}, ErrTooManyCredentials
	}
	if f.ID == "" {
		f.ID = newID()
	}
	f.ID, f.ChangedAt = strings.ToLower(f.ID), c.Now()
	c.put(f)
	return f.Clone(), nil
}

// UpdateFederatedCredential changes a credential in place; id, application and name cannot be changed. change must not
// call the world. Errors: ErrNotFound, ErrNotReplicated, ErrCredentialPairTaken.
func (c *Credentials) UpdateFederatedCredential(
	applicationID, nameOrID string, change func(*FederatedIdentityCredential) error,
) (FederatedIdentityCredential, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, ok := c.find(applicationID, nameOrID)
	if !ok {
		return FederatedIdentityCredential{}, ErrNotFound
	}
	next := old.Clone()
	if err := change(&next); err != nil {
		return FederatedIdentityCredential{}, err
	}
	next.ID, next.ApplicationID, next.Name = old.ID, old.ApplicationID, old.Name
	if err := c.checkPair(next); err != nil {
		return FederatedIdentityCredential{}, err
	}
	next.ChangedAt = old.ChangedAt
	if next.Issuer != old.Issuer || next.Subject != old.Subject || !slices.Equal(next.Audiences, old.Audiences) {
		next.ChangedAt = c.Now()
	}
	c.put(next)
	return next.Clone(), nil
}

// DeleteFederatedCredential removes a credential by name or id, for good: credentials have no recycle bin of their
// own.
func (c *Credentials) DeleteFederatedCredential(applicationID, nameOrID string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	f, ok := c.find(applicationID, nameOrID)
	if !ok {
		return ErrNotFound
	}
	c.state.live[key(applicationID)].delete(f.ID)
	return nil
}

// checkPair holds the rule that issuer and subject are unique within an application.
func (c *Credentials) checkPair(f FederatedIdentityCredential) error {
	rows, ok := c.state.live[key(f.ApplicationID)]
	if !ok {
		return nil
	}
	for _, r := range rows.rows {
		if r.value.ID != f.ID && r.value.Issuer == f.Issuer && r.value.Subject == f.Subject {
			return ErrCredentialPairTaken
		}
	}
	return nil
}

func (c *Credentials) put(f FederatedIdentityCredential) {
	rows, ok := c.state.live[key(f.ApplicationID)]
	if !ok {
		rows = newTable[FederatedIdentityCredential]()
		c.state.live[key(f.ApplicationID)] = rows
	}
	rows.put(f.ID, f.Clone())
}

// of returns copies of an application's credentials; never nil.
func (c *Credentials) of(applicationID string) []FederatedIdentityCredential {
	rows, ok := c.state.live[key(applicationID)]
	if !ok {
		return []FederatedIdentityCredential{}
	}
	return cloneAll(rows.all())
}

// bin puts an application's credentials out of sight while it is soft-deleted.
func (c *Credentials) bin(applicationID string) {
	if rows, ok := c.state.live[key(applicationID)]; ok {
		c.state.binned[key(applicationID)] = rows
		delete(c.state.live, key(applicationID))
	}
}

// restore brings the credentials of a restored application back.
func (c *Credentials) restore(applicationID string) {
	if rows, ok := c.state.binned[key(applicationID)]; ok {
		c.state.live[key(applicationID)] = rows
		delete(c.state.binned, key(applicationID))
	}
}

// purge forgets the credentials of a soft-deleted application.
func (c *Credentials) purge(applicationID string) { delete(c.state.binned, key(applicationID)) }

func (c *Credentials) addTo(s *Snapshot) {
	s.FederatedIdentityCredentials = []FederatedIdentityCredential{}
	for _, a := range c.applications.all() {
		s.FederatedIdentityCredentials = append(s.FederatedIdentityCredentials, c.of(a.ID)...)
	}
}

func (f FederatedIdentityCredential) Clone() FederatedIdentityCredential {
	f.Audiences = slices.Clone(f.Audiences)
	if f.ClaimsMatchingExpression != nil {
		expression := *f.ClaimsMatchingExpression
		f.ClaimsMatchingExpression = &expression
	}
	return f
}
