// Package integration holds the integration document (what a caller wants and what has been reached), the operations
// on it, the rules a spec must keep, and the contract of the store that keeps them. It calls no service.
package integration

import (
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/armid"
	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// Spec is what the caller wants: who may come (issuer, subjects, audience) and what they may reach (storage).
type Spec struct {
	DisplayName string          `json:"displayName,omitempty" maxLength:"256"`
	TenantID    string          `json:"tenantId,omitempty" example:"11111111-1111-4111-8111-111111111111"`
	Issuer      string          `json:"issuer,omitempty" example:"https://dataloop.ai/oauth2"`
	Subjects    []string        `json:"subjects,omitempty" maxItems:"20"`
	ServiceName string          `json:"serviceName,omitempty" example:"my-service"`
	Audience    string          `json:"audience,omitempty" example:"api://AzureADTokenExchange"`
	Identity    *Identity       `json:"identity,omitempty" doc:"What the federated identity is made of"`
	Storage     []StorageAccess `json:"storage,omitempty" required:"true" minItems:"1" maxItems:"20"`
	DDOE        *DDOE           `json:"ddoe,omitempty"`
	HealthCheck *HealthCheck    `json:"healthCheck,omitempty" doc:"Whether and how often it is checked"`
	// Tags are what callers sort integrations by; the service makes nothing of them.
	Tags map[string]string `json:"tags,omitempty" maxProperties:"20"`
}

// LongTags are the ends of tags that are too long for a line.
func (Spec) LongTags() map[string]string {
	return map[string]string{
		"DisplayName": `doc:"Name of the platform's integration and of an application; a managed identity's is made ` +
			`of the id. Default: DDOE WIF {id}"`,
		"TenantID": `doc:"Entra tenant; default: the service's own"`,
		"Issuer":   `doc:"Issuer of the platform's tokens, byte for byte; default: setting DDOE_ISSUER"`,
		"Subjects": `doc:"Subjects of the platform's tokens, exact and case-sensitive; at least one, or ` +
			`serviceName. The credential file is for the first one, unless another is asked for" ` +
			`example:"[\"system:serviceaccount:dataloop:my-service\"]"`,
		"ServiceName": `doc:"A service's name, lower-case; stands for one subject, by the setting ` +
			`DDOE_SUBJECT_TEMPLATE, and is answered as the first of the subjects"`,
		"Audience": `doc:"Default: the cloud's token-exchange audience"`,
		"Storage":  `doc:"What the federated identity may reach. With ddoe.integration one entry, readWrite"`,
		"Tags": `doc:"What callers sort integrations by, at most 20: names of 1 to 64 letters, digits, dots, ` +
			`underscores and hyphens, values of up to 256 printable characters. The service makes nothing of them" ` +
			`example:"{\"team\":\"vision\"}"`,
		"DDOE": `doc:"What to set up on the DDOE platform. A spec without it removes integration and driver that ` +
			`were made there before"`,
	}
}

// Access is what the federated identity may do in a container.
type Access string

// The accesses: Storage Blob Data Reader and Storage Blob Data Contributor.
const (
	AccessRead      Access = "read"
	AccessReadWrite Access = "readWrite"
)

// StorageAccess is access to one container, or to all containers of the account where Container is empty.
type StorageAccess struct {
	ResourceID string `json:"resourceId"`
	Container  string `json:"container,omitempty" minLength:"3" maxLength:"63" pattern:"^[a-z0-9]+(-[a-z0-9]+)*$"`
	Access     Access `json:"access,omitempty" enum:"read,readWrite" doc:"Default: read"`
}

// Account is the account of an entry of a stored spec, which is valid; else the zero value.
func (s StorageAccess) Account() armid.StorageAccount {
	account, _ := armid.ParseStorageAccount(s.ResourceID)
	return account
}

// LongTags are the ends of tags that are too long for a line.
func (StorageAccess) LongTags() map[string]string {
	return map[string]string{
		"ResourceID": `doc:"ARM id of the storage account" ` +
			`example:"/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/data/` +
			`providers/Microsoft.Storage/storageAccounts/acmedata"`,
		"Container": `patternDescription:"lower-case letters, digits and single hyphens between them" ` +
			`doc:"Container; left out, the whole account is granted" example:"images"`,
	}
}

// DDOE is what to set up on the platform's side.
type DDOE struct {
	OrganizationID string  `json:"organizationId,omitempty" maxLength:"256" pattern:"^[A-Za-z0-9_-]+$"`
	Integration    bool    `json:"integration,omitempty"`
	IntegrationID  string  `json:"integrationId,omitempty" maxLength:"256" pattern:"^[A-Za-z0-9_-]+$"`
	Driver         *Driver `json:"driver,omitempty"`
}

// LongTags are the ends of tags that are too long for a line.
func (DDOE) LongTags() map[string]string {
	return map[string]string{
		"OrganizationID": `patternDescription:"letters, digits, - and _" doc:"The organisation's id; required with ` +
			`integration. Another one than before: integration and driver are removed in the old one and made in ` +
			`the new one" example:"55555555-5555-4555-8555-555555555555"`,
		"Integration": `doc:"Make the integration in the organisation. Default: false, which hands out the form ` +
			`for a person to make it, and removes what was made before"`,
		"IntegrationID": `patternDescription:"letters, digits, - and _" doc:"An integration that exists on the ` +
			`platform, such as one that a person has made by the form: it is used, tested and watched, never ` +
			`changed or deleted. integration may then be left out"`,
		"Driver": `doc:"The driver on the integration, for one container; needs integration. Left out, a driver ` +
			`that was made before is removed, and the datasets on it lose their storage"`,
	}
}

// Driver is the platform's storage driver.
type Driver struct {
	ProjectID           string `json:"projectId,omitempty" required:"true" maxLength:"256" pattern:"^[A-Za-z0-9_-]+$"`
	Name                string `json:"name,omitempty" maxLength:"256" example:"images"`
	Path                string `json:"path,omitempty" maxLength:"256" example:"images/2026"`
	AllowExternalDelete bool   `json:"allowExternalDelete,omitempty"`
}

// LongTags are the ends of tags that are too long for a line.
func (Driver) LongTags() map[string]string {
	return map[string]string{
		"ProjectID": `patternDescription:"letters, digits, - and _" doc:"The project's id, of the same ` +
			`organisation. Another one than before: the driver is removed and made anew, and the datasets on it ` +
			`lose their storage" example:"66666666-6666-4666-8666-666666666666"`,
		"Name": `doc:"The driver's name on the platform; default: the integration's id"`,
		"Path": `doc:"Folder in the container, without slashes around it; left out, the whole ` +
			`container"`,
		"AllowExternalDelete": `doc:"Whether the platform may delete blobs in the container. Default: false"`,
	}
}

// HealthCheck reports whether and how often the integration is checked.
type HealthCheck struct {
	Enabled  *bool  `json:"enabled,omitempty" doc:"Default: true"`
	Interval string `json:"interval,omitempty" doc:"Go duration, 15m to 168h; default 6h" example:"6h"`
}

// Phase is how far an integration has come.
type Phase string

// The phases. Provisioned means every object exists; Usable means that access was proved as the federated identity.
const (
	PhasePending        Phase = "pending"
	PhaseProvisioning   Phase = "provisioning"
	PhaseProvisioned    Phase = "provisioned"
	PhaseUsable         Phase = "usable"
	PhaseFailed         Phase = "failed"
	PhaseDeprovisioning Phase = "deprovisioning"
	PhaseDeleted        Phase = "deleted"
)

// Document is an integration: intent and status, as the use cases work on it. It has no JSON of its own: what the
// store keeps is a record (record.go), and what a caller sees is package view's.
type Document struct {
	ID   string
	Spec Spec
	// IsUnmanaged is true where somebody else has made what the document tells of: it is looked at and tested, and
	// nothing of it is ever written or removed.
	IsUnmanaged bool
	// Generation counts the changes of the spec, from 1.
	Generation int
	Status     Status
	CreatedAt  time.Time
	// FirstOperationID is the operation that made the integration, or made it again after a teardown.
	FirstOperationID string
	UpdatedAt        time.Time
	// Owner is whose integration it is: an object id in Entra, or the id of callers who have none. What was made while
	// callers were not told apart is of the holders of the function key.
	Owner string
	// CreatedBy is who asked for FirstOperationID, and LastModifiedBy who asked for the last change of the spec, of
	// the owner, or for the teardown. They are zero where that is not known.
	CreatedBy, LastModifiedBy caller.IDs
	// Outbox has the events about the document that are not published yet.
	Outbox Outbox
	// ETag is the store's version of the document.
	ETag string
}

// Status is what has been reached. Ids are saved as soon as they are known, so a crash loses none.
type Status struct {
	Phase Phase
	// Identity is the identity that there is, that can be restored, or that is about to be made.
	Identity IdentityMade
	// ClientID is the identity's; ServicePrincipalID is the id of it that role assignments name.
	ClientID, ServicePrincipalID string
	FederatedCredentials         []FederatedCredential
	RoleAssignments              []RoleAssignment
	DDOE                         *DDOEStatus
	// Left states, a sentence each, what a teardown that did not end has left.
	Left []string
	// Health is what the scheduled checks say; nil before the first check.
	Health          *Health
	LastOperationID string
	// ChangedBy is the operation that has last changed something outside of the store.
	ChangedBy string
	// Conditions are what was observed: Provisioned reports whether all was made, Verified whether access was proved,
	// by the last test that was conclusive.
	Conditions []Condition
}

// FederatedCredential is one federated identity credential on the identity.
type FederatedCredential struct {
	Name     string `json:"name"`
	ID       string `json:"id,omitempty"`
	Issuer   string `json:"issuer"`
	Subject  string `json:"subject"`
	Audience string `json:"audience"`
	Adopted  bool   `json:"adopted,omitempty"`
}

// LongTags are the ends of tags that are too long for a line.
func (FederatedCredential) LongTags() map[string]string {
	return map[string]string{
		"Adopted": `doc:"It was found on the identity under a name that is not ours, and serves as it is"`,
	}
}

// RoleAssignment is one role assignment of the service principal.
type RoleAssignment struct {
	ID               string `json:"id" doc:"Full ARM id"`
	Scope            string `json:"scope"`
	RoleDefinitionID string `json:"roleDefinitionId"`
	PrincipalID      string `json:"principalId"`
	Adopted          bool   `json:"adopted,omitempty"`
}

// LongTags are the ends of tags that are too long for a line.
func (RoleAssignment) LongTags() map[string]string {
	return map[string]string{
		"Adopted": `doc:"It existed before under another name and is not removed at teardown"`,
	}
}

// DDOEStatus tells how the platform's side is set up: through its API, or by a person with the form values given here.
type DDOEStatus struct {
	// Mode is api or manual; empty while nothing has been made yet.
	Mode string
	// OrganizationID is the organisation in which the integration was made.
	OrganizationID          string
	IntegrationID, DriverID string
	// Adopted is true where the integration is the one that the spec names: it is never changed, and not removed at
	// teardown.
	Adopted bool
	// IntegrationType is the platform's name of the integration's type.
	IntegrationType string
	// OptionsHash tells what was sent last, as the platform shows no options.
	OptionsHash string
	// Validated is true where the platform has tested the driver as the federated identity since the last change.
	Validated bool
	// ValidationID is the platform's command that tests the drivers, while it runs.
	ValidationID string
	// CheckedAt is when the platform's last test of the driver ended.
	CheckedAt *time.Time
	// Form is what to type in where a person makes the integration; nil where it exists.
	Form *DDOEForm
	// Why tells why it is left to a person, and Next what a person has to do.
	Why, Next string
	// Diagnosis is why the API could not be used where it was wanted.
	Diagnosis *diagnosis.Diagnosis
	// Confirmed tells who has filled in the form, and ConfirmedHash is the hash of what they confirmed.
	Confirmed     *DDOEConfirmation
	ConfirmedHash string
	// Driver is what the platform was sent last for the driver, as its answers may leave it out. It is written down
	// before the driver is made, and again when the platform has it.
	Driver *DDOEDriver
}

// DDOEDriver is a driver as the platform was sent it. What is absent was sent in a change of which it is not known
// whether it was made.
type DDOEDriver struct {
	ProjectID           string  `json:"projectId"`
	Name                string  `json:"name,omitempty"`
	Type                string  `json:"type"`
	IntegrationID       string  `json:"integrationId"`
	IntegrationType     string  `json:"integrationType"`
	Container           *string `json:"container,omitempty"`
	Path                *string `json:"path,omitempty"`
	AllowExternalDelete *bool   `json:"allowExternalDelete,omitempty"`
}

// DDOEForm is what a person types into the platform's "Create Storage Integration" form.
type DDOEForm struct {
	OrganizationID  string `json:"organizationId,omitempty"`
	IntegrationName string `json:"integrationName" doc:"Name to give it"`
	Provider        string `json:"provider" doc:"What to choose as provider"`
	IntegrationType string `json:"integrationType" doc:"What to choose as type"`
	ClientID        string `json:"clientId" doc:"Client id of the identity"`
	TenantID        string `json:"tenantId" doc:"Directory (tenant) id"`
	ImportFile      string `json:"importFile" doc:"File to import: GET /integrations/{id}/credentials"`
}

// LongTags are the ends of tags that are too long for a line.
func (DDOEForm) LongTags() map[string]string {
	return map[string]string{
		"OrganizationID": `doc:"The organisation to make it in; absent where the spec names none"`,
	}
}

// Condition is one observed fact about the integration, in the manner of Kubernetes conditions.
type Condition struct {
	Type               string               `json:"type" enum:"Ready,Provisioned,Verified,Deleted"`
	Status             string               `json:"status" enum:"True,False,Unknown"`
	Reason             diagnosis.Code       `json:"reason,omitempty" doc:"Diagnosis code where Status is not True"`
	Message            string               `json:"message,omitempty"`
	ObservedGeneration int                  `json:"observedGeneration,omitempty"`
	LastTransitionTime time.Time            `json:"lastTransitionTime"`
	Diagnosis          *diagnosis.Diagnosis `json:"diagnosis,omitempty"`
}

// LongTags are the ends of tags that are too long for a line.
func (Condition) LongTags() map[string]string {
	return map[string]string{
		"ObservedGeneration": `doc:"Of Ready: the generation of the spec that it was seen for; absent until the ` +
			`first attempt at that has come to something"`,
	}
}
