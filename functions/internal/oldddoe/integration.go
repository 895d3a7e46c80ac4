package ddoe

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
)

// Values are the options of an integration by name. They show themselves to nobody: what a type asks for may be secret.
type Values map[string]string

// hidden is what every way of printing options shows.
const hiddenValues = "[redacted]"

// String returns "[redacted]".
func (Values) String() string { return hiddenValues }

// GoString returns "[redacted]".
func (Values) GoString() string { return hiddenValues }

// Format prints "[redacted]" for every verb.
func (Values) Format(f fmt.State, _ rune) {
	// A Formatter has no way to report a failed write.
	_, _ = f.Write([]byte(hiddenValues))
}

// LogValue returns "[redacted]".
func (Values) LogValue() slog.Value { return slog.StringValue(hiddenValues) }

// MarshalJSON returns "[redacted]" as a JSON string.
func (Values) MarshalJSON() ([]byte, error) { return []byte(`"` + hiddenValues + `"`), nil }

// Reveal returns the options themselves, for sending them to the platform.
func (v Values) Reveal() map[string]string { return maps.Clone(map[string]string(v)) }

func (v Values) texts() []string {
	var texts []string
	for _, text := range v {
		texts = append(texts, text)
	}
	return texts
}

// Option is one option that an integration type asks for.
type Option struct {
	// Name is empty where it cannot be read: such an option cannot be sent.
	Name        string
	DisplayName string
	// Required is true also where the answer says something else than true or false: in doubt the option is asked for.
	Required bool
}

// UnmarshalJSON reads an option. What else the platform says of it, such as the type of its value, has no use. What cannot be
// read at all may be one that is required.
func (o *Option) UnmarshalJSON(body []byte) error {
	var shown struct {
		Name        loose[string]   `json:"name"`
		DisplayName loose[string]   `json:"displayName"`
		Required    json.RawMessage `json:"required"`
	}
	if json.Unmarshal(body, &shown) != nil {
		*o = Option{Required: true}
		return nil
	}
	*o = Option{Name: shown.Name.or(""), DisplayName: shown.DisplayName.or(""), Required: !slices.Contains([]string{"", "null", "false"}, string(shown.Required))}
	return nil
}

// optionList is what a type says of its options.
type optionList []Option

// UnmarshalJSON reads a list of options; anything else may hold one that is required.
func (l *optionList) UnmarshalJSON(body []byte) error {
	var options list[Option]
	if json.Unmarshal(body, &options) != nil {
		options = list[Option]{{Required: true}}
	}
	*l = optionList(options)
	return nil
}

// IntegrationType is a type of integration that an organisation may create.
type IntegrationType struct {
	Type        string
	DisplayName string
	Options     []Option
}

// UnmarshalJSON reads a type; members that cannot be read are empty.
func (t *IntegrationType) UnmarshalJSON(body []byte) error {
	var shown struct {
		Type        loose[string] `json:"type"`
		DisplayName loose[string] `json:"displayName"`
		Options     optionList    `json:"options"`
	}
	if err := json.Unmarshal(body, &shown); err != nil {
		return err
	}
	*t = IntegrationType{Type: shown.Type.or(""), DisplayName: shown.DisplayName.or(""), Options: shown.Options}
	return nil
}

// AvailableIntegrations lists the types that the organisation may create. Entries without a type are left out.
func (c *Client) AvailableIntegrations(ctx context.Context, organizationID string) ([]IntegrationType, error) {
	var types list[IntegrationType]
	_, err := c.do(ctx, call{op: "list integration types", method: http.MethodGet, path: "/orgs/" + segment(organizationID) + "/availableIntegrations"}, &types)
	return slices.DeleteFunc(types, func(t IntegrationType) bool { return t.Type == "" }), err
}

// Integration is an integration as the platform shows it: its options are never returned. Organisation and creator come in
// several forms, and are left out. What is empty has not been said.
type Integration struct {
	ID        string
	Name      string
	Type      string
	CreatedAt Date
	Metadata  Metadata // nil where the answer has no such member
}

// UnmarshalJSON reads an integration; members that cannot be read are empty.
func (i *Integration) UnmarshalJSON(body []byte) error {
	var shown struct {
		ID        loose[string] `json:"id"`
		Name      loose[string] `json:"name"`
		Type      loose[string] `json:"type"`
		CreatedAt Date          `json:"createdAt"`
		Metadata  Metadata      `json:"metadata"`
	}
	if err := json.Unmarshal(body, &shown); err != nil {
		return err
	}
	*i = Integration{ID: shown.ID.or(""), Name: shown.Name.or(""), Type: shown.Type.or(""), CreatedAt: shown.CreatedAt, Metadata: shown.Metadata}
	return nil
}

