package managedidentity

import (
	"context"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Between is how long the writes of credentials are apart.
func (k *Kind) Between(integration.Document) time.Duration { return policy.CredentialPace }

// Description is empty: Azure keeps none beside a credential of a managed identity.
func (k *Kind) Description(integration.Document) string { return "" }

// AdmitTakeover implements resource.Takeable: identities are written in the resource group that they were found in.
func (k *Kind) AdmitTakeover(_ context.Context, d integration.Document) error {
	if d.Status.Identity.Key != "" {
		return nil
	}
	return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeIdentityNotSeen, diagnosis.WithContext(d.Words()))}
}

// List reads all credentials of the identity; without an identity there are none.
func (k *Kind) List(ctx context.Context, d integration.Document) ([]resource.Credential, error) {
	if d.Status.ClientID == "" {
		return nil, nil
	}
	var all []arm.IdentityCredential
	id := d.Status.Identity.Key
	found, err := resource.Find(ctx, k.requests, policy.ManagedCredentialList, d.Words(), true,
		func(sending context.Context) error {
			if err := k.pace.Await(ctx, "list "+id); err != nil {
				return err
			}
			var err error
			all, err = k.arm.ListIdentityCredentials(sending, id)
			return err
		})
	if err != nil || !found {
		return nil, err
	}
	credentials := make([]resource.Credential, len(all))
	for i, f := range all {
		credentials[i] = resource.Credential{ID: f.ID, Name: f.Name, Issuer: f.Properties.Issuer,
			Subject: f.Properties.Subject, Audiences: f.Properties.Audiences}
	}
	return credentials, nil
}

// Put writes credentials by their names, and returns a receipt for each, in their order.
func (k *Kind) Put(ctx context.Context, d integration.Document,
	credentials []resource.Credential) []resource.Receipt {
	receipts := make([]resource.Receipt, len(credentials))
	for i, f := range credentials {
		w := d.Words()
		w.Subject, w.Credential = f.Subject, f.Name
		var id string
		wanted := arm.IdentityCredential{Name: f.Name}
		wanted.Properties.Issuer, wanted.Properties.Subject, wanted.Properties.Audiences = f.Issuer, f.Subject,
			f.Audiences
		receipts[i] = k.write(ctx, d, policy.ManagedCredentialPut, w, func(ctx context.Context) (write arm.Write,
			err error) {
			id, write, err = k.arm.PutIdentityCredential(ctx, d.Status.Identity.Key, wanted)
			return write, err
		})
		receipts[i].ID = id
	}
	return receipts
}

// Delete deletes credentials by their names, and returns a receipt for each, in their order. An ARM id is a name only:
// where the identity that has it now is not ours, ours has gone with its credentials, and nothing is sent. Where none
// is seen, deletes harm nobody, and make sure.
func (k *Kind) Delete(ctx context.Context, d integration.Document, names []string) []resource.Receipt {
	receipts := make([]resource.Receipt, len(names))
	found, there, err := k.find(ctx, d, true)
	isForeign := there && !k.isOurs(found, d)
	for i, name := range names {
		if err != nil || isForeign {
			receipts[i] = resource.Receipt{Outcome: resource.OutcomeAbsent, IsGone: isForeign, Err: err}
			continue
		}
		w := d.Words()
		w.Credential = name
		receipts[i] = k.write(ctx, d, policy.ManagedCredentialDelete, w, func(ctx context.Context) (arm.Write, error) {
			return k.arm.DeleteIdentityCredential(ctx, d.Status.Identity.Key, name)
		})
	}
	return receipts
}

// write sends one write when its turn has come. Each repeat is a write, too. What a request is sent with ends earlier
// than the attempt, so the turn is waited for without it.
func (k *Kind) write(ctx context.Context, d integration.Document, op policy.Operation, w diagnosis.Context,
	do func(context.Context) (arm.Write, error)) resource.Receipt {
	var write arm.Write
	err := k.requests.Do(ctx, op, w, func(sending context.Context) error {
		if err := k.pace.Await(ctx, "write "+d.Status.Identity.Key); err != nil {
			return err
		}
		var err error
		write, err = do(sending)
		return err
	})
	receipt := resource.Receipt{Outcome: resource.Outcome(write.Outcome), RequestID: write.RequestID, Err: err}
	if write.Outcome == arm.OutcomeUnchanged {
		receipt.Outcome = resource.OutcomeUpdated // one was there by then
	}
	return receipt
}
