package connect_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/connect"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
)

func TestTheOperationIsTheDocumented(t *testing.T) {
	problemtest.RequireDocumented(t, connect.Function{}.Register)
}

// TestEverySwitchReachesTheUseCase, of a request and of its dry run.
func TestEverySwitchReachesTheUseCase(t *testing.T) {
	const body = `{"subjects":["a","b"],"storage":[{"resourceId":"x"},{"resourceId":"y"}]}`
	want := integration.Spec{Subjects: []string{"a", "b"}, Storage: []integration.StorageAccess{{ResourceID: "x"},
		{ResourceID: "y"}}}
	for query, replace := range map[string]bool{"?": false, "?replace=true": true, "?replace=false": false} {
		s := &service{}
		require.Equal(t, 200, s.edge().Call(t, "PUT", "/integrations/my-images"+query, body).Status)
		assert.Equal(t, []provision.Submission{{ID: "my-images", Spec: want, Replace: replace}}, s.submitted)

		planned := 0
		plan := func(_ context.Context, in provision.Submission) (provision.Plan, error) {
			planned++
			assert.Equal(t, provision.Submission{ID: "my-images", Spec: want, Replace: replace}, in, query)
			return provision.Plan{ID: in.ID, Spec: in.Spec}, nil
		}
		edge := problemtest.Serve(connect.Function{Plan: plan}.Register)
		got := edge.Call(t, "PUT", "/integrations/my-images"+query+"&dryRun=true", body)
		require.Equal(t, 200, got.Status, got.Raw)
		assert.Equal(t, "my-images", got.Body["id"])
		assert.Equal(t, []any{"a", "b"}, got.Body["spec"].(map[string]any)["subjects"], "the plan is the answer")
		assert.Equal(t, 1, planned)
	}
}

// TestWhatIsRefusedReachesNoUseCase, and is one problem.
func TestWhatIsRefusedReachesNoUseCase(t *testing.T) {
	for name, c := range map[string]struct {
		path, body, operation string
		status                int
		code                  string
	}{
		"id":           {"/integrations/My-Images", `{}`, "", 400, "invalid-id"},
		"operation id": {"/integrations/my-images", `{}`, "first", 400, "invalid-parameter"},
		"body":         {"/integrations/my-images", `{`, "", 400, "malformed-body"},
	} {
		for _, query := range []string{"", "?dryRun=true"} {
			s := &service{}
			headers := []string{}
			if c.operation != "" {
				headers = []string{"Operation-Id", c.operation}
			}
			got := s.edge().Call(t, "PUT", c.path+query, c.body, headers...)
			assert.Equal(t, c.status, got.Status, name)
			assert.Equal(t, c.code, got.Body["code"], name)
			assert.Empty(t, s.submitted, name)
			assert.Empty(t, s.planned, name)
		}
	}
}

// TestTheInvocationIsAboutIntegrationAndOperation, for the log's line.
func TestTheInvocationIsAboutIntegrationAndOperation(t *testing.T) {
	ctx, record := invocation.With(t.Context())
	(&service{}).edge().CallIn(ctx, t, "PUT", "/integrations/my-images", `{}`)
	id, operation, _ := record.Values()
	assert.Equal(t, []string{"my-images", "op"}, []string{id, operation})
}
