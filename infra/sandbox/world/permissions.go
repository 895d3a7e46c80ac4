package world

import (
	"slices"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
)

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

// Permissions are what principals may do in the directory: the objects that they own, and the application permissions
// of Microsoft Graph that an administrator gave them.
type Permissions struct {
	*part.Base

	state permissionsState
}

type permissionsState struct {
	owners   *part.Table[Owners]
	appRoles *part.Table[AppRoles]
}

func newPermissions(b *part.Base) *Permissions {
	return &Permissions{Base: b, state: permissionsState{owners: part.NewTable[Owners](),
		appRoles: part.NewTable[AppRoles]()}}
}

// Owners returns the ids of the principals that own a directory object.
func (p *Permissions) Owners(objectID string) []string {
	p.Mu.RLock()
	defer p.Mu.RUnlock()
	o, _ := p.state.owners.Get(objectID)
	return slices.Clone(o.Owners)
}

// AddOwner makes a principal an owner of a directory object.
func (p *Permissions) AddOwner(objectID, principalID string) {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	p.addOwner(objectID, principalID)
}

func (p *Permissions) addOwner(objectID, principalID string) {
	o, _ := p.state.owners.Get(objectID)
	if slices.Contains(o.Owners, principalID) {
		return
	}
	p.state.owners.Put(objectID, Owners{ID: objectID, Owners: append(slices.Clone(o.Owners), principalID)})
}

// AppRoles returns a principal's Graph application permissions.
func (p *Permissions) AppRoles(principalID string) []string {
	p.Mu.RLock()
	defer p.Mu.RUnlock()
	r, _ := p.state.appRoles.Get(principalID)
	return slices.Clone(r.Roles)
}

// SetAppRoles replaces a principal's Graph application permissions.
func (p *Permissions) SetAppRoles(principalID string, roles ...string) {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	p.state.appRoles.Put(principalID, AppRoles{ID: principalID, Roles: append([]string{}, roles...)})
}

// removeOwners forgets the owners of an object that is gone for good.
func (p *Permissions) removeOwners(objectID string) { p.state.owners.Delete(objectID) }

func (p *Permissions) addTo(s *Snapshot) {
	s.Owners, s.AppRoles = part.CloneAll(p.state.owners.All()), part.CloneAll(p.state.appRoles.All())
}

func (p *Permissions) editors() map[string]part.Editor {
	return map[string]part.Editor{
		"owners":   part.Plain(p.state.owners, func(o *Owners) *string { return &o.ID }),
		"appRoles": part.Plain(p.state.appRoles, func(r *AppRoles) *string { return &r.ID }),
	}
}

func (o Owners) Clone() Owners {
	o.Owners = slices.Clone(o.Owners)
	return o
}

func (r AppRoles) Clone() AppRoles {
	r.Roles = slices.Clone(r.Roles)
	return r
}
