package functions

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// What another team has on the application that a person has made.
const (
	financeSubject    = "system:serviceaccount:dataloop:svc-finance"
	financeCredential = "aaaaaaaa-0000-4000-8000-000000000015"
	financeSpec       = `{"storage":` + handStorage + `,"serviceName":"svc-finance"}`
)

// letIn adds a credential to the application that a person has made.
func letIn(a *app, name, issuer, subject string) {
	a.t.Helper()
	a.make("federatedIdentityCredentials", financeCredential, map[string]any{"applicationId": handApplication,
		"name": name, "issuer": issuer, "subject": subject, "audiences": []string{"api://AzureADTokenExchange"}})
}

// sharedByHand is an app that has imported, for the second owner, an application of the service's that lets a second
// subject in.
func sharedByHand(t *testing.T, policy string) *app {
	t.Helper()
	a := byHand(t, map[string]string{"AUTH_AUDIENCE": apiAudience, "POLICY": policy})
	a.world.AddOwner(handApplication, world.AppPrincipalID)
	a.world.AddOwner(handPrincipal, world.AppPrincipalID)
	letIn(a, "finance", world.Issuer, financeSubject)
	imported := as(a, second, "POST", "/integrations/by-hand/import", handImport)
	require.Equal(t, 201, imported.StatusCode, imported.raw)
	return a
}

// sharings are what keeps an operator from having managed what others use too.
var sharings = map[string]struct {
	policy  string
	prepare func(a *app)
	status  int
	code    string
}{
	"another owner's subject": {status: 409, code: "subject-bound", prepare: func(a *app) {
		made := as(a, first, "PUT", "/integrations/of-finance", financeSpec)
		require.Equal(a.t, 201, made.StatusCode, made.raw)
	}},
	"another owner's subject, under a name of ours": {status: 409, code: "subject-bound", prepare: func(a *app) {
		letIn(a, integration.CredentialName(financeSubject), world.Issuer, financeSubject)
		require.Equal(a.t, 201, as(a, first, "PUT", "/integrations/of-finance", financeSpec).StatusCode)
	}},
	"another owner's subject, under the name of the caller's": {status: 409, code: "subject-bound",
		prepare: func(a *app) {
			letIn(a, integration.CredentialName(subject), world.Issuer, financeSubject)
			require.Equal(a.t, 201, as(a, first, "PUT", "/integrations/of-finance", financeSpec).StatusCode)
		}},
	"a subject that the policy does not allow": {status: 403, code: "not-allowed",
		policy: `[{"callers":["role:Wif.Operate"],"subjects":["` + subject + `"]}]`},
	"an issuer that the policy does not allow": {status: 403, code: "not-allowed",
		prepare: func(a *app) { letIn(a, "finance", "https://token.example", subject) }},
	"a flexible one": {status: 403, code: "not-allowed", prepare: func(a *app) {
		a.make("federatedIdentityCredentials", financeCredential, map[string]any{"applicationId": handApplication,
			"name": "finance", "issuer": world.Issuer, "audiences": []string{"api://AzureADTokenExchange"},
			"claimsMatchingExpression": map[string]any{"languageVersion": 1,
				"value": "claims['sub'] matches 'system:serviceaccount:dataloop:*'"}})
	}},
}

// TestATakeoverOfWhatOthersUse is an administrator's: a teardown takes every credential of the identity along, and
// the dry run names each.
func TestATakeoverOfWhatOthersUse(t *testing.T) {
	t.Parallel()
	for name, c := range sharings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := sharedByHand(t, c.policy)
			if c.prepare != nil {
				c.prepare(a)
			}
			a.deliver()
			before := a.world.Snapshot()
			for _, query := range []string{"?dryRun=true", ""} {
				got := as(a, second, "POST", managePath+query, "")
				assert.Equal(t, c.status, got.StatusCode, got.raw)
				assert.Equal(t, c.code, got.at("code"), got.raw)
				for _, hidden := range []string{"of-finance", first, `"finance"`} {
					assert.NotContains(t, got.raw, hidden)
				}
				if c.code == "not-allowed" {
					assert.NotContains(t, got.raw, "svc-finance")
				}
			}
			a.deliver()
			assert.Equal(t, before, a.world.Snapshot())
			assert.Equal(t, true, as(a, second, "GET", "/integrations/by-hand", "").at("unmanaged"))
			plan := as(a, manager, "POST", managePath+"?dryRun=true", "")
			assert.Equal(t, 200, plan.StatusCode, plan.raw)
			assert.Equal(t, 2, removedCredentials(plan), plan.raw)
		})
	}
}

// removedCredentials counts the credentials that a plan says a teardown removes.
func removedCredentials(plan answer) int {
	count := 0
	for _, step := range steps(plan.at("removes")) {
		if step == "federatedCredential delete" {
			count++
		}
	}
	return count
}

// TestATakeoverTellsAllThatATeardownTakes: what the caller may ask for, and nobody else has, is taken over, and the
// dry run names it, before the takeover and after it.
func TestATakeoverTellsAllThatATeardownTakes(t *testing.T) {
	t.Parallel()
	a := sharedByHand(t, "")
	plan := func() answer {
		got := as(a, second, "POST", managePath+"?dryRun=true", "")
		require.Equal(t, 200, got.StatusCode, got.raw)
		return got
	}
	planned := plan()
	assert.Equal(t, 2, removedCredentials(planned), planned.raw)
	assert.Contains(t, planned.raw, `"target":"`+financeSubject+`","action":"delete","key":"finance"`)
	require.Equal(t, 202, as(a, second, "POST", managePath, "").StatusCode)
	a.deliver()
	assert.Len(t, a.world.Snapshot().FederatedIdentityCredentials, 2, "it stays until then")
	managed := plan()
	assert.Equal(t, 2, removedCredentials(managed), managed.raw)
	require.Equal(t, 202, as(a, second, "DELETE", "/integrations/by-hand", "").StatusCode)
	a.deliver()
	assert.Empty(t, a.world.Snapshot().FederatedIdentityCredentials)
}
