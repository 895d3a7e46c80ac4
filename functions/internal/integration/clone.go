package integration

import (
	"slices"
)

// Clone copies the document so that a change of the copy leaves the document as it was.
func (d Document) Clone() Document {
	d.Spec = d.Spec.clone()
	d.Status.FederatedCredentials = slices.Clone(d.Status.FederatedCredentials)
	d.Status.RoleAssignments = slices.Clone(d.Status.RoleAssignments)
	d.Status.Conditions = slices.Clone(d.Status.Conditions)
	if d.Status.Health != nil {
		health := *d.Status.Health
		d.Status.Health = &health
	}
	if d.Status.DDOE != nil {
		platform := *d.Status.DDOE
		if platform.Driver != nil {
			driver := *platform.Driver
			platform.Driver = &driver
		}
		if platform.Form != nil {
			form := *platform.Form
			platform.Form = &form
		}
		if platform.Confirmed != nil {
			confirmed := *platform.Confirmed
			platform.Confirmed = &confirmed
		}
		d.Status.DDOE = &platform
	}
	return d
}
