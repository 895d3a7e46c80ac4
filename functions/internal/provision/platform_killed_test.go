package provision_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// TestThePlatformsSideKilledAnywhere kills the process at each request, write and message of a teardown, and of a move
// from one organisation to another, which removes and then adds. Exact counts on both sides are the end.
func TestThePlatformsSideKilledAnywhere(t *testing.T) {
	t.Parallel()
	const organization, project = "other-organization", "other-project"
	for name, c := range map[string]struct {
		begin  func(f *fixture) message.Command
		counts counts
		onGate gateCounts
	}{
		"teardown": {
			begin:  func(f *fixture) message.Command { _, c := f.remove(provision.TeardownOptions{}); return c },
			counts: counts{deleted: 2},
		},
		"move": {
			begin: func(f *fixture) message.Command {
				s := wired()
				s.DDOE = &integration.DDOE{OrganizationID: organization, Integration: true,
					Driver: &integration.Driver{ProjectID: project, Name: "images"}}
				_, c := f.submit(s)
				return c
			},
			counts: counts{applications: 1, principals: 1, credentials: 1, assignments: 1},
			onGate: gateCounts{integrations: 1, drivers: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			killedAnywhere(t, func() (*fixture, message.Command) {
				f := withPlatform(t)
				require.NoError(t, f.world.PutDDOEObject(dataloop.Organizations,
					dataloop.Object{"id": organization, "name": "Other"}))
				require.NoError(t, f.world.PutDDOEObject(dataloop.Projects,
					dataloop.Object{"id": project, "name": "Other",
						"org": dataloop.Object{"id": organization}}))
				f.carried(wired())
				return f, c.begin(f)
			}, func(f *fixture, cmd message.Command, n int) {
				f.completed(cmd)
				require.Equal(t, c.counts, f.counts(), "killed at effect %d", n)
				require.Equal(t, c.onGate, f.onGate(), "killed at effect %d", n)
				for _, o := range f.world.DDOEObjects(dataloop.Integrations) {
					require.Equal(t, organization, o["org"], "killed at effect %d", n)
				}
				if c.onGate == (gateCounts{}) {
					return
				}
				_, down := f.remove(provision.TeardownOptions{Purge: true}) // it would leave what nobody knows of
				f.completed(down)
				require.Zero(t, f.onGate(), "killed at effect %d", n)
			})
		})
	}
}
