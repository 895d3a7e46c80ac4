package connect_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/connect"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
)

// TestAPatchHoldsForTheVersionThatWasRead, with and without If-Match: what somebody changes in between is not lost.
func TestAPatchHoldsForTheVersionThatWasRead(t *testing.T) {
	there := integration.Document{ID: "my-images", ETag: "0x1", Generation: 3,
		Spec: integration.Spec{DisplayName: "Old", Subjects: []string{"a"}}}
	version := `"` + integration.SpecVersion(there) + `"`
	for name, c := range map[string]struct{ sent, want string }{
		"no If-Match": {"", version}, "this version": {version, version}, "any": {"*", version},
		"another version": {`"2-00000000"`, `"2-00000000"`},
	} {
		var got []provision.Submission
		edge := problemtest.Serve(connect.Function{
			Get: func(context.Context, string) (integration.Document, error) { return there, nil },
			Submit: func(_ context.Context, s provision.Submission) (operation.Accepted, error) {
				got = append(got, s)
				return operation.Accepted{Document: there}, nil
			},
			OperationURL: func(id string) string { return id },
		}.Register)
		headers := []string{}
		if c.sent != "" {
			headers = []string{"If-Match", c.sent}
		}
		answer := edge.Call(t, "PATCH", "/integrations/my-images", `{"displayName":"New"}`, headers...)
		require.Equal(t, 200, answer.Status, answer.Raw)
		assert.Equal(t, []provision.Submission{{ID: "my-images", IfMatch: c.want,
			Spec: integration.Spec{DisplayName: "New", Subjects: []string{"a"}}}}, got, name)
	}
}
