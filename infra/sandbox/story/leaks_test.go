package story

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/stack"
)

// Whose an integration is, who has what has leaked, and who sees all.
const (
	victim    = "aaaaaaaa-1111-4111-8111-111111111111"
	thief     = "bbbbbbbb-2222-4222-8222-222222222222"
	overseer  = "dddddddd-4444-4444-8444-444444444444"
	apiOfTest = "api://wif"
)

type leak struct {
	Name, Role                string
	IsKnown, IsToken, IsQueue bool
}

type deed struct {
	Name, Method, Path, Command string
	Body, Spec                  json.RawMessage
}

// TestWhatALeakAllowsInEarnest does what TestWhatALeakAllows of functions does, with the packaged app: the same deeds,
// by requests over the network, with tokens of the tenant, and by messages over AMQP. The outcome is the table of
// docs/security.md.
func TestWhatALeakAllowsInEarnest(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "security.md"))
	require.NoError(t, err)
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "functions", "testdata", "leaks.json"))
	require.NoError(t, err)
	var all struct {
		Leaks []leak
	}
	require.NoError(t, json.Unmarshal(raw, &all))
	require.Greater(t, len(all.Leaks), 5)
	for _, l := range all.Leaks {
		t.Run(l.Name, func(t *testing.T) {
			t.Parallel()
			assert.Contains(t, string(page), tryAll(t, l, string(raw))+"\n")
		})
	}
}

// tryAll does all deeds with what has leaked, one after the other, and returns its row of the table.
func tryAll(t *testing.T, l leak, table string) string {
	t.Helper()
	var env []string
	if l.IsKnown {
		env = append(env, "AUTH_AUDIENCE="+apiOfTest)
	}
	a := launch(t, stack.Options{Env: env})
	own, _, _ := strings.Cut(strings.TrimPrefix(a.settings("STATE_STORAGE_URL")[0], "https://"), ".")
	var all struct {
		Victim json.RawMessage
		Deeds  []deed
	}
	require.NoError(t, json.Unmarshal([]byte(strings.NewReplacer("{data}", a.account("acmedata"), "{state}",
		a.account(own)).Replace(table)), &all))
	as := func(oid string, roles ...string) []string {
		if !l.IsKnown {
			return nil
		}
		return []string{"Authorization", "Bearer " + callerToken(a, oid, roles...)}
	}
	owner, admin := as(victim, "Wif.Operate"), as(overseer, "Wif.Admin")
	made := a.call(http.MethodPut, "/integrations/my-images", string(all.Victim), owner...)
	require.Equal(t, http.StatusCreated, made.Status, made.Raw)
	ended(a, operationPath(made.Header.Get("Operation-Location")), admin)
	mine := func() string {
		got := a.call(http.MethodGet, "/integrations/my-images", nil, owner...)
		return fmt.Sprint(got.at("spec"), got.at("owner"), got.at("lastModifiedBy"), got.at("status.lastOperationId"))
	}
	before, headers := mine(), []string{"X-Functions-Key", "key"}
	if l.IsToken {
		var roles []string
		if l.Role != "" {
			roles = []string{l.Role}
		}
		headers = append(headers, as(thief, roles...)...)
	}
	row := "| " + l.Name + " |"
	for _, d := range all.Deeds {
		if l.IsQueue {
			row += " " + tryMessage(a, d, admin) + " |"
		} else {
			row += " " + tryRequest(a, d, headers, admin) + " |"
		}
	}
	if l.IsKnown && l.Role != "Wif.Admin" {
		assert.Equal(t, before, mine(), "it is left as it was")
	}
	return row
}

// callerToken is the token of a caller of the tenant.
func callerToken(a *app, oid string, roles ...string) string {
	a.t.Helper()
	got := a.control(http.MethodPost, "/caller-tokens", map[string]any{"oid": oid, "roles": roles,
		"audience": apiOfTest})
	token, _ := got.at("token").(string)
	require.NotEmpty(a.t, token, got.Raw)
	a.planted = append(a.planted, token)
	return token
}

// ended waits for the end of an operation.
func ended(a *app, path string, headers []string) answer {
	a.t.Helper()
	var got answer
	require.Eventually(a.t, func() bool {
		got = a.call(http.MethodGet, path, nil, headers...)
		status, _ := got.at("status").(string)
		return got.Status == http.StatusOK && status != "NotStarted" && status != "Running"
	}, 90*time.Second, 50*time.Millisecond, "%s has not ended", path)
	return got
}

