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
		code             string
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
		"driver renamed":                {driver("name", "theirs now"), "ddoe.driver", "warn", "ddoe-driver-changed", "name images", "name theirs now"},
		"driver may delete":             {driver("allowExternalDelete", true), "ddoe.driver", "warn", "ddoe-driver-changed", "allowExternalDelete false", "allowExternalDelete true"},
		"driver of another container":   {driver("containerName", "archive"), "ddoe.driver", "fail", "ddoe-driver-changed", "container images", "container archive"},
		"driver of another path":        {driver("path", "elsewhere"), "ddoe.driver", "fail", "ddoe-driver-changed", "path (none)", "path elsewhere"},
		"driver of another type":        {driver("type", "azureDatalakeGen2"), "ddoe.driver", "fail", "ddoe-driver-changed", "type azureblob", "type azureDatalakeGen2"},
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
				found[c.check] = c.code
			}
			assert.Equal(t, map[string]string{c.check: c.code}, found)
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

// TestPlatformDriftInTheManualWay: what the API made stays compared when a later PUT has fallen back; what a person is to
// make is not looked for.
func TestPlatformDriftInTheManualWay(t *testing.T) {
	f := withPlatform(t)
	offered := f.offered()
	f.provisioned(wired())
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEAvailableIntegrations, offered["type"].(string)))
	require.Equal(t, "manual", f.provisioned(wired()).Status.DDOE.Mode)
	_, found := f.drift()
	assert.Equal(t, map[string]string{"ddoe.options": "ddoe-type-unknown"}, found)
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEDrivers, f.document().Status.DDOE.DriverID))
	_, found = f.drift()
	assert.Equal(t, "ddoe-driver-missing", found["ddoe.driver"])

	f = withPlatform(t)
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEAvailableIntegrations, f.offered()["type"].(string)))
	f.provisioned(wired())
	before := len(f.requests)
	report, _ := f.drift()
	check := checkOf(t, report, "ddoe.integration")
	assert.Equal(t, diagnosis.OutcomeSkip, check.Status)
	assert.Contains(t, check.Detail, "None of the types that the organisation offers")
	assert.Equal(t, diagnosis.VerdictPass, report.Verdict)
	assert.Equal(t, 1, f.asked(before), "whether the type is offered by now")
}

// TestDriftSeesThatTheAPICanDoItNow: it asks what a PUT would, instead of repeating what the last one has met.
func TestDriftSeesThatTheAPICanDoItNow(t *testing.T) {
	for name, c := range map[string]struct {
		before func(*fixture)
		after  func(*fixture, world.Object)
		found  map[string]string
		status diagnosis.Outcome
		says   string
	}{
		"the type is offered": {
			func(f *fixture) {
				require.NoError(f.t, f.world.DeleteDDOEObject(world.DDOEAvailableIntegrations, f.offered()["type"].(string)))
			},
			func(f *fixture, offered world.Object) {
				require.NoError(f.t, f.world.PutDDOEObject(world.DDOEAvailableIntegrations, offered))
			},
			map[string]string{"ddoe.integration": "ddoe-api-usable"}, diagnosis.OutcomeWarn, "by now",
		},
		"the API is set up": {
			func(f *fixture) { f.service.Platform = nil },
			func(f *fixture, _ world.Object) { f.setPlatform(provision.Platform{}) },
			map[string]string{"ddoe.integration": "ddoe-api-usable"}, diagnosis.OutcomeWarn, "by now",
		},
		"the API is set up, and the type is not offered": {
			func(f *fixture) { f.service.Platform = nil },
			func(f *fixture, _ world.Object) {
				f.setPlatform(provision.Platform{})
				require.NoError(f.t, f.world.DeleteDDOEObject(world.DDOEAvailableIntegrations, f.offered()["type"].(string)))
			},
			map[string]string{"ddoe.integration": ""}, diagnosis.OutcomeSkip, "None of the types",
		},
		"nobody knows": {
			func(f *fixture) { f.service.Platform = nil },
			func(f *fixture, _ world.Object) {
				f.setPlatform(provision.Platform{})
				f.fails(fault{match: regexp.MustCompile(`/availableIntegrations$`), status: 500})
			},
			map[string]string{"ddoe.integration": ""}, diagnosis.OutcomeSkip, "DDOE_API_URL",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			offered := f.offered()
			c.before(f)
			require.Equal(t, "manual", f.provisioned(wired()).Status.DDOE.Mode)
			c.after(f, offered)
			report, found := f.drift()
			assert.Equal(t, c.found, found)
			check := checkOf(t, report, "ddoe.integration")
			assert.Equal(t, c.status, check.Status)
			assert.Contains(t, check.Detail, c.says)
			if c.status != diagnosis.OutcomeWarn {
				return
			}
			f.carried(wired())
			_, found = f.drift()
			assert.Empty(t, found)
			assert.Equal(t, gateCounts{1, 1}, f.onGate())
		})
	}
}

// TestDriftSeesThatTheAPICanGoOn where a PUT has fallen back although integration and driver are the API's.
func TestDriftSeesThatTheAPICanGoOn(t *testing.T) {
	f := withPlatform(t)
	offered := f.offered()
	f.provisioned(wired())
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEAvailableIntegrations, offered["type"].(string)))
	require.Equal(t, "manual", f.provisioned(wired()).Status.DDOE.Mode)
	require.NoError(t, f.world.PutDDOEObject(world.DDOEAvailableIntegrations, offered))
	_, found := f.drift()
	assert.Equal(t, map[string]string{"ddoe.options": "ddoe-api-usable"}, found)
	require.Equal(t, "api", f.carried(wired()).Status.DDOE.Mode)
	_, found = f.drift()
	assert.Empty(t, found)
}

