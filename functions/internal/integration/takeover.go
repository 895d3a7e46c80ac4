package integration

import "slices"

// TakeOver makes an imported integration one of ours, from its next generation on. found is the status with what a
// look has found equal to the spec. That is ours then, whoever has made it, and is removed when it is no longer
// wanted. Before the look, found is empty.
func TakeOver(d *Document, found Status) {
	d.Spec.Identity = d.IdentityGiven(nil)
	d.IsUnmanaged = false
	d.Generation++
	d.Status.Identity.take()
	d.Status.FederatedCredentials = slices.Clone(found.FederatedCredentials)
	for i := range d.Status.FederatedCredentials {
		d.Status.FederatedCredentials[i].Adopted = false
	}
	d.Status.RoleAssignments = slices.Clone(found.RoleAssignments)
	for i := range d.Status.RoleAssignments {
		d.Status.RoleAssignments[i].Adopted = false
	}
	d.Status.DDOE = nil // a person's
	d.Status.Phase = PhasePending
	d.Status.Conditions, d.Status.Left = nil, nil
}

// PlatformIDs are the ids of an integration and a driver on the platform.
type PlatformIDs struct {
	IntegrationID string `json:"integrationId,omitempty"`
	DriverID      string `json:"driverId,omitempty"`
}

// PlatformIDsOf are those that a record holds; nil where there are none.
func PlatformIDsOf(d Document) *PlatformIDs {
	if d.Status.DDOE == nil || d.Status.DDOE.IntegrationID == "" && d.Status.DDOE.DriverID == "" {
		return nil
	}
	return &PlatformIDs{IntegrationID: d.Status.DDOE.IntegrationID, DriverID: d.Status.DDOE.DriverID}
}
