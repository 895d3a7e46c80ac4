package resource

import (
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// checkLastOperation is the id of the check that states what the last operation has failed with.
const checkLastOperation = "operation.last"

// Blamed are the checks of a report about a document. Where its last operation has failed, what that has left undone,
// or had already removed, follows from the failure: this is what is to be mended, and nobody else has done it. The
// checks stay as they are where nothing of that kind was seen.
func Blamed(d integration.Document, checks []assessment.Check) []assessment.Check {
	failure, hasFailed := integration.LastFailure(d)
	if !hasFailed || failure.Diagnosis == nil || !slices.ContainsFunc(checks, isLeftUndone) {
		return checks
	}
	cause := assessment.CheckOf(checkLastOperation, LayerStructure, *failure.Diagnosis)
	cause.Status, cause.Transient = diagnosis.OutcomeFail, false // the operation has ended
	checks = slices.Clone(checks)
	for i := range checks {
		if isLeftUndone(checks[i]) {
			checks[i].DependsOn, checks[i].Remedy = cause.ID, nil
		}
	}
	return append([]assessment.Check{cause}, checks...)
}

// isLeftUndone reports whether a check has found what an operation makes and removes not to be as it is wanted.
func isLeftUndone(c assessment.Check) bool {
	isFound := c.Status == diagnosis.OutcomeFail || c.Status == diagnosis.OutcomeWarn
	isOurs := len(c.Differences) > 0 && !slices.ContainsFunc(c.Differences, func(m diagnosis.MemberDifference) bool {
		return m.Owner != diagnosis.OwnerOurs
	})
	return isFound && (isOurs || policy.IsMendedByPut(c.Code))
}
