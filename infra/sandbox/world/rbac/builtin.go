package rbac

import "slices"

// builtInRoles are the built-in roles that the sandbox knows; their texts are those of Azure's list.
// Source: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles.
func builtInRoles() []RoleDefinition {
	return slices.Concat(managementRoles(), storageRoles(), serviceRoles())
}

// managementRoles are the roles of the control plane, for every kind of resource.
func managementRoles() []RoleDefinition {
	return []RoleDefinition{
		{ID: RoleOwner, Name: "Owner",
			Description: "Grants full access to manage all resources, including the ability to assign roles " +
				"in Azure RBAC.",
			Actions: []string{"*"}},
		{ID: RoleContributor, Name: "Contributor",
			Description: "Grants full access to manage all resources, but does not allow you to assign roles " +
				"in Azure RBAC, manage assignments in Azure Blueprints, or share image galleries.",
			Actions: []string{"*"},
			NotActions: []string{"Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write",
				"Microsoft.Authorization/elevateAccess/Action", "Microsoft.Blueprint/blueprintAssignments/write",
				"Microsoft.Blueprint/blueprintAssignments/delete", "Microsoft.Compute/galleries/share/action"}},
		{ID: RoleReader, Name: "Reader",
			Description: "View all resources, but does not allow you to make any changes.",
			Actions:     []string{"*/read"}},
		{ID: RoleUserAccessAdministrator, Name: "User Access Administrator",
			Description: "Lets you manage user access to Azure resources.",
			Actions:     []string{"*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"}},
		{ID: RoleRBACAdministrator, Name: "Role Based Access Control Administrator",
			Description: "Manage access to Azure resources by assigning roles using Azure RBAC. " +
				"This role does not allow you to manage access using other ways, such as Azure Policy.",
			Actions: []string{"Microsoft.Authorization/roleAssignments/write",
				"Microsoft.Authorization/roleAssignments/delete",
				"*/read", "Microsoft.Support/*"}},
	}
}

// storageRoles are those of Azure Storage.
func storageRoles() []RoleDefinition {
	const containers = "Microsoft.Storage/storageAccounts/blobServices/containers"
	const delegation = "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action"
	return []RoleDefinition{
		{ID: RoleStorageAccountContributor, Name: "Storage Account Contributor",
			Description: "Lets you manage storage accounts, including accessing storage account keys " +
				"which provide full access to storage account data.",
			Actions: []string{"Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*",
				"Microsoft.Insights/diagnosticSettings/*",
				"Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action",
				"Microsoft.ResourceHealth/availabilityStatuses/read",
				"Microsoft.Resources/deployments/*", "Microsoft.Resources/subscriptions/resourceGroups/read",
				"Microsoft.Storage/storageAccounts/*", "Microsoft.Support/*"}},
		{ID: RoleBlobDataReader, Name: "Storage Blob Data Reader",
			Description: "Allows for read access to Azure Storage blob containers and data",
			Actions:     []string{containers + "/read", delegation},
			DataActions: []string{containers + "/blobs/read"}},
		{ID: RoleBlobDataContributor, Name: "Storage Blob Data Contributor",
			Description: "Allows for read, write and delete access to Azure Storage blob containers and data",
			Actions:     []string{containers + "/delete", containers + "/read", containers + "/write", delegation},
			DataActions: []string{containers + "/blobs/delete", containers + "/blobs/read",
				containers + "/blobs/write", containers + "/blobs/move/action", containers + "/blobs/add/action"}},
		{ID: RoleBlobDataOwner, Name: "Storage Blob Data Owner",
			Description: "Allows for full access to Azure Storage blob containers and data, " +
				"including assigning POSIX access control.",
			Actions:     []string{containers + "/*", delegation},
			DataActions: []string{containers + "/blobs/*"}},
		{ID: RoleBlobDelegator, Name: "Storage Blob Delegator",
			Description: "Allows for generation of a user delegation key which can be used to sign SAS tokens",
			Actions:     []string{delegation}},
	}
}

// serviceRoles are those of the other services that a deployment of the app uses.
func serviceRoles() []RoleDefinition {
	return []RoleDefinition{
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
			DataActions: []string{"Microsoft.KeyVault/vaults/secrets/getSecret/action",
				"Microsoft.KeyVault/vaults/secrets/readMetadata/action"}},
		{ID: RoleMonitoringPublisher, Name: "Monitoring Metrics Publisher",
			Description: "Enables publishing metrics against Azure resources",
			Actions: []string{"Microsoft.Insights/Register/Action", "Microsoft.Support/*",
				"Microsoft.Resources/subscriptions/resourceGroups/read"},
			DataActions: []string{"Microsoft.Insights/Metrics/Write", "Microsoft.Insights/Telemetry/Write"}},
	}
}
