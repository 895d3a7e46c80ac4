package platform

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// TestWhatAPersonDoesNext is told whole: a person follows it word by word.
func TestWhatAPersonDoesNext(t *testing.T) {
	t.Parallel()
	const begin = "Download azure_credentials.json from GET /api/integrations/my-service/credentials. In DDOE: " +
		"Integrations, Create Integration, Create Storage Integration; fill in the form's values, upload the file, " +
		"and create the driver with it: Azure Blob, or Azure Data Lake Storage Gen2 where the account has a " +
		"hierarchical namespace"
	d := integration.Document{ID: "my-service"}
	assert.Equal(t, begin+".", nextOf(d))
	d.Spec.Storage = []integration.StorageAccess{{Container: "images"}, {Container: "archive"}}
	d.Spec.DDOE = &integration.DDOE{Driver: &integration.Driver{ProjectID: "p", Name: "n", Path: "a/b"}}
	d.Status.Identity.FormerClientID = "old"
	assert.Equal(t, begin+`; in the project p, named n, for the container images and the path "a/b", allowed to `+
		"delete: false. The client id is another one than before, old: whoever has made the integration by hand "+
		"gives it the new one, and uploads the file again.", nextOf(d))
	isWanted := integration.Document{ID: d.ID}
	isWanted.Spec.DDOE = &integration.DDOE{Integration: true}
	assert.Equal(t, begin+". Look first whether there is one of this name. When the cause is mended, PUT the spec "+
		"again; name in ddoe.integrationId what you have made, to have it used: it stays yours.", nextOf(isWanted))
}
