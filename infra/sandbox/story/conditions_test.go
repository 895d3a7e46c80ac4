package story

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAConditionByPath that an administrator has put on our role assignment lets in below one folder alone. A test in
// the container's root is refused; one with a prefix in the folder passes; drift names the condition as theirs; and a
// PUT keeps it.
func TestAConditionByPath(t *testing.T) {
	t.Parallel()
	a := start(t)
	created := a.call(http.MethodPut, "/integrations/my-images", a.spec("images"))
	require.Equal(t, http.StatusCreated, created.Status, created.Raw)
	require.Equal(t, "Succeeded", a.wait(created.Header.Get("Operation-Location")).at("status"))
	test := func(options map[string]any) answer {
		options["subjectToken"] = a.token(subject)
		return a.call(http.MethodPost, "/integrations/my-images/access-tests", options)
	}
	require.Eventually(t, func() bool { return test(map[string]any{}).at("verdict") == "pass" }, 30*time.Second,
		200*time.Millisecond)

	const blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
	condition := "(SubOperationMatches{'Blob.List'} OR !(ActionMatches{'" + blobs + "/read'}) AND !(ActionMatches{'" +
		blobs + "/write'}) AND !(ActionMatches{'" + blobs + "/add/action'}) AND !(ActionMatches{'" + blobs +
		"/delete'}) OR @Resource[" + blobs + ":path] StringStartsWith 'data/')"
	conditioned := func() map[string]any {
		assignments, _ := a.control(http.MethodGet, "/world", nil).at("roleAssignments").([]any)
		for _, one := range assignments {
			if scope, _ := at(one, "scope").(string); strings.HasSuffix(scope, "/containers/images") {
				return one.(map[string]any)
			}
		}
		return nil
	}
	ours := conditioned()
	require.NotNil(t, ours)
	ours["condition"], ours["conditionVersion"] = condition, "2.0"
	put := a.control(http.MethodPut, "/objects/roleAssignments/"+ours["name"].(string), ours)
	require.Equal(t, http.StatusNoContent, put.Status, put.Raw)

	refused := test(map[string]any{})
	assert.Equal(t, "fail", refused.at("verdict"), refused.Raw)
	assert.Equal(t, "role-assignment-conditioned", refused.at("diagnosis.code"), refused.Raw)
	passed := test(map[string]any{"prefix": "data"})
	assert.Equal(t, "pass", passed.at("verdict"), passed.Raw)

	drift := a.call(http.MethodGet, "/integrations/my-images/drift", nil)
	assert.Equal(t, "warn", drift.at("verdict"), drift.Raw)
	assert.Equal(t, "role-assignment-conditioned", drift.at("diagnosis.code"), drift.Raw)
	repeated := a.call(http.MethodPut, "/integrations/my-images", a.spec("images"))
	require.Equal(t, "Succeeded", a.wait(repeated.Header.Get("Operation-Location")).at("status"))
	assert.Equal(t, condition, conditioned()["condition"], "it is theirs")
}
