package inspect_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/inspect"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
)

func TestTheOperationsAreTheDocumented(t *testing.T) {
	problemtest.RequireDocumented(t, inspect.Function{}.Register)
}

// TestEachFilterAlone, and two together: a record that was not checked yet counts as unknown.
func TestEachFilterAlone(t *testing.T) {
	document := func(id string, phase integration.Phase, health integration.HealthState) integration.Document {
		d := integration.Document{ID: id, Status: integration.Status{Phase: phase}}
		if health != "" {
			d.Status.Health = &integration.Health{State: health}
		}
		return d
	}
	all := []integration.Document{document("new", integration.PhasePending, ""),
		document("good", integration.PhaseUsable, integration.HealthHealthy),
		document("bad", integration.PhaseUsable, integration.HealthUnhealthy),
		document("lost", integration.PhaseFailed, integration.HealthUnknown),
		document("gone", integration.PhaseDeleted, integration.HealthHealthy)}
	for query, want := range map[string][]string{
		"":                               {"new", "good", "bad", "lost"},
		"?state=usable":                  {"good", "bad"},
		"?state=deleted":                 {"gone"},
		"?state=provisioning":            {},
		"?health=healthy":                {"good"},
		"?health=unknown":                {"new", "lost"},
		"?health=degraded":               {},
		"?health=unhealthy&state=usable": {"bad"},
		"?health=healthy&state=failed":   {},
		"?health=healthy&state=deleted":  {"gone"},
	} {
		edge := problemtest.Serve(inspect.Function{List: func(_ context.Context, token string,
			limit int) (integration.Page, error) {
			assert.Equal(t, 100, limit, "what a page has where nobody says")
			assert.Empty(t, token)
			return integration.Page{Documents: all}, nil
		}}.Register)
		got := edge.Call(t, "GET", "/integrations"+query, "")
		require.Equal(t, 200, got.Status, got.Raw)
		ids := []string{}
		for _, d := range got.Body["value"].([]any) {
			ids = append(ids, d.(map[string]any)["id"].(string))
		}
		assert.Equal(t, want, ids, query)
		assert.NotContains(t, got.Body, "nextLink")
		assert.NotContains(t, got.Body, "unreadable")
	}
}

// TestANextLinkRepeatsTheRequest: filters and page size, with the store's own token, and only those that were given.
func TestANextLinkRepeatsTheRequest(t *testing.T) {
	const token = "a/b+c?ü"
	for query, want := range map[string]url.Values{
		"pageSize=2":                                 {},
		"pageSize=2&state=failed":                    {"state": {"failed"}},
		"pageSize=2&health=unknown":                  {"health": {"unknown"}},
		"pageSize=2&state=usable&health=unhealthy":   {"state": {"usable"}, "health": {"unhealthy"}},
		"pageSize=1000&state=deleted&health=healthy": {"state": {"deleted"}, "health": {"healthy"}},
	} {
		var asked []string
		edge := problemtest.Serve(inspect.Function{BaseURL: "https://host/api", List: func(_ context.Context,
			given string, _ int) (integration.Page, error) {
			asked = append(asked, given)
			return integration.Page{Next: token}, nil
		}}.Register)
		got := edge.Call(t, "GET", "/integrations?"+query, "")
		link, err := url.Parse(got.Body["nextLink"].(string))
		require.NoError(t, err)
		sent, err := url.ParseQuery(query)
		require.NoError(t, err)
		want.Set("pageSize", sent.Get("pageSize"))
		want.Set("continuationToken", base64.RawURLEncoding.EncodeToString([]byte(token)))
		assert.Equal(t, want, link.Query())
		assert.Equal(t, "https://host/api/integrations", "https://"+link.Host+link.Path)
		edge.Call(t, "GET", "/integrations?"+link.RawQuery, "")
		assert.Equal(t, token, asked[10], "the next request begins where the last one ended")
	}
}

// TestAPageAsksForWhatIsMissing, never more, and ends when it is full.
func TestAPageAsksForWhatIsMissing(t *testing.T) {
	var asked []int
	edge := problemtest.Serve(inspect.Function{List: func(_ context.Context, token string,
		limit int) (integration.Page, error) {
		asked = append(asked, limit)
		n, _ := strconv.Atoi(token)
		phase := integration.PhaseUsable
		if n == 1 {
			phase = integration.PhaseDeleted
		}
		return integration.Page{Documents: []integration.Document{{ID: "d" + token,
			Status: integration.Status{Phase: phase}}}, Next: strconv.Itoa(n + 1)}, nil
	}}.Register)
	got := edge.Call(t, "GET", "/integrations?pageSize=3", "")
	assert.Len(t, got.Body["value"], 3)
	assert.Equal(t, []int{3, 2, 2, 1}, asked)
	link, err := url.Parse(got.Body["nextLink"].(string))
	require.NoError(t, err)
	assert.Equal(t, base64.RawURLEncoding.EncodeToString([]byte("4")), link.Query().Get("continuationToken"))
}

