package access

import (
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// Unproved tells why a report does not show that the identity has every right that the spec asks for, in every storage
// entry; false where it does. The verdict alone does not tell: a right that was not tested, as writing to an immutable
// container, spoils no verdict, and is not proved either.
func (t *Tester) Unproved(spec integration.Spec, r assessment.Report) (diagnosis.Diagnosis, bool) {
	for _, entry := range spec.Storage {
		wanted := []string{checkRead, checkList}
		if entry.Access == integration.AccessReadWrite {
			wanted = []string{checkWrite, checkRead, checkList, checkDelete}
		}
		for _, id := range wanted {
			if check, found := of(r, id, t.urlOf(entry)); !found || check.Status != diagnosis.OutcomePass {
				return why(r, check), true
			}
		}
	}
	if len(spec.Storage) == 0 {
		return why(r, assessment.Check{}), true
	}
	return diagnosis.Diagnosis{}, false
}

// why is the reason of a check that did not pass: that of the check that it depends on, where there is one.
func why(r assessment.Report, check assessment.Check) diagnosis.Diagnosis {
	if cause, found := of(r, check.DependsOn, check.Target); found && cause.Code != "" {
		return cause.Diagnosis()
	}
	if check.Code == "" {
		d, _ := r.Decisive()
		return d
	}
	return check.Diagnosis()
}

func of(r assessment.Report, id, target string) (assessment.Check, bool) {
	i := slices.IndexFunc(r.Checks, func(c assessment.Check) bool { return c.ID == id && c.Target == target })
	if i < 0 {
		return assessment.Check{}, false
	}
	return r.Checks[i], true
}

// IsProof reports whether a report shows every right that the spec asks for, and nothing wrong.
func (t *Tester) IsProof(spec integration.Spec, r assessment.Report) bool {
	_, unproved := t.Unproved(spec, r)
	return r.IsSound() && !unproved
}
