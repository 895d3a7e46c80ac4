package ddoe

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
)

// The types of drivers for Azure storage.
const (
	DriverBlob     = "azureblob"
	DriverDatalake = "azureDatalakeGen2"
)

// Driver is a storage driver as the platform shows it, flattened. The published description requires id, type,
// creator, createdAt and name alone: what is empty, or nil where empty means something, has not been said.
type Driver struct {
	Object
	ProjectID           string         `json:"projectId"`
	IntegrationID       string         `json:"integrationId"`
	ContainerName       *string        `json:"containerName"`
	Path                *string        `json:"path"`
	AllowExternalDelete *bool          `json:"allowExternalDelete"`
	Metadata            DriverMetadata `json:"metadata"`
}

// DriverMetadata is what a create sends along and the SDK reads back. The published description has the member
// system, and leaves the object open to others: ManagedBy is one of those.
type DriverMetadata struct {
	System struct {
		ProjectID string `json:"projectId"`
		OrgID     string `json:"orgId,omitempty"`
	} `json:"system"`
	ManagedBy string `json:"managed-by,omitempty"`
}

// NewDriver is a driver that is to be made, as the platform's own SDK sends it.
type NewDriver struct {
	Name                string         `json:"name"`
	Type                string         `json:"type"`
	IntegrationID       string         `json:"integrationId"`
	IntegrationType     string         `json:"integrationType"`
	Creator             string         `json:"creator"` // the e-mail address of the key's user
	Metadata            DriverMetadata `json:"metadata"`
	Payload             Payload        `json:"payload"`
	AllowExternalDelete bool           `json:"allowExternalDelete"`
}

// Payload is the place in Azure. The SDK sends storageClass and region too; Azure has no use for them.
type Payload struct {
	ContainerName string  `json:"containerName"`
	Path          string  `json:"path"` // a folder in the container; empty is the root
	StorageClass  string  `json:"storageClass"`
	Region        *string `json:"region"`
}

// DriversIn lists the drivers of a project. Where an entry does not say its project, it is the one that was asked for.
func (c *Client) DriversIn(ctx context.Context, projectID string) ([]Driver, error) {
	all, err := c.drivers(ctx, "projectId", projectID)
	for i := range all {
		all[i].ProjectID = cmp.Or(all[i].ProjectID, projectID)
	}
	return all, err
}

// DriversOn lists the drivers on an integration, of all projects that the key's user may see.
func (c *Client) DriversOn(ctx context.Context, integrationID string) ([]Driver, error) {
	return c.drivers(ctx, "integrationId", integrationID)
}

func (c *Client) drivers(ctx context.Context, by, id string) ([]Driver, error) {
	return get(ctx, c, "list drivers", "/drivers?"+url.Values{by: {id}}.Encode(), isEachThere[Driver])
}

// GetDriver reads one driver.
func (c *Client) GetDriver(ctx context.Context, id string) (Driver, error) {
	return get(ctx, c, "read driver", "/drivers/"+segment(id), isThere[Driver])
}

// CreateDriver makes a driver. See CreateIntegration.
func (c *Client) CreateDriver(ctx context.Context, n NewDriver) (Driver, error) {
	return ask(ctx, c, call{"create driver", http.MethodPost, "/drivers", n}, isThere[Driver])
}

// DriverPatch changes a driver; absent members stay as they are. The payload may have integrationId and
// integrationType, which go together, containerName, path and allowExternalDelete.
type DriverPatch struct {
	Name    string         `json:"name,omitempty"`
	Payload map[string]any `json:"payload"`
}

// UpdateDriver changes a driver; its type and its project cannot be changed.
func (c *Client) UpdateDriver(ctx context.Context, driverID string, p DriverPatch) (Driver, error) {
	return ask(ctx, c, call{"update driver", http.MethodPatch, "/drivers/" + segment(driverID), p}, isThere[Driver])
}

// DeleteDriver deletes a driver and returns the platform's id of the request.
func (c *Client) DeleteDriver(ctx context.Context, driverID string) (string, error) {
	return c.order(ctx, call{"delete driver", http.MethodDelete, "/drivers/" + segment(driverID), nil})
}

// TestDriver has the platform test the storage of a driver; the platform writes a test file.
func (c *Client) TestDriver(ctx context.Context, driverID string) (string, error) {
	return c.order(ctx, call{"test driver", http.MethodGet, "/drivers/" + segment(driverID) + "/test", nil})
}

// CountDrivers is how many drivers use an integration; it is not known whether those that the user cannot see count.
func (c *Client) CountDrivers(ctx context.Context, integrationID string) (int, error) {
	path := "/drivers/byIntegration/" + segment(integrationID)
	return get(ctx, c, "count drivers", path, func(n int) bool { return n >= 0 })
}

// Command is work that the platform does in the background.
type Command struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Error  string `json:"error"` // why it failed, in the platform's words, without our secrets
}

// HasEnded reports whether the command will not change any more: the statuses at which the platform's own SDK stops.
func (c Command) HasEnded() bool {
	return slices.Contains([]string{"success", "failed", "timeout", "canceled", "aborted"}, c.Status)
}

// HasSucceeded reports whether the command did what it was for.
func (c Command) HasSucceeded() bool { return c.Status == "success" }

// ValidateDrivers begins to test all drivers of an integration.
func (c *Client) ValidateDrivers(ctx context.Context, integrationID string) (Command, error) {
	body := map[string]string{"integrationId": integrationID}
	return c.command(ctx, call{"validate drivers", http.MethodPost, "/drivers/validateDrivers", body})
}

// GetCommand reads how far a command is. Only the platform's SDK knows this request.
func (c *Client) GetCommand(ctx context.Context, commandID string) (Command, error) {
	return c.command(ctx, call{"read command", http.MethodGet, "/commands/" + segment(commandID), nil})
}

func (c *Client) command(ctx context.Context, r call) (Command, error) {
	answer, err := ask(ctx, c, r, func(one Command) bool { return one.ID != "" })
	answer.Error = c.hidden.Replace(answer.Error)
	return answer, err
}
