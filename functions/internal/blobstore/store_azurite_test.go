package blobstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/blobstore"
	"github.com/ddoe-ai/azure-wif/functions/internal/blobstore/azuritetest"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
)

func TestOnAzurite(t *testing.T) {
	emulator := azuritetest.Start(t)
	store, err := blobstore.New(azuritetest.ServiceURL, emulator.Credential, emulator.ClientOptions())
	require.NoError(t, err)

	t.Run("a missing container is an error, not an empty store", func(t *testing.T) {
		_, err := store.Get(t.Context(), "a.json")
		require.NotErrorIs(t, err, integration.ErrNotFound)
		var failure *blobstore.Error
		require.ErrorAs(t, err, &failure)
		require.Equal(t, "ContainerNotFound", failure.ErrorCode())
		require.Equal(t, 404, failure.HTTPStatus())
		require.NotEmpty(t, failure.ServiceRequestID())
	})
	t.Run("the container is made once", func(t *testing.T) {
		require.NoError(t, store.EnsureContainer(t.Context()))
		require.NoError(t, store.EnsureContainer(t.Context()))
	})
	t.Run("conformance", func(t *testing.T) {
		storetest.Run(t, func(*testing.T) integration.Store { return store })
	})
}
