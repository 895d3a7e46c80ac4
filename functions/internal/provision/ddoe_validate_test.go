package provision_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
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
			assert.Equal(t, "ddoe-validation-failed", d.Status.Conditions[i].Reason)
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
