package ddoe

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
)

// The types of drivers for Azure storage.
const (
	DriverBlob     = "azureblob"
	DriverDatalake = "azureDatalakeGen2"
)

// Driver is a storage driver as the platform shows it, flattened. It need not say more than id, type, creator and name:
// what is empty, or nil where empty means something, has not been said.
type Driver struct {
	ID   string
	Name string
	Type string
	// Creator is the id, which is the e-mail address, of the user who made it.
	Creator             string
	ProjectID           string
	IntegrationID       string
	IntegrationType     string
	ContainerName       *string
	Path                *string
	AllowExternalDelete *bool
}

// UnmarshalJSON reads a driver; what cannot be read has not been said. Its project may be said in its metadata alone, where a
// create sends it.
func (d *Driver) UnmarshalJSON(body []byte) error {
	var shown struct {
		ID                  loose[string]   `json:"id"`
		Name                loose[string]   `json:"name"`
		Type                loose[string]   `json:"type"`
		Creator             reference       `json:"creator"`
		ProjectID           loose[string]   `json:"projectId"`
		IntegrationID       loose[string]   `json:"integrationId"`
		IntegrationType     loose[string]   `json:"integrationType"`
		ContainerName       loose[string]   `json:"containerName"`
		Path                loose[string]   `json:"path"`
		AllowExternalDelete loose[bool]     `json:"allowExternalDelete"`
		Metadata            loose[metadata] `json:"metadata"`
	}
	if err := json.Unmarshal(body, &shown); err != nil {
		return err
	}
	*d = Driver{ID: shown.ID.or(""), Name: shown.Name.or(""), Type: shown.Type.or(""), Creator: string(shown.Creator),
		ProjectID:     cmp.Or(shown.ProjectID.or(""), shown.Metadata.or(metadata{}).System.ProjectID),
		IntegrationID: shown.IntegrationID.or(""), IntegrationType: shown.IntegrationType.or(""),
		ContainerName: shown.ContainerName.said, Path: shown.Path.said, AllowExternalDelete: shown.AllowExternalDelete.said}
	return nil
}

// NewDriver is a driver that is to be made or tested. All members but Path are required.
type NewDriver struct {
	Name, Type                     string
	ProjectID, OrganizationID      string
	IntegrationID, IntegrationType string
	// Creator is the e-mail address of the key's user.
	Creator       string
	ContainerName string
	// Path is a folder in the container; empty is the root.
	Path                string
	AllowExternalDelete bool
}

type system struct {
	ProjectID string `json:"projectId"`
	OrgID     string `json:"orgId,omitempty"`
}

type metadata struct {
	System system `json:"system"`
}

// payload has storageClass and region because the platform's own SDK sends them; Azure has no use for them.
type payload struct {
	ContainerName string  `json:"containerName"`
	Path          string  `json:"path"`
	StorageClass  string  `json:"storageClass"`
	Region        *string `json:"region"`
}

// driverBody is the body as the platform's own SDK sends it.
type driverBody struct {
	IntegrationID       string   `json:"integrationId"`
	IntegrationType     string   `json:"integrationType"`
	Name                string   `json:"name"`
	Type                string   `json:"type"`
	Metadata            metadata `json:"metadata"`
	Payload             payload  `json:"payload"`
	AllowExternalDelete bool     `json:"allowExternalDelete"`
	Creator             string   `json:"creator"`
}

func (n NewDriver) body() driverBody {
	return driverBody{IntegrationID: n.IntegrationID, IntegrationType: n.IntegrationType, Name: n.Name, Type: n.Type,
		Metadata: metadata{system{n.ProjectID, n.OrganizationID}}, Payload: payload{ContainerName: n.ContainerName, Path: n.Path},
		AllowExternalDelete: n.AllowExternalDelete, Creator: n.Creator}
}

// ListDrivers lists the drivers of a project and of an integration; either may be empty. Entries without an id are left out.
func (c *Client) ListDrivers(ctx context.Context, projectID, integrationID string) ([]Driver, error) {
	query := url.Values{}
	if projectID != "" {
		query.Set("projectId", projectID)
	}
	if integrationID != "" {
		query.Set("integrationId", integrationID)
	}
	var all list[Driver]
	_, err := c.do(ctx, call{op: "list drivers", method: http.MethodGet, path: "/drivers?" + query.Encode()}, &all)
	return slices.DeleteFunc(all, func(one Driver) bool { return one.ID == "" }), err
}

// GetDriver reads one driver.
func (c *Client) GetDriver(ctx context.Context, id string) (Driver, error) {
	var d Driver
	_, err := c.do(ctx, call{op: "read driver", method: http.MethodGet, path: "/drivers/" + segment(id), id: &d.ID}, &d)
	return d, err
}

