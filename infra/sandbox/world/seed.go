package world

import (
	"fmt"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/condition"
)

// Identities of the seeded world. They are made to be recognised in logs; no real tenant has them.
const (
	TenantID       = "11111111-1111-4111-8111-111111111111"
	TenantDomain   = "acme.example"
	SubscriptionID = "22222222-2222-4222-8222-222222222222"
	Location       = "westeurope"

	// AppClientID and AppPrincipalID are the client id and object id of the managed identity that the app runs as.
	AppClientID    = deployment.ClientID
	AppPrincipalID = deployment.PrincipalID

	// OrganizationID and ProjectID are the DDOE organisation and its project.
	OrganizationID = "55555555-5555-4555-8555-555555555555"
	ProjectID      = "66666666-6666-4666-8666-666666666666"
)

// Resources of the seeded world that are the customer's. What the app's deployment brings along is in deployment.Example.
const (
	DataResourceGroupID = "/subscriptions/" + SubscriptionID + "/resourceGroups/data"

	DataAccount     = "acmedata"
	DataAccountID   = DataResourceGroupID + "/providers/Microsoft.Storage/storageAccounts/" + DataAccount
	LockedAccount   = "acmelocked"
	LockedAccountID = DataResourceGroupID + "/providers/Microsoft.Storage/storageAccounts/" + LockedAccount
)

// Issuer is the DDOE platform's OIDC issuer.
const Issuer = "https://dataloop.ai/oauth2"

// Seed puts the contract's seeded world into an empty one, with the app deployed in it. It panics if the deployment that
// the program was built with grants what the sandbox does not understand: that would be a right that no test can see.
func Seed(w *World) {
	seedAzure(w)
	if err := seedApp(w, deployment.Example()); err != nil {
		panic(err)
	}
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
func seedApp(w *World, d deployment.Deployment) error {
	for _, r := range d.Resources {
		w.seedResource(r.ID, d.Site.Location)
	}
	for _, a := range []deployment.Account{d.HostAccount, d.State} {
		account := StorageAccount{ResourceID: a.ID, Name: a.Name, Location: a.Location}
		// The state container is one of them: a running app outlives a Reset, and makes it only when it starts.
		for _, name := range a.Containers {
			account.Containers = append(account.Containers, &Container{Name: name})
		}
		w.PutStorageAccount(account)
	}
	w.PutServicePrincipal(ServicePrincipal{ID: AppPrincipalID, AppID: AppClientID, DisplayName: d.Identity.Name,
		AccountEnabled: true, ServicePrincipalType: PrincipalManagedIdentity})
	for _, r := range d.Roles {
		w.seedRole(r)
	}
	for _, a := range d.Assignments {
		if err := w.seedAssignment(a); err != nil {
			return fmt.Errorf("world: role assignment %s: %w", a.ID, err)
		}
		w.seedResource(a.Scope, d.Site.Location) // a scope may lie outside the deployment: a vault, a customer's group
	}
	roles := make([]string, 0, len(d.GraphRoles))
	for _, id := range d.GraphRoles {
		role, ok := appRoleByID(id)
		if !ok {
			return fmt.Errorf("world: the sandbox does not know the Graph app role %s", id)
		}
		roles = append(roles, role)
	}
	w.SetAppRoles(AppPrincipalID, roles...)
	return nil
}

// seedResource adds the resource group and the resource that an id is, or lies in, where they are not there yet.
func (w *World) seedResource(id, location string) {
	parts := strings.Split(id, "/")
	if group := resourceGroupOf(id); group != "" {
		if _, ok := w.ResourceGroup(group); !ok {
			w.PutResourceGroup(ResourceGroup{ID: group, Location: location})
		}
	}
	const resource = 9 // /subscriptions/{}/resourceGroups/{}/providers/{}/{}/{}
	if len(parts) < resource || strings.EqualFold(parts[7], "storageAccounts") {
		return
	}
	id = strings.Join(parts[:resource], "/")
	if _, ok := w.Resource(id); !ok {
		w.PutResource(Resource{ID: id, Location: location})
	}
}

// seedRole adds a custom role.
func (w *World) seedRole(r deployment.Role) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.roles.put(LastSegment(r.ID), RoleDefinition{ID: LastSegment(r.ID), Name: r.Name, Description: r.Description,
		Actions: r.Permissions.Actions, NotActions: r.Permissions.NotActions, DataActions: r.Permissions.DataActions,
		NotDataActions: r.Permissions.NotDataActions, AssignableScopes: r.AssignableScopes})
}

// seedAssignment adds an assignment that has been effective for long. What it grants must be understood as a whole.
func (w *World) seedAssignment(a deployment.Assignment) error {
	role, ok := w.Role(a.RoleDefinitionID)
	if !ok {
		return fmt.Errorf("the sandbox does not know the role %s", a.RoleDefinitionID)
	}
	if !role.AssignableAt(a.Scope) {
		return fmt.Errorf("the role %s cannot be assigned there", role.Name)
	}
	if a.Condition != "" {
		if _, err := condition.Parse(a.Condition); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.putAssignment(RoleAssignment{ID: a.ID, Name: a.Name, Scope: a.Scope, PrincipalID: a.PrincipalID, PrincipalType: a.PrincipalType,
		RoleDefinitionID: a.RoleDefinitionID, Description: a.Description, Condition: a.Condition, ConditionVersion: a.ConditionVersion,
		CreatedOn: w.Now().AddDate(0, -1, 0)})
	return nil
}

// seedPlatform is the DDOE platform's part.
func seedPlatform(w *World) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.ddoe[DDOEOrganizations].put(OrganizationID, Object{"id": OrganizationID, "name": "Acme"})
	w.state.ddoe[DDOEProjects].put(ProjectID, Object{"id": ProjectID, "name": "Acme images",
		"org": Object{"id": OrganizationID, "name": "Acme"}})
	w.state.ddoe[DDOEUsers].put(UserEmail, Object{"id": UserEmail, "email": UserEmail, "username": "DDOE WIF",
		"role": "owner", "projectRole": "owner"})
	w.seedOffer()
}
