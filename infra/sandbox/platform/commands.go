package platform

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// testPayload tests storage for a driver that is not there yet.
func (g *gate) testPayload(c call) (int, any, error) {
	if err := g.requireDeveloper(c); err != nil {
		return 0, nil, err
	}
	var p driverPayload
	if err := c.decode(&p); err != nil {
		return 0, nil, err
	}
	if err := g.checkStorage(p); err != nil {
		return 0, nil, err
	}
	return g.tested(c.Context(), p.IntegrationID, text(p.Payload, "containerName"), text(p.Payload, "path"))
}

func (g *gate) testDriver(c call, id string) (int, any, error) {
	driver, ok := g.world.DDOEObject(world.DDOEDrivers, id)
	if !ok {
		return 0, nil, driverNotFound()
	}
	return g.tested(c.Context(), text(driver, "integrationId"), text(driver, "containerName"), text(driver, "path"))
}

func (g *gate) tested(ctx context.Context, integrationID, container, path string) (int, any, error) {
	integration, ok := g.world.DDOEObject(world.DDOEIntegrations, integrationID)
	if !ok {
		return 0, nil, integrationNotFound()
	}
	err := g.testStorage(ctx, integration, container, path)
	var refused *storageError
	switch {
	case errors.As(err, &refused):
		return 0, nil, refuse(http.StatusBadRequest, refused.Error())
	case err != nil:
		return 0, nil, err
	}
	return http.StatusNoContent, nil, nil
}

// validateDrivers begins to test all drivers of an integration.
func (g *gate) validateDrivers(c call) (int, any, error) {
	if err := g.requireDeveloper(c); err != nil {
		return 0, nil, err
	}
	var request struct {
		IntegrationID string `json:"integrationId"`
	}
	if err := c.decode(&request); err != nil {
		return 0, nil, err
	}
	if _, ok := g.world.DDOEObject(world.DDOEIntegrations, request.IntegrationID); !ok {
		return 0, nil, integrationNotFound()
	}
	command := world.Object{"id": uuid.NewString(), "type": "validateDrivers", "status": "created", "progress": 0, "error": nil,
		"spec": world.Object{"integrationId": request.IntegrationID}, "createdAt": g.world.Now().UnixMilli()}
	return http.StatusOK, command, g.world.PutDDOEObject(world.DDOECommands, command)
}

// getCommand is a poll. The work is done by the first one: nothing runs in the background.
func (g *gate) getCommand(c call) (int, any, error) {
	command, ok := g.world.DDOEObject(world.DDOECommands, c.PathValue("command"))
	if !ok {
		return 0, nil, refuse(http.StatusNotFound, "Command not found")
	}
	if text(command, "status") != "created" {
		return http.StatusOK, command, nil
	}
	err := g.validate(c.Context(), text(members(command, "spec"), "integrationId"))
	if c.Context().Err() != nil {
		return 0, nil, c.Context().Err() // the caller has gone: the next poll will do it
	}
	command["status"], command["progress"] = "success", 100
	if err != nil {
		command["status"], command["error"] = "failed", err.Error()
	}
	return http.StatusOK, command, g.world.PutDDOEObject(world.DDOECommands, command)
}

// validate tests every driver of an integration, and notes the outcome in the integration's metadata.
func (g *gate) validate(ctx context.Context, id string) error {
	integration, ok := g.world.DDOEObject(world.DDOEIntegrations, id)
	if !ok {
		return integrationNotFound()
	}
	var failed error
	for _, driver := range g.driversOf(id) {
		if err := g.testStorage(ctx, integration, text(driver, "containerName"), text(driver, "path")); err != nil && failed == nil {
			failed = errors.New("driver " + text(driver, "name") + ": " + err.Error())
		}
	}
	status := statusTrusted
	if failed != nil {
		status = statusUntrusted
	}
	_, err := g.changeIntegration(id, func(integration world.Object) { setMetadata(integration, "status", status, g.world.Now()) })
	return errors.Join(failed, err)
}
