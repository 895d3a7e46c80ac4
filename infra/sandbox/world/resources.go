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

// Tenants returns the tenants.
func (w *World) Tenants() []Tenant {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.state.tenants.all()
}

// Tenant returns a tenant by its id or one of its domains.
func (w *World) Tenant(idOrDomain string) (Tenant, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for _, t := range w.state.tenants.all() {
		if strings.EqualFold(t.ID, idOrDomain) || strings.EqualFold(t.Domain, idOrDomain) {
			return t, true
		}
	}
	return Tenant{}, false
}

// Subscription returns a subscription by its GUID.
func (w *World) Subscription(id string) (Subscription, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.state.subscriptions.get(id)
}

// ResourceGroup returns a resource group by its full ARM id.
func (w *World) ResourceGroup(id string) (ResourceGroup, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.state.resourceGroups.get(id)
}

// Resource returns a resource that is not a storage account, by its full ARM id.
func (w *World) Resource(id string) (Resource, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.state.resources.get(id)
}

// PutTenant adds or replaces a tenant.
func (w *World) PutTenant(t Tenant) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.tenants.put(t.ID, t)
}

// PutSubscription adds or replaces a subscription.
func (w *World) PutSubscription(s Subscription) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.subscriptions.put(s.ID, s)
}

// PutResourceGroup adds or replaces a resource group.
func (w *World) PutResourceGroup(g ResourceGroup) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.resourceGroups.put(g.ID, g)
}

// PutResource adds or replaces a resource.
func (w *World) PutResource(r Resource) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.resources.put(r.ID, r)
}

// PutServicePrincipal adds or replaces a service principal as it is, without asking for a backing application.
func (w *World) PutServicePrincipal(sp ServicePrincipal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.putPrincipal(w.completePrincipal(sp, Application{}))
}

// resourceGroupOf is the id of the resource group that a resource id names, or "".
func resourceGroupOf(resourceID string) string {
	parts := strings.Split(resourceID, "/")
	if len(parts) < 5 || !strings.EqualFold(parts[3], "resourceGroups") {
		return ""
	}
	return strings.Join(parts[:5], "/")
}
