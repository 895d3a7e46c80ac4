// Package identity is the identity of an integration, whatever it is made of: the one identity kind of the list, and
// the one keeper of its federated credentials. It hands each integration to the implementation of its kind; nothing
// outside asks which one that is.
package identity

import (
	"context"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Implementation is one kind of identity. It keeps the federated credentials of its identities, as package trust wants
// it, one write after the other where there is a pause Between them.
type Implementation interface {
	resource.Kind
	List(ctx context.Context, d integration.Document) ([]resource.Credential, error)
	Put(ctx context.Context, d integration.Document, credentials []resource.Credential) []resource.Receipt
	Delete(ctx context.Context, d integration.Document, names []string) []resource.Receipt
	resource.CredentialTerms
	AdmitTakeover(ctx context.Context, d integration.Document) error
}

// Identity is a resource.Kind, and trust's credentials.
type Identity struct {
	resource.IdentityPlace
	by map[integration.IdentityKind]Implementation
}

// New returns the identity kind, of the implementations of all kinds of identity.
func New(by map[integration.IdentityKind]Implementation) *Identity { return &Identity{by: by} }

// of is the implementation for an integration: by what is recorded, else by what is wanted.
func (i *Identity) of(d integration.Document) Implementation { return i.by[d.IdentityKind()] }

// Observe implements resource.Kind.
func (i *Identity) Observe(ctx context.Context, v resource.View) []resource.Item {
	return i.of(v.Document).Observe(ctx, v)
}

// Apply implements resource.Kind.
func (i *Identity) Apply(ctx context.Context, v resource.View, items []resource.Item) []resource.Result {
	return i.of(v.Document).Apply(ctx, v, items)
}

// Remove implements resource.Kind.
func (i *Identity) Remove(ctx context.Context, v resource.View, items []resource.Item) []resource.Result {
	return i.of(v.Document).Remove(ctx, v, items)
}

// AdmitTakeover implements resource.Takeable.
func (i *Identity) AdmitTakeover(ctx context.Context, d integration.Document) error {
	return i.of(d).AdmitTakeover(ctx, d)
}

// IsReplaced implements resource.Replaceable.
func (i *Identity) IsReplaced(d integration.Document) bool { return d.HasIdentityChange() }

// Carries implements resource.Replaceable: credentials are on an identity, and go with it.
func (i *Identity) Carries() []string { return []string{resource.FederatedCredential} }

// Forget implements resource.Replaceable.
func (i *Identity) Forget(st *integration.Status) { st.ForgetIdentity() }

// Notice implements resource.Replaceable: whoever uses the client id has to be given another one.
func (i *Identity) Notice(d integration.Document) diagnosis.Diagnosis {
	return diagnosis.New(diagnosis.CodeIdentityReplaced, diagnosis.WithContext(d.Words()))
}

// List reads all credentials of the integration's identity.
func (i *Identity) List(ctx context.Context, d integration.Document) ([]resource.Credential, error) {
	return i.of(d).List(ctx, d)
}

// Put writes credentials by their names.
func (i *Identity) Put(ctx context.Context, d integration.Document,
	credentials []resource.Credential) []resource.Receipt {
	return i.of(d).Put(ctx, d, credentials)
}

// Delete deletes credentials by their names.
func (i *Identity) Delete(ctx context.Context, d integration.Document, names []string) []resource.Receipt {
	return i.of(d).Delete(ctx, d, names)
}

// Between is how long the writes of credentials are apart.
func (i *Identity) Between(d integration.Document) time.Duration {
	return i.of(d).Between(d)
}

// Description is what Put writes beside a credential that is new.
func (i *Identity) Description(d integration.Document) string { return i.of(d).Description(d) }
