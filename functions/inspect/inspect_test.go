package inspect_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/inspect"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
)

// filled returns an edge on a repository with documents of those phases, and counts reads of the store.
func filled(t *testing.T, phases ...integration.Phase) (*problemtest.Edge, *int) {
	t.Helper()
	repository := &integration.Repository{Store: storetest.NewMemory(), Now: time.Now}
	for i, phase := range phases {
		_, err := repository.Create(t.Context(), integration.Document{
			ID: fmt.Sprintf("id-%03d", i), Spec: integration.Spec{TenantID: "tenant", Issuer: "https://i",
				Subjects: []string{"a", "b"}, Audience: "aud"},
			Status: integration.Status{Phase: phase, ClientID: "client",
				DDOE: &integration.DDOEStatus{OptionsHash: "hash"}},
		})
		require.NoError(t, err)
	}
	reads := new(int)
	return problemtest.Serve(inspect.Function{
		Get: repository.Get, BaseURL: "/api",
		List: func(ctx context.Context, token string, limit int) (integration.Page, error) {
			*reads++
			assert.Positive(t, limit)
			return repository.List(ctx, token, limit)
		},
	}.Register), reads
}

func TestARareFilterReadsABoundedNumberOfPages(t *testing.T) {
	phases := make([]integration.Phase, 40)
	for i := range phases {
		phases[i] = integration.PhaseUsable
	}
	edge, reads := filled(t, phases...)
	got := edge.Call(t, "GET", "/integrations?state=failed&pageSize=1", "")
	require.Equal(t, 200, got.Status, got.Raw)
	assert.Empty(t, got.Body["value"])
	assert.Contains(t, got.Body["nextLink"], "/api/integrations?")
	assert.Contains(t, got.Body["nextLink"], "state=failed")
	assert.Equal(t, 10, *reads)
}

// TestWhatIsForTheServiceAloneStaysHere: hashes tell the service what was sent, and nobody else anything.
func TestWhatIsForTheServiceAloneStaysHere(t *testing.T) {
	edge, _ := filled(t, integration.PhaseProvisioned)
	for _, path := range []string{"/integrations", "/integrations/id-000"} {
		got := edge.Call(t, "GET", path, "")
		require.Equal(t, 200, got.Status)
		assert.Contains(t, got.Raw, `"client"`)
		assert.NotContains(t, got.Raw, "hash", path)
	}
}

func TestCredentialFile(t *testing.T) {
	edge, _ := filled(t, integration.PhaseProvisioned, integration.PhasePending, integration.PhaseDeleted)
	file := edge.Call(t, "GET", "/integrations/id-000/credentials", "")
	assert.JSONEq(t, `{"clientId":"client","tenantId":"tenant","federatedTokenIssuer":"https://i","subject":"a",`+
		`"audience":"aud"}`, file.Raw)
	assert.Equal(t, `attachment; filename="azure_credentials.json"`, file.Header.Get("Content-Disposition"))
	assert.Equal(t, "application/json", file.Header.Get("Content-Type"))
	assert.Equal(t, "b", edge.Call(t, "GET", "/integrations/id-000/credentials?subject=b", "").Body["subject"])
	assert.Equal(t, 400, edge.Call(t, "GET", "/integrations/id-000/credentials?subject=A", "").Status)
	assert.Equal(t, "not-provisioned", edge.Call(t, "GET", "/integrations/id-001/credentials", "").Body["code"])
	for _, view := range []string{"", "/credentials", "/health"} {
		assert.Equal(t, "integration-deleted", edge.Call(t, "GET", "/integrations/id-002"+view, "").Body["code"])
	}
}

