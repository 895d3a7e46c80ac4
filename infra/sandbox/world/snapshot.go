package world

import (
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

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
	RoleAssignments              []rbac.RoleAssignment         `json:"roleAssignments"`
	DenyAssignments              []rbac.DenyAssignment         `json:"denyAssignments"`
	Locks                        []rbac.Lock                   `json:"locks"`
	Groups                       []rbac.Group                  `json:"groups"`

	UserAssignedIdentities          []UserAssignedIdentity           `json:"userAssignedIdentities"`
	UserAssignedIdentityCredentials []UserAssignedIdentityCredential `json:"userAssignedIdentityCredentials"`

	StorageAccounts []StorageAccount  `json:"storageAccounts"`
	DDOE            dataloop.Snapshot `json:"ddoe"`
}

// Snapshot returns a copy of everything at one moment, blobs without their content.
func (w *World) Snapshot() Snapshot {
	w.Mu.RLock()
	defer w.Mu.RUnlock()
	var s Snapshot
	for _, p := range w.parts() {
		p.addTo(&s)
	}
	s.RoleAssignments, s.DDOE = w.RBAC.Snapshot(), w.Platform.Snapshot()
	s.DenyAssignments, s.Locks = w.RBAC.RestrictionsHeld()
	s.Groups = rbac.GroupsHeld(w.RBAC)
	return s
}
