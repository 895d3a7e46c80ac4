package resourcetest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/platform"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/resourcetest"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// lacksOfTheirs are what a kind cannot do of which nothing is ours.
func lacksOfTheirs(why string) map[resourcetest.Ability]string {
	return map[resourcetest.Ability]string{resourcetest.CanMake: why, resourcetest.CanBin: why,
		resourcetest.CanChange: why, resourcetest.CanMove: why, resourcetest.CanDrift: why,
		resourcetest.CanForeign: why, resourcetest.CanMembers: why}
}

// TestNamedIntegration: the integration that the spec names is used, and stays as it is.
func TestNamedIntegration(t *testing.T) {
	t.Parallel()
	resourcetest.Suite{Name: "platform integration that the spec names", New: newNamedIntegration,
		Lacks: lacksOfTheirs("it is a person's, and only used")}.Run(t)
}

// TestForm: a person makes the integration, by the form; what they make is never touched.
func TestForm(t *testing.T) {
	t.Parallel()
	resourcetest.Suite{Name: "platform integration by the form", New: newForm,
		Lacks: lacksOfTheirs("a person makes it")}.Run(t)
}

// TestFormWithoutAPI: nothing is asked, and the same is handed out each time.
func TestFormWithoutAPI(t *testing.T) {
	t.Parallel()
	w := resourcetest.NewWire()
	a := newAzure(t, w)
	all, err := platform.New(platform.Platform{Instance: instance, Requests: a.requests})
	require.NoError(t, err)
	w.Hosts = nil // whatever is asked fails
	d := a.identified(t, wired())
	for _, kind := range all {
		l := resourcetest.Loop{Kind: kind, Document: &d}
		for range 2 {
			require.NoError(t, l.Converge(t.Context(), false))
			require.NotNil(t, d.Status.DDOE.Form)
			for _, item := range l.Seen {
				require.Equal(t, resource.Manual, item.State)
			}
		}
		require.NoError(t, l.TakeDown(t.Context(), false))
	}
}

// newTheirs is a subject with a person's integration in the organisation, of which nothing is ours.
func newTheirs(t testing.TB, w *resourcetest.Wire) (*azure, *resourcetest.Subject) {
	a := newAzure(t, w)
	kind, _ := a.kinds(t, w)
	s := &resourcetest.Subject{Kind: kind, Document: a.identified(t, wired())}
	s.Document.Spec.DDOE.Driver = nil
	s.Objects = func() []resourcetest.Object { return a.objects(dataloop.Integrations) }
	s.Delete = func(testing.TB) {} // nothing is ours
	kindOfTheirs := a.offered()["type"]
	put := func(id, name string) {
		a.put(t, dataloop.Integrations, dataloop.Object{"id": id, "name": name, "type": kindOfTheirs,
			"org": dataloop.OrganizationID, "createdAt": 1, "options": dataloop.Object{"secret": "theirs"},
			"metadata": []any{}})
	}
	put("theirs", "Made by hand")
	s.Beside = func(testing.TB) { put("beside", "Somebody's") }
	return a, s
}

func newNamedIntegration(t testing.TB, w *resourcetest.Wire) *resourcetest.Subject {
	_, s := newTheirs(t, w)
	s.Document.Spec.DDOE = &integration.DDOE{OrganizationID: dataloop.OrganizationID, IntegrationID: "theirs"}
	return s
}

func newForm(t testing.TB, w *resourcetest.Wire) *resourcetest.Subject {
	a, s := newTheirs(t, w)
	require.NoError(t, a.DeleteDDOEObject(dataloop.AvailableIntegrations, a.offered()["type"].(string)))
	return s
}
