package world

import "slices"

// Graph application permissions that the sandbox knows.
const (
	AppRoleReadWriteOwnedBy = "Application.ReadWrite.OwnedBy"
	AppRoleReadWriteAll     = "Application.ReadWrite.All"
	AppRoleReadAll          = "Application.Read.All"
)

// appRoleByID is the name of an app role of Microsoft Graph.
// Source: https://learn.microsoft.com/graph/permissions-reference.
func appRoleByID(id string) (string, bool) {
	name, ok := map[string]string{
		"18a4783c-866b-4cc7-a460-3d5e5662c884": AppRoleReadWriteOwnedBy,
		"1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9": AppRoleReadWriteAll,
		"9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30": AppRoleReadAll,
	}[id]
	return name, ok
}

// Owners are the principals that own a directory object; ID is the owned object's.
type Owners struct {
	ID     string   `json:"id"`
	Owners []string `json:"owners"`
}

// AppRoles are the Graph application permissions of a principal; ID is the principal's.
type AppRoles struct {
	ID    string   `json:"id"`
	Roles []string `json:"roles"`
}

// Owners returns the ids of the principals that own a directory object.
func (w *World) Owners(objectID string) []string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	o, _ := w.state.owners.get(objectID)
	return slices.Clone(o.Owners)
}

// AddOwner makes a principal an owner of a directory object.
func (w *World) AddOwner(objectID, principalID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.addOwner(objectID, principalID)
}

func (w *World) addOwner(objectID, principalID string) {
	o, _ := w.state.owners.get(objectID)
	if slices.Contains(o.Owners, principalID) {
		return
	}
	w.state.owners.put(objectID, Owners{ID: objectID, Owners: append(slices.Clone(o.Owners), principalID)})
}

// AppRoles returns a principal's Graph application permissions.
func (w *World) AppRoles(principalID string) []string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	r, _ := w.state.appRoles.get(principalID)
	return slices.Clone(r.Roles)
}

// SetAppRoles replaces a principal's Graph application permissions.
func (w *World) SetAppRoles(principalID string, roles ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.appRoles.put(principalID, AppRoles{ID: principalID, Roles: append([]string{}, roles...)})
}

func (o Owners) Clone() Owners {
	o.Owners = slices.Clone(o.Owners)
	return o
}

func (r AppRoles) Clone() AppRoles {
	r.Roles = slices.Clone(r.Roles)
	return r
}
