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
		"the type is offered, and the role does not suffice": {
			func(f *fixture) { f.service.Platform = nil },
			func(f *fixture, _ world.Object) { f.setPlatform(provision.Platform{}); f.role("member") },
			map[string]string{"ddoe.integration": ""}, diagnosis.OutcomeSkip, "has the role member in the organisation",
		},
		"the type is offered, and the project is not shown": {
			func(f *fixture) { f.service.Platform = nil },
			func(f *fixture, _ world.Object) {
				f.setPlatform(provision.Platform{})
				f.answers(askProject, 403, "application/json", `{}`)
			},
			map[string]string{"ddoe.integration": ""}, diagnosis.OutcomeSkip, "may not see it",
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
	f.role("member")
	_, found := f.drift()
	assert.Empty(t, found, "a PUT would be refused where there is something to make")
	f.role("owner")
	_, found = f.drift()
	assert.Equal(t, map[string]string{"ddoe.options": "ddoe-api-usable"}, found)
	require.Equal(t, "api", f.carried(wired()).Status.DDOE.Mode)
	_, found = f.drift()
	assert.Empty(t, found)
}

// TestDriftInTheManualWayAfterAPutThatFailed: the API is said to be usable when a PUT is not refused any more, and what the
// last one failed with is named.
func TestDriftInTheManualWayAfterAPutThatFailed(t *testing.T) {
	f := withPlatform(t)
	f.service.Platform = nil
	d := f.provisioned(wired())
	f.verified(d.Status.LastOperationID)
	f.setPlatform(provision.Platform{})
	f.role("member")
	_, cmd := f.submit(wired())
	f.handle(cmd)
	op := f.requireStatus(cmd.OperationID, integration.OperationFailed)
	require.Equal(t, diagnosis.CodeDDOEOrganizationRoleMissing, op.Error.Code)
	report, found := f.drift()
	assert.Equal(t, map[string]string{"ddoe.integration": ""}, found)
	assert.Nil(t, checkOf(t, report, "ddoe.integration").Remedy)

	f.role("owner")
	report, found = f.drift()
	assert.Equal(t, map[string]string{"ddoe.integration": "ddoe-api-usable"}, found)
	assert.Contains(t, checkOf(t, report, "ddoe.integration").Remedy.Steps[0], "The last PUT failed: "+op.Error.Title)
	assert.Equal(t, "api", f.carried(wired()).Status.DDOE.Mode)
}

// TestDriftSeesASecondDriver by what lists show of it, and by their filters where they show less or do not filter.
func TestDriftSeesASecondDriver(t *testing.T) {
	lists := func(members string) func(*fixture) {
		return func(f *fixture) {
			f.answers(`GET /api/v1/drivers$`, 200, "application/json", fmt.Sprintf(`[{"id":"second","name":"images",%s}]`, members))
		}
	}
	for name, c := range map[string]struct {
		project string
		change  func(*fixture)
		seen    bool
	}{
		"bare answers":                           {world.ProjectID, func(f *fixture) { f.quirk(platform.QuirkDriverAnswer, world.Object{"value": "bare"}) }, true},
		"bare answers, in another project":       {"p-2", func(f *fixture) { f.quirk(platform.QuirkDriverAnswer, world.Object{"value": "bare"}) }, false},
		"no filter, of another's integration":    {world.ProjectID, lists(`"integrationId":"theirs"`), false},
		"no filter, in another project":          {world.ProjectID, lists(`"projectId":"p-2"`), false},
		"no filter, about another place":         {world.ProjectID, lists(`"path":"elsewhere"`), false},
		"no filter, and the project in capitals": {world.ProjectID, lists(`"projectId":"` + strings.ToUpper(world.ProjectID) + `"`), true},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.provisioned(wired())
			second := f.onlyDriver()
			second["id"], second["projectId"] = "second", c.project
			require.NoError(t, f.world.PutDDOEObject(world.DDOEDrivers, second))
			c.change(f)
			_, found := f.drift()
			assert.Equal(t, c.seen, found["ddoe.driver.extra"] == "ddoe-driver-extra", "%v", found)
		})
	}
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
		code  diagnosis.Code
	}{
		"an integration": {world.DDOEIntegrations, func(world.Object) {}, "ddoe.integration.extra", "ddoe-integration-extra"},
		"an integration of another's": {world.DDOEIntegrations, func(o world.Object) {
			o["metadata"] = []any{}
		}, "", ""},
		"a driver":                          {world.DDOEDrivers, func(world.Object) {}, "ddoe.driver.extra", "ddoe-driver-extra"},
		"a driver elsewhere":                {world.DDOEDrivers, func(o world.Object) { o["path"] = "elsewhere" }, "", ""},
		"a driver of another's integration": {world.DDOEDrivers, func(o world.Object) { o["integrationId"] = "theirs" }, "", ""},
		"a driver in a project":             {world.DDOEDrivers, func(o world.Object) { o["projectId"] = "p-2" }, "", ""},
		"a driver by a new name":            {world.DDOEDrivers, func(o world.Object) { o["name"] = "theirs" }, "", ""},
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
			assert.Equal(t, map[string]string{c.check: string(c.code)}, found)
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
