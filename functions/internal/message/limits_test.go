package message_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/cuttest"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// rejection is what a command is refused with; nil where it is taken.
func rejection(t *testing.T, d message.Delivery) *message.Rejection {
	t.Helper()
	_, err := message.ParseCommand(d)
	if err == nil {
		return nil
	}
	var r *message.Rejection
	require.ErrorAs(t, err, &r)
	return r
}

// code is the code of a rejection; empty for none.
func code(r *message.Rejection) diagnosis.Code {
	if r == nil {
		return ""
	}
	return r.Code
}

// TestLimitsOfACommand: taken up to the limit, refused beyond it.
func TestLimitsOfACommand(t *testing.T) {
	t.Parallel()
	member := func(name, value string) string {
		return event(`"integrationId"`, `"`+name+`":`+value+`,"integrationId"`)
	}
	padded := func(size int) string { return event() + strings.Repeat(" ", size-len(event())) }
	for name, c := range map[string]struct {
		body string
		want diagnosis.Code
	}{
		"the largest message":      {padded(message.MaxBody), ""},
		"a byte more":              {padded(message.MaxBody + 1), "message-too-large"},
		"attempt 0":                {member("attempt", "0"), ""},
		"the last attempt":         {member("attempt", "1000"), ""},
		"one more":                 {member("attempt", "1001"), "invalid-value"},
		"one less":                 {member("attempt", "-1"), "invalid-value"},
		"the longest operation id": {member("operationId", `"`+strings.Repeat("x", 128)+`"`), ""},
		"a character more": {member("operationId", `"`+strings.Repeat("x", 129)+`"`),
			"invalid-operation-id"},
		"the shortest integration id": {event("my-service", "abc"), ""},
		"a character less":            {event("my-service", "ab"), "invalid-id"},
		"the longest integration id":  {event("my-service", strings.Repeat("a", 50)), ""},
		"one beyond":                  {event("my-service", strings.Repeat("a", 51)), "invalid-id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.want, code(rejection(t, message.Delivery{Body: []byte(c.body), MessageID: "m"})))
		})
	}
}

func TestLimitsOfASlot(t *testing.T) {
	t.Parallel()
	for length, isTaken := range map[int]bool{128: true, 129: false} {
		body := check("2026-01-02T03:04:05Z", strings.Repeat("x", length))
		_, err := message.ParseHealthCheck(message.Delivery{Body: []byte(body)})
		assert.Equal(t, isTaken, err == nil, length)
	}
}

// TestWhichCommandTakesWhat: each member with each type.
func TestWhichCommandTakesWhat(t *testing.T) {
	t.Parallel()
	members := map[string]string{"spec": `"spec":{}`, "replace": `"spec":{},"replace":true`, "purge": `"purge":true`,
		"oracle": `"mode":"oracle"`, "roundtrip": `"mode":"roundtrip"`, "read": `"access":"read"`,
		"readWrite": `"access":"readWrite"`, "operationId": `"operationId":"op-1"`, "attempt": `"attempt":1`}
	taken := map[string][]string{
		"provision": {"spec", "replace"}, "deprovision": {"purge"},
		"accesstest": {"oracle", "roundtrip", "read", "readWrite"}, "verify": nil,
	}
	for eventType, own := range taken {
		for name, text := range members {
			t.Run(eventType+" "+name, func(t *testing.T) {
				t.Parallel()
				id := `"operationId":"op-1",` // a verification needs one
				if name == "operationId" {
					id = ""
				}
				r := rejection(t, delivery(event("provision", eventType, `"integrationId"`,
					id+text+`,"integrationId"`)))
				isTaken := name == "operationId" || name == "attempt"
				for _, one := range own {
					isTaken = isTaken || one == name
				}
				if isTaken {
					require.Nil(t, r)
					return
				}
				require.NotNil(t, r)
				assert.Equal(t, diagnosis.CodeUnknownMember, r.Code)
				for _, f := range r.Findings {
					assert.Regexp(t, `^only with ai\.ddoe\.wif\.(provision|deprovision|accesstest)\.v1$`, f.Expected)
				}
			})
		}
	}
}

// everyFault is a command with all faults that one may have.
func everyFault() string {
	return event("provision", "verify", `"integrationId":"my-service"`,
		`"integrationId":"X","operationId":"a/b","attempt":1001,"mode":"x","access":"y","spec":{},"purge":true`)
}

