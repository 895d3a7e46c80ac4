package world

// Types of a DeletedItem, as Graph names them.
const (
	TypeApplication      = "microsoft.graph.application"
	TypeServicePrincipal = "microsoft.graph.servicePrincipal"
)

// DeletedItems returns the recycle bin, oldest first.
func (w *World) DeletedItems() []DeletedItem {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return cloneAll(w.state.binned.all())
}

// DeletedItem returns an entry of the recycle bin by object id.
func (w *World) DeletedItem(id string) (DeletedItem, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	d, ok := w.state.binned.get(id)
	return d.Clone(), ok
}

// RestoreDeletedItem takes an object back out of the recycle bin. An application comes back with its federated
// credentials but without its service principal, which is an item of its own. Errors: ErrNotFound; for a service
// principal ErrNoBackingApplication, or ErrExists where its application has a new one by now.
func (w *World) RestoreDeletedItem(id string) (DeletedItem, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	item, ok := w.state.binned.get(id)
	if !ok {
		return DeletedItem{}, ErrNotFound
	}
	item = item.Clone()
	if item.Application != nil {
		w.restoreApplication(item.Application)
	} else if err := w.restorePrincipal(item.ServicePrincipal); err != nil {
		return DeletedItem{}, err
	}
	w.state.binned.delete(id)
	return item, nil
}

func (w *World) restoreApplication(a *Application) {
	a.DeletedDateTime = nil
	w.putApplication(*a)
	if trust, ok := w.state.binnedTrust[key(a.ID)]; ok {
		w.state.credentials[key(a.ID)] = trust
		delete(w.state.binnedTrust, key(a.ID))
	}
}

func (w *World) restorePrincipal(sp *ServicePrincipal) error {
	if _, ok := w.applicationByAppID(sp.AppID); !ok && sp.ServicePrincipalType == PrincipalApplication {
		return ErrNoBackingApplication
	}
	if _, exists := w.state.spByAppID[key(sp.AppID)]; exists {
		return ErrExists
	}
	sp.DeletedDateTime = nil
	w.putPrincipal(*sp)
	return nil
}

// PurgeDeletedItem removes an object for good; only now is an application's uniqueName free again.
func (w *World) PurgeDeletedItem(id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.purge(id)
}

func (w *World) purge(id string) error {
	item, ok := w.state.binned.get(id)
	if !ok {
		return ErrNotFound
	}
	w.state.binned.delete(id)
	w.state.owners.delete(id)
	if a := item.Application; a != nil {
		delete(w.state.binnedTrust, key(a.ID))
		if w.state.appByUniqueName[a.UniqueName] == a.ID {
			delete(w.state.appByUniqueName, a.UniqueName)
		}
	}
	return nil
}

func (d DeletedItem) Clone() DeletedItem {
	if d.Application != nil {
		a := d.Application.Clone()
		d.Application = &a
	}
	if d.ServicePrincipal != nil {
		sp := d.ServicePrincipal.Clone()
		d.ServicePrincipal = &sp
	}
	return d
}
