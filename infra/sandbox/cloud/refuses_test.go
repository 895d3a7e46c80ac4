package cloud_test

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
)

// TestAHostThatTheNetworkRefuses is like one that nobody knows; the others answer as ever.
func TestAHostThatTheNetworkRefuses(t *testing.T) {
	var tried atomic.Int64
	c, err := cloud.New(cloud.Options{Log: t.Output(), IsRefused: func(host string) bool {
		if host == cloud.GraphHost {
			tried.Add(1)
		}
		return host == cloud.GraphHost
	}})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	require.NoError(t, c.Start(t.Context()))
	proxied := client(t, c)
	_, _, err = get(t, proxied, "https://"+cloud.GraphHost+"/v1.0/applications")
	require.ErrorContains(t, err, "Bad Gateway")
	assert.EqualValues(t, 1, tried.Load())
	_, _, err = get(t, proxied, discovery)
	require.NoError(t, err)
	assert.EqualValues(t, 1, tried.Load())
}
