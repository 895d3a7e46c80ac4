package provision_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestPlatformWaitsForPropagation(t *testing.T) {
	f := withPlatform(t)
	f.fails(fault{match: regexp.MustCompile(`POST gate\.dataloop\.ai/api/v1/drivers/test`), times: 20, status: 400})
	d := f.carried(wired())
	assert.Equal(t, gateCounts{1, 1}, f.onGate())
	assert.Equal(t, "api", d.Status.DDOE.Mode)
	assert.Positive(t, f.slept)

	f = withPlatform(t)
	f.fails(fault{match: regexp.MustCompile(`POST gate\.dataloop\.ai/api/v1/drivers/test`), status: 400})
	_, cmd := f.submit(wired())
	f.handle(cmd)
	op := f.settle(cmd)
	assert.Equal(t, integration.OperationFailed, op.Status)
	assert.Equal(t, "ddoe-driver-test-failed", op.Error.Code)
}

func TestPlatformDatalakeDriver(t *testing.T) {
	f := withPlatform(t)
	account, ok := f.world.StorageAccount(world.DataAccount)
	require.True(t, ok)
	account.HierarchicalNamespace = true
	f.world.PutStorageAccount(account)
	f.provisioned(wired())
	assert.Equal(t, "azureDatalakeGen2", f.world.DDOEObjects(world.DDOEDrivers)[0]["type"])
}
