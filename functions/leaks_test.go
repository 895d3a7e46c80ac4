package functions

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// deed is what somebody with what has leaked may try: a request, or where a producer can do it, a message.
type deed struct {
	name, method, path, body string
	// kind is the message's; empty where there is none.
	kind string
}

// deeds are tried in this order, on an integration of the first owner.
func deeds() []deed {
	own := specOf("of-attacker")
	on := func(storage string) string { return strings.Replace(own, world.DataAccountID, storage, 1) }
	state := world.DataAccountID[:strings.LastIndexByte(world.DataAccountID, '/')] + "/state"
	return []deed{
		{"trust another issuer", "PUT", "/integrations/of-attacker",
			strings.Replace(own, "{", `{"issuer":"https://attacker.example",`, 1), "provision"},
		{"reach the state account", "PUT", "/integrations/of-attacker", on(state), "provision"},
		{"read the policy", "GET", "/policy", "", ""},
		{"see another's", "GET", "/integrations/my-images", "", ""},
		{"list another's", "GET", "/integrations?subject=" + subject, "", ""},
		{"use another's subject", "PUT", "/integrations/look-alike", good, "provision"},
		{"make its own", "PUT", "/integrations/of-attacker", own, "provision"},
		{"change another's", "PATCH", "/integrations/my-images", `{"displayName":"taken"}`, "change"},
		{"take another's", "PATCH", "/integrations/my-images/owner", `{"owner":"` + second + `"}`, ""},
		{"delete another's", "DELETE", "/integrations/my-images", "", "deprovision"},
	}
}

// leaks are what may leak, with the settings of the app.
func leaks() []struct {
	name, role             string
	isToken, isKnown, isMQ bool
} {
	return []struct {
		name, role             string
		isToken, isKnown, isMQ bool
	}{
		{name: "function key, `AUTH_AUDIENCE` set", isKnown: true},
		{name: "token of a stranger in the tenant", isToken: true, isKnown: true},
		{name: "token with `Wif.Read`", role: "Wif.Read", isToken: true, isKnown: true},
		{name: "token with `Wif.Operate`", role: "Wif.Operate", isToken: true, isKnown: true},
		{name: "token with `Wif.Admin`", role: "Wif.Admin", isToken: true, isKnown: true},
		{name: "send right on the queue, `AUTH_AUDIENCE` set", isKnown: true, isMQ: true},
		{name: "function key, no `AUTH_AUDIENCE`"},
		{name: "send right on the queue, no `AUTH_AUDIENCE`", isMQ: true},
	}
}

// TestWhatALeakAllows tries each deed with each thing that may leak. The outcome is the table of docs/security.md; who
// sees nothing of the first owner leaves their integration as it was.
func TestWhatALeakAllows(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "docs", "security.md"))
	require.NoError(t, err)
	header := "| with |"
	for _, d := range deeds() {
		header += " " + d.name + " |"
	}
	assert.Contains(t, string(page), header+"\n")
	for _, leak := range leaks() {
		t.Run(leak.name, func(t *testing.T) {
			t.Parallel()
			settings := map[string]string{}
			if leak.isKnown {
				settings["AUTH_AUDIENCE"] = apiAudience
			}
			a := newApp(t, settings)
			require.Equal(t, 201, as(a, first, "PUT", "/integrations/my-images", good).StatusCode)
			a.deliver()
			before := as(a, first, "GET", "/integrations/my-images", "").raw
			headers := []string{"x-functions-key", "key"}
			if leak.isToken {
				request := entra.CallerRequest{ObjectID: second}
				if leak.role != "" {
					request.Roles = []string{leak.role}
				}
				headers = append(headers, "Authorization", a.bearer(request))
			}
			row := "| " + leak.name + " |"
			for n, d := range deeds() {
				if leak.isMQ {
					row += " " + tryMessage(a, d, n) + " |"
				} else {
					row += " " + tryRequest(a, d, headers) + " |"
				}
			}
			assert.Contains(t, string(page), row+"\n")
			if leak.isKnown && leak.role != "Wif.Admin" {
				assert.Equal(t, before, as(a, first, "GET", "/integrations/my-images", "").raw)
			}
		})
	}
}

// tryRequest does a deed by a request, and tells what came of it.
func tryRequest(a *app, d deed, headers []string) string {
	a.t.Helper()
	got := a.call(d.method, d.path, d.body, headers...)
	a.deliver()
	if got.StatusCode >= 400 {
		return fmt.Sprintf("%d `%s`", got.StatusCode, got.at("code"))
	}
	if listed, isList := got.at("value").([]any); isList && len(listed) == 0 {
		return "none"
	}
	return "**done**"
}

// tryMessage does a deed by a message, where there is one, and tells what came of it.
func tryMessage(a *app, d deed, n int) string {
	a.t.Helper()
	if d.kind == "" {
		return "—"
	}
	id := strings.TrimPrefix(d.path, "/integrations/")
	operation := fmt.Sprint("deed-", n)
	data := map[string]any{"integrationId": id, "operationId": operation}
	kind := d.kind
	if kind == "change" {
		kind, d.body = "provision", strings.Replace(good, "{", `{"displayName":"taken",`, 1)
	}
	if d.body != "" {
		data["spec"] = json.RawMessage(d.body)
	}
	body, err := json.Marshal(map[string]any{"specversion": "1.0", "id": operation, "source": "/producer",
		"type": "ai.ddoe.wif." + kind + ".v1", "data": data})
	require.NoError(a.t, err)
	require.NoError(a.t, a.function("reconcile").Message(a.t.Context(), Delivery{Body: body, MessageID: operation,
		SessionID: id}))
	a.deliver()
	got := as(a, manager, "GET", "/operations/"+operation, "")
	if got.at("status") == "Succeeded" {
		return "**done**"
	}
	return fmt.Sprintf("`%s`", got.at("error", "code"))
}
