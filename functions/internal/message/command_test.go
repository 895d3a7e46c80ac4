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

func event(changes ...string) string {
	body := `{"specversion":"1.0","id":"event-1","source":"/producer","type":"ai.ddoe.wif.provision.v1",` +
		`"data":{"integrationId":"my-service"}}`
	return strings.NewReplacer(changes...).Replace(body)
}

func delivery(body string) message.Delivery {
	return message.Delivery{Body: []byte(body), MessageID: "event-1", SessionID: "my-service"}
}

func TestCommandsSurviveTheWire(t *testing.T) {
	spec := &integration.Spec{Subjects: []string{"a"},
		Storage: []integration.StorageAccess{{ResourceID: "x", Container: "images", Access: "read"}}}
	for _, c := range []message.Command{
		{Type: message.TypeProvision, ID: "op-1", IntegrationID: "my-service", OperationID: "op-1", Spec: spec},
		{Type: message.TypeProvision, ID: "op-1-retry-3", IntegrationID: "my-service", OperationID: "op-1",
			Attempt: 3},
		{Type: message.TypeDeprovision, ID: "op-1", IntegrationID: "my-service", OperationID: "op-1", Purge: true},
		{Type: message.TypeAccessTest, ID: "op-1", IntegrationID: "my-service", OperationID: "op-1", Mode: "oracle",
			Access: "readWrite"},
		{Type: message.TypeVerify, ID: "op-1-verify-2", IntegrationID: "my-service", OperationID: "op-1", Attempt: 2},
	} {
		body, err := c.Encode("/ddoe-wif/0123abcd", time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)))
		require.NoError(t, err)
		var cloudEvent map[string]any
		require.NoError(t, json.Unmarshal(body, &cloudEvent))
		assert.Equal(t, "1.0", cloudEvent["specversion"])
		assert.Equal(t, "2026-01-02T02:04:05Z", cloudEvent["time"])
		assert.Equal(t, "application/json", cloudEvent["datacontenttype"])
		assert.Equal(t, "my-service", cloudEvent["subject"])
		got, err := message.ParseCommand(delivery(string(body)))
		require.NoError(t, err)
		assert.Equal(t, c, got)
	}
}

func TestOperationIDOfAProducersCommand(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"its own":             {event(`"integrationId"`, `"operationId":"op-7","integrationId"`), "op-7"},
		"the event's":         {event(), "event-1"},
		"made of the event's": {event(`"event-1"`, `"urn:event/1"`), ""},
		"data in base64": {`{"specversion":"1.0","id":"event-1","source":"/p",` +
			`"type":"ai.ddoe.wif.provision.v1","data_base64":"eyJpbnRlZ3JhdGlvbklkIjoibXktc2VydmljZSJ9"}`, "event-1"},
		"extensions are tolerated": {event(`"specversion"`,
			`"traceparent":"00-x","time":"2026-01-02T03:04:05Z","specversion"`), "event-1"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := message.ParseCommand(delivery(c.body))
			require.NoError(t, err)
			assert.Equal(t, "my-service", got.IntegrationID)
			assert.True(t, integration.IsValidOperationID(got.OperationID))
			if c.want != "" {
				assert.Equal(t, c.want, got.OperationID)
			}
		})
	}
	again := func() string {
		got, err := message.ParseCommand(delivery(event(`"event-1"`, `"urn:event/1"`)))
		require.NoError(t, err)
		return got.OperationID
	}
	assert.Equal(t, again(), again(), "the same event is the same operation")
}

func TestRejectionsOfferWhatOthersMaySend(t *testing.T) {
	reject := func(body string) diagnosis.Finding {
		_, err := message.ParseCommand(delivery(body))
		var rejection *message.Rejection
		require.ErrorAs(t, err, &rejection)
		require.Len(t, rejection.Findings, 1)
		return rejection.Findings[0]
	}
	assert.Equal(t, "one of ai.ddoe.wif.provision.v1, ai.ddoe.wif.deprovision.v1, ai.ddoe.wif.accesstest.v1, "+
		"ai.ddoe.wif.healthcheck.v1",
		reject(event(`provision.v1`, `provision.v9`)).Expected)
	assert.NotContains(t, reject(event(`"my-service"`, `"my-service","colour":1`)).Expected, "attempt")
}

func withData(members string) string { return event(`"integrationId":"my-service"`, members) }

