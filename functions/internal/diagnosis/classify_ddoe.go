package diagnosis

import (
	"net/http"
	"slices"
	"strings"
)

// ddoeMeaning says what the answers of some statuses to some requests mean; no operations are all of them.
type ddoeMeaning struct {
	operations []string
	statuses   []int
	code       Code
}

// ddoeMeanings is the table; the first row that matches counts. The platform has no codes, and answers 400, 403 or 404 for what it
// does not know or does not show.
func ddoeMeanings() []ddoeMeaning {
	const integrations = "ddoe.integration."
	unknown := []int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound}
	content := []int{http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusFailedDependency}
	return []ddoeMeaning{
		{nil, []int{http.StatusPaymentRequired}, CodeDDOEQuotaReached},
		{[]string{"ddoe.types.list"}, []int{http.StatusBadRequest, http.StatusNotFound}, CodeDDOEOrganizationUnknown},
		{[]string{"ddoe.project.get"}, unknown, CodeDDOEProjectUnknown},
		{[]string{"ddoe.types.list", integrations + "create", integrations + "update", integrations + "delete", integrations + "list", integrations + "get"},
			[]int{http.StatusForbidden}, CodeDDOEOrganizationRoleMissing},
		{[]string{integrations + "create", integrations + "list"}, []int{http.StatusNotFound}, CodeDDOEOrganizationUnknown},
		{[]string{integrations + "create", integrations + "update"}, []int{http.StatusConflict}, CodeDDOEIntegrationNameTaken},
		{[]string{integrations + "create", integrations + "update"}, content, CodeDDOEIntegrationRefused},
		{[]string{integrations + "delete"}, content, CodeDDOEIntegrationNotDeleted},
		{[]string{"ddoe.driver.create", "ddoe.driver.update"}, content, CodeDDOEDriverRefused},
		{[]string{"ddoe.driver.delete"}, content, CodeDDOEDriverNotDeleted},
		{[]string{"ddoe.driver.test"}, append(content, http.StatusNotFound), CodeDDOEDriverTestFailed},
	}
}

func ddoeCode(status int, code, operation string) Code {
	if code == "answer-invalid" {
		return CodeDDOEAnswerInvalid
	}
	if s := byStatus(status, CodeDDOEThrottled, CodeDDOEUnavailable); s != "" {
		return s
	}
	for _, m := range ddoeMeanings() {
		if (m.operations == nil || slices.Contains(m.operations, operation)) && slices.Contains(m.statuses, status) {
			return m.code
		}
	}
	switch {
	case status == http.StatusUnauthorized:
		return CodeDDOEUnauthorized
	case status == http.StatusForbidden && strings.HasPrefix(operation, "ddoe.driver."):
		return CodeDDOEProjectRoleMissing
	case status == http.StatusForbidden:
		return CodeDDOEForbidden
	case status == http.StatusNotFound:
		return CodeDDOENotFound
	}
	return CodeDDOEUnrecognised
}
