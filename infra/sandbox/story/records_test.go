package story

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestABrokenBlobHarmsItselfAlone: somebody has spoilt a record in the state account. It is named and hides no other,
// DELETE sets it aside without touching anything, and a PUT finds what had been made.
func TestABrokenBlobHarmsItselfAlone(t *testing.T) {
	t.Parallel()
	a := start(t)
	for _, id := range []string{"first", "spoilt"} {
		put := a.call("PUT", "/integrations/"+id, a.spec("images"))
		require.Equal(t, 201, put.Status, put.Raw)
		require.Equal(t, "Succeeded", a.wait(put.Header.Get("Operation-Location")).at("status"))
	}
	clientID := a.call("GET", "/integrations/spoilt", nil).at("status.clientId")
	w, state := a.Cloud().World(), deployment.Example().State.Name
	blob, err := w.ReadBlob(state, deployment.StateContainer, "integrations/spoilt.json")
	require.NoError(t, err)
	blob.Content = blob.Content[:len(blob.Content)/2]
	_, err = w.WriteBlob(state, deployment.StateContainer, blob)
	require.NoError(t, err)
	// An upload by hand under a name that is none of ours.
	_, err = w.WriteBlob(state, deployment.StateContainer, world.Blob{Name: "integrations/copy of first.json",
		Content: []byte("{}")})
	require.NoError(t, err)

	list := a.call("GET", "/integrations", nil)
	require.Equal(t, 200, list.Status, list.Raw)
	assert.Equal(t, "first", list.at("value.0.id"))
	assert.Equal(t, "spoilt", list.at("unreadable.0.id"))
	assert.Equal(t, "record-unreadable", list.at("unreadable.0.code"))
	got := a.call("GET", "/integrations/spoilt", nil)
	assert.Equal(t, 500, got.Status)
	assert.Equal(t, "record-unreadable", got.at("code"))
	assert.Contains(t, got.at("detail"), "integrations/spoilt.json")

	deleted := a.call("DELETE", "/integrations/spoilt", nil)
	require.Equal(t, 202, deleted.Status, deleted.Raw)
	operation := a.wait(deleted.Header.Get("Operation-Location"))
	assert.Equal(t, "Failed", operation.at("status"), "nothing was torn down")
	assert.Equal(t, "record-set-aside", operation.at("error.code"))
	kept, err := w.Blobs(state, deployment.StateContainer, "unreadable/")
	require.NoError(t, err)
	require.Len(t, kept, 1)
	copied, err := w.ReadBlob(state, deployment.StateContainer, kept[0].Name)
	require.NoError(t, err)
	assert.Equal(t, string(blob.Content), string(copied.Content), "byte for byte")
	assert.Contains(t, operation.at("error.detail"), kept[0].Name)
	assert.Len(t, w.Applications(), 2)
	assert.NotContains(t, strings.ToLower(a.call("GET", "/integrations", nil).Raw), "unreadable")

	put := a.call("PUT", "/integrations/spoilt", a.spec("images"))
	require.Equal(t, 201, put.Status, put.Raw)
	require.Equal(t, "Succeeded", a.wait(put.Header.Get("Operation-Location")).at("status"))
	assert.Equal(t, clientID, a.call("GET", "/integrations/spoilt", nil).at("status.clientId"))
	assert.Len(t, w.Applications(), 2, "its own application, found again")
}
