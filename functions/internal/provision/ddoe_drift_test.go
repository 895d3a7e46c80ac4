package provision_test

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// changeOnGate changes the only platform object of a kind by hand.
func (f *fixture) changeOnGate(kind string, change func(world.Object)) {
	f.t.Helper()
	o := f.world.DDOEObjects(kind)[0]
	change(o)
	require.NoError(f.t, f.world.PutDDOEObject(kind, o))
}

// optionFor is the wire name of the seeded type's option for a meaning; the one without any is for notes.
func optionFor(f *fixture, means any) string {
	for _, o := range f.offered()["options"].([]any) {
		if o.(world.Object)["means"] == means {
			return o.(world.Object)["name"].(string)
		}
	}
	f.t.Fatal("no such option")
	return ""
}

// otherMap sends one option more than before.
func otherMap(f *fixture) {
	options, err := provision.ParseOptionMap(fmt.Sprintf(`{%q: "=planted-note"}`, optionFor(f, nil)))
	require.NoError(f.t, err)
	f.setPlatform(provision.Platform{OptionMap: options})
}

func TestPlatformDriftIsSeenAndMended(t *testing.T) {
	member := func(kind, name string, value any) func(*fixture) {
		return func(f *fixture) { f.changeOnGate(kind, func(o world.Object) { o[name] = value }) }
	}
	driver := func(name string, value any) func(*fixture) { return member(world.DDOEDrivers, name, value) }
	for name, c := range map[string]struct {
		change           func(*fixture)
		check            string
		status           diagnosis.Outcome
		code             diagnosis.Code
		expected, actual string
	}{
		"integration gone": {func(f *fixture) {
			require.NoError(f.t, f.world.DeleteDDOEObject(world.DDOEIntegrations, f.document().Status.DDOE.IntegrationID))
		}, "ddoe.integration", "fail", "ddoe-integration-missing", "DDOE WIF my-service", ""},
		"integration renamed": {member(world.DDOEIntegrations, "name", "theirs now"),
			"ddoe.integration", "warn", "ddoe-integration-renamed", "DDOE WIF my-service", "theirs now"},
		"integration of another type": {member(world.DDOEIntegrations, "type", "key_value"),
			"ddoe.integration", "fail", "ddoe-integration-changed", "", "key_value"},
		"options of another map": {otherMap, "ddoe.options", "fail", "ddoe-options-changed", "", ""},
		"driver gone": {func(f *fixture) {
			require.NoError(f.t, f.world.DeleteDDOEObject(world.DDOEDrivers, f.document().Status.DDOE.DriverID))
		}, "ddoe.driver", "fail", "ddoe-driver-missing", "images", ""},
		"driver renamed":              {driver("name", "theirs now"), "ddoe.driver", "warn", "ddoe-driver-changed", "name images", "name theirs now"},
		"driver may delete":           {driver("allowExternalDelete", true), "ddoe.driver", "warn", "ddoe-driver-changed", "allowExternalDelete false", "allowExternalDelete true"},
		"driver of another container": {driver("containerName", "archive"), "ddoe.driver", "fail", "ddoe-driver-changed", "container images", "container archive"},
		"driver of another path":      {driver("path", "elsewhere"), "ddoe.driver", "fail", "ddoe-driver-changed", "path (none)", "path elsewhere"},
		"driver of another type":      {driver("type", "azureDatalakeGen2"), "ddoe.driver", "fail", "ddoe-driver-changed", "type azureblob", "type azureDatalakeGen2"},
		"driver of another type and project": {func(f *fixture) {
			f.changeOnGate(world.DDOEDrivers, func(o world.Object) { o["type"], o["projectId"] = "azureDatalakeGen2", "p-2" })
		}, "ddoe.driver", "fail", "ddoe-driver-changed", "", "type azureDatalakeGen2, projectId p-2"},
		"driver of another project":     {driver("projectId", "p-2"), "ddoe.driver", "fail", "ddoe-driver-changed", "projectId " + world.ProjectID, "projectId p-2"},
		"driver of another integration": {driver("integrationId", "theirs"), "ddoe.driver", "fail", "ddoe-driver-changed", "", "integrationId theirs"},
		"driver of another type of integration": {driver("integrationType", "key_value"),
			"ddoe.driver", "fail", "ddoe-driver-changed", "", "integrationType key_value"},
		"driver renamed and moved": {func(f *fixture) {
			f.changeOnGate(world.DDOEDrivers, func(o world.Object) { o["name"], o["path"] = "theirs now", "elsewhere" })
		}, "ddoe.driver", "fail", "ddoe-driver-changed", "", "name theirs now, path elsewhere"},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.provisioned(wired())
			report, found := f.drift()
			require.Empty(t, found, "%+v", report.Checks)
			assert.Equal(t, diagnosis.VerdictPass, report.Verdict)
			before := len(f.requests)

			c.change(f)
			report, found = f.drift()
			delete(found, "ddoe.options")
			if c.code == "ddoe-integration-missing" {
				assert.Equal(t, "ddoe.integration", checkOf(t, report, "ddoe.driver").DependsOn, "a driver without integration has no storage")
				delete(found, "ddoe.driver")
			}
			if c.check == "ddoe.options" {
				found[c.check] = string(c.code)
			}
			assert.Equal(t, map[string]string{c.check: string(c.code)}, found)
			check := checkOf(t, report, c.check)
			assert.Equal(t, c.status, check.Status)
			assert.Equal(t, c.code, check.Code)
			assert.Equal(t, c.actual, check.Actual)
			if c.expected != "" {
				assert.Equal(t, c.expected, check.Expected)
			}
			assert.Equal(t, c.code == "ddoe-integration-missing", checkOf(t, report, "ddoe.options").Status == diagnosis.OutcomeSkip)
			if c.code == "ddoe-driver-changed" {
				assert.Nil(t, check.DiffAt, "these are lists")
				assert.Equal(t, regexp.MustCompile(`^(type|projectId) `).MatchString(c.actual), strings.Contains(fmt.Sprint(check.Remedy.Steps), "cannot be changed"))
				assert.Equal(t, strings.HasPrefix(c.actual, "projectId "), strings.Contains(fmt.Sprint(check.Remedy.Steps), "what the platform shows"), "no spec says a driver's type")
			}
			assert.Equal(t, diagnosis.WhoUploader, check.Remedy.Who, "a PUT mends it")
			assert.NotContains(t, fmt.Sprint(check.Remedy.Steps), "failed")
			assert.Equal(t, c.status == "warn", report.Verdict == diagnosis.VerdictWarn)
			assert.NotEqual(t, diagnosis.VerdictPass, report.Verdict)
			for _, r := range f.requests[before:] {
				assert.Regexp(t, `^(GET|HEAD) `, r, "drift only reads")
			}
			assert.NotContains(t, fmt.Sprintf("%+v", report), "planted")
			assert.NotContains(t, fmt.Sprintf("%+v", report), f.document().Status.DDOE.OptionsHash)

			d := f.carried(wired())
			report, found = f.drift()
			assert.Empty(t, found, "%+v", report.Checks)
			assert.Equal(t, gateCounts{1, 1}, f.onGate())
			f.verified(d.Status.LastOperationID)
			assert.Equal(t, integration.PhaseUsable, f.document().Status.Phase)
		})
	}
}

