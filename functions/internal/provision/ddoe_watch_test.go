package provision_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// watched is a look that found access working, with what there is to say of the platform's side.
func (f *fixture) watched() diagnosis.Report {
	look := f.service.Watch(func(context.Context, integration.Document, bool) diagnosis.Report {
		checks := []diagnosis.Check{{ID: "access.read", Status: diagnosis.OutcomePass}}
		return diagnosis.Report{Verdict: diagnosis.Summarise(checks), Checks: checks}
	})
	return look(f.t.Context(), f.document(), true)
}

// outcomes are the platform's checks of a report as "id status code".
func outcomes(r diagnosis.Report) []string {
	found := []string{}
	for _, c := range r.Checks {
		if strings.HasPrefix(c.ID, "ddoe.") {
			found = append(found, strings.TrimSpace(c.ID+" "+string(c.Status)+" "+string(c.Code)))
		}
	}
	return found
}

func TestWatchLooksAtThePlatform(t *testing.T) {
	gone := func(kind string) func(*fixture) {
		return func(f *fixture) {
			require.NoError(f.t, f.world.DeleteDDOEObject(kind, f.world.DDOEObjects(kind)[0]["id"].(string)))
		}
	}
	refused := func(status int) func(*fixture) {
		return func(f *fixture) { f.fails(fault{match: regexp.MustCompile(`gate\.dataloop\.ai`), status: status}) }
	}
	for name, c := range map[string]struct {
		change  func(*fixture)
		verdict diagnosis.Verdict
		found   []string
		asked   int // requests to the platform
	}{
		"as it was made": {func(*fixture) {}, "pass", []string{"ddoe.integration pass", "ddoe.driver pass"}, 2},
		"driver gone":    {gone(world.DDOEDrivers), "fail", []string{"ddoe.integration pass", "ddoe.driver fail ddoe-driver-missing"}, 2},
		"integration gone": {gone(world.DDOEIntegrations), "fail",
			[]string{"ddoe.integration fail ddoe-integration-missing", "ddoe.driver skip"}, 1},
		"driver renamed": {func(f *fixture) {
			f.changeOnGate(world.DDOEDrivers, func(o world.Object) { o["name"] = "theirs now" })
		}, "warn", []string{"ddoe.integration pass", "ddoe.driver warn ddoe-driver-changed"}, 2},
		"key refused": {refused(401), "unknown", []string{"ddoe.integration unknown ddoe-unauthorized", "ddoe.driver skip"}, 2},
		"role gone":   {refused(403), "unknown", []string{"ddoe.integration unknown ddoe-organization-role-missing", "ddoe.driver skip"}, 1},
		"500":         {refused(500), "unknown", []string{"ddoe.integration unknown ddoe-unavailable", "ddoe.driver skip"}, 1},
		"unreachable": {func(f *fixture) { f.fails(fault{match: regexp.MustCompile(`gate\.dataloop\.ai`)}) }, "unknown",
			[]string{"ddoe.integration unknown network-connect", "ddoe.driver skip"}, 5},
		"the driver alone cannot be read": {func(f *fixture) { f.fails(fault{match: regexp.MustCompile(`GET gate.*/drivers/`), status: 500}) },
			"unknown", []string{"ddoe.integration pass", "ddoe.driver unknown ddoe-unavailable"}, 2},
		"no driver is asked for": {func(f *fixture) {
			s := wired()
			s.DDOE.Driver = nil
			f.provisioned(s)
		}, "pass", []string{"ddoe.integration pass"}, 1},
		"nothing is asked for": {func(f *fixture) { f.provisioned(spec("images")) }, "pass", []string{}, 0},
		"the API is off now":   {func(f *fixture) { f.service.Platform = nil }, "pass", []string{"ddoe.integration skip ddoe-api-off"}, 0},
		"fallen back to the manual way": {func(f *fixture) {
			require.NoError(f.t, f.world.DeleteDDOEObject(world.DDOEAvailableIntegrations, f.offered()["type"].(string)))
			require.Equal(f.t, "manual", f.provisioned(wired()).Status.DDOE.Mode)
			gone(world.DDOEDrivers)(f)
		}, "fail", []string{"ddoe.integration pass", "ddoe.driver fail ddoe-driver-missing"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.provisioned(wired())
			c.change(f)
			before := len(f.requests)
			report := f.watched()
			assert.Equal(t, c.found, outcomes(report))
			assert.Equal(t, c.verdict, report.Verdict)
			assert.Equal(t, c.asked, f.asked(before))
			for _, r := range f.requests[before:] {
				assert.Regexp(t, `^GET `, r)
			}
			assert.NotContains(t, fmt.Sprintf("%+v", report), "planted")
		})
	}
}

