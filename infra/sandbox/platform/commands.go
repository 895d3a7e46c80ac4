package platform

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// States of a command. There are more that end one; the quirk for validation can name any.
const (
	commandCreated    = "created"
	commandInProgress = "in-progress"
	commandSuccess    = "success"
	commandFailed     = "failed"
	commandAborted    = "aborted"
)

func commandNotFound() *refusal { return refuse(http.StatusNotFound, "Command not found") }

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
		return 0, nil, refuse(g.testStatus(), refused.Error())
	case err != nil:
		return 0, nil, err
	}
	return http.StatusNoContent, nil, nil
}

// testStatus is the status of a failed test.
func (g *gate) testStatus() int {
	if status, err := strconv.Atoi(g.value(QuirkDriverTest)); err == nil {
		return status
	}
	return http.StatusBadRequest
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
	quirk, now := g.quirk(QuirkValidation), g.world.Now()
	polls, _ := number(quirk, "polls")
	ms, _ := number(quirk, "ms")
	command := world.Object{"id": uuid.NewString(), "type": "validateDrivers", "status": commandCreated, "progress": 0,
		"error": nil, "spec": world.Object{"integrationId": request.IntegrationID}, "createdAt": now.UnixMilli(), "updatedAt": now.UnixMilli(),
		"creator": text(c.user, "id"), "sandbox": world.Object{"polls": polls, "left": polls, "readyAt": now.UnixMilli() + ms,
			"status": text(quirk, "status"), "error": text(quirk, "error")}}
	if err := g.world.PutDDOEObject(world.DDOECommands, command); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, g.commandView(command), nil
}

// getCommand is a poll. The work is done by the first poll that finds it due: nothing runs in the background.
func (g *gate) getCommand(c call) (int, any, error) {
	if command, _ := g.world.DDOEObject(world.DDOECommands, c.PathValue("command")); !g.arrived(command, QuirkCommandLag) {
		return 0, nil, commandNotFound()
	}
	due := false
	command, err := g.changeCommand(c.PathValue("command"), func(command world.Object) {
		if ended(command) {
			return
		}
		if due = g.advance(command); !due {
			command["status"] = commandInProgress
		}
	})
	if err != nil {
		return 0, nil, err
	}
	if due {
		status, message := g.validate(c.Context(), command)
		if c.Context().Err() != nil {
			return 0, nil, c.Context().Err() // the caller has gone: the next poll will do it
		}
		command, err = g.changeCommand(c.PathValue("command"), func(command world.Object) {
			if ended(command) { // by another poll, or aborted
				return
			}
			command["status"], command["progress"] = status, 100
			if message != "" {
				command["error"] = message
			}
		})
		if err != nil {
			return 0, nil, err
		}
	}
	return http.StatusOK, g.commandView(command), nil
}

// advance counts a poll and tells whether the work is due.
func (g *gate) advance(command world.Object) bool {
	state := members(command, "sandbox")
	if state == nil {
		return true // put into the world by hand
	}
	polls, _ := number(state, "polls")
	left, _ := number(state, "left")
	readyAt, _ := number(state, "readyAt")
	if left == 0 && g.world.Now().UnixMilli() >= readyAt {
		return true
	}
	if left > 0 {
		left--
		state["left"] = left
	}
	command["progress"] = 50
	if polls > 0 {
		command["progress"] = 99 * (polls - left) / polls
	}
	return false
}

func ended(command world.Object) bool {
	switch text(command, "status") {
	case "success", "failed", "timeout", "canceled", "aborted":
		return true
	}
	return false
}

// validate tests every driver of the command's integration, and notes the outcome in the integration's metadata.
func (g *gate) validate(ctx context.Context, command world.Object) (status, message string) {
	state := members(command, "sandbox")
	if status := text(state, "status"); status != "" {
		return status, text(state, "error")
	}
	id := text(members(command, "spec"), "integrationId")
	integration, ok := g.world.DDOEObject(world.DDOEIntegrations, id)
	if !ok {
		return commandFailed, "Integration not found"
	}
	trust, outcome := statusTrusted, commandSuccess
	for _, driver := range g.driversOf(id) {
		if err := g.testStorage(ctx, integration, text(driver, "containerName"), text(driver, "path")); err != nil {
			trust, outcome, message = statusUntrusted, commandFailed, "driver "+text(driver, "name")+": "+err.Error()
			break
		}
	}
	_, err := g.world.ChangeDDOEObject(world.DDOEIntegrations, id, func(integration world.Object, _ []world.Object) (world.Object, error) {
		if integration == nil {
			return nil, integrationNotFound()
		}
		setMetadata(integration, "", "status", trust, g.world.Now())
		return integration, nil
	})
	if err != nil {
		return commandFailed, err.Error()
	}
	return outcome, message
}

func (g *gate) abortCommand(c call) (int, any, error) {
	command, err := g.changeCommand(c.PathValue("command"), func(command world.Object) {
		if !ended(command) {
			command["status"] = commandAborted
		}
	})
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, g.commandView(command), nil
}

func (g *gate) changeCommand(id string, change func(world.Object)) (world.Object, error) {
	return g.world.ChangeDDOEObject(world.DDOECommands, id, func(command world.Object, _ []world.Object) (world.Object, error) {
		if command == nil {
			return nil, commandNotFound()
		}
		change(command)
		command["updatedAt"] = g.world.Now().UnixMilli()
		return command, nil
	})
}

func (g *gate) commandView(o world.Object) world.Object {
	return world.Object{"id": o["id"], "url": "https://" + GateHost + "/api/v1/commands/" + text(o, "id"), "status": o["status"],
		"type": o["type"], "progress": o["progress"], "error": o["error"], "spec": o["spec"],
		"createdAt": g.commandDate(o, "createdAt"), "updatedAt": g.commandDate(o, "updatedAt")}
}

func (g *gate) commandDate(o world.Object, member string) any {
	ms, ok := number(o, member)
	if !ok {
		return g.date(g.world.Now(), false)
	}
	return g.date(time.UnixMilli(ms), false)
}
