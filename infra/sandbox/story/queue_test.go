package story

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// produce puts a CloudEvent on wif-commands as any producer does, by the plain azservicebus SDK.
func (s *sandbox) produce(session string, body []byte) string {
	s.t.Helper()
	connection, _ := s.control(http.MethodGet, "/world", nil).at("serviceBus.connectionString").(string)
	require.NotEmpty(s.t, connection)
	client, err := azservicebus.NewClientFromConnectionString(connection, nil)
	require.NoError(s.t, err)
	defer func() { assert.NoError(s.t, client.Close(s.t.Context())) }()
	sender, err := client.NewSender("wif-commands", nil)
	require.NoError(s.t, err)
	id := uuid.NewString()
	message := &azservicebus.Message{MessageID: &id, SessionID: &session, Body: body}
	require.NoError(s.t, sender.SendMessage(s.t.Context(), message, nil))
	return id
}

func cloudEvent(t *testing.T, kind string, data map[string]any) []byte {
	t.Helper()
	raw, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": uuid.NewString(), "source": "/producers/test", "type": kind,
		"time":            time.Now().UTC(),
		"datacontenttype": "application/json", "data": data,
	})
	require.NoError(t, err)
	return raw
}

// operation waits for an operation that a message asked for; it is unknown until the message has been read.
func (a *app) operation(id string) answer {
	a.t.Helper()
	require.Eventually(a.t, func() bool {
		return a.call(http.MethodGet, "/operations/"+id, nil).Status == http.StatusOK
	}, 20*time.Second, 50*time.Millisecond, "operation %s never appeared", id)
	return a.wait("/operations/" + id)
}

// TestStoryOverTheQueue is the same story by messages, no HTTP but to look.
func TestStoryOverTheQueue(t *testing.T) {
	t.Parallel()
	a := start(t)
	before := a.control(http.MethodGet, "/world", nil)

	provision := uuid.NewString()
	a.produce("my-images", cloudEvent(t, "ai.ddoe.wif.provision.v1", map[string]any{
		"integrationId": "my-images", "operationId": provision, "spec": a.spec("images"),
	}))
	operation := a.operation(provision)
	require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
	assert.Equal(t, counts{applications: 1, servicePrincipals: 1, credentials: 1, assignments: 1}, a.made(before))
	a.assertCredentialFile("my-images")

	test := uuid.NewString()
	a.produce("my-images", cloudEvent(t, "ai.ddoe.wif.accesstest.v1", map[string]any{"integrationId": "my-images",
		"operationId": test}))
	operation = a.operation(test)
	require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
	assert.Equal(t, "pass", operation.at("result.verdict"), operation.Raw)

	a.removeAssignments("images")
	again := uuid.NewString()
	a.produce("my-images", cloudEvent(t, "ai.ddoe.wif.accesstest.v1", map[string]any{"integrationId": "my-images",
		"operationId": again}))
	operation = a.operation(again)
	assert.Equal(t, "fail", operation.at("result.verdict"), operation.Raw)
	assert.Contains(t, operation.Raw, `"code":"role-missing"`)

	deprovision := uuid.NewString()
	a.produce("my-images", cloudEvent(t, "ai.ddoe.wif.deprovision.v1", map[string]any{"integrationId": "my-images",
		"operationId": deprovision, "purge": true}))
	operation = a.operation(deprovision)
	require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
	assert.Equal(t, counts{}, a.made(before))
}

// TestMessagesThatCanNeverSucceed become failed operations; none is lost, none loops, and nothing is written.
func TestMessagesThatCanNeverSucceed(t *testing.T) {
	t.Parallel()
	a := start(t)
	before := a.control(http.MethodGet, "/world", nil)
	bad := a.spec("Not_A_Container")
	for name, c := range map[string]struct {
		session string
		body    func(operation string) []byte
		byID    bool // the operation is found by the message's id: the body names none
		code    string
	}{
		"not JSON": {session: "ses-1", body: func(string) []byte { return []byte("hello") }, byID: true,
			code: "not-json"},
		"unknown type": {session: "ses-2", body: func(op string) []byte {
			return cloudEvent(t, "ai.ddoe.wif.explode.v1", map[string]any{"integrationId": "ses-2", "operationId": op})
		}, code: "unknown-command"},
		"invalid spec": {session: "ses-3", body: func(op string) []byte {
			return cloudEvent(t, "ai.ddoe.wif.provision.v1", map[string]any{"integrationId": "ses-3",
				"operationId": op, "spec": bad})
		}, code: "invalid-spec"},
		"another integration's session": {session: "ses-4", body: func(op string) []byte {
			return cloudEvent(t, "ai.ddoe.wif.provision.v1", map[string]any{"integrationId": "other",
				"operationId": op, "spec": a.spec("images")})
		}, code: "session-mismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			id := uuid.NewString()
			sent := a.produce(c.session, c.body(id))
			if c.byID {
				id = sent
			}
			operation := a.operation(id)
			assert.Equal(t, "Failed", operation.at("status"), operation.Raw)
			assert.Equal(t, c.code, operation.at("error.code"), operation.Raw)
		})
	}
	assert.Equal(t, counts{}, a.made(before))
	for _, q := range a.control(http.MethodGet, "/world", nil).at("queues").([]any) {
		assert.Zero(t, at(q, "deadLettered"), "%v", q)
	}
}

// TestDeadLetteredMessageEndsItsOperation: whatever reaches the dead-letter queue ends as a failed operation.
func TestDeadLetteredMessageEndsItsOperation(t *testing.T) {
	t.Parallel()
	a := start(t)
	connection, _ := a.control(http.MethodGet, "/world", nil).at("serviceBus.connectionString").(string)
	client, err := azservicebus.NewClientFromConnectionString(connection, nil)
	require.NoError(t, err)
	defer func() { assert.NoError(t, client.Close(t.Context())) }()
	// A message whose time to live passes before anyone reads it: its session is held by this test.
	session, err := client.AcceptSessionForQueue(t.Context(), "wif-commands", "my-images", nil)
	require.NoError(t, err)
	id := uuid.NewString()
	a.produce("my-images", cloudEvent(t, "ai.ddoe.wif.provision.v1", map[string]any{"integrationId": "my-images",
		"operationId": id, "spec": a.spec("images")}))
	messages, err := session.ReceiveMessages(t.Context(), 1, nil)
	require.NoError(t, err)
	reason, description := "TooHard", "a person gave up"
	require.NoError(t, session.DeadLetterMessage(t.Context(), messages[0],
		&azservicebus.DeadLetterOptions{Reason: &reason, ErrorDescription: &description}))
	require.NoError(t, session.Close(t.Context()))

	operation := a.operation(id)
	assert.Equal(t, "Failed", operation.at("status"), operation.Raw)
	assert.Contains(t, operation.Raw, "TooHard", "the reason is kept")
}
