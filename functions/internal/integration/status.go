package integration

import (
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// IsMade reports whether everything that the spec asks for is known to exist: there is something to look at, and
// nobody is making it or tearing it down.
func (d Document) IsMade() bool {
	return d.Status.Phase == PhaseProvisioned || d.Status.Phase == PhaseUsable
}

// Unwatched is why an integration cannot be checked now: it has no identity, or an operation runs. It is nil where it
// can be checked, also after an operation that failed.
func Unwatched(d Document) *diagnosis.Error {
	switch {
	case d.Status.Phase == PhaseDeleted:
		return Absent(&d)
	case d.IsEnding():
		return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeDeprovisioning)}
	case d.IsMade():
		return nil
	case d.Status.IsBegun() && (d.Status.Phase == PhaseFailed || d.Status.Phase == PhaseDeprovisioning):
		return nil
	default:
		return Unprovisioned(d)
	}
}

// IsAwaited reports whether time may still bring what the last operation was for, or take away what it has removed:
// it is looked at again by itself then, also where the spec wants no checks.
func IsAwaited(d Document, now time.Time) bool {
	isUnproved := d.Status.Phase == PhaseProvisioned || d.Status.Phase == PhaseFailed
	return isUnproved && d.HasCondition(ConditionProvisioned, "True", nil) || now.Before(RevokedAt(d))
}

// MarkProved records that access was proved as the federated identity, and moves the phase of what was made to usable.
// With byOthers the platform has to prove it as well, and its proof moves the phase. An integration that had failed
// for want of access alone becomes usable, too.
func (d *Document) MarkProved(now time.Time, byOthers bool) {
	waits := d.Status.Phase == PhaseProvisioned ||
		d.Status.Phase == PhaseFailed && d.HasCondition(ConditionProvisioned, "True", nil)
	if waits && byOthers {
		return
	}
	d.SetCondition(now, ConditionVerified, "True", nil, accessProved)
	if waits {
		d.Status.Phase = PhaseUsable
	}
}

// MarkRefused records that access was refused as the federated identity.
func (d *Document) MarkRefused(now time.Time, found diagnosis.Diagnosis) {
	if !IsRefusalKnown(*d, found) {
		d.SetCondition(now, ConditionVerified, refusedStatus(found), &found, "")
	}
}

// IsRefusalKnown reports whether a document holds a refusal already, or a final one where this one may pass.
func IsRefusalKnown(d Document, found diagnosis.Diagnosis) bool {
	known, _ := d.condition(ConditionVerified)
	return found.Transient && known.Status == "False" ||
		d.HasCondition(ConditionVerified, refusedStatus(found), &found)
}

// refusedStatus is that of the condition Verified after a refusal: while it may pass by itself, nobody knows.
func refusedStatus(found diagnosis.Diagnosis) string {
	if found.Transient {
		return "Unknown"
	}
	return "False"
}

// accessProved is the message of the condition Verified where it is True.
const accessProved = "Access was proved as the federated identity."

// IsBegun reports whether anything is made of the integration. Its identity comes first, and is known by both of its
// ids then: the one that tokens are asked for with, and the one that rights are granted to.
func (s Status) IsBegun() bool { return s.ClientID != "" && s.ServicePrincipalID != "" }

// CanBePurged reports whether something is recorded that a service keeps for a while after its removal, so that it can
// be restored, or removed for good.
func (s Status) CanBePurged() bool { return s.Identity.ID != "" }

// Tombstone is the status after a teardown. Of what somebody else has made nothing is kept, as
// nothing of it is to be taken back.
func Tombstone(d Document, purged bool) Status {
	if d.IsUnmanaged {
		return Status{Phase: PhaseDeleted, LastOperationID: d.Status.LastOperationID}
	}
	return d.Status.tombstone(purged)
}

// tombstone is the status after a teardown: it keeps only the ids by which a later PUT can take removed objects back.
// Where they were purged, it keeps the name alone that the identity is found by.
func (s Status) tombstone(purged bool) Status {
	kept := Status{Phase: PhaseDeleted, LastOperationID: s.LastOperationID}
	switch {
	case !purged:
		kept.Identity, kept.ClientID, kept.ServicePrincipalID = s.Identity, s.ClientID, s.ServicePrincipalID
	case s.CanBePurged():
		kept.Identity.Key = s.Identity.Key
	}
	return kept
}
