// Package world is the sandbox's one truth: every object of the pretended tenant, subscription and platform, behind
// one lock and one clock. The service handlers (entra, graph, arm, blob, platform) and the control API all read and
// write it; it speaks no protocol itself.
package world

import "time"

// Tenant is an Entra tenant.
type Tenant struct {
	ID     string `json:"id"`
	Domain string `json:"domain"`
	// Cloud is the domain of the token service of the tenant's cloud, such as microsoftonline.us; empty is the public
	// cloud's.
	Cloud string `json:"cloud,omitempty"`
}

// Subscription is an Azure subscription; its storage accounts accept tokens of its tenant only.
type Subscription struct {
	ID       string `json:"id"`
	TenantID string `json:"tenantId"`
}

// Application is an app registration. ID (object id) and AppID (client id) always differ, as in Entra.
type Application struct {
	ID              string     `json:"id"`
	AppID           string     `json:"appId"`
	UniqueName      string     `json:"uniqueName,omitempty"`
	DisplayName     string     `json:"displayName"`
	SignInAudience  string     `json:"signInAudience"`
	Description     string     `json:"description,omitempty"`
	Notes           string     `json:"notes,omitempty"`
	Tags            []string   `json:"tags"`
	CreatedDateTime time.Time  `json:"createdDateTime"`
	DeletedDateTime *time.Time `json:"deletedDateTime,omitempty"`
	// IsDisabled is set by an owner or administrator, DisabledByMicrosoftStatus by Microsoft.
	IsDisabled                bool   `json:"isDisabled,omitempty"`
	DisabledByMicrosoftStatus string `json:"disabledByMicrosoftStatus,omitempty"`
	LoginCredentials
}

// LoginCredentials are the secrets and certificates by which whoever has one gets tokens, as Graph shows them.
type LoginCredentials struct {
	PasswordCredentials []LoginCredential `json:"passwordCredentials,omitempty"`
	KeyCredentials      []LoginCredential `json:"keyCredentials,omitempty"`
}

// LoginCredential is a secret or a certificate, without its value.
type LoginCredential struct {
	KeyID       string `json:"keyId"`
	DisplayName string `json:"displayName"`
}

// ServicePrincipal is the application's identity in the tenant; role assignments name its ID. Type is "Application",
// or "ManagedIdentity" for that of a managed identity.
type ServicePrincipal struct {
	ID                   string     `json:"id"`
	AppID                string     `json:"appId"`
	DisplayName          string     `json:"displayName"`
	AccountEnabled       bool       `json:"accountEnabled"`
	ServicePrincipalType string     `json:"servicePrincipalType"`
	Tags                 []string   `json:"tags"`
	CreatedDateTime      time.Time  `json:"createdDateTime"`
	DeletedDateTime      *time.Time `json:"deletedDateTime,omitempty"`
	// AppOwnerOrganizationID is the tenant that the application is registered in; empty is the sandbox's own.
	AppOwnerOrganizationID string `json:"appOwnerOrganizationId,omitempty"`
	LoginCredentials
}

// FederatedIdentityCredential is one trust of an application: ApplicationID is the application's object id.
type FederatedIdentityCredential struct {
	ID            string    `json:"id"`
	ApplicationID string    `json:"applicationId"`
	Name          string    `json:"name"`
	Issuer        string    `json:"issuer"`
	Subject       string    `json:"subject"`
	Audiences     []string  `json:"audiences"`
	Description   string    `json:"description,omitempty"`
	ChangedAt     time.Time `json:"changedAt"`
	// ClaimsMatchingExpression stands for the subject on a flexible credential. The sandbox keeps it and evaluates it
	// never: Entra does for tokens of GitHub, GitLab and Terraform Cloud alone, which the sandbox cannot sign.
	ClaimsMatchingExpression *ClaimsMatchingExpression `json:"claimsMatchingExpression,omitempty"`
}

// ClaimsMatchingExpression says which claims of a token match a flexible credential.
type ClaimsMatchingExpression struct {
	Value           string `json:"value"`
	LanguageVersion int    `json:"languageVersion"`
}

// DeletedItem is an entry of Entra's recycle bin: exactly one of the two is set.
type DeletedItem struct {
	ID               string            `json:"id"`
	Type             string            `json:"type"`
	Application      *Application      `json:"application,omitempty"`
	ServicePrincipal *ServicePrincipal `json:"servicePrincipal,omitempty"`
}

// StorageAccount is a storage account with a firewall that is open or closed. HierarchicalNamespace makes it Data Lake
// Storage Gen2, whose containers have directories.
type StorageAccount struct {
	ResourceID            string `json:"resourceId"`
	Name                  string `json:"name"`
	Location              string `json:"location"`
	FirewallClosed        bool   `json:"firewallClosed"`
	HierarchicalNamespace bool   `json:"isHnsEnabled"`
	// PrivateEndpoint has DNS know the account by a name with privatelink in it, too.
	PrivateEndpoint bool         `json:"privateEndpoint,omitempty"`
	Containers      []*Container `json:"containers"`
}

// Container holds blobs; an immutable one refuses deletes and overwrites.
type Container struct {
	Name      string    `json:"name"`
	Immutable bool      `json:"immutable"`
	Blobs     []*Blob   `json:"blobs"`
	ETag      string    `json:"etag"`
	Modified  time.Time `json:"lastModified"`
}

// Blob is a block blob; Content is served on the blob endpoint only.
type Blob struct {
	Name        string            `json:"name"`
	Content     []byte            `json:"-"`
	Size        int               `json:"size"`
	ContentType string            `json:"contentType,omitempty"`
	ETag        string            `json:"etag"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"` // blob index tags, by which conditions may decide
	Created     time.Time         `json:"created"`
	Modified    time.Time         `json:"lastModified"`
}
