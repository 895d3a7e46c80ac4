package dataloop

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
)

// TestTheOfferIsReworded: the type for federation goes by other names, each of X
func TestTheOfferIsReworded(t *testing.T) {
	w := NewPlatform(part.NewBase(time.Now))
	w.Seed()
	assert.Equal(t, "Azure Workload Identity Federation", w.names.kind.visible, "the seeded world is legible")
	visible := map[string]bool{}
	for range 50 {
		old := w.names.kind.wire
		w.RewordOffer()
		_, there := w.DDOEObject(AvailableIntegrations, old)
		assert.False(t, there)
		ours, there := w.DDOEObject(AvailableIntegrations, w.names.kind.wire)
		require.True(t, there)
		names, means := map[any]bool{}, []any{}
		for _, option := range ours["options"].([]any) {
			names[option.(Object)["name"]] = true
			means = append(means, option.(Object)["means"])
		}
		assert.Len(t, names, len(means), "names on the wire are told apart")
		assert.Equal(t, []any{MeansClientID, MeansTenantID, MeansAccountName, MeansCredentialFile, nil}, means)
		assert.Len(t, w.DDOEObjects(AvailableIntegrations), 3)
		visible[w.names.kind.visible] = true
	}
	assert.Greater(t, len(visible), 3, "drawn by lot")
}
