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

// PropagatedAt is when the last change that the document shows counts everywhere: its provisioning, whether that has
// succeeded or failed, or else whatever was written last. A proof before that time shortens nothing: replicas
// disagree, and the next request may meet another one
// (https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations). A teardown leaves
// nothing that is on its way: what it has removed explains itself. Neither does what somebody else has made.
func PropagatedAt(d Document) time.Time {
	changed := d.UpdatedAt
	for _, c := range d.Status.Conditions {
		if c.Type == ConditionProvisioned && c.Status != "Unknown" {
			changed = c.LastTransitionTime
		}
	}
	if d.Status.Phase == PhaseDeprovisioning || d.IsUnmanaged {
		return changed
	}
	return changed.Add(Propagation)
}

// HasPropagated reports whether propagation explains no refusal any more: see PropagatedAt.
func (d Document) HasPropagated(now time.Time) bool { return !now.Before(PropagatedAt(d)) }
