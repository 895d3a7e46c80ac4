package provision_test

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// drift returns the report, and the codes of what did not pass, by check.
func (f *fixture) drift() (assessment.Report, map[string]string) {
	f.t.Helper()
	report, err := f.service.Drift(f.t.Context(), id)
	require.NoError(f.t, err)
	found := map[string]string{}
	for _, c := range report.Checks {
		if c.Status != diagnosis.OutcomePass {
			found[c.ID] = string(c.Code)
		}
	}
	return report, found
}

// drifts are changes by somebody else, each with what is found.
var drifts = map[string]struct {
	change func(*fixture)
	found  map[string]string
	// stays is true where submitting the spec again does not remove it.
	stays bool
}{
	"application gone": {func(f *fixture) {
		require.NoError(f.t, f.world.DeleteApplication(f.Document().Status.Identity.ID))
	}, map[string]string{"structure.application": "identity-missing"}, false},
	"service principal made anew": {func(f *fixture) {
		require.NoError(f.t, f.world.DeleteServicePrincipal(f.Document().Status.ServicePrincipalID))
	}, map[string]string{"structure.servicePrincipal": "service-principal-missing"}, false},
	"credential gone": {func(f *fixture) {
		d := f.Document()
		require.NoError(f.t, f.world.DeleteFederatedCredential(d.Status.Identity.ID,
			d.Status.FederatedCredentials[0].Name))
	}, map[string]string{"structure.federatedCredential": "federated-credential-missing"}, false},
	"credential added": {func(f *fixture) {
		_, err := f.world.CreateFederatedCredential(
			world.FederatedIdentityCredential{ApplicationID: f.Document().Status.Identity.ID, Name: "by-hand",
				Issuer: world.Issuer, Subject: other, Audiences: []string{"api://AzureADTokenExchange"}})
		require.NoError(f.t, err)
	}, map[string]string{"drift.federatedCredential": "federated-credential-extra"}, true},
	"assignment gone": {func(f *fixture) {
		_, err := f.world.DeleteRoleAssignment(f.Document().Status.RoleAssignments[0].ID)
		require.NoError(f.t, err)
	}, map[string]string{"structure.roleAssignment": "role-missing"}, false},
	"assignment added": {func(f *fixture) {
		d := f.Document()
		scope := d.Status.RoleAssignments[0].Scope
		_, _, err := f.world.PutRoleAssignment(
			rbac.RoleAssignment{ID: scope +
				"/providers/Microsoft.Authorization/roleAssignments/99999999-9999-4999-8999-999999999999",
				Name: "99999999-9999-4999-8999-999999999999", Scope: scope, PrincipalID: d.Status.ServicePrincipalID,
				PrincipalType: "ServicePrincipal",
				RoleDefinitionID: "/subscriptions/" + world.SubscriptionID +
					"/providers/Microsoft.Authorization/roleDefinitions/" + rbac.RoleBlobDataReader})
		require.NoError(f.t, err)
	}, map[string]string{"drift.roleAssignment": "role-assignment-extra"}, true},
}

func TestDriftIsSeenAndMended(t *testing.T) {
	t.Parallel()
	for name, c := range drifts {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.provisioned(wired())
			report, found := f.drift()
			require.Empty(t, found, "%+v", report.Checks)
			assert.Equal(t, assessment.VerdictPass, report.Verdict)
			assert.Equal(t, "drift", report.Kind)
			before := len(f.requests)

			c.change(f)
			report, found = f.drift()
			for id, code := range c.found {
				assert.Equal(t, code, found[id], "%v", found)
			}
			if name != "application gone" { // which takes the others along
				assert.Len(t, found, len(c.found), "%v", found)
			}
			assert.NotEqual(t, assessment.VerdictPass, report.Verdict)
			for _, r := range f.requests[before:] {
				assert.Regexp(t, `^(GET|HEAD) `, r, "drift only reads")
			}
			for _, check := range report.Checks {
				assert.NotContains(t, fmt.Sprintf("%+v", check), "planted")
			}

			d := f.carried(wired())
			_, found = f.drift()
			if c.stays {
				assert.Len(t, found, len(c.found))
				return
			}
			assert.Empty(t, found)
			assert.Equal(t, gateCounts{1, 1}, f.onGate())
			f.verified(d.Status.LastOperationID)
			assert.Equal(t, integration.PhaseUsable, f.Document().Status.Phase)
		})
	}
}

func TestDriftOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	f := withPlatform(t)
	_, err := f.service.Drift(t.Context(), id)
	requireCode(t, "integration-not-found", err)
	_, cmd := f.submit(wired())
	_, err = f.service.Drift(t.Context(), id)
	requireCode(t, "not-provisioned", err)
	f.handle(cmd)
	f.fails(fault{match: regexp.MustCompile(`GET gate`), status: 403})
	report, found := f.drift()
	assert.Equal(t, assessment.VerdictUnknown, report.Verdict, "what cannot be read proves nothing")
	assert.Equal(t, "ddoe-organization-role-missing", found["ddoe.integration"])
	f.faults = nil
	_, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	_, err = f.service.Drift(t.Context(), id)
	requireCode(t, "integration-deleted", err)
}

func TestDriftWithoutThePlatform(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.provisioned(wired())
	report, _ := f.drift()
	assert.Equal(t, assessment.VerdictPass, report.Verdict)
	assert.Equal(t, diagnosis.OutcomeSkip, report.Checks[len(report.Checks)-1].Status)
}

// TestDriftReport: a report tells what it proves, from where and when it was asked, and how long that took.
func TestDriftReport(t *testing.T) {
	t.Parallel()
	f := withPlatform(t)
	f.provisioned(wired())
	f.Advance(30 * time.Minute)
	f.service.Tester.Origin = assessment.Origin{Host: "the-app", Region: "westeurope"}
	started := f.Now()
	f.meanwhile = func() { f.Advance(1234*time.Millisecond + 900*time.Microsecond) }
	report, found := f.drift()
	assert.Empty(t, found)
	var ids []string
	for _, c := range report.Checks {
		ids = append(ids, c.ID)
	}
	assert.Equal(t, []string{"structure.application", "structure.servicePrincipal",
		"structure.federatedCredential", "structure.roleAssignment", "ddoe.integration", "ddoe.driver"}, ids)
	_, err := uuid.Parse(report.ID)
	require.NoError(t, err)
	want := assessment.Report{ID: report.ID, Kind: "drift", Verdict: assessment.VerdictPass,
		ClaimLevel: assessment.ClaimStructure, TestedFrom: &assessment.Origin{Host: "the-app", Region: "westeurope"},
		StartedAt: started, DurationMS: 1234, Checks: report.Checks, Leftovers: []assessment.Leftover{}}
	assert.Equal(t, want, report)

	f.service.Tester = nil
	again, _ := f.drift()
	assert.NotEqual(t, report.ID, again.ID)
	want.ID, want.TestedFrom, want.StartedAt, want.DurationMS = again.ID, nil, f.Now(), 0
	assert.Equal(t, want, again)
}
