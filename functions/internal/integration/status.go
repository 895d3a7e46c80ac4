package integration

// IsMade reports whether everything that the spec asks for is known to exist: there is something to look at, and
// nobody is making it or tearing it down.
func (d Document) IsMade() bool {
	return d.Status.Phase == PhaseProvisioned || d.Status.Phase == PhaseUsable
}

// HasIdentity reports whether the identity is known by both of its ids: the one that tokens are asked for with, and
// the one that rights are granted to.
func (s Status) HasIdentity() bool { return s.ClientID != "" && s.ServicePrincipalID != "" }

// CanBePurged reports whether something is recorded that a service keeps for a while after its removal, so that it can
// be restored, or removed for good: of an identity, an application alone.
func (s Status) CanBePurged() bool { return s.ObjectID != "" }

// Tombstone is the status after a teardown: it keeps only the ids by which a later PUT can take removed objects back.
// Where they were purged, it keeps the name alone that the identity is found by.
func (s Status) Tombstone(purged bool) Status {
	kept := Status{Phase: PhaseDeleted, UniqueName: s.UniqueName, LastOperationID: s.LastOperationID}
	if !purged {
		kept.Identity = s.Identity
		kept.ClientID, kept.ObjectID, kept.ServicePrincipalID = s.ClientID, s.ObjectID, s.ServicePrincipalID
	}
	return kept
}

// ProvisionResult is the result of a successful provisioning: the ids of the identity. An application alone has an
// object id.
type ProvisionResult struct {
	ClientID           string `json:"clientId"`
	TenantID           string `json:"tenantId"`
	ObjectID           string `json:"objectId,omitempty"`
	ServicePrincipalID string `json:"servicePrincipalId"`
}

// ProvisionResult are the ids that the document has.
func (d Document) ProvisionResult() ProvisionResult {
	return ProvisionResult{ClientID: d.Status.ClientID, TenantID: d.Spec.TenantID, ObjectID: d.Status.ObjectID,
		ServicePrincipalID: d.Status.ServicePrincipalID}
}
