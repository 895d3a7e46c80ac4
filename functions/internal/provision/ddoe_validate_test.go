package provision_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestPlatformValidationWithoutSubjectTokens(t *testing.T) {
	f := withPlatform(t)
	f.service.TokenSource = nil
	d := f.provisioned(wired())
	f.verified(d.Status.LastOperationID)
	assert.Equal(t, integration.PhaseUsable, f.document().Status.Phase)
	assert.True(t, f.document().Status.DDOE.Validated)
}

// TestPlatformValidationDecidesWhereNoSubjectTokenComes: a token source that gives none in the whole window is as none, where
// the platform has a way to validate.
func TestPlatformValidationDecidesWhereNoSubjectTokenComes(t *testing.T) {
	for name, c := range map[string]struct {
		spec        integration.Spec
		lasts       time.Duration
		status      string
		phase       integration.Phase
		reason      string
		validations int
	}{
		"it passes":          {wired(), 0, "", integration.PhaseUsable, "", 1},
		"it passes, slowly":  {wired(), 30 * time.Minute, "", integration.PhaseUsable, "", 1},
		"it fails":           {wired(), 0, "failed", integration.PhaseFailed, "ddoe-validation-failed", 1},
		"there is no driver": {without(wired()), 0, "", integration.PhaseProvisioned, "subject-token-unavailable", 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			asked := 0
			f.service.TokenSource = func(context.Context, string, string) (secret.Value, error) {
				asked++
				assert.Zero(t, f.commands(), "there is time left for a token")
				return secret.Value{}, errors.New("no route")
			}
			f.slow(c.lasts, c.status)
			f.verified(f.carried(c.spec).Status.LastOperationID)
			assert.Greater(t, asked, 8)
			st := f.document().Status
			assert.Equal(t, c.phase, st.Phase)
			assert.Equal(t, c.phase == integration.PhaseUsable, st.DDOE.Validated)
			assert.Equal(t, c.reason, string(f.condition("Verified").Reason))
			assert.Equal(t, c.validations, f.commands())
		})
	}
}

// TestPlatformSlowValidation takes longer than an invocation: a scheduled message goes on with the same command.
func TestPlatformSlowValidation(t *testing.T) {
	f := withPlatform(t)
	f.quirk(platform.QuirkValidation, world.Object{"polls": float64(12)})
	d := f.provisioned(wired())
	assert.Greater(t, f.verified(d.Status.LastOperationID), 1)
	assert.Equal(t, integration.PhaseUsable, f.document().Status.Phase)
	assert.True(t, f.document().Status.DDOE.Validated)
	assert.Len(t, f.world.DDOEObjects(world.DDOECommands), 1, "one validation")
}

func TestPlatformValidationFails(t *testing.T) {
	for _, status := range []string{"failed", "timeout", "aborted"} {
		t.Run(status, func(t *testing.T) {
			f := withPlatform(t)
			f.quirk(platform.QuirkValidation, world.Object{"status": status, "error": "because"})
			d := f.provisioned(wired())
			f.verified(d.Status.LastOperationID)
			d = f.document()
			assert.Equal(t, integration.PhaseFailed, d.Status.Phase)
			assert.False(t, d.Status.DDOE.Validated)
			i := len(d.Status.Conditions) - 1
			assert.Equal(t, diagnosis.CodeDDOEValidationFailed, d.Status.Conditions[i].Reason)
			assert.Contains(t, d.Status.Conditions[i].Message, "because")
		})
	}
}

// TestPlatformValidationFailsForOthers: a driver that somebody else put on the integration is validated along with ours,
// and says nothing about it.
func TestPlatformValidationFailsForOthers(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*fixture)
		phase  integration.Phase
	}{
		"theirs alone": {func(*fixture) {}, integration.PhaseUsable},
		"ours too": {func(f *fixture) {
			f.fails(fault{match: regexp.MustCompile(`GET gate.*/drivers/[^/]*/test$`), status: 400})
		}, integration.PhaseFailed},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			d := f.provisioned(wired())
			require.NoError(t, f.world.PutDDOEObject(world.DDOEDrivers, world.Object{"id": "theirs", "name": "their driver", "type": "azureblob",
				"integrationId": d.Status.DDOE.IntegrationID, "integrationType": d.Status.DDOE.IntegrationType, "projectId": "p-2", "containerName": "nowhere"}))
			c.change(f)
			f.verified(d.Status.LastOperationID)
			assert.Equal(t, c.phase, f.document().Status.Phase)
			assert.Equal(t, c.phase == integration.PhaseUsable, f.document().Status.DDOE.Validated)
		})
	}
}