// rejectedBodies are messages that are no commands.
var rejectedBodies = map[string]struct {
	body, session string
	code, pointer string
	integration   string // empty: the session's
	operation     string // empty: any valid one
}{
	"empty":      {body: "", code: "not-json"},
	"not json":   {body: "hello", code: "not-json", operation: "event-1"},
	"not utf-8":  {body: "\"\xff\"", code: "not-json"},
	"two values": {body: event() + event(), code: "not-json"},
	"null":       {body: "null", code: "not-a-cloudevent"},
	"a list":     {body: "[]", code: "not-a-cloudevent"},
	"no id":      {body: event(`"id":"event-1",`, ``), code: "not-a-cloudevent"},
	"version 0.3": {body: event(`"1.0"`, `"0.3"`), code: "not-a-cloudevent", pointer: "/specversion",
		integration: "my-service", operation: "event-1"},
	"unknown type": {body: event(`provision.v1`, `provision.v9`), code: "unknown-command", pointer: "/type",
		integration: "my-service", operation: "event-1"},
	"unknown, own id": {body: event(`provision.v1`, `provision.v9`, `"my-service"`,
		`"my-service","operationId":"op-1"`), code: "unknown-command", integration: "my-service", operation: "op-1"},
	"announce": {body: event(`provision.v1`, `announce.v1`, `"my-service"`,
		`"my-service","operationId":"op-1","event":"ai.ddoe.wif.integration.deleted.v1"`), code: "unknown-command",
		pointer: "/type", integration: "my-service", operation: "op-1"},
	"no data": {body: event(`,"data":{"integrationId":"my-service"}`, ``), code: "not-a-cloudevent",
		pointer: "/data", operation: "event-1"},
	"data a string": {body: event(`{"integrationId":"my-service"}`, `"x"`), code: "wrong-type", pointer: "/data",
		operation: "event-1"},
	"no integration id": {body: withData(``), code: "invalid-id", pointer: "/data/integrationId",
		operation: "event-1"},
	"bad integration id": {body: withData(`"integrationId":"../x"`), code: "invalid-id",
		pointer: "/data/integrationId", operation: "event-1"},
	"bad operation id": {body: withData(`"integrationId":"my-service","operationId":"a/b"`),
		code: "invalid-operation-id", pointer: "/data/operationId", integration: "my-service", operation: "event-1"},
	"unknown member": {body: withData(`"integrationId":"my-service","operationId":"op-1","colour":1`),
		code: "unknown-member", pointer: "/data/colour", integration: "my-service", operation: "op-1"},
	"other case": {body: withData(`"integrationid":"my-service"`), code: "unknown-member",
		pointer: "/data/integrationid", integration: "my-service"},
	"member twice": {body: withData(`"integrationId":"my-service","integrationId":"my-service"`),
		code: "duplicate-member", pointer: "/data/integrationId"},
	"wrong type": {body: withData(`"integrationId":7`), code: "wrong-type", pointer: "/data/integrationId"},
	"wrong type in spec": {body: withData(`"integrationId":"my-service","spec":{"subjects":"x"}`), code: "wrong-type",
		pointer: "/data/spec/subjects", integration: "my-service"},
	"unknown in spec": {body: withData(`"integrationId":"my-service","spec":{"storage":[{"colour":1}]}`),
		code: "unknown-member", pointer: "/data/spec/storage/0/colour", integration: "my-service"},
	"secret in spec": {body: withData(`"integrationId":"my-service","spec":{"storage":[{"AccountKey=x/y;":1}]}`),
		code: "unknown-member", pointer: "/data/spec/storage/0/[redacted]", integration: "my-service"},
	"replace a teardown": {body: strings.Replace(withData(`"integrationId":"my-service","replace":true`),
		"provision.v1", "deprovision.v1", 1),
		code: "unknown-member", pointer: "/data/replace", integration: "my-service"},
	"replace without a spec": {body: withData(`"integrationId":"my-service","replace":true`),
		code:    "invalid-combination",
		pointer: "/data/replace", integration: "my-service"},
	"purge a provision": {body: withData(`"integrationId":"my-service","purge":true`), code: "unknown-member",
		pointer: "/data/purge", integration: "my-service"},
	"mode": {body: event(`provision`, `accesstest`, `"integrationId"`, `"mode":"x","integrationId"`),
		code: "invalid-mode", pointer: "/data/mode", integration: "my-service"},
	"access": {body: event(`provision`, `accesstest`, `"integrationId"`, `"access":"x","integrationId"`),
		code: "invalid-access", pointer: "/data/access", integration: "my-service"},
	"attempt": {body: withData(`"integrationId":"my-service","attempt":-1`), code: "invalid-value",
		pointer: "/data/attempt", integration: "my-service"},
	"verify what": {body: event(`provision`, `verify`), code: "missing-member", pointer: "/data/operationId",
		integration: "my-service"},
	"another session": {body: event(), session: "another", code: "session-mismatch", pointer: "/data/integrationId",
		integration: "my-service", operation: "event-1"},
	"too large": {body: strings.Repeat(" ", message.MaxBody) + event(), code: "message-too-large"},
	"nested without end": {body: event(`"my-service"`, strings.Repeat(`[`, 5000)+strings.Repeat(`]`, 5000)),
		code: "nested-too-deep"},
}

