package ddoe

import (
	"context"
	"encoding/json"
	"net/http"
)

// Option is one option that an integration type asks for.
type Option struct {
	Name        string `json:"name"`
	DisplayName string `json:"displayName"`
	Required    bool   `json:"required"`
}

// IntegrationType is a type of integration that an organisation may create.
type IntegrationType struct {
	Type        string   `json:"type"`
	DisplayName string   `json:"displayName"`
	Options     []Option `json:"options"`
}

// AvailableIntegrations lists the types that the organisation may create.
func (c *Client) AvailableIntegrations(ctx context.Context, organizationID string) ([]IntegrationType, error) {
	return get(ctx, c, "list integration types", "/orgs/"+segment(organizationID)+"/availableIntegrations",
		func([]IntegrationType) bool { return true })
}

// Object is what integrations and drivers have in common.
type Object struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
	// CreatedAt is a number of milliseconds for an integration, and text for a driver; it sorts as text.
	CreatedAt json.RawMessage `json:"createdAt"`
	// RequestID is the platform's id of the request that has answered with the object.
	RequestID string `json:"-"`
}

// About is what an integration or a driver has in common with the other.
func (o Object) About() Object { return o }

func (o *Object) answeredBy(requestID string) { o.RequestID = requestID }

// Integration is an integration as the platform shows it: its options are never returned. Organisation and creator
// come in two forms and are left out; OrganizationID is the one whose list has it, else empty.
type Integration struct {
	Object
	OrganizationID string          `json:"-"`
	Metadata       []MetadataEntry `json:"metadata"`
}

// MetadataEntry is one entry of an integration. A create is sent an object; an answer has them as a list.
type MetadataEntry struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ListIntegrations lists the organisation's integrations.
func (c *Client) ListIntegrations(ctx context.Context, organizationID string) ([]Integration, error) {
	all, err := get(ctx, c, "list integrations", integrations(organizationID), isEachThere[Integration])
	for i := range all {
		all[i].OrganizationID = organizationID
	}
	return all, err
}

// GetIntegration reads one integration, of whichever organisation it is.
func (c *Client) GetIntegration(ctx context.Context, integrationID string) (Integration, error) {
	return get(ctx, c, "read integration", "/integrations/"+segment(integrationID), isThere[Integration])
}

// NewIntegration is an integration that is to be made.
type NewIntegration struct {
	Name     string            `json:"name"`
	Type     string            `json:"type"`
	Options  map[string]string `json:"options"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// CreateIntegration makes an integration. Without an answer, or after one of 5xx, the integration may exist.
func (c *Client) CreateIntegration(ctx context.Context, organizationID string, n NewIntegration) (Integration, error) {
	r := call{"create integration", http.MethodPost, integrations(organizationID), n}
	return ask(ctx, c, r, isThere[Integration])
}

// IntegrationPatch changes an integration; absent members stay as they are.
type IntegrationPatch struct {
	IntegrationID string       `json:"integrationId"`
	Name          string       `json:"name,omitempty"`
	Credentials   *Credentials `json:"credentials,omitempty"`
}

// Credentials are type and options of an integration, as an update has them.
type Credentials struct {
	Type    string            `json:"type"`
	Options map[string]string `json:"options"`
}

// UpdateIntegration changes an integration. The collection is patched; the id is in the body.
func (c *Client) UpdateIntegration(ctx context.Context, organization string, p IntegrationPatch) (Integration, error) {
	r := call{"update integration", http.MethodPatch, integrations(organization), p}
	return ask(ctx, c, r, isThere[Integration])
}

// DeleteIntegration deletes an integration and returns the platform's id of the request. The answer, which lists the
// others, is not read.
func (c *Client) DeleteIntegration(ctx context.Context, organizationID, integrationID string) (string, error) {
	path := integrations(organizationID) + "/" + segment(integrationID)
	return c.order(ctx, call{"delete integration", http.MethodDelete, path, nil})
}

func integrations(organizationID string) string {
	return "/orgs/" + segment(organizationID) + "/integrations"
}
