package integration

import (
	"slices"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// The types of conditions.
const (
	// ConditionReady follows from the others and is never set.
	ConditionReady       = "Ready"
	ConditionProvisioned = "Provisioned"
	ConditionVerified    = "Verified"
	// ConditionDeleted is False where a teardown has failed, and absent otherwise.
	ConditionDeleted = "Deleted"
)

// SetCondition sets a condition, and keeps the time of its last transition where its status stays. Without a text, its
// message is the diagnosis's.
func (d *Document) SetCondition(now time.Time, kind, status string, found *diagnosis.Diagnosis, text string) {
	c := Condition{Type: kind, Status: status, Message: text, LastTransitionTime: now, Diagnosis: found}
	if found != nil {
		c.Reason = found.Code
		if text == "" {
			c.Message = found.Detail
		}
	}
	i := slices.IndexFunc(d.Status.Conditions, func(old Condition) bool { return old.Type == kind })
	if i < 0 {
		d.Status.Conditions = append(d.Status.Conditions, c)
		return
	}
	if d.Status.Conditions[i].Status == status {
		c.LastTransitionTime = d.Status.Conditions[i].LastTransitionTime
	}
	d.Status.Conditions[i] = c
}

// HasCondition reports whether the document has a condition of the type with the status and the diagnosis's code.
func (d Document) HasCondition(kind, status string, found *diagnosis.Diagnosis) bool {
	var want Condition
	if found != nil {
		want.Reason = found.Code
	}
	return slices.ContainsFunc(d.Status.Conditions, func(c Condition) bool {
		return c.Type == kind && c.Status == status && c.Reason == want.Reason
	})
}

// BeginTeardown records that the integration is being torn down, and forgets the result of an earlier try.
func (s *Status) BeginTeardown() {
	s.Phase = PhaseDeprovisioning
	s.Conditions = slices.DeleteFunc(slices.Clone(s.Conditions), func(c Condition) bool {
		return c.Type == ConditionDeleted
	})
}

// MarkFailed records why the last operation, of a kind, has failed for good. After a failed teardown the phase stays
// that of a teardown, because it is to be repeated.
func (d *Document) MarkFailed(now time.Time, kind OperationKind, found *diagnosis.Diagnosis) {
	failed := ConditionProvisioned
	d.Status.Phase = PhaseFailed
	if kind == KindDeprovision {
		d.Status.Phase, failed = PhaseDeprovisioning, ConditionDeleted
	}
	d.SetCondition(now, failed, "False", found, "")
	for _, c := range d.Status.Conditions { // those that say that it runs
		if kind == KindDeprovision && c.Reason == diagnosis.CodeDeprovisioning {
			d.SetCondition(now, c.Type, "False", found, "")
		}
	}
}

// failedTeardown is why the last operation, a teardown, has failed; false where it runs or was something else.
func failedTeardown(d Document) (Condition, bool) {
	c, isKnown := d.condition(ConditionDeleted)
	return c, isKnown && d.Status.Phase == PhaseDeprovisioning
}

// IsEnding reports whether a teardown of the integration was begun and has not ended.
func (d Document) IsEnding() bool {
	_, hasFailed := failedTeardown(d)
	return d.Status.Phase == PhaseDeprovisioning && !hasFailed
}

// Withdraw sets the conditions about access to False, because trust and rights are being removed.
func (d *Document) Withdraw(now time.Time) {
	going := diagnosis.New(diagnosis.CodeDeprovisioning)
	for _, kind := range []string{ConditionProvisioned, ConditionVerified} {
		if !d.HasCondition(kind, "False", &going) {
			d.SetCondition(now, kind, "False", &going, "")
		}
	}
	if d.Status.DDOE != nil && d.Status.DDOE.Validated {
		st := *d.Status.DDOE // others may hold the status
		st.Validated = false
		d.Status.DDOE = &st
	}
}