func TestRejections(t *testing.T) {
	for name, c := range rejectedBodies {
		t.Run(name, func(t *testing.T) {
			d := delivery(c.body)
			if c.session != "" {
				d.SessionID = c.session
			}
			_, err := message.ParseCommand(d)
			var rejection *message.Rejection
			require.ErrorAs(t, err, &rejection)
			assert.NotEmpty(t, rejection.Detail)
			assert.True(t, integration.IsValidOperationID(rejection.OperationID), rejection.OperationID)
			assert.Equal(t, c.code, string(rejection.Code))
			_, known := diagnosis.Lookup(rejection.Code)
			assert.True(t, known, "%s is in the catalogue", rejection.Code)
			if c.integration == "" {
				c.integration = d.SessionID
			}
			assert.Equal(t, c.integration, rejection.IntegrationID)
			if c.pointer != "" {
				var pointers []string
				for _, f := range rejection.Findings {
					pointers = append(pointers, f.Pointer)
				}
				assert.Contains(t, pointers, c.pointer)
			}
			if c.operation != "" {
				assert.Equal(t, c.operation, rejection.OperationID)
			}
			_, again := message.ParseCommand(d)
			assert.Equal(t, err, again, "the same message is rejected the same way")
		})
	}
}

func TestAMissingSessionIsTheHostsSilence(t *testing.T) {
	d := delivery(event())
	d.SessionID = ""
	got, err := message.ParseCommand(d)
	require.NoError(t, err)
	assert.Equal(t, "my-service", got.IntegrationID)
	want, err := message.ParseCommand(delivery(event()))
	require.NoError(t, err)
	assert.Equal(t, want, got, "all else is as with its session")
}

func TestEvent(t *testing.T) {
	d := integration.Document{ID: "my-service", Spec: integration.Spec{TenantID: "t", Subjects: []string{"s"}},
		Status: integration.Status{Phase: integration.PhaseFailed, ClientID: "c", LastOperationID: "op-1"}}
	diag := diagnosis.New("role-missing")
	body, err := message.NewEvent("/ddoe-wif/x", d, integration.Notice{ID: "op-1-failed",
		Type: message.TypeIntegrationFailed, At: time.Unix(0, 0),
		OperationID: "op-1", Phase: integration.PhaseFailed, Diagnosis: &diag})
	require.NoError(t, err)
	var got struct {
		ID, Type, Subject string
		Data              message.Summary
	}
	require.NoError(t, json.Unmarshal(body, &got))
	assert.Equal(t, "op-1-failed", got.ID)
	assert.Equal(t, message.TypeIntegrationFailed, got.Type)
	assert.Equal(t, "my-service", got.Subject)
	assert.Equal(t, diagnosis.CodeRoleMissing, got.Data.Diagnosis.Code)
	assert.Equal(t, integration.PhaseFailed, got.Data.Phase)
}

func FuzzParseCommand(f *testing.F) {
	for _, seed := range []string{event(), event(`provision`, `verify`), "", "null", `{"data":{}}`,
		event(`"my-service"`, `null`), event(`"data"`, `"data_base64"`)} {
		f.Add([]byte(seed), "my-service")
	}
	f.Fuzz(func(t *testing.T, body []byte, session string) {
		c, err := message.ParseCommand(message.Delivery{Body: body, MessageID: "m", SessionID: session})
		if err != nil {
			var rejection *message.Rejection
			require.ErrorAs(t, err, &rejection)
			require.True(t, integration.IsValidOperationID(rejection.OperationID))
			require.True(t, rejection.IntegrationID == "" || integration.IsValidID(rejection.IntegrationID))
			return
		}
		require.True(t, integration.IsValidID(c.IntegrationID))
		require.True(t, integration.IsValidOperationID(c.OperationID))
		again, err := c.Encode("/x", time.Unix(0, 0))
		require.NoError(t, err)
		same, err := message.ParseCommand(message.Delivery{Body: again, MessageID: "m", SessionID: session})
		require.NoError(t, err)
		require.Equal(t, c, same)
	})
}

// TestARejectionTellsWhatCouldBeRead: type and integration, the latter from the session where the event does not tell.
func TestARejectionTellsWhatCouldBeRead(t *testing.T) {
	for name, c := range map[string]struct{ body, session, eventType, integration string }{
		"all of it": {event(`"integrationId"`, `"colour":1,"integrationId"`), "my-service",
			message.TypeProvision, "my-service"},
		"no integration": {event(`"integrationId":"my-service"`, ``, "provision", "deprovision"), "by-session",
			message.TypeDeprovision, "by-session"},
		"nothing":       {"hello", "by-session", "", "by-session"},
		"no session":    {"hello", "", "", ""},
		"session no id": {"hello", "../x", "", ""},
		"a type of yours": {event("ai.ddoe.wif.provision.v1", "com.example.x"), "my-service", "com.example.x",
			"my-service"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := message.ParseCommand(message.Delivery{Body: []byte(c.body), MessageID: "m-1",
				SessionID: c.session})
			var rejection *message.Rejection
			require.ErrorAs(t, err, &rejection)
			assert.Equal(t, c.eventType, rejection.Type)
			assert.Equal(t, c.integration, rejection.IntegrationID)
		})
	}
}
