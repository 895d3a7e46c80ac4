package health_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/grant"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/managedidentity"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/trust"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// newManagedScene is a scene whose identity is a managed one, watched by the structure alone.
func newManagedScene(t *testing.T) *scene {
	t.Helper()
	s := newScene(t)
	requests := policy.Requests{Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Now: time.Now}
	kind := managedidentity.New(s.arm, requests, "0123abcd")
	s.observer.Kinds = []resource.Kind{kind,
		trust.New(kind, requests), grant.New(s.arm, requests)}
	s.observer.TokenSource = nil

	made, _, err := s.arm.PutIdentity(t.Context(), arm.Identity{Location: "westeurope",
		ID:   arm.IdentityID(world.IdentitiesResourceGroupID, "ddoe-wif-0123abcd-"+id),
		Tags: map[string]string{"ddoe-wif": "0123abcd/" + id}})
	require.NoError(t, err)
	s.document.Status.Identity = integration.IdentityMade{Kind: integration.IdentityManaged, Key: made.ID,
		Location: made.Location}
	s.document.Status.ClientID = made.Properties.ClientID
	s.document.Status.ServicePrincipalID = made.Properties.PrincipalID
	s.putCredential(subject)

	before := &s.document.Status.RoleAssignments[0]
	principal := made.Properties.PrincipalID
	name := arm.RoleAssignmentName(world.TenantID, before.Scope, before.RoleDefinitionID, principal, "")
	_, err = s.arm.PutRoleAssignment(t.Context(), arm.RoleAssignment{Scope: before.Scope, Name: name,
		RoleDefinitionID: before.RoleDefinitionID, PrincipalID: made.Properties.PrincipalID})
	require.NoError(t, err)
	before.ID, before.PrincipalID = arm.RoleAssignmentID(before.Scope, name), made.Properties.PrincipalID
	s.requests = nil
	return s
}

// putCredential writes the managed identity's federated credential, for a subject.
func (s *scene) putCredential(subject string) {
	s.t.Helper()
	credential := &s.document.Status.FederatedCredentials[0]
	f := arm.IdentityCredential{Name: credential.Name}
	f.Properties.Issuer, f.Properties.Subject = credential.Issuer, subject
	f.Properties.Audiences = []string{credential.Audience}
	made, _, err := s.arm.PutIdentityCredential(s.t.Context(), s.document.Status.Identity.Key, f)
	require.NoError(s.t, err)
	credential.ID = made
}

// TestLookAtAManagedIdentity is what structural health states of each part that is gone or another.
func TestLookAtAManagedIdentity(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(s *scene)
		verdict assessment.Verdict
		faults  []string
	}{
		"as it was made": {func(*scene) {}, assessment.VerdictPass, []string{}},
		"no identity": {func(s *scene) {
			require.NoError(s.t, s.world.DeleteUserAssignedIdentity(s.document.Status.Identity.Key))
		}, assessment.VerdictFail, []string{"fail identity-missing"}},
		"another one under its name": {func(s *scene) {
			require.NoError(s.t, s.world.DeleteUserAssignedIdentity(s.document.Status.Identity.Key))
			_, _, err := s.arm.PutIdentity(s.t.Context(), arm.Identity{Location: "westeurope",
				ID: s.document.Status.Identity.Key, Tags: map[string]string{"ddoe-wif": "0123abcd/" + id}})
			require.NoError(s.t, err)
		}, assessment.VerdictFail, []string{"fail managed-identity-replaced", "fail federated-credential-missing"}},
		"another mark": {func(s *scene) {
			_, _, err := s.arm.PutIdentity(s.t.Context(), arm.Identity{Location: "westeurope",
				ID: s.document.Status.Identity.Key, Tags: map[string]string{"ddoe-wif": "x"}})
			require.NoError(s.t, err)
		}, assessment.VerdictFail, []string{"fail managed-identity-changed"}},
		"no credential": {func(s *scene) {
			_, err := s.arm.DeleteIdentityCredential(s.t.Context(), s.document.Status.Identity.Key,
				s.document.Status.FederatedCredentials[0].Name)
			require.NoError(s.t, err)
		}, assessment.VerdictFail, []string{"fail federated-credential-missing"}},
		"another subject": {func(s *scene) { s.putCredential("somebody") }, assessment.VerdictFail,
			[]string{"fail federated-credential-changed"}},
		"no assignment": {func(s *scene) {
			_, err := s.arm.DeleteRoleAssignment(s.t.Context(), s.document.Status.RoleAssignments[0].ID)
			require.NoError(s.t, err)
		}, assessment.VerdictFail, []string{"fail role-missing"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newManagedScene(t)
			c.change(s)
			s.requests = nil
			r := s.look(true)
			assert.Equal(t, c.verdict, r.Verdict, "%+v", r.Checks)
			assert.Equal(t, c.faults, faults(r))
			assert.Equal(t, assessment.ClaimStructure, r.ClaimLevel)
			for _, request := range s.requests {
				assert.Equal(t, "GET management.azure.com", request, "nobody else is asked")
			}
		})
	}
}
