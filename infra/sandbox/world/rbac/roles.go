package rbac

import (
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
)

// GUIDs of the built-in roles that the sandbox knows.
const (
	RoleOwner                     = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	RoleContributor               = "b24988ac-6180-42a0-ab88-20f7382dd24c"
	RoleReader                    = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
	RoleUserAccessAdministrator   = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
	RoleRBACAdministrator         = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
	RoleStorageAccountContributor = "17d1049b-9a84-46fb-8f53-869881c3d3ab"
	RoleBlobDataReader            = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
	RoleBlobDataContributor       = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
	RoleBlobDataOwner             = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
	RoleBlobDelegator             = "db58b8e5-c6ad-4a2a-8342-4190687cbf4a"
	RoleServiceBusDataOwner       = "090c5cfd-751d-490a-894a-3ce6f1109419"
	RoleServiceBusDataReceiver    = "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0"
	RoleServiceBusDataSender      = "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39"
	RoleKeyVaultSecretsUser       = "4633458b-17de-408a-b874-0445c86b69e6"
	RoleMonitoringPublisher       = "3913510d-42f4-4e42-8a64-420c390055eb"
)

// RoleDefinition is a role: patterns of what it allows, in which * stands for any text. A built-in one has no
// AssignableScopes, and can be assigned everywhere.
type RoleDefinition struct {
	ID             string // GUID
	Name           string
	Description    string
	Actions        []string
	NotActions     []string
	DataActions    []string
	NotDataActions []string
	// AssignableScopes are where a custom role can be assigned, and below.
	AssignableScopes []string
}

// IsAssignableAt tells whether the role can be assigned at the scope.
func (r RoleDefinition) IsAssignableAt(scope string) bool {
	return len(r.AssignableScopes) == 0 ||
		slices.ContainsFunc(r.AssignableScopes, func(outer string) bool { return IsScopeAbove(outer, scope) })
}

// IsAllowed tells whether the role covers the action of the control plane, or the data action.
func (r RoleDefinition) IsAllowed(action string, dataAction bool) bool {
	allow, deny := r.Actions, r.NotActions
	if dataAction {
		allow, deny = r.DataActions, r.NotDataActions
	}
	return isAnyMatch(allow, action) && !isAnyMatch(deny, action)
}

// Role finds a role, built-in or custom, by its GUID or by a full role definition id that ends in it.
func (r *RBAC) Role(id string) (RoleDefinition, bool) {
	r.Mu.RLock()
	defer r.Mu.RUnlock()
	return r.role(id)
}

func (r *RBAC) role(id string) (RoleDefinition, bool) {
	guid := part.LastSegment(id)
	if role, ok := r.state.roles.Get(guid); ok {
		return role, true
	}
	all := builtInRoles()
	i := slices.IndexFunc(all, func(role RoleDefinition) bool { return strings.EqualFold(role.ID, guid) })
	if i < 0 {
		return RoleDefinition{}, false
	}
	return all[i], true
}

// Roles returns the roles that can be assigned at the scope: the built-in ones, then custom ones. At the empty scope,
// the tenant's own, there are no custom ones.
func (r *RBAC) Roles(scope string) []RoleDefinition {
	r.Mu.RLock()
	defer r.Mu.RUnlock()
	roles := builtInRoles()
	for _, role := range r.state.roles.All() {
		if role.IsAssignableAt(scope) {
			roles = append(roles, role)
		}
	}
	return roles
}

// RoleDefinitionID is the full id of a role within a subscription.
func RoleDefinitionID(subscriptionID, guid string) string {
	return "/subscriptions/" + subscriptionID + "/providers/Microsoft.Authorization/roleDefinitions/" + guid
}

func isAnyMatch(patterns []string, action string) bool {
	for _, p := range patterns {
		if isActionMatch(strings.ToLower(p), strings.ToLower(action)) {
			return true
		}
	}
	return false
}

// isActionMatch compares with a pattern in which * stands for any text, slashes included.
func isActionMatch(pattern, action string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == action
	}
	if !strings.HasPrefix(action, parts[0]) {
		return false
	}
	rest := action[len(parts[0]):]
	for _, middle := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, middle)
		if i < 0 {
			return false
		}
		rest = rest[i+len(middle):]
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}