// commands are the validations that the platform has been asked for.
func (f *fixture) commands() int { return len(f.world.DDOEObjects(world.DDOECommands)) }

// TestPlatformValidationIsPatient: what fails first and passes later has passed, each time with a validation of its own,
// and the document says at every end what it was and when.
func TestPlatformValidationIsPatient(t *testing.T) {
	f := withPlatform(t)
	f.quirk(platform.QuirkValidation, world.Object{"status": "failed"})
	d := f.provisioned(wired())
	assert.False(t, d.Status.DDOE.Validated)
	assert.Nil(t, d.Status.DDOE.CheckedAt)
	f.delivered(d.Status.LastOperationID, 0)
	st := f.document().Status
	assert.Equal(t, integration.PhaseProvisioned, st.Phase)
	assert.Equal(t, "Unknown", f.condition("Verified").Status)
	assert.False(t, st.DDOE.Validated)
	assert.Empty(t, st.DDOE.ValidationID)
	require.NotNil(t, st.DDOE.CheckedAt)
	assert.Equal(t, f.now(), *st.DDOE.CheckedAt)
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEQuirks, platform.QuirkValidation))

	f.delivered(d.Status.LastOperationID, 1)
	st = f.document().Status
	assert.Equal(t, integration.PhaseUsable, st.Phase)
	assert.True(t, st.DDOE.Validated)
	assert.Equal(t, f.now(), *st.DDOE.CheckedAt)
	assert.Equal(t, 2, f.commands())
	assert.Equal(t, []string{"provisioned", "usable"}, f.events())
}

// delivered delivers the n-th verification when its time has come.
func (f *fixture) delivered(operationID string, n int) {
	f.t.Helper()
	messageID := fmt.Sprintf("%s-verify-%d", operationID, n)
	c := f.command(messageID)
	i := slices.IndexFunc(f.sent, func(s sent) bool { return s.ID == messageID })
	f.advance(f.sent[i].EnqueueAt.Sub(f.now()))
	f.handle(c)
}

// TestPlatformForgetsAValidation: another is begun.
func TestPlatformForgetsAValidation(t *testing.T) {
	f := withPlatform(t)
	f.quirk(platform.QuirkValidation, world.Object{"polls": float64(12)})
	d := f.provisioned(wired())
	f.delivered(d.Status.LastOperationID, 0)
	begun := f.document().Status.DDOE.ValidationID
	require.NotEmpty(t, begun)
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOECommands, begun))
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEQuirks, platform.QuirkValidation))
	f.delivered(d.Status.LastOperationID, 1)
	assert.Equal(t, integration.PhaseUsable, f.document().Status.Phase)
	assert.Equal(t, 1, f.commands())
}

// TestPlatformValidationOfWhatWasThere: a change ends a validation that was begun before it, which says nothing of what is
// there now: another is begun.
func TestPlatformValidationOfWhatWasThere(t *testing.T) {
	f := withPlatform(t)
	f.quirk(platform.QuirkValidation, world.Object{"polls": float64(12)})
	f.delivered(f.provisioned(wired()).Status.LastOperationID, 0)
	require.NotEmpty(t, f.document().Status.DDOE.ValidationID)
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEQuirks, platform.QuirkValidation))
	s := wired()
	s.DDOE.Driver.Path = "sub"
	d := f.carried(s)
	assert.Empty(t, d.Status.DDOE.ValidationID)
	f.verified(d.Status.LastOperationID)
	assert.True(t, f.document().Status.DDOE.Validated)
	assert.Equal(t, 2, f.commands())
}

