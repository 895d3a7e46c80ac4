package arm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// versionIdentity is the API version of managed identities and their credentials.
const versionIdentity = "2024-11-30"

const (
	identityInfix   = "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"
	credentialInfix = "/federatedIdentityCredentials"
)

// IdentityID is the full ARM id of a user-assigned managed identity in a resource group.
func IdentityID(resourceGroupID, name string) string {
	return strings.TrimRight(resourceGroupID, "/") + identityInfix + name
}

// Identity is a user-assigned managed identity. PrincipalID is its service principal's object id.
type Identity struct {
	ID, Location          string
	ClientID, PrincipalID string
	Tags                  map[string]string
}

type identityBody struct {
	ID         string            `json:"id,omitempty"`
	Location   string            `json:"location"`
	Tags       map[string]string `json:"tags,omitempty"`
	Properties *struct {
		ClientID    string `json:"clientId"`
		PrincipalID string `json:"principalId"`
	} `json:"properties,omitempty"`
}

func (b identityBody) identity() (Identity, error) {
	if b.Properties == nil || b.Properties.ClientID == "" || b.Properties.PrincipalID == "" {
		return Identity{}, errors.New("no ids in the answer")
	}
	return Identity{ID: b.ID, Location: b.Location, Tags: b.Tags, ClientID: b.Properties.ClientID,
		PrincipalID: b.Properties.PrincipalID}, nil
}

// PutIdentity creates the identity with that id, or replaces the tags of the one that there is: nothing else of it can
// be changed.
func (c *Client) PutIdentity(ctx context.Context, u Identity) (Identity, Write, error) {
	const op = "put managed identity"
	var body identityBody
	resp, err := c.send(ctx, op, http.MethodPut, u.ID, "", identityBody{Location: u.Location, Tags: u.Tags}, &body)
	if err != nil {
		return Identity{}, Write{}, err
	}
	made, err := body.identity()
	if err != nil {
		return Identity{}, Write{}, undecodable(op, resp, err)
	}
	return made, writeOf(resp), nil
}

// GetIdentity reads an identity by its full id; *Error with status 404 if there is none.
func (c *Client) GetIdentity(ctx context.Context, id string) (Identity, error) {
	const op = "read managed identity"
	var body identityBody
	resp, err := c.send(ctx, op, http.MethodGet, id, "", nil, &body)
	if err != nil {
		return Identity{}, err
	}
	found, err := body.identity()
	if err != nil {
		return Identity{}, undecodable(op, resp, err)
	}
	return found, nil
}

// DeleteIdentity deletes an identity by its full id, with its credentials. There is no recycle bin.
func (c *Client) DeleteIdentity(ctx context.Context, id string) (Write, error) {
	return c.remove(ctx, "delete managed identity", id, "")
}

// IdentityCredential is one federated identity credential of a managed identity.
type IdentityCredential struct {
	ID, Name        string
	Issuer, Subject string
	Audiences       []string
}

type credentialBody struct {
	ID         string               `json:"id,omitempty"`
	Name       string               `json:"name,omitempty"`
	Properties credentialProperties `json:"properties"`
}

type credentialProperties struct {
	Issuer    string   `json:"issuer"`
	Subject   string   `json:"subject"`
	Audiences []string `json:"audiences"`
}

// PutIdentityCredential creates or replaces the credential of that name. Azure takes one write at a time below one
// identity: 409 ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity otherwise.
// Source: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations.
func (c *Client) PutIdentityCredential(ctx context.Context, identityID string, f IdentityCredential) (string, Write, error) {
	var made credentialBody
	resp, err := c.send(ctx, "put federated credential", http.MethodPut, identityID, credentialInfix+"/"+f.Name,
		credentialBody{Properties: credentialProperties{f.Issuer, f.Subject, f.Audiences}}, &made)
	if err != nil {
		return "", Write{}, err
	}
	return made.ID, writeOf(resp), nil
}

// ListIdentityCredentials lists the credentials of an identity; *Error with status 404 if there is no such identity.
func (c *Client) ListIdentityCredentials(ctx context.Context, identityID string) ([]IdentityCredential, error) {
	const op = "list federated credentials"
	target, err := c.target(identityID, credentialInfix, versionIdentity)
	if err != nil {
		return nil, fmt.Errorf("arm: %s: %w", op, err)
	}
	all := []IdentityCredential{}
	for range maxPages {
		var page struct {
			Value    *[]credentialBody `json:"value"`
			NextLink string            `json:"nextLink"`
		}
		resp, err := c.sendTo(ctx, op, http.MethodGet, target, nil, &page)
		if err != nil {
			return nil, err
		}
		if page.Value == nil {
			return nil, undecodable(op, resp, errors.New("no list in the answer"))
		}
		for _, f := range *page.Value {
			all = append(all, IdentityCredential{ID: f.ID, Name: f.Name, Issuer: f.Properties.Issuer,
				Subject: f.Properties.Subject, Audiences: f.Properties.Audiences})
		}
		if page.NextLink == "" {
			return all, nil
		}
		target = page.NextLink
	}
	return nil, fmt.Errorf("arm: %s: more than %d pages", op, maxPages)
}

// DeleteIdentityCredential deletes the credential of that name.
func (c *Client) DeleteIdentityCredential(ctx context.Context, identityID, name string) (Write, error) {
	return c.remove(ctx, "delete federated credential", identityID, credentialInfix+"/"+name)
}

// remove deletes what is at an id and a path below it.
func (c *Client) remove(ctx context.Context, op, id, below string) (Write, error) {
	resp, err := c.send(ctx, op, http.MethodDelete, id, below, nil, nil)
	switch {
	case IsNotFound(err):
		return Write{Outcome: OutcomeAbsent}, nil
	case err != nil:
		return Write{}, err
	case resp.StatusCode == http.StatusNoContent:
		return Write{Outcome: OutcomeAbsent, RequestID: resp.Header.Get(headerRequestID)}, nil
	default:
		return Write{Outcome: OutcomeDeleted, RequestID: resp.Header.Get(headerRequestID)}, nil
	}
}

func writeOf(resp *http.Response) Write {
	w := Write{Outcome: OutcomeUnchanged, RequestID: resp.Header.Get(headerRequestID)}
	if resp.StatusCode == http.StatusCreated {
		w.Outcome = OutcomeCreated
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
	if err != nil {
		return nil, fmt.Errorf("arm: %s: %w", op, err)
	}
	req.Raw().Header.Set("Accept", "application/json")
	if body != nil {
		if err := runtime.MarshalAsJSON(req, body); err != nil {
			return nil, fmt.Errorf("arm: %s: %w", op, err)
		}
	}
	resp, err := c.resources.Pipeline().Do(req)
	if err != nil {
		return nil, wrap(op, err)
	}
	if !runtime.HasStatusCode(resp, http.StatusOK, http.StatusCreated, http.StatusNoContent) {
		return nil, wrap(op, runtime.NewResponseError(resp))
	}
	if answer == nil {
		return resp, nil
	}
	if err := runtime.UnmarshalAsJSON(resp, answer); err != nil {
		return nil, undecodable(op, resp, err)
	}
	return resp, nil
}
