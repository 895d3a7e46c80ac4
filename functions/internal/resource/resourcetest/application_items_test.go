package resourcetest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/application"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/resourcetest"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestAnApplicationOfAnEarlierAttempt: an attempt has made the application and recorded nothing. The next one finds it
// in the place of its create, and writes it only where the spec was another one then.
func TestAnApplicationOfAnEarlierAttempt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		displayName string
		updates     int
	}{
		"for the same spec":   {"My service", 0},
		"for an earlier spec": {"Its first name", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := resourcetest.NewWire()
			a, d := newAzure(t, w), document(subject)
			made, err := a.CreateApplication(world.Application{UniqueName: uniqueName, DisplayName: c.displayName,
				SignInAudience: "AzureADMyOrg", Tags: []string{"managed-by:ddoe-wif", "integration:" + id}},
				world.AppPrincipalID)
			require.NoError(t, err)
			updates := 0
			next := w.Hosts["graph.microsoft.com"]
			w.Hosts["graph.microsoft.com"] = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPatch && r.URL.Path == "/v1.0/applications/"+made.ID {
					updates++
				}
				next.ServeHTTP(rw, r)
			})
			kind := application.New(a.graph, a.requests, instance, nil)
			v := resource.View{Document: d, Fresh: true}
			results := kind.Apply(t.Context(), v, kind.Observe(t.Context(), v))
			require.Len(t, results, 2)
			for _, r := range results {
				require.NoError(t, r.Err)
				r.Learn(&d.Status)
			}
			assert.Equal(t, c.updates, updates)
			assert.Equal(t, made.ID, d.Status.Identity.ID)
			assert.Equal(t, made.AppID, d.Status.ClientID)
			require.Len(t, a.Applications(), 1)
			assert.Equal(t, "My service", a.Applications()[0].DisplayName)
		})
	}
}
