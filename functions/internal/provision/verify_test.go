package provision_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// verified delivers the scheduled verifications when their time has come, until none is left, and returns how many.
func (f *fixture) verified(operationID string) int {
	for n := 0; ; n++ {
		i := slices.IndexFunc(f.Sent(), func(s operationtest.Sent) bool {
			return strings.HasPrefix(s.ID, fmt.Sprintf("%s-verify-%d-", operationID, n))
		})
		if i < 0 {
			return n
		}
		f.Advance(f.Sent()[i].EnqueueAt.Sub(f.Now()))
		f.handle(f.Command(f.Sent()[i].ID))
	}
}

func (f *fixture) condition(kind string) integration.Condition {
	f.t.Helper()
	d := f.Document()
	i := slices.IndexFunc(d.Status.Conditions, func(c integration.Condition) bool { return c.Type == kind })
	require.GreaterOrEqual(f.t, i, 0)
	return d.Status.Conditions[i]
}

func TestVerifyProvesAccess(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := f.provisioned(spec("images"))
	assert.Equal(t, "Unknown", f.condition("Verified").Status)
	assert.Equal(t, 1, f.verified(d.Status.LastOperationID))
	assert.Equal(t, integration.PhaseUsable, f.Document().Status.Phase)
	assert.Equal(t, "True", f.condition("Verified").Status)
	assert.Equal(t, []string{"provisioned", "usable"}, f.events())
	f.handle(f.Command(d.Status.LastOperationID + "-verify-0")) // delivered again
	assert.Equal(t, []string{"provisioned", "usable"}, f.events())
}

func TestVerifyIsPatient(t *testing.T) {
	t.Parallel()
	for name, timing := range map[string]world.Timing{
		"role-based access control": {RBACMS: 100_000},
		"token service":             {STSMS: 100_000},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.world.SetTiming(timing)
			d := f.provisioned(spec("images"))
			assert.Greater(t, f.verified(d.Status.LastOperationID), 2)
			assert.Equal(t, integration.PhaseUsable, f.Document().Status.Phase)
			f.RequireStatus(d.Status.LastOperationID, integration.OperationSucceeded)
		})
	}
}

// TestAVerificationThatGoesOnIsNoSecret: what it has met shows in the document and in health, as a doubt.
func TestAVerificationThatGoesOnIsNoSecret(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.world.SetTiming(world.Timing{RBACMS: 100_000})
	d := f.provisioned(spec("images"))
	assert.Empty(t, f.condition("Verified").Reason)
	f.handle(f.Command(d.Status.LastOperationID + "-verify-0"))
	assert.Equal(t, "Unknown", f.condition("Verified").Status)
	assert.Equal(t, diagnosis.CodeRoleNotEffective, f.condition("Verified").Reason)
	assert.Equal(t, integration.PhaseProvisioned, f.Document().Status.Phase)
	health, err := f.health.Status(t.Context(), f.Document())
	require.NoError(t, err)
	assert.Equal(t, integration.HealthUnknown, health.State)
	assert.Equal(t, diagnosis.CodeRoleNotEffective, health.Diagnosis.Code)
	assert.Equal(t, assessment.ClaimExchange, health.ClaimLevel)
}

func TestVerifyEndsWithItsWindow(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	began := f.Now()
	d := f.provisioned(spec("images"))
	_, err := f.world.DeleteRoleAssignment(d.Status.RoleAssignments[0].ID)
	require.NoError(t, err)
	tests := f.verified(d.Status.LastOperationID)
	assert.Greater(t, tests, 8)
	assert.LessOrEqual(t, f.Now().Sub(began), 10*time.Minute)
	assert.Greater(t, f.Now().Sub(began), 8*time.Minute)
	assert.Equal(t, integration.PhaseFailed, f.Document().Status.Phase)
	c := f.condition("Verified")
	assert.Equal(t, "False", c.Status)
	assert.Equal(t, diagnosis.CodeRoleMissing, c.Reason)
	assert.Equal(t, "True", f.condition("Provisioned").Status)
	assert.Equal(t, []string{"provisioned", "failed"}, f.events())
	f.RequireStatus(d.Status.LastOperationID, integration.OperationSucceeded)
}

func TestVerifyDoesNotWaitForWhatStays(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := spec("images")
	s.Storage[0].ResourceID = world.LockedAccountID
	f.hosts["acmelocked.blob.core.windows.net"] = f.hosts["acmedata.blob.core.windows.net"]
	d := f.provisioned(s)
	assert.Equal(t, 1, f.verified(d.Status.LastOperationID))
	assert.Equal(t, diagnosis.CodeNetworkRulesBlocked, f.condition("Verified").Reason)
	assert.Equal(t, integration.PhaseFailed, f.Document().Status.Phase)
}

