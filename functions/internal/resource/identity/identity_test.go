package identity_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/identity"
)

// implementation answers with its own name what it is asked with the right arguments.
type implementation struct {
	resource.Kind
	name string
	err  error
}

func (i implementation) Observe(_ context.Context, v resource.View) []resource.Item {
	return []resource.Item{{Key: i.name + v.Document.ID}}
}

func (i implementation) Apply(_ context.Context, v resource.View, items []resource.Item) []resource.Result {
	return []resource.Result{{Step: i.name + "-apply" + v.Document.ID, Item: items[0]}}
}

func (i implementation) Remove(_ context.Context, v resource.View, items []resource.Item) []resource.Result {
	return []resource.Result{{Step: i.name + "-remove" + v.Document.ID, Item: items[0]}}
}

func (i implementation) List(_ context.Context, d integration.Document) ([]resource.Credential, error) {
	return []resource.Credential{{Name: i.name + d.ID}}, i.err
}

func (i implementation) Put(_ context.Context, d integration.Document, c []resource.Credential) []resource.Receipt {
	return []resource.Receipt{{ID: i.name + "-put" + d.ID + c[0].Name}}
}

func (i implementation) Delete(_ context.Context, d integration.Document, names []string) []resource.Receipt {
	return []resource.Receipt{{ID: i.name + "-delete" + d.ID + names[0]}}
}

func (i implementation) AdmitTakeover(_ context.Context, d integration.Document) error {
	return fmt.Errorf("%s of %s: %w", i.name, d.ID, i.err)
}

func (i implementation) Between(integration.Document) time.Duration {
	return map[string]time.Duration{"application": time.Second, "managed": time.Minute}[i.name]
}

func (i implementation) Description(integration.Document) string { return "by " + i.name }

// TestEachIdentityIsServedByItsImplementation: what is recorded decides before what is wanted.
func TestEachIdentityIsServedByItsImplementation(t *testing.T) {
	t.Parallel()
	application := implementation{name: "application", err: errors.New("application")}
	managed := implementation{name: "managed", err: errors.New("managed")}
	kind := identity.New(map[integration.IdentityKind]identity.Implementation{
		integration.IdentityApplication: application,
		integration.IdentityManaged:     managed})
	document := func(wanted, recorded integration.IdentityKind) integration.Document {
		d := integration.Document{ID: "-x"}
		d.Spec.Identity = &integration.Identity{Kind: wanted}
		if recorded != "" {
			d.Status.Identity = integration.IdentityMade{Kind: recorded}
		}
		return d
	}
	for name, c := range map[string]struct {
		document integration.Document
		by       implementation
	}{
		"nothing said":       {integration.Document{ID: "-x"}, application},
		"an application":     {document(integration.IdentityApplication, ""), application},
		"a managed identity": {document(integration.IdentityManaged, ""), managed},
		"another one is wanted now": {document(integration.IdentityApplication, integration.IdentityManaged),
			managed},
		"and the other way round": {document(integration.IdentityManaged, integration.IdentityApplication),
			application},
		"recorded as it is wanted":   {document(integration.IdentityManaged, integration.IdentityManaged), managed},
		"an application as recorded": {document("", integration.IdentityApplication), application},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, v, items := t.Context(), resource.View{Document: c.document}, []resource.Item{{Key: "k"}}
			assert.Equal(t, c.by.Observe(ctx, v), kind.Observe(ctx, v))
			assert.Equal(t, c.by.Apply(ctx, v, items), kind.Apply(ctx, v, items))
			assert.Equal(t, c.by.Remove(ctx, v, items), kind.Remove(ctx, v, items))
			found, err := kind.List(ctx, c.document)
			assert.Equal(t, []resource.Credential{{Name: c.by.name + "-x"}}, found)
			assert.Equal(t, c.by.err, err)
			credentials := []resource.Credential{{Name: "c"}}
			assert.Equal(t, c.by.Put(ctx, c.document, credentials), kind.Put(ctx, c.document, credentials))
			assert.Equal(t, c.by.Delete(ctx, c.document, []string{"n"}), kind.Delete(ctx, c.document, []string{"n"}))
			assert.Equal(t, c.by.Between(c.document), kind.Between(c.document))
			assert.Equal(t, c.by.Description(c.document), kind.Description(c.document))
			require.EqualError(t, kind.AdmitTakeover(ctx, c.document), c.by.AdmitTakeover(ctx, c.document).Error())
		})
	}
}

// TestWhereTheIdentityStands: it comes first, and goes last.
func TestWhereTheIdentityStands(t *testing.T) {
	t.Parallel()
	var kind resource.Place = identity.New(nil)
	assert.Equal(t, "identity", kind.Name())
	assert.Empty(t, kind.Needs())
	assert.Equal(t, []string{"federatedCredential", "roleAssignment"}, kind.Outlives())
}
