package graph

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// FederatedCredential is one trust of an application: tokens of that issuer, subject and audience may be exchanged.
type FederatedCredential struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Issuer      string   `json:"issuer"`
	Subject     string   `json:"subject"` // empty on a flexible credential
	Audiences   []string `json:"audiences"`
	Description string   `json:"description"`
	// ClaimsMatchingExpression is set on a flexible credential, which only somebody else can have made.
	ClaimsMatchingExpression *ClaimsMatchingExpression `json:"claimsMatchingExpression,omitempty"`
}

func (f *FederatedCredential) isComplete() bool { return f.ID != "" }

// credentialPage is one page of an application's credentials.
type credentialPage struct {
	Value    []FederatedCredential `json:"value"`
	NextLink string                `json:"@odata.nextLink"`
}

func (p *credentialPage) isComplete() bool { return p.Value != nil }

// Expression is that of a flexible credential; empty of any other.
func (f FederatedCredential) Expression() string {
	if f.ClaimsMatchingExpression == nil {
		return ""
	}
	return f.ClaimsMatchingExpression.Value
}

// ClaimsMatchingExpression stands for a subject on a flexible federated identity credential. It is read, never
// written.
type ClaimsMatchingExpression struct {
	Value           string `json:"value"`
	LanguageVersion int    `json:"languageVersion"`
}

// FederatedCredentialPatch is what UpsertFederatedCredential sets. Graph wants exactly one audience.
type FederatedCredentialPatch struct {
	Issuer      string   `json:"issuer"`
	Subject     string   `json:"subject"`
	Audiences   []string `json:"audiences"`
	Description string   `json:"description,omitempty"`
}

// maxPages bounds a listing. An application has at most 20 credentials, so more pages are a loop.
const maxPages = 50

func credentialsPath(applicationObjectID string) string {
	return "applications/" + url.PathEscape(applicationObjectID) + "/federatedIdentityCredentials"
}

// UpsertFederatedCredential creates the credential of that name on the application, or merges f into it. On an update
// the FederatedCredential is zero. Issuer and subject must be unique among the application's credentials.
func (c *Client) UpsertFederatedCredential(ctx context.Context, applicationObjectID, name string,
	f FederatedCredentialPatch) (FederatedCredential, Write, error) {
	var made FederatedCredential
	path := key(credentialsPath(applicationObjectID), "name", name)
	w, err := c.upsert(ctx, "upsert federated credential", path, f, &made)
	return made, w, err
}

// ListFederatedCredentials reads all credentials of the application, flexible ones included.
func (c *Client) ListFederatedCredentials(ctx context.Context,
	applicationObjectID string) ([]FederatedCredential, error) {
	all, err := c.listCredentials(ctx, applicationObjectID, false)
	var undecodable *undecodableError
	if errors.As(err, &undecodable) {
		// A flexible credential has no subject, and v1.0 then breaks off in the middle of a 200; /beta knows them.
		return c.listCredentials(ctx, applicationObjectID, true)
	}
	return all, err
}

func (c *Client) listCredentials(ctx context.Context, applicationObjectID string,
	beta bool) ([]FederatedCredential, error) {
	const op = "list federated credentials"
	all := []FederatedCredential{}
	next := credentialsPath(applicationObjectID)
	for range maxPages {
		resp, err := c.do(ctx, call{op: op, method: http.MethodGet, path: next, beta: beta}, http.StatusOK)
		if err != nil {
			return nil, err
		}
		var page credentialPage
		if err := decode(op, resp, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Value...)
		if page.NextLink == "" {
			return all, nil
		}
		if next, err = nextPage(page.NextLink); err != nil {
			return nil, fmt.Errorf("graph: %s: %w", op, err)
		}
	}
	return nil, fmt.Errorf("graph: %s: more than %d pages", op, maxPages)
}

// nextPage checks that a next link is an absolute https URL; azure.PinHost then checks its host.
func nextPage(link string) (string, error) {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" {
		return "", errors.New("the next link is not an https URL")
	}
	return u.String(), nil
}

// DeleteFederatedCredential deletes a credential by its name or id. Access tokens already issued live on.
func (c *Client) DeleteFederatedCredential(ctx context.Context, applicationObjectID, nameOrID string) (Write, error) {
	return c.delete(ctx, "delete federated credential", credentialsPath(applicationObjectID)+"/"+
		url.PathEscape(nameOrID))
}
