package connect_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/connect"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
)

// service answers as the provisioning use case does, and remembers what it was asked.
type service struct {
	submitted []provision.Submission
	planned   []provision.Submission
	created   bool
	err       error
}

func (s *service) edge() *problemtest.Edge {
	return problemtest.Serve(connect.Function{
		Submit: func(_ context.Context, sub provision.Submission) (operation.Accepted, error) {
			s.submitted = append(s.submitted, sub)
			return operation.Accepted{
				Document: integration.Document{ID: sub.ID, Spec: sub.Spec, ETag: "0x1",
					Status: integration.Status{DDOE: &integration.DDOEStatus{OptionsHash: "hash"}}},
				Operation: integration.Operation{ID: "op"}, Created: s.created,
			}, s.err
		},
		Plan: func(_ context.Context, in provision.Submission) (provision.Plan, error) {
			s.planned = append(s.planned, in)
			return provision.Plan{ID: in.ID, Spec: in.Spec}, s.err
		},
		OperationURL: func(id string) string { return "/here/" + id },
	}.Register)
}

func TestSubmission(t *testing.T) {
	for name, c := range map[string]struct {
		created bool
		status  int
	}{"new": {true, 201}, "known": {false, 200}} {
		t.Run(name, func(t *testing.T) {
			s := &service{created: c.created}
			got := s.edge().Call(t, "PUT", "/integrations/my-images", `{"subjects":["a"]}`,
				"If-Match", `"0x0"`, "If-None-Match", "*", "Operation-Id", "0B1F6E0E-7F0C-4F7E-9D59-6D9C9F1C2A10")
			assert.Equal(t, c.status, got.Status, got.Raw)
			assert.Equal(t, `"0-e3b0c442"`, got.Header.Get("ETag"))
			assert.Equal(t, "/here/op", got.Header.Get("Operation-Location"))
			assert.Equal(t, "2", got.Header.Get("Retry-After"))
			assert.Equal(t, "my-images", got.Body["id"])
			assert.NotContains(t, got.Raw, "hash")
			assert.Equal(t, []provision.Submission{{
				ID: "my-images", Spec: integration.Spec{Subjects: []string{"a"}},
				OperationID: "0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10",
				IfMatch:     `"0x0"`, IfNoneMatch: "*",
			}}, s.submitted)
			assert.Empty(t, s.planned)
		})
	}
}

func TestDryRunOnlyPlans(t *testing.T) {
	s := &service{}
	got := s.edge().Call(t, "PUT", "/integrations/my-images?dryRun=true&replace=true", `{}`, "If-Match", `"0x0"`)
	require.Equal(t, 200, got.Status, got.Raw)
	assert.Equal(t, []provision.Submission{{ID: "my-images", Replace: true, IfMatch: `"0x0"`}}, s.planned)
	assert.Empty(t, s.submitted)
	assert.Empty(t, got.Header.Get("Operation-Location"))
	assert.Empty(t, got.Header.Get("Retry-After"))
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"faulty spec":   {&diagnosis.Error{Diagnosis: diagnosis.New("invalid-spec")}, 422, "invalid-spec"},
		"another owner": {&diagnosis.Error{Diagnosis: diagnosis.New("not-owned")}, 409, "not-owned"},
		"other version": {&diagnosis.Error{Diagnosis: diagnosis.New("precondition-failed")}, 412,
			"precondition-failed"},
		"no queue":       {&diagnosis.Error{Diagnosis: diagnosis.New("queue-unavailable")}, 503, "queue-unavailable"},
		"something else": {errors.New("boom"), 500, "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{err: c.err}
			for _, query := range []string{"", "?dryRun=true"} {
				got := s.edge().Call(t, "PUT", "/integrations/my-images"+query, `{}`)
				assert.Equal(t, c.status, got.Status)
				assert.Equal(t, c.code, got.Body["code"])
				assert.NotContains(t, got.Raw, "boom")
			}
		})
	}
}
