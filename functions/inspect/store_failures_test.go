package inspect_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/inspect"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
)

// TestAStoreThatFailsAnywhere, at any call of any view: what was read before is not served as if it were all.
func TestAStoreThatFailsAnywhere(t *testing.T) {
	t.Parallel()
	repository := &integration.Repository{Store: storetest.NewMemory(), Now: time.Now}
	for n := range 7 {
		d := integration.Document{ID: fmt.Sprintf("my-service-%d", n)}
		d.Status.Phase = []integration.Phase{integration.PhaseFailed, integration.PhaseUsable}[n%2]
		_, err := repository.Create(t.Context(), d)
		require.NoError(t, err)
	}
	for path, calls := range map[string]int{
		"/integrations":                         1,
		"/integrations?state=failed&pageSize=3": 3,
		"/integrations?state=usable&pageSize=1": 2,
		"/integrations/my-service-1":            1,
		"/integrations/my-service-1/health":     2,
	} {
		for n := 1; ; n++ {
			failing := &storetest.Failing{Store: repository.Store, At: n}
			r := &integration.Repository{Store: failing, Now: time.Now}
			got := problemtest.Serve(inspect.Function{Get: r.Get, List: r.List, Health: func(ctx context.Context,
				d integration.Document) (integration.HealthStatus, error) {
				_, err := r.GetHealth(ctx, d.ID)
				return integration.HealthStatus{}, operation.StoreError(err)
			}}.Register).Call(t, "GET", path, "")
			if !failing.HasFailed() {
				assert.Contains(t, []int{200, 404}, got.Status, path)
				assert.Equal(t, calls, n-1, path)
				break
			}
			assert.Equal(t, 503, got.Status, "%s, call %d", path, n)
			assert.Equal(t, "store-unavailable", got.Body["code"], "%s, call %d", path, n)
			assert.NotContains(t, got.Body, "value", "%s, call %d", path, n)
		}
	}
}
