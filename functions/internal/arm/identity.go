package arm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

const (
	versionIdentity = "2024-11-30"

	identityInfix   = "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"
	credentialInfix = "/federatedIdentityCredentials"
)

// IdentityID is the full ARM id of a user-assigned managed identity in a resource group.
func IdentityID(resourceGroupID, name string) string {
	return strings.TrimRight(resourceGroupID, "/") + identityInfix + name
}

// Identity is a user-assigned managed identity. PrincipalID is its service principal's object id.
type Identity struct {
	ID         string            `json:"id"`
	Location   string            `json:"location"`
	Tags       map[string]string `json:"tags,omitempty"`
	Properties struct {
		ClientID    string `json:"clientId"`
		PrincipalID string `json:"principalId"`
	} `json:"properties,omitzero"`
}

// PutIdentity creates the identity with that id, or replaces the tags of the one that there is: nothing else of it can
// be changed.
func (c *Client) PutIdentity(ctx context.Context, u Identity) (Identity, Write, error) {
	return c.identity(ctx, "put managed identity", http.MethodPut, u.ID, u)
}

// GetIdentity reads an identity by its full id; *Error with status 404 if there is none.
func (c *Client) GetIdentity(ctx context.Context, id string) (Identity, error) {
	found, _, err := c.identity(ctx, "read managed identity", http.MethodGet, id, nil)
	return found, err
}

func (c *Client) identity(ctx context.Context, op, method, id string, body any) (Identity, Write, error) {
	var u Identity
	resp, err := c.send(ctx, op, method, id, "", body, &u)
	if err == nil && (u.Properties.ClientID == "" || u.Properties.PrincipalID == "") {
		err = undecodable(op, resp, errIncomplete)
	}
	if err != nil {
		return Identity{}, Write{}, err
	}
	return u, writeOf(resp), nil
}

// DeleteIdentity deletes an identity by its full id, with its credentials. There is no recycle bin.
func (c *Client) DeleteIdentity(ctx context.Context, id string) (Write, error) {
	return c.remove(ctx, "delete managed identity", id, "")
}

// IdentityCredential is one federated identity credential of a managed identity.
type IdentityCredential struct {
	ID         string `json:"id,omitempty"`
	Name       string `json:"name"`
	Properties struct {
		Issuer    string   `json:"issuer"`
		Subject   string   `json:"subject"`
		Audiences []string `json:"audiences"`
	} `json:"properties"`
}

// PutIdentityCredential creates or replaces the credential of that name, and returns its id. Azure takes one write at
// a time below one identity: 409 ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity otherwise.
// Source: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations.
func (c *Client) PutIdentityCredential(ctx context.Context, identityID string, f IdentityCredential) (string,
	Write, error) {
	const op = "put federated credential"
	var made IdentityCredential
	resp, err := c.send(ctx, op, http.MethodPut, identityID, credentialInfix+"/"+
		f.Name, f, &made)
	if err == nil && made.ID == "" {
		err = undecodable(op, resp, errIncomplete)
	}
	if err != nil {
		return "", Write{}, err
	}
	return made.ID, writeOf(resp), nil
}

// ListIdentityCredentials lists the credentials of an identity; *Error with status 404 if there is no such identity.
func (c *Client) ListIdentityCredentials(ctx context.Context, identityID string) ([]IdentityCredential, error) {
	return listIdentityParts[IdentityCredential](ctx, c, "list federated credentials", identityID, credentialInfix)
}

// ListIdentities lists the managed identities of a resource group; *Error with status 404 if there is no such group.
func (c *Client) ListIdentities(ctx context.Context, resourceGroupID string) ([]Identity, error) {
	return listIdentityParts[Identity](ctx, c, "list managed identities", strings.TrimRight(resourceGroupID, "/"),
		strings.TrimSuffix(identityInfix, "/"))
}

// listIdentityParts lists all that is below an id.
func listIdentityParts[T any](ctx context.Context, c *Client, op, id, below string) ([]T, error) {
	target, err := c.target(id, below, versionIdentity)
	if err != nil {
		return nil, fmt.Errorf("arm: %s: %w", op, err)
	}
	all := []T{}
	for n := 0; target != "" && err == nil; n++ {
		var page struct {
			Value    []T    `json:"value"`
			NextLink string `json:"nextLink"`
		}
		var resp *http.Response
		resp, err = c.sendTo(ctx, op, http.MethodGet, target, nil, &page)
		if err == nil && (page.Value == nil || n == maxPages) {
			err = undecodable(op, resp, errors.New("no list, or one without end"))
		}
		all, target = append(all, page.Value...), page.NextLink
	}
	if err != nil {
		return nil, err
	}
	return all, nil
}

// DeleteIdentityCredential deletes the credential of that name.
func (c *Client) DeleteIdentityCredential(ctx context.Context, identityID, name string) (Write, error) {
	return c.remove(ctx, "delete federated credential", identityID, credentialInfix+"/"+name)
}

// remove deletes what is at an id and a path below it.
func (c *Client) remove(ctx context.Context, op, id, below string) (Write, error) {
	resp, err := c.send(ctx, op, http.MethodDelete, id, below, nil, nil)
	if err != nil {
		return Write{}, err
	}
	return writeOf(resp), nil
}

// writeOf is the receipt of a write, by its status.
func writeOf(resp *http.Response) Write {
	w := Write{Outcome: OutcomeUnchanged, RequestID: resp.Header.Get(headerRequestID)}
	switch {
	case resp.StatusCode == http.StatusCreated:
		w.Outcome = OutcomeCreated
	case resp.StatusCode == http.StatusNoContent:
		w.Outcome = OutcomeAbsent
	case resp.Request.Method == http.MethodDelete:
		w.Outcome = OutcomeDeleted
	}
	return w
}

// send sends a request about an id, or about what is below it.
func (c *Client) send(ctx context.Context, op, method, id, below string, body, answer any) (*http.Response, error) {
	target, err := c.target(id, below, versionIdentity)
	if err != nil {
		return nil, fmt.Errorf("arm: %s: %w", op, err)
	}
	return c.sendTo(ctx, op, method, target, body, answer)
}

func (c *Client) sendTo(ctx context.Context, op, method, target string, body, answer any) (*http.Response, error) {
	req, err := runtime.NewRequest(ctx, method, target)
	if err == nil && body != nil {
		err = runtime.MarshalAsJSON(req, body)
	}
	if err != nil {
		return nil, fmt.Errorf("arm: %s: %w", op, err)
	}
	req.Raw().Header.Set("Accept", "application/json")
	resp, err := c.resources.Pipeline().Do(req)
	if err != nil {
		return nil, wrap(op, err)
	}
	if !runtime.HasStatusCode(resp, http.StatusOK, http.StatusCreated, http.StatusNoContent) {
		return nil, wrap(op, runtime.NewResponseError(resp))
	}
	if answer != nil {
		if err := runtime.UnmarshalAsJSON(resp, answer); err != nil {
			return nil, undecodable(op, resp, err)
		}
	}
	return resp, nil
}
