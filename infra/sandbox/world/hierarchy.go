package world

import "strings"

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
	*base

	state hierarchyState
}

type hierarchyState struct {
	tenants        *table[Tenant]
	subscriptions  *table[Subscription]
	resourceGroups *table[ResourceGroup]
	resources      *table[Resource]
}

func newHierarchy(b *base) *Hierarchy {
	return &Hierarchy{base: b, state: hierarchyState{
		tenants: newTable[Tenant](), subscriptions: newTable[Subscription](),
		resourceGroups: newTable[ResourceGroup](), resources: newTable[Resource](),
	}}
}

// Tenants returns the tenants.
func (h *Hierarchy) Tenants() []Tenant {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.state.tenants.all()
}

// Tenant returns a tenant by its id or one of its domains.
func (h *Hierarchy) Tenant(idOrDomain string) (Tenant, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, t := range h.state.tenants.all() {
		if strings.EqualFold(t.ID, idOrDomain) || strings.EqualFold(t.Domain, idOrDomain) {
			return t, true
		}
	}
	return Tenant{}, false
}

// Subscriptions returns the subscriptions.
func (h *Hierarchy) Subscriptions() []Subscription {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.state.subscriptions.all()
}

// Subscription returns a subscription by its GUID.
func (h *Hierarchy) Subscription(id string) (Subscription, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.state.subscriptions.get(id)
}

// ResourceGroup returns a resource group by its full ARM id.
func (h *Hierarchy) ResourceGroup(id string) (ResourceGroup, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.state.resourceGroups.get(id)
}

// Resources returns the resources that have no place of their own in the world.
func (h *Hierarchy) Resources() []Resource {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.state.resources.all()
}

// Resource returns a resource that is not a storage account, by its full ARM id.
func (h *Hierarchy) Resource(id string) (Resource, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.state.resources.get(id)
}

// PutTenant adds or replaces a tenant.
func (h *Hierarchy) PutTenant(t Tenant) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state.tenants.put(t.ID, t)
}

// PutSubscription adds or replaces a subscription.
func (h *Hierarchy) PutSubscription(s Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state.subscriptions.put(s.ID, s)
}

// PutResourceGroup adds or replaces a resource group.
func (h *Hierarchy) PutResourceGroup(g ResourceGroup) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state.resourceGroups.put(g.ID, g)
}

// PutResource adds or replaces a resource.
func (h *Hierarchy) PutResource(r Resource) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state.resources.put(r.ID, r)
}

// addResourceGroup adds a resource group if it is new.
func (h *Hierarchy) addResourceGroup(id, location string) {
	if _, ok := h.state.resourceGroups.get(id); !ok {
		h.state.resourceGroups.put(id, ResourceGroup{ID: id, Location: location})
	}
}

// seedResource adds the resource group and the resource that an id is, or lies in, where they are not there yet.
// Storage accounts and managed identities are left out: Storage and Identities have them.
func (h *Hierarchy) seedResource(id, location string) {
	h.mu.Lock()
	defer h.mu.Unlock()
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
	if _, ok := h.state.resources.get(id); !ok {
		h.state.resources.put(id, Resource{ID: id, Location: location})
	}
}

func (h *Hierarchy) addTo(s *Snapshot) {
	s.Tenants, s.Subscriptions = h.state.tenants.all(), h.state.subscriptions.all()
	s.ResourceGroups, s.Resources = h.state.resourceGroups.all(), h.state.resources.all()
}

func (h *Hierarchy) editors() map[string]editor {
	return map[string]editor{
		"tenants":        plain(h.state.tenants, func(t *Tenant) *string { return &t.ID }),
		"subscriptions":  plain(h.state.subscriptions, func(t *Subscription) *string { return &t.ID }),
		"resourceGroups": plain(h.state.resourceGroups, func(t *ResourceGroup) *string { return &t.ID }),
		"resources":      plain(h.state.resources, func(t *Resource) *string { return &t.ID }),
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
