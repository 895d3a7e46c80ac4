package story

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/stack"
)

// TestPlatformIsToldWhatNobodyElseIs: an option has a literal of its own, and the platform echoes it, the API key and
// subject tokens, as they are and in JSON, in each of its refusals and in a validation's error. The words of the
// platform are passed on, without what is nobody's business. The credential file, which is echoed too, holds no
// secret.
func TestPlatformIsToldWhatNobodyElseIs(t *testing.T) {
	t.Parallel()
	name, literal := madeUp(), `p"<'&>\/é `+rand.Text()
	a := launch(t, stack.Options{Env: []string{optionMap(t, map[string]string{name: "=" + literal})}})
	a.planted = append(a.planted, literal)
	a.offer(withOption(a.offered(), name, "Trust phrase"))
	key := a.settings("DDOE_API_KEY")[0]
	// A long message is cut: the key comes first.
	said := strings.Join([]string{"key " + key, literal, quoted(literal, true), quoted(literal, false),
		a.token(subject)}, ", ")
	echo := func(method, path string) map[string]any {
		return onGate(method, path, map[string]any{"status": 400, "message": said})
	}
	a.requireRefused("create", a.wired(), onGate("POST", platformIntegrations,
		map[string]any{"status": 400, "echo": true, "message": "bad "}))
	a.requireRefused("create", a.wired(), echo("POST", platformIntegrations))
	a.requireRefused("driver", a.wired(), echo("POST", platformDrivers))
	a.control(http.MethodPut, "/faults", []any{})
	a.requireMade(a.put(a.wired()))
	options, _ := a.control(http.MethodGet, "/world", nil).at("ddoe.integrations.0.options").(map[string]any)
	assert.Equal(t, literal, options[name], "the platform has got it")

	moved := a.wired()
	moved["displayName"] = "Renamed"
	moved["ddoe"].(map[string]any)["driver"].(map[string]any)["path"] = "sub/folder"
	a.requireRefused("update", moved, echo("PATCH", platformIntegrations))
	a.requireRefused("driver", moved, echo("PATCH", "/drivers/[^/]+$"))
	a.control(http.MethodPut, "/faults", []any{onGate("GET", "/commands/[^/]+$", map[string]any{"status": 200,
		"body": map[string]any{"id": "told", "status": "failed", "error": "driver images: " + said}})})
	a.put(moved)
	require.Eventually(t, func() bool { return strings.Contains(a.log.String(), `"code":"ddoe-validation-failed"`) },
		30*time.Second, 50*time.Millisecond)
	a.requireUsable()

	// What is only read: its report passes the words on.
	for _, read := range []map[string]any{echo("GET", "/api/v1/integrations/[^/]+$"), echo("GET", "/drivers/[^/]+$")} {
		a.control(http.MethodPut, "/faults", []any{read})
		told := a.call(http.MethodPost, "/integrations/my-images/access-tests",
			map[string]any{"subjectToken": a.token(subject)})
		a.requireSpent("access test")
		assert.NotContains(t, told.Raw, key)
	}
	a.control(http.MethodPut, "/faults", []any{echo("GET", platformIntegrations),
		echo("GET", "/availableIntegrations$")})
	drift := a.call(http.MethodGet, "/integrations/my-images/drift", nil)
	assert.Regexp(t, passedOn, drift.Raw)

	a.control(http.MethodPut, "/faults", []any{echo("DELETE", "/drivers/[^/]+$")})
	deleted := a.call(http.MethodDelete, "/integrations/my-images", nil)
	require.Less(t, deleted.Status, 300, deleted.Raw)
	operation := a.wait(deleted.Header.Get("Operation-Location"))
	assert.Equal(t, "Failed", operation.at("status"), operation.Raw)
	assert.Regexp(t, passedOn, operation.Raw)
}

// passedOn is in what passes on the words of the platform, which held a secret.
const passedOn = `The platform says: .*\[redacted\]`

// requireRefused has the platform refuse a step of the spec, and checks that the operation passes its words on.
func (a *app) requireRefused(what string, spec map[string]any, faults ...any) {
	a.t.Helper()
	a.control(http.MethodPut, "/faults", faults)
	put := a.call(http.MethodPut, "/integrations/my-images", spec)
	require.Less(a.t, put.Status, 300, put.Raw)
	operation := a.wait(put.Header.Get("Operation-Location"))
	require.Equal(a.t, "Failed", operation.at("status"), "%s: %s", what, operation.Raw)
	assert.Regexp(a.t, passedOn, operation.at("error.detail"), "%s: what the platform says is passed on", what)
	a.requireSpent(what)
}

// requireSpent checks that every fault has taken effect.
func (s *sandbox) requireSpent(what string) {
	s.t.Helper()
	for _, f := range s.Cloud().Faults().List() {
		assert.Zero(s.t, *f.Times, "%s: never asked: %s %s", what, f.Match.Method, f.Match.Path)
	}
}
