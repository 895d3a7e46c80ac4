package functions

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// withDDOE asks for the platform's side too.
const withDDOE = `{"serviceName":"my-service","storage":[{"resourceId":"` + world.DataAccountID +
	`","container":"images","access":"readWrite"}],
	"ddoe":{"organizationId":"` + dataloop.OrganizationID + `","integration":true,"driver":{"projectId":"` +
	dataloop.ProjectID + `","name":"images"}}}`

// newWiredApp is an app that sets up the platform's side by its API, and has made one integration whole.
func newWiredApp(t *testing.T, changes map[string]string) *app {
	t.Helper()
	all := map[string]string{"DDOE_API_URL": "https://" + sandbox.GateHost + "/api/v1", "DDOE_API_KEY": planted,
		"DDOE_SUBJECT_TOKEN_URL": "https://" + sandbox.GateHost + "/api/v1/subject-tokens"}
	maps.Copy(all, changes)
	a := newApp(t, all)
	put := a.call("PUT", "/integrations/my-images", withDDOE)
	require.Equal(t, 201, put.StatusCode, put.raw)
	a.deliver()
	operation := a.call("GET", strings.TrimPrefix(put.Header.Get("Operation-Location"), "/api"), "")
	require.Equal(t, "Succeeded", operation.at("status"), operation.raw)
	require.Equal(t, "api", a.call("GET", "/integrations/my-images", "").at("status", "ddoe", "mode"))
	return a
}

// remove takes the only platform object of a kind away.
func (a *app) remove(kind string) {
	a.t.Helper()
	all := a.world.DDOEObjects(kind)
	require.Len(a.t, all, 1)
	require.NoError(a.t, a.world.DeleteDDOEObject(kind, all[0]["id"].(string)))
}

// checkHealth delivers a scheduled check, and the second looks that come of it.
func (a *app) checkHealth(name string) {
	a.t.Helper()
	body := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/t","type":"ai.ddoe.wif.healthcheck.v1",`+
		`"data":{"integrationId":"my-images"}}`, name)
	before := len(a.onHealthQueue())
	require.NoError(a.t, a.function("checkhealth").Message(a.t.Context(),
		Delivery{Body: []byte(body), MessageID: name}))
	for _, second := range a.onHealthQueue()[before:] {
		require.NoError(a.t, a.function("checkhealth").Message(a.t.Context(),
			Delivery{Body: second.Body, MessageID: second.ID}))
	}
}

// told are the changes of health that were published, as "state code".
func (a *app) told() []string {
	a.t.Helper()
	var told []string
	for {
		m, ok := a.queue.take(message.TopicEvents)
		if !ok {
			return told
		}
		if m.Subject != message.TypeHealthChanged {
			continue
		}
		var event struct{ Data message.HealthSummary }
		require.NoError(a.t, json.Unmarshal(m.Body, &event))
		text := string(event.Data.To)
		if event.Data.Diagnosis != nil {
			text += " " + string(event.Data.Diagnosis.Code)
		}
		told = append(told, text)
	}
}

// verdicts are the platform's checks of a report as "id status code".
func verdicts(checks any) []string {
	var found []string
	for _, one := range checks.([]any) {
		c := one.(map[string]any)
		if id := c["id"].(string); strings.HasPrefix(id, "ddoe.") {
			code, _ := c["code"].(string)
			found = append(found, strings.TrimSpace(id+" "+c["status"].(string)+" "+code))
		}
	}
	return found
}

// TestThePlatformsSideIsWatched: what is deleted on the platform turns health, an event tells it, drift and access
// tests say the same, and the same PUT mends it.
func TestThePlatformsSideIsWatched(t *testing.T) {
	for kind, code := range map[string]string{dataloop.Drivers: "ddoe-driver-missing",
		dataloop.Integrations: "ddoe-integration-missing"} {
		t.Run(kind, func(t *testing.T) {
			a := newWiredApp(t, nil)
			a.checkHealth("first")
			health := a.call("GET", "/integrations/my-images/health", "")
			require.Equal(t, "healthy", health.at("state"), health.raw)
			assert.Equal(t, []string{"ddoe.integration pass", "ddoe.driver pass"},
				verdicts(health.at("lastReport", "checks")))
			a.remove(kind)
			a.checkHealth("second")
			health = a.call("GET", "/integrations/my-images/health", "")
			assert.Equal(t, "unhealthy", health.at("state"), health.raw)
			assert.Contains(t, health.raw, code)
			assert.Equal(t, []string{"healthy", "unhealthy " + code}, a.told())
			assert.Equal(t, code, a.call("GET", "/integrations/my-images", "").at("status", "health", "code"))

			drift := a.call("GET", "/integrations/my-images/drift", "")
			assert.Equal(t, "fail", drift.at("verdict"), drift.raw)
			assert.Contains(t, drift.raw, code)
			test := a.call("POST", "/integrations/my-images/access-tests", `{}`)
			assert.Equal(t, 200, test.StatusCode)
			assert.Equal(t, "fail", test.at("verdict"), test.raw)
			assert.Contains(t, test.raw, code)

			require.Equal(t, 200, a.call("PUT", "/integrations/my-images", withDDOE).StatusCode)
			a.deliver()
			a.checkHealth("third")
			assert.Equal(t, []string{"healthy"}, a.told())
			assert.Equal(t, "pass", a.call("GET", "/integrations/my-images/drift", "").at("verdict"))
			roundTrip := a.call("POST", "/integrations/my-images/access-tests", `{}`)
			assert.Equal(t, []string{"ddoe.integration pass", "ddoe.driver pass"}, verdicts(roundTrip.at("checks")),
				roundTrip.raw)
			assert.NotContains(t, a.log.String()+health.raw+drift.raw+test.raw+roundTrip.raw, planted)
		})
	}
}

