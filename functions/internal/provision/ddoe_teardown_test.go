package provision_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestPlatformDriverInUse(t *testing.T) {
	f := withPlatform(t)
	d := f.provisioned(wired())
	require.NoError(t, f.world.PutDDOEObject(world.DDOEDrivers, world.Object{"id": "theirs", "name": "their driver", "type": "azureblob",
		"integrationId": d.Status.DDOE.IntegrationID, "integrationType": d.Status.DDOE.IntegrationType, "projectId": "p-2", "containerName": "images"}))
	a, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	op := f.requireStatus(a.Operation.ID, integration.OperationFailed)
	assert.Equal(t, "ddoe-integration-in-use", op.Error.Code)
	assert.Contains(t, op.Error.Detail, "their driver (id theirs, project p-2)")
	assert.Equal(t, gateCounts{1, 2}, f.onGate(), "nothing was touched")
	assert.Equal(t, counts{applications: 1, principals: 1, credentials: 1, assignments: 1}, f.counts())
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEDrivers, "theirs"))
	a, down = f.remove(provision.TeardownOptions{})
	f.handle(down)
	f.requireStatus(a.Operation.ID, integration.OperationSucceeded)
	assert.Equal(t, gateCounts{}, f.onGate())
}

func TestPlatformNotWantedAnyMore(t *testing.T) {
	f := withPlatform(t)
	f.provisioned(wired())
	s := wired()
	s.DDOE.Driver = nil
	d := f.provisioned(s)
	assert.Equal(t, gateCounts{integrations: 1}, f.onGate())
	assert.Empty(t, d.Status.DDOE.DriverID)
	d = f.provisioned(spec("images"))
	assert.Equal(t, gateCounts{}, f.onGate())
	assert.Equal(t, "manual", d.Status.DDOE.Mode)
	assert.Empty(t, d.Status.DDOE.IntegrationID)
}
