package inspect_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/inspect"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
)

const accounts = "/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/data/providers/" +
	"Microsoft.Storage/storageAccounts/"

// filtered serves four integrations, one on a page of the store.
func filtered(t *testing.T) *problemtest.Edge {
	t.Helper()
	documents := []integration.Document{
		{ID: "one", Spec: integration.Spec{Subjects: []string{"a", "b"}, Tags: map[string]string{"team": "vision",
			"url": "https://x:1"}, Storage: []integration.StorageAccess{
			{ResourceID: accounts + "acmedata", Container: "images"}, {ResourceID: accounts + "other"}}},
			Status: integration.Status{Phase: integration.PhaseFailed}},
		{ID: "two", Owner: somebody, Spec: integration.Spec{Subjects: []string{"b"},
			Tags:    map[string]string{"team": "audio", "x": ""},
			Storage: []integration.StorageAccess{{ResourceID: accounts + "acmedata"}}},
			Status: integration.Status{Phase: integration.PhaseUsable}},
		{ID: "three", Status: integration.Status{Phase: integration.PhasePending}},
		{ID: "gone", Spec: integration.Spec{Subjects: []string{"b"}},
			Status: integration.Status{Phase: integration.PhaseDeleted}},
	}
	for i := range documents {
		documents[i].ETag = "1"
	}
	documents[1].SetCondition(documents[1].CreatedAt, integration.ConditionProvisioned, "True", nil, "")
	documents[1].SetCondition(documents[1].CreatedAt, integration.ConditionVerified, "True", nil, "")
	require.Equal(t, "True", documents[1].Ready().Status)
	return problemtest.Serve(inspect.Function{BaseURL: "/api", List: func(_ context.Context, token string,
		limit int) (integration.Page, error) {
		at := len(token) // a token of so many letters
		page := integration.Page{Documents: documents[at : at+1]}
		if at+1 < len(documents) {
			page.Next = strings.Repeat("x", at+1)
		}
		return page, nil
	}}.Register)
}

// somebody is an owner.
const somebody = "55555555-5555-4555-8555-555555555555"

// TestFiltersThatAreMalformed are refused, each with its place, as they would find nothing.
func TestFiltersThatAreMalformed(t *testing.T) {
	t.Parallel()
	edge := filtered(t)
	for query, pointers := range map[string][]any{
		"owner=me": {"/query/owner"}, "owner=55555555-5555-4555-8555-55555555555A": {"/query/owner"},
		"tag=team": {"/query/tag"}, "tag=:vision": {"/query/tag"}, "tag=te%20am:vision": {"/query/tag"},
		"tag=team:vision&tag=x&tag=": {"/query/tag", "/query/tag"},
		"owner=x&tag=y":              {"/query/owner"}, // what has a schema comes first
	} {
		got := edge.Call(t, "GET", "/integrations?"+query, "")
		assert.Equal(t, 400, got.Status, query)
		assert.Equal(t, "invalid-parameter", got.Body["code"], query)
		var found []any
		for _, fault := range got.Body["errors"].([]any) {
			found = append(found, fault.(map[string]any)["pointer"])
			assert.NotEmpty(t, fault.(map[string]any)["expected"], query)
		}
		assert.Equal(t, pointers, found, query)
	}
}

// TestFilters: all that are given hold, on every page, and each is repeated in nextLink.
func TestFilters(t *testing.T) {
	t.Parallel()
	edge := filtered(t)
	for query, want := range map[string]string{
		"":                  "one two three",
		"owner=" + somebody: "two", "owner=queue": "",
		"phase=failed":                        "one",
		"phase=deleted&subject=b":             "gone",
		"phase=failed&state=usable":           "",
		"ready=true":                          "two",
		"ready=false":                         "one three",
		"account=acmedata":                    "one two",
		"account=ACMEDATA":                    "one two",
		"account=" + accounts + "acmedata":    "one two",
		"account=acmedat":                     "",
		"container=images":                    "one two",
		"account=acmedata&container=videos":   "two",
		"account=other&container=videos":      "one",
		"subject=b":                           "one two",
		"subject=B":                           "",
		"tag=team:vision":                     "one",
		"tag=team:vision&tag=url:https://x:1": "one",
		"tag=team:vision&tag=x:":              "",
		"tag=x:":                              "two",
		"tag=team:":                           "",
		"tag=team:vision,url:https://x:1":     "",
		"subject=b&tag=team:audio&ready=true": "two",
	} {
		got := []string{}
		for next := "/integrations?pageSize=1&" + query; next != ""; {
			answer := edge.Call(t, "GET", next, "")
			require.Equal(t, 200, answer.Status, answer.Raw)
			for _, d := range answer.Body["value"].([]any) {
				got = append(got, d.(map[string]any)["id"].(string))
			}
			link, _ := answer.Body["nextLink"].(string)
			next = strings.TrimPrefix(link, "/api")
			if next != "" {
				asked, err := url.ParseQuery(query)
				require.NoError(t, err)
				u, err := url.Parse(next)
				require.NoError(t, err)
				for name, values := range asked {
					assert.Equal(t, values, u.Query()[name], query)
				}
			}
		}
		assert.Equal(t, want, strings.Join(got, " "), query)
	}
	for _, query := range []string{"ready=yes", "phase=Failed", "account=a&account=b"} {
		assert.Equal(t, "invalid-parameter", edge.Call(t, "GET", "/integrations?"+query, "").Body["code"], query)
	}
}