// CreateDriver makes a driver and returns it with the platform's id of the request. It is sent once: after an error other
// than a refusal the driver may exist.
func (c *Client) CreateDriver(ctx context.Context, n NewDriver) (Driver, string, error) {
	var d Driver
	id, err := c.do(ctx, call{op: "create driver", method: http.MethodPost, path: "/drivers", body: n.body(), once: true,
		id: &d.ID}, &d)
	return d, id, err
}

// DriverPatch changes a driver; empty and nil members stay as they are.
type DriverPatch struct {
	Name string
	// IntegrationID and IntegrationType go together.
	IntegrationID, IntegrationType string
	ContainerName, Path            *string
	AllowExternalDelete            *bool
}

// UpdateDriver changes a driver; its type and its project cannot be changed. A platform that keeps a member may answer
// with success all the same.
func (c *Client) UpdateDriver(ctx context.Context, driverID string, p DriverPatch) (Driver, string, error) {
	type changes struct {
		IntegrationID       string  `json:"integrationId,omitempty"`
		IntegrationType     string  `json:"integrationType,omitempty"`
		ContainerName       *string `json:"containerName,omitempty"`
		Path                *string `json:"path,omitempty"`
		AllowExternalDelete *bool   `json:"allowExternalDelete,omitempty"`
	}
	body := struct {
		Name    string  `json:"name,omitempty"`
		Payload changes `json:"payload"`
	}{p.Name, changes{p.IntegrationID, p.IntegrationType, p.ContainerName, p.Path, p.AllowExternalDelete}}
	var d Driver
	id, err := c.do(ctx, call{op: "update driver", method: http.MethodPatch, path: "/drivers/" + segment(driverID), body: body,
		id: &d.ID}, &d)
	return d, id, err
}

// DeleteDriver deletes a driver; false where it was absent.
func (c *Client) DeleteDriver(ctx context.Context, driverID string) (bool, string, error) {
	return c.remove(ctx, "delete driver", "/drivers/"+segment(driverID))
}

// TestPayload has the platform test the storage of a driver that is not there yet; the platform writes a test file.
func (c *Client) TestPayload(ctx context.Context, n NewDriver) (string, error) {
	return c.do(ctx, call{op: "test storage", method: http.MethodPost, path: "/drivers/test", body: n.body(), empty: true}, nil)
}

// TestDriver has the platform test the storage of a driver; the platform writes a test file.
func (c *Client) TestDriver(ctx context.Context, driverID string) (string, error) {
	return c.do(ctx, call{op: "test driver", method: http.MethodGet, path: "/drivers/" + segment(driverID) + "/test", empty: true}, nil)
}

// CountDrivers is how many drivers use an integration. Whether those of projects count that the key's user cannot see is not
// known.
func (c *Client) CountDrivers(ctx context.Context, integrationID string) (int, error) {
	var n json.Number
	var count int64
	_, err := c.do(ctx, call{op: "count drivers", method: http.MethodGet, path: "/drivers/byIntegration/" + segment(integrationID), complete: func() bool {
		var err error
		count, err = n.Int64()
		return err == nil && count >= 0
	}}, &n)
	return int(count), err
}

// Command is work that the platform does in the background.
type Command struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	// Failure is why it failed, in the platform's words, without tokens and options.
	Failure string `json:"-"`
}

// Ended reports whether the command will not change any more.
func (c Command) Ended() bool {
	switch c.Status {
	case "success", "failed", "timeout", "canceled", "aborted":
		return true
	}
	return false
}

// Succeeded reports whether the command did what it was for.
func (c Command) Succeeded() bool { return c.Status == "success" }

// ValidateDrivers begins to test all drivers of an integration.
func (c *Client) ValidateDrivers(ctx context.Context, integrationID string) (Command, error) {
	body := struct {
		IntegrationID string `json:"integrationId"`
	}{integrationID}
	return c.command(ctx, call{op: "validate drivers", method: http.MethodPost, path: "/drivers/validateDrivers", body: body})
}

// GetCommand reads how far a command is.
func (c *Client) GetCommand(ctx context.Context, commandID string) (Command, error) {
	return c.command(ctx, call{op: "read command", method: http.MethodGet, path: "/commands/" + segment(commandID)})
}

func (c *Client) command(ctx context.Context, r call) (Command, error) {
	var answer struct {
		Command
		Error any `json:"error"`
	}
	r.id = &answer.ID
	_, err := c.do(ctx, r, &answer)
	if failure, ok := answer.Error.(string); ok {
		answer.Failure = conceal(failure, c.secrets(nil))
	}
	return answer.Command, err
}
