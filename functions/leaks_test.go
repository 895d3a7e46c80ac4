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

// leaks are what may leak, and what somebody with it may try, in that order, on an integration of the first owner. The
// story TestWhatALeakAllowsInEarnest tries the same with the packaged app.
type leaks struct {
	Leaks []struct {
		Name, Role string
		// IsKnown is true where callers need a token, IsToken where one has leaked, and IsQueue where the right to
		// send to the queue has.
		IsKnown, IsToken, IsQueue bool
	}
	Deeds []deed
}

type deed struct {
	Name, Method, Path string
	Body               json.RawMessage
	// Command is the message's; empty where there is none. Spec is its spec, where that is not the body.
	Command string
	Spec    json.RawMessage
}

func readLeaks(t *testing.T) leaks {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "leaks.json"))
	require.NoError(t, err)
	state := world.DataAccountID[:strings.LastIndexByte(world.DataAccountID, '/')] + "/state"
	var all leaks
	require.NoError(t, json.Unmarshal([]byte(strings.NewReplacer("{data}", world.DataAccountID, "{state}",
		state).Replace(string(raw))), &all))
	return all
}

// TestWhatALeakAllows tries each deed with each thing that may leak. The outcome is the table of docs/security.md; who
// sees nothing of the first owner leaves their integration as it was.
func TestWhatALeakAllows(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "docs", "security.md"))
	require.NoError(t, err)
	all, header := readLeaks(t), "| with |"
	for _, d := range all.Deeds {
		header += " " + d.Name + " |"
	}
	assert.Contains(t, string(page), header+"\n")
	for _, leak := range all.Leaks {
		t.Run(leak.Name, func(t *testing.T) {
			t.Parallel()
			settings := map[string]string{}
			if leak.IsKnown {
				settings["AUTH_AUDIENCE"] = apiAudience
			}
			a := newApp(t, settings)
			require.Equal(t, 201, as(a, first, "PUT", "/integrations/my-images", good).StatusCode)
			a.deliver()
			before := as(a, first, "GET", "/integrations/my-images", "").raw
			headers := []string{"x-functions-key", "key"}
			if leak.IsToken {
				request := entra.CallerRequest{ObjectID: second}
				if leak.Role != "" {
					request.Roles = []string{leak.Role}
				}
				headers = append(headers, "Authorization", a.bearer(request))
			}
			row := "| " + leak.Name + " |"
			for n, d := range all.Deeds {
				if leak.IsQueue {
					row += " " + tryMessage(a, d, n) + " |"
				} else {
					row += " " + tryRequest(a, d, headers) + " |"
				}
			}
			assert.Contains(t, string(page), row+"\n")
			if leak.IsKnown && leak.Role != "Wif.Admin" {
				assert.Equal(t, before, as(a, first, "GET", "/integrations/my-images", "").raw)
			}
		})
	}
}

// tryRequest does a deed by a request, and tells what came of it.
func tryRequest(a *app, d deed, headers []string) string {
	a.t.Helper()
	got := a.call(d.Method, d.Path, string(d.Body), headers...)
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
	if d.Command == "" {
		return "—"
	}
	id := strings.TrimPrefix(d.Path, "/integrations/")
	operation := fmt.Sprint("deed-", n)
	data := map[string]any{"integrationId": id, "operationId": operation}
	for _, spec := range []json.RawMessage{d.Body, d.Spec} {
		if spec != nil {
			data["spec"] = spec
		}
	}
	body, err := json.Marshal(map[string]any{"specversion": "1.0", "id": operation, "source": "/producer",
		"type": "ai.ddoe.wif." + d.Command + ".v1", "data": data})
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
