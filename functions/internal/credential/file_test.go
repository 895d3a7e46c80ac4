package credential_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

func document() integration.Document {
	return integration.Document{
		Spec: integration.Spec{TenantID: "11111111-1111-4111-8111-111111111111", Issuer: "https://dataloop.ai/oauth2",
			Audience: "api://AzureADTokenExchange",
			Subjects: []string{"system:serviceaccount:dataloop:my-service", "a<&>b"}},
		Status: integration.Status{Phase: integration.PhaseProvisioned,
			ClientID: "77777777-7777-4777-8777-777777777777"},
	}
}

func TestCredentialFileIsExactlyTheSeeds(t *testing.T) {
	file, err := credential.CredentialFile(document(), "")
	require.NoError(t, err)
	assert.Equal(t, `{
  "clientId": "77777777-7777-4777-8777-777777777777",
  "tenantId": "11111111-1111-4111-8111-111111111111",
  "federatedTokenIssuer": "https://dataloop.ai/oauth2",
  "subject": "system:serviceaccount:dataloop:my-service",
  "audience": "api://AzureADTokenExchange"
}
`, string(file))
	file, err = credential.CredentialFile(document(), "a<&>b")
	require.NoError(t, err)
	assert.Contains(t, string(file), `"subject": "a<&>b"`, "not escaped: people compare it by eye")
}

func TestCredentialFileNamesTheFailure(t *testing.T) {
	d := document()
	failure := diagnosis.New("arm-permission-missing")
	d.Status.Phase, d.Status.LastOperationID = integration.PhaseFailed, "op-7"
	d.Status.Conditions = []integration.Condition{{Type: "Provisioned", Status: "False", Diagnosis: &failure}}
	_, err := credential.CredentialFile(d, "")
	var known *diagnosis.Error
	require.ErrorAs(t, err, &known)
	assert.Equal(t, diagnosis.CodeNotProvisioned, known.Diagnosis.Code)
	assert.Contains(t, known.Diagnosis.Detail, "The last operation, op-7, has failed with arm-permission-missing: ")
	assert.Equal(t, failure.Remedy, known.Diagnosis.Remedy, "waiting does not help")
	assert.False(t, known.Diagnosis.Transient)
}

func TestCredentialFileRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*integration.Document)
		subject string
		code    diagnosis.Code
	}{
		"no client id yet": {func(d *integration.Document) { d.Status.ClientID = "" }, "", "not-provisioned"},
		"being provisioned": {func(d *integration.Document) { d.Status.Phase = integration.PhaseProvisioning }, "",
			"not-provisioned"},
		"failed to provision": {func(d *integration.Document) { d.Status.Phase = integration.PhaseFailed }, "",
			"not-provisioned"},
		"condition says no": {func(d *integration.Document) {
			d.Status.Conditions = []integration.Condition{{Type: "Provisioned", Status: "False"}}
		}, "", "not-provisioned"},
		"torn down": {func(d *integration.Document) { d.Status.Phase = integration.PhaseDeleted }, "",
			"integration-deleted"},
		"subject of no concern": {func(*integration.Document) {}, "someone-else", "invalid-parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			d := document()
			c.change(&d)
			_, err := credential.CredentialFile(d, c.subject)
			var known *diagnosis.Error
			require.ErrorAs(t, err, &known)
			assert.Equal(t, c.code, known.Diagnosis.Code)
		})
	}
}

func TestCredentialFileAfterAFailedVerification(t *testing.T) {
	d := document()
	d.Status.Phase = integration.PhaseFailed
	d.Status.Conditions = []integration.Condition{{Type: "Provisioned", Status: "True"},
		{Type: "Verified", Status: "False"}}
	_, err := credential.CredentialFile(d, "")
	assert.NoError(t, err, "the objects exist: the file is right")
}
