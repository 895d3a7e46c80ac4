package graph

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	azpolicy "github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// Outcome is what a write did.
type Outcome string

// The outcomes of writes.
const (
	OutcomeCreated  Outcome = "created"  // 201
	OutcomeUpdated  Outcome = "updated"  // 204 to an upsert or an update; Graph does not say whether anything changed
	OutcomeDeleted  Outcome = "deleted"  // 204 to a delete
	OutcomeRestored Outcome = "restored" // 200 to a restore
)

// Write is the receipt of a write.
type Write struct {
	Outcome   Outcome
	RequestID string // Graph's request-id, what Microsoft's support asks for
}

// Application is an app registration, as far as it is read.
type Application struct {
	ID             string   `json:"id"`    // object id, the key of all other requests
	AppID          string   `json:"appId"` // client id
	UniqueName     string   `json:"uniqueName"`
	DisplayName    string   `json:"displayName"`
	SignInAudience string   `json:"signInAudience"`
	Tags           []string `json:"tags"`
	// IsDisabled is what an owner or administrator has set, DisabledByMicrosoftStatus what Microsoft has; either ends
	// the issue of tokens. Source:
	// https://learn.microsoft.com/entra/identity/enterprise-apps/deactivate-app-registration.
	IsDisabled                bool   `json:"isDisabled"`
	DisabledByMicrosoftStatus string `json:"disabledByMicrosoftStatus"` // empty and NotDisabled are none
	LoginCredentials
}

// Disabling is a member that ends the issue of tokens: what it has, and what it has where nobody has set it.
type Disabling struct{ Member, Unset, Have string }

// Disablings are the members of the application that end the issue of tokens.
func (a Application) Disablings() []Disabling {
	var all []Disabling
	if status := a.DisabledByMicrosoftStatus; status != "" && status != "NotDisabled" {
		all = append(all, Disabling{Member: "disabledByMicrosoftStatus", Have: status})
	}
	if a.IsDisabled {
		all = append(all, Disabling{Member: "isDisabled", Unset: "false", Have: "true"})
	}
	return all
}

// LoginCredentials are the secrets and certificates by which whoever has one gets tokens as the application. Only
// somebody else can have added one.
type LoginCredentials struct {
	PasswordCredentials []LoginCredential `json:"passwordCredentials"`
	// KeyCredentials are read only where they were asked for.
	KeyCredentials []LoginCredential `json:"keyCredentials"`
}

// LoginCredential is a secret or a certificate; Graph does not tell its value.
type LoginCredential struct {
	KeyID       string `json:"keyId"`
	DisplayName string `json:"displayName"`
}

// MemberKeyCredentials names the certificates. Graph takes 150 reads a minute that select them, in a whole tenant.
// Source: https://learn.microsoft.com/graph/api/application-list.
const MemberKeyCredentials = "keyCredentials"

// also adds members to a $select.
func also(query string, members []string) string {
	return strings.Join(append([]string{query}, members...), ",")
}

func (a *Application) isComplete() bool { return a.ID != "" }

// ApplicationPatch is what CreateApplication and UpdateApplication set. Graph merges an update: a member left out
// keeps its value, an array is replaced whole.
type ApplicationPatch struct {
	DisplayName string `json:"displayName"` // required by Graph to create
	// SignInAudience defaults to AzureADMyOrg: the wider audiences are throttled harder and refused by some tenants.
	SignInAudience string   `json:"signInAudience"`
	Description    string   `json:"description,omitempty"`
	Tags           []string `json:"tags,omitempty"`
}

const selectApplication = "?$select=id,appId,displayName,uniqueName,signInAudience,tags,isDisabled," +
	"disabledByMicrosoftStatus,passwordCredentials"

// CreateApplication creates the application of that uniqueName, and never changes one that is there: Graph answers 400
// Request_BadRequest where any application holds the name, a soft-deleted one included, be it ours, as after an answer
// that was lost, or not (byte5ai/omadia #916 shows the answer; GetApplicationByUniqueName tells whose it is).
func (c *Client) CreateApplication(
	ctx context.Context, uniqueName string, a ApplicationPatch,
) (Application, Write, error) {
	const op = "create application"
	body := struct {
		UniqueName string `json:"uniqueName"`
		ApplicationPatch
	}{uniqueName, a.withAudience()}
	resp, err := c.do(ctx, call{op: op, method: http.MethodPost, path: "applications", body: body}, http.StatusCreated)
	if err != nil {
		return Application{}, Write{}, err
	}
	var app Application
	err = decode(op, resp, &app)
	return app, Write{Outcome: OutcomeCreated, RequestID: resp.Header.Get(headerRequestID)}, err
}

// UpdateApplication merges a into the application of that object id. *Error with status 404 if there is none.
func (c *Client) UpdateApplication(ctx context.Context, objectID string, a ApplicationPatch) (Write, error) {
	resp, err := c.do(ctx, call{op: "update application", method: http.MethodPatch,
		path: "applications/" + url.PathEscape(objectID), body: a.withAudience()}, http.StatusNoContent)
	if err != nil {
		return Write{}, err
	}
	return Write{Outcome: OutcomeUpdated, RequestID: resp.Header.Get(headerRequestID)}, nil
}

func (a ApplicationPatch) withAudience() ApplicationPatch {
	if a.SignInAudience == "" {
		a.SignInAudience = "AzureADMyOrg"
	}
	return a
}

