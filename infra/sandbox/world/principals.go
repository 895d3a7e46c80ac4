package world

import (
	"slices"
	"strings"
)

// Types of service principal.
const (
	PrincipalApplication     = "Application"
	PrincipalManagedIdentity = "ManagedIdentity"
)

// ServicePrincipals returns the live service principals, oldest first.
func (w *World) ServicePrincipals() []ServicePrincipal {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return cloneAll(w.state.principals.all())
}

// ServicePrincipal returns a live service principal by object id.
func (w *World) ServicePrincipal(id string) (ServicePrincipal, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	sp, ok := w.state.principals.get(id)
	return sp.Clone(), ok
}

// ServicePrincipalByAppID returns a live service principal by client id.
func (w *World) ServicePrincipalByAppID(appID string) (ServicePrincipal, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	sp, ok := w.state.principals.get(w.state.spByAppID[key(appID)])
	return sp.Clone(), ok
}

// PrincipalVisible tells whether a role assignment may name this service principal by now: it exists and its creation
// has been replicated. known is false for an id that the directory does not know at all.
func (w *World) PrincipalVisible(id string) (known, visible bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	sp, ok := w.state.principals.get(id)
	return ok, ok && w.replicated(sp.CreatedDateTime)
}

// CreateServicePrincipal adds the service principal of an application of this tenant, with ownerID (if any) as owner.
// Errors: ErrNoBackingApplication (absent, or not replicated), ErrExists.
func (w *World) CreateServicePrincipal(sp ServicePrincipal, ownerID string) (ServicePrincipal, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, exists := w.state.spByAppID[key(sp.AppID)]; exists {
		return ServicePrincipal{}, ErrExists
	}
	app, ok := w.applicationByAppID(sp.AppID)
	if !ok || !w.replicated(app.CreatedDateTime) {
		return ServicePrincipal{}, ErrNoBackingApplication
	}
	sp = w.completePrincipal(sp.Clone(), app)
	if _, exists := w.state.principals.get(sp.ID); exists {
		return ServicePrincipal{}, ErrExists
	}
	w.putPrincipal(sp)
	if ownerID != "" {
		w.addOwner(sp.ID, ownerID)
	}
	return sp.Clone(), nil
}

// UpdateServicePrincipal changes a live service principal in place; ids, type and times cannot be changed. change must
// not call the world.
func (w *World) UpdateServicePrincipal(id string, change func(*ServicePrincipal) error) (ServicePrincipal, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	old, ok := w.state.principals.get(id)
	if !ok {
		return ServicePrincipal{}, ErrNotFound
	}
	next := old.Clone()
	if err := change(&next); err != nil {
		return ServicePrincipal{}, err
	}
	next.ID, next.AppID, next.ServicePrincipalType = old.ID, old.AppID, old.ServicePrincipalType
	next.CreatedDateTime, next.DeletedDateTime = old.CreatedDateTime, nil
	w.putPrincipal(next)
	return next.Clone(), nil
}

// DeleteServicePrincipal moves a service principal to the recycle bin. Its role assignments stay behind.
func (w *World) DeleteServicePrincipal(id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.removePrincipal(id)
}

func (w *World) binServicePrincipal(id string) {
	sp, ok := w.state.principals.get(id)
	if !ok {
		return
	}
	now := w.Now()
	sp.DeletedDateTime = &now
	w.state.principals.delete(sp.ID)
	delete(w.state.spByAppID, key(sp.AppID))
	w.state.binned.put(sp.ID, DeletedItem{ID: sp.ID, Type: TypeServicePrincipal, ServicePrincipal: &sp})
}

func (w *World) completePrincipal(sp ServicePrincipal, app Application) ServicePrincipal {
	if sp.ID == "" {
		sp.ID = newID()
	}
	if sp.DisplayName == "" {
		sp.DisplayName = app.DisplayName
	}
	if sp.ServicePrincipalType == "" {
		sp.ServicePrincipalType = PrincipalApplication
	}
	if sp.Tags == nil {
		sp.Tags = append([]string{}, app.Tags...)
	}
	if sp.CreatedDateTime.IsZero() {
		sp.CreatedDateTime = w.Now()
	}
	sp.ID, sp.AppID = strings.ToLower(sp.ID), strings.ToLower(sp.AppID)
	return sp
}

func (w *World) putPrincipal(sp ServicePrincipal) {
	if old, ok := w.state.principals.get(sp.ID); ok {
		delete(w.state.spByAppID, key(old.AppID))
	}
	w.state.principals.put(sp.ID, sp.Clone())
	w.state.spByAppID[key(sp.AppID)] = sp.ID
}

func (sp ServicePrincipal) Clone() ServicePrincipal {
	sp.Tags = slices.Clone(sp.Tags)
	if sp.DeletedDateTime != nil {
		t := *sp.DeletedDateTime
		sp.DeletedDateTime = &t
	}
	return sp
}