// TestAPlatformThatCannotBeAskedIsNobodysFault: health stays as it is.
func TestAPlatformThatCannotBeAskedIsNobodysFault(t *testing.T) {
	a := newWiredApp(t, nil)
	a.checkHealth("first")
	a.gate(`GET .*/integrations`, http.StatusInternalServerError, `{"message":"down"}`)
	a.checkHealth("second")
	health := a.call("GET", "/integrations/my-images/health", "")
	assert.Equal(t, "healthy", health.at("state"))
	assert.Equal(t, "unknown", health.at("lastReport", "verdict"))
	assert.Equal(t, []string{"ddoe.integration unknown ddoe-unavailable", "ddoe.driver pass"},
		verdicts(health.at("lastReport", "checks")))
	assert.Equal(t, []string{"healthy"}, a.told())
}

// gate has the platform answer requests that match "METHOD path" in another way.
func (a *app) gate(request string, status int, body string) {
	next, pattern := a.net[sandbox.GateHost], regexp.MustCompile(request)
	a.net[sandbox.GateHost] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !pattern.MatchString(r.Method + " " + r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

// TestAKeyThatEndsIsWarnedOfWhereverItIsUsed: also where it gets subject tokens alone.
func TestAKeyThatEndsIsWarnedOfWhereverItIsUsed(t *testing.T) {
	claims := fmt.Sprintf(`{"exp":%d}`, time.Now().Add(10*24*time.Hour).Unix())
	key := "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
	for name, settings := range map[string]map[string]string{
		"for tokens alone": {},
		"for the API too":  {"DDOE_API_URL": "https://" + sandbox.GateHost + "/api/v1"},
	} {
		t.Run(name, func(t *testing.T) {
			all := map[string]string{"DDOE_API_KEY": key, "DDOE_SUBJECT_TOKEN_URL": "https://" + sandbox.GateHost +
				"/api/v1/subject-tokens"}
			maps.Copy(all, settings)
			a := newApp(t, all)
			next := a.net[sandbox.GateHost]
			a.net[sandbox.GateHost] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Header.Set("Authorization", "Bearer "+planted) // the platform takes this key alone
				next.ServeHTTP(w, r)
			})
			require.Equal(t, 201, a.call("PUT", "/integrations/my-images", good).StatusCode)
			a.deliver()
			test := a.call("POST", "/integrations/my-images/access-tests", `{}`)
			assert.Equal(t, []string{"ddoe.key warn ddoe-api-key-expiring"}, verdicts(test.at("checks")), test.raw)
			a.checkHealth("first")
			health := a.call("GET", "/integrations/my-images/health", "")
			assert.Equal(t, "degraded", health.at("state"), health.raw)
			assert.Equal(t, []string{"ddoe.key warn ddoe-api-key-expiring"},
				verdicts(health.at("lastReport", "checks")))
			assert.NotContains(t, test.raw+health.raw+a.log.String(), key)
		})
	}
}

// TestLiteralsOfTheOptionMapAreRedacted, however the platform comes to repeat one.
func TestLiteralsOfTheOptionMapAreRedacted(t *testing.T) {
	const literal = "trust-zone-seven"
	a := newWiredApp(t, map[string]string{"DDOE_OPTION_MAP": `{"not-listed": "=` + literal + `"}`})
	a.gate(`GET .*/integrations`, http.StatusBadRequest, `{"message":"no such zone: `+literal+`"}`)
	drift := a.call("GET", "/integrations/my-images/drift", "")
	assert.Contains(t, drift.raw, "no such zone: [redacted]")
	assert.NotContains(t, drift.raw+a.log.String(), literal)
}