func TestVerifyMeansEverySubject(t *testing.T) {
	t.Parallel()
	s := spec("images")
	s.Subjects = []string{subject, other}
	f := newFixture(t)
	d := f.provisioned(s)
	assert.Equal(t, 1, f.verified(d.Status.LastOperationID))
	assert.Equal(t, integration.PhaseUsable, f.Document().Status.Phase)

	f = newFixture(t)
	d = f.provisioned(s)
	require.NoError(t, f.world.DeleteFederatedCredential(d.Status.Identity.ID, integration.CredentialName(other)))
	for _, tested := range s.Subjects {
		token, err := f.service.TokenSource(t.Context(), tested, "api://AzureADTokenExchange")
		require.NoError(t, err)
		report, err := f.service.TestAccess(t.Context(), id, access.Request{Token: token})
		require.NoError(t, err)
		assert.Equal(t, tested == subject, report.Verdict == assessment.VerdictPass,
			"a test is of its own token's subject")
		assert.Equal(t, integration.PhaseProvisioned, f.Document().Status.Phase, "which is no proof of the other")
	}
	assert.Greater(t, f.verified(d.Status.LastOperationID), 2, "it may be replication")
	assert.Equal(t, integration.PhaseFailed, f.Document().Status.Phase)
	assert.Equal(t, diagnosis.CodeFederatedCredentialMissing, f.condition("Verified").Reason)
	assert.Equal(t, []string{"provisioned", "failed"}, f.events())
}

func TestVerifyWithoutToken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.takeTokensFrom(func(context.Context, string, string) (secret.Value, error) {
		return secret.Value{}, errors.New("no route")
	})
	d := f.provisioned(spec("images"))
	assert.Greater(t, f.verified(d.Status.LastOperationID), 8)
	assert.Equal(t, integration.PhaseProvisioned, f.Document().Status.Phase,
		"nothing was learnt about the integration")
	assert.Equal(t, "Unknown", f.condition("Verified").Status)
	assert.Equal(t, diagnosis.CodeSubjectTokenUnavailable, f.condition("Verified").Reason)

	f.takeTokensFrom(nil)
	d = f.provisioned(spec("images"))
	assert.Zero(t, f.verified(d.Status.LastOperationID))
	assert.Equal(t, diagnosis.CodeSubjectTokenUnavailable, f.condition("Verified").Reason)
}

// TestThePlatformProvesWhatNoTokenCould, once no test could be made in the whole window.
func TestThePlatformProvesWhatNoTokenCould(t *testing.T) {
	t.Parallel()
	f := withPlatform(t)
	f.takeTokensFrom(func(context.Context, string, string) (secret.Value, error) {
		return secret.Value{}, errors.New("no route")
	})
	d := f.carried(wired())
	assert.Greater(t, f.verified(d.Status.LastOperationID), 8)
	assert.Equal(t, []any{integration.PhaseUsable, "True"},
		[]any{f.Document().Status.Phase, f.condition("Verified").Status})
}

func TestVerifyOfAnOldOperation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	old := f.provisioned(spec("images"))
	f.provisioned(spec("archive"))
	before := len(f.requests)
	f.handle(f.Command(old.Status.LastOperationID + "-verify-0"))
	assert.Len(t, f.requests, before)
	assert.Equal(t, integration.PhaseProvisioned, f.Document().Status.Phase)
	f.RequireStatus(old.Status.LastOperationID, integration.OperationSucceeded)
}

func TestAccessTestCommand(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.service.SubmitAccessTest(t.Context(), id, "", access.Request{})
	requireCode(t, "integration-not-found", err)
	f.submit(spec("images"))
	_, err = f.service.SubmitAccessTest(t.Context(), id, "", access.Request{})
	requireCode(t, "not-provisioned", err)
	d := f.provisioned(spec("images"))
	a, err := f.service.SubmitAccessTest(t.Context(), id, "", access.Request{Mode: "oracle"})
	require.NoError(t, err)
	f.handle(f.Command(a.Operation.ID))
	op := f.RequireStatus(a.Operation.ID, integration.OperationSucceeded)
	var report assessment.Report
	require.NoError(t, json.Unmarshal(op.Result, &report))
	assert.Equal(t, assessment.VerdictPass, report.Verdict)
	assert.Equal(t, d.Status.LastOperationID, f.Document().Status.LastOperationID, "a test is not a change")

	f.handle(message.Command{Type: message.TypeAccessTest, IntegrationID: id, OperationID: "from-the-queue"})
	f.RequireStatus("from-the-queue", integration.OperationSucceeded)

	f.takeTokensFrom(nil)
	_, err = f.service.SubmitAccessTest(t.Context(), id, "", access.Request{})
	requireCode(t, "subject-token-unavailable", err)
	f.handle(message.Command{Type: message.TypeAccessTest, IntegrationID: id, OperationID: "without-token"})
	assert.Equal(t, diagnosis.CodeSubjectTokenUnavailable,
		f.RequireStatus("without-token", integration.OperationFailed).Error.Code)
	assert.Equal(t, integration.PhaseUsable, f.Document().Status.Phase,
		"the tests proved it, and one that could not be made changes nothing")
}

