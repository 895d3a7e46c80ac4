package testaccess_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
	"github.com/ddoe-ai/azure-wif/functions/testaccess"
)

func TestTheOperationIsTheDocumented(t *testing.T) {
	problemtest.RequireDocumented(t, testaccess.Function{}.Register)
}

// TestWhatIsRefusedTestsNothing, now or later, and is one problem.
func TestWhatIsRefusedTestsNothing(t *testing.T) {
	const id = "0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10"
	for name, c := range map[string]struct {
		path, body, operation, prefer string
		status                        int
		code, pointer                 string
	}{
		"id":           {"/integrations/A/access-tests", "", "", "", 400, "invalid-id", "/path/id"},
		"operation id": {path, "", "first", "respond-async", 400, "invalid-parameter", "/header/Operation-Id"},
		"body":         {path, "{", "", "", 400, "malformed-body", ""},
		"body, later":  {path, `{"mode":"x"}`, "", "respond-async", 422, "invalid-mode", "/mode"},
		"an operation without one": {path, "", id, "", 400, "invalid-parameter",
			"/header/Operation-Id"},
		"a token, later": {path, `{"subjectToken":"planted"}`, "", "respond-async", 422, "invalid-combination",
			"/subjectToken"},
		"a prefix, later":  {path, `{"prefix":"p"}`, "", "respond-async", 422, "invalid-combination", "/prefix"},
		"an empty token":   {path, `{"subjectToken":""}`, "", "", 422, "invalid-value", "/subjectToken"},
		"no such access":   {path, `{"access":"owner"}`, "", "", 422, "invalid-access", "/access"},
		"a prefix upwards": {path, `{"prefix":"../x"}`, "", "", 422, "invalid-prefix", "/prefix"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{}
			headers := []string{}
			if c.operation != "" {
				headers = append(headers, "Operation-Id", c.operation)
			}
			if c.prefer != "" {
				headers = append(headers, "Prefer", c.prefer)
			}
			got := s.edge().Call(t, "POST", c.path, c.body, headers...)
			assert.Equal(t, c.status, got.Status, got.Raw)
			assert.Equal(t, c.code, got.Body["code"])
			if c.pointer != "" {
				first := got.Body["errors"].([]any)[0].(map[string]any)
				assert.Equal(t, c.pointer, first["pointer"])
				assert.Equal(t, c.code, first["code"])
				assert.NotEmpty(t, first["detail"])
			}
			assert.NotEmpty(t, got.Body["remedy"].(map[string]any)["steps"])
			assert.NotContains(t, got.Raw, "planted")
			assert.Empty(t, s.ran)
			assert.Empty(t, s.submitted)
		})
	}
}

// TestARefusalOfTheUseCase is passed on, and the invocation's line has the ids.
func TestARefusalOfTheUseCase(t *testing.T) {
	for prefer, want := range map[string][]string{"": {"my-images", ""}, "respond-async": {"my-images", "op"}} {
		ctx, record := invocation.With(t.Context())
		got := (&service{}).edge().CallIn(ctx, t, "POST", path, "", "Prefer", prefer)
		require.Less(t, got.Status, 300)
		id, operation, _ := record.Values()
		assert.Equal(t, want, []string{id, operation}, prefer)
		if prefer != "" {
			assert.Equal(t, "op", got.Body["id"])
		}
	}
	refused := &diagnosis.Error{Diagnosis: diagnosis.New("not-provisioned")}
	edge := problemtest.Serve(testaccess.Function{
		Run: func(_ context.Context, id string, _ access.Request) (assessment.Report, error) {
			assert.Equal(t, "my-images", id)
			return assessment.Report{}, refused
		},
		Submit: func(_ context.Context, id, _ string, _ access.Request) (operation.Accepted, error) {
			assert.Equal(t, "my-images", id)
			return operation.Accepted{}, refused
		},
	}.Register)
	for _, prefer := range []string{"", "respond-async"} {
		got := edge.Call(t, "POST", path, "", "Prefer", prefer)
		assert.Equal(t, 409, got.Status)
		assert.Equal(t, "not-provisioned", got.Body["code"])
	}
}
