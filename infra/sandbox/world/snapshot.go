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
	DenyAssignments              []DenyAssignment              `json:"denyAssignments"`
	Locks                        []Lock                        `json:"locks"`

	UserAssignedIdentities          []UserAssignedIdentity           `json:"userAssignedIdentities"`
	UserAssignedIdentityCredentials []UserAssignedIdentityCredential `json:"userAssignedIdentityCredentials"`

	StorageAccounts []StorageAccount `json:"storageAccounts"`
	DDOE            DDOE             `json:"ddoe"`
}

// DDOE is the platform's part of a Snapshot. Options of integrations are in it, although the platform's own API never
// shows them again.
type DDOE struct {
	Organizations         []Object `json:"organizations"`
	Projects              []Object `json:"projects"`
	AvailableIntegrations []Object `json:"availableIntegrations"`
	Integrations          []Object `json:"integrations"`
	Drivers               []Object `json:"drivers"`
	Commands              []Object `json:"commands"`
	Users                 []Object `json:"users"`
}

// Snapshot returns a copy of everything at one moment, blobs without their content.
func (w *World) Snapshot() Snapshot {
	w.mu.RLock()
	defer w.mu.RUnlock()
	var s Snapshot
	for _, p := range w.parts() {
		p.addTo(&s)
	}
	return s
}

func cloneAll[T interface{ Clone() T }](all []T) []T {
	for i := range all {
		all[i] = all[i].Clone()
	}
	return all
}
