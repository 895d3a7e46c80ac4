package arm

import (
	"net/http"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// permissions lists what the caller may do at the scope, one entry for each role that it holds there.
func (c *call) permissions(scope string) (answer, error) {
	if err := c.authorize("Microsoft.Authorization/permissions/read", scope); err != nil {
		return answer{}, err
	}
	if err := c.scopeExists(scope); err != nil {
		return answer{}, err
	}
	list := []object{}
	for _, role := range c.world.EffectiveRoles(c.caller, scope) {
		list = append(list, permissionObject(role))
	}
	return answer{status: http.StatusOK, body: object{"value": list}}, nil
}

func permissionObject(role rbac.RoleDefinition) object {
	return object{"actions": orEmpty(role.Actions), "notActions": orEmpty(role.NotActions),
		"dataActions": orEmpty(role.DataActions), "notDataActions": orEmpty(role.NotDataActions)}
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (c *call) getRole(scope, id string) (answer, error) {
	if err := c.mayReadRoles(scope); err != nil {
		return answer{}, err
	}
	role, ok := c.world.Role(id)
	if !ok || !role.IsAssignableAt(scope) {
		return answer{}, &fault{status: http.StatusNotFound, code: "RoleDefinitionDoesNotExist",
			message: "The specified role definition with ID '" + id + "' does not exist."}
	}
	return answer{status: http.StatusOK, body: roleObject(scope, role)}, nil
}

// listRoles lists the roles of the scope; $filter=roleName eq '…' picks one.
func (c *call) listRoles(scope string) (answer, error) {
	if err := c.mayReadRoles(scope); err != nil {
		return answer{}, err
	}
	name, isName := strings.CutPrefix(c.request.URL.Query().Get("$filter"), "roleName eq ")
	list := []object{}
	for _, role := range c.world.Roles(scope) {
		if !isName || strings.EqualFold(role.Name, strings.Trim(name, "'")) {
			list = append(list, roleObject(scope, role))
		}
	}
	return answer{status: http.StatusOK, body: object{"value": list}}, nil
}

// mayReadRoles lets everybody read the built-in roles of the tenant, and at a scope those who may read there.
func (c *call) mayReadRoles(scope string) error {
	if scope == "" {
		return nil
	}
	return c.authorize("Microsoft.Authorization/roleDefinitions/read", scope)
}

func roleObject(scope string, role rbac.RoleDefinition) object {
	id := "/providers/Microsoft.Authorization/roleDefinitions/" + role.ID
	if subscription := subscriptionOf(scope); subscription != "" {
		id = rbac.RoleDefinitionID(subscription, role.ID)
	}
	kind, assignable := "BuiltInRole", []string{"/"}
	if len(role.AssignableScopes) > 0 {
		kind, assignable = "CustomRole", role.AssignableScopes
	}
	return object{"id": id, "type": "Microsoft.Authorization/roleDefinitions", "name": role.ID, "properties": object{
		"roleName": role.Name, "type": kind, "description": role.Description, "assignableScopes": assignable,
		"permissions": []object{permissionObject(role)},
	}}
}
