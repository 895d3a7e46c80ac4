package resourcetest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/application"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/resourcetest"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/trust"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestTrust(t *testing.T) {
	t.Parallel()
	resourcetest.Suite{Name: "federated credentials of an application", New: newTrust,
		Lacks: map[resourcetest.Ability]string{
			resourcetest.CanBin:  "a removed credential is gone for good",
			resourcetest.CanMove: "all credentials are on the one application",
		}}.Run(t)
}

func newTrust(t testing.TB, w *resourcetest.Wire) *resourcetest.Subject {
	a := newAzure(t, w)
	s := &resourcetest.Subject{Document: a.identified(t, document(subject, another)),
		Kind: trust.New(application.New(a.graph, a.requests, instance, nil), a.requests)}
	s.Objects = func() []resourcetest.Object {
		var all []resourcetest.Object
		for _, o := range a.FederatedCredentials(objectID) {
			all = append(all, object(o.Name, !a.theirs[o.ID], o, func(o *world.FederatedIdentityCredential) {
				o.ID, o.ChangedAt = "", time.Time{}
			}))
		}
		return all
	}
	s.Change = func(spec *integration.Spec) { spec.Subjects = []string{subject, third} }
	change := func(t testing.TB, name string, do func(o *world.FederatedIdentityCredential)) {
		_, err := a.UpdateFederatedCredential(objectID, name, func(o *world.FederatedIdentityCredential) error {
			do(o)
			return nil
		})
		require.NoError(t, err)
	}
	s.Drift = func(t testing.TB) {
		change(t, integration.CredentialName(subject), func(o *world.FederatedIdentityCredential) {
			o.Audiences = []string{"api://somewhere-else"}
		})
	}
	s.Delete = func(t testing.TB) {
		for _, o := range a.FederatedCredentials(objectID) {
			if !a.theirs[o.ID] {
				require.NoError(t, a.DeleteFederatedCredential(objectID, o.ID))
			}
		}
	}
	put := func(t testing.TB, name, subject, audience string) {
		made, err := a.CreateFederatedCredential(world.FederatedIdentityCredential{ApplicationID: objectID, Name: name,
			Issuer: world.Issuer, Subject: subject,
			Audiences: []string{audience}})
		require.NoError(t, err)
		a.theirs[made.ID] = true
	}
	const audience = "api://AzureADTokenExchange"
	s.Beside = func(t testing.TB) { put(t, "by-hand", "repo:acme/images:ref:refs/heads/main", audience) }
	s.Foreign = credentialsInTheWay(func(t testing.TB, name, subject, audience string) {
		for _, o := range a.FederatedCredentials(objectID) { // issuer and subject are unique on an application
			if o.Subject == subject {
				return
			}
		}
		put(t, name, subject, audience)
	}, func(t testing.TB, name, subject, audience string) {
		change(t, name, func(o *world.FederatedIdentityCredential) {
			o.Subject, o.Audiences = subject, []string{audience}
		})
	})
	described := func(o *world.FederatedIdentityCredential) { o.Description = "ask Ada first" }
	s.Members = []resourcetest.Member{{Name: "description",
		Set: func(t testing.TB) { change(t, integration.CredentialName(subject), described) }}}
	return s
}

// credentialsInTheWay are those of somebody else on the identity; put makes one unless its pair of issuer and subject
// is taken, and change changes one.
func credentialsInTheWay(put, change func(t testing.TB, name, subject, audience string)) []resourcetest.Foreign {
	const name, audience, elsewhere = "by-hand", "api://AzureADTokenExchange", "api://somewhere-else"
	return []resourcetest.Foreign{
		{Name: "an equal credential under another name",
			Put: func(t testing.TB) { put(t, name, subject, audience) },
			Turns: []resourcetest.Foreign{
				{Name: "is given another audience", Refusal: diagnosis.CodeFederatedCredentialRefused,
					Put: func(t testing.TB) { change(t, name, subject, elsewhere) }},
				{Name: "is given another subject", Put: func(t testing.TB) { change(t, name, third, audience) }}}},
		{Name: "credentials with another audience", Refusal: diagnosis.CodeFederatedCredentialRefused,
			Put: func(t testing.TB) {
				put(t, name, subject, elsewhere)
				put(t, "by-hand-too", another, elsewhere)
			}}}
}
