package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// usableWait is how long the demo waits for the app's own verification, whose first test comes after 10 seconds.
const usableWait = time.Minute

// offeredName is what the platform calls the integration type in front of people.
const offeredName = "Azure Workload Identity Federation"

// manual takes the type away from what the organisation offers, puts the spec with the platform's side, and shows what
// is left to a person.
func (t *teller) manual(ctx context.Context) error {
	world, err := t.send(ctx, http.MethodGet, t.control, "/world", nil)
	if err != nil {
		return err
	}
	all, _ := world.at("ddoe.availableIntegrations").([]any)
	for _, one := range all {
		if at(one, "displayName") == offeredName {
			t.offered, _ = one.(map[string]any)
		}
	}
	if t.offered == nil {
		return fmt.Errorf("the organisation does not offer %s: %s", offeredName, world.raw)
	}
	if _, err := t.call(ctx, http.MethodDelete, t.control, t.offer(), nil, http.StatusNoContent,
		http.StatusOK); err != nil {
		return err
	}
	if err := t.putWithPlatform(ctx); err != nil {
		return err
	}
	a, err := t.call(ctx, http.MethodGet, t.api, "/integrations/"+t.id, nil, http.StatusOK)
	if err != nil {
		return err
	}
	t.note("mode     %v", a.at("status.ddoe.mode"))
	t.note("why      %v", a.at("status.ddoe.why"))
	t.note("form")
	for _, member := range []string{"organizationId", "integrationName", "provider", "integrationType", "clientId",
		"tenantId", "importFile"} {
		t.note("  %-16s %v", member, a.at("status.ddoe.form."+member))
	}
	t.note("next     %v", a.at("status.ddoe.next"))
	if a.at("status.ddoe.mode") != "manual" || a.at("status.ddoe.form.clientId") == nil {
		return fmt.Errorf("the platform's side is not left to a person: %s", a.raw)
	}
	return nil
}

// offer is the path of the type in the control API.
func (t *teller) offer() string {
	return fmt.Sprintf("/objects/ddoe.availableIntegrations/%v", t.offered["type"])
}

// offerType has the organisation offer the type again.
func (t *teller) offerType(ctx context.Context) error {
	t.request(http.MethodPut, t.offer(), nil)
	a, err := t.send(ctx, http.MethodPut, t.control, t.offer(), t.offered)
	if err != nil {
		return err
	}
	t.answer(a)
	return t.connectPlatform(ctx)
}

// connectPlatform puts the spec again, with the platform's side, and shows what that asked of the platform.
func (t *teller) connectPlatform(ctx context.Context) error {
	before, err := t.lastRequest(ctx)
	if err != nil {
		return err
	}
	if err := t.putWithPlatform(ctx); err != nil {
		return err
	}
	if err := t.platformRequests(ctx, before); err != nil {
		return err
	}
	return t.platform(ctx)
}

// putWithPlatform carries the spec out with the platform's side in it.
func (t *teller) putWithPlatform(ctx context.Context) error {
	spec, err := t.spec(ctx)
	if err != nil {
		return err
	}
	world, err := t.send(ctx, http.MethodGet, t.control, "/world", nil)
	if err != nil {
		return err
	}
	spec["ddoe"] = map[string]any{"organizationId": world.at("ddoe.organizations.0.id"), "integration": true,
		"driver": map[string]any{"projectId": world.at("ddoe.projects.0.id"), "name": demoContainer}}
	a, err := t.call(ctx, http.MethodPut, t.api, "/integrations/"+t.id, spec, http.StatusOK)
	if err != nil {
		return err
	}
	return t.await(ctx, a.header.Get("Operation-Location"))
}

// lastRequest is the number of the last request that the app has made.
func (t *teller) lastRequest(ctx context.Context) (any, error) {
	a, err := t.send(ctx, http.MethodGet, t.control, "/requests", nil)
	if err != nil {
		return nil, err
	}
	numbers := each(a.value, "n")
	if len(numbers) == 0 {
		return 0, nil
	}
	return numbers[len(numbers)-1], nil
}

// platformRequests shows what was asked of the platform since a request.
func (t *teller) platformRequests(ctx context.Context, since any) error {
	a, err := t.send(ctx, http.MethodGet, t.control, fmt.Sprintf("/requests?since=%v", since), nil)
	if err != nil {
		return err
	}
	all, _ := a.value.([]any)
	var asked []string
	var host string
	for _, r := range all {
		// subject tokens are had there, too, whenever a test is due
		name, path := fmt.Sprint(at(r, "host")), fmt.Sprint(at(r, "path"))
		if strings.HasPrefix(name, "gate.") && path != "/api/v1/subject-tokens" {
			host = name
			asked = append(asked, fmt.Sprintf("%v %v %v", at(r, "status"), at(r, "method"), path))
		}
	}
	if len(asked) == 0 {
		return fmt.Errorf("nothing was asked of the platform: %s", a.raw)
	}
	t.note("%d requests to %s:", len(asked), host)
	for _, one := range asked {
		t.note("  %s", one)
	}
	return nil
}

// platform shows the platform's side as the status has it.
func (t *teller) platform(ctx context.Context) error {
	a, err := t.call(ctx, http.MethodGet, t.api, "/integrations/"+t.id, nil, http.StatusOK)
	if err != nil {
		return err
	}
	for _, member := range []string{"mode", "integrationType", "integrationId", "driverId"} {
		t.note("%-16s %v", member, a.at("status.ddoe."+member))
	}
	if a.at("status.ddoe.mode") != "api" {
		return fmt.Errorf("the platform's side was not made by the API: %s", a.raw)
	}
	return nil
}

// validated waits until the app has proved access and the platform has validated its driver.
func (t *teller) validated(ctx context.Context) error {
	for deadline := time.Now().Add(usableWait); ; {
		a, err := t.send(ctx, http.MethodGet, t.api, "/integrations/"+t.id, nil)
		if err != nil {
			return err
		}
		if a.at("status.phase") == "usable" {
			t.request(http.MethodGet, "/integrations/"+t.id, nil)
			t.answer(a)
			t.note("phase %v, validated %v at %v", a.at("status.phase"), a.at("status.ddoe.validated"),
				a.at("status.ddoe.checkedAt"))
			if a.at("status.ddoe.validated") != true {
				return fmt.Errorf("usable, but not validated by the platform: %s", a.raw)
			}
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the phase still is %v after %s: %s", a.at("status.phase"), usableWait, a.raw)
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// drift deletes the driver by hand and shows that it is missed.
func (t *teller) drift(ctx context.Context) error {
	a, err := t.send(ctx, http.MethodGet, t.api, "/integrations/"+t.id, nil)
	if err != nil {
		return err
	}
	driver := fmt.Sprint(a.at("status.ddoe.driverId"))
	if _, err := t.call(ctx, http.MethodDelete, t.control, "/objects/ddoe.drivers/"+driver, nil, http.StatusNoContent,
		http.StatusOK); err != nil {
		return err
	}
	a, err = t.call(ctx, http.MethodGet, t.api, "/integrations/"+t.id+"/drift", nil, http.StatusOK)
	if err != nil {
		return err
	}
	t.note("verdict  %v", a.at("verdict"))
	checks, _ := a.at("checks").([]any)
	for _, check := range checks {
		if at(check, "status") == "fail" {
			t.note("code     %v: %v", at(check, "code"), at(check, "detail"))
			return nil
		}
	}
	return fmt.Errorf("the missing driver was not seen: %s", a.raw)
}
