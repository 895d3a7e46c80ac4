package platform

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// Values of an integration's metadata entry "status".
const (
	statusCreated   = "created"
	statusTrusted   = "trusted"
	statusUntrusted = "untrusted"
)

// integrations is what the API does with integrations.
type integrations struct{ *gate }

func integrationNotFound() *refusal { return refuse(http.StatusNotFound, "Integration not found") }

// isOf tells whether the integration is the organisation's; one that was put into the world without saying is
// everybody's.
func isOf(integration dataloop.Object, organization string) bool {
	return text(integration, "org") == "" || strings.EqualFold(text(integration, "org"), organization)
}

func (i integrations) list(c call) (int, any, error) {
	organization, err := i.pathOrganization(c)
	if err != nil {
		return 0, nil, err
	}
	all := []dataloop.Object{}
	for _, integration := range i.world.DDOEObjects(dataloop.Integrations) {
		if isOf(integration, organization) {
			all = append(all, i.show(integration, false))
		}
	}
	return http.StatusOK, all, nil
}

func (i integrations) get(c call) (int, any, error) {
	integration, err := i.pathIntegration(c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, i.show(integration, true), nil
}

// pathIntegration is the integration that the path names, of the organisation that it names, if it does.
func (i integrations) pathIntegration(c call) (dataloop.Object, error) {
	if c.PathValue("org") != "" {
		if _, err := i.pathOrganization(c); err != nil {
			return nil, err
		}
	}
	integration, ok := i.world.DDOEObject(dataloop.Integrations, c.PathValue("integration"))
	if !ok || c.PathValue("org") != "" && !isOf(integration, c.PathValue("org")) {
		return nil, integrationNotFound()
	}
	return integration, nil
}

// show shows an integration without its options. Read alone, its organisation is an object; else it is an id.
func (i integrations) show(o dataloop.Object, alone bool) dataloop.Object {
	id, organization := text(o, "id"), any(text(o, "org"))
	if known, ok := i.world.DDOEObject(dataloop.Organizations, text(o, "org")); ok && alone {
		organization = known
	}
	metadata, ok := o["metadata"].([]any)
	if !ok {
		metadata = []any{}
	}
	return dataloop.Object{"id": id, "name": text(o, "name"), "type": text(o, "type"), "org": organization,
		"creator":   text(o, "creator"),
		"createdAt": number(o, "createdAt"), "updatedAt": number(o, "updatedAt"),
		"url": "https://" + GateHost + "/api/v1/integrations/" + id, "metadata": metadata}
}

// create makes one. Names are not unique.
func (i integrations) create(c call) (int, any, error) {
	organization, err := i.requireOrganizationAdmin(c)
	if err != nil {
		return 0, nil, err
	}
	var request struct {
		Name     string          `json:"name"`
		Type     string          `json:"type"`
		Options  dataloop.Object `json:"options"`
		Metadata dataloop.Object `json:"metadata"`
	}
	if err := c.decode(&request); err != nil {
		return 0, nil, err
	}
	if request.Name == "" || request.Type == "" || request.Options == nil {
		return 0, nil, refuse(http.StatusBadRequest, "name, type and options are required")
	}
	if err := i.checkOptions(request.Type, request.Options); err != nil {
		return 0, nil, err
	}
	id, now := uuid.NewString(), i.world.Now()
	integration := dataloop.Object{"id": id, "name": request.Name, "type": request.Type, "org": organization,
		"creator":   text(c.user, "id"),
		"createdAt": now.UnixMilli(), "updatedAt": now.UnixMilli(), "options": request.Options}
	setMetadata(integration, "status", statusCreated, now)
	for _, name := range slices.Sorted(maps.Keys(request.Metadata)) {
		setMetadata(integration, name, text(request.Metadata, name), now)
	}
	if err := i.world.PutDDOEObject(dataloop.Integrations, integration); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, i.show(integration, false), nil
}

// setMetadata changes the entry of that name, or adds one.
func setMetadata(integration dataloop.Object, name, value string, now time.Time) {
	entries, _ := integration["metadata"].([]any)
	for _, one := range entries {
		if entry, _ := one.(dataloop.Object); text(entry, "name") == name {
			entry["value"], entry["updatedAt"] = value, now.UnixMilli()
			return
		}
	}
	integration["metadata"] = append(entries, dataloop.Object{"id": uuid.NewString(), "name": name, "value": value,
		"integration": text(integration, "id"),
		"createdAt":   now.UnixMilli(), "updatedAt": now.UnixMilli()})
}

// checkOptions refuses options that the type does not list, and the absence of one that it requires.
func (i integrations) checkOptions(kind string, given dataloop.Object) error {
	available, ok := i.world.DDOEObject(dataloop.AvailableIntegrations, kind)
	if !ok {
		return refuse(http.StatusBadRequest, "type is not one of the integration types of this org")
	}
	listed := map[string]bool{}
	for _, option := range options(available) {
		name := text(option, "name")
		listed[name] = true
		value := text(given, name)
		if required, _ := option["required"].(bool); required && value == "" {
			return refuse(http.StatusBadRequest, "options."+name+" is required")
		}
		if meaning(option) == dataloop.MeansCredentialFile && value != "" && !json.Valid([]byte(value)) {
			return refuse(http.StatusBadRequest, "options."+name+" is not valid JSON")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !listed[name] {
			return refuse(http.StatusBadRequest, "options."+name+" is not allowed")
		}
	}
	return nil
}

// update changes one: the id is in the body, and options are nested. Options of the same type are merged.
func (i integrations) update(c call) (int, any, error) {
	organization, err := i.requireOrganizationAdmin(c)
	if err != nil {
		return 0, nil, err
	}
	var update struct {
		IntegrationID string `json:"integrationId"`
		Name          string `json:"name"`
		Credentials   *struct {
			Type    string          `json:"type"`
			Options dataloop.Object `json:"options"`
		} `json:"credentials"`
	}
	if err := c.decode(&update); err != nil {
		return 0, nil, err
	}
	current, ok := i.world.DDOEObject(dataloop.Integrations, update.IntegrationID)
	if !ok || !isOf(current, organization) {
		return 0, nil, integrationNotFound()
	}
	options := dataloop.Object{}
	if k := update.Credentials; k != nil {
		if k.Type == text(current, "type") {
			maps.Copy(options, members(current, "options"))
		}
		maps.Copy(options, k.Options)
		if err := i.checkOptions(k.Type, options); err != nil {
			return 0, nil, err
		}
	}
	now := i.world.Now()
	integration, err := i.changeIntegration(update.IntegrationID, func(integration dataloop.Object) {
		integration["name"] = orDefault(update.Name, text(integration, "name"))
		if update.Credentials != nil {
			integration["type"], integration["options"] = update.Credentials.Type, options
			setMetadata(integration, "status", statusCreated, now)
		}
		integration["updatedAt"] = now.UnixMilli()
	})
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, i.show(integration, false), nil
}

func (g *gate) changeIntegration(id string, change func(dataloop.Object)) (dataloop.Object, error) {
	return g.world.ChangeDDOEObject(dataloop.Integrations, id,
		func(integration dataloop.Object, _ []dataloop.Object) (dataloop.Object, error) {
			if integration == nil {
				return nil, integrationNotFound()
			}
			change(integration)
			return integration, nil
		})
}

// delete answers with what is left. Drivers on it lose their access.
func (i integrations) delete(c call) (int, any, error) {
	integration, err := i.pathIntegration(c)
	if err != nil {
		return 0, nil, err
	}
	if _, err := i.requireOrganizationAdmin(c); err != nil {
		return 0, nil, err
	}
	if err := i.world.DeleteDDOEObject(dataloop.Integrations, text(integration, "id")); err != nil {
		return 0, nil, integrationNotFound()
	}
	return i.list(c)
}
