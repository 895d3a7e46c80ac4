package provision_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestPlatformForeignIntegration(t *testing.T) {
	f := withPlatform(t)
	require.NoError(t, f.world.PutDDOEObject(world.DDOEIntegrations, world.Object{"id": "theirs", "name": "DDOE WIF my-service", "type": f.offered()["type"],
		"org": world.OrganizationID, "options": world.Object{}, "metadata": []any{}}))
	a, cmd := f.submit(wired())
	f.handle(cmd)
	op := f.requireStatus(a.Operation.ID, integration.OperationFailed)
	assert.Equal(t, "ddoe-integration-foreign", op.Error.Code)
	assert.Contains(t, op.Error.Detail, "theirs")
	_, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	f.requireStatus(down.OperationID, integration.OperationSucceeded)
	assert.Equal(t, gateCounts{integrations: 1}, f.onGate(), "what is not ours stays")
}