// TestUsableMeansEveryRight: a right that was not seen to be there is not claimed, however good the rest looks.
func TestUsableMeansEveryRight(t *testing.T) {
	t.Parallel()
	entry := func(container string, wanted integration.Access) integration.StorageAccess {
		return integration.StorageAccess{ResourceID: world.DataAccountID, Container: container, Access: wanted}
	}
	for name, c := range map[string]struct {
		storage []integration.StorageAccess
		phase   integration.Phase
		reason  string
	}{
		"written and removed": {[]integration.StorageAccess{entry("images", "readWrite")},
			integration.PhaseUsable, ""},
		"immutable, and only read": {[]integration.StorageAccess{entry("archive", "read")},
			integration.PhaseUsable, ""},
		"immutable, to be written": {[]integration.StorageAccess{entry("archive", "readWrite")},
			integration.PhaseProvisioned, "immutable-container"},
		"one of two is immutable": {[]integration.StorageAccess{entry("images", "readWrite"),
			entry("archive", "readWrite")}, integration.PhaseProvisioned, "immutable-container"},
		"a whole account, to be read": {[]integration.StorageAccess{entry("", "read")}, integration.PhaseUsable, ""},
		"a container and an account": {[]integration.StorageAccess{entry("images", "read"), entry("", "readWrite")},
			integration.PhaseUsable, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			s := spec()
			s.Storage = c.storage
			d := f.provisioned(s)
			assert.Equal(t, 1, f.verified(d.Status.LastOperationID), "testing again proves no more")
			assert.Equal(t, c.phase, f.Document().Status.Phase)
			verified := f.condition("Verified")
			assert.Equal(t, c.reason, string(verified.Reason))
			if c.reason == "" {
				assert.Equal(t, "True", verified.Status)
				return
			}
			assert.Equal(t, "Unknown", verified.Status)
			require.NotNil(t, verified.Diagnosis)
			assert.NotNil(t, verified.Diagnosis.Remedy)
			assert.Equal(t, []string{"provisioned"}, f.events())
			f.RequireStatus(d.Status.LastOperationID, integration.OperationSucceeded)
		})
	}
}

// TestBothDoorsOfTheAccessTestRefuseAlike: what the request's door answers, the queue's door answers too.
func TestBothDoorsOfTheAccessTestRefuseAlike(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(f *fixture)
		code    diagnosis.Code
	}{
		"unknown":       {func(*fixture) {}, "integration-not-found"},
		"not there yet": {func(f *fixture) { f.submit(spec("images")) }, "not-provisioned"},
		"being torn down": {func(f *fixture) {
			f.provisioned(spec("images"))
			f.remove(provision.TeardownOptions{})
		}, "deprovisioning"},
		"torn down": {func(f *fixture) {
			f.provisioned(spec("images"))
			_, c := f.remove(provision.TeardownOptions{})
			f.handle(c)
		}, "integration-deleted"},
		"no source of tokens": {func(f *fixture) {
			f.provisioned(spec("images"))
			f.takeTokensFrom(nil)
		}, "subject-token-unavailable"},
		"unknown, and no source of tokens": {func(f *fixture) { f.takeTokensFrom(nil) }, "integration-not-found"},
		"not there yet, and no source": {func(f *fixture) {
			f.submit(spec("images"))
			f.takeTokensFrom(nil)
		}, "not-provisioned"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			c.prepare(f)
			_, err := f.service.TestAccess(t.Context(), id, access.Request{})
			requireCode(t, c.code, err)
			_, err = f.service.SubmitAccessTest(t.Context(), id, "", access.Request{})
			requireCode(t, c.code, err)
			f.handle(message.Command{Type: message.TypeAccessTest, IntegrationID: id, OperationID: "from-the-queue"})
			assert.Equal(t, c.code, f.RequireStatus("from-the-queue", integration.OperationFailed).Error.Code)
		})
	}
}