func TestHealth(t *testing.T) {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	document := integration.Document{ID: "aaa", Status: integration.Status{Phase: integration.PhaseUsable}}
	edge := problemtest.Serve(inspect.Function{
		Get: func(context.Context, string) (integration.Document, error) { return document, nil },
		Health: func(_ context.Context, d integration.Document) (integration.HealthStatus, error) {
			assert.Equal(t, document, d)
			return integration.HealthStatus{State: integration.HealthDegraded, Since: since, NextDue: &since,
				History: []integration.HealthChange{{At: since, From: integration.HealthUnknown,
					To: integration.HealthDegraded, Code: "over-privileged"}}}, nil
		},
	}.Register)
	const at = "2026-01-02T03:04:05Z"
	assert.Equal(t, map[string]any{"state": "degraded", "since": at, "nextDue": at,
		"history": []any{map[string]any{"at": at, "from": "unknown", "to": "degraded", "code": "over-privileged"}}},
		edge.Call(t, "GET", "/integrations/aaa/health", "").Body)
	document.Status.Phase = integration.PhaseDeleted
	assert.Equal(t, 404, edge.Call(t, "GET", "/integrations/aaa/health", "").Status)
}

func TestUnreadableHealthIsAnOutage(t *testing.T) {
	edge := problemtest.Serve(inspect.Function{
		Get: func(context.Context, string) (integration.Document, error) {
			return integration.Document{ID: "aaa"}, nil
		},
		Health: func(context.Context, integration.Document) (integration.HealthStatus, error) {
			return integration.HealthStatus{}, errors.New("down")
		},
	}.Register)
	got := edge.Call(t, "GET", "/integrations/aaa/health", "")
	assert.Equal(t, 503, got.Status)
	assert.Equal(t, "store-unavailable", got.Body["code"])
}

func TestAnUnreadableStoreIsAnOutage(t *testing.T) {
	down := errors.New("403 AuthorizationFailure")
	edge := problemtest.Serve(inspect.Function{
		Get:  func(context.Context, string) (integration.Document, error) { return integration.Document{}, down },
		List: func(context.Context, string, int) (integration.Page, error) { return integration.Page{}, down },
	}.Register)
	for _, path := range []string{"/integrations", "/integrations/aaa", "/integrations/aaa/credentials",
		"/integrations/aaa/health"} {
		got := edge.Call(t, "GET", path, "")
		assert.Equal(t, 503, got.Status, path)
		assert.Equal(t, "store-unavailable", got.Body["code"])
		assert.NotContains(t, got.Raw, "AuthorizationFailure")
	}
}

// TestUnreadableRecordsAreNamed beside a page that is full or empty of others; the page size counts what can be read.
func TestUnreadableRecordsAreNamed(t *testing.T) {
	repository := &integration.Repository{Store: storetest.NewMemory(), Now: time.Now}
	for i := range 6 {
		id := fmt.Sprintf("id-%03d", i)
		_, err := repository.Create(t.Context(),
			integration.Document{ID: id, Status: integration.Status{Phase: integration.PhaseUsable}})
		require.NoError(t, err)
		_, err = repository.Store.Put(t.Context(), "integrations/"+id+"-bad.json", []byte("{"), "")
		require.NoError(t, err)
	}
	edge := problemtest.Serve(inspect.Function{Get: repository.Get, List: repository.List, BaseURL: ""}.Register)
	for _, state := range []string{"usable", "failed"} {
		good, named := map[string]int{}, map[string]int{}
		link, pages := "/integrations?pageSize=2&state="+state, 0
		for ; link != ""; pages++ {
			require.Less(t, pages, 20)
			got := edge.Call(t, "GET", link, "")
			require.Equal(t, 200, got.Status, got.Raw)
			value := got.Body["value"].([]any)
			assert.LessOrEqual(t, len(value), 2)
			for _, d := range value {
				good[d.(map[string]any)["id"].(string)]++
			}
			unreadable, _ := got.Body["unreadable"].([]any)
			for _, u := range unreadable {
				assert.Equal(t, "record-unreadable", u.(map[string]any)["code"])
				named[u.(map[string]any)["id"].(string)]++
			}
			link, _ = got.Body["nextLink"].(string)
		}
		assert.Len(t, named, 6, "whatever was asked for")
		assert.Len(t, good, map[string]int{"usable": 6, "failed": 0}[state])
		for id, times := range named {
			assert.Equal(t, 1, times, id)
		}
	}
}
