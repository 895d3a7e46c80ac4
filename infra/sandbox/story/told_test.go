package story

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The places where an integration's state is told.
const (
	inDrift     = "drift"
	inTest      = "access test"
	inHealth    = "health"
	inOperation = "operation"
)

// diagnosed is the diagnosis that one of the places gives: of a report the root cause; of health the reason that its
// last report gives; of a PUT of the spec what its operation has failed with, or waits for. Nil where all is well.
func diagnosed(a *app, place string, spec map[string]any) map[string]any {
	a.t.Helper()
	var found any
	switch place {
	case inDrift:
		found = a.call(http.MethodGet, "/integrations/my-images/drift", nil).at("diagnosis")
	case inTest:
		found = a.call(http.MethodPost, "/integrations/my-images/access-tests", map[string]any{
			"subjectToken": a.token(subject)}).at("diagnosis")
	case inHealth:
		found = a.look(a.call(http.MethodGet, "/integrations/my-images/health", nil)).at("lastReport.diagnosis")
	case inOperation:
		put := a.call(http.MethodPut, "/integrations/my-images", spec)
		require.Less(a.t, put.Status, 300, put.Raw)
		a.pending = put.Header.Get("Operation-Location")
		found = stopped(a, a.pending)
	}
	d, _ := found.(map[string]any)
	return d
}

// stopped is what an operation has failed with or waits for, as soon as it does either; nil where it succeeds.
func stopped(a *app, location string) any {
	a.t.Helper()
	var op answer
	require.Eventually(a.t, func() bool {
		op = a.call(http.MethodGet, operationPath(location), nil)
		return op.at("status") != "NotStarted" && op.at("status") != "Running" || op.at("waiting") != nil
	}, 60*time.Second, 50*time.Millisecond)
	if op.at("status") == "Failed" {
		return op.at("diagnosis")
	}
	return op.at("waiting")
}

// TestAnAnswerThatIsNotTheServices states nothing of the integration, wherever it is told, and an operation waits for
// the service's own.
func TestAnAnswerThatIsNotTheServices(t *testing.T) {
	t.Parallel()
	a := start(t)
	spec := a.spec("images")
	a.put(spec)
	a.requireUsable()
	page := map[string]any{"Content-Type": "text/html"}
	for _, c := range []struct {
		service, host string
		status        int
		headers       map[string]any
		body          any
		places        []string
	}{
		{"entra", `^login\.`, 403, page, "<html>Blocked</html>", []string{inTest, inHealth}},
		{"storage", `^acmedata\.`, 403, page, "<html>Blocked</html>", []string{inTest, inHealth}},
		{"storage", `^acmedata\.`, 200, nil, "", []string{inTest, inHealth}},
		{"graph", `^graph\.`, 200, page, "<html>Sign in</html>", []string{inDrift, inOperation}},
		{"arm", `^management\.`, 407, nil, "", []string{inDrift, inOperation}},
		{"arm", `^management\.`, 404, nil, map[string]any{"message": "no route"}, []string{inDrift, inOperation}},
	} {
		a.control(http.MethodPut, "/faults", []any{map[string]any{"match": map[string]any{"host": c.host}, "times": -1,
			"status": c.status, "headers": c.headers, "body": c.body}})
		spec["displayName"] = "Asked of " + c.host + time.Now().String() // so that there is something to do
		for _, place := range c.places {
			d := diagnosed(a, place, spec)
			require.NotNil(t, d, "%s in %s", c.service, place)
			assert.Equal(t, "answer-not-from-service", d["code"], "%s in %s: %v", c.service, place, d)
			assert.Equal(t, "operator", at(d, "remedy.who"), d)
			assert.Equal(t, c.service, at(d, "evidence.service"), d)
			assert.InDelta(t, c.status, at(d, "evidence.httpStatus"), 0, d)
		}
		a.control(http.MethodPut, "/faults", []any{})
		if c.places[1] == inOperation {
			assert.Equal(t, "Succeeded", a.wait(a.pending).at("status"), "it waits, and does not end")
		}
		for _, place := range []string{inDrift, inTest} {
			assert.Nil(t, diagnosed(a, place, spec), "%s afterwards", place)
		}
	}
}

// TestWhatForbidsWhatRolesAllow is told apart from a missing role, and the PUT goes through once it is gone.
func TestWhatForbidsWhatRolesAllow(t *testing.T) {
	t.Parallel()
	a := start(t)
	spec := a.spec("images")
	a.put(spec)
	a.requireUsable()
	for _, c := range []struct {
		kind, code, action string
		object             map[string]any
	}{
		{"denyAssignments", "deny-assignment", "the deny assignment with name 'stack'", map[string]any{
			"scope": a.account("acmedata"), "actions": []string{"Microsoft.Authorization/roleAssignments/write"}}},
		{"locks", "scope-locked", "following scope(s) are locked", map[string]any{"scope": a.account("acmedata"),
			"level": "ReadOnly"}},
	} {
		a.removeAssignments("images") // so that there is something to do
		a.control(http.MethodPut, "/objects/"+c.kind+"/stack", c.object)
		d := diagnosed(a, inOperation, spec)
		require.NotNil(t, d, c.code)
		assert.Equal(t, c.code, d["code"], d)
		assert.Equal(t, "storage-admin", at(d, "remedy.who"), d)
		assert.Contains(t, at(d, "remedy.command"), a.account("acmedata"), d)
		assert.Contains(t, d["detail"], c.action, "Azure's words name it")
		a.control(http.MethodDelete, "/objects/"+c.kind+"/stack", nil)
		a.put(spec)
		assert.Nil(t, diagnosed(a, inDrift, spec))
		assert.Nil(t, diagnosed(a, inTest, spec))
	}
	a.control(http.MethodPut, "/objects/denyAssignments/data", map[string]any{"scope": a.account("acmedata"),
		"dataActions": []string{"*"}})
	d := diagnosed(a, inTest, spec)
	require.NotNil(t, d)
	assert.Equal(t, "role-not-effective", d["code"], "Storage does not tell what forbids it")
	assert.Contains(t, at(d, "remedy.command"), "denyAssignments", "so the remedy says where to look")
	assert.Nil(t, diagnosed(a, inDrift, spec), "the role is there")
}
