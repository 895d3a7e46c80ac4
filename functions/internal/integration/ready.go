package integration

import (
	"cmp"
	"slices"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// isReady is the message of the condition Ready where it is True.
const isReady = "All that the spec asks for is made, and access was proved."

// Conditions are the document's conditions: Ready first, then the observed ones. Verified shows what a health check
// has found since the last test, where that is worse, until a check passes.
func (d Document) Conditions() []Condition {
	all := append([]Condition{d.Ready()}, d.Status.Conditions...)
	for i, c := range all {
		if now := d.working(); c.Type == ConditionVerified && isWorse(now, c) {
			now.Type = ConditionVerified
			all[i] = now
		}
	}
	return all
}

// isWorse reports whether a condition claims less than another one: that it is not met, before that nobody knows.
func isWorse(one, other Condition) bool {
	claims := []string{"False", "Unknown", "True"}
	return slices.Index(claims, one.Status) < slices.Index(claims, other.Status)
}

// Ready sums the document up, in the manner of Kubernetes: True only where everything that the spec asks for is made,
// access is proved, no check has found otherwise since, and the platform's side is done where the spec asks for it.
// Else it is the first of these that is not so, which the others rest on. It is never stored: it follows from the
// rest.
func (d Document) Ready() Condition {
	sum := Condition{Status: "True", Message: isReady, LastTransitionTime: d.CreatedAt}
	tested := []Condition{d.proved(), d.working()}
	if isWorse(tested[1], tested[0]) {
		slices.Reverse(tested)
	}
	for _, part := range slices.Concat([]Condition{kept(d), d.made()}, tested, []Condition{d.platformDone()}) {
		if part.Status != "True" {
			sum = part
			break
		}
		if part.LastTransitionTime.After(sum.LastTransitionTime) {
			sum.LastTransitionTime = part.LastTransitionTime
		}
	}
	sum.Type = ConditionReady
	if _, isObserved := d.condition(ConditionProvisioned); isObserved { // a change of the spec takes that away
		sum.ObservedGeneration = d.Generation
	}
	return sum
}

func (d Document) condition(kind string) (Condition, bool) {
	for _, c := range d.Status.Conditions {
		if c.Type == kind {
			return c, true
		}
	}
	return Condition{}, false
}

// told is what a code states of the integration.
func told(d Document, code diagnosis.Code) diagnosis.Diagnosis {
	return diagnosis.New(code, diagnosis.WithContext(d.Words()))
}

// unmet is a condition that is not met by what a code states.
func unmet(status string, since time.Time, found diagnosis.Diagnosis) Condition {
	return Condition{Status: status, Reason: found.Code, Message: found.Detail, LastTransitionTime: since,
		Diagnosis: &found}
}

// kept is False while the integration is being torn down.
func kept(d Document) Condition {
	switch d.Status.Phase {
	case PhaseDeprovisioning:
		if c, hasFailed := failedTeardown(d); hasFailed {
			return c
		}
		return unmet("False", d.UpdatedAt, diagnosis.New(diagnosis.CodeDeprovisioning))
	case PhaseDeleted:
		return unmet("False", d.UpdatedAt, diagnosis.New(diagnosis.CodeIntegrationDeleted))
	default:
		return Condition{Status: "True"}
	}
}

// made is the condition Provisioned, which is absent until the first attempt at the spec ends.
func (d Document) made() Condition {
	if c, ok := d.condition(ConditionProvisioned); ok {
		return c
	}
	return unmet("False", d.UpdatedAt, diagnosis.New(diagnosis.CodeNotProvisioned))
}

// proved is the condition Verified, which has no reason while the first test is still to come.
func (d Document) proved() Condition {
	c, ok := d.condition(ConditionVerified)
	switch awaiting := told(d, diagnosis.CodeAwaitingVerification); {
	case !ok:
		return unmet("Unknown", d.UpdatedAt, awaiting)
	case c.Status != "True" && c.Reason == "":
		return unmet(c.Status, c.LastTransitionTime, awaiting)
	default:
		return c
	}
}

// platformDone states that the platform's side, where the spec asks for it, is made by its API and tested there, or
// left to a person who has confirmed it.
func (d Document) platformDone() Condition {
	done := Condition{Status: "True"}
	if d.Spec.DDOE == nil {
		return done
	}
	verified := d.proved().LastTransitionTime
	var st DDOEStatus
	if d.Status.DDOE != nil {
		st = *d.Status.DDOE
	}
	switch confirmed := d.Confirmation(); {
	case st.Mode != ModeAPI && confirmed != nil:
		return Condition{Status: "True", LastTransitionTime: confirmed.At}
	case st.Mode != ModeAPI && d.FormToFill() != nil:
		return unmet("False", verified, told(d, diagnosis.CodeAwaitingPerson))
	case st.Diagnosis != nil:
		return unmet("False", verified, *st.Diagnosis)
	case st.Mode != ModeAPI || st.IntegrationID == "":
		return unmet("False", verified, diagnosis.New(diagnosis.CodeNotProvisioned))
	case d.Spec.DDOE.Driver != nil && !st.Validated: // our own test proves nothing about the platform's
		return unmet("Unknown", verified, told(d, diagnosis.CodeAwaitingVerification))
	default:
		return done
	}
}

// FormToFill is the platform's form as a person is to fill it in now; nil where there is none, and while the identity
// that it names is being replaced.
func (d Document) FormToFill() *DDOEForm {
	st := d.Status.DDOE
	if st == nil || st.Form == nil || d.HasIdentityChange() || st.Form.ClientID != d.Status.ClientID {
		return nil
	}
	return st.Form
}

// working states that no health check has found since the last proof that access does not work, or found nothing out
// for long.
func (d Document) working() Condition {
	h := d.Status.Health
	if h == nil || !h.Since.After(d.proved().LastTransitionTime) {
		return Condition{Status: "True"}
	}
	status := map[HealthState]string{HealthUnhealthy: "False", HealthUnknown: "Unknown"}[h.State]
	if status == "" {
		return Condition{Status: "True", LastTransitionTime: h.Since}
	}
	if h.Diagnosis == nil { // an older build has kept the code alone; or no check was made for long
		return unmet(status, h.Since, told(d, cmp.Or(h.Code, diagnosis.CodeAwaitingVerification)))
	}
	return unmet(status, h.Since, *h.Diagnosis)
}