// TestWatchInTheManualWay: what a person makes is not looked at, and the report says so.
func TestWatchInTheManualWay(t *testing.T) {
	f := withPlatform(t)
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEAvailableIntegrations, f.offered()["type"].(string)))
	f.provisioned(wired())
	before := len(f.requests)
	report := f.watched()
	assert.Equal(t, []string{"ddoe.integration skip"}, outcomes(report))
	assert.Contains(t, checkOf(t, report, "ddoe.integration").Detail, "A person sets up the platform's side. None of the types")
	assert.Equal(t, diagnosis.VerdictPass, report.Verdict)
	assert.Zero(t, f.asked(before))

	f.service.Platform = nil
	assert.Contains(t, checkOf(t, f.watched(), "ddoe.integration").Detail, "DDOE_API_URL")
}

func TestKeyThatEndsSoon(t *testing.T) {
	for name, c := range map[string]struct {
		lifetime time.Duration
		warns    bool
		says     string
	}{
		"in a year":    {365 * 24 * time.Hour, false, ""},
		"in 31 days":   {31 * 24 * time.Hour, false, ""},
		"in 29 days":   {29 * 24 * time.Hour, true, "ends at"},
		"an hour ago":  {-time.Hour, true, "has ended"},
		"nobody knows": {0, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.provisioned(wired())
			key := "planted-opaque"
			if c.lifetime != 0 {
				var err error
				key, err = platform.NewKeys(f.now).Mint(world.UserEmail, c.lifetime)
				require.NoError(t, err)
			}
			f.service.PlatformKey = secret.New(key)
			report := f.watched()
			if !c.warns {
				assert.Equal(t, []string{"ddoe.integration pass", "ddoe.driver pass"}, outcomes(report))
				assert.Equal(t, diagnosis.VerdictPass, report.Verdict)
				return
			}
			assert.Equal(t, []string{"ddoe.integration pass", "ddoe.driver pass", "ddoe.key warn ddoe-api-key-expiring"}, outcomes(report))
			assert.Equal(t, diagnosis.VerdictWarn, report.Verdict)
			assert.Contains(t, checkOf(t, report, "ddoe.key").Detail, c.says)
			assert.NotContains(t, fmt.Sprintf("%+v", report), key)
			f.provisioned(spec("images"))
			assert.Equal(t, []string{"ddoe.key warn ddoe-api-key-expiring"}, outcomes(f.watched()), "it gets the subject token")
			f.service.Platform = nil
			assert.Equal(t, []string{"ddoe.key warn ddoe-api-key-expiring"}, outcomes(f.watched()), "there is no API")
			tested, err := f.service.TestAccess(t.Context(), id, provision.AccessTest{})
			require.NoError(t, err)
			assert.Equal(t, []string{"ddoe.key warn ddoe-api-key-expiring"}, outcomes(tested))
			token, err := f.service.TokenSource(t.Context(), subject, "api://AzureADTokenExchange")
			require.NoError(t, err)
			tested, err = f.service.TestAccess(t.Context(), id, provision.AccessTest{Token: token})
			require.NoError(t, err)
			assert.Empty(t, outcomes(tested), "the token came with the request")
			f.service.TokenSource = nil
			assert.Empty(t, outcomes(f.watched()), "nobody uses it")
		})
	}
}

// TestAWebPageIsNoProofOfAbsence: what a proxy or a wrong DDOE_API_URL answers makes nothing unhealthy, and nothing is
// forgotten for it.
func TestAWebPageIsNoProofOfAbsence(t *testing.T) {
	f := withPlatform(t)
	f.provisioned(wired())
	api := f.hosts[platform.GateHost]
	f.hosts[platform.GateHost] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
	})
	assert.Equal(t, []string{"ddoe.integration unknown ddoe-not-found", "ddoe.driver skip"}, outcomes(f.watched()))
	op := f.teardown()
	require.Equal(t, integration.OperationFailed, op.Status)
	assert.Equal(t, diagnosis.CodeDDOENotFound, op.Error.Code)
	f.hosts[platform.GateHost] = api
	assert.Equal(t, gateCounts{1, 1}, f.onGate())
	require.Equal(t, integration.OperationSucceeded, f.teardown().Status)
	assert.Equal(t, gateCounts{}, f.onGate())
}
