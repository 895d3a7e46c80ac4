package integration

import (
	"maps"
	"slices"
)

// Clone copies the document so that a change of the copy leaves the document as it was.
func (d Document) Clone() Document {
	d.Spec = d.Spec.Clone()
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

// Clone copies the spec so that a change of the copy leaves the spec as it was.
func (s Spec) Clone() Spec {
	s.Subjects = slices.Clone(s.Subjects)
	s.Storage = slices.Clone(s.Storage)
	s.Tags = maps.Clone(s.Tags)
	if s.Identity != nil {
		identity := *s.Identity
		s.Identity = &identity
	}
	if s.HealthCheck != nil {
		check := *s.HealthCheck
		s.HealthCheck = &check
	}
	if s.DDOE != nil {
		platform := *s.DDOE
		if platform.Driver != nil {
			driver := *platform.Driver
			platform.Driver = &driver
		}
		s.DDOE = &platform
	}
	return s
}
