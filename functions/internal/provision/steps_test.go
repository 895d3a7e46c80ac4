package provision_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
)

// steps are those of an operation as "name outcome", or "name code" where one has failed.
func (f *fixture) steps(operationID string) []string {
	f.t.Helper()
	var found []string
	for _, s := range f.Operation(operationID).Steps {
		found = append(found, s.Name+" "+s.Outcome+string(s.Code))
	}
	return found
}

// TestStepsTellWhatWasDone, as far as it is known, in the order in which it was done.
func TestStepsTellWhatWasDone(t *testing.T) {
	t.Parallel()
	t.Run("nothing has changed", func(t *testing.T) {
		f := usable(t)
		_, cmd := f.submit(spec("images"))
		f.handle(cmd)
		assert.ElementsMatch(t, []string{"application unchanged", "servicePrincipal unchanged",
			"federatedCredential unchanged", "roleAssignment unchanged"}, f.steps(cmd.OperationID))
	})
	t.Run("parked before anything could be restored", func(t *testing.T) {
		f := newFixture(t)
		f.fails(fault{match: at(putRole), times: 1, status: 503, code: "ServiceUnavailable"})
		_, cmd := f.submit(spec("images"))
		f.handle(cmd)
		assert.Contains(t, f.steps(cmd.OperationID), "roleAssignment arm-unavailable")
		f.handle(f.Command(cmd.OperationID + "-retry-1"))
		f.RequireStatus(cmd.OperationID, integration.OperationSucceeded)
		assert.ElementsMatch(t, []string{"application created", "servicePrincipal created",
			"federatedCredential created", "roleAssignment created"}, f.steps(cmd.OperationID))
	})
	t.Run("written by a request whose answer did not say so", func(t *testing.T) {
		f := newFixture(t)
		f.fails(fault{match: at(`^PATCH graph.*/servicePrincipals`), times: 1, status: 401, after: true})
		_, cmd := f.submit(spec("images"))
		f.handle(cmd)
		assert.Contains(t, f.steps(cmd.OperationID), "servicePrincipal updated", "one was there by then")
	})
	t.Run("restored", func(t *testing.T) {
		f := newFixture(t)
		f.provisioned(spec("images"))
		_, down := f.remove(provision.TeardownOptions{})
		f.handle(down)
		_, cmd := f.submit(spec("images"))
		f.handle(cmd)
		assert.Equal(t, []string{"restore-application restored", "application unchanged",
			"restore-service-principal restored", "servicePrincipal unchanged"}, f.steps(cmd.OperationID)[:4])
	})
	t.Run("only the application could be restored", func(t *testing.T) {
		f := newFixture(t)
		gone := f.provisioned(spec("images")).Status.ServicePrincipalID
		_, down := f.remove(provision.TeardownOptions{})
		f.handle(down)
		require.NoError(t, f.world.PurgeDeletedItem(gone))
		_, cmd := f.submit(spec("images"))
		f.handle(cmd)
		assert.Contains(t, f.steps(cmd.OperationID), "restore-service-principal absent")
		assert.Contains(t, f.steps(cmd.OperationID), "servicePrincipal created")
	})
}
