package world

import (
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
)

// ResourceGroup is a resource group, by its full ARM id.
type ResourceGroup struct {
	ID       string `json:"id"`
	Location string `json:"location"`
}

// Resource is any other resource that exists as a scope only, for example a Service Bus namespace.
type Resource struct {
	ID       string `json:"id"`
	Location string `json:"location"`
}

// Hierarchy is Azure's resource hierarchy: tenants, subscriptions, resource groups, and the resources that exist as
// scopes only.
type Hierarchy struct {
	*part.Base

	state hierarchyState
}

type hierarchyState struct {
	tenants        *part.Table[Tenant]
	subscriptions  *part.Table[Subscription]
	resourceGroups *part.Table[ResourceGroup]
	resources      *part.Table[Resource]
}

func newHierarchy(b *part.Base) *Hierarchy {
	return &Hierarchy{Base: b, state: hierarchyState{
		tenants: part.NewTable[Tenant](), subscriptions: part.NewTable[Subscription](),
		resourceGroups: part.NewTable[ResourceGroup](), resources: part.NewTable[Resource](),
	}}
}

// Tenants returns the tenants.
func (h *Hierarchy) Tenants() []Tenant {
	h.Mu.RLock()
	defer h.Mu.RUnlock()
	return h.state.tenants.All()
}

// Tenant returns a tenant by its id or one of its domains.
func (h *Hierarchy) Tenant(idOrDomain string) (Tenant, bool) {
	h.Mu.RLock()
	defer h.Mu.RUnlock()
	for _, t := range h.state.tenants.All() {
		if strings.EqualFold(t.ID, idOrDomain) || strings.EqualFold(t.Domain, idOrDomain) {
			return t, true
		}
	}
	return Tenant{}, false
}

// Subscriptions returns the subscriptions.
func (h *Hierarchy) Subscriptions() []Subscription {
	h.Mu.RLock()
	defer h.Mu.RUnlock()
	return h.state.subscriptions.All()
}

// Subscription returns a subscription by its GUID.
func (h *Hierarchy) Subscription(id string) (Subscription, bool) {
	h.Mu.RLock()
	defer h.Mu.RUnlock()
	return h.state.subscriptions.Get(id)
}

// ResourceGroup returns a resource group by its full ARM id.
func (h *Hierarchy) ResourceGroup(id string) (ResourceGroup, bool) {
	h.Mu.RLock()
	defer h.Mu.RUnlock()
	return h.state.resourceGroups.Get(id)
}

// Resources returns the resources that have no place of their own in the world.
func (h *Hierarchy) Resources() []Resource {
	h.Mu.RLock()
	defer h.Mu.RUnlock()
	return h.state.resources.All()
}

// Resource returns a resource that is not a storage account, by its full ARM id.
func (h *Hierarchy) Resource(id string) (Resource, bool) {
	h.Mu.RLock()
	defer h.Mu.RUnlock()
	return h.state.resources.Get(id)
}

// PutTenant adds or replaces a tenant.
func (h *Hierarchy) PutTenant(t Tenant) {
	h.Mu.Lock()
	defer h.Mu.Unlock()
	h.state.tenants.Put(t.ID, t)
}

// PutSubscription adds or replaces a subscription.
func (h *Hierarchy) PutSubscription(s Subscription) {
	h.Mu.Lock()
	defer h.Mu.Unlock()
	h.state.subscriptions.Put(s.ID, s)
}

// PutResourceGroup adds or replaces a resource group.
func (h *Hierarchy) PutResourceGroup(g ResourceGroup) {
	h.Mu.Lock()
	defer h.Mu.Unlock()
	h.state.resourceGroups.Put(g.ID, g)
}

// addResourceGroup adds a resource group if it is new.
func (h *Hierarchy) addResourceGroup(id, location string) {
	if _, ok := h.state.resourceGroups.Get(id); !ok {
		h.state.resourceGroups.Put(id, ResourceGroup{ID: id, Location: location})
	}
}

// seedResource adds the resource group and the resource that an id is, or lies in, where they are not there yet.
// Storage accounts and managed identities are left out: Storage and Identities have them.
func (h *Hierarchy) seedResource(id, location string) {
	h.Mu.Lock()
	defer h.Mu.Unlock()
	if group := resourceGroupOf(id); group != "" {
		h.addResourceGroup(group, location)
	}
	const resource = 9 // /subscriptions/{}/resourceGroups/{}/providers/{}/{}/{}
	parts := strings.Split(id, "/")
	if len(parts) < resource || strings.EqualFold(parts[7], "storageAccounts") ||
		strings.EqualFold(parts[7], "userAssignedIdentities") {
		return
	}
	id = strings.Join(parts[:resource], "/")
	if _, ok := h.state.resources.Get(id); !ok {
		h.state.resources.Put(id, Resource{ID: id, Location: location})
	}
}

func (h *Hierarchy) addTo(s *Snapshot) {
	s.Tenants, s.Subscriptions = h.state.tenants.All(), h.state.subscriptions.All()
	s.ResourceGroups, s.Resources = h.state.resourceGroups.All(), h.state.resources.All()
}

func (h *Hierarchy) editors() map[string]part.Editor {
	return map[string]part.Editor{
		"tenants":        part.Plain(h.state.tenants, func(t *Tenant) *string { return &t.ID }),
		"subscriptions":  part.Plain(h.state.subscriptions, func(t *Subscription) *string { return &t.ID }),
		"resourceGroups": part.Plain(h.state.resourceGroups, func(t *ResourceGroup) *string { return &t.ID }),
		"resources":      part.Plain(h.state.resources, func(t *Resource) *string { return &t.ID }),
	}
}

// resourceGroupOf is the id of the resource group that a resource id names, or "".
func resourceGroupOf(resourceID string) string {
	parts := strings.Split(resourceID, "/")
	if len(parts) < 5 || !strings.EqualFold(parts[3], "resourceGroups") {
		return ""
	}
	return strings.Join(parts[:5], "/")
}
