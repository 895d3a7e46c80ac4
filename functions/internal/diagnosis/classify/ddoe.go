package classify

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// ddoeMeaning tells what the answers of some statuses to some requests mean; no operations are all of them.
type ddoeMeaning struct {
	operations []diagnosis.Operation
	statuses   []int
	code       diagnosis.Code
}

// ddoeMeanings is the table; the first row that matches counts. The platform has no codes, and answers 400, 403 or 404
// for what it does not know or does not show.
func ddoeMeanings() []ddoeMeaning {
	unknown := []int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound}
	content := []int{http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity,
		http.StatusFailedDependency}
	return []ddoeMeaning{
		{nil, []int{http.StatusPaymentRequired}, diagnosis.CodeDDOEQuotaReached},
		{[]diagnosis.Operation{"ddoe.types.list"}, []int{http.StatusBadRequest, http.StatusNotFound},
			diagnosis.CodeDDOEOrganizationUnknown},
		{[]diagnosis.Operation{"ddoe.project.get"}, unknown, diagnosis.CodeDDOEProjectUnknown},
		{[]diagnosis.Operation{"ddoe.types.list", "ddoe.integration.create", "ddoe.integration.update",
			"ddoe.integration.delete",
			"ddoe.integration.list", "ddoe.integration.get"},
			[]int{http.StatusForbidden}, diagnosis.CodeDDOEOrganizationRoleMissing},
		{[]diagnosis.Operation{"ddoe.integration.create", "ddoe.integration.list"}, []int{http.StatusNotFound},
			diagnosis.CodeDDOEOrganizationUnknown},
		{[]diagnosis.Operation{"ddoe.integration.create", "ddoe.integration.update"}, []int{http.StatusConflict},
			diagnosis.CodeDDOEIntegrationNameTaken},
		{[]diagnosis.Operation{"ddoe.integration.create", "ddoe.integration.update"}, content,
			diagnosis.CodeDDOEIntegrationRefused},
		{[]diagnosis.Operation{"ddoe.integration.delete"}, content, diagnosis.CodeDDOEIntegrationNotDeleted},
		{[]diagnosis.Operation{"ddoe.driver.create", "ddoe.driver.update"}, content, diagnosis.CodeDDOEDriverRefused},
		{[]diagnosis.Operation{"ddoe.driver.delete"}, content, diagnosis.CodeDDOEDriverNotDeleted},
		{[]diagnosis.Operation{"ddoe.driver.test"}, append(content, http.StatusNotFound),
			diagnosis.CodeDDOEDriverTestFailed},
	}
}

func ddoeCode(status int, code string, operation diagnosis.Operation) diagnosis.Code {
	if code == "answer-invalid" {
		return diagnosis.CodeDDOEAnswerInvalid
	}
	if s := byStatus(status, diagnosis.CodeDDOEThrottled, diagnosis.CodeDDOEUnavailable); s != "" {
		return s
	}
	for _, m := range ddoeMeanings() {
		if (m.operations == nil || slices.Contains(m.operations, operation)) && slices.Contains(m.statuses, status) {
			return m.code
		}
	}
	switch {
	case status == http.StatusUnauthorized:
		return diagnosis.CodeDDOEUnauthorized
	case status == http.StatusForbidden && strings.HasPrefix(string(operation), "ddoe.driver."):
		return diagnosis.CodeDDOEProjectRoleMissing
	case status == http.StatusForbidden:
		return diagnosis.CodeDDOEForbidden
	case status == http.StatusNotFound:
		return diagnosis.CodeDDOENotFound
	}
	return diagnosis.CodeDDOEUnrecognised
}
