package assessment

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// layers are the layers of a report, in the order in which access needs them.
func layers() []string {
	return []string{"file", "discovery", "structure", "token", "exchange", "network", "protection", "list", "read",
		"write", "delete", "cleanup"}
}

// outcomeRank orders what did not pass; what passed or was skipped has none.
func outcomeRank(o diagnosis.Outcome) int {
	return slices.Index([]diagnosis.Outcome{diagnosis.OutcomeFail, diagnosis.OutcomeUnknown, diagnosis.OutcomeWarn}, o)
}

// Ordered is the one place that chooses the root cause: it is the first of the checks returned, before those that do
// not follow from it. Failures come before what is unknown, and that before warnings, as the verdict has them; what
// stays before what may pass by itself; then the earlier layer, as access needs that first; then the earlier check.
// Left out is what passed or was skipped; what depends on a check that did not pass; and what has code, place and
// remedy of an earlier check, as four rights that one role would give.
func Ordered(checks []Check) []Check {
	found := slices.DeleteFunc(slices.Clone(checks), func(c Check) bool {
		return outcomeRank(c.Status) < 0 || isFollowing(c, checks)
	})
	late := map[bool]int{true: 1}
	slices.SortStableFunc(found, func(a, b Check) int {
		return cmp.Or(cmp.Compare(outcomeRank(a.Status), outcomeRank(b.Status)),
			cmp.Compare(late[a.Transient], late[b.Transient]),
			cmp.Compare(slices.Index(layers(), a.Layer), slices.Index(layers(), b.Layer)))
	})
	var kept []Check
	for _, c := range found {
		if !slices.ContainsFunc(kept, c.isOfOneCause) {
			kept = append(kept, c)
		}
	}
	return kept
}

// isOfOneCause reports whether two checks are to be mended as one.
func (c Check) isOfOneCause(other Check) bool {
	return c.Code == other.Code && c.Field == other.Field && reflect.DeepEqual(c.Remedy, other.Remedy)
}

// CausesOf are the causes that checks come to. A report that only warns has a warning for its root cause. Where
// nothing passed and nothing tells why, the reason of what was skipped does.
func CausesOf(checks []Check) diagnosis.Causes {
	found := Ordered(checks)
	if len(found) == 0 && Summarise(checks) == VerdictUnknown {
		found = slices.DeleteFunc(slices.Clone(checks), func(c Check) bool { return c.Code == "" })
		if len(found) == 0 {
			unknown := diagnosis.New(diagnosis.CodeUnrecognised)
			return diagnosis.Causes{Diagnosis: &unknown}
		}
		found = found[:1]
	}
	var causes diagnosis.Causes
	for i, c := range found {
		d := c.Diagnosis()
		if i == 0 {
			causes.Diagnosis = &d
			continue
		}
		causes.Also = append(causes.Also, d)
	}
	return causes
}

// isFollowing reports whether a check depends on one that did not pass. A check depends on one about the same target,
// or about none.
func isFollowing(c Check, checks []Check) bool {
	return c.DependsOn != "" && slices.ContainsFunc(checks, func(other Check) bool {
		return other.ID == c.DependsOn && outcomeRank(other.Status) >= 0 &&
			(other.Target == "" || other.Target == c.Target)
	})
}

// Concluded is the report with the verdict and the causes that its checks come to.
func (r Report) Concluded() Report {
	r.Verdict, r.Causes = Summarise(r.Checks), CausesOf(r.Checks)
	return r
}

// IsSound reports whether a test found nothing wrong.
func (r Report) IsSound() bool { return r.Verdict == VerdictPass || r.Verdict == VerdictWarn }

// Decisive is the root cause of a report that did not simply pass, and reports whether waiting may help with all that
// failed or is unknown: beside a refusal that stays, waiting for another is pointless.
func (r Report) Decisive() (diagnosis.Diagnosis, bool) {
	patient, waits := true, false
	for _, c := range r.Checks {
		if c.Status == diagnosis.OutcomeFail || c.Status == diagnosis.OutcomeUnknown {
			patient, waits = patient && c.Transient, true
		}
	}
	causes := CausesOf(r.Checks)
	if causes.Diagnosis == nil {
		return diagnosis.New(diagnosis.CodeUnrecognised), false
	}
	return *causes.Diagnosis, patient && waits
}