// TestPlatformShowsAValidationLate: a command that is not shown yet has not ended.
func TestPlatformShowsAValidationLate(t *testing.T) {
	f := withPlatform(t)
	d := f.provisioned(wired())
	f.fails(fault{match: regexp.MustCompile(`GET gate.*/commands/`), status: 404, times: 3})
	f.verified(d.Status.LastOperationID)
	assert.Equal(t, integration.PhaseUsable, f.document().Status.Phase)
	assert.Equal(t, 1, f.commands())
}

// TestPlatformValidationFailsForNobodyKnowsWhom: where it cannot be read whether the drivers of others failed, ours has
// not failed.
func TestPlatformValidationFailsForNobodyKnowsWhom(t *testing.T) {
	for name, unread := range map[string]fault{
		"the count":          {match: regexp.MustCompile(`/drivers/byIntegration/`), status: 500},
		"the count, no role": {match: regexp.MustCompile(`/drivers/byIntegration/`), status: 403},
		"our own test":       {match: regexp.MustCompile(`GET gate.*/drivers/[^/]*/test$`)},
	} {
		for _, passes := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, later %v", name, passes), func(t *testing.T) {
				f := withPlatform(t)
				d := f.provisioned(wired())
				require.NoError(t, f.world.PutDDOEObject(world.DDOEDrivers, world.Object{"id": "theirs", "name": "their driver", "type": "azureblob",
					"integrationId": d.Status.DDOE.IntegrationID, "integrationType": d.Status.DDOE.IntegrationType, "projectId": "p-2", "containerName": "nowhere"}))
				if passes {
					unread.times = 2
				}
				f.fails(unread)
				f.verified(d.Status.LastOperationID)
				if passes {
					assert.Equal(t, integration.PhaseUsable, f.document().Status.Phase)
					assert.True(t, f.document().Status.DDOE.Validated)
					return
				}
				assert.Equal(t, integration.PhaseProvisioned, f.document().Status.Phase)
				assert.Equal(t, "Unknown", f.condition("Verified").Status)
				assert.False(t, f.document().Status.DDOE.Validated)
				assert.Equal(t, []string{"provisioned"}, f.events())
			})
		}
	}
}

// TestAValidationIsOfWhatThereIs: a provisioning that changes something takes it back, another leaves it.
func TestAValidationIsOfWhatThereIs(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*fixture) integration.Spec
		kept   bool
	}{
		"the same again": {func(*fixture) integration.Spec { return wired() }, true},
		"another spec":   {func(*fixture) integration.Spec { return changed() }, false},
		"a driver mended": {func(f *fixture) integration.Spec {
			f.changeOnGate(world.DDOEDrivers, func(o world.Object) { o["path"] = "elsewhere" })
			return wired()
		}, false},
		"an integration made anew": {func(f *fixture) integration.Spec {
			require.NoError(f.t, f.world.DeleteDDOEObject(world.DDOEIntegrations, f.document().Status.DDOE.IntegrationID))
			return wired()
		}, false},
		"a role assignment mended": {func(f *fixture) integration.Spec {
			_, err := f.world.DeleteRoleAssignment(f.document().Status.RoleAssignments[0].ID)
			require.NoError(f.t, err)
			return wired()
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			d := f.carried(wired())
			f.verified(d.Status.LastOperationID)
			before := *f.document().Status.DDOE
			require.True(t, before.Validated)
			f.advance(10 * time.Minute)
			d = f.carried(c.change(f))
			assert.Equal(t, c.kept, d.Status.DDOE.Validated)
			if c.kept {
				assert.Equal(t, before.CheckedAt, d.Status.DDOE.CheckedAt)
			} else {
				assert.Nil(t, d.Status.DDOE.CheckedAt)
			}
			f.verified(d.Status.LastOperationID)
			assert.True(t, f.document().Status.DDOE.Validated)
			assert.Equal(t, c.kept, before.CheckedAt.Equal(*f.document().Status.DDOE.CheckedAt))
		})
	}
}
