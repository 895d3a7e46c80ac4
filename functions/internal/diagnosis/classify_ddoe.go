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
		{nil, []int{http.StatusPaymentRequired}, "ddoe-quota-reached"},
		{[]string{"ddoe.types.list"}, []int{http.StatusBadRequest, http.StatusNotFound}, "ddoe-organization-unknown"},
		{[]string{"ddoe.project.get"}, unknown, "ddoe-project-unknown"},
		{[]string{"ddoe.types.list", integrations + "create", integrations + "update", integrations + "delete", integrations + "list", integrations + "get"},
			[]int{http.StatusForbidden}, "ddoe-organization-role-missing"},
		{[]string{integrations + "create", integrations + "list"}, []int{http.StatusNotFound}, "ddoe-organization-unknown"},
		{[]string{integrations + "create", integrations + "update"}, []int{http.StatusConflict}, "ddoe-integration-name-taken"},
		{[]string{integrations + "create", integrations + "update"}, content, "ddoe-integration-refused"},
		{[]string{integrations + "delete"}, content, "ddoe-integration-not-deleted"},
		{[]string{"ddoe.driver.create", "ddoe.driver.update"}, content, "ddoe-driver-refused"},
		{[]string{"ddoe.driver.delete"}, content, "ddoe-driver-not-deleted"},
		{[]string{"ddoe.driver.test"}, append(content, http.StatusNotFound), "ddoe-driver-test-failed"},
	}
}

func ddoeCode(status int, code, operation string) Code {
	if code == "answer-invalid" {
		return "ddoe-answer-invalid"
	}
	if s := byStatus(status, "ddoe-throttled", "ddoe-unavailable"); s != "" {
		return s
	}
	for _, m := range ddoeMeanings() {
		if (m.operations == nil || slices.Contains(m.operations, operation)) && slices.Contains(m.statuses, status) {
			return m.code
		}
	}
	switch {
	case status == http.StatusUnauthorized:
		return "ddoe-unauthorized"
	case status == http.StatusForbidden && strings.HasPrefix(operation, "ddoe.driver."):
		return "ddoe-project-role-missing"
	case status == http.StatusForbidden:
		return "ddoe-forbidden"
	case status == http.StatusNotFound:
		return "ddoe-not-found"
	}
	return "ddoe-unrecognised"
}
