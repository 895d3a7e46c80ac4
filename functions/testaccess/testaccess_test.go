package testaccess_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/functions/testaccess"
)

// service remembers what it was asked.
type service struct {
	ran       []access.Request
	submitted []access.Request
	// operations are the operation ids of those that were submitted.
	operations []string
}

func (s *service) edge() *problemtest.Edge {
	return problemtest.Serve(testaccess.Function{
		Run: func(_ context.Context, _ string, o access.Request) (assessment.Report, error) {
			s.ran = append(s.ran, o)
			return assessment.Report{Kind: "access", Verdict: assessment.VerdictFail}, nil
		},
		Submit: func(_ context.Context, _, operationID string, o access.Request) (operation.Accepted, error) {
			s.submitted = append(s.submitted, o)
			s.operations = append(s.operations, operationID)
			return operation.Accepted{Operation: integration.Operation{ID: "op", RequestHash: "hash"}}, nil
		},
		OperationURL: func(id string) string { return "/here/" + id },
	}.Register)
}

const path = "/integrations/my-images/access-tests"

func TestNow(t *testing.T) {
	s := &service{}
	got := s.edge().Call(t, "POST", path,
		`{"mode":"oracle","access":"read","prefix":"p","subjectToken":"planted-token"}`)
	require.Equal(t, 200, got.Status, "a failed verdict is an answer, not an error")
	assert.Equal(t, "fail", got.Body["verdict"])
	assert.NotContains(t, got.Raw, "planted")
	assert.Equal(t, []access.Request{{Mode: "oracle", Access: "read", Prefix: "p",
		Token: secret.New("planted-token")}}, s.ran)
	assert.Empty(t, s.submitted)
}

func TestABodyIsOptional(t *testing.T) {
	for _, body := range []string{"", "{}", `{"mode":null}`} {
		s := &service{}
		assert.Equal(t, 200, s.edge().Call(t, "POST", path, body).Status)
		assert.Equal(t, []access.Request{{}}, s.ran)
	}
}

func TestPrefer(t *testing.T) {
	for prefer, later := range map[string]bool{
		"": false, "respond-async": true, "Respond-Async": true, "wait=5, respond-async": true,
		"respond-async; x=1": true,
		"return=minimal":     false, "respond-asynchronously": false,
	} {
		t.Run(prefer, func(t *testing.T) {
			s := &service{}
			got := s.edge().Call(t, "POST", path, `{"mode":"oracle"}`, "Prefer", prefer)
			if !later {
				assert.Equal(t, 200, got.Status)
				assert.Empty(t, s.submitted)
				return
			}
			assert.Equal(t, 202, got.Status)
			assert.Equal(t, "/here/op", got.Header.Get("Operation-Location"))
			assert.Equal(t, "respond-async", got.Header.Get("Preference-Applied"))
			assert.NotContains(t, got.Raw, "hash")
			assert.Equal(t, []access.Request{{Mode: "oracle"}}, s.submitted)
			assert.Empty(t, s.ran)
		})
	}
}

func TestEveryFaultOfTheBodyAtOnce(t *testing.T) {
	const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmF0dXJl"
	for body, pointers := range map[string][]string{
		`{"subjectToken":""}`:                       {"/subjectToken"},
		`{"mode":"x","access":"y","prefix":"../z"}`: {"/mode", "/access", "/prefix"},
		`{"prefix":"a/` + jwt + `"}`:                {"/prefix"},
	} {
		s := &service{}
		got := s.edge().Call(t, "POST", path, body)
		assert.Equal(t, 422, got.Status, body)
		found := []string{}
		errors, _ := got.Body["errors"].([]any)
		for _, e := range errors {
			found = append(found, e.(map[string]any)["pointer"].(string))
		}
		assert.Equal(t, pointers, found)
		assert.NotContains(t, got.Raw, "eyJ")
		assert.Empty(t, s.ran, "the platform's token must not stand in")
	}
}

func TestAnOperationIDNeedsAnOperation(t *testing.T) {
	const operation = "0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10"
	s := &service{}
	got := s.edge().Call(t, "POST", path, "{}", "Operation-Id", operation)
	assert.Equal(t, 400, got.Status)
	assert.Contains(t, got.Body["detail"], "Prefer: respond-async")
	assert.Equal(t, "/header/Operation-Id", got.Body["errors"].([]any)[0].(map[string]any)["pointer"])
	assert.Equal(t, "Operation-Id needs Prefer: respond-async; a test that runs at once makes no operation.",
		got.Body["detail"])
	assert.Empty(t, s.ran)
	assert.Equal(t, 202, s.edge().Call(t, "POST", path, "{}", "Operation-Id", operation, "Prefer",
		"respond-async").Status)
	assert.Equal(t, operation, s.operations[0])
}

func TestATokenDoesNotGoThroughTheQueue(t *testing.T) {
	s := &service{}
	got := s.edge().Call(t, "POST", path, `{"subjectToken":"planted-token","prefix":"p"}`, "Prefer", "respond-async")
	assert.Equal(t, 422, got.Status)
	assert.Len(t, got.Body["errors"], 2)
	assert.Contains(t, got.Body["detail"], "subjectToken and Prefer: respond-async exclude each other")
	assert.Equal(t, []any{"Leave one of the two out."}, got.Body["remedy"].(map[string]any)["steps"])
	assert.NotContains(t, got.Raw, "planted")
	assert.Empty(t, s.submitted)
}
