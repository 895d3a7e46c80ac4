package world

import (
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
)

// AppRegistrations are the applications of the tenant: the live ones, and the uniqueNames that soft-deleted ones hold.
type AppRegistrations struct {
	*part.Base

	permissions *Permissions
	state       appRegistrationsState
}

type appRegistrationsState struct {
	rows         *part.Table[Application]
	byAppID      map[string]string // lower appId → object id
	byUniqueName map[string]string // uniqueName → object id, soft-deleted holders included
}

func newAppRegistrations(b *part.Base, permissions *Permissions) *AppRegistrations {
	return &AppRegistrations{Base: b, permissions: permissions, state: appRegistrationsState{
		rows: part.NewTable[Application](), byAppID: map[string]string{}, byUniqueName: map[string]string{},
	}}
}

// Applications returns the live applications, oldest first.
func (r *AppRegistrations) Applications() []Application {
	r.Mu.RLock()
	defer r.Mu.RUnlock()
	return r.all()
}

// Application returns a live application by object id.
func (r *AppRegistrations) Application(id string) (Application, bool) {
	r.Mu.RLock()
	defer r.Mu.RUnlock()
	a, ok := r.get(id)
	return a.Clone(), ok
}

// ApplicationByAppID returns a live application by client id.
func (r *AppRegistrations) ApplicationByAppID(appID string) (Application, bool) {
	r.Mu.RLock()
	defer r.Mu.RUnlock()
	a, ok := r.byAppID(appID)
	return a.Clone(), ok
}

// ApplicationByUniqueName returns a live application by uniqueName, which is case-sensitive.
func (r *AppRegistrations) ApplicationByUniqueName(name string) (Application, bool) {
	r.Mu.RLock()
	defer r.Mu.RUnlock()
	id, ok := r.state.byUniqueName[name]
	if !ok {
		return Application{}, false
	}
	a, ok := r.get(id)
	return a.Clone(), ok
}

func (r *AppRegistrations) byAppID(appID string) (Application, bool) {
	id, ok := r.state.byAppID[part.Key(appID)]
	if !ok {
		return Application{}, false
	}
	return r.get(id)
}

// CreateApplication adds an application, gives it the ids and the time that it lacks, and makes ownerID (if any) its
// owner. ErrUniqueNameTaken while another application, live or soft-deleted, holds the name.
func (r *AppRegistrations) CreateApplication(a Application, ownerID string) (Application, error) {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	if r.isNameTaken(a.UniqueName, "") {
		return Application{}, ErrUniqueNameTaken
	}
	a = r.complete(a.Clone())
	if _, exists := r.get(a.ID); exists {
		return Application{}, ErrExists
	}
	r.put(a)
	if ownerID != "" {
		r.permissions.addOwner(a.ID, ownerID)
	}
	return a.Clone(), nil
}

// UpdateApplication changes a live application in place; ids, uniqueName and times cannot be changed. An error of
// change leaves it as it was. change must not call the world.
func (r *AppRegistrations) UpdateApplication(id string, change func(*Application) error) (Application, error) {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	old, ok := r.get(id)
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
	} else if r.isNameTaken(next.UniqueName, "") {
		return Application{}, ErrUniqueNameTaken
	}
	r.put(next)
	return next.Clone(), nil
}

// complete fills what the service gives to a new application.
func (r *AppRegistrations) complete(a Application) Application {
	if a.ID == "" {
		a.ID = part.NewID()
	}
	if a.AppID == "" {
		a.AppID = part.NewID()
	}
	if a.CreatedDateTime.IsZero() {
		a.CreatedDateTime = r.Now()
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

func (r *AppRegistrations) put(a Application) {
	if old, ok := r.get(a.ID); ok {
		delete(r.state.byAppID, part.Key(old.AppID))
		delete(r.state.byUniqueName, old.UniqueName)
	}
	r.state.rows.Put(a.ID, a.Clone())
	r.state.byAppID[part.Key(a.AppID)] = a.ID
	if a.UniqueName != "" {
		r.state.byUniqueName[a.UniqueName] = a.ID
	}
}

// remove takes an application out of the live ones; its uniqueName stays taken until freeName.
func (r *AppRegistrations) remove(a Application) {
	r.state.rows.Delete(a.ID)
	delete(r.state.byAppID, part.Key(a.AppID))
}

// get returns the live application itself: not to be changed.
func (r *AppRegistrations) get(id string) (Application, bool) { return r.state.rows.Get(id) }

// all returns copies of the live applications, oldest first.
func (r *AppRegistrations) all() []Application { return part.CloneAll(r.state.rows.All()) }

// isLive tells whether there is a live application with this object id.
func (r *AppRegistrations) isLive(id string) bool {
	_, ok := r.get(id)
	return ok
}

// isNameTaken tells whether an application other than id, live or soft-deleted, holds the uniqueName.
func (r *AppRegistrations) isNameTaken(name, id string) bool {
	holder, held := r.state.byUniqueName[name]
	return held && name != "" && (id == "" || part.Key(holder) != part.Key(id))
}

// isAppIDTaken tells whether a live application other than id has the client id.
func (r *AppRegistrations) isAppIDTaken(appID, id string) bool {
	holder, held := r.state.byAppID[part.Key(appID)]
	return held && part.Key(holder) != part.Key(id)
}

// holdName keeps a uniqueName for a soft-deleted application.
func (r *AppRegistrations) holdName(a Application) {
	if a.UniqueName != "" {
		r.state.byUniqueName[a.UniqueName] = a.ID
	}
}

// freeName gives up the uniqueName of an application that is gone for good.
func (r *AppRegistrations) freeName(a Application) {
	if r.state.byUniqueName[a.UniqueName] == a.ID {
		delete(r.state.byUniqueName, a.UniqueName)
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
