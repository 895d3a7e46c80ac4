package classify

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// ddoeMeaning tells what the answers of some statuses to some requests mean; no operations are all of them.
type ddoeMeaning struct {
	operations []string
	statuses   []int
	code       diagnosis.Code
}

// ddoeMeanings is the table; the first row that matches counts. The platform has no codes, and answers 400, 403 or 404
// for what it does not know or does not show.
func ddoeMeanings() []ddoeMeaning {
	const integrations = "ddoe.integration."
	unknown := []int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound}
	content := []int{http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity,
		http.StatusFailedDependency}
	return []ddoeMeaning{
		{nil, []int{http.StatusPaymentRequired}, diagnosis.CodeDDOEQuotaReached},
		{[]string{"ddoe.types.list"}, []int{http.StatusBadRequest, http.StatusNotFound},
			diagnosis.CodeDDOEOrganizationUnknown},
		{[]string{"ddoe.project.get"}, unknown, diagnosis.CodeDDOEProjectUnknown},
		{[]string{"ddoe.types.list", integrations + "create", integrations + "update", integrations + "delete",
			integrations + "list", integrations + "get"},
			[]int{http.StatusForbidden}, diagnosis.CodeDDOEOrganizationRoleMissing},
		{[]string{integrations + "create", integrations + "list"}, []int{http.StatusNotFound},
			diagnosis.CodeDDOEOrganizationUnknown},
		{[]string{integrations + "create", integrations + "update"}, []int{http.StatusConflict},
			diagnosis.CodeDDOEIntegrationNameTaken},
		{[]string{integrations + "create", integrations + "update"}, content, diagnosis.CodeDDOEIntegrationRefused},
		{[]string{integrations + "delete"}, content, diagnosis.CodeDDOEIntegrationNotDeleted},
		{[]string{"ddoe.driver.create", "ddoe.driver.update"}, content, diagnosis.CodeDDOEDriverRefused},
		{[]string{"ddoe.driver.delete"}, content, diagnosis.CodeDDOEDriverNotDeleted},
		{[]string{"ddoe.driver.test"}, append(content, http.StatusNotFound), diagnosis.CodeDDOEDriverTestFailed},
	}
}

func ddoeCode(status int, code, operation string) diagnosis.Code {
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
	case status == http.StatusForbidden && strings.HasPrefix(operation, "ddoe.driver."):
		return diagnosis.CodeDDOEProjectRoleMissing
	case status == http.StatusForbidden:
		return diagnosis.CodeDDOEForbidden
	case status == http.StatusNotFound:
		return diagnosis.CodeDDOENotFound
	}
	return diagnosis.CodeDDOEUnrecognised
}
