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
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestDriftAfterAPutThatFailed: what the spec asks for in another organisation is not there, and the same PUT mends nothing
// before its cause is mended.
func TestDriftAfterAPutThatFailed(t *testing.T) {
	const elsewhere = "77777777-7777-4777-8777-777777777777"
	for name, c := range map[string]struct {
		change  func(*integration.Spec)
		check   string
		code    diagnosis.Code
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
			assert.Equal(t, string(c.code), found[c.check])
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

// TestDriftAfterAnythingElse: a failed PUT is named where it is in the way of the remedy, and nowhere else.
func TestDriftAfterAnythingElse(t *testing.T) {
	refusedPut := func(f *fixture) {
		s := wired()
		s.DDOE.Driver.ProjectID = "p-2"
		_, cmd := f.submit(s)
		f.handle(cmd)
		f.requireStatus(cmd.OperationID, integration.OperationFailed)
		_, cmd = f.submit(wired())
		f.role("member")
		f.handle(cmd)
		f.requireStatus(cmd.OperationID, integration.OperationFailed)
		f.role("owner")
	}
	for name, c := range map[string]struct {
		before func(*fixture)
		named  bool
	}{
		"a PUT that was refused":    {refusedPut, true},
		"a DELETE that was refused": {func(f *fixture) { f.theirs(); require.Equal(f.t, integration.OperationFailed, f.teardown().Status) }, false},
		"a PUT that went through":   {func(f *fixture) { refusedPut(f); f.carried(wired()) }, false},
		"a PUT that was given up": {func(f *fixture) {
			f.fails(fault{match: regexp.MustCompile(`gate\.dataloop\.ai`), status: 503})
			_, cmd := f.submit(changed())
			f.handle(cmd)
			require.Equal(f.t, diagnosis.CodeAttemptsExhausted, f.settle(cmd).Error.Code)
			f.faults = nil
		}, false},
		"a PUT that failed with what may pass": {func(f *fixture) {
			f.fails(fault{match: regexp.MustCompile(`/test$`), status: 400})
			_, cmd := f.submit(changed())
			f.handle(cmd)
			require.True(f.t, f.settle(cmd).Error.Transient)
			f.faults = nil
		}, false},
		"a PUT that nobody handled": {func(f *fixture) {
			_, cmd := f.submit(changed())
			sent := f.sent[len(f.sent)-1]
			require.NoError(f.t, f.worker.DeadLettered(f.t.Context(), message.Delivery{Body: sent.Body, MessageID: sent.ID, SessionID: id}))
			f.requireStatus(cmd.OperationID, integration.OperationFailed)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.provisioned(wired())
			c.before(f)
			f.changeOnGate(world.DDOEIntegrations, func(o world.Object) { o["name"] = "theirs now" })
			report, found := f.drift()
			require.Equal(t, "ddoe-integration-renamed", found["ddoe.integration"])
			steps := fmt.Sprint(checkOf(t, report, "ddoe.integration").Remedy.Steps)
			assert.Equal(t, c.named, strings.Contains(steps, "The last PUT failed"), steps)
			assert.Equal(t, c.named, strings.Contains(fmt.Sprint(checkOf(t, f.watched(), "ddoe.integration").Remedy.Steps), "The last PUT failed"))
		})
	}
}

// TestDriftAfterAPutThatFailedIsNoMatterOfOthers: what no PUT mends has nothing to do with a PUT that failed.
func TestDriftAfterAPutThatFailedIsNoMatterOfOthers(t *testing.T) {
	f := withPlatform(t)
	f.provisioned(wired())
	second := f.onlyDriver()
	second["id"] = "second"
	require.NoError(t, f.world.PutDDOEObject(world.DDOEDrivers, second))
	f.role("member")
	_, cmd := f.submit(changed())
	f.handle(cmd)
	f.requireStatus(cmd.OperationID, integration.OperationFailed)
	report, found := f.drift()
	require.Equal(t, "ddoe-driver-extra", found["ddoe.driver.extra"])
	assert.NotContains(t, fmt.Sprint(checkOf(t, report, "ddoe.driver.extra").Remedy.Steps), "failed")
	assert.Contains(t, fmt.Sprint(checkOf(t, report, "ddoe.driver").Remedy.Steps), "The last PUT failed")
}
