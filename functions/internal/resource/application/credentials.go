package application

import (
	"context"

	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// description is what an administrator reads beside each credential. It is written once: whoever changes it owns it.
const description = "Made by ddoe-wif for one subject of the platform."

// Credentials keeps the federated credentials of an application, for package trust.
type Credentials struct {
	graph    *graph.Client
	requests policy.Requests
}

// NewCredentials returns the credentials of applications.
func NewCredentials(directory *graph.Client, requests policy.Requests) *Credentials {
	return &Credentials{graph: directory, requests: requests}
}

// List reads all credentials of the application. known says that there was an application, so that one 404 decides
// nothing; without an application there are none.
func (c *Credentials) List(ctx context.Context, d integration.Document) ([]resource.Credential, error) {
	if d.Status.ObjectID == "" {
		return nil, nil
	}
	var all []graph.FederatedCredential
	found, err := resource.Find(ctx, c.requests, policy.CredentialList, words(d), true, func(ctx context.Context) error {
		var err error
		all, err = c.graph.ListFederatedCredentials(ctx, d.Status.ObjectID)
		return err
	})
	if err != nil || !found {
		return nil, err
	}
	credentials := make([]resource.Credential, len(all))
	for i, f := range all {
		credentials[i] = fromGraph(f)
	}
	return credentials, nil
}

func fromGraph(f graph.FederatedCredential) resource.Credential {
	credential := resource.Credential{ID: f.ID, Name: f.Name, Issuer: f.Issuer, Subject: f.Subject, Audiences: f.Audiences, Description: f.Description}
	if f.ClaimsMatchingExpression != nil {
		credential.Expression = f.ClaimsMatchingExpression.Value
	}
	return credential
}

// Put writes credentials by their names, and returns a receipt for each, in their order. Those that the first request did
// not settle are written one by one.
func (c *Credentials) Put(ctx context.Context, d integration.Document, credentials []resource.Credential) []resource.Receipt {
	named := make([]graph.NamedCredential, len(credentials))
	for i, f := range credentials {
		named[i] = graph.NamedCredential{Name: f.Name, FederatedCredentialPatch: graph.FederatedCredentialPatch{
			Issuer: f.Issuer, Subject: f.Subject, Audiences: f.Audiences, Description: f.Description}}
		if !f.IsThere {
			named[i].Description = description
		}
	}
	var first []graph.CredentialResult
	if len(named) > 1 {
		first = c.graph.UpsertFederatedCredentials(ctx, d.Status.ObjectID, named)
	}
	receipts := make([]resource.Receipt, len(named))
	for i := range named {
		if first != nil && first[i].Err == nil {
			receipts[i] = receiptOf(first[i])
			continue
		}
		w := words(d)
		w.Subject, w.Credential = credentials[i].Subject, credentials[i].Name
		var one graph.CredentialResult
		err := c.requests.Do(ctx, policy.CredentialUpsert, w, func(ctx context.Context) error {
			one = c.graph.UpsertFederatedCredentials(ctx, d.Status.ObjectID, named[i:i+1])[0]
			return one.Err
		})
		receipts[i] = receiptOf(one)
		receipts[i].Err = err
	}
	return receipts
}

// Delete deletes credentials by their names, and returns a receipt for each, in their order.
func (c *Credentials) Delete(ctx context.Context, d integration.Document, names []string) []resource.Receipt {
	var first []graph.CredentialResult
	if len(names) > 1 {
		first = c.graph.DeleteFederatedCredentials(ctx, d.Status.ObjectID, names)
	}
	receipts := make([]resource.Receipt, len(names))
	for i := range names {
		if first != nil && first[i].Err == nil {
			receipts[i] = receiptOf(first[i])
			continue
		}
		var one graph.CredentialResult
		err := c.requests.Do(ctx, policy.CredentialDelete, words(d), func(ctx context.Context) error {
			one = c.graph.DeleteFederatedCredentials(ctx, d.Status.ObjectID, names[i:i+1])[0]
			return one.Err
		})
		receipts[i] = receiptOf(one)
		receipts[i].Err = err
	}
	return receipts
}

func receiptOf(r graph.CredentialResult) resource.Receipt {
	outcome := resource.Outcome(r.Write.Outcome)
	if r.Write.Outcome == graph.OutcomeUpdated {
		outcome = resource.OutcomeEnsured // 204 does not tell whether anything changed
	}
	return resource.Receipt{ID: r.Credential.ID, Outcome: outcome, RequestID: r.Write.RequestID, Err: r.Err}
}