// TestAnOddTokenOfTheCallerIsNotTheIntegrations: its report warns of it, and health does not.
func TestAnOddTokenOfTheCallerIsNotTheIntegrations(t *testing.T) {
	t.Parallel()
	for name, isCallers := range map[string]bool{"the caller's": true, "the service's": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.provisioned(spec("images"))
			token, err := f.issuer.Mint(platform.TokenRequest{Subject: subject, Audience: "api://AzureADTokenExchange",
				ExpiresInSeconds: 200_000})
			require.NoError(t, err)
			wanted := access.Request{Token: secret.New(token), Mode: access.ModeOracle}
			if !isCallers {
				wanted.Token = secret.Value{}
				f.takeTokensFrom(func(context.Context, string, string) (secret.Value, error) {
					return secret.New(token), nil
				})
			}
			report, err := f.service.TestAccess(t.Context(), id, wanted)
			require.NoError(t, err)
			assert.Equal(t, assessment.VerdictWarn, report.Verdict)
			health, err := f.health.Status(t.Context(), f.Document())
			require.NoError(t, err)
			if isCallers {
				assert.Equal(t, integration.HealthHealthy, health.State)
				assert.Nil(t, health.Diagnosis)
				return
			}
			assert.Equal(t, integration.HealthDegraded, health.State)
			assert.Equal(t, diagnosis.CodeTokenLifetimeTooLong, health.Diagnosis.Code)
		})
	}
}

func TestAccessTestWithATokenOfTheCaller(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.provisioned(spec("images"))
	token, err := f.service.TokenSource(t.Context(), subject, "api://AzureADTokenExchange")
	require.NoError(t, err)
	f.takeTokensFrom(nil)
	report, err := f.service.TestAccess(t.Context(), id, access.Request{Token: token, Mode: "oracle"})
	require.NoError(t, err)
	assert.Equal(t, assessment.VerdictPass, report.Verdict)
	_, err = f.service.TestAccess(t.Context(), "nobody", access.Request{Prefix: "../x"})
	requireCode(t, "invalid-prefix", err)
	_, err = f.service.TestAccess(t.Context(), "nobody", access.Request{Mode: "x"})
	requireCode(t, "invalid-mode", err)
	_, err = f.service.SubmitAccessTest(t.Context(), "nobody", "", access.Request{Mode: "x"})
	requireCode(t, "invalid-mode", err)

	f.takeTokensFrom(func(context.Context, string, string) (secret.Value, error) {
		return secret.Value{}, errors.New("no route")
	})
	_, err = f.service.TestAccess(t.Context(), id, access.Request{})
	var known *diagnosis.Error
	require.ErrorAs(t, err, &known)

	f.takeTokensFrom(func(context.Context, string, string) (secret.Value, error) {
		return secret.Value{}, &diagnosis.Error{Diagnosis: diagnosis.New("ddoe-unavailable")}
	})
	_, err = f.service.TestAccess(t.Context(), id, access.Request{})
	assert.Contains(t, strings.Join(requireCode(t, "ddoe-unavailable", err).Remedy.Steps, " "),
		"send the request again",
		"nothing repeats a test that somebody waits for")
}

// TestAForgedVerificationIsNotTheLast: whoever may send to the queue can send a verification with any number, or have
// the queue give one up. Patience ends when its time is over.
func TestAForgedVerificationIsNotTheLast(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.world.SetTiming(world.Timing{RBACMS: 100_000})
	d := f.provisioned(spec("images"))
	for _, attempt := range []int{0, 12, 1000} {
		forged := message.Command{Type: message.TypeVerify, ID: fmt.Sprint("m-", attempt), IntegrationID: id,
			OperationID: d.Status.LastOperationID, Attempt: attempt}
		f.handle(forged)
		body, err := forged.Encode("/stranger", f.Now())
		require.NoError(t, err)
		require.NoError(t, f.worker.DeadLettered(t.Context(), message.Delivery{Body: body, MessageID: forged.ID,
			SessionID: id, ApplicationProperties: map[string]any{"DeadLetterReason": "TTLExpiredException"}}))
		assert.Equal(t, integration.PhaseProvisioned, f.Document().Status.Phase)
		assert.Equal(t, diagnosis.CodeRoleNotEffective, f.condition("Verified").Reason)
	}
	assert.Greater(t, f.verified(d.Status.LastOperationID), 2)
	assert.Equal(t, integration.PhaseUsable, f.Document().Status.Phase)
	assert.Equal(t, []string{"provisioned", "usable"}, f.events())
}
