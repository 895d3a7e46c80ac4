package functions

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestOneLineAnInvocation: behind the door each HTTP request leaves one line with its function, a failure one with its
// cause.
func TestOneLineAnInvocation(t *testing.T) {
	a := newApp(t, nil)
	for name, c := range map[string]struct {
		method, path, body string
		broken             bool
		status             float64
		function, outcome  string
		level, cause, code string
	}{
		"done": {method: "GET", path: "/integrations", status: 200, function: "inspect", outcome: "succeeded",
			level: "INFO"},
		"refused": {method: "DELETE", path: "/integrations/nobody", status: 404, function: "disconnect",
			outcome: "refused", level: "INFO", code: "integration-not-found"},
		"bad query": {method: "GET", path: "/healthz?x=1", status: 400, function: "healthz", outcome: "refused",
			level: "INFO", code: "invalid-parameter"},
		"no such path": {method: "GET", path: "/nothing", status: 404, outcome: "refused", level: "INFO",
			code: "not-found"},
		"failed": {method: "PUT", path: "/integrations/my-images", body: good, broken: true, status: 503,
			function: "connect", outcome: "failed", level: "ERROR",
			cause: "link detached", code: "queue-unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			a.t = t
			a.log.Reset()
			a.queue.fail = nil
			if c.broken {
				a.queue.fail = errors.New("amqp: link detached")
			}
			a.call(c.method, c.path, c.body)
			require.Equal(t, 1, strings.Count(a.log.String(), "\n"), a.log.String())
			var line map[string]any
			require.NoError(t, json.Unmarshal([]byte(a.log.String()), &line))
			assert.Equal(t, "invocation", line["msg"])
			assert.Equal(t, c.level, line["level"])
			assert.InDelta(t, c.status, line["status"], 0)
			assert.Equal(t, c.outcome, line["outcome"])
			for member, want := range map[string]string{"function": c.function, "code": c.code} {
				got, _ := line[member].(string)
				assert.Equal(t, want, got, member)
			}
			cause, _ := line["error"].(string)
			assert.Equal(t, c.cause != "", cause != "")
			assert.Contains(t, cause, c.cause)
			assert.NotEmpty(t, line["invocationId"])
		})
	}
}

// TestEveryRouteNamesItsFunction: no HTTP line is without its function.
func TestEveryRouteNamesItsFunction(t *testing.T) {
	a := newApp(t, nil)
	named := map[string]bool{}
	for template, operations := range a.document["paths"].(map[string]any) {
		for method := range operations.(map[string]any) {
			a.log.Reset()
			a.call(strings.ToUpper(method), strings.NewReplacer("{id}", "nobody").Replace(template)+"?unknown=1", "")
			var line struct{ Function string }
			require.NoError(t, json.Unmarshal([]byte(a.log.String()), &line))
			assert.NotEmpty(t, line.Function, "%s %s", method, template)
			named[line.Function] = true
		}
	}
	for _, f := range a.Functions {
		if f.Name == preflight { // it is on no path of its own
			continue
		}
		assert.Equal(t, f.Trigger == TriggerHTTP, named[f.Name], f.Name)
	}
}
