package world

// Snapshot is the whole world as GET /world shows it. Arrays are never null.
type Snapshot struct {
	Tenants                      []Tenant                      `json:"tenants"`
	Subscriptions                []Subscription                `json:"subscriptions"`
	ResourceGroups               []ResourceGroup               `json:"resourceGroups"`
	Resources                    []Resource                    `json:"resources"`
	Applications                 []Application                 `json:"applications"`
	DeletedItems                 []DeletedItem                 `json:"deletedItems"`
	ServicePrincipals            []ServicePrincipal            `json:"servicePrincipals"`
	FederatedIdentityCredentials []FederatedIdentityCredential `json:"federatedIdentityCredentials"`
	Owners                       []Owners                      `json:"owners"`
	AppRoles                     []AppRoles                    `json:"appRoles"`
	RoleAssignments              []RoleAssignment              `json:"roleAssignments"`
	StorageAccounts              []StorageAccount              `json:"storageAccounts"`
	DDOE                         DDOE                          `json:"ddoe"`
}

// Snapshot returns a copy of everything at one moment, blobs without their content.
func (w *World) Snapshot() Snapshot {
	w.mu.RLock()
	defer w.mu.RUnlock()
	s := Snapshot{
		Tenants: w.state.tenants.all(), Subscriptions: w.state.subscriptions.all(),
		ResourceGroups: w.state.resourceGroups.all(), Resources: w.state.resources.all(),
		Applications: cloneAll(w.state.applications.all()), DeletedItems: cloneAll(w.state.binned.all()),
		ServicePrincipals:            cloneAll(w.state.principals.all()),
		FederatedIdentityCredentials: []FederatedIdentityCredential{},
		Owners:                       cloneAll(w.state.owners.all()), AppRoles: cloneAll(w.state.appRoles.all()),
		RoleAssignments: w.state.assignments.all(), StorageAccounts: []StorageAccount{},
		DDOE: w.ddoeSnapshot(),
	}
	for _, a := range w.state.applications.all() {
		s.FederatedIdentityCredentials = append(s.FederatedIdentityCredentials, cloneCredentials(w.state.credentials[key(a.ID)])...)
	}
	for _, a := range w.state.accounts.all() {
		s.StorageAccounts = append(s.StorageAccounts, a.copy(true))
	}
	return s
}

func cloneAll[T interface{ Clone() T }](all []T) []T {
	for i := range all {
		all[i] = all[i].Clone()
	}
	return all
}