// TestThePlatformDistrustsTheIntegration: its word is worth a warning, in drift and in health alike, and no more.
func TestThePlatformDistrustsTheIntegration(t *testing.T) {
	for value, warns := range map[string]bool{"untrusted": true, "Untrusted": true, "trusted": false, "created": false, "": false, "pending": false} {
		t.Run(value, func(t *testing.T) {
			f := withPlatform(t)
			f.provisioned(wired())
			f.changeOnGate(world.DDOEIntegrations, func(o world.Object) {
				for _, entry := range o["metadata"].([]any) {
					if e := entry.(world.Object); e["name"] == "status" {
						e["value"] = value
					}
				}
			})
			_, found := f.drift()
			if !warns {
				assert.Empty(t, found)
				assert.Equal(t, []string{"ddoe.integration pass", "ddoe.driver pass"}, outcomes(f.watched()))
				return
			}
			assert.Equal(t, map[string]string{"ddoe.integration": "ddoe-integration-untrusted"}, found)
			assert.Equal(t, []string{"ddoe.integration warn ddoe-integration-untrusted", "ddoe.driver pass"}, outcomes(f.watched()))
			assert.Equal(t, diagnosis.VerdictWarn, f.watched().Verdict)
		})
	}
}

// TestDriftSeesWhatLostAnswersLeave: other integrations with our mark, and other drivers that are like ours; nothing of
// anybody else's. A PUT removes the integration.
func TestDriftSeesWhatLostAnswersLeave(t *testing.T) {
	for name, c := range map[string]struct {
		kind  string
		make  func(world.Object)
		check string
		code  string
	}{
		"an integration": {world.DDOEIntegrations, func(world.Object) {}, "ddoe.integration.extra", "ddoe-integration-extra"},
		"an integration of another's": {world.DDOEIntegrations, func(o world.Object) {
			o["metadata"] = []any{}
		}, "", ""},
		"a driver":               {world.DDOEDrivers, func(world.Object) {}, "ddoe.driver.extra", "ddoe-driver-extra"},
		"a driver elsewhere":     {world.DDOEDrivers, func(o world.Object) { o["path"] = "elsewhere" }, "", ""},
		"a driver in a project":  {world.DDOEDrivers, func(o world.Object) { o["projectId"] = "p-2" }, "", ""},
		"a driver by a new name": {world.DDOEDrivers, func(o world.Object) { o["name"] = "theirs" }, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.provisioned(wired())
			second := maps.Clone(f.world.DDOEObjects(c.kind)[0])
			second["id"] = "second"
			c.make(second)
			require.NoError(t, f.world.PutDDOEObject(c.kind, second))
			report, found := f.drift()
			if c.check == "" {
				assert.Empty(t, found)
				return
			}
			assert.Equal(t, map[string]string{c.check: c.code}, found)
			assert.Equal(t, diagnosis.VerdictWarn, report.Verdict)
			assert.Equal(t, "second", checkOf(t, report, c.check).Target)
			assert.Equal(t, []string{"ddoe.integration pass", "ddoe.driver pass"}, outcomes(f.watched()), "it is no matter of health")
			f.carried(wired())
			_, found = f.drift()
			assert.Equal(t, c.kind == world.DDOEIntegrations, len(found) == 0, "%v", found)
		})
	}
	t.Run("the lists cannot be read", func(t *testing.T) {
		f := withPlatform(t)
		f.provisioned(wired())
		f.fails(fault{match: regexp.MustCompile(`GET gate.*/(orgs/[^/]*/integrations|drivers)$`), status: 500})
		report, found := f.drift()
		assert.Equal(t, map[string]string{"ddoe.integration.extra": "ddoe-unavailable", "ddoe.driver.extra": "ddoe-unavailable"}, found)
		assert.Equal(t, diagnosis.VerdictUnknown, report.Verdict)
	})
}

// TestDriftAfterAPutThatFailed: what the spec asks for in another organisation is not there, and the same PUT mends nothing
// before its cause is mended.
func TestDriftAfterAPutThatFailed(t *testing.T) {
	const elsewhere = "77777777-7777-4777-8777-777777777777"
	for name, c := range map[string]struct {
		change  func(*integration.Spec)
		check   string
		code    string
		verdict diagnosis.Verdict
	}{
		"organisation": {func(s *integration.Spec) { s.DDOE.OrganizationID = elsewhere }, "ddoe.integration", "ddoe-integration-elsewhere", "warn"},
		"project":      {func(s *integration.Spec) { s.DDOE.Driver.ProjectID = elsewhere }, "ddoe.driver", "ddoe-driver-changed", "fail"},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.provisioned(wired())
			s := wired()
			c.change(&s)
			_, cmd := f.submit(s)
			f.handle(cmd)
			failed := f.requireStatus(cmd.OperationID, integration.OperationFailed)
			report, found := f.drift()
			assert.Equal(t, c.code, found[c.check])
			assert.Equal(t, c.verdict, report.Verdict)
			assert.Equal(t, c.verdict == diagnosis.VerdictWarn, checkOf(t, report, "ddoe.driver").Status == diagnosis.OutcomeSkip)
			check := checkOf(t, report, c.check)
			assert.Contains(t, check.Expected, elsewhere)
			assert.Contains(t, check.Remedy.Steps[0], failed.Error.Code)
			assert.Contains(t, check.Remedy.Steps[0], "GET /api/operations/"+cmd.OperationID)
			assert.Contains(t, check.Remedy.Steps[1], "PUT")
			f.carried(wired())
			_, found = f.drift()
			assert.Empty(t, found)
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