// TestATokenThatWasNotMadeHere is the caller's mistake, whoever finds that out.
func TestATokenThatWasNotMadeHere(t *testing.T) {
	edge := problemtest.Serve(inspect.Function{List: func(context.Context, string, int) (integration.Page, error) {
		return integration.Page{}, integration.ErrInvalidToken
	}}.Register)
	for _, token := range []string{"!", "Z2FyYmFnZQ"} {
		got := edge.Call(t, "GET", "/integrations?continuationToken="+token, "")
		assert.Equal(t, 400, got.Status)
		assert.Equal(t, "invalid-continuation-token", got.Body["code"])
		assert.Equal(t, "The continuation token was not made here.", got.Body["detail"])
	}
}

// TestWhatCannotBeReadIsNamedWhole: id, code and what is wrong, for each of two.
func TestWhatCannotBeReadIsNamedWhole(t *testing.T) {
	edge := problemtest.Serve(inspect.Function{List: func(context.Context, string, int) (integration.Page, error) {
		return integration.Page{Unreadable: []integration.Unreadable{
			{ID: "one", Diagnosis: diagnosis.New("record-unreadable", diagnosis.WithDetail("it is empty"))},
			{ID: "two", Diagnosis: diagnosis.New("record-too-new", diagnosis.WithDetail("it is of version 9"))}}}, nil
	}}.Register)
	assert.Equal(t, []any{
		map[string]any{"id": "one", "code": "record-unreadable", "detail": "it is empty"},
		map[string]any{"id": "two", "code": "record-too-new", "detail": "it is of version 9"},
	}, edge.Call(t, "GET", "/integrations", "").Body["unreadable"])
}

// TestDriftIsServedAsItIsFound, or refused as it was refused.
func TestDriftIsServedAsItIsFound(t *testing.T) {
	var fault error
	edge := problemtest.Serve(inspect.Function{Drift: func(_ context.Context, id string) (assessment.Report, error) {
		return assessment.Report{ID: id, Kind: "drift", Verdict: assessment.VerdictFail,
			Checks: []assessment.Check{{ID: "one"}, {ID: "two"}}}, fault
	}}.Register)
	got := edge.Call(t, "GET", "/integrations/my-images/drift", "")
	require.Equal(t, 200, got.Status)
	assert.Equal(t, []any{"my-images", "drift", "fail"}, []any{got.Body["id"], got.Body["kind"], got.Body["verdict"]})
	assert.Len(t, got.Body["checks"], 2)
	for err, want := range map[error]int{&diagnosis.Error{Diagnosis: diagnosis.New("not-provisioned")}: 409,
		integration.Absent(nil): 404, errors.New("boom"): 500} {
		fault = err
		assert.Equal(t, want, edge.Call(t, "GET", "/integrations/my-images/drift", "").Status)
	}
	assert.Equal(t, "invalid-id", edge.Call(t, "GET", "/integrations/A/drift", "").Body["code"])
}

// TestEveryViewOfOneIntegration refuses what is no id, what is not there and what was torn down, and states which.
func TestEveryViewOfOneIntegration(t *testing.T) {
	asked := 0
	edge := problemtest.Serve(inspect.Function{
		Get: func(_ context.Context, id string) (integration.Document, error) {
			asked++
			if id == "gone" {
				return integration.Document{ID: id, Status: integration.Status{Phase: integration.PhaseDeleted}}, nil
			}
			if id == "there" {
				return integration.Document{ID: id, ETag: "0x1", Generation: 3, Status: integration.Status{
					Phase: integration.PhaseUsable}}, nil
			}
			return integration.Document{}, integration.ErrNotFound
		},
		Health: func(context.Context, integration.Document) (integration.HealthStatus, error) {
			return integration.HealthStatus{State: integration.HealthHealthy}, nil
		},
	}.Register)
	for _, view := range []string{"", "/credentials", "/health"} {
		for id, code := range map[string]string{"A": "invalid-id", "absent": "integration-not-found",
			"gone": "integration-deleted"} {
			ctx, record := invocation.With(t.Context())
			before := asked
			got := edge.CallIn(ctx, t, "GET", "/integrations/"+id+view, "")
			assert.Equal(t, code, got.Body["code"], id+view)
			noted, _, _ := record.Values()
			if code == "invalid-id" {
				assert.Equal(t, before, asked, "nobody is asked for it")
				assert.Empty(t, noted)
				continue
			}
			assert.Equal(t, 404, got.Status)
			assert.Equal(t, id, noted)
		}
	}
	got := edge.Call(t, "GET", "/integrations/there", "")
	assert.Equal(t, 200, got.Status)
	assert.Equal(t, `"3-e3b0c442"`, got.Header.Get("ETag"))
	assert.Equal(t, "there", got.Body["id"])
	assert.Equal(t, "healthy", edge.Call(t, "GET", "/integrations/there/health", "").Body["state"])
}
