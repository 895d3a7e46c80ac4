package world

import (
	"slices"
	"strings"
)

// FederatedCredentials returns the credentials of a live application, oldest first; nil if there is no such
// application. The token service asks here what an application trusts: see ChangedAt and Timing.STSMS.
func (w *World) FederatedCredentials(applicationID string) []FederatedIdentityCredential {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if _, ok := w.state.applications.get(applicationID); !ok {
		return nil
	}
	return cloneCredentials(w.state.credentials[key(applicationID)])
}

// FederatedCredential returns one credential of an application by its name or its id.
func (w *World) FederatedCredential(applicationID, nameOrID string) (FederatedIdentityCredential, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	f, ok := w.credential(applicationID, nameOrID)
	return f.Clone(), ok
}

func (w *World) credential(applicationID, nameOrID string) (FederatedIdentityCredential, bool) {
	rows, ok := w.state.credentials[key(applicationID)]
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
func (w *World) CreateFederatedCredential(f FederatedIdentityCredential) (FederatedIdentityCredential, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	app, ok := w.state.applications.get(f.ApplicationID)
	if !ok {
		return FederatedIdentityCredential{}, ErrNotFound
	}
	if !w.replicated(app.CreatedDateTime) {
		return FederatedIdentityCredential{}, ErrNotReplicated
	}
	f = f.Clone()
	f.ApplicationID = app.ID
	if _, exists := w.credential(app.ID, f.Name); exists {
		return FederatedIdentityCredential{}, ErrExists
	}
	if err := w.checkPair(f); err != nil {
		return FederatedIdentityCredential{}, err
	}
	if rows, ok := w.state.credentials[key(app.ID)]; ok && len(rows.rows) >= MaxFederatedCredentials {
		return FederatedIdentityCredential{}, ErrTooManyCredentials
	}
	if f.ID == "" {
		f.ID = newID()
	}
	f.ID, f.ChangedAt = strings.ToLower(f.ID), w.Now()
	w.putCredential(f)
	return f.Clone(), nil
}

// UpdateFederatedCredential changes a credential in place; id, application and name cannot be changed. change must not
// call the world. Errors: ErrNotFound, ErrNotReplicated, ErrCredentialPairTaken.
func (w *World) UpdateFederatedCredential(applicationID, nameOrID string, change func(*FederatedIdentityCredential) error) (FederatedIdentityCredential, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	old, ok := w.credential(applicationID, nameOrID)
	if !ok {
		return FederatedIdentityCredential{}, ErrNotFound
	}
	next := old.Clone()
	if err := change(&next); err != nil {
		return FederatedIdentityCredential{}, err
	}
	next.ID, next.ApplicationID, next.Name = old.ID, old.ApplicationID, old.Name
	if err := w.checkPair(next); err != nil {
		return FederatedIdentityCredential{}, err
	}
	next.ChangedAt = old.ChangedAt
	if next.Issuer != old.Issuer || next.Subject != old.Subject || !slices.Equal(next.Audiences, old.Audiences) {
		next.ChangedAt = w.Now()
	}
	w.putCredential(next)
	return next.Clone(), nil
}

// DeleteFederatedCredential removes a credential by name or id, for good: credentials have no recycle bin of their own.
func (w *World) DeleteFederatedCredential(applicationID, nameOrID string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	f, ok := w.credential(applicationID, nameOrID)
	if !ok {
		return ErrNotFound
	}
	w.state.credentials[key(applicationID)].delete(f.ID)
	return nil
}

// checkPair holds the rule that issuer and subject are unique within an application.
func (w *World) checkPair(f FederatedIdentityCredential) error {
	rows, ok := w.state.credentials[key(f.ApplicationID)]
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

func (w *World) putCredential(f FederatedIdentityCredential) {
	rows, ok := w.state.credentials[key(f.ApplicationID)]
	if !ok {
		rows = newTable[FederatedIdentityCredential]()
		w.state.credentials[key(f.ApplicationID)] = rows
	}
	rows.put(f.ID, f.Clone())
}

func cloneCredentials(rows *table[FederatedIdentityCredential]) []FederatedIdentityCredential {
	if rows == nil {
		return []FederatedIdentityCredential{}
	}
	return cloneAll(rows.all())
}

func (f FederatedIdentityCredential) Clone() FederatedIdentityCredential {
	f.Audiences = slices.Clone(f.Audiences)
	return f
}
