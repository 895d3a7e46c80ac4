package world

import (
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
)

// Types of service principal.
const (
	PrincipalApplication     = "Application"
	PrincipalManagedIdentity = "ManagedIdentity"
)

// Principals are the live service principals of the tenant.
type Principals struct {
	*part.Base

	applications *AppRegistrations
	permissions  *Permissions
	state        principalsState
}

type principalsState struct {
	rows    *part.Table[ServicePrincipal]
	byAppID map[string]string // lower appId → object id
}

func newPrincipals(b *part.Base, applications *AppRegistrations, permissions *Permissions) *Principals {
	return &Principals{Base: b, applications: applications, permissions: permissions,
		state: principalsState{rows: part.NewTable[ServicePrincipal](), byAppID: map[string]string{}}}
}

// ServicePrincipals returns the live service principals, oldest first.
func (p *Principals) ServicePrincipals() []ServicePrincipal {
	p.Mu.RLock()
	defer p.Mu.RUnlock()
	return p.all()
}

// ServicePrincipal returns a live service principal by object id.
func (p *Principals) ServicePrincipal(id string) (ServicePrincipal, bool) {
	p.Mu.RLock()
	defer p.Mu.RUnlock()
	sp, ok := p.get(id)
	return sp.Clone(), ok
}

// ServicePrincipalByAppID returns a live service principal by client id.
func (p *Principals) ServicePrincipalByAppID(appID string) (ServicePrincipal, bool) {
	p.Mu.RLock()
	defer p.Mu.RUnlock()
	sp, ok := p.get(p.state.byAppID[part.Key(appID)])
	return sp.Clone(), ok
}

// PrincipalVisible tells whether a role assignment may name this service principal by now: it exists and its creation
// has been replicated. known is false for an id that the directory does not know at all.
func (p *Principals) PrincipalVisible(id string) (known, visible bool) {
	p.Mu.RLock()
	defer p.Mu.RUnlock()
	sp, ok := p.get(id)
	return ok, ok && p.IsReplicated(sp.CreatedDateTime)
}

// CreateServicePrincipal adds the service principal of an application of this tenant, with ownerID (if any) as owner.
// Errors: ErrNoBackingApplication (absent, or not replicated), ErrExists.
func (p *Principals) CreateServicePrincipal(sp ServicePrincipal, ownerID string) (ServicePrincipal, error) {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	if _, exists := p.state.byAppID[part.Key(sp.AppID)]; exists {
		return ServicePrincipal{}, ErrExists
	}
	app, ok := p.applications.byAppID(sp.AppID)
	if !ok || !p.IsReplicated(app.CreatedDateTime) {
		return ServicePrincipal{}, ErrNoBackingApplication
	}
	sp = p.complete(sp.Clone(), app)
	if _, exists := p.get(sp.ID); exists {
		return ServicePrincipal{}, ErrExists
	}
	p.put(sp)
	if ownerID != "" {
		p.permissions.addOwner(sp.ID, ownerID)
	}
	return sp.Clone(), nil
}

// UpdateServicePrincipal changes a live service principal in place; ids, type and times cannot be changed. change must
// not call the world.
func (p *Principals) UpdateServicePrincipal(
	id string, change func(*ServicePrincipal) error,
) (ServicePrincipal, error) {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	old, ok := p.get(id)
	if !ok {
		return ServicePrincipal{}, ErrNotFound
	}
	next := old.Clone()
	if err := change(&next); err != nil {
		return ServicePrincipal{}, err
	}
	next.ID, next.AppID, next.ServicePrincipalType = old.ID, old.AppID, old.ServicePrincipalType
	next.CreatedDateTime, next.DeletedDateTime = old.CreatedDateTime, nil
	p.put(next)
	return next.Clone(), nil
}

// PutServicePrincipal adds or replaces a service principal as it is, without asking for a backing application.
func (p *Principals) PutServicePrincipal(sp ServicePrincipal) {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	p.put(p.complete(sp, Application{}))
}

func (p *Principals) complete(sp ServicePrincipal, app Application) ServicePrincipal {
	if sp.ID == "" {
		sp.ID = part.NewID()
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
		sp.CreatedDateTime = p.Now()
	}
	sp.ID, sp.AppID = strings.ToLower(sp.ID), strings.ToLower(sp.AppID)
	return sp
}

func (p *Principals) put(sp ServicePrincipal) {
	if old, ok := p.get(sp.ID); ok {
		delete(p.state.byAppID, part.Key(old.AppID))
	}
	p.state.rows.Put(sp.ID, sp.Clone())
	p.state.byAppID[part.Key(sp.AppID)] = sp.ID
}

// remove takes a live service principal out and returns it.
func (p *Principals) remove(id string) (ServicePrincipal, bool) {
	sp, ok := p.get(id)
	if !ok {
		return ServicePrincipal{}, false
	}
	p.state.rows.Delete(sp.ID)
	delete(p.state.byAppID, part.Key(sp.AppID))
	return sp, true
}

// get returns the live service principal itself: not to be changed.
func (p *Principals) get(id string) (ServicePrincipal, bool) { return p.state.rows.Get(id) }

// all returns copies of the live service principals, oldest first.
func (p *Principals) all() []ServicePrincipal { return part.CloneAll(p.state.rows.All()) }

// isLive tells whether there is a live service principal with this object id.
func (p *Principals) isLive(id string) bool {
	_, ok := p.get(id)
	return ok
}

// ofApp returns the object id of the live service principal with the client id.
func (p *Principals) ofApp(appID string) (string, bool) {
	id, ok := p.state.byAppID[part.Key(appID)]
	return id, ok
}

// isAppIDTaken tells whether a live service principal other than id has the client id.
func (p *Principals) isAppIDTaken(appID, id string) bool {
	holder, held := p.ofApp(appID)
	return held && part.Key(holder) != part.Key(id)
}

func (sp ServicePrincipal) Clone() ServicePrincipal {
	sp.Tags = slices.Clone(sp.Tags)
	if sp.DeletedDateTime != nil {
		t := *sp.DeletedDateTime
		sp.DeletedDateTime = &t
	}
	return sp
}
