package provision_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/entitlement"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestAPolicyThatHasChangedHoldsForWhatWasCutOff between its operation and the document: neither the repeated request
// nor a message with the same content goes on with what is not allowed any more.
func TestAPolicyThatHasChangedHoldsForWhatWasCutOff(t *testing.T) {
	t.Parallel()
	const operationID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
	f := newFixture(t)
	who := caller.Caller{ID: "one", Roles: []caller.Role{caller.RoleOperate}}
	ctx := caller.With(t.Context(), who)
	policyOf := func(subjects string) entitlement.Policy {
		p, err := entitlement.New(`[{"callers":["role:Wif.Operate"],"subjects":["`+subjects+`"],"issuers":["`+
			world.Issuer+`"]}]`, entitlement.Defaults{})
		require.NoError(t, err)
		return p
	}
	submission := provision.Submission{ID: id, Spec: spec("images"), OperationID: operationID}
	f.service.Policy = policyOf("system:serviceaccount:dataloop:*")
	f.Store.Before = func(c operationtest.Call) error {
		if c.IsWrite() && strings.HasPrefix(c.Key, "integrations/") {
			return errors.New("the process ends")
		}
		return nil
	}
	_, err := f.service.Submit(ctx, submission)
	requireRefusedAs(t, diagnosis.CodeStoreUnavailable, err)
	f.Store.Before = nil
	f.service.Policy = policyOf("system:serviceaccount:dataloop:others-*")
	_, err = f.service.Submit(ctx, submission)
	requireRefusedAs(t, diagnosis.CodeNotAllowed, err)
	given := spec("images")
	require.NoError(t, f.worker.Handle(t.Context(), message.Command{Type: message.TypeProvision, IntegrationID: id,
		OperationID: operationID, Spec: &given}))
	op := f.RequireStatus(operationID, integration.OperationFailed)
	assert.Equal(t, diagnosis.CodeNotAllowed, op.Error.Code)
	assert.Empty(t, f.Keys("integrations/"))
	assert.Empty(t, f.world.AppRegistrations.Applications())
}

func requireRefusedAs(t *testing.T, code diagnosis.Code, err error) {
	t.Helper()
	var refused *diagnosis.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, code, refused.Diagnosis.Code)
}

// TestAVerificationOfAnyNumberProvesNothingByItself: a message that claims to come after a test of our own is no proof
// of access where nobody else proves it.
func TestAVerificationOfAnyNumberProvesNothingByItself(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := f.provisioned(spec("images"))
	_, err := f.world.DeleteRoleAssignment(d.Status.RoleAssignments[0].ID)
	require.NoError(t, err)
	for _, claimed := range []int{20, 1000} {
		require.NoError(t, f.worker.Handle(t.Context(), message.Command{Type: message.TypeVerify, IntegrationID: id,
			OperationID: d.Status.LastOperationID, Attempt: claimed}))
		assert.Equal(t, integration.PhaseProvisioned, f.Document().Status.Phase)
	}
}
