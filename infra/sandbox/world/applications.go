package world

import (
	"slices"
	"strings"
)

// Applications returns the live applications, oldest first.
func (w *World) Applications() []Application {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return cloneAll(w.state.applications.all())
}

// Application returns a live application by object id.
func (w *World) Application(id string) (Application, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	a, ok := w.state.applications.get(id)
	return a.Clone(), ok
}

// ApplicationByAppID returns a live application by client id.
func (w *World) ApplicationByAppID(appID string) (Application, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	a, ok := w.applicationByAppID(appID)
	return a.Clone(), ok
}

// ApplicationByUniqueName returns a live application by uniqueName, which is case-sensitive.
func (w *World) ApplicationByUniqueName(name string) (Application, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	id, ok := w.state.appByUniqueName[name]
	if !ok {
		return Application{}, false
	}
	a, ok := w.state.applications.get(id)
	return a.Clone(), ok
}

func (w *World) applicationByAppID(appID string) (Application, bool) {
	id, ok := w.state.appByAppID[key(appID)]
	if !ok {
		return Application{}, false
	}
	return w.state.applications.get(id)
}

// CreateApplication adds an application, gives it the ids and the time that it lacks, and makes ownerID (if any) its
// owner. ErrUniqueNameTaken while another application, live or soft-deleted, holds the name.
func (w *World) CreateApplication(a Application, ownerID string) (Application, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, taken := w.state.appByUniqueName[a.UniqueName]; taken && a.UniqueName != "" {
		return Application{}, ErrUniqueNameTaken
	}
	a = w.completeApplication(a.Clone())
	if _, exists := w.state.applications.get(a.ID); exists {
		return Application{}, ErrExists
	}
	w.putApplication(a)
	if ownerID != "" {
		w.addOwner(a.ID, ownerID)
	}
	return a.Clone(), nil
}

// UpdateApplication changes a live application in place; ids, uniqueName and times cannot be changed. An error of
// change leaves it as it was. change must not call the world.
func (w *World) UpdateApplication(id string, change func(*Application) error) (Application, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	old, ok := w.state.applications.get(id)
	if !ok {
		return Application{}, ErrNotFound
	}
	next := old.Clone()
	if err := change(&next); err != nil {
		return Application{}, err
	}
	next.ID, next.AppID, next.CreatedDateTime, next.DeletedDateTime = old.ID, old.AppID, old.CreatedDateTime, nil
	if old.UniqueName != "" {
		next.UniqueName = old.UniqueName
	} else if _, taken := w.state.appByUniqueName[next.UniqueName]; taken && next.UniqueName != "" {
		return Application{}, ErrUniqueNameTaken
	}
	w.putApplication(next)
	return next.Clone(), nil
}

// DeleteApplication soft-deletes an application: it goes to the recycle bin with its federated credentials, and its
// service principal goes there as an item of its own. The uniqueName stays taken, role assignments stay behind.
func (w *World) DeleteApplication(id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.binApplication(id)
}

func (w *World) binApplication(id string) error {
	a, ok := w.state.applications.get(id)
	if !ok {
		return ErrNotFound
	}
	if spID, ok := w.state.spByAppID[key(a.AppID)]; ok {
		w.binServicePrincipal(spID)
	}
	now := w.Now()
	a.DeletedDateTime = &now
	w.state.applications.delete(a.ID)
	delete(w.state.appByAppID, key(a.AppID))
	if trust, ok := w.state.credentials[key(a.ID)]; ok {
		w.state.binnedTrust[key(a.ID)] = trust
		delete(w.state.credentials, key(a.ID))
	}
	w.state.binned.put(a.ID, DeletedItem{ID: a.ID, Type: TypeApplication, Application: &a})
	return nil
}

// completeApplication fills what the service gives to a new application.
func (w *World) completeApplication(a Application) Application {
	if a.ID == "" {
		a.ID = newID()
	}
	if a.AppID == "" {
		a.AppID = newID()
	}
	if a.CreatedDateTime.IsZero() {
		a.CreatedDateTime = w.Now()
	}
	if a.SignInAudience == "" {
		a.SignInAudience = "AzureADMyOrg"
	}
	if a.Tags == nil {
		a.Tags = []string{}
	}
	a.ID, a.AppID = strings.ToLower(a.ID), strings.ToLower(a.AppID)
	return a
}

func (w *World) putApplication(a Application) {
	if old, ok := w.state.applications.get(a.ID); ok {
		delete(w.state.appByAppID, key(old.AppID))
		delete(w.state.appByUniqueName, old.UniqueName)
	}
	w.state.applications.put(a.ID, a.Clone())
	w.state.appByAppID[key(a.AppID)] = a.ID
	if a.UniqueName != "" {
		w.state.appByUniqueName[a.UniqueName] = a.ID
	}
}

func (a Application) Clone() Application {
	a.Tags = slices.Clone(a.Tags)
	if a.DeletedDateTime != nil {
		t := *a.DeletedDateTime
		a.DeletedDateTime = &t
	}
	return a
}
