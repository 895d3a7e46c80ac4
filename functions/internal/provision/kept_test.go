package provision_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// usable is an integration whose access is proved, and whose last change explains nothing any more.
func usable(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	f.verified(f.provisioned(spec("images")).Status.LastOperationID)
	require.Equal(t, integration.PhaseUsable, f.Document().Status.Phase)
	f.Advance(30 * time.Minute)
	return f
}

func TestAnUnchangedSpecKeepsWhatIsProved(t *testing.T) {
	t.Parallel()
	f := usable(t)
	before := f.Document()
	a, cmd := f.submit(spec("images"))
	assert.Equal(t, before.Status.Conditions, a.Document.Status.Conditions)
	f.handle(cmd)
	f.RequireStatus(a.Operation.ID, integration.OperationSucceeded)
	after := f.Document()
	assert.Equal(t, integration.PhaseUsable, after.Status.Phase)
	assert.Equal(t, before.Status.Conditions, after.Status.Conditions)
	assert.Equal(t, a.Operation.ID, after.Status.LastOperationID)
	assert.Equal(t, 1, f.verified(a.Operation.ID), "it is tested again")
	assert.Equal(t, integration.PhaseUsable, f.Document().Status.Phase)
}

func TestARepairIsNotTakenForProof(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(f *fixture, d integration.Document) error{
		"credential missing": func(f *fixture, d integration.Document) error {
			return f.world.DeleteFederatedCredential(d.Status.Identity.ID, d.Status.FederatedCredentials[0].Name)
		},
		"credential changed": func(f *fixture, d integration.Document) error {
			_, err := f.world.UpdateFederatedCredential(d.Status.Identity.ID, d.Status.FederatedCredentials[0].Name,
				func(c *world.FederatedIdentityCredential) error { c.Issuer += "/"; return nil })
			return err
		},
		"role assignment missing": func(f *fixture, d integration.Document) error {
			_, err := f.world.DeleteRoleAssignment(d.Status.RoleAssignments[0].ID)
			return err
		},
		"application missing": func(f *fixture, d integration.Document) error {
			return f.world.DeleteApplication(d.Status.Identity.ID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := usable(t)
			require.NoError(t, damage(f, f.Document()))
			d := f.provisioned(spec("images"))
			assert.Equal(t, integration.PhaseProvisioned, d.Status.Phase)
			assert.Equal(t, "Unknown", f.condition("Verified").Status)
			f.verified(d.Status.LastOperationID)
			assert.Equal(t, integration.PhaseUsable, f.Document().Status.Phase)
		})
	}
	t.Run("another spec", func(t *testing.T) {
		f := usable(t)
		a, _ := f.submit(spec("images", "archive"))
		assert.Equal(t, integration.PhasePending, a.Document.Status.Phase)
		assert.Empty(t, a.Document.Status.Conditions)
	})
}

func TestARecheckThatFailsMovesThePhase(t *testing.T) {
	t.Parallel()
	f := usable(t)
	a, cmd := f.submit(spec("images"))
	f.handle(cmd)
	_, err := f.world.DeleteRoleAssignment(f.Document().Status.RoleAssignments[0].ID)
	require.NoError(t, err)
	f.verified(a.Operation.ID)
	assert.Equal(t, integration.PhaseFailed, f.Document().Status.Phase)
	assert.Equal(t, diagnosis.CodeRoleMissing, f.condition("Verified").Reason)
}

func TestAnAccessTestShowsInTheDocument(t *testing.T) {
	t.Parallel()
	test := func(f *fixture, wanted access.Request) assessment.Report {
		report, err := f.service.TestAccess(f.t.Context(), id, wanted)
		require.NoError(f.t, err)
		return report
	}
	t.Run("a full proof makes it usable", func(t *testing.T) {
		f := newFixture(t)
		f.provisioned(spec("images"))
		test(f, access.Request{})
		d := f.Document()
		assert.Equal(t, integration.PhaseUsable, d.Status.Phase)
		assert.Equal(t, "True", f.condition("Verified").Status)
		assert.Equal(t, []string{"provisioned", "usable"}, f.events())
		test(f, access.Request{})
		assert.Equal(t, d.ETag, f.Document().ETag, "nothing new is no new version")
	})
	t.Run("a failure leaves the phase", func(t *testing.T) {
		f := usable(t)
		_, err := f.world.DeleteRoleAssignment(f.Document().Status.RoleAssignments[0].ID)
		require.NoError(t, err)
		accepted, err := f.service.SubmitAccessTest(t.Context(), id, "", access.Request{})
		require.NoError(t, err)
		f.handle(f.Command(accepted.Operation.ID))
		assert.Equal(t, integration.PhaseUsable, f.Document().Status.Phase)
		found := f.condition("Verified")
		assert.Equal(t, "False", found.Status)
		assert.Equal(t, diagnosis.CodeRoleMissing, found.Reason)
		require.NotNil(t, found.Diagnosis)
		assert.Equal(t, f.Now(), found.LastTransitionTime)
	})
	t.Run("a spoilt token says nothing of the integration", func(t *testing.T) {
		f := usable(t)
		before := f.Document()
		for _, request := range []platform.TokenRequest{
			{Subject: other, Audience: "api://AzureADTokenExchange"},
			{Subject: subject, Audience: "api://AzureADTokenExchange", KeyID: "unknown-key"},
		} {
			f.takeTokensFrom(func(context.Context, string, string) (secret.Value, error) {
				return secret.Value{}, nil
			})
			token, err := f.issuer.Mint(request)
			require.NoError(t, err)
			report := test(f, access.Request{Token: secret.New(token)})
			assert.Equal(t, assessment.VerdictFail, report.Verdict)
			assert.Equal(t, before.ETag, f.Document().ETag)
		}
	})
	t.Run("a right that the spec does not ask for", func(t *testing.T) {
		f := newFixture(t)
		reading := spec("images")
		reading.Storage[0].Access = integration.AccessRead
		f.verified(f.provisioned(reading).Status.LastOperationID)
		f.Advance(30 * time.Minute)
		assert.Equal(t, assessment.VerdictFail, test(f, access.Request{Access: integration.AccessReadWrite}).Verdict)
		assert.Equal(t, "True", f.condition("Verified").Status)
	})
}
