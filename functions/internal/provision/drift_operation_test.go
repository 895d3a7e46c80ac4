package provision_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func removeApplication(f *fixture) {
	require.NoError(f.t, f.world.DeleteApplication(f.Document().Status.Identity.ID))
}

func makeWired(f *fixture) { f.provisioned(wired()) }

// unfinishedOperations are operations that have not ended.
var unfinishedOperations = map[string]struct {
	before func(*fixture)
	// begin makes the operation that does not end, and returns its id.
	begin func(*fixture) string
	after func(*fixture)
	found map[string]string
	// waits states what the operation waits for, and until when; nil where it does not.
	waits func(*fixture) string
}{
	"a PUT of another spec is queued": {makeWired, func(f *fixture) string {
		s := wired()
		s.Subjects = []string{other}
		_, cmd := f.submit(s)
		return cmd.OperationID
	}, nil, map[string]string{"structure.federatedCredential": "federated-credential-missing"}, nil},
	"a repair is queued, and the application is gone": {makeWired, func(f *fixture) string {
		_, cmd := f.submit(wired())
		return cmd.OperationID
	}, removeApplication, map[string]string{"structure.application": "identity-missing"}, nil},
	"a DELETE is queued, and the application is gone": {makeWired, func(f *fixture) string {
		_, cmd := f.remove(provision.TeardownOptions{})
		return cmd.OperationID
	}, removeApplication, map[string]string{"structure.application": "identity-missing"}, nil},
	"a PUT of another spec waits as long as it is asked": {makeWired, func(f *fixture) string {
		f.putsOff("graph.microsoft.com", ".", 1, 429, "95")
		return parked(f)
	}, nil, map[string]string{"structure.federatedCredential": "federated-credential-missing"},
		func(f *fixture) string {
			return "It waits: The rate of requests is limited (throttled). It is tried again from " +
				inSeconds(f, 95) + " on."
		}},
	"a PUT of another spec waits for a service that fails": {makeWired, func(f *fixture) string {
		failGraph(f)
		return parked(f)
	}, func(f *fixture) { f.faults = nil },
		map[string]string{"structure.federatedCredential": "federated-credential-missing"},
		func(f *fixture) string {
			return "It waits: Microsoft Graph is temporarily unavailable (graph-unavailable). It is " +
				"tried again from " + inSeconds(f, 10) + " on."
		}},
}

// parked submits another spec, and carries it out as far as that goes.
func parked(f *fixture) string {
	s := wired()
	s.Subjects = []string{other}
	_, cmd := f.submit(s)
	f.handle(cmd)
	f.RequireStatus(cmd.OperationID, integration.OperationRunning)
	return cmd.OperationID
}

// inSeconds is a time as texts have it.
func inSeconds(f *fixture, n int) string {
	return f.Now().Add(time.Duration(n) * time.Second).UTC().Format("2006-01-02T15:04:05Z")
}

// TestDriftWhileAnOperationRuns: a difference may be what the operation has not come to. It is no failure, and nobody
// is told to supersede the operation by another PUT.
func TestDriftWhileAnOperationRuns(t *testing.T) {
	t.Parallel()
	for name, c := range unfinishedOperations {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			if c.before != nil {
				c.before(f)
			}
			f.Advance(30 * time.Minute)
			operationID := c.begin(f)
			if c.after != nil {
				c.after(f)
			}
			require.False(t, f.Operation(operationID).Status.IsFinal(), "%+v", f.Operation(operationID).Error)
			report, found := f.drift()
			assert.Equal(t, assessment.VerdictUnknown, report.Verdict, "%v", found)
			for id, code := range c.found {
				i := slices.IndexFunc(report.Checks, func(c assessment.Check) bool {
					return c.ID == id && string(c.Code) == code
				})
				require.GreaterOrEqual(t, i, 0, "%s: %v", id, found)
				check := report.Checks[i]
				assert.Equal(t, diagnosis.OutcomeUnknown, check.Status)
				assert.True(t, check.Transient)
				text := "The operation " + operationID + " still runs; this may be what it has not come to yet. "
				if c.waits != nil {
					text += c.waits(f) + " "
				}
				difference, isRunning := strings.CutPrefix(check.Detail, text)
				assert.True(t, isRunning, check.Detail)
				assert.Regexp(t, "^[A-Z]", difference, "the difference is told after it")
				assert.Contains(t, fmt.Sprint(check.Remedy.Steps), "GET /api/operations/"+operationID)
			}
			for _, check := range report.Checks {
				assert.NotEqual(t, diagnosis.OutcomeFail, check.Status, check.ID)
				if check.Remedy != nil {
					assert.NotContains(t, fmt.Sprint(check.Remedy), "PUT", check.ID)
				}
			}
		})
	}
}

// TestDriftAfterAFailedPut: what another PUT would mend follows from what the last one failed with. What no PUT mends
// keeps its own remedy.
func TestDriftAfterAFailedPut(t *testing.T) {
	t.Parallel()
	f := withPlatform(t)
	f.provisioned(wired())
	f.Advance(30 * time.Minute)
	d := f.Document()
	_, err := f.world.CreateFederatedCredential(world.FederatedIdentityCredential{ApplicationID: d.Status.Identity.ID,
		Name: "by-hand", Issuer: world.Issuer, Subject: other, Audiences: []string{"api://AzureADTokenExchange"}})
	require.NoError(t, err)
	_, err = f.world.DeleteRoleAssignment(d.Status.RoleAssignments[0].ID)
	require.NoError(t, err)
	f.fails(fault{match: regexp.MustCompile(`^PUT management.*/roleAssignments/`), status: 403,
		code: "AuthorizationFailed"})
	a, cmd := f.submit(wired())
	f.handle(cmd)
	f.RequireStatus(a.Operation.ID, integration.OperationFailed)
	f.faults = nil
	report, found := f.drift()
	require.NotNil(t, report.Diagnosis)
	assert.Equal(t, diagnosis.CodeARMPermissionMissing, report.Diagnosis.Code, "that is the root: %v", found)
	for _, check := range report.Checks {
		switch check.Code {
		case diagnosis.CodeRoleMissing:
			assert.Equal(t, "operation.last", check.DependsOn)
			assert.Nil(t, check.Remedy)
		case diagnosis.CodeFederatedCredentialExtra:
			assert.Empty(t, check.DependsOn)
			assert.NotNil(t, check.Remedy)
		}
	}
	require.Len(t, report.Also, 1)
	assert.Equal(t, diagnosis.CodeFederatedCredentialExtra, report.Also[0].Code, "a stranger's stays one")
}
