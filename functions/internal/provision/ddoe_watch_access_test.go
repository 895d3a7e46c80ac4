package provision_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestAccessTestLooksAtThePlatform: by both doors, with a token of the caller's and without; the platform's own test, which
// writes, is made only where the access test may write too.
func TestAccessTestLooksAtThePlatform(t *testing.T) {
	const integrationPasses, driverPasses = "ddoe.integration pass", "ddoe.driver pass"
	test := func(status int) func(*fixture) {
		return func(f *fixture) {
			f.fails(fault{match: regexp.MustCompile(`GET gate.*/drivers/[^/]*/test$`), status: status})
		}
	}
	for name, c := range map[string]struct {
		change  func(*fixture)
		wanted  provision.AccessTest
		verdict diagnosis.Verdict
		found   []string
	}{
		"round trip":             {nil, provision.AccessTest{}, "pass", []string{integrationPasses, driverPasses, "ddoe.driver.test pass"}},
		"oracle":                 {nil, provision.AccessTest{Mode: access.ModeOracle}, "pass", []string{integrationPasses, driverPasses}},
		"round trip of a reader": {nil, provision.AccessTest{Access: integration.AccessRead}, "pass", []string{integrationPasses, driverPasses}},
		"the platform cannot reach the storage": {test(424), provision.AccessTest{}, "fail",
			[]string{integrationPasses, driverPasses, "ddoe.driver.test fail ddoe-driver-test-failed"}},
		"the platform may have no role": {test(403), provision.AccessTest{}, "unknown",
			[]string{integrationPasses, driverPasses, "ddoe.driver.test unknown ddoe-project-role-missing"}},
		"no answer to the test": {test(0), provision.AccessTest{}, "unknown",
			[]string{integrationPasses, driverPasses, "ddoe.driver.test unknown network-connect"}},
		"unreachable": {func(f *fixture) { f.fails(fault{match: regexp.MustCompile(`gate\.dataloop\.ai`), status: 500}) }, provision.AccessTest{},
			"unknown", []string{"ddoe.integration unknown ddoe-unavailable", "ddoe.driver skip", "ddoe.driver.test skip"}},
		"driver gone": {func(f *fixture) {
			require.NoError(f.t, f.world.DeleteDDOEObject(world.DDOEDrivers, f.document().Status.DDOE.DriverID))
		}, provision.AccessTest{}, "fail", []string{integrationPasses, "ddoe.driver fail ddoe-driver-missing", "ddoe.driver.test skip"}},
		"driver renamed": {func(f *fixture) {
			f.changeOnGate(world.DDOEDrivers, func(o world.Object) { o["name"] = "theirs now" })
		}, provision.AccessTest{}, "warn", []string{integrationPasses, "ddoe.driver warn ddoe-driver-changed", "ddoe.driver.test pass"}},
		"manual": {func(f *fixture) {
			require.NoError(f.t, f.world.DeleteDDOEObject(world.DDOEIntegrations, f.document().Status.DDOE.IntegrationID))
			require.NoError(f.t, f.world.DeleteDDOEObject(world.DDOEDrivers, f.document().Status.DDOE.DriverID))
			f.provisioned(spec("images"))
			f.service.Platform = nil
			f.provisioned(wired())
		}, provision.AccessTest{}, "pass", []string{"ddoe.integration skip"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.provisioned(wired())
			if c.change != nil {
				c.change(f)
			}
			f.advance(time.Hour)
			token, err := f.service.TokenSource(t.Context(), subject, "api://AzureADTokenExchange")
			require.NoError(t, err)
			given := c.wanted
			given.Token = token
			for door, wanted := range map[string]provision.AccessTest{"given": given, "asked for": c.wanted} {
				report, err := f.service.TestAccess(t.Context(), id, wanted)
				require.NoError(t, err)
				assert.Equal(t, c.found, outcomes(report), door)
				assert.Equal(t, c.verdict, report.Verdict, "%s: %+v", door, report.Checks)
				for _, check := range report.Checks {
					assert.False(t, check.Status == "fail" && check.Transient, "an hour after the last change: %+v", check)
				}
			}
			a, err := f.service.SubmitAccessTest(t.Context(), id, provision.AccessTestOptions{Mode: string(c.wanted.Mode), Access: string(c.wanted.Access)})
			require.NoError(t, err)
			f.handle(f.command(a.Operation.ID))
			op := f.requireStatus(a.Operation.ID, integration.OperationSucceeded)
			var report diagnosis.Report
			require.NoError(t, json.Unmarshal(op.Result, &report))
			assert.Equal(t, c.found, outcomes(report), "by the queue")
			assert.NotContains(t, string(op.Result), "planted")
		})
	}
}

// TestAccessTestNamesWhatTheIntegrationIsMadeWith: where the platform's own test fails, and the integration's type or options are not
// what they have to be, that is said as well, and first.
func TestAccessTestNamesWhatTheIntegrationIsMadeWith(t *testing.T) {
	typeGone := func(f *fixture) {
		require.NoError(f.t, f.world.DeleteDDOEObject(world.DDOEAvailableIntegrations, f.offered()["type"].(string)))
	}
	for name, c := range map[string]struct {
		change  func(*fixture)
		options string
	}{
		"the type is gone":              {typeGone, "ddoe.options warn ddoe-type-unknown"},
		"the type is gone, after a PUT": {func(f *fixture) { typeGone(f); f.carried(wired()) }, "ddoe.options warn ddoe-type-unknown"},
		"other options": {func(f *fixture) {
			otherMap(f)
			f.fails(fault{match: regexp.MustCompile(`/test$`), status: 424})
		}, "ddoe.options fail ddoe-options-changed"},
		"the types cannot be read": {func(f *fixture) {
			f.fails(fault{match: regexp.MustCompile(`/test$`), status: 424})
			f.fails(fault{match: regexp.MustCompile(`/availableIntegrations$`), status: 500})
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.provisioned(wired())
			c.change(f)
			f.advance(time.Hour)
			report, err := f.service.TestAccess(t.Context(), id, provision.AccessTest{})
			require.NoError(t, err)
			wanted := []string{"ddoe.integration pass", "ddoe.driver pass", "ddoe.driver.test fail ddoe-driver-test-failed"}
			if c.options != "" {
				wanted = slices.Insert(wanted, 2, c.options)
			}
			assert.Equal(t, wanted, outcomes(report))
			assert.Equal(t, diagnosis.VerdictFail, report.Verdict)
			assert.Equal(t, c.options != "", strings.Contains(checkOf(t, report, "ddoe.driver.test").Remedy.Steps[0], "ddoe.options"))
		})
	}
}

