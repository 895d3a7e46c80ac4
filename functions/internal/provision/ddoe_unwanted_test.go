package provision_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestDriftOfWhatWasToBeRemoved: what the spec does not ask for any more and still stands is listed, with what its removal has
// failed with.
func TestDriftOfWhatWasToBeRemoved(t *testing.T) {
	without := func() integration.Spec {
		s := wired()
		s.DDOE.Driver = nil
		return s
	}
	theirs := func(f *fixture) { f.theirs() }
	refuses := func(f *fixture) { f.fails(fault{match: regexp.MustCompile(`DELETE gate.*/drivers/`), status: 403}) }
	gone := func(kind, id string) func(*fixture) {
		return func(f *fixture) { require.NoError(f.t, f.world.DeleteDDOEObject(kind, id)) }
	}
	both := []string{"ddoe.integration warn ddoe-integration-unwanted", "ddoe.driver warn ddoe-driver-unwanted"}
	for name, c := range map[string]struct {
		before  func(*fixture)
		spec    integration.Spec
		after   func(*fixture)
		verdict diagnosis.Verdict
		found   []string
		first   string
	}{
		"others use the integration":            {theirs, spec("images"), nil, "warn", both, "ddoe-integration-in-use"},
		"the driver is not let go, nor the API": {refuses, spec("images"), nil, "warn", both, "ddoe-project-role-missing"},
		"the driver is not let go": {refuses, without(), nil, "warn",
			[]string{"ddoe.integration pass", "ddoe.options pass", "ddoe.driver warn ddoe-driver-unwanted"}, "ddoe-project-role-missing"},
		"the API is off now": {theirs, spec("images"), func(f *fixture) { f.service.Platform = nil }, "unknown",
			[]string{"ddoe.integration unknown ddoe-api-off", "ddoe.driver unknown ddoe-api-off"}, ""},
		"the platform cannot be read": {theirs, spec("images"), func(f *fixture) { f.fails(fault{match: regexp.MustCompile(`GET gate`), status: 500}) }, "unknown",
			[]string{"ddoe.integration unknown ddoe-unavailable", "ddoe.driver unknown ddoe-unavailable"}, ""},
		"the driver was deleted by hand": {theirs, spec("images"), func(f *fixture) { gone(world.DDOEDrivers, f.document().Status.DDOE.DriverID)(f) }, "warn",
			both[:1], "ddoe-integration-in-use"},
		"the driver was moved by hand": {theirs, spec("images"), func(f *fixture) {
			o, _ := f.world.DDOEObject(world.DDOEDrivers, f.document().Status.DDOE.DriverID)
			o["integrationId"] = "elsewhere"
			require.NoError(f.t, f.world.PutDDOEObject(world.DDOEDrivers, o))
		}, "warn", both[:1], "ddoe-integration-in-use"},
		"all was deleted by hand": {theirs, spec("images"), func(f *fixture) {
			st := f.document().Status.DDOE
			gone(world.DDOEDrivers, st.DriverID)(f)
			gone(world.DDOEIntegrations, st.IntegrationID)(f)
		}, "pass", []string{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			st := f.provisioned(wired()).Status.DDOE
			c.before(f)
			_, cmd := f.submit(c.spec)
			f.handle(cmd)
			failed := f.settle(cmd)
			require.Equal(t, integration.OperationFailed, failed.Status)
			f.faults = nil
			if c.after != nil {
				c.after(f)
			}
			before := len(f.requests)
			report, _ := f.drift()
			assert.Equal(t, c.found, outcomes(report))
			assert.Equal(t, c.verdict, report.Verdict)
			for _, r := range f.requests[before:] {
				assert.Regexp(t, `^(GET|HEAD) `, r, "drift only reads")
			}
			for _, check := range report.Checks {
				if !strings.HasPrefix(check.ID, "ddoe.") || check.Status == diagnosis.OutcomePass {
					continue
				}
				assert.Equal(t, map[string]string{"ddoe.integration": st.IntegrationID, "ddoe.driver": st.DriverID}[check.ID], check.Target)
				assert.Contains(t, check.Detail, fmt.Sprintf("The last operation, %s, failed: %s (%s).", cmd.OperationID, failed.Error.Title, failed.Error.Code))
				if c.first != "" {
					assert.Contains(t, check.Remedy.Steps[0], c.first)
					assert.Contains(t, check.Remedy.Steps[1], "PUT")
				}
			}
		})
	}
}

// TestDriftOfWhatWasRemoved: where the removal goes through nothing is left to say.
func TestDriftOfWhatWasRemoved(t *testing.T) {
	f := withPlatform(t)
	f.provisioned(wired())
	f.theirs()
	_, cmd := f.submit(spec("images"))
	f.handle(cmd)
	f.requireStatus(cmd.OperationID, integration.OperationFailed)
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEDrivers, "theirs"))
	f.carried(spec("images"))
	assert.Equal(t, gateCounts{}, f.onGate())
	report, found := f.drift()
	assert.Empty(t, found)
	assert.Equal(t, diagnosis.VerdictPass, report.Verdict)
}
