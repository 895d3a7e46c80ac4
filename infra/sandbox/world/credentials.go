package world

import (
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
)

// Credentials are the federated identity credentials of the applications: whom each of them trusts. Those of
// soft-deleted applications are kept, out of sight.
type Credentials struct {
	*part.Base

	applications *AppRegistrations
	state        credentialsState
}

// credentialsState has both maps by application object id; the tables are by credential id.
type credentialsState struct {
	live   map[string]*part.Table[FederatedIdentityCredential]
	binned map[string]*part.Table[FederatedIdentityCredential] // of soft-deleted applications
}

func newCredentials(b *part.Base, applications *AppRegistrations) *Credentials {
	return &Credentials{Base: b, applications: applications, state: credentialsState{
		live:   map[string]*part.Table[FederatedIdentityCredential]{},
		binned: map[string]*part.Table[FederatedIdentityCredential]{},
	}}
}

// FederatedCredentials returns the credentials of a live application, oldest first; nil if there is no such
// application. The token service asks here what an application trusts: see ChangedAt and Timing.STSMS.
func (c *Credentials) FederatedCredentials(applicationID string) []FederatedIdentityCredential {
	c.Mu.RLock()
	defer c.Mu.RUnlock()
	if !c.applications.isLive(applicationID) {
		return nil
	}
	return c.of(applicationID)
}

// FederatedCredential returns one credential of an application by its name or its id.
func (c *Credentials) FederatedCredential(applicationID, nameOrID string) (FederatedIdentityCredential, bool) {
	c.Mu.RLock()
	defer c.Mu.RUnlock()
	f, ok := c.find(applicationID, nameOrID)
	return f.Clone(), ok
}

func (c *Credentials) find(applicationID, nameOrID string) (FederatedIdentityCredential, bool) {
	rows, ok := c.state.live[part.Key(applicationID)]
	if !ok {
		return FederatedIdentityCredential{}, false
	}
	if f, ok := rows.Get(nameOrID); ok {
		return f, true
	}
	for _, r := range rows.All() {
		if r.Name == nameOrID {
			return r, true
		}
	}
	return FederatedIdentityCredential{}, false
}

// CreateFederatedCredential adds a trust to the application f.ApplicationID. Errors: ErrNotFound, ErrNotReplicated,
// ErrExists (name), ErrCredentialPairTaken, ErrTooManyCredentials.
func (c *Credentials) CreateFederatedCredential(f FederatedIdentityCredential) (FederatedIdentityCredential, error) {
	c.Mu.Lock()
	defer c.Mu.Unlock()
	app, ok := c.applications.get(f.ApplicationID)
	if !ok {
		return FederatedIdentityCredential{}, ErrNotFound
	}
	if !c.IsReplicated(app.CreatedDateTime) {
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
	if rows, ok := c.state.live[part.Key(app.ID)]; ok && rows.Len() >= MaxFederatedCredentials {
		return FederatedIdentityCredential{}, ErrTooManyCredentials
	}
	if f.ID == "" {
		f.ID = part.NewID()
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
	c.Mu.Lock()
	defer c.Mu.Unlock()
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
	c.Mu.Lock()
	defer c.Mu.Unlock()
	f, ok := c.find(applicationID, nameOrID)
	if !ok {
		return ErrNotFound
	}
	c.state.live[part.Key(applicationID)].Delete(f.ID)
	return nil
}

// checkPair holds the rule that issuer and subject are unique within an application.
func (c *Credentials) checkPair(f FederatedIdentityCredential) error {
	rows, ok := c.state.live[part.Key(f.ApplicationID)]
	if !ok {
		return nil
	}
	for _, r := range rows.All() {
		if r.ID != f.ID && r.Issuer == f.Issuer && r.Subject == f.Subject {
			return ErrCredentialPairTaken
		}
	}
	return nil
}

func (c *Credentials) put(f FederatedIdentityCredential) {
	rows, ok := c.state.live[part.Key(f.ApplicationID)]
	if !ok {
		rows = part.NewTable[FederatedIdentityCredential]()
		c.state.live[part.Key(f.ApplicationID)] = rows
	}
	rows.Put(f.ID, f.Clone())
}

// of returns copies of an application's credentials; never nil.
func (c *Credentials) of(applicationID string) []FederatedIdentityCredential {
	rows, ok := c.state.live[part.Key(applicationID)]
	if !ok {
		return []FederatedIdentityCredential{}
	}
	return part.CloneAll(rows.All())
}

// bin puts an application's credentials out of sight while it is soft-deleted.
func (c *Credentials) bin(applicationID string) {
	if rows, ok := c.state.live[part.Key(applicationID)]; ok {
		c.state.binned[part.Key(applicationID)] = rows
		delete(c.state.live, part.Key(applicationID))
	}
}

// restore brings the credentials of a restored application back.
func (c *Credentials) restore(applicationID string) {
	if rows, ok := c.state.binned[part.Key(applicationID)]; ok {
		c.state.live[part.Key(applicationID)] = rows
		delete(c.state.binned, part.Key(applicationID))
	}
}

// purge forgets the credentials of a soft-deleted application.
func (c *Credentials) purge(applicationID string) { delete(c.state.binned, part.Key(applicationID)) }

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
