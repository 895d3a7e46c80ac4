package provision_test

import (
	"maps"
	"slices"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// damage is what somebody does to what is ours by hand.
func (m *machine) damage(t *rapid.T) {
	if m.wanted == nil || m.isDamaged {
		t.Skip("there is nothing, or enough is damaged")
	}
	acts := m.damageToApplication(t)
	if m.kind == integration.IdentityManaged {
		acts = m.damageToManaged(t)
	}
	m.isDamaged = true
	assignments := m.assignments(m.Document().Status.ServicePrincipalID)
	assignment := assignments[rapid.IntRange(0, len(assignments)-1).Draw(t, "assignment")]
	grant := grantOf(assignment.Scope, assignment.RoleDefinitionID)
	acts["assignment deleted"] = func() error {
		delete(m.conditions, grant)
		_, err := m.world.DeleteRoleAssignment(assignment.ID)
		return err
	}
	acts["assignment conditioned"] = func() error {
		assignment.Condition, assignment.ConditionVersion = "(1 -eq 1)", "2.0"
		m.conditions[grant] = assignment.Condition
		_, _, err := m.world.PutRoleAssignment(assignment)
		return err
	}
	m.damagePlatform(acts)
	names := slices.Sorted(maps.Keys(acts))
	require.NoError(t, acts[rapid.SampledFrom(names).Draw(t, "damage")]())
}

// damageToManaged is what somebody may do to the managed identity. One that is made anew has another principal, whose
// assignments are new.
func (m *machine) damageToManaged(t *rapid.T) map[string]func() error {
	u, ok := m.world.UserAssignedIdentity(managedID)
	require.True(t, ok)
	credentials := m.world.UserAssignedIdentityCredentials(u.ID)
	credential := credentials[rapid.IntRange(0, len(credentials)-1).Draw(t, "credential")]
	return map[string]func() error{
		"identity deleted": func() error {
			m.conditions = map[string]string{}
			return m.world.DeleteUserAssignedIdentity(u.ID)
		},
		"identity untagged": func() error {
			u.Tags = nil
			m.world.PutUserAssignedIdentity(u)
			return nil
		},
		"credential deleted": func() error { return m.world.DeleteUserAssignedIdentityCredential(credential.ID) },
		"credential changed": func() error {
			credential.Audiences = []string{"api://elsewhere"}
			_, _, err := m.world.PutUserAssignedIdentityCredential(credential)
			return err
		},
	}
}

// damageToApplication is what somebody may do to the application; nil where it is none.
func (m *machine) damageToApplication(t *rapid.T) map[string]func() error {
	if m.kind == integration.IdentityManaged {
		return nil
	}
	app, ok := m.world.ApplicationByUniqueName("ddoe-wif-0123abcd-" + id)
	require.True(t, ok)
	principal, ok := m.world.ServicePrincipalByAppID(app.AppID)
	require.True(t, ok)
	credentials := m.world.FederatedCredentials(app.ID)
	credential := credentials[rapid.IntRange(0, len(credentials)-1).Draw(t, "credential")]
	return map[string]func() error{
		"application deleted": func() error { return m.world.DeleteApplication(app.ID) },
		"application renamed": func() error {
			_, err := m.world.UpdateApplication(app.ID, func(a *world.Application) error {
				a.DisplayName, a.Tags = "by hand", nil
				return nil
			})
			return err
		},
		"principal deleted": func() error { return m.world.DeleteServicePrincipal(principal.ID) },
		"principal disabled": func() error {
			m.isDisabled = true
			_, err := m.world.UpdateServicePrincipal(principal.ID, func(p *world.ServicePrincipal) error {
				p.AccountEnabled = false
				return nil
			})
			return err
		},
		"credential deleted": func() error { return m.world.DeleteFederatedCredential(app.ID, credential.Name) },
		"credential changed": func() error {
			_, err := m.world.UpdateFederatedCredential(app.ID, credential.Name,
				func(c *world.FederatedIdentityCredential) error {
					c.Audiences = []string{"api://elsewhere"}
					return nil
				})
			return err
		},
	}
}

// damagePlatform adds what somebody may do to the platform's objects.
func (m *machine) damagePlatform(acts map[string]func() error) {
	for _, sort := range []string{dataloop.Integrations, dataloop.Drivers} {
		for _, o := range m.world.DDOEObjects(sort) {
			if o["id"] != "theirs" {
				acts[sort+" deleted"] = func() error { return m.world.DeleteDDOEObject(sort, o["id"].(string)) }
				acts[sort+" renamed"] = func() error { o["name"] = "by hand"; return m.world.PutDDOEObject(sort, o) }
			}
		}
	}
}
