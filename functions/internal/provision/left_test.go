package provision_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// teardownResult is an operation's result of a teardown.
func (f *fixture) teardownResult(op integration.Operation) provision.TeardownResult {
	f.t.Helper()
	var result provision.TeardownResult
	require.NoError(f.t, json.Unmarshal(op.Result, &result), "%s", op.Result)
	return result
}

// failedTeardown is what the document states after one, and what nobody is told.
func (f *fixture) failedTeardown(op integration.Operation, result provision.TeardownResult) {
	f.t.Helper()
	told, err := json.Marshal(op.Error)
	require.NoError(f.t, err)
	assert.NotContains(f.t, string(told), "PUT")
	d := f.Document()
	assert.Equal(f.t, integration.PhaseDeprovisioning, d.Status.Phase)
	assert.Equal(f.t, result.Left, d.Status.Left)
	assert.True(f.t, d.HasCondition(integration.ConditionDeleted, "False", op.Error))
	assert.Equal(f.t, op.Error.Code, d.Ready().Reason)
	assert.False(f.t, d.IsEnding(), "other requests are taken again")
}

// TestAFailedTeardownTellsWhatIsLeft: what was not seen to be gone, in the order in which it was made, and nothing
// that is gone. The same request ends it.
func TestAFailedTeardownTellsWhatIsLeft(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault fault
		purge bool
		code  diagnosis.Code
		left  []string // the beginning and the end of each
	}{
		"a role assignment that is refused": {fault: fault{match: at(`^DELETE management`), status: 403,
			code: "AuthorizationFailed"},
			code: diagnosis.CodeARMPermissionMissing, left: []string{
				"application …something that comes first has failed.",
				"servicePrincipal …something that comes first has failed.",
				"roleAssignment …(arm-permission-missing)."}},
		"a directory that is down for longer than the patience": {fault: fault{match: at(`^DELETE graph`),
			status: 503},
			code: diagnosis.CodeAttemptsExhausted, left: []string{
				"application …something that comes first has failed.",
				"servicePrincipal …something that comes first has failed.",
				"federatedCredential …(graph-unavailable)."}},
		"a platform that is down": {fault: fault{match: at(` gate\.dataloop\.ai/`), status: 503},
			code: diagnosis.CodeAttemptsExhausted, left: []string{"ddoeIntegration …(ddoe-unavailable).",
				"ddoeDriver …(ddoe-unavailable)."}},
		"a recycle bin that is closed": {fault: fault{match: at(`^DELETE graph.*/deletedItems/`), status: 403,
			code: "Authorization_RequestDenied"},
			purge: true, code: diagnosis.CodeGraphPermissionMissing, left: []string{
				"application …(graph-permission-missing).",
				"servicePrincipal …something that comes first has failed."}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := withPlatform(t)
			f.carried(wired())
			f.fails(c.fault)
			_, down := f.remove(provision.TeardownOptions{Purge: c.purge})
			f.handle(down)
			op := f.finish(down)
			require.Equal(t, integration.OperationFailed, op.Status)
			assert.Equal(t, c.code, op.Error.Code)
			result := f.teardownResult(op)
			assert.False(t, result.Purged)
			result.Left = notInBin(result.Left)
			require.Len(t, result.Left, len(c.left), "%s", strings.Join(result.Left, "\n"))
			for i, want := range c.left {
				begins, ends, _ := strings.Cut(want, "…")
				assert.Regexp(t, "^"+begins+`[\w/].* was not seen to be gone: \w`, result.Left[i])
				assert.True(t, strings.HasSuffix(result.Left[i], ends), result.Left[i])
			}
			f.failedTeardown(op, f.teardownResult(op))
			f.faults = nil
			_, again := f.remove(provision.TeardownOptions{Purge: c.purge})
			f.completed(again)
			result = f.teardownResult(f.Operation(again.OperationID))
			assert.Equal(t, c.purge, result.Purged)
			assert.Empty(t, notInBin(result.Left))
			assert.Len(t, result.Left, map[bool]int{true: 0, false: 1}[c.purge], "the bin keeps what is not purged")
			assert.Zero(t, f.onGate())
		})
	}
}

// notInBin is what is left besides what a recycle bin keeps.
func notInBin(left []string) []string {
	return slices.DeleteFunc(slices.Clone(left), func(text string) bool {
		return strings.HasPrefix(text, "Entra's recycle bin keeps the application, ") &&
			strings.Contains(text, "for 30 days") && strings.Contains(text, "?purge=true")
	})
}

// TestABlockedTeardownLeavesEverything, and states so.
func TestABlockedTeardownLeavesEverything(t *testing.T) {
	t.Parallel()
	f := withPlatform(t)
	d := f.carried(wired())
	require.NoError(t, f.world.PutDDOEObject(dataloop.Drivers, dataloop.Object{"id": "theirs", "name": "theirs",
		"integrationId": d.Status.DDOE.IntegrationID, "projectId": dataloop.ProjectID, "containerName": "images"}))
	_, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	op := f.RequireStatus(down.OperationID, integration.OperationFailed)
	assert.Equal(t, diagnosis.CodeDDOEIntegrationInUse, op.Error.Code)
	assert.Len(t, f.teardownResult(op).Left, 6)
}

// TestAFailedRemovalGivesNothingBack: neither what it has ended with nor what is seen to be missing then is told with
// a command that makes it again.
func TestAFailedRemovalGivesNothingBack(t *testing.T) {
	t.Parallel()
	for code, refused := range map[diagnosis.Code]fault{
		diagnosis.CodeARMPermissionMissing: {match: at(`^DELETE management`), status: 403,
			code: "AuthorizationFailed"},
		diagnosis.CodeScopeLocked: {match: at(`^DELETE management`), status: 409, code: "ScopeLocked"},
	} {
		t.Run("a DELETE, "+string(code), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.provisioned(spec("images"))
			f.fails(refused)
			_, down := f.remove(provision.TeardownOptions{})
			f.handle(down)
			op := f.RequireStatus(down.OperationID, integration.OperationFailed)
			require.Equal(t, code, op.Error.Code)
			assert.NotContains(t, op.Error.Remedy.Command, "create")
			assert.Equal(t, "Send the DELETE again.", op.Error.Remedy.Steps[len(op.Error.Remedy.Steps)-1])
			report, _ := f.drift()
			require.Equal(t, code, report.Diagnosis.Code, "the rest follows from it")
			assert.Equal(t, op.Error.Remedy, report.Diagnosis.Remedy)
			assert.Empty(t, report.Also)
			for _, check := range report.Checks {
				isCause := check.ID == "operation.last"
				assert.True(t, isCause || check.Remedy == nil || check.Remedy.Command == "", check.ID)
			}
		})
		t.Run("a PUT, "+string(code), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.provisioned(spec("images", "labels"))
			f.fails(refused)
			_, cmd := f.submit(spec("images"))
			f.handle(cmd)
			op := f.RequireStatus(cmd.OperationID, integration.OperationFailed)
			require.Equal(t, code, op.Error.Code)
			assert.NotContains(t, op.Error.Remedy.String(), "create")
			assert.NotContains(t, op.Error.Remedy.String(), "by hand")
		})
	}
}
