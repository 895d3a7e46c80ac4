package platform

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

func (d drivers) test(c call, id string) (int, any, error) {
	driver, ok := d.world.DDOEObject(dataloop.Drivers, id)
	if !ok {
		return 0, nil, driverNotFound()
	}
	return d.tested(c.Context(), text(driver, "integrationId"), text(driver, "containerName"), text(driver, "path"))
}

func (d drivers) tested(ctx context.Context, integrationID, container, path string) (int, any, error) {
	integration, ok := d.world.DDOEObject(dataloop.Integrations, integrationID)
	if !ok {
		return 0, nil, integrationNotFound()
	}
	err := d.tester.testStorage(ctx, integration, container, path)
	var refused *storageError
	switch {
	case errors.As(err, &refused):
		return 0, nil, refuse(http.StatusBadRequest, refused.Error())
	case err != nil:
		return 0, nil, err
	}
	return http.StatusNoContent, nil, nil
}

// validateAll begins to test all drivers of an integration.
func (d drivers) validateAll(c call) (int, any, error) {
	if err := d.requireDeveloper(c); err != nil {
		return 0, nil, err
	}
	var request struct {
		IntegrationID string `json:"integrationId"`
	}
	if err := c.decode(&request); err != nil {
		return 0, nil, err
	}
	if _, ok := d.world.DDOEObject(dataloop.Integrations, request.IntegrationID); !ok {
		return 0, nil, integrationNotFound()
	}
	command := dataloop.Object{"id": uuid.NewString(), "type": "validateDrivers", "status": "created", "progress": 0,
		"error": nil,
		"spec":  dataloop.Object{"integrationId": request.IntegrationID}, "createdAt": d.world.Now().UnixMilli()}
	return http.StatusOK, command, d.world.PutDDOEObject(dataloop.Commands, command)
}

// command is a poll. The work is done by the first one: nothing runs in the background.
func (d drivers) command(c call) (int, any, error) {
	command, ok := d.world.DDOEObject(dataloop.Commands, c.PathValue("command"))
	if !ok {
		return 0, nil, refuse(http.StatusNotFound, "Command not found")
	}
	if text(command, "status") != "created" {
		return http.StatusOK, command, nil
	}
	err := d.validate(c.Context(), text(members(command, "spec"), "integrationId"))
	if c.Context().Err() != nil {
		return 0, nil, c.Context().Err() // the caller has gone: the next poll will do it
	}
	command["status"], command["progress"] = "success", 100
	if err != nil {
		command["status"], command["error"] = "failed", err.Error()
	}
	return http.StatusOK, command, d.world.PutDDOEObject(dataloop.Commands, command)
}

// validate tests every driver of an integration, and notes the outcome in the integration's metadata.
func (d drivers) validate(ctx context.Context, id string) error {
	integration, ok := d.world.DDOEObject(dataloop.Integrations, id)
	if !ok {
		return integrationNotFound()
	}
	var failed error
	for _, driver := range d.on(id) {
		err := d.tester.testStorage(ctx, integration, text(driver, "containerName"), text(driver, "path"))
		if err != nil && failed == nil {
			failed = errors.New("driver " + text(driver, "name") + ": " + err.Error())
		}
	}
	status := statusTrusted
	if failed != nil {
		status = statusUntrusted
	}
	_, err := d.changeIntegration(id, func(integration dataloop.Object) {
		setMetadata(integration, "status", status, d.world.Now())
	})
	return errors.Join(failed, err)
}