// TestAFreshDriverMayFailItsTest: what propagation explains is not held against it.
func TestAFreshDriverMayFailItsTest(t *testing.T) {
	f := withPlatform(t)
	f.provisioned(wired())
	f.fails(fault{match: regexp.MustCompile(`/test$`), status: 400})
	report, err := f.service.TestAccess(t.Context(), id, provision.AccessTest{})
	require.NoError(t, err)
	assert.True(t, checkOf(t, report, "ddoe.driver.test").Transient)
}

// TestThePlatformWritesNoFileIntoAProtectedContainer, as the access test does not.
func TestThePlatformWritesNoFileIntoAProtectedContainer(t *testing.T) {
	f := withPlatform(t)
	s := wired()
	s.Storage[0].Container = "archive"
	f.provisioned(s)
	before := len(f.requests)
	report, err := f.service.TestAccess(t.Context(), id, provision.AccessTest{})
	require.NoError(t, err)
	test := checkOf(t, report, "ddoe.driver.test")
	assert.Equal(t, diagnosis.OutcomeSkip, test.Status)
	assert.Equal(t, "access.protection", test.DependsOn)
	assert.NotContains(t, strings.Join(f.requests[before:], "\n"), "/test")
}

// TestThePlatformMovesNeitherPhaseNorCondition: an access test is about access. What the platform's side is like shows in
// its report, and in the integration's health.
func TestThePlatformMovesNeitherPhaseNorCondition(t *testing.T) {
	for name, c := range map[string]struct {
		usable   bool
		change   func(*fixture)
		verdict  diagnosis.Verdict
		phase    integration.Phase
		verified string
	}{
		"usable, and the driver is gone": {true, func(f *fixture) {
			require.NoError(f.t, f.world.DeleteDDOEObject(world.DDOEDrivers, f.document().Status.DDOE.DriverID))
		}, "fail", integration.PhaseUsable, "True"},
		"usable, and the platform cannot be reached": {true, func(f *fixture) {
			f.fails(fault{match: regexp.MustCompile(`gate\.dataloop\.ai`), status: 500})
		}, "unknown", integration.PhaseUsable, "True"},
		"provisioned, and the platform's test fails": {false, func(f *fixture) {
			f.fails(fault{match: regexp.MustCompile(`/test$`), status: 400})
		}, "fail", integration.PhaseProvisioned, "True"},
		"provisioned, and all is well: the platform has not validated yet": {false, func(*fixture) {}, "pass", integration.PhaseProvisioned, "True"},
		"usable, and access is gone while the platform's side is as it was": {true, func(f *fixture) {
			_, err := f.world.DeleteRoleAssignment(f.document().Status.RoleAssignments[0].ID)
			require.NoError(f.t, err)
			f.advance(time.Hour)
		}, "fail", integration.PhaseUsable, "False"},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			d := f.provisioned(wired())
			if c.usable {
				f.verified(d.Status.LastOperationID)
			}
			events := f.events()
			c.change(f)
			report, err := f.service.TestAccess(t.Context(), id, provision.AccessTest{})
			require.NoError(t, err)
			assert.Equal(t, c.verdict, report.Verdict, "%+v", report.Checks)
			assert.Equal(t, c.phase, f.document().Status.Phase)
			assert.Equal(t, c.verified, f.condition("Verified").Status)
			assert.Equal(t, events, f.events())
		})
	}
}

// TestNoAccessTestSendsToAnAccessTest: the remedy of the platform's own test does not lead back to the report that it is in, and
// elsewhere names the checks that are not the platform's.
func TestNoAccessTestSendsToAnAccessTest(t *testing.T) {
	f := withPlatform(t)
	f.provisioned(wired())
	f.advance(time.Hour)
	f.fails(fault{match: regexp.MustCompile(`/test$`), status: 424})
	report, err := f.service.TestAccess(t.Context(), id, provision.AccessTest{})
	require.NoError(t, err)
	require.Equal(t, diagnosis.VerdictFail, report.Verdict)
	test := checkOf(t, report, "ddoe.driver.test")
	require.Equal(t, diagnosis.CodeDDOEDriverTestFailed, test.Code)
	assert.NotContains(t, fmt.Sprint(test.Remedy.Steps), "access-tests")
	assert.Contains(t, fmt.Sprint(test.Remedy.Steps), "PUT the spec again")

	for _, code := range []string{"ddoe-driver-test-failed", "ddoe-driver-test-error", "ddoe-validation-failed", "ddoe-integration-untrusted"} {
		e, ok := diagnosis.Lookup(diagnosis.Code(code))
		require.True(t, ok, code)
		assert.Contains(t, fmt.Sprint(e.Steps), "one of its checks token.*, exchange.* or access.* fails, follow that one", code)
	}
}
