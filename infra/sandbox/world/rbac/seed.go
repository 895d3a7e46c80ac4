package rbac

import (
	"fmt"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/condition"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
)

// SeedRole adds a custom role.
func (r *RBAC) SeedRole(role deployment.Role) {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	id := part.LastSegment(role.ID)
	r.state.roles.Put(id, RoleDefinition{
		ID: id, Name: role.Name, Description: role.Description,
		Actions: role.Permissions.Actions, NotActions: role.Permissions.NotActions,
		DataActions: role.Permissions.DataActions, NotDataActions: role.Permissions.NotDataActions,
		AssignableScopes: role.AssignableScopes,
	})
}

// SeedAssignment adds an assignment that has been effective for long. What it grants must be understood as a whole.
func (r *RBAC) SeedAssignment(a deployment.Assignment) error {
	role, ok := r.Role(a.RoleDefinitionID)
	if !ok {
		return fmt.Errorf("the sandbox does not know the role %s", a.RoleDefinitionID)
	}
	if !role.IsAssignableAt(a.Scope) {
		return fmt.Errorf("the role %s cannot be assigned there", role.Name)
	}
	if a.Condition != "" {
		if _, err := condition.Parse(a.Condition); err != nil {
			return err
		}
	}
	r.Mu.Lock()
	defer r.Mu.Unlock()
	r.putAssignment(RoleAssignment{
		ID: a.ID, Name: a.Name, Scope: a.Scope, PrincipalID: a.PrincipalID, PrincipalType: a.PrincipalType,
		RoleDefinitionID: a.RoleDefinitionID, Description: a.Description,
		Condition: a.Condition, ConditionVersion: a.ConditionVersion, CreatedOn: r.Now().AddDate(0, -1, 0),
	})
	return nil
}
