package checknow_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/checknow"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
)

const path = "/integrations/my-images/health-checks"

// service remembers what it was asked.
type service struct {
	checked, submitted []string
	refusal            error
}

func (s *service) edge() *problemtest.Edge {
	return problemtest.Serve(checknow.Function{
		Check: func(_ context.Context, id string) (integration.HealthStatus, error) {
			s.checked = append(s.checked, id)
			return integration.HealthStatus{State: integration.HealthUnhealthy}, s.refusal
		},
		Submit: func(_ context.Context, id, operationID string) (operation.Accepted, error) {
			s.submitted = append(s.submitted, id+" "+operationID)
			return operation.Accepted{Operation: integration.Operation{ID: "op", RequestHash: "hash"}}, s.refusal
		},
		OperationURL: func(id string) string { return "/here/" + id },
	}.Register)
}

func TestTheOperationIsTheDocumented(t *testing.T) {
	problemtest.RequireDocumented(t, checknow.Function{}.Register)
}

func TestNow(t *testing.T) {
	s := &service{}
	got := s.edge().Call(t, "POST", path, "")
	require.Equal(t, 200, got.Status, "what was found is an answer, not an error")
	assert.Equal(t, "unhealthy", got.Body["state"])
	assert.Equal(t, []string{"my-images"}, s.checked)
	assert.Empty(t, s.submitted)
}

// TestAnEmptyObjectIsNoFault: there is nothing to state, and clients that always send a body may.
func TestAnEmptyObjectIsNoFault(t *testing.T) {
	s := &service{}
	got := s.edge().Call(t, "POST", path, "{}", "Content-Type", "application/json")
	assert.Equal(t, 200, got.Status, got.Raw)
	assert.Len(t, s.checked, 1)
}

func TestLater(t *testing.T) {
	const id = "0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10"
	s := &service{}
	got := s.edge().Call(t, "POST", path, "", "Prefer", "return=minimal, Respond-Async; x=y", "Operation-Id", id)
	require.Equal(t, 202, got.Status, got.Raw)
	assert.Equal(t, "/here/op", got.Header.Get("Operation-Location"))
	assert.Equal(t, "respond-async", got.Header.Get("Preference-Applied"))
	assert.Equal(t, "op", got.Body["id"])
	assert.NotContains(t, got.Raw, "hash")
	assert.Equal(t, []string{"my-images " + id}, s.submitted)
	assert.Empty(t, s.checked)
}

// TestWhatIsRefusedChecksNothing, and is one problem.
func TestWhatIsRefusedChecksNothing(t *testing.T) {
	for name, c := range map[string]struct {
		path, operation, prefer string
		pointer                 string
	}{
		"id":                       {"/integrations/A/health-checks", "", "", "/path/id"},
		"operation id":             {path, "first", "respond-async", "/header/Operation-Id"},
		"an operation without one": {path, "0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10", "", "/header/Operation-Id"},
	} {
		s := &service{}
		headers := []string{"Prefer", c.prefer}
		if c.operation != "" {
			headers = append(headers, "Operation-Id", c.operation)
		}
		got := s.edge().Call(t, "POST", c.path, "", headers...)
		assert.Equal(t, 400, got.Status, name)
		assert.Equal(t, c.pointer, got.Body["errors"].([]any)[0].(map[string]any)["pointer"], name)
		assert.Empty(t, append(s.checked, s.submitted...), name)
	}
	for body, status := range map[string]int{"nonsense": 400, "[]": 422, `{"mode":"oracle"}`: 422} {
		s := &service{}
		got := s.edge().Call(t, "POST", path, body, "Content-Type", "application/json")
		assert.Equal(t, status, got.Status, got.Raw)
		assert.Empty(t, append(s.checked, s.submitted...), body)
	}
	for _, prefer := range []string{"", "respond-async"} {
		s := &service{refusal: &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeDeprovisioning)}}
		got := s.edge().Call(t, "POST", path, "", "Prefer", prefer)
		assert.Equal(t, 409, got.Status, got.Raw)
		assert.Equal(t, "deprovisioning", got.Body["code"])
	}
}
