package platform

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// driverPayload is a driver as it is created, and as it is tested before that.
type driverPayload struct {
	Name                string       `json:"name"`
	Type                string       `json:"type"`
	Creator             string       `json:"creator"`
	IntegrationID       string       `json:"integrationId"`
	IntegrationType     string       `json:"integrationType"`
	AllowExternalDelete *bool        `json:"allowExternalDelete"`
	Metadata            world.Object `json:"metadata"`
	Payload             world.Object `json:"payload"`
}

func (p driverPayload) system(member string) string {
	return text(members(p.Metadata, "system"), member)
}

func driverNotFound() *refusal { return refuse(http.StatusNotFound, "Driver not found") }

func (g *gate) listDrivers(c call) (int, any, error) {
	project, integration := c.URL.Query().Get("projectId"), c.URL.Query().Get("integrationId")
	all := []world.Object{}
	for _, driver := range g.world.DDOEObjects(world.DDOEDrivers) {
		if (project == "" || text(driver, "projectId") == project) && (integration == "" || text(driver, "integrationId") == integration) {
			all = append(all, g.showDriver(driver))
		}
	}
	return http.StatusOK, all, nil
}

func (g *gate) createDriver(c call) (int, any, error) {
	if err := g.requireDeveloper(c); err != nil {
		return 0, nil, err
	}
	var p driverPayload
	if err := c.decode(&p); err != nil {
		return 0, nil, err
	}
	if err := g.checkDriver(p); err != nil {
		return 0, nil, err
	}
	id, now := uuid.NewString(), g.world.Now()
	driver := world.Object{"id": id, "type": p.Type, "name": p.Name, "creator": p.Creator, "createdAt": now.UnixMilli(),
		"isSyncable": true, "projectId": p.system("projectId"), "orgId": p.system("orgId"),
		"allowExternalDelete": p.AllowExternalDelete == nil || *p.AllowExternalDelete, "allowExternalModification": true,
		"integrationId": p.IntegrationID, "integrationType": p.IntegrationType, "metadata": p.Metadata}
	setPayload(driver, p.Payload)
	if err := g.world.PutDDOEObject(world.DDOEDrivers, driver); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, g.showDriver(driver), nil
}

// checkDriver refuses a driver that lacks something, or that does not fit its integration.
func (g *gate) checkDriver(p driverPayload) error {
	if p.Name == "" || p.Type == "" || p.Creator == "" || p.Payload == nil || p.system("projectId") == "" {
		return refuse(http.StatusBadRequest, "name, type, creator, metadata.system.projectId and payload are required")
	}
	if _, ok := g.world.DDOEObject(world.DDOEProjects, p.system("projectId")); !ok {
		return refuse(http.StatusNotFound, "Project not found")
	}
	if err := g.checkStorage(p); err != nil {
		return err
	}
	integration, ok := g.world.DDOEObject(world.DDOEIntegrations, p.IntegrationID)
	switch {
	case !ok:
		return integrationNotFound()
	case text(integration, "type") != p.IntegrationType:
		return refuse(http.StatusBadRequest, "integrationType is not the type of the integration")
	}
	return nil
}

// checkStorage refuses what names no place in Azure storage.
func (g *gate) checkStorage(p driverPayload) error {
	path := text(p.Payload, "path")
	switch {
	case !slices.Contains([]string{"azureblob", "azureDatalakeGen2"}, p.Type):
		return refuse(http.StatusBadRequest, "type must be azureblob or azureDatalakeGen2")
	case text(p.Payload, "containerName") == "":
		return refuse(http.StatusBadRequest, "payload.containerName is required")
	case strings.Contains(path, "://") || strings.HasPrefix(path, "/"):
		return refuse(http.StatusBadRequest, "payload.path is a folder in the container")
	}
	return nil
}

// setPayload puts the members of a payload where the driver has them.
func setPayload(driver, payload world.Object) {
	for _, member := range []string{"containerName", "path", "storageClass", "region", "integrationId", "integrationType", "allowExternalDelete"} {
		if value, given := payload[member]; given {
			driver[member] = value
		}
	}
}

func (g *gate) getDriver(c call) (int, any, error) {
	driver, ok := g.world.DDOEObject(world.DDOEDrivers, c.PathValue("driver"))
	if !ok {
		return 0, nil, driverNotFound()
	}
	return http.StatusOK, g.showDriver(driver), nil
}

func (g *gate) updateDriver(c call) (int, any, error) {
	if err := g.requireDeveloper(c); err != nil {
		return 0, nil, err
	}
	var update struct {
		Name    string       `json:"name"`
		Payload world.Object `json:"payload"`
	}
	if err := c.decode(&update); err != nil {
		return 0, nil, err
	}
	if update.Payload == nil {
		return 0, nil, refuse(http.StatusBadRequest, "payload is required")
	}
	driver, err := g.world.ChangeDDOEObject(world.DDOEDrivers, c.PathValue("driver"), func(driver world.Object, _ []world.Object) (world.Object, error) {
		if driver == nil {
			return nil, driverNotFound()
		}
		driver["name"] = orDefault(update.Name, text(driver, "name"))
		setPayload(driver, update.Payload)
		return driver, nil
	})
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, g.showDriver(driver), nil
}

func (g *gate) deleteDriver(c call) (int, any, error) {
	if err := g.requireDeveloper(c); err != nil {
		return 0, nil, err
	}
	if err := g.world.DeleteDDOEObject(world.DDOEDrivers, c.PathValue("driver")); err != nil {
		return 0, nil, driverNotFound()
	}
	return http.StatusNoContent, nil, nil
}

// driversOf are the drivers that use an integration.
func (g *gate) driversOf(integration string) []world.Object {
	all := []world.Object{}
	for _, driver := range g.world.DDOEObjects(world.DDOEDrivers) {
		if text(driver, "integrationId") == integration {
			all = append(all, driver)
		}
	}
	return all
}

// driverSubresource is what there is below GET /drivers: the test of a driver, and the count of an integration's.
func (g *gate) driverSubresource(c call) (int, any, error) {
	first, second := c.PathValue("first"), c.PathValue("second")
	switch {
	case first == "byIntegration":
		return http.StatusOK, len(g.driversOf(second)), nil
	case second == "test":
		return g.testDriver(c, first)
	}
	return 0, nil, refuse(http.StatusNotFound, "Not found")
}

// showDriver shows a driver as the API does: flat, and with its date as text.
func (g *gate) showDriver(o world.Object) world.Object {
	view := world.Object{"isSyncable": true}
	maps.Copy(view, o)
	view["createdAt"] = time.UnixMilli(number(o, "createdAt")).UTC().Format("2006-01-02T15:04:05.000Z")
	return view
}
