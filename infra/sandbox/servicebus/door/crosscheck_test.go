package door_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
)

// nodeModules finds the JavaScript client. Without it the test is skipped, except in CI.
func nodeModules(t *testing.T) (node, modules string) {
	t.Helper()
	modules, err := filepath.Abs("../../../../.ci/node/node_modules")
	require.NoError(t, err)
	_, missing := os.Stat(filepath.Join(modules, "@azure", "service-bus"))
	node, noNode := exec.LookPath("node")
	if err := errors.Join(noNode, missing); err != nil {
		why := "the JavaScript client is not installed; get it with Node 20 and: npm ci --prefix .ci/node " +
			"--ignore-scripts (" + err.Error() + ")"
		if os.Getenv("CI") == "true" {
			require.Fail(t, why)
		}
		t.Skip(why)
	}
	return node, modules
}

func TestJavaScriptClient(t *testing.T) {
	node, modules := nodeModules(t)
	b := newBed(t, servicebus.Options{})
	require.NoError(t, b.PutQueue("q", servicebus.QueueProperties{}))
	require.NoError(t, b.PutQueue("s", servicebus.QueueProperties{RequiresSession: true}))
	require.NoError(t, b.PutTopic("t",
		servicebus.TopicProperties{Subscriptions: []servicebus.SubscriptionProperties{{Name: "one"}}}))

	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, filepath.Join("testdata", "crosscheck.cjs"), modules, b.connectionString())
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s", out)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	assert.Len(t, lines, 12)
	for _, line := range lines {
		assert.True(t, strings.HasPrefix(line, "ok "), line)
	}
	for _, e := range b.Entities() {
		assert.Zero(t, e.Active+e.Deferred+e.Scheduled+e.DeadLettered, "%s has something left", e.Name)
	}
}
