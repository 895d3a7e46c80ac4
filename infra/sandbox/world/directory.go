package world

import "maps"

// Directory is the Entra tenant: its parts, the recycle bin, and what moves between them.
type Directory struct {
	*base
	*AppRegistrations
	*Principals
	*Credentials
	*Permissions

	state directoryState
}

type directoryState struct {
	binned *table[DeletedItem]
}

func newDirectory(b *base) *Directory {
	permissions := newPermissions(b)
	applications := newAppRegistrations(b, permissions)
	return &Directory{
		base:             b,
		AppRegistrations: applications,
		Principals:       newPrincipals(b, applications, permissions),
		Credentials:      newCredentials(b, applications),
		Permissions:      permissions,
		state:            directoryState{binned: newTable[DeletedItem]()},
	}
}

// replaceBy takes over what another directory holds.
func (d *Directory) replaceBy(fresh *Directory) {
	d.AppRegistrations.state = fresh.AppRegistrations.state
	d.Principals.state = fresh.Principals.state
	d.Credentials.state = fresh.Credentials.state
	d.Permissions.state = fresh.Permissions.state
	d.state = fresh.state
}

func (d *Directory) addTo(s *Snapshot) {
	s.Applications, s.ServicePrincipals = d.AppRegistrations.all(), d.Principals.all()
	s.DeletedItems = cloneAll(d.state.binned.all())
	d.Credentials.addTo(s)
	d.Permissions.addTo(s)
}

func (d *Directory) editors() map[string]editor {
	all := map[string]editor{
		"applications":                 {put: d.editApplication, remove: d.binApplication},
		"servicePrincipals":            {put: d.editPrincipal, remove: d.binPrincipal},
		"deletedItems":                 {put: d.editDeletedItem, remove: d.purge},
		"federatedIdentityCredentials": {put: d.editCredential, remove: d.removeCredential},
	}
	maps.Copy(all, d.Permissions.editors())
	return all
}
