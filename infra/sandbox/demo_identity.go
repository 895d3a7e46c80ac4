package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// managedTeller tells the part of the demo about managed identities.
type managedTeller struct{ *teller }

// Hosts of the two services that make identities.
const (
	graphHost      = "graph.microsoft.com"
	managementHost = "management.azure.com"
)

// provision provisions another integration, with a user-assigned managed identity, and shows what that asked of
// Azure.
func (t managedTeller) provision(ctx context.Context) error {
	before, err := t.lastRequest(ctx)
	if err != nil {
		return err
	}
	t.id = demoManagedID
	if err := t.put(ctx, http.StatusCreated); err != nil {
		return err
	}
	a, err := t.send(ctx, http.MethodGet, t.api, "/integrations/"+t.id, nil)
	if err != nil {
		return err
	}
	t.note("identity %v", a.at("status.identity.kind"))
	t.note("         %v", a.at("status.identity.resourceId"))
	return t.writes(ctx, before)
}

// put asks for the integration with a managed identity, and waits until it is made.
func (t managedTeller) put(ctx context.Context, want int) error {
	spec, err := t.spec(ctx)
	if err != nil {
		return err
	}
	spec["identity"] = map[string]any{"kind": "managedIdentity"}
	put, err := t.call(ctx, http.MethodPut, t.api, "/integrations/"+t.id, spec, want)
	if err != nil {
		return err
	}
	return t.await(ctx, put.header.Get("Operation-Location"))
}

// writes shows what was written since a request to make the identity. Any request to Microsoft Graph is an error.
func (t managedTeller) writes(ctx context.Context, since any) error {
	a, err := t.send(ctx, http.MethodGet, t.control, fmt.Sprintf("/requests?since=%v", since), nil)
	if err != nil {
		return err
	}
	all, _ := a.value.([]any)
	for _, r := range all {
		path, _, _ := strings.Cut(fmt.Sprint(at(r, "path")), "?")
		switch host := at(r, "host"); {
		case host == graphHost:
			return fmt.Errorf("there was a request to Microsoft Graph: %s", a.raw)
		case host == managementHost && at(r, "method") == http.MethodPut:
			segments := strings.Split(path, "/")
			t.note("  %v PUT …/%s", at(r, "status"), strings.Join(segments[max(0, len(segments)-2):], "/"))
		}
	}
	return nil
}

func (t managedTeller) prove(ctx context.Context) error {
	if err := t.credentials(ctx); err != nil {
		return err
	}
	return t.passes(ctx)
}

// breakIt removes, by the control API, the federated credential that the integration made.
func (t managedTeller) breakIt(ctx context.Context) error {
	a, err := t.send(ctx, http.MethodGet, t.api, "/integrations/"+t.id, nil)
	if err != nil {
		return err
	}
	id := fmt.Sprint(a.at("status.federatedCredentials.0.id"))
	_, err = t.call(ctx, http.MethodDelete, t.control, "/objects/userAssignedIdentityCredentials/"+url.PathEscape(id),
		nil, http.StatusNoContent, http.StatusOK)
	return err
}

// repair asks for the same again, and proves access.
func (t managedTeller) repair(ctx context.Context) error {
	if err := t.put(ctx, http.StatusOK); err != nil {
		return err
	}
	return t.passes(ctx)
}

// takeDown takes the integration down and looks for what is left.
func (t managedTeller) takeDown(ctx context.Context) error {
	document, err := t.send(ctx, http.MethodGet, t.api, "/integrations/"+t.id, nil)
	if err != nil {
		return err
	}
	if err := t.teardown(ctx); err != nil {
		return err
	}
	world, err := t.call(ctx, http.MethodGet, t.control, "/world", nil, http.StatusOK)
	if err != nil {
		return err
	}
	for _, member := range []string{"clientId", "servicePrincipalId", "identity.resourceId"} {
		id := fmt.Sprint(document.at("status." + member))
		for _, kind := range []string{"userAssignedIdentities", "userAssignedIdentityCredentials", "servicePrincipals",
			"roleAssignments", "deletedItems"} {
			if strings.Contains(fmt.Sprint(world.at(kind)), id) {
				return fmt.Errorf("%s %s is left in %s", member, id, kind)
			}
		}
	}
	t.note("no identity, no credential, no role assignment")
	return nil
}
