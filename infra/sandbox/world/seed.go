package world

// Identities of the seeded world. They are made to be recognised in logs; no real tenant has them.
const (
	TenantID       = "11111111-1111-4111-8111-111111111111"
	TenantDomain   = "acme.example"
	SubscriptionID = "22222222-2222-4222-8222-222222222222"
	Location       = "westeurope"

	// AppClientID and AppPrincipalID are the client id and object id of the managed identity that the app runs as.
	AppClientID    = "33333333-3333-4333-8333-333333333333"
	AppPrincipalID = "44444444-4444-4444-8444-444444444444"

	// OrganizationID and ProjectID are the DDOE organisation and its project.
	OrganizationID = "55555555-5555-4555-8555-555555555555"
	ProjectID      = "66666666-6666-4666-8666-666666666666"
)

// Resources of the seeded world.
const (
	DataResourceGroupID = "/subscriptions/" + SubscriptionID + "/resourceGroups/data"
	AppResourceGroupID  = "/subscriptions/" + SubscriptionID + "/resourceGroups/ddoe-wif"

	DataAccount     = "acmedata"
	DataAccountID   = DataResourceGroupID + "/providers/Microsoft.Storage/storageAccounts/" + DataAccount
	LockedAccount   = "acmelocked"
	LockedAccountID = DataResourceGroupID + "/providers/Microsoft.Storage/storageAccounts/" + LockedAccount
	StateAccount    = "ddoewifstate"
	StateAccountID  = AppResourceGroupID + "/providers/Microsoft.Storage/storageAccounts/" + StateAccount
	// StateContainer is seeded although the app makes it if missing: a running app outlives a Reset.
	StateContainer = "wif-state"

	ServiceBusNamespace     = "ddoe-wif"
	ServiceBusNamespaceID   = AppResourceGroupID + "/providers/Microsoft.ServiceBus/namespaces/" + ServiceBusNamespace
	ServiceBusNamespaceHost = ServiceBusNamespace + ".servicebus.windows.net"
)

// Issuer is the DDOE platform's OIDC issuer.
const Issuer = "https://dataloop.ai/oauth2"

// Seed puts the contract's seeded world into an empty one.
func Seed(w *World) {
	seedAzure(w)
	seedApp(w)
	seedPlatform(w)
}

// seedAzure is the customer's part: tenant, subscription and the storage to be connected.
func seedAzure(w *World) {
	w.PutTenant(Tenant{ID: TenantID, Domain: TenantDomain})
	w.PutSubscription(Subscription{ID: SubscriptionID, TenantID: TenantID})
	w.PutResourceGroup(ResourceGroup{ID: DataResourceGroupID, Location: Location})
	w.PutStorageAccount(StorageAccount{ResourceID: DataAccountID, Name: DataAccount, Location: Location,
		Containers: []*Container{{Name: "images"}, {Name: "archive", Immutable: true}}})
	w.PutStorageAccount(StorageAccount{ResourceID: LockedAccountID, Name: LockedAccount, Location: Location,
		FirewallClosed: true, Containers: []*Container{{Name: "images"}}})
}

// seedApp is what a deployment of the app brings along: its identity, its resources and its rights, no more.
func seedApp(w *World) {
	w.PutResourceGroup(ResourceGroup{ID: AppResourceGroupID, Location: Location})
	w.PutStorageAccount(StorageAccount{ResourceID: StateAccountID, Name: StateAccount, Location: Location,
		Containers: []*Container{{Name: StateContainer}}})
	w.PutResource(Resource{ID: ServiceBusNamespaceID, Location: Location})
	w.PutServicePrincipal(ServicePrincipal{ID: AppPrincipalID, AppID: AppClientID, DisplayName: "ddoe-wif",
		AccountEnabled: true, ServicePrincipalType: PrincipalManagedIdentity})
	w.SetAppRoles(AppPrincipalID, AppRoleReadWriteOwnedBy)
	for _, grant := range []struct{ name, role, scope string }{
		{"a0000000-0000-4000-8000-000000000001", RoleBlobDataContributor, StateAccountID},
		{"a0000000-0000-4000-8000-000000000002", RoleServiceBusDataSender, ServiceBusNamespaceID},
		{"a0000000-0000-4000-8000-000000000003", RoleServiceBusDataReceiver, ServiceBusNamespaceID},
		{"a0000000-0000-4000-8000-000000000004", RoleRBACAdministrator, DataResourceGroupID},
	} {
		ra := RoleAssignment{Name: grant.name, Scope: grant.scope, PrincipalID: AppPrincipalID,
			RoleDefinitionID: RoleDefinitionID(SubscriptionID, grant.role), PrincipalType: "ServicePrincipal"}
		ra.ID = RoleAssignmentID(ra.Scope, ra.Name)
		w.seedAssignment(ra)
	}
}

// seedAssignment adds an assignment that has been effective for long.
func (w *World) seedAssignment(ra RoleAssignment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ra.CreatedOn = w.Now().AddDate(0, -1, 0)
	w.putAssignment(ra)
}

// seedPlatform is the DDOE platform's part.
func seedPlatform(w *World) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.ddoe[DDOEOrganizations].put(OrganizationID, Object{"id": OrganizationID, "name": "Acme"})
	w.state.ddoe[DDOEProjects].put(ProjectID, Object{"id": ProjectID, "name": "Acme images",
		"org": Object{"id": OrganizationID, "name": "Acme"}})
}
