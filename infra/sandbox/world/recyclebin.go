package world

import "github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"

// Types of a DeletedItem, as Graph names them.
const (
	TypeApplication      = "microsoft.graph.application"
	TypeServicePrincipal = "microsoft.graph.servicePrincipal"
)

// DeleteApplication soft-deletes an application: it goes to the recycle bin with its federated credentials, and its
// service principal goes there as an item of its own. The uniqueName stays taken, role assignments stay behind.
func (d *Directory) DeleteApplication(id string) error {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	return d.binApplication(id)
}

func (d *Directory) binApplication(id string) error {
	a, ok := d.AppRegistrations.get(id)
	if !ok {
		return ErrNotFound
	}
	if principal, ok := d.Principals.ofApp(a.AppID); ok {
		if err := d.binPrincipal(principal); err != nil {
			return err
		}
	}
	d.AppRegistrations.remove(a)
	now := d.Now()
	a.DeletedDateTime = &now
	d.Credentials.bin(a.ID)
	d.state.binned.Put(a.ID, DeletedItem{ID: a.ID, Type: TypeApplication, Application: &a})
	return nil
}

// DeleteServicePrincipal moves a service principal to the recycle bin. Its role assignments stay behind.
func (d *Directory) DeleteServicePrincipal(id string) error {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	return d.binPrincipal(id)
}

func (d *Directory) binPrincipal(id string) error {
	sp, ok := d.Principals.remove(id)
	if !ok {
		return ErrNotFound
	}
	now := d.Now()
	sp.DeletedDateTime = &now
	d.state.binned.Put(sp.ID, DeletedItem{ID: sp.ID, Type: TypeServicePrincipal, ServicePrincipal: &sp})
	return nil
}

// DeletedItems returns the recycle bin, oldest first.
func (d *Directory) DeletedItems() []DeletedItem {
	d.Mu.RLock()
	defer d.Mu.RUnlock()
	return part.CloneAll(d.state.binned.All())
}

// DeletedItem returns an entry of the recycle bin by object id.
func (d *Directory) DeletedItem(id string) (DeletedItem, bool) {
	d.Mu.RLock()
	defer d.Mu.RUnlock()
	item, ok := d.state.binned.Get(id)
	return item.Clone(), ok
}

// RestoreDeletedItem takes an object back out of the recycle bin. An application comes back with its federated
// credentials but without its service principal, which is an item of its own. Errors: ErrNotFound; for a service
// principal ErrNoBackingApplication, or ErrExists where its application has a new one by now.
func (d *Directory) RestoreDeletedItem(id string) (DeletedItem, error) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	item, ok := d.state.binned.Get(id)
	if !ok {
		return DeletedItem{}, ErrNotFound
	}
	item = item.Clone()
	if item.Application != nil {
		d.restoreApplication(item.Application)
	} else if err := d.restorePrincipal(item.ServicePrincipal); err != nil {
		return DeletedItem{}, err
	}
	d.state.binned.Delete(id)
	return item, nil
}

func (d *Directory) restoreApplication(a *Application) {
	a.DeletedDateTime = nil
	d.AppRegistrations.put(*a)
	d.Credentials.restore(a.ID)
}

func (d *Directory) restorePrincipal(sp *ServicePrincipal) error {
	if _, ok := d.AppRegistrations.byAppID(sp.AppID); !ok && sp.ServicePrincipalType == PrincipalApplication {
		return ErrNoBackingApplication
	}
	if _, exists := d.Principals.ofApp(sp.AppID); exists {
		return ErrExists
	}
	sp.DeletedDateTime = nil
	d.Principals.put(*sp)
	return nil
}

// PurgeDeletedItem removes an object for good; only now is an application's uniqueName free again.
func (d *Directory) PurgeDeletedItem(id string) error {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	return d.purge(id)
}

func (d *Directory) purge(id string) error {
	item, ok := d.state.binned.Get(id)
	if !ok {
		return ErrNotFound
	}
	d.state.binned.Delete(id)
	d.removeOwners(id)
	if a := item.Application; a != nil {
		d.Credentials.purge(a.ID)
		d.freeName(*a)
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
