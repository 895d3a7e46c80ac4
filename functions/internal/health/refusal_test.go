package health_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// trust has the federated credential let a subject in.
func (s *scene) trust(subject string) {
	s.t.Helper()
	_, _, err := s.graph.UpsertFederatedCredential(s.t.Context(), s.document.Status.Identity.ID,
		s.document.Status.FederatedCredentials[0].Name, graph.FederatedCredentialPatch{Issuer: world.Issuer,
			Subject: subject, Audiences: []string{s.document.Spec.Audience}})
	require.NoError(s.t, err)
}

// entraLags has the token service go on as before for an hour.
func entraLags(s *scene) { s.world.SetTiming(world.Timing{STSMS: int(time.Hour / time.Millisecond)}) }

// refusals are what Entra or Storage refuse, and what a report names as the root cause by whether the app may look.
var refusals = map[string]struct {
	destroy            func(s *scene)
	looking, notLooked diagnosis.Code
}{
	"the credential's subject is changed": {func(s *scene) {
		s.trust("other")
	}, diagnosis.CodeFederatedCredentialChanged, diagnosis.CodeCredentialSubjectMismatch},
	"the credential is deleted": {func(s *scene) {
		require.NoError(s.t, s.world.DeleteFederatedCredential(s.document.Status.Identity.ID,
			integration.CredentialName(subject)))
	}, diagnosis.CodeFederatedCredentialMissing, diagnosis.CodeFederatedCredentialMissing},
	"the credential is back, and Entra has not seen it": {func(s *scene) {
		s.trust("other")
		entraLags(s)
		s.trust(subject)
	}, diagnosis.CodeCredentialNotEffective, diagnosis.CodeFederatedCredentialMissing},
	"the role is back, and Storage has not seen it": {func(s *scene) {
		s.world.SetTiming(world.Timing{RBACMS: int(time.Hour / time.Millisecond)})
		made, isThere := s.world.RoleAssignment(s.document.Status.RoleAssignments[0].ID)
		require.True(s.t, isThere)
		s.unassign()
		_, _, err := s.world.PutRoleAssignment(made)
		require.NoError(s.t, err)
	}, diagnosis.CodeRoleNotEffective, diagnosis.CodeRoleMissing},
	"the role is gone": {func(s *scene) { s.unassign() }, diagnosis.CodeRoleMissing, diagnosis.CodeRoleMissing},
}

func (s *scene) unassign() {
	s.t.Helper()
	_, err := s.world.DeleteRoleAssignment(s.document.Status.RoleAssignments[0].ID)
	require.NoError(s.t, err)
}

// TestARefusalWithoutALookStays as it was told. With one, what is there is not told as missing, however long it takes.
func TestARefusalWithoutALookStays(t *testing.T) {
	t.Parallel()
	for name, c := range refusals {
		for _, mayLook := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newScene(t)
				c.destroy(s)
				want := c.looking
				if !mayLook {
					s.refuse["GET graph.microsoft.com"] = http.StatusForbidden
					s.refuse["GET management.azure.com"] = http.StatusForbidden
					want = c.notLooked
				}
				r := s.look(true)
				require.NotNil(t, r.Diagnosis)
				assert.Equal(t, want, r.Diagnosis.Code, checksOf(r))
				assert.Equal(t, assessment.VerdictFail, r.Verdict)
				assert.False(t, r.Diagnosis.Transient)
				assert.Empty(t, r.Also, "the refusal follows from it")
			})
		}
	}
}