func checkOf(t *testing.T, r diagnosis.Report, id string) diagnosis.Check {
	t.Helper()
	for _, c := range r.Checks {
		if c.ID == id {
			return c
		}
	}
	require.FailNow(t, "no check "+id)
	return diagnosis.Check{}
}

// TestPlatformSilenceIsNoDrift: what the platform leaves out of an answer is not different.
func TestPlatformSilenceIsNoDrift(t *testing.T) {
	f := withPlatform(t)
	f.provisioned(wired())
	f.quirk(platform.QuirkDriverAnswer, world.Object{"value": "bare"})
	report, found := f.drift()
	assert.Empty(t, found, "%+v", report.Checks)
}

// TestDriftOfWhatCannotBeRead: an integration that cannot be read hides neither what it was sent, nor says that there is another.
func TestDriftOfWhatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*fixture)
		found  map[string]string
	}{
		"the integration cannot be read": {func(f *fixture) {
			otherMap(f)
			f.fails(fault{match: regexp.MustCompile(`GET gate[^ ]*/integrations/`), status: 500})
		}, map[string]string{"ddoe.integration": "ddoe-unavailable", "ddoe.driver": "", "ddoe.options": "ddoe-options-changed"}},
		"the integration is gone": {func(f *fixture) {
			require.NoError(f.t, f.world.DeleteDDOEObject(world.DDOEIntegrations, f.document().Status.DDOE.IntegrationID))
		}, map[string]string{"ddoe.integration": "ddoe-integration-missing", "ddoe.driver": "", "ddoe.options": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.provisioned(wired())
			second := maps.Clone(f.world.DDOEObjects(world.DDOEIntegrations)[0])
			second["id"] = "second"
			require.NoError(t, f.world.PutDDOEObject(world.DDOEIntegrations, second))
			c.change(f)
			_, found := f.drift()
			assert.Equal(t, c.found, found)
		})
	}
}

// asked is how many requests the platform has had since the n-th request of all.
func (f *fixture) asked(n int) int {
	asked := 0
	for _, r := range f.requests[n:] {
		if regexp.MustCompile(`gate\.dataloop\.ai`).MatchString(r) {
			asked++
		}
	}
	return asked
}

// TestPlatformNotMadeYet: a PUT that came to grief before it had made anything is drift that another PUT mends.
func TestPlatformNotMadeYet(t *testing.T) {
	f := withPlatform(t)
	f.provisioned(spec("images"))
	f.fails(fault{match: regexp.MustCompile(`POST gate.*/integrations$`), status: 403})
	_, cmd := f.submit(wired())
	f.handle(cmd)
	f.requireStatus(cmd.OperationID, integration.OperationFailed)
	_, found := f.drift()
	assert.Equal(t, map[string]string{"ddoe.integration": "ddoe-integration-missing", "ddoe.driver": ""}, found)
	f.faults = nil
	f.carried(wired())
	_, found = f.drift()
	assert.Empty(t, found)
}

// TestOptionsChangedByHandAreMended: nobody can see it, but the platform's test fails, and the options are sent again.
func TestOptionsChangedByHandAreMended(t *testing.T) {
	f := withPlatform(t)
	f.provisioned(wired())
	name := optionFor(f, world.MeansClientID)
	f.changeOnGate(world.DDOEIntegrations, func(o world.Object) { o["options"].(map[string]any)[name] = "broken" })
	_, found := f.drift()
	assert.Empty(t, found)
	d := f.carried(wired())
	assert.Equal(t, d.Status.ClientID, f.world.DDOEObjects(world.DDOEIntegrations)[0]["options"].(map[string]any)[name])
}
