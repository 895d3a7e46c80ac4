package story

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFlexibleCredentials: v1.0 of Graph breaks off at a flexible credential. One of somebody else's does not hinder
// us and stays; one in the place of ours is told as what it is, and the PUT makes it plain again.
func TestFlexibleCredentials(t *testing.T) {
	t.Parallel()
	a := start(t)
	const path = "/integrations/my-images"
	created := a.call(http.MethodPut, path, a.spec("images"))
	require.Equal(t, http.StatusCreated, created.Status, created.Raw)
	require.Equal(t, "Succeeded", a.wait(created.Header.Get("Operation-Location")).at("status"))
	made := a.control(http.MethodGet, "/world", nil)
	credentials, _ := made.at("federatedIdentityCredentials").([]any)
	require.Len(t, credentials, 1)
	own, _ := credentials[0].(map[string]any)
	flexible := map[string]any{"applicationId": own["applicationId"], "name": "of-gitlab",
		"issuer":    "https://gitlab.com",
		"audiences": own["audiences"],
		"claimsMatchingExpression": map[string]any{"value": "claims['sub'] matches 'project_path:*'",
			"languageVersion": 1}}
	a.control(http.MethodPut, "/objects/federatedIdentityCredentials/strangers", flexible)

	drift := a.call(http.MethodGet, path+"/drift", nil)
	assert.NotContains(t, []any{"fail", "unknown"}, drift.at("verdict"), drift.Raw)
	test := a.call(http.MethodPost, path+"/access-tests", map[string]any{})
	assert.Equal(t, "pass", test.at("verdict"), test.Raw)

	own["subject"], own["claimsMatchingExpression"] = "", flexible["claimsMatchingExpression"]
	a.control(http.MethodPut, "/objects/federatedIdentityCredentials/"+own["id"].(string), own)
	drift = a.call(http.MethodGet, path+"/drift", nil)
	assert.Equal(t, "fail", drift.at("verdict"), drift.Raw)
	assert.Contains(t, drift.Raw, "project_path:*")
	test = a.call(http.MethodPost, path+"/access-tests", map[string]any{})
	assert.Contains(t, test.Raw, "credential-flexible-unsupported")

	updated := a.call(http.MethodPut, path, a.spec("images"))
	require.Equal(t, "Succeeded", a.wait(updated.Header.Get("Operation-Location")).at("status"), updated.Raw)
	test = a.call(http.MethodPost, path+"/access-tests", map[string]any{})
	assert.Equal(t, "pass", test.at("verdict"), test.Raw)
	assert.Contains(t, a.control(http.MethodGet, "/world", nil).Raw, "of-gitlab", "what is not ours stays")
}