// Metadata are the entries of an integration by name. An answer has them as a list; a create is sent an object.
type Metadata map[string]MetadataEntry

// MetadataEntry is one entry.
type MetadataEntry struct {
	ID    string `json:"id,omitempty"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

// UnmarshalJSON reads the list of entries, or an object of values; what it cannot read is left out.
func (m *Metadata) UnmarshalJSON(body []byte) error {
	*m = Metadata{}
	var entries list[MetadataEntry]
	if json.Unmarshal(body, &entries) == nil {
		for _, entry := range entries {
			if entry.Name != "" {
				(*m)[entry.Name] = entry
			}
		}
		return nil
	}
	var values map[string]any
	if json.Unmarshal(body, &values) == nil {
		for name, value := range values {
			if text, ok := value.(string); ok {
				(*m)[name] = MetadataEntry{Name: name, Value: text}
			}
		}
	}
	return nil
}

// ListIntegrations lists the organisation's integrations. Entries without an id are left out: nothing can be done with them.
func (c *Client) ListIntegrations(ctx context.Context, organizationID string) ([]Integration, error) {
	var all list[Integration]
	_, err := c.do(ctx, call{op: "list integrations", method: http.MethodGet, path: integrations(organizationID)}, &all)
	return slices.DeleteFunc(all, func(one Integration) bool { return one.ID == "" }), err
}

// GetIntegration reads one integration, of whichever organisation it is: below its organisation, one that is gone cannot be
// told from one that the key's user does not see.
func (c *Client) GetIntegration(ctx context.Context, integrationID string) (Integration, error) {
	var one Integration
	_, err := c.do(ctx, call{op: "read integration", method: http.MethodGet, path: "/integrations/" + segment(integrationID),
		id: &one.ID}, &one)
	return one, err
}

// NewIntegration is an integration that is to be made.
type NewIntegration struct {
	Name, Type string
	Options    Values
	Metadata   map[string]string
}

// CreateIntegration makes an integration and returns it with the platform's id of the request. It is sent once: after an
// error other than a refusal the integration may exist.
func (c *Client) CreateIntegration(ctx context.Context, organizationID string, n NewIntegration) (Integration, string, error) {
	body := struct {
		Name     string            `json:"name"`
		Type     string            `json:"type"`
		Options  map[string]string `json:"options"`
		Metadata map[string]string `json:"metadata,omitempty"`
	}{n.Name, n.Type, n.Options.Reveal(), n.Metadata}
	var made Integration
	id, err := c.do(ctx, call{op: "create integration", method: http.MethodPost, path: integrations(organizationID), body: body, once: true, hidden: n.Options.texts(),
		id: &made.ID}, &made)
	return made, id, err
}

// IntegrationPatch changes an integration; empty members stay as they are.
type IntegrationPatch struct {
	ID, Name string
	// Type and Options go together.
	Type     string
	Options  Values
	Metadata []MetadataEntry
}

// UpdateIntegration changes an integration. The collection is patched; the id is in the body.
func (c *Client) UpdateIntegration(ctx context.Context, organizationID string, p IntegrationPatch) (Integration, string, error) {
	type credentials struct {
		Type    string            `json:"type"`
		Options map[string]string `json:"options"`
	}
	body := struct {
		IntegrationID string          `json:"integrationId"`
		Name          string          `json:"name,omitempty"`
		Credentials   *credentials    `json:"credentials,omitempty"`
		Metadata      []MetadataEntry `json:"metadata,omitempty"`
	}{IntegrationID: p.ID, Name: p.Name, Metadata: p.Metadata}
	if p.Options != nil {
		body.Credentials = &credentials{p.Type, p.Options.Reveal()}
	}
	var changed Integration
	id, err := c.do(ctx, call{op: "update integration", method: http.MethodPatch, path: integrations(organizationID), body: body, hidden: p.Options.texts(),
		id: &changed.ID}, &changed)
	return changed, id, err
}

// DeleteIntegration deletes an integration; false where it was absent. The answer, which lists the others, is not read.
func (c *Client) DeleteIntegration(ctx context.Context, organizationID, integrationID string) (bool, string, error) {
	return c.remove(ctx, "delete integration", integrations(organizationID)+"/"+segment(integrationID))
}

func integrations(organizationID string) string {
	return "/orgs/" + segment(organizationID) + "/integrations"
}
