package credential_test

import (
	"cmp"
	"encoding/json"
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
	t.Parallel()
	provisioned := func(status string) func(*integration.Document) {
		return func(d *integration.Document) {
			d.Status.Conditions = []integration.Condition{{Type: "Verified", Status: "True"},
				{Type: "Provisioned", Status: status}}
		}
	}
	phase := func(p integration.Phase) func(*integration.Document) {
		return func(d *integration.Document) { d.Status.Phase = p }
	}
	for name, c := range map[string]struct {
		change  func(*integration.Document)
		subject string
		code    diagnosis.Code
	}{
		"no client id yet":      {func(d *integration.Document) { d.Status.ClientID = "" }, "", "not-provisioned"},
		"no phase yet":          {phase(""), "", "not-provisioned"},
		"being provisioned":     {phase(integration.PhaseProvisioning), "", "not-provisioned"},
		"failed to provision":   {phase(integration.PhaseFailed), "", "not-provisioned"},
		"condition says no":     {provisioned("False"), "", "not-provisioned"},
		"condition knows not":   {provisioned("Unknown"), "", "not-provisioned"},
		"torn down":             {phase(integration.PhaseDeleted), "", "integration-deleted"},
		"no subjects":           {func(d *integration.Document) { d.Spec.Subjects = nil }, "", "not-provisioned"},
		"no subjects, asked":    {func(d *integration.Document) { d.Spec.Subjects = nil }, "x", "not-provisioned"},
		"subject of no concern": {func(*integration.Document) {}, "someone-else", "invalid-parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := document()
			c.change(&d)
			file, err := credential.CredentialFile(d, c.subject)
			var known *diagnosis.Error
			require.ErrorAs(t, err, &known)
			assert.Nil(t, file)
			assert.Equal(t, c.code, known.Diagnosis.Code)
			if c.subject != "someone-else" {
				assert.Empty(t, known.Diagnosis.Findings)
				return
			}
			require.Len(t, known.Diagnosis.Findings, 1)
			f := known.Diagnosis.Findings[0]
			assert.Equal(t, known.Diagnosis.Detail, f.Detail)
			assert.NotEqual(t, diagnosis.New(c.code).Detail, f.Detail, "it tells what is wrong with the parameter")
			assert.Equal(t, diagnosis.Finding{Pointer: "/query/subject", Code: c.code, Detail: f.Detail,
				Expected: "one of the integration's subjects"}, f)
			assert.Contains(t, f.Detail, "no such subject")
		})
	}
}

// TestCredentialFileWhereItIsMade: in these states the objects exist for the present spec, and the file is right.
func TestCredentialFileWhereItIsMade(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*integration.Document){
		"provisioned": func(*integration.Document) {},
		"usable":      func(d *integration.Document) { d.Status.Phase = integration.PhaseUsable },
		"a failed verification": func(d *integration.Document) {
			d.Status.Phase = integration.PhaseFailed
			d.Status.Conditions = []integration.Condition{{Type: "Verified", Status: "False"},
				{Type: "Provisioned", Status: "True"}}
		},
		"conditions of others": func(d *integration.Document) {
			d.Status.Conditions = []integration.Condition{{Type: "Verified", Status: "False"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := document()
			change(&d)
			for _, subject := range append(d.Spec.Subjects, "") {
				file, err := credential.CredentialFile(d, subject)
				require.NoError(t, err)
				read, err := credential.Parse(file)
				if subject == "a<&>b" {
					require.NoError(t, json.Unmarshal(file, &read)) // a rule of subjects refuses it
				} else {
					require.NoError(t, err)
				}
				want := credential.File{ClientID: d.Status.ClientID, TenantID: d.Spec.TenantID,
					FederatedTokenIssuer: d.Spec.Issuer, Subject: cmp.Or(subject, d.Spec.Subjects[0]),
					Audience: d.Spec.Audience}
				assert.Equal(t, want, read)
			}
		})
	}
}
