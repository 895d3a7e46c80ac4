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
// be restored, or removed for good.
func (s Status) CanBePurged() bool { return s.Identity.ID != "" }

// Tombstone is the status after a teardown: it keeps only the ids by which a later PUT can take removed objects back.
// Where they were purged, it keeps the name alone that the identity is found by.
func (s Status) Tombstone(purged bool) Status {
	kept := Status{Phase: PhaseDeleted, LastOperationID: s.LastOperationID}
	switch {
	case !purged:
		kept.Identity, kept.ClientID, kept.ServicePrincipalID = s.Identity, s.ClientID, s.ServicePrincipalID
	case s.CanBePurged():
		kept.Identity.Key = s.Identity.Key
	}
	return kept
}
