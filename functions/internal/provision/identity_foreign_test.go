package provision_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// takenOver has somebody delete our managed identity and make one of their own under its name, with credentials: one
// is named as ours was.
func takenOver(f *fixture) []world.UserAssignedIdentityCredential {
	f.t.Helper()
	require.NoError(f.t, f.world.DeleteUserAssignedIdentity(managedID))
	f.world.PutUserAssignedIdentity(world.UserAssignedIdentity{ID: managedID})
	for name, subject := range map[string]string{integration.CredentialName(subject): subject, "by-hand": "theirs"} {
		_, _, err := f.world.PutUserAssignedIdentityCredential(world.UserAssignedIdentityCredential{
			IdentityID: managedID, Name: name, Issuer: world.Issuer, Subject: subject,
			Audiences: []string{"api://AzureADTokenExchange"}})
		require.NoError(f.t, err)
	}
	return f.world.UserAssignedIdentityCredentials(managedID)
}

// TestCredentialsOfSomebodyElsesIdentityStay: an ARM id is a name, and whoever has the name now need not be the one
// that we made.
func TestCredentialsOfSomebodyElsesIdentityStay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		act func(f *fixture) (operationID string)
		// refused is why the operation fails; empty where it succeeds.
		refused diagnosis.Code
	}{
		"teardown": {act: func(f *fixture) string {
			a, c := f.remove(provision.TeardownOptions{})
			f.completed(c)
			return a.Operation.ID
		}},
		"replaced by an application": {act: func(f *fixture) string {
			a, c := replaced(f, of(integration.IdentityApplication, spec("images")))
			f.completed(c)
			return a.Operation.ID
		}},
		"another subject": {refused: diagnosis.CodeManagedIdentityForeign, act: func(f *fixture) string {
			s := of(integration.IdentityManaged, spec("images"))
			s.ServiceName, s.Subjects = "", []string{other}
			a, c := f.submit(s)
			f.handle(c)
			return a.Operation.ID
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			_, first := f.submit(of(integration.IdentityManaged, spec("images")))
			f.completed(first)
			theirs := takenOver(f)
			require.Len(t, theirs, 2)
			o := f.Operation(c.act(f))
			assert.Equal(t, theirs, f.world.UserAssignedIdentityCredentials(managedID), "they are not ours")
			assert.Len(t, managed(f), 1)
			if c.refused != "" {
				require.NotNil(t, o.Error)
				assert.Equal(t, c.refused, o.Error.Code)
				return
			}
			require.Equal(t, integration.OperationSucceeded, o.Status, "%+v", o)
			assert.Contains(t, outcomes(o), "federatedCredential-delete absent")
		})
	}
}
