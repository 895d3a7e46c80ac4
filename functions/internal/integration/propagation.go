package integration

import "time"

// Propagation is how long a change may take until it counts everywhere, and so how long it may explain a refusal.
// Three clocks have to agree: the directory's replicas and the token service's cache, which need seconds to minutes,
// and role assignments, for which Microsoft documents up to 10 minutes
// (https://learn.microsoft.com/azure/role-based-access-control/troubleshooting, "Role assignment changes are not being
// detected").
const Propagation = 10 * time.Minute

// HasPropagated reports whether a change was made so long ago that it explains no refusal any more.
func HasPropagated(changed, now time.Time) bool { return now.Sub(changed) >= Propagation }

// HasPropagated reports whether the last change that the document shows has propagated: its provisioning, or else
// whatever was written last. A teardown leaves nothing that is on its way: what it has removed explains itself.
// Nothing of ours is on its way where somebody else has made all.
func (d Document) HasPropagated(now time.Time) bool {
	changed := d.UpdatedAt
	for _, c := range d.Status.Conditions {
		if c.Type == ConditionProvisioned && c.Status == "True" {
			changed = c.LastTransitionTime
		}
	}
	return d.IsUnmanaged || d.Status.Phase == PhaseDeprovisioning || HasPropagated(changed, now)
}
