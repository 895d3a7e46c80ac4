package cloud_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestWritesOverlapForAsLongAsTheyLast: with a latency, of credentials that are written at once one is taken.
func TestWritesOverlapForAsLongAsTheyLast(t *testing.T) {
	c, err := cloud.New(cloud.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	const identity = world.IdentitiesResourceGroupID +
		"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mine"
	c.World().PutUserAssignedIdentity(world.UserAssignedIdentity{ID: identity})
	c.World().SetTiming(world.Timing{LatencyMS: 300})
	token, _, err := c.Authority().Issue(world.AppPrincipalID, entra.ResourceManagement)
	require.NoError(t, err)

	statuses := make([]int, 3)
	var all sync.WaitGroup
	for n := range statuses {
		all.Go(func() {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, fmt.Sprintf(
				"https://%s%s/federatedIdentityCredentials/c-%d?api-version=2024-11-30", cloud.ManagementHost,
				identity, n),
				strings.NewReader(fmt.Sprintf(`{"properties":{"issuer":"i","subject":"s-%d","audiences":["a"]}}`, n)))
			if !assert.NoError(t, err) {
				return
			}
			request.Header.Set("Authorization", "Bearer "+token)
			response, err := c.RoundTripper().RoundTrip(request)
			if assert.NoError(t, err) {
				statuses[n] = response.StatusCode
				assert.NoError(t, response.Body.Close())
			}
		})
	}
	all.Wait()
	slices.Sort(statuses)
	assert.Equal(t, []int{201, 409, 409}, statuses)
	assert.Len(t, c.World().UserAssignedIdentityCredentials(identity), 1)
}
