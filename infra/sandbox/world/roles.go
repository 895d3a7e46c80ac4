package world

import (
	"slices"
	"strings"
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

// AssignableAt tells whether the role can be assigned at the scope.
func (r RoleDefinition) AssignableAt(scope string) bool {
	return len(r.AssignableScopes) == 0 ||
		slices.ContainsFunc(r.AssignableScopes, func(outer string) bool { return ScopeContains(outer, scope) })
}

// Allows tells whether the role covers the action of the control plane, or the data action.
func (r RoleDefinition) Allows(action string, dataAction bool) bool {
	allow, deny := r.Actions, r.NotActions
	if dataAction {
		allow, deny = r.DataActions, r.NotDataActions
	}
	return matchesAny(allow, action) && !matchesAny(deny, action)
}

// Role finds a role, built-in or custom, by its GUID or by a full role definition id that ends in it.
func (w *World) Role(id string) (RoleDefinition, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.role(id)
}

func (w *World) role(id string) (RoleDefinition, bool) {
	guid := LastSegment(id)
	if r, ok := w.state.roles.get(guid); ok {
		return r, true
	}
	all := builtInRoles()
	i := slices.IndexFunc(all, func(r RoleDefinition) bool { return strings.EqualFold(r.ID, guid) })
	if i < 0 {
		return RoleDefinition{}, false
	}
	return all[i], true
}

// Roles returns the roles that can be assigned at the scope: the built-in ones, then custom ones. At the empty scope,
// the tenant's own, there are no custom ones.
func (w *World) Roles(scope string) []RoleDefinition {
	w.mu.RLock()
	defer w.mu.RUnlock()
	roles := builtInRoles()
	for _, r := range w.state.roles.all() {
		if r.AssignableAt(scope) {
			roles = append(roles, r)
		}
	}
	return roles
}

// RoleDefinitionID is the full id of a role within a subscription.
func RoleDefinitionID(subscriptionID, guid string) string {
	return "/subscriptions/" + subscriptionID + "/providers/Microsoft.Authorization/roleDefinitions/" + guid
}

// builtInRoles are the built-in roles; their texts are those of Azure's list of built-in roles.
func builtInRoles() []RoleDefinition {
	const containers = "Microsoft.Storage/storageAccounts/blobServices/containers"
	const delegation = "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action"
	return []RoleDefinition{
		{ID: RoleOwner, Name: "Owner",
			Description: "Grants full access to manage all resources, including the ability to assign roles in Azure RBAC.",
			Actions:     []string{"*"}},
		{ID: RoleContributor, Name: "Contributor",
			Description: "Grants full access to manage all resources, but does not allow you to assign roles in Azure RBAC, manage assignments in Azure Blueprints, or share image galleries.",
			Actions:     []string{"*"},
			NotActions: []string{"Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write", "Microsoft.Authorization/elevateAccess/Action",
				"Microsoft.Blueprint/blueprintAssignments/write", "Microsoft.Blueprint/blueprintAssignments/delete", "Microsoft.Compute/galleries/share/action"}},
		{ID: RoleReader, Name: "Reader",
			Description: "View all resources, but does not allow you to make any changes.",
			Actions:     []string{"*/read"}},
		{ID: RoleUserAccessAdministrator, Name: "User Access Administrator",
			Description: "Lets you manage user access to Azure resources.",
			Actions:     []string{"*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"}},
		{ID: RoleRBACAdministrator, Name: "Role Based Access Control Administrator",
			Description: "Manage access to Azure resources by assigning roles using Azure RBAC. This role does not allow you to manage access using other ways, such as Azure Policy.",
			Actions: []string{"Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete",
				"*/read", "Microsoft.Support/*"}},
		{ID: RoleStorageAccountContributor, Name: "Storage Account Contributor",
			Description: "Lets you manage storage accounts, including accessing storage account keys which provide full access to storage account data.",
			Actions: []string{"Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*", "Microsoft.Insights/diagnosticSettings/*",
				"Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action", "Microsoft.ResourceHealth/availabilityStatuses/read",
				"Microsoft.Resources/deployments/*", "Microsoft.Resources/subscriptions/resourceGroups/read",
				"Microsoft.Storage/storageAccounts/*", "Microsoft.Support/*"}},
		{ID: RoleBlobDataReader, Name: "Storage Blob Data Reader",
			Description: "Allows for read access to Azure Storage blob containers and data",
			Actions:     []string{containers + "/read", delegation},
			DataActions: []string{containers + "/blobs/read"}},
		{ID: RoleBlobDataContributor, Name: "Storage Blob Data Contributor",
			Description: "Allows for read, write and delete access to Azure Storage blob containers and data",
			Actions:     []string{containers + "/delete", containers + "/read", containers + "/write", delegation},
			DataActions: []string{containers + "/blobs/delete", containers + "/blobs/read", containers + "/blobs/write",
				containers + "/blobs/move/action", containers + "/blobs/add/action"}},
		{ID: RoleBlobDataOwner, Name: "Storage Blob Data Owner",
			Description: "Allows for full access to Azure Storage blob containers and data, including assigning POSIX access control.",
			Actions:     []string{containers + "/*", delegation},
			DataActions: []string{containers + "/blobs/*"}},
		{ID: RoleBlobDelegator, Name: "Storage Blob Delegator",
			Description: "Allows for generation of a user delegation key which can be used to sign SAS tokens",
			Actions:     []string{delegation}},
		{ID: RoleServiceBusDataOwner, Name: "Azure Service Bus Data Owner",
			Description: "Allows for full access to Azure Service Bus resources.",
			Actions:     []string{"Microsoft.ServiceBus/*"}, DataActions: []string{"Microsoft.ServiceBus/*"}},
		{ID: RoleServiceBusDataReceiver, Name: "Azure Service Bus Data Receiver",
			Description: "Allows for receive access to Azure Service Bus resources.",
			Actions: []string{"Microsoft.ServiceBus/*/queues/read", "Microsoft.ServiceBus/*/topics/read",
				"Microsoft.ServiceBus/*/topics/subscriptions/read"},
			DataActions: []string{"Microsoft.ServiceBus/*/receive/action"}},
		{ID: RoleServiceBusDataSender, Name: "Azure Service Bus Data Sender",
			Description: "Allows for send access to Azure Service Bus resources.",
			Actions: []string{"Microsoft.ServiceBus/*/queues/read", "Microsoft.ServiceBus/*/topics/read",
				"Microsoft.ServiceBus/*/topics/subscriptions/read"},
			DataActions: []string{"Microsoft.ServiceBus/*/send/action"}},
		{ID: RoleKeyVaultSecretsUser, Name: "Key Vault Secrets User",
			Description: "Read secret contents.",
			DataActions: []string{"Microsoft.KeyVault/vaults/secrets/getSecret/action", "Microsoft.KeyVault/vaults/secrets/readMetadata/action"}},
		{ID: RoleMonitoringPublisher, Name: "Monitoring Metrics Publisher",
			Description: "Enables publishing metrics against Azure resources",
			Actions:     []string{"Microsoft.Insights/Register/Action", "Microsoft.Support/*", "Microsoft.Resources/subscriptions/resourceGroups/read"},
			DataActions: []string{"Microsoft.Insights/Metrics/Write", "Microsoft.Insights/Telemetry/Write"}},
	}
}

func matchesAny(patterns []string, action string) bool {
	for _, p := range patterns {
		if matchesAction(strings.ToLower(p), strings.ToLower(action)) {
			return true
		}
	}
	return false
}

// matchesAction compares with a pattern in which * stands for any text, slashes included.
func matchesAction(pattern, action string) bool {
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
