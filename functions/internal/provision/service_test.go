package provision_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
)

func TestInstanceIsOfTheState(t *testing.T) {
	t.Parallel()
	assert.Equal(t, provision.InstanceOf("https://a.blob.core.windows.net"),
		provision.InstanceOf("https://A.blob.core.windows.net"))
	assert.NotEqual(t, provision.InstanceOf("https://a.blob.core.windows.net"),
		provision.InstanceOf("https://b.blob.core.windows.net"))
	assert.Regexp(t, `^[0-9a-f]{8}$`, provision.InstanceOf("https://a.blob.core.windows.net"))
}
