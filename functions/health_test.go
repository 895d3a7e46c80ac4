package functions

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
)

// onHealthQueue are the checks that were asked for.
func (a *app) onHealthQueue() []sent {
	a.queue.mu.Lock()
	defer a.queue.mu.Unlock()
	var found []sent
	for _, s := range a.queue.sent {
		if s.entity == message.QueueHealth {
			found = append(found, s)
		}
	}
	return found
}

// TestWhatIsProvisionedIsChecked runs sweep and check as they are wired. Without a source of subject tokens, the check
// claims no more than the structure.
func TestWhatIsProvisionedIsChecked(t *testing.T) {
	a := newApp(t, nil)
	spec := strings.Replace(good, `{"serviceName"`, `{"healthCheck":{"interval":"15m"},"serviceName"`, 1)
	require.Equal(t, 201, a.call("PUT", "/integrations/my-images", spec).StatusCode)
	a.deliver()
	before := a.call("GET", "/integrations/my-images/health", "")
	assert.Equal(t, "unknown", before.at("state"))
	due, err := time.Parse(time.RFC3339, before.at("nextDue").(string))
	require.NoError(t, err)
	assert.Len(t, a.onHealthQueue(), 1, "the first check follows the verification, which could prove nothing")
	require.NoError(t, a.function("sweep").Tick(t.Context(), false))
	if time.Until(due) < 4*time.Minute {
		assert.Len(t, a.onHealthQueue(), 2)
	}

	body := []byte(`{"specversion":"1.0","id":"e1","source":"/t","type":"ai.ddoe.wif.healthcheck.v1",` +
		`"data":{"integrationId":"my-images"}}`)
	require.NoError(t, a.function("checkhealth").Message(t.Context(), Delivery{Body: body, MessageID: "e1"}))
	healthy := a.call("GET", "/integrations/my-images/health", "")
	assert.Equal(t, "healthy", healthy.at("state"), healthy.raw)
	assert.Equal(t, "structure", healthy.at("claimLevel"))
	assert.NotContains(t, healthy.raw, "outbox")
	assert.Equal(t, "healthy", a.call("GET", "/integrations/my-images", "").at("status", "health", "state"))
	events, published := a.queue.take(message.TopicEvents)
	require.True(t, published)
	assert.Equal(t, "ai.ddoe.wif.integration.provisioned.v1", events.Subject)
	events, published = a.queue.take(message.TopicEvents)
	require.True(t, published)
	assert.Equal(t, "ai.ddoe.wif.health.changed.v1", events.Subject)

	require.NoError(t, a.function("checkhealth").Message(t.Context(),
		Delivery{Body: []byte("x"), MessageID: "broken"}))
	assert.Equal(t, "not-json", a.call("GET", "/operations/broken", "").at("error", "code"))
}

// TestWhoAskedForWhatIsUsable: a test that follows an operation tells of whom the operation was asked for.
func TestWhoAskedForWhatIsUsable(t *testing.T) {
	t.Parallel()
	a := newApp(t, map[string]string{"AUTH_AUDIENCE": apiAudience, "DDOE_API_KEY": planted,
		"DDOE_SUBJECT_TOKEN_URL": "https://" + sandbox.GateHost + "/api/v1/subject-tokens"})
	require.Equal(t, 201, as(a, first, "PUT", "/integrations/my-images", good).StatusCode)
	a.deliver()
	verification := slices.IndexFunc(a.queue.sent, func(s sent) bool { return s.entity == message.QueueCommands })
	require.GreaterOrEqual(t, verification, 0)
	m := a.queue.sent[verification]
	require.NoError(t, a.function("reconcile").Message(t.Context(), Delivery{Body: m.Body, MessageID: m.ID,
		SessionID: m.SessionID}))
	usable := slices.IndexFunc(a.queue.sent, func(s sent) bool { return s.Subject == message.TypeIntegrationUsable })
	require.GreaterOrEqual(t, usable, 0)
	assert.Contains(t, string(a.queue.sent[usable].Body),
		`"caller":{"objectId":"`+first+`","appId":"`+theirApp+`"}`)
}
