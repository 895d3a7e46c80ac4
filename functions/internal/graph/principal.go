package graph

import (
	"context"
	"net/url"
)

// ServicePrincipal is the application's identity in the tenant. Its ID, not the application's, is what role
// assignments name, and it changes when the principal is made anew.
type ServicePrincipal struct {
	ID                   string   `json:"id"`
	AppID                string   `json:"appId"`
	AccountEnabled       bool     `json:"accountEnabled"`
	ServicePrincipalType string   `json:"servicePrincipalType"`
	Tags                 []string `json:"tags"`
	// AppOwnerOrganizationID is the tenant that the application is registered in.
	AppOwnerOrganizationID string `json:"appOwnerOrganizationId"`
	LoginCredentials
}

// Disablings are the members of the service principal that end the issue of tokens.
func (p ServicePrincipal) Disablings() []Disabling {
	if p.AccountEnabled {
		return nil
	}
	return []Disabling{{Member: "accountEnabled", Unset: "true", Have: "false"}}
}

// PrincipalManagedIdentity is the servicePrincipalType of a managed identity, which has no application. Source:
// https://learn.microsoft.com/graph/api/resources/serviceprincipal.
const PrincipalManagedIdentity = "ManagedIdentity"

func (p *ServicePrincipal) isComplete() bool { return p.ID != "" }

// ServicePrincipalPatch is what UpsertServicePrincipal sets. It leaves accountEnabled out: a new service principal is
// enabled, and one that an administrator has disabled stays so.
// Source: https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals, example 1.
type ServicePrincipalPatch struct {
	Tags []string `json:"tags,omitempty"`
}

const selectServicePrincipal = "?$select=id,appId,accountEnabled,servicePrincipalType,tags,passwordCredentials," +
	"appOwnerOrganizationId"

// UpsertServicePrincipal creates the service principal of an application of this tenant, or merges p into it. On an
// update the ServicePrincipal is zero: ask GetServicePrincipalByAppID. 400 with detail code
// NoBackingApplicationObject, and one 403, mean that the application has not been replicated yet.
func (c *Client) UpsertServicePrincipal(ctx context.Context, appID string, p ServicePrincipalPatch) (ServicePrincipal,
	Write, error) {
	var sp ServicePrincipal
	w, err := c.upsert(ctx, "upsert service principal", key("servicePrincipals", "appId", appID), p, &sp)
	return sp, w, err
}

// GetServicePrincipalByAppID reads a service principal, with more members where they are named; *Error with status 404
// if there is none.
func (c *Client) GetServicePrincipalByAppID(ctx context.Context, appID string,
	more ...string) (ServicePrincipal, error) {
	var sp ServicePrincipal
	path := key("servicePrincipals", "appId", appID) + also(selectServicePrincipal, more)
	err := c.get(ctx, "read service principal", path, &sp)
	return sp, err
}

// GetServicePrincipal reads a service principal by its object id; *Error with status 404 if there is none.
func (c *Client) GetServicePrincipal(ctx context.Context, objectID string) (ServicePrincipal, error) {
	var sp ServicePrincipal
	err := c.get(ctx, "read service principal", "servicePrincipals/"+url.PathEscape(objectID)+selectServicePrincipal,
		&sp)
	return sp, err
}

// DeleteServicePrincipal moves the service principal to the recycle bin. It is only needed where the deletion of the
// application did not take it along.
func (c *Client) DeleteServicePrincipal(ctx context.Context, objectID string) (Write, error) {
	return c.delete(ctx, "delete service principal", "servicePrincipals/"+url.PathEscape(objectID))
}
