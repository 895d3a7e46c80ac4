package world

import (
	"fmt"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
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
)

// Resources of the seeded world that are the customer's. What the app's deployment brings along is in
// deployment.Example.
const (
	DataResourceGroupID = "/subscriptions/" + SubscriptionID + "/resourceGroups/data"

	// IdentitiesResourceGroupID is for the managed identities that the app makes; its own identity is not in it.
	IdentitiesResourceGroupID = "/subscriptions/" + SubscriptionID + "/resourceGroups/identities"

	DataAccount     = "acmedata"
	DataAccountID   = DataResourceGroupID + "/providers/Microsoft.Storage/storageAccounts/" + DataAccount
	LockedAccount   = "acmelocked"
	LockedAccountID = DataResourceGroupID + "/providers/Microsoft.Storage/storageAccounts/" + LockedAccount
)

// Issuer is the DDOE platform's OIDC issuer.
const Issuer = "https://dataloop.ai/oauth2"

// Seed puts the contract's seeded world into an empty one, with the app deployed in it. It panics if the deployment
// that the program was built with grants what the sandbox does not understand: that would be a right that no test can
// see.
func Seed(w *World) {
	seedAzure(w)
	if err := seedApp(w, deployment.Example()); err != nil {
		panic(err)
	}
	w.Platform.Seed()
}

// seedAzure is the customer's part: tenant, subscription and the storage to be connected.
func seedAzure(w *World) {
	w.PutTenant(Tenant{ID: TenantID, Domain: TenantDomain})
	w.PutSubscription(Subscription{ID: SubscriptionID, TenantID: TenantID})
	w.PutResourceGroup(ResourceGroup{ID: DataResourceGroupID, Location: Location})
	w.PutResourceGroup(ResourceGroup{ID: IdentitiesResourceGroupID, Location: Location})
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
	w.PutUserAssignedIdentity(UserAssignedIdentity{ID: d.Identity.ID, Location: d.Identity.Location,
		ClientID: AppClientID, PrincipalID: AppPrincipalID})
	for _, r := range d.Roles {
		w.SeedRole(r)
	}
	for _, a := range d.Assignments {
		if err := w.SeedAssignment(a); err != nil {
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
