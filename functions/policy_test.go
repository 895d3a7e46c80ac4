package functions

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestThePolicyHoldsForEveryWayToAsk, before anything is written.
func TestThePolicyHoldsForEveryWayToAsk(t *testing.T) {
	t.Parallel()
	faulty := strings.Replace(good, "{", `{"issuer":"https://attacker.example",`, 1)
	imported := `{"credentials":{"clientId":"33333333-3333-4333-8333-333333333333","tenantId":"` + world.TenantID +
		`",` +
		`"federatedTokenIssuer":"https://attacker.example","subject":"` + subject + `",` +
		`"audience":"api://AzureADTokenExchange"},"storage":[{"resourceId":"` + world.DataAccountID + `"}]}`
	a := newApp(t, nil)
	require.Equal(t, 201, a.call("PUT", "/integrations/my-images", good).StatusCode)
	a.deliver()
	before := a.state()
	for _, c := range [][3]string{{"PUT", "/integrations/my-others", faulty},
		{"PUT", "/integrations/my-others?dryRun=true", faulty}, {"PUT", "/integrations/my-images", faulty},
		{"PATCH", "/integrations/my-images", `{"issuer":"https://attacker.example"}`},
		{"POST", "/integrations/my-others/import", imported}} {
		got := a.call(c[0], c[1], c[2], "Content-Type", "application/json")
		assert.Equal(t, 403, got.StatusCode, "%v: %s", c[:2], got.raw)
		assert.Equal(t, "not-allowed", got.at("code"))
		finding := got.at("errors").([]any)[0].(map[string]any)
		assert.Equal(t, "/issuer", finding["pointer"])
		assert.Equal(t, world.Issuer, finding["expected"])
	}
	assert.Equal(t, before, a.state(), "nothing is written")
	produce(a, "provision", "my-others", map[string]any{"integrationId": "my-others", "operationId": "asked",
		"spec": json.RawMessage(faulty)})
	refused := a.call("GET", "/operations/asked", "")
	assert.Equal(t, "not-allowed", refused.at("error", "code"), refused.raw)
	assert.Contains(t, refused.raw, `"/data/spec/issuer"`)
	assert.Equal(t, 404, a.call("GET", "/integrations/my-others", "").StatusCode)
}

// TestThePolicyIsShownToAdministrators as it holds, its defaults filled in.
func TestThePolicyIsShownToAdministrators(t *testing.T) {
	t.Parallel()
	a := newApp(t, map[string]string{"AUTH_AUDIENCE": apiAudience, "DATA_SCOPES": world.DataAccountID[:strings.Index(
		world.DataAccountID, "/providers/")], "OWN_STORAGE_ACCOUNTS": "HostState"})
	assert.Equal(t, 403, as(a, first, "GET", "/policy", "").StatusCode)
	got := as(a, manager, "GET", "/policy", "")
	require.Equal(t, 200, got.StatusCode, got.raw)
	assert.Equal(t, map[string]any{"grants": []any{map[string]any{
		"callers": []any{"role:Wif.Operate", "queue"}, "issuers": []any{world.Issuer},
		"subjects": []any{"system:serviceaccount:dataloop:*"},
		"storage":  []any{world.DataAccountID[:strings.Index(world.DataAccountID, "/providers/")]},
		"access":   "readWrite"}},
		"ownAccounts": []any{"hoststate", "state"}}, plainPolicy(got.body))
}

// plainPolicy leaves the link to the schema out.
func plainPolicy(body map[string]any) map[string]any {
	delete(body, "$schema")
	return body
}

// TestSettingsOfThePolicy: what is malformed stops the start, and each fault is named.
func TestSettingsOfThePolicy(t *testing.T) {
	t.Parallel()
	_, err := ConfigFromEnvironment(settings(map[string]string{"POLICY": `[{"callers":["me"]},{}]`,
		"DATA_SCOPES": "data",
		"QUEUE_OWNER": "me"}))
	for _, part := range []string{"setting POLICY", "/0/callers/0", "/1/callers", "setting DATA_SCOPES",
		"setting QUEUE_OWNER"} {
		assert.ErrorContains(t, err, part)
	}
}

// TestASubjectHasOneOwner: a service with identities of two owners could be led to use the wrong one.
func TestASubjectHasOneOwner(t *testing.T) {
	t.Parallel()
	a := withCallers(t)
	two := strings.Replace(good, `"serviceName":"my-service"`, `"subjects":["system:serviceaccount:dataloop:other",`+
		`"`+subject+`"]`, 1)
	require.NotEqual(t, good, two)
	require.Equal(t, 201, as(a, first, "PUT", "/integrations/my-images", good).StatusCode)
	refused := func(who, method, path, body, pointer string) {
		t.Helper()
		got := as(a, who, method, path, body)
		assert.Equal(t, 409, got.StatusCode, got.raw)
		assert.Equal(t, "subject-bound", got.at("code"))
		assert.Equal(t, pointer, got.at("errors").([]any)[0].(map[string]any)["pointer"])
		assert.NotContains(t, got.raw, "my-images")
	}
	for range 2 { // before anything is made, and afterwards
		refused(second, "PUT", "/integrations/my-others", two, "/subjects/1")
		refused(second, "PUT", "/integrations/my-others?dryRun=true", good, "/subjects/0")
		a.deliver()
	}
	assert.Equal(t, 201, as(a, first, "PUT", "/integrations/my-second", good).StatusCode, "its owner may")
	refused(first, "PATCH", "/integrations/my-second/owner", `{"owner":"`+second+`"}`, "/subjects/0")
	assert.Equal(t, 201, as(a, manager, "PUT", "/integrations/of-manager", good).StatusCode, "an administrator may")
	assert.Equal(t, 200, as(a, manager, "PATCH", "/integrations/my-second/owner", `{"owner":"`+second+`"}`).StatusCode)
	assert.Equal(t, 200, as(a, second, "GET", "/integrations/my-second", "").StatusCode)
}

// TestASubjectIsFreeAgain after a teardown, or when the spec names it no more; not before the request is certain to
// have ended that may still write it.
func TestASubjectIsFreeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := withCallers(t)
		require.Equal(t, 201, as(a, first, "PUT", "/integrations/my-images", good).StatusCode)
		a.deliver()
		require.Equal(t, 202, as(a, first, "DELETE", "/integrations/my-images", "").StatusCode)
		a.deliver()
		time.Sleep(9 * time.Minute)
		assert.Equal(t, 409, as(a, second, "PUT", "/integrations/my-others", good).StatusCode)
		time.Sleep(time.Minute)
		assert.Equal(t, 201, as(a, second, "PUT", "/integrations/my-others", good).StatusCode)
	})
}

// TestSubjectsFromBeforeAreEntered by the timer: callers were not told apart when they were bound.
func TestSubjectsFromBeforeAreEntered(t *testing.T) {
	t.Parallel()
	before := newApp(t, nil)
	require.Equal(t, 201, before.call("PUT", "/integrations/my-images", good).StatusCode)
	before.deliver()
	a := newAppOn(t, map[string]string{"AUTH_AUDIENCE": apiAudience},
		func(network, identity) integration.Store { return before.store })
	require.NoError(t, a.function("sweep").Tick(t.Context(), false))
	assert.Equal(t, "subject-bound", as(a, second, "PUT", "/integrations/my-others", good).at("code"))
}
