package platform

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// drivers is what the API does with drivers.
type drivers struct {
	*gate
	tester tester
}

// driverPayload is a driver as it is created.
type driverPayload struct {
	Name                string          `json:"name"`
	Type                string          `json:"type"`
	Creator             string          `json:"creator"`
	IntegrationID       string          `json:"integrationId"`
	IntegrationType     string          `json:"integrationType"`
	AllowExternalDelete *bool           `json:"allowExternalDelete"`
	Metadata            dataloop.Object `json:"metadata"`
	Payload             dataloop.Object `json:"payload"`
}

func (p driverPayload) system(member string) string {
	return text(members(p.Metadata, "system"), member)
}

func driverNotFound() *refusal { return refuse(http.StatusNotFound, "Driver not found") }

func (d drivers) list(c call) (int, any, error) {
	project, integration := c.URL.Query().Get("projectId"), c.URL.Query().Get("integrationId")
	all := []dataloop.Object{}
	for _, driver := range d.world.DDOEObjects(dataloop.Drivers) {
		if (project == "" || text(driver, "projectId") == project) &&
			(integration == "" || text(driver, "integrationId") == integration) {
			all = append(all, d.show(driver))
		}
	}
	return http.StatusOK, all, nil
}

func (d drivers) create(c call) (int, any, error) {
	if err := d.requireDeveloper(c); err != nil {
		return 0, nil, err
	}
	var p driverPayload
	if err := c.decode(&p); err != nil {
		return 0, nil, err
	}
	if err := d.check(p); err != nil {
		return 0, nil, err
	}
	id, now := uuid.NewString(), d.world.Now()
	driver := dataloop.Object{"id": id, "type": p.Type, "name": p.Name, "creator": p.Creator,
		"createdAt":  now.UnixMilli(),
		"isSyncable": true, "projectId": p.system("projectId"), "orgId": p.system("orgId"),
		"allowExternalDelete":       p.AllowExternalDelete == nil || *p.AllowExternalDelete,
		"allowExternalModification": true,
		"integrationId":             p.IntegrationID, "integrationType": p.IntegrationType, "metadata": p.Metadata}
	setPayload(driver, p.Payload)
	if err := d.world.PutDDOEObject(dataloop.Drivers, driver); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, d.show(driver), nil
}

// check refuses a driver that lacks something, or that does not fit its integration.
func (d drivers) check(p driverPayload) error {
	if p.Name == "" || p.Type == "" || p.Creator == "" || p.Payload == nil || p.system("projectId") == "" {
		return refuse(http.StatusBadRequest, "name, type, creator, metadata.system.projectId and payload are required")
	}
	if _, ok := d.world.DDOEObject(dataloop.Projects, p.system("projectId")); !ok {
		return refuse(http.StatusNotFound, "Project not found")
	}
	if err := d.checkStorage(p); err != nil {
		return err
	}
	integration, ok := d.world.DDOEObject(dataloop.Integrations, p.IntegrationID)
	switch {
	case !ok:
		return integrationNotFound()
	case text(integration, "type") != p.IntegrationType:
		return refuse(http.StatusBadRequest, "integrationType is not the type of the integration")
	}
	return nil
}

// checkStorage refuses what names no place in Azure storage.
func (d drivers) checkStorage(p driverPayload) error {
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
func setPayload(driver, payload dataloop.Object) {
	for _, member := range []string{"containerName", "path", "storageClass", "region", "integrationId",
		"integrationType", "allowExternalDelete"} {
		if value, given := payload[member]; given {
			driver[member] = value
		}
	}
}

func (d drivers) get(c call) (int, any, error) {
	driver, ok := d.world.DDOEObject(dataloop.Drivers, c.PathValue("driver"))
	if !ok {
		return 0, nil, driverNotFound()
	}
	return http.StatusOK, d.show(driver), nil
}

func (d drivers) update(c call) (int, any, error) {
	if err := d.requireDeveloper(c); err != nil {
		return 0, nil, err
	}
	var update struct {
		Name    string          `json:"name"`
		Payload dataloop.Object `json:"payload"`
	}
	if err := c.decode(&update); err != nil {
		return 0, nil, err
	}
	if update.Payload == nil {
		return 0, nil, refuse(http.StatusBadRequest, "payload is required")
	}
	change := func(driver dataloop.Object, _ []dataloop.Object) (dataloop.Object, error) {
		if driver == nil {
			return nil, driverNotFound()
		}
		driver["name"] = orDefault(update.Name, text(driver, "name"))
		setPayload(driver, update.Payload)
		return driver, nil
	}
	driver, err := d.world.ChangeDDOEObject(dataloop.Drivers, c.PathValue("driver"), change)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, d.show(driver), nil
}

func (d drivers) delete(c call) (int, any, error) {
	if err := d.requireDeveloper(c); err != nil {
		return 0, nil, err
	}
	if err := d.world.DeleteDDOEObject(dataloop.Drivers, c.PathValue("driver")); err != nil {
		return 0, nil, driverNotFound()
	}
	return http.StatusNoContent, nil, nil
}

// on are the drivers that use an integration.
func (d drivers) on(integration string) []dataloop.Object {
	all := []dataloop.Object{}
	for _, driver := range d.world.DDOEObjects(dataloop.Drivers) {
		if text(driver, "integrationId") == integration {
			all = append(all, driver)
		}
	}
	return all
}

// subresource is what there is below GET /drivers: the test of a driver, and the count of an integration's.
func (d drivers) subresource(c call) (int, any, error) {
	first, second := c.PathValue("first"), c.PathValue("second")
	switch {
	case first == "byIntegration":
		return http.StatusOK, len(d.on(second)), nil
	case second == "test":
		return d.test(c, first)
	}
	return 0, nil, refuse(http.StatusNotFound, "Not found")
}

// show shows a driver as the API does: flat, and with its date as text.
func (d drivers) show(o dataloop.Object) dataloop.Object {
	view := dataloop.Object{"isSyncable": true}
	maps.Copy(view, o)
	view["createdAt"] = time.UnixMilli(number(o, "createdAt")).UTC().Format("2006-01-02T15:04:05.000Z")
	return view
}
