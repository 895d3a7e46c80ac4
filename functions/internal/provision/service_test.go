package provision_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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

// TestNewRefusesWhatIsIncomplete: a service that would fail at its first use is not made.
func TestNewRefusesWhatIsIncomplete(t *testing.T) {
	t.Parallel()
	whole := newFixture(t).service.Options
	for name, take := range map[string]func(o *provision.Options){
		"Repository": func(o *provision.Options) { o.Repository = nil },
		"Kinds":      func(o *provision.Options) { o.Kinds = nil },
		"Engine":     func(o *provision.Options) { o.Engine = nil },
		"Claims":     func(o *provision.Options) { o.Claims = nil },
		"Watch":      func(o *provision.Options) { o.Watch = nil },
	} {
		o := whole
		take(&o)
		_, err := provision.New(o)
		require.ErrorContains(t, err, name)
	}
	_, err := provision.New(whole)
	require.NoError(t, err)
	for range 20 { // a map has another order each time
		_, err := provision.New(provision.Options{})
		require.ErrorContains(t, err, "Claims", "the same is named at every start")
	}
}
