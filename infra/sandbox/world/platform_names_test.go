package world

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheOfferIsReworded: the type for federation goes by other names, each of its options means what it did, and a
// reset keeps the names.
func TestTheOfferIsReworded(t *testing.T) {
	w, _ := newSeeded(t)
	assert.Equal(t, "Azure Workload Identity Federation", w.names.kind.visible, "the seeded world is legible")
	visible := map[string]bool{}
	for range 50 {
		old := w.names.kind.wire
		w.RewordOffer()
		_, there := w.DDOEObject(DDOEAvailableIntegrations, old)
		assert.False(t, there)
		ours, there := w.DDOEObject(DDOEAvailableIntegrations, w.names.kind.wire)
		require.True(t, there)
		names, means := map[any]bool{}, []any{}
		for _, option := range ours["options"].([]any) {
			names[option.(Object)["name"]] = true
			means = append(means, option.(Object)["means"])
		}
		assert.Len(t, names, len(means), "names on the wire are told apart")
		assert.Equal(t, []any{MeansClientID, MeansTenantID, MeansAccountName, MeansCredentialFile, nil}, means)
		assert.Len(t, w.DDOEObjects(DDOEAvailableIntegrations), 3)
		visible[w.names.kind.visible] = true
	}
	assert.Greater(t, len(visible), 3, "drawn by lot")
	before := w.DDOEObjects(DDOEAvailableIntegrations)
	w.Reset()
	assert.ElementsMatch(t, before, w.DDOEObjects(DDOEAvailableIntegrations))
}