// GetApplicationByUniqueName reads an application that is not deleted, with more members where they are named; *Error
// with status 404 if there is none.
func (c *Client) GetApplicationByUniqueName(ctx context.Context, uniqueName string,
	more ...string) (Application, error) {
	var app Application
	path := key("applications", "uniqueName", uniqueName) + also(selectApplication, more)
	err := c.get(ctx, "read application", path, &app)
	return app, err
}

// GetApplicationByAppID reads an application by its client id, with more members where they are named; *Error with
// status 404 if the tenant has registered none.
func (c *Client) GetApplicationByAppID(ctx context.Context, appID string, more ...string) (Application, error) {
	var app Application
	err := c.get(ctx, "read application", key("applications", "appId", appID)+also(selectApplication, more), &app)
	return app, err
}

// GetApplication reads an application by its object id, with more members where they are named; *Error with status 404
// if there is none.
func (c *Client) GetApplication(ctx context.Context, objectID string, more ...string) (Application, error) {
	var app Application
	path := "applications/" + url.PathEscape(objectID) + also(selectApplication, more)
	err := c.get(ctx, "read application", path, &app)
	return app, err
}

// ownerPage is one page of a list of owners.
type ownerPage struct {
	Value []struct {
		ID string `json:"id"`
	} `json:"value"`
	NextLink string `json:"@odata.nextLink"`
}

func (p *ownerPage) isComplete() bool { return p.Value != nil }

// ListApplicationOwners reads the object ids of the owners of an application; *Error with status 404 if there is none.
// Source: https://learn.microsoft.com/graph/api/application-list-owners.
func (c *Client) ListApplicationOwners(ctx context.Context, objectID string) ([]string, error) {
	return c.listOwners(ctx, "applications/"+url.PathEscape(objectID))
}

// ListPrincipalOwners is ListApplicationOwners for a service principal.
func (c *Client) ListPrincipalOwners(ctx context.Context, objectID string) ([]string, error) {
	return c.listOwners(ctx, "servicePrincipals/"+url.PathEscape(objectID))
}

func (c *Client) listOwners(ctx context.Context, object string) ([]string, error) {
	const op = "list owners"
	var owners []string
	next := object + "/owners?$select=id"
	for range maxPages {
		var page ownerPage
		err := c.get(ctx, op, next, &page)
		for _, owner := range page.Value {
			owners = append(owners, owner.ID)
		}
		if err != nil || page.NextLink == "" {
			return owners, err
		}
		if next, err = nextPage(page.NextLink); err != nil {
			return nil, fmt.Errorf("graph: %s: %w", op, err)
		}
	}
	return nil, fmt.Errorf("graph: %s: more than %d pages", op, maxPages)
}

// DeleteApplication moves the application to the recycle bin, its service principal with it. The uniqueName stays
// taken until it is purged, or for 30 days.
func (c *Client) DeleteApplication(ctx context.Context, objectID string) (Write, error) {
	return c.delete(ctx, "delete application", "applications/"+url.PathEscape(objectID))
}

// RestoreDeletedItem takes an application or service principal out of the recycle bin. A restored application does not
// bring its service principal along: that is restored by its own object id. *Error with status 404 if it was purged.
func (c *Client) RestoreDeletedItem(ctx context.Context, objectID string) (Write, error) {
	resp, err := c.do(ctx, call{
		op: "restore deleted item", method: http.MethodPost,
		path: "directory/deletedItems/" + url.PathEscape(objectID) + "/restore",
	}, http.StatusOK)
	if err != nil {
		return Write{}, err
	}
	return Write{Outcome: OutcomeRestored, RequestID: resp.Header.Get(headerRequestID)}, nil
}

// PurgeDeletedItem removes an application or service principal from the recycle bin for good. *Error with status 404
// may also mean that it has not arrived in the bin yet. It is sent once: whoever sends it again has to know that an
// answer was lost, since 404 is then the doing of the first.
func (c *Client) PurgeDeletedItem(ctx context.Context, objectID string) (Write, error) {
	ctx = azpolicy.WithRetryOptions(ctx, azpolicy.RetryOptions{MaxRetries: -1})
	return c.delete(ctx, "purge deleted item", "directory/deletedItems/"+url.PathEscape(objectID))
}

// upsert sends a create-if-missing PATCH; made is filled on 201 only, as Graph answers an update without a body.
func (c *Client) upsert(ctx context.Context, op, path string, patch any, made complete) (Write, error) {
	resp, err := c.do(ctx, call{op: op, method: http.MethodPatch, path: path, body: patch, upsert: true},
		http.StatusCreated, http.StatusNoContent)
	if err != nil {
		return Write{}, err
	}
	w := Write{Outcome: OutcomeUpdated, RequestID: resp.Header.Get(headerRequestID)}
	if resp.StatusCode == http.StatusCreated {
		w.Outcome = OutcomeCreated
		err = decode(op, resp, made)
	}
	return w, err
}

func (c *Client) get(ctx context.Context, op, path string, v complete) error {
	resp, err := c.do(ctx, call{op: op, method: http.MethodGet, path: path}, http.StatusOK)
	if err != nil {
		return err
	}
	return decode(op, resp, v)
}

func (c *Client) delete(ctx context.Context, op, path string) (Write, error) {
	resp, err := c.do(ctx, call{op: op, method: http.MethodDelete, path: path}, http.StatusNoContent)
	if err != nil {
		return Write{}, err
	}
	return Write{Outcome: OutcomeDeleted, RequestID: resp.Header.Get(headerRequestID)}, nil
}