// TestEveryFaultIsTold, not only the first one, with its place and what would be right.
func TestEveryFaultIsTold(t *testing.T) {
	t.Parallel()
	r := rejection(t, delivery(everyFault()))
	require.NotNil(t, r)
	var told []string
	for _, f := range r.Findings {
		told = append(told, fmt.Sprintf("%s %s (%s)", f.Pointer, f.Code, f.Expected))
	}
	assert.Equal(t, []string{
		"/data/integrationId invalid-id (3 to 50 lower-case letters, digits and single hyphens)",
		"/data/operationId invalid-operation-id (at most 128 letters, digits, dots, underscores and hyphens)",
		"/data/attempt invalid-value (0 to 1000)",
		"/data/mode invalid-mode (oracle or roundtrip)",
		"/data/access invalid-access (read or readWrite)",
		"/data/spec unknown-member (only with ai.ddoe.wif.provision.v1)",
		"/data/purge unknown-member (only with ai.ddoe.wif.deprovision.v1)",
		"/data/mode unknown-member (only with ai.ddoe.wif.accesstest.v1)",
		"/data/access unknown-member (only with ai.ddoe.wif.accesstest.v1)",
	}, told)
	assert.Equal(t, r.Findings[0].Detail, r.Detail)
	assert.Equal(t, "message rejected: invalid-id: "+r.Detail, r.Error())

	r = rejection(t, message.Delivery{Body: []byte(event()), SessionID: "another"})
	require.Len(t, r.Findings, 1)
	assert.Equal(t, "another", r.Findings[0].Expected)
	assert.Equal(t, "my-service", r.Findings[0].Actual)
	r = rejection(t, delivery(event("provision.v1", "provision.v9")))
	assert.Equal(t, "ai.ddoe.wif.provision.v9", r.Findings[0].Actual)

	_, err := message.ParseHealthCheck(message.Delivery{Body: []byte(check("my-service", "../x",
		`"slot":"2026-01-02T03:04:05Z"`, `"confirm":true,"slot":"`+strings.Repeat("x", 129)+`"`))})
	require.ErrorAs(t, err, &r)
	require.Len(t, r.Findings, 3)
	assert.Equal(t, []string{"/data/integrationId", "/data/slot", "/data/slot"},
		[]string{r.Findings[0].Pointer, r.Findings[1].Pointer, r.Findings[2].Pointer})
	_, err = message.ParseHealthCheck(message.Delivery{Body: []byte(check("healthcheck", "provision"))})
	require.ErrorAs(t, err, &r)
	assert.Equal(t, "one of ai.ddoe.wif.healthcheck.v1", r.Findings[0].Expected)
}

// TestACommandCutShort: a message that ends early is no command, and its rejection is found under its MessageId.
func TestACommandCutShort(t *testing.T) {
	t.Parallel()
	cuttest.EachByte(event(), func(cut string) {
		r := rejection(t, message.Delivery{Body: []byte(cut), MessageID: "m-1", SessionID: "my-service"})
		require.NotNil(t, r, cut)
		assert.Equal(t, diagnosis.CodeNotJSON, r.Code, cut)
		assert.Equal(t, "m-1", r.OperationID)
		assert.Equal(t, "my-service", r.IntegrationID)
	})
}

// TestOperationIDsOfWhatCannotBeRead: the same message gets the same one again, another message another.
func TestOperationIDsOfWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	id := func(messageID, body string) string {
		r := rejection(t, message.Delivery{Body: []byte(body), MessageID: messageID})
		require.NotNil(t, r)
		assert.True(t, integration.IsValidOperationID(r.OperationID), r.OperationID)
		return r.OperationID
	}
	assert.Equal(t, "m-1", id("m-1", "hello"))
	assert.Equal(t, id("a/b", "hello"), id("a/b", "hello"))
	assert.NotEqual(t, id("a/b", "hello"), id("a/b", "hullo"))
	assert.NotEqual(t, id("a/b", "hello"), id("a/c", "hello"))
	assert.NotEqual(t, id("", "hello"), id("", "hullo"))

	made := func(eventID string) string {
		got, err := message.ParseCommand(delivery(event(`"event-1"`, `"`+eventID+`"`)))
		require.NoError(t, err)
		return got.OperationID
	}
	assert.NotEqual(t, made("urn:event/1"), made("urn:event/2"))
	assert.Equal(t, "4bf97701-be76-55af-b858-ed0cd6b3741e", made("urn:event/1"),
		"a producer that sends it again after an upgrade means the same operation")
}

