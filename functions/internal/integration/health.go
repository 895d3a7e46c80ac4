package integration

import (
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// HealthState is what the scheduled checks say of an integration.
type HealthState string

// The health states. Unknown means that nothing could be told: before the first check, or for three intervals.
const (
	HealthHealthy   HealthState = "healthy"
	HealthDegraded  HealthState = "degraded"
	HealthUnhealthy HealthState = "unhealthy"
	HealthUnknown   HealthState = "unknown"
)

// Health is the health state as the integration's status shows it. It is written when the state changes, or what was
// found, not with each check, so that a version of the document outlives the checks that find nothing new.
type Health struct {
	State     HealthState          `json:"state" enum:"healthy,degraded,unhealthy,unknown"`
	Since     time.Time            `json:"since" doc:"When the state was entered"`
	Code      diagnosis.Code       `json:"code,omitempty" doc:"Code of what was found; empty where all is well"`
	Diagnosis *diagnosis.Diagnosis `json:"diagnosis,omitempty" doc:"What was found; absent where all is well"`
}

// LongTags are the ends of tags that are too long for a line.
func (Health) LongTags() map[string]string {
	return map[string]string{
		"State": `doc:"healthy (access works), degraded (it works, with warnings), unhealthy (it does not), ` +
			`unknown (nothing could be told)"`,
	}
}

// HealthStatus is all that is known of an integration's health.
type HealthStatus struct {
	State HealthState `json:"state" enum:"healthy,degraded,unhealthy,unknown"`
	Since time.Time   `json:"since" doc:"When the state was entered"`
	// Causes are why the state is what it is, by the last conclusive check.
	diagnosis.Causes
	LastRun    *time.Time            `json:"lastRun,omitempty" doc:"The last check, whatever it found"`
	LastPass   *time.Time            `json:"lastPass,omitempty" doc:"When access was last proved"`
	LastSeen   *time.Time            `json:"lastSeen,omitempty"`
	NextDue    *time.Time            `json:"nextDue,omitempty" doc:"The next check; absent where none is planned"`
	Paused     *diagnosis.Diagnosis  `json:"paused,omitempty" doc:"Why no check is planned; absent where one is"`
	ClaimLevel assessment.ClaimLevel `json:"claimLevel,omitempty" enum:"file,discovery,structure,exchange,access"`
	LastReport *assessment.Report    `json:"lastReport,omitempty" doc:"The report of the last check"`
	// ObservedGeneration is the generation of the spec that the state is about.
	ObservedGeneration int            `json:"observedGeneration,omitempty" doc:"Of the spec that it is about"`
	History            []HealthChange `json:"history,omitempty" doc:"The last changes of state or code, newest first"`
}

// LongTags are the ends of tags that are too long for a line.
func (HealthStatus) LongTags() map[string]string {
	return map[string]string{
		"LastSeen": `doc:"When a check that could not test access itself last saw everything in place"`,
		"ClaimLevel": `doc:"How far the test came that the state rests on: access, the storage was reached; ` +
			`exchange, Entra took the subject token and the storage let nothing be done; file, the token was not ` +
			`exchanged; structure, only that was looked at. Absent before the first test"`,
	}
}

// HealthChange is one change of state, or of what was found in it.
type HealthChange struct {
	At   time.Time      `json:"at"`
	From HealthState    `json:"from" enum:"healthy,degraded,unhealthy,unknown"`
	To   HealthState    `json:"to" enum:"healthy,degraded,unhealthy,unknown"`
	Code diagnosis.Code `json:"code,omitempty" doc:"Code of what was found; empty where all is well"`
}

// HealthRecord is what the checks keep of one integration, apart from its document: state, schedule and outbox change
// in one write, and no writer of the document is in the way.
type HealthRecord struct {
	HealthStatus
	IntegrationID string
	// FirstOperationID is the document's: after a teardown the health of an integration begins anew.
	FirstOperationID string
	// ChangedBy is the document's when it was looked at.
	ChangedBy string
	// LastSlot is the slot of the last check; an earlier or equal one has been dealt with.
	LastSlot time.Time
	// LastConclusive is the slot of the last check that told something.
	LastConclusive time.Time
	// Suspicion is a failure that a second look is to confirm.
	Suspicion *Suspicion
	// Tries counts the looks since the state is not well; Again is when the next one is to be, where that is before
	// the next slot.
	Tries int
	Again *time.Time
	// Outbox has the events about the health that are not published yet.
	Outbox Outbox
	// ETag is the store's version of the record.
	ETag string
}

// Suspicion is a failure that one check has seen.
type Suspicion struct {
	Slot time.Time      `json:"slot"`
	Code diagnosis.Code `json:"code"`
}

// IsAbout reports whether the state is about the document as it is: about its spec, and what operations have made of
// it.
func (h HealthRecord) IsAbout(d Document) bool {
	isOfSpec := h.ObservedGeneration == d.Generation || h.ObservedGeneration == 0 // a build of before has kept none
	return isOfSpec && h.ChangedBy == d.Status.ChangedBy
}

// MarkChanged writes down that the last operation changes something outside, and takes back what was known of the
// health until then.
func MarkChanged(d *Document, now time.Time) {
	if d.Status.ChangedBy != d.Status.LastOperationID {
		d.Status.ChangedBy = d.Status.LastOperationID
		TakeHealthBack(d, now)
	}
}

// TakeHealthBack takes back what is known of the health: it is about what was. Only a look tells what is.
func TakeHealthBack(d *Document, now time.Time) {
	if d.Status.Health == nil {
		return
	}
	outdated := told(*d, diagnosis.CodeHealthOutdated)
	d.Status.Health = &Health{State: HealthUnknown, Since: now, Code: outdated.Code, Diagnosis: &outdated}
}

// LastFailure is the condition that states why the last operation has failed; false where it has not.
func LastFailure(d Document) (Condition, bool) {
	if c, hasFailed := failedTeardown(d); hasFailed {
		return c, true
	}
	c, isKnown := d.condition(ConditionProvisioned)
	return c, isKnown && c.Status == "False" && d.Status.Phase == PhaseFailed
}

// RevokedAt is when what the last operation has taken away, before it failed, counts everywhere: until then a test may
// still pass. It is zero where there is no such thing.
func RevokedAt(d Document) time.Time {
	failure, hasFailed := LastFailure(d)
	if !hasFailed || d.Status.ChangedBy != d.Status.LastOperationID {
		return time.Time{}
	}
	return failure.LastTransitionTime.Add(Propagation)
}
