package platform

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// Values of an integration's metadata entry "status".
const (
	statusCreated   = "created"
	statusTrusted   = "trusted"
	statusUntrusted = "untrusted"
)

func (g *gate) listIntegrations(c call) (int, any, error) {
	organization, err := g.pathOrganization(c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, g.integrationsOf(text(organization, "id")), nil
}

// integrationsOf shows the integrations of an organisation.
func (g *gate) integrationsOf(organization string) []world.Object {
	all := []world.Object{}
	for _, integration := range g.world.DDOEObjects(world.DDOEIntegrations) {
		if belongs(integration, organization) && g.arrived(integration, QuirkListLag) {
			all = append(all, g.integrationView(integration, false))
		}
	}
	return all
}

// belongs tells whether the integration is the organisation's; one that was put into the world without saying is everybody's.
func belongs(integration world.Object, organization string) bool {
	return text(integration, "org") == "" || strings.EqualFold(text(integration, "org"), organization)
}

func (g *gate) getIntegration(c call) (int, any, error) {
	integration, err := g.pathIntegration(c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, g.integrationView(integration, true), nil
}

// pathIntegration is the integration that the path names, of the organisation that it names, if it does.
func (g *gate) pathIntegration(c call) (world.Object, error) {
	if c.PathValue("org") != "" {
		if _, err := g.pathOrganization(c); err != nil {
			return nil, err
		}
	}
	integration, ok := g.world.DDOEObject(world.DDOEIntegrations, c.PathValue("integration"))
	if !ok || c.PathValue("org") != "" && !belongs(integration, c.PathValue("org")) {
		return nil, integrationNotFound()
	}
	return integration, nil
}

func integrationNotFound() *refusal { return refuse(http.StatusNotFound, "Integration not found") }

func (g *gate) createIntegration(c call) (int, any, error) {
	organization, err := g.pathOrganization(c)
	if err != nil {
		return 0, nil, err
	}
	if err := g.requireOrganizationAdmin(c); err != nil {
		return 0, nil, err
	}
	var request struct {
		Name     string       `json:"name"`
		Type     string       `json:"type"`
		Options  world.Object `json:"options"`
		Metadata world.Object `json:"metadata"`
	}
	if err := c.decode(&request); err != nil {
		return 0, nil, err
	}
	if request.Name == "" || request.Type == "" || request.Options == nil {
		return 0, nil, refuse(http.StatusBadRequest, "name, type and options are required")
	}
	if err := g.checkOptions(request.Type, request.Options); err != nil {
		return 0, nil, err
	}
	id, now := uuid.NewString(), g.world.Now()
	metadata := []any{metadataEntry(id, "status", statusCreated, now)}
	for _, name := range slices.Sorted(maps.Keys(request.Metadata)) {
		metadata = append(metadata, metadataEntry(id, name, asText(request.Metadata[name]), now))
	}
	taken := g.duplicate(request.Name, text(organization, "id"))
	integration, err := g.world.ChangeDDOEObject(world.DDOEIntegrations, id, func(_ world.Object, all []world.Object) (world.Object, error) {
		if err := taken(all); err != nil {
			return nil, err
		}
		return world.Object{"id": id, "name": request.Name, "type": request.Type, "org": text(organization, "id"),
			"creator": text(c.user, "id"), "createdAt": now.UnixMilli(), "updatedAt": now.UnixMilli(),
			"options": request.Options, "metadata": metadata}, nil
	})
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, g.integrationView(integration, false), nil
}

// duplicate returns what refuses a name that an integration of the organisation has already, if the platform minds.
func (g *gate) duplicate(name, organization string) func(all []world.Object) error {
	var refused error
	switch {
	case g.has(QuirkDuplicate409):
		refused = refuse(http.StatusConflict, "Conflict: integration name is taken")
	case g.has(QuirkDuplicate400):
		refused = refuse(http.StatusBadRequest, fmt.Sprintf("integration with name %s already exist", name))
	}
	return func(all []world.Object) error {
		for _, other := range all {
			if text(other, "name") == name && belongs(other, organization) {
				return refused
			}
		}
		return nil
	}
}

// checkOptions refuses options that the type does not list, and the absence of one that it requires.
func (g *gate) checkOptions(kind string, given world.Object) error {
	available, ok := g.world.DDOEObject(world.DDOEAvailableIntegrations, kind)
	if !ok {
		return refuse(http.StatusBadRequest, "type is not one of the integration types of this org")
	}
	listed := map[string]bool{}
	for _, option := range options(available) {
		name := text(option, "name")
		listed[name] = true
		value, isText := given[name].(string)
		if required, _ := option["required"].(bool); required && value == "" {
			return refuse(http.StatusBadRequest, "options."+name+" is required")
		}
		if _, isGiven := given[name]; isGiven && !isText {
			return refuse(http.StatusBadRequest, "options."+name+" must be a string")
		}
		if meaning(option) == world.MeansCredentialFile && value != "" && !json.Valid([]byte(value)) {
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

// integrationUpdate is the body of an update: the id is in it, and options are nested.
type integrationUpdate struct {
	IntegrationID string `json:"integrationId"`
	Name          string `json:"name"`
	Credentials   *struct {
		Type    string       `json:"type"`
		Options world.Object `json:"options"`
	} `json:"credentials"`
	Metadata []struct {
		ID    string `json:"id"`
		Name  string `json:"name"`
		Value any    `json:"value"`
	} `json:"metadata"`
}

func (g *gate) updateIntegration(c call) (int, any, error) {
	organization, err := g.pathOrganization(c)
	if err != nil {
		return 0, nil, err
	}
	if err := g.requireOrganizationAdmin(c); err != nil {
		return 0, nil, err
	}
	var update integrationUpdate
	if err := c.decode(&update); err != nil {
		return 0, nil, err
	}
	if update.IntegrationID == "" || update.Credentials != nil && (update.Credentials.Type == "" || update.Credentials.Options == nil) {
		return 0, nil, refuse(http.StatusBadRequest, "integrationId is required, and so are type and options of credentials")
	}
	current, ok := g.world.DDOEObject(world.DDOEIntegrations, update.IntegrationID)
	if !ok || !belongs(current, text(organization, "id")) {
		return 0, nil, integrationNotFound()
	}
	quirk := g.value(QuirkIntegrationPatch)
	update = kept(quirk, current, update)
	merged := g.mergedOptions(current, update)
	if merged != nil {
		if err := g.checkOptions(update.Credentials.Type, merged); err != nil {
			return 0, nil, err
		}
	}
	taken := g.duplicate(update.Name, text(organization, "id"))
	now := g.world.Now()
	integration, err := g.world.ChangeDDOEObject(world.DDOEIntegrations, update.IntegrationID,
		func(integration world.Object, all []world.Object) (world.Object, error) {
			if integration == nil {
				return nil, integrationNotFound()
			}
			if update.Name != "" && (update.Name != text(integration, "name") || quirk == mindsOwnName) {
				if err := taken(all); err != nil {
					return nil, err
				}
				integration["name"] = update.Name
			}
			if merged != nil {
				integration["type"], integration["options"] = update.Credentials.Type, merged
				setMetadata(integration, "", "status", statusCreated, now)
			}
			for _, entry := range update.Metadata {
				setMetadata(integration, entry.ID, entry.Name, asText(entry.Value), now)
			}
			integration["updatedAt"] = now.UnixMilli()
			return integration, nil
		})
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, g.integrationView(integration, false), nil
}

// kept is what an update changes of what it was sent, by the quirk of that name.
func kept(quirk string, current world.Object, update integrationUpdate) integrationUpdate {
	switch {
	case quirk == keepsName:
		update.Name = ""
	case quirk == keepsMetadata:
		update.Metadata = nil
	case quirk == keepsType && update.Credentials != nil && update.Credentials.Type != text(current, "type"):
		update.Credentials = nil
	}
	return update
}

// mergedOptions are the options after an update; nil if it has none.
func (g *gate) mergedOptions(current world.Object, update integrationUpdate) world.Object {
	if update.Credentials == nil {
		return nil
	}
	if update.Credentials.Type != text(current, "type") || g.has(QuirkPatchReplaces) {
		return update.Credentials.Options
	}
	merged := world.Object{}
	maps.Copy(merged, members(current, "options"))
	maps.Copy(merged, update.Credentials.Options)
	return merged
}

// deleteIntegration answers with what is left, or as the quirk says.
func (g *gate) deleteIntegration(c call) (int, any, error) {
	integration, err := g.pathIntegration(c)
	if err != nil {
		return 0, nil, err
	}
	if err := g.requireOrganizationAdmin(c); err != nil {
		return 0, nil, err
	}
	id := text(integration, "id")
	if g.has(QuirkRefuseDeleteInUse) && len(g.driversOf(id)) > 0 {
		return 0, nil, refuse(http.StatusBadRequest, "Integration is in use by drivers")
	}
	if err := g.world.DeleteDDOEObject(world.DDOEIntegrations, id); err != nil {
		return 0, nil, integrationNotFound()
	}
	switch g.value(QuirkIntegrationDelete) {
	case "object":
		return http.StatusOK, g.integrationView(integration, true), nil
	case "nothing":
		return http.StatusNoContent, nil, nil
	}
	return http.StatusOK, g.integrationsOf(c.PathValue("org")), nil
}
