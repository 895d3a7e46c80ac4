package ddoe

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"
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
	var types []IntegrationType
	_, err := c.do(ctx, call{op: "list integration types", method: http.MethodGet,
		path: "/orgs/" + segment(organizationID) + "/availableIntegrations", answer: &types})
	return types, err
}

// Object is what integrations and drivers have in common.
type Object struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Type      string `json:"type"`
	CreatedAt Date   `json:"createdAt"`
	// RequestID is the platform's id of the request that has answered with the object.
	RequestID string `json:"-"`
}

// About is what an integration or a driver has in common with the other.
func (o Object) About() Object { return o }

// Integration is an integration as the platform shows it: its options are never returned. Organisation and creator come in
// two forms and are left out.
type Integration struct {
	Object
	Metadata Metadata `json:"metadata"`
}

// Date is a time of the platform's: milliseconds since 1970 for an integration, text for a driver.
type Date struct{ time.Time }

// UnmarshalJSON reads both forms.
func (d *Date) UnmarshalJSON(body []byte) error {
	var milliseconds int64
	if json.Unmarshal(body, &milliseconds) == nil {
		d.Time = time.UnixMilli(milliseconds).UTC()
		return nil
	}
	return json.Unmarshal(body, &d.Time)
}

// Metadata are the entries of an integration, by name. A create is sent an object; an answer has them as a list.
type Metadata map[string]string

// UnmarshalJSON reads the list.
func (m *Metadata) UnmarshalJSON(body []byte) error {
	var entries []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	if err := json.Unmarshal(body, &entries); err != nil {
		return err
	}
	*m = Metadata{}
	for _, entry := range entries {
		(*m)[entry.Name] = entry.Value
	}
	return nil
}

// ListIntegrations lists the organisation's integrations.
func (c *Client) ListIntegrations(ctx context.Context, organizationID string) ([]Integration, error) {
	var all []Integration
	_, err := c.do(ctx, call{op: "list integrations", method: http.MethodGet, path: integrations(organizationID), answer: &all,
		isComplete: func() bool { return !slices.ContainsFunc(all, func(i Integration) bool { return i.ID == "" }) }})
	return all, err
}

// GetIntegration reads one integration, of whichever organisation it is.
func (c *Client) GetIntegration(ctx context.Context, integrationID string) (Integration, error) {
	var one Integration
	_, err := c.do(ctx, call{op: "read integration", method: http.MethodGet, path: "/integrations/" + segment(integrationID),
		answer: &one, isComplete: func() bool { return one.ID != "" }})
	return one, err
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
	var made Integration
	id, err := c.do(ctx, call{op: "create integration", method: http.MethodPost, path: integrations(organizationID), body: n,
		answer: &made, isComplete: func() bool { return made.ID != "" }})
	made.RequestID = id
	return made, err
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
func (c *Client) UpdateIntegration(ctx context.Context, organizationID string, p IntegrationPatch) (Integration, error) {
	var changed Integration
	id, err := c.do(ctx, call{op: "update integration", method: http.MethodPatch, path: integrations(organizationID), body: p,
		answer: &changed, isComplete: func() bool { return changed.ID == p.IntegrationID }})
	changed.RequestID = id
	return changed, err
}

// DeleteIntegration deletes an integration and returns the platform's id of the request. The answer, which lists the others, is not read.
func (c *Client) DeleteIntegration(ctx context.Context, organizationID, integrationID string) (string, error) {
	return c.do(ctx, call{op: "delete integration", method: http.MethodDelete,
		path: integrations(organizationID) + "/" + segment(integrationID)})
}

func integrations(organizationID string) string {
	return "/orgs/" + segment(organizationID) + "/integrations"
}
