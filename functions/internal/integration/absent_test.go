package integration_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

func TestAbsent(t *testing.T) {
	never := integration.Absent(nil)
	assert.Equal(t, diagnosis.CodeIntegrationNotFound, never.Diagnosis.Code)
	assert.ErrorIs(t, never, integration.ErrNotFound)

	kept := integration.Absent(&integration.Document{Status: integration.Status{Phase: integration.PhaseDeleted,
		Identity: integration.IdentityMade{ID: "o"}}})
	assert.Equal(t, diagnosis.CodeIntegrationDeleted, kept.Diagnosis.Code)
	assert.Contains(t, kept.Diagnosis.Remedy.Steps[0], "the same client id")

	purged := integration.Absent(&integration.Document{Status: integration.Status{Phase: integration.PhaseDeleted}})
	assert.Equal(t, diagnosis.CodeIntegrationDeleted, purged.Diagnosis.Code)
	assert.Equal(t, "PUT the spec again: it makes a new identity with a new client id.",
		purged.Diagnosis.Remedy.Steps[0], "a managed identity has no object id, and is never restored")
	assert.Contains(t, purged.Diagnosis.Remedy.Steps[1], "azure_credentials.json")
}
