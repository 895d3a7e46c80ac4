package world

import (
	"maps"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
)

// Directory is the Entra tenant: its parts, the recycle bin, and what moves between them.
type Directory struct {
	*part.Base
	*AppRegistrations
	*Principals
	*Credentials
	*Permissions

	state directoryState
}

type directoryState struct {
	binned *part.Table[DeletedItem]
}

func newDirectory(b *part.Base) *Directory {
	permissions := newPermissions(b)
	applications := newAppRegistrations(b, permissions)
	return &Directory{
		Base:             b,
		AppRegistrations: applications,
		Principals:       newPrincipals(b, applications, permissions),
		Credentials:      newCredentials(b, applications),
		Permissions:      permissions,
		state:            directoryState{binned: part.NewTable[DeletedItem]()},
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
	s.DeletedItems = part.CloneAll(d.state.binned.All())
	d.Credentials.addTo(s)
	d.Permissions.addTo(s)
}

func (d *Directory) editors() map[string]part.Editor {
	all := map[string]part.Editor{
		"applications":                 {Put: d.editApplication, Remove: d.binApplication},
		"servicePrincipals":            {Put: d.editPrincipal, Remove: d.binPrincipal},
		"deletedItems":                 {Put: d.editDeletedItem, Remove: d.purge},
		"federatedIdentityCredentials": {Put: d.editCredential, Remove: d.removeCredential},
	}
	maps.Copy(all, d.Permissions.editors())
	return all
}
