package application

import (
	"context"
	"slices"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// description is what an administrator reads beside each credential. It is written once: whoever changes it owns it.
const description = "Made by ddoe-wif for one subject of the platform."

// Between is zero: the directory takes all credentials at once.
func (k *Kind) Between(integration.Document) time.Duration { return 0 }

// Description implements trust.Credentials.
func (k *Kind) Description(integration.Document) string { return description }

// List reads all credentials of the application; without an application there are none.
func (k *Kind) List(ctx context.Context, d integration.Document) ([]resource.Credential, error) {
	if d.Status.Identity.ID == "" {
		return nil, nil
	}
	var all []graph.FederatedCredential
	found, err := resource.Find(ctx, k.requests, policy.CredentialList, words(d), true,
		func(ctx context.Context) error {
			var err error
			all, err = k.graph.ListFederatedCredentials(ctx, d.Status.Identity.ID)
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
	return resource.Credential{ID: f.ID, Name: f.Name, Issuer: f.Issuer, Subject: f.Subject, Audiences: f.Audiences,
		Description: f.Description, Expression: f.Expression()}
}

// Put writes credentials by their names, and returns a receipt for each, in their order.
func (k *Kind) Put(ctx context.Context, d integration.Document,
	credentials []resource.Credential) []resource.Receipt {
	named := make([]graph.NamedCredential, len(credentials))
	contexts := make([]diagnosis.Context, len(credentials))
	for i, f := range credentials {
		named[i] = graph.NamedCredential{Name: f.Name, FederatedCredentialPatch: graph.FederatedCredentialPatch{
			Issuer: f.Issuer, Subject: f.Subject, Audiences: f.Audiences, Description: f.Description}}
		if !f.IsThere {
			named[i].Description = description
		}
		contexts[i] = words(d)
		contexts[i].Subject, contexts[i].Credential = f.Subject, f.Name
	}
	return write(ctx, k.requests, policy.CredentialUpsert, contexts, named,
		func(ctx context.Context, some []graph.NamedCredential) []graph.CredentialResult {
			return k.graph.UpsertFederatedCredentials(ctx, d.Status.Identity.ID, some)
		})
}

// Delete deletes credentials by their names, and returns a receipt for each, in their order.
func (k *Kind) Delete(ctx context.Context, d integration.Document, names []string) []resource.Receipt {
	contexts := slices.Repeat([]diagnosis.Context{words(d)}, len(names))
	return write(ctx, k.requests, policy.CredentialDelete, contexts, names,
		func(ctx context.Context, some []string) []graph.CredentialResult {
			return k.graph.DeleteFederatedCredentials(ctx, d.Status.Identity.ID, some)
		})
}

// write does something with each of all, together where the directory takes several at a time.
func write[T any](ctx context.Context, requests policy.Requests, op policy.Operation,
	contexts []diagnosis.Context, all []T,
	do func(ctx context.Context, some []T) []graph.CredentialResult) []resource.Receipt {
	results := make([]graph.CredentialResult, len(all))
	errs := requests.DoBatch(ctx, op, contexts, func(ctx context.Context, which []int) []error {
		some, errs := make([]T, len(which)), make([]error, len(which))
		for j, i := range which {
			some[j] = all[i]
		}
		for j, result := range do(ctx, some) {
			results[which[j]], errs[j] = result, result.Err
		}
		return errs
	})
	receipts := make([]resource.Receipt, len(all))
	for i := range all {
		receipts[i] = receiptOf(results[i])
		receipts[i].Err = errs[i]
	}
	return receipts
}

func receiptOf(r graph.CredentialResult) resource.Receipt {
	return resource.Receipt{ID: r.Credential.ID, Outcome: resource.Outcome(r.Write.Outcome),
		RequestID: r.Write.RequestID, Err: r.Err}
}
