package message_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

func check(replacements ...string) string {
	return strings.NewReplacer(replacements...).Replace(
		`{"specversion":"1.0","id":"event-1","source":"/p","type":"ai.ddoe.wif.healthcheck.v1","data":{"integrationId":"my-service","slot":"2026-01-02T03:04:05Z"}}`)
}

func TestHealthChecksOnTheWire(t *testing.T) {
	slot := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]message.HealthCheck{
		"planned": {ID: "my-service-20260102T030405Z", IntegrationID: "my-service", Slot: slot},
		"second look": {ID: "my-service-20260102T030405Z-confirm", IntegrationID: "my-service", Slot: slot,
			Confirm: true},
		"on demand": {ID: "event-1", IntegrationID: "my-service"},
		"to the nano": {ID: "event-1", IntegrationID: "my-service", Slot: slot.Add(7 * time.Nanosecond),
			Confirm: true},
	} {
		t.Run(name, func(t *testing.T) {
			body, err := c.Encode("/ddoe-wif/x", slot)
			require.NoError(t, err)
			got, err := message.ParseHealthCheck(message.Delivery{Body: body})
			require.NoError(t, err)
			assert.Equal(t, c, got)
		})
	}
}

func TestSlots(t *testing.T) {
	for name, c := range map[string]struct {
		slot string
		want time.Time
	}{
		"a time":       {`,"slot":"2026-01-02T04:04:05+01:00"`, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		"a name":       {`,"slot":"before the release"`, time.Time{}},
		"empty":        {`,"slot":""`, time.Time{}},
		"not a member": {``, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := message.ParseHealthCheck(
				message.Delivery{Body: []byte(check(`,"slot":"2026-01-02T03:04:05Z"`, c.slot))})
			require.NoError(t, err)
			assert.Equal(t, c.want, got.Slot)
		})
	}
}

func TestHealthCheckRejections(t *testing.T) {
	for name, c := range map[string]struct{ body, code, pointer string }{
		"not JSON":       {"x", "not-json", ""},
		"a command":      {check("healthcheck", "provision"), "unknown-command", "/type"},
		"bad id":         {check("my-service", "../x"), "invalid-id", "/data/integrationId"},
		"slot a number":  {check(`"2026-01-02T03:04:05Z"`, "7"), "wrong-type", "/data/slot"},
		"slot too long":  {check("2026-01-02T03:04:05Z", strings.Repeat("x", 200)), "invalid-value", "/data/slot"},
		"confirms what":  {check(`"slot":"2026-01-02T03:04:05Z"`, `"confirm":true`), "missing-member", "/data/slot"},
		"unknown member": {check(`"slot"`, `"mode":"oracle","slot"`), "unknown-member", "/data/mode"},
		"no data": {`{"specversion":"1.0","id":"event-1","source":"/p","type":"ai.ddoe.wif.healthcheck.v1"}`,
			"not-a-cloudevent", "/data"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := message.ParseHealthCheck(message.Delivery{Body: []byte(c.body), MessageID: "m"})
			var rejection *message.Rejection
			require.ErrorAs(t, err, &rejection)
			assert.Equal(t, c.code, string(rejection.Code))
			assert.True(t, integration.IsValidOperationID(rejection.OperationID))
			if c.pointer != "" {
				require.NotEmpty(t, rejection.Findings)
				assert.Equal(t, c.pointer, rejection.Findings[0].Pointer)
			}
		})
	}
}

func TestHealthEvent(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	d := integration.Document{ID: "my-service", Spec: integration.Spec{TenantID: "tenant"},
		Status: integration.Status{Phase: integration.PhaseUsable}}
	found := diagnosis.New("role-missing")
	body, err := message.NewEvent("/ddoe-wif/x", d, integration.Notice{ID: "event-1",
		Change: &integration.HealthChange{At: at, From: integration.HealthHealthy, To: integration.HealthUnhealthy,
			Code: found.Code}, Diagnosis: &found})
	require.NoError(t, err)
	var event map[string]any
	require.NoError(t, json.Unmarshal(body, &event))
	assert.Equal(t, "event-1", event["id"])
	assert.Equal(t, "ai.ddoe.wif.health.changed.v1", event["type"])
	data := event["data"].(map[string]any)
	assert.Equal(t, "role-missing", data["diagnosis"].(map[string]any)["code"])
	delete(data, "diagnosis")
	assert.Equal(t, map[string]any{"integrationId": "my-service", "tenantId": "tenant", "phase": "usable",
		"from": "healthy", "to": "unhealthy", "at": "2026-01-02T03:04:05Z"}, data)
}