// tryRequest does a deed by a request, and tells what came of it.
func tryRequest(a *app, d deed, headers, admin []string) string {
	a.t.Helper()
	var body any
	if d.Body != nil {
		body = string(d.Body)
	}
	got := a.call(d.Method, d.Path, body, headers...)
	if location := got.Header.Get("Operation-Location"); location != "" {
		ended(a, operationPath(location), admin)
	}
	listed, isList := got.at("value").([]any)
	switch {
	case got.Status >= 400:
		return fmt.Sprintf("%d `%s`", got.Status, got.at("code"))
	case isList && len(listed) == 0:
		return "none"
	default:
		return "**done**"
	}
}

// tryMessage does a deed by a message, where there is one, and tells what came of it.
func tryMessage(a *app, d deed, admin []string) string {
	a.t.Helper()
	if d.Command == "" {
		return "—"
	}
	id, operation := strings.TrimPrefix(d.Path, "/integrations/"), uuid.NewString()
	data := map[string]any{"integrationId": id, "operationId": operation}
	for _, spec := range []json.RawMessage{d.Body, d.Spec} {
		if spec != nil {
			data["spec"] = spec
		}
	}
	a.produce(id, cloudEvent(a.t, "ai.ddoe.wif."+d.Command+".v1", data))
	got := ended(a, "/operations/"+operation, admin)
	if got.at("status") == "Succeeded" {
		return "**done**"
	}
	return fmt.Sprintf("`%s`", got.at("error.code"))
}

// TestAForgedDeadLetterEndsNothing: whoever may send to the queue, and has learnt the id of an operation that waits,
// sends its command as the last attempt, with a life that is over at once. The broker gives it up; the operation waits
// as before, and succeeds when its service is back.
func TestAForgedDeadLetterEndsNothing(t *testing.T) {
	t.Parallel()
	a := launch(t, stack.Options{Env: []string{"AUTH_AUDIENCE=" + apiOfTest}})
	owner := []string{"Authorization", "Bearer " + callerToken(a, victim, "Wif.Operate")}
	a.control(http.MethodPut, "/faults", []any{map[string]any{"match": map[string]any{"host": "^graph"},
		"times": -1, "status": 503, "code": "ServiceUnavailable"}})
	made := a.call(http.MethodPut, "/integrations/my-images", a.spec("images"), owner...)
	require.Equal(t, http.StatusCreated, made.Status, made.Raw)
	path := operationPath(made.Header.Get("Operation-Location"))
	waits := func() answer {
		var got answer
		require.Eventually(t, func() bool {
			got = a.call(http.MethodGet, path, nil, owner...)
			return got.at("waiting.code") != nil
		}, 60*time.Second, 100*time.Millisecond)
		return got
	}
	waits()
	operation := strings.TrimPrefix(path, "/operations/")
	connection, _ := a.control(http.MethodGet, "/world", nil).at("serviceBus.connectionString").(string)
	client, err := azservicebus.NewClientFromConnectionString(connection, nil)
	require.NoError(t, err)
	defer func() { assert.NoError(t, client.Close(context.WithoutCancel(t.Context()))) }()
	sender, err := client.NewSender("wif-commands", nil)
	require.NoError(t, err)
	session, life, scheduled := "my-images", time.Millisecond, a.scheduled("wif-commands").(float64)
	for _, attempt := range []int{10, 1000} {
		body := cloudEvent(t, "ai.ddoe.wif.provision.v1", map[string]any{"integrationId": session,
			"operationId": operation, "attempt": attempt})
		require.NoError(t, sender.SendMessage(t.Context(), &azservicebus.Message{SessionID: &session, Body: body,
			TimeToLive: &life}, nil))
	}
	require.Eventually(t, func() bool { return a.scheduled("wif-commands").(float64) > scheduled }, 30*time.Second,
		100*time.Millisecond, "what was given up is sent again")
	got := waits()
	assert.Equal(t, "Running", got.at("status"), got.Raw)
	assert.Equal(t, "graph-unavailable", got.at("waiting.code"), got.Raw)
	a.control(http.MethodPut, "/faults", []any{})
	assert.Equal(t, "Succeeded", ended(a, path, owner).at("status"))
}