// TestEverythingThatAnEventTells, whole: consumers read these members by their names.
func TestEverythingThatAnEventTells(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	d := integration.Document{ID: "my-service", Spec: integration.Spec{DisplayName: "Images", TenantID: "t",
		Issuer:   "i",
		Subjects: []string{"one", "two"}},
		Status: integration.Status{Phase: integration.PhaseUsable, ClientID: "c", ServicePrincipalID: "p",
			LastOperationID: "op-2"}}
	summary := func(operation, phase string) string {
		return `"integrationId":"my-service","displayName":"Images","operationId":"` + operation +
			`","phase":"` + phase +
			`","tenantId":"t","clientId":"c","servicePrincipalId":"p","issuer":"i","subjects":["one","two"]`
	}
	for name, c := range map[string]struct {
		notice integration.Notice
		want   string
	}{
		"of an operation, which another has followed": {
			integration.Notice{ID: "op-1-provisioned", Type: message.TypeIntegrationProvisioned, At: at,
				OperationID: "op-1", Phase: integration.PhaseProvisioned},
			`"type":"ai.ddoe.wif.integration.provisioned.v1","id":"op-1-provisioned","data":{` +
				summary("op-1", "provisioned") + `}`},
		"of a change of health": {
			integration.Notice{ID: "h-1", Type: "ignored", At: at.Add(time.Hour),
				Change: &integration.HealthChange{At: at,
					From: integration.HealthUnhealthy, To: integration.HealthHealthy}},
			`"type":"ai.ddoe.wif.health.changed.v1","id":"h-1","data":{` + summary("op-2", "usable") +
				`,"from":"unhealthy","to":"healthy","at":"2026-01-02T03:04:05+01:00"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, err := message.NewEvent(message.Source("0123abcd"), d, c.notice)
			require.NoError(t, err)
			assert.JSONEq(t, `{"specversion":"1.0","source":"/ddoe-wif/0123abcd","subject":"my-service",`+
				`"datacontenttype":"application/json","time":"2026-01-02T02:04:05Z",`+c.want+`}`, string(body))
		})
	}
}

// TestNamesOnTheWire: these are the contract's; producers, consumers and the deployment spell them out.
func TestNamesOnTheWire(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{
		"wif-commands", "wif-health", "wif-events",
		"ai.ddoe.wif.provision.v1", "ai.ddoe.wif.deprovision.v1", "ai.ddoe.wif.accesstest.v1",
		"ai.ddoe.wif.verify.v1", "ai.ddoe.wif.healthcheck.v1",
		"ai.ddoe.wif.integration.provisioned.v1", "ai.ddoe.wif.integration.usable.v1",
		"ai.ddoe.wif.integration.failed.v1", "ai.ddoe.wif.integration.deleted.v1", "ai.ddoe.wif.health.changed.v1",
	}, []string{
		message.QueueCommands, message.QueueHealth, message.TopicEvents,
		message.TypeProvision, message.TypeDeprovision, message.TypeAccessTest, message.TypeVerify,
		message.TypeHealthCheck,
		message.TypeIntegrationProvisioned, message.TypeIntegrationUsable, message.TypeIntegrationFailed,
		message.TypeIntegrationDeleted, message.TypeHealthChanged,
	})
	assert.Equal(t, message.TypeIntegrationFailed,
		message.EventType(integration.Notice{Type: message.TypeIntegrationFailed}))
}

// TestAnOwnCommandLeavesOutWhatIsNotSaid, so that a producer's and our own look alike.
func TestAnOwnCommandLeavesOutWhatIsNotSaid(t *testing.T) {
	t.Parallel()
	body, err := message.Command{Type: message.TypeVerify, ID: "op-1-verify-0", IntegrationID: "my-service",
		OperationID: "op-1"}.Encode("/ddoe-wif/x", time.Unix(0, 0))
	require.NoError(t, err)
	var got struct{ Data map[string]any }
	require.NoError(t, json.Unmarshal(body, &got))
	assert.Equal(t, map[string]any{"integrationId": "my-service", "operationId": "op-1"}, got.Data)
	again := message.Command{Type: message.TypeProvision, ID: "op-1", IntegrationID: "my-service", OperationID: "op-1",
		Spec: &integration.Spec{DisplayName: "x"}, Replace: true}
	body, err = again.Encode("/ddoe-wif/x", time.Unix(0, 0))
	require.NoError(t, err)
	parsed, err := message.ParseCommand(delivery(string(body)))
	require.NoError(t, err)
	assert.Equal(t, again, parsed)
}

// TestWhatIsNoEventIsNotSent: without a type or a source there is no CloudEvent, and half of one is never returned.
func TestWhatIsNoEventIsNotSent(t *testing.T) {
	t.Parallel()
	for source, command := range map[string]message.Command{"/ddoe-wif/x": {ID: "a"},
		"": {ID: "a", Type: message.TypeVerify}} {
		body, err := command.Encode(source, time.Unix(0, 0))
		require.Error(t, err)
		assert.Empty(t, body)
	}
}
