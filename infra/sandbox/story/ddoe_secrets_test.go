package story

import (
	"crypto/rand"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/stack"
)

// TestPlatformIsToldWhatNobodyElseIs: an option has a literal of its own, and the platform repeats key and literal in each of
// its refusals. The words of the platform are passed on, without what is nobody's business.
func TestPlatformIsToldWhatNobodyElseIs(t *testing.T) {
	t.Parallel()
	name, literal := madeUp(), "phrase-"+rand.Text()
	a := launch(t, stack.Options{Env: []string{optionMap(t, map[string]string{name: "=" + literal})}})
	a.planted = append(a.planted, literal)
	a.offer(withOption(a.offered(), name, "Trust phrase"))
	key := a.settings("DDOE_API_KEY")[0]
	echo := func(method, path string, status int, secret string) map[string]any {
		return onGate(method, path, map[string]any{"status": status, "message": "key " + key + ", literal " + secret + ", "})
	}
	refused := func(what string, spec map[string]any, faults ...any) {
		a.control(http.MethodPut, "/faults", faults)
		put := a.call(http.MethodPut, "/integrations/my-images", spec)
		require.Less(t, put.Status, 300, put.Raw)
		operation := a.wait(put.Header.Get("Operation-Location"))
		require.Equal(t, "Failed", operation.at("status"), "%s: %s", what, operation.Raw)
		assert.Regexp(t, `The platform says: .*\[redacted\]`, operation.at("error.detail"), "%s: what the platform says is passed on", what)
		for _, f := range a.Cloud().Faults().List() {
			assert.Zero(t, *f.Times, "%s: never asked: %s %s", what, f.Match.Method, f.Match.Path)
		}
	}
	refused("create", a.wired(), echo("POST", platformIntegrations, 422, literal))
	a.control(http.MethodPut, "/faults", []any{})
	a.requireMade(a.put(a.wired()))
	options, _ := a.control(http.MethodGet, "/world", nil).at("ddoe.integrations.0.options").(map[string]any)
	assert.Equal(t, literal, options[name], "the platform has got it")

	moved := a.wired()
	moved["displayName"] = "Moved"
	moved["ddoe"].(map[string]any)["driver"].(map[string]any)["path"] = "sub/folder"
	refused("update", moved, echo("PATCH", platformIntegrations, 422, literal))
	refused("driver", moved, echo("PATCH", "/drivers/[^/]+$", 422, literal))
	a.control(http.MethodPut, "/faults", []any{})
	a.put(moved)
	a.requireUsable()

	// What is only read: its report passes the words on.
	a.control(http.MethodPut, "/faults", []any{echo("GET", platformIntegrations, 422, literal), echo("GET", "/api/v1/integrations/[^/]+$", 422, literal)})
	told := a.call(http.MethodGet, "/integrations/my-images/drift", nil)
	assert.Regexp(t, `The platform says: .*\[redacted\]`, told.Raw)
	a.control(http.MethodPut, "/faults", []any{})
	a.assertCredentialFile("my-images")
	a.optionsAreUntold()

	a.control(http.MethodPut, "/faults", []any{echo("DELETE", "/drivers/[^/]+$", 422, literal)})
	deleted := a.call(http.MethodDelete, "/integrations/my-images", nil)
	operation := a.wait(deleted.Header.Get("Operation-Location"))
	assert.Equal(t, "Failed", operation.at("status"), operation.Raw)
}
