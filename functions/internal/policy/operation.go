package policy

import "github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"

// Operation names a request to a service.
type Operation = diagnosis.Operation

// The requests to Microsoft Graph.
const (
	ApplicationCreate Operation = "application.create"
	ApplicationUpdate Operation = "application.update"
	ApplicationGet    Operation = "application.get"
	ApplicationDelete Operation = "application.delete"
	// HolderGet asks who holds the unique name, after a create was refused because somebody does.
	HolderGet          Operation = "application.holder.get"
	PrincipalUpsert    Operation = "servicePrincipal.upsert"
	PrincipalGet       Operation = "servicePrincipal.get"
	PrincipalDelete    Operation = "servicePrincipal.delete"
	CredentialUpsert   Operation = "federatedCredential.upsert"
	CredentialList     Operation = "federatedCredential.list"
	CredentialDelete   Operation = "federatedCredential.delete"
	DeletedItemRestore Operation = "deletedItem.restore"
	DeletedItemPurge   Operation = "deletedItem.purge"
)

// The looks at what somebody else has made, which this service may not be allowed to read.
const (
	LookApplication Operation = "look.application"
	LookPrincipal   Operation = "look.servicePrincipal"
	LookCredentials Operation = "look.federatedCredentials"
	LookRoles       Operation = "look.rbac"
	LookAccount     Operation = "look.account"
	LookContainer   Operation = "look.container"
)

// The requests to Azure Resource Manager.
const (
	RolePut    Operation = "rbac.put"
	RoleGet    Operation = "rbac.get"
	RoleList   Operation = "rbac.list"
	RoleDelete Operation = "rbac.delete"
	AccountGet Operation = "account.get"
	// ContainerGet asks Azure Resource Manager, as the app itself.
	ContainerGet Operation = "account.container.get"

	ManagedIdentityPut      Operation = "managedIdentity.put"
	ManagedIdentityGet      Operation = "managedIdentity.get"
	ManagedIdentityList     Operation = "managedIdentity.list"
	ManagedIdentityDelete   Operation = "managedIdentity.delete"
	ManagedCredentialPut    Operation = "managedCredential.put"
	ManagedCredentialList   Operation = "managedCredential.list"
	ManagedCredentialDelete Operation = "managedCredential.delete"
)

// The requests to the platform.
const (
	SubjectTokenGet           Operation = "subjectToken.get"
	PlatformTypesList         Operation = "ddoe.types.list"
	PlatformProjectGet        Operation = "ddoe.project.get"
	PlatformUserGet           Operation = "ddoe.user.get"
	PlatformIntegrationList   Operation = "ddoe.integration.list"
	PlatformIntegrationGet    Operation = "ddoe.integration.get"
	PlatformIntegrationCreate Operation = "ddoe.integration.create"
	PlatformIntegrationUpdate Operation = "ddoe.integration.update"
	PlatformIntegrationDelete Operation = "ddoe.integration.delete"
	DriverList                Operation = "ddoe.driver.list"
	DriverGet                 Operation = "ddoe.driver.get"
	DriverCreate              Operation = "ddoe.driver.create"
	DriverUpdate              Operation = "ddoe.driver.update"
	DriverDelete              Operation = "ddoe.driver.delete"
	DriverCount               Operation = "ddoe.driver.count"
	DriverTest                Operation = "ddoe.driver.test"
	DriverValidate            Operation = "ddoe.driver.validate"
)

// The requests to what the app itself stands on.
const (
	StorePut Operation = "store.put"
	// BusLink opens a link to a queue or a topic.
	BusLink Operation = "bus.link"
	// Knock asks an address for anything: only whether somebody answers is of interest.
	Knock Operation = "readiness"
)

// ContainerProperties are asked of a storage account, as the federated identity.
const ContainerProperties Operation = "container.properties"

// StorageKnock asks a storage account without a token: only whether it answers is of interest.
const StorageKnock Operation = "storage.knock"

// The requests of an access test to a storage account about the blob that it makes, and that goes in any case.
const (
	ProbeWrite  Operation = "storage.probe.write"
	ProbeDelete Operation = "storage.probe.delete"
)

// keylessCreates are the creates that have no key, so that sending one twice may make two objects.
func keylessCreates() []Operation { return []Operation{PlatformIntegrationCreate, DriverCreate} }

func isKeylessCreate(op Operation) bool {
	for _, create := range keylessCreates() {
		if op == create {
			return true
		}
	}
	return false
}

// deletes are what removes an object: 404 is no failure of theirs.
func deletes() []Operation {
	return []Operation{ApplicationDelete, PrincipalDelete, CredentialDelete, DeletedItemPurge, RoleDelete,
		ManagedIdentityDelete, ManagedCredentialDelete, PlatformIntegrationDelete, DriverDelete}
}
