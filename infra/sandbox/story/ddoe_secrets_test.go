package story

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/stack"
)

// TestPlatformIsToldWhatNobodyElseIs: an option has a literal of its own, and the platform echoes whatever it is sent, in
// every way of writing it, in each of its refusals. The words of the platform are passed on, without what is nobody's business.
func TestPlatformIsToldWhatNobodyElseIs(t *testing.T) {
	t.Parallel()
	name, literal := madeUp(), `p"<'&>\/é `+rand.Text()
	a := launch(t, stack.Options{Env: []string{optionMap(t, map[string]string{name: "=" + literal})}})
	a.planted = append(a.planted, literal)
	a.offer(withOption(a.offered(), name, "Trust phrase"))
	key := a.settings("DDOE_API_KEY")[0]
	echo := func(method, path string, status int, secret string) map[string]any {
		said := "key " + key + ", " + strings.Join(forms(secret), ", ") + ", " // a long message is cut: the key comes first
		return onGate(method, path, map[string]any{"status": status, "message": said, "echo": true})
	}
	refused := func(what string, spec map[string]any, faults ...any) {
		a.control(http.MethodPut, "/faults", faults)
		put := a.call(http.MethodPut, "/integrations/my-images", spec)
		require.Less(t, put.Status, 300, put.Raw)
		operation := a.wait(put.Header.Get("Operation-Location"))
		require.Equal(t, "Failed", operation.at("status"), "%s: %s", what, operation.Raw)
		assert.Regexp(t, `The platform says: .*\[redacted\]`, operation.at("error.detail"), "%s: what the platform says is passed on", what)
		assert.NotContains(t, operation.Raw, "federatedTokenIssuer", "%s: no part of the credential file", what)
		for _, f := range a.Cloud().Faults().List() {
			assert.Zero(t, *f.Times, "%s: never asked: %s %s", what, f.Match.Method, f.Match.Path)
		}
	}
	refused("create", a.wired(), onGate("POST", platformIntegrations, map[string]any{"status": 400, "echo": true, "message": "bad "}))
	refused("create", a.wired(), echo("POST", platformIntegrations, 400, literal))
	refused("test", a.wired(), echo("POST", "/drivers/test$", 402, literal))
	a.control(http.MethodPut, "/faults", []any{})
	document := a.put(a.wired())
	a.requireMade(document)
	assert.Equal(t, literal, a.control(http.MethodGet, "/world", nil).at("ddoe.integrations.0.options."+name), "the platform has got it")

	// A test that fails although nothing has changed sends the options again.
	moved := a.wired()
	moved["ddoe"].(map[string]any)["driver"].(map[string]any)["path"] = "sub/folder"
	refused("update", moved, echo("POST", "/drivers/test$", 400, literal), echo("PATCH", platformIntegrations, 400, literal))
	refused("driver", moved, echo("PATCH", "/drivers/[^/]+$", 400, a.token(subject)))
	a.control(http.MethodPut, "/faults", []any{})
	a.put(moved)
	a.requireUsable()

	a.control(http.MethodPut, "/faults", []any{echo("GET", platformIntegrations, 400, literal)})
	a.call(http.MethodGet, "/integrations/my-images/drift", nil)
	a.control(http.MethodPut, "/faults", []any{echo("GET", "/drivers/[^/]+/test$", 400, literal)})
	tested := a.call(http.MethodPost, "/integrations/my-images/access-tests", map[string]any{"subjectToken": a.token(subject)})
	assert.Regexp(t, `The platform says: .*\[redacted\]`, tested.Raw)
	a.assertCredentialFile("my-images")
	a.optionsAreUntold()

	a.control(http.MethodPut, "/faults", []any{echo("DELETE", "/drivers/[^/]+$", 400, a.token(subject))})
	deleted := a.call(http.MethodDelete, "/integrations/my-images", nil)
	operation := a.wait(deleted.Header.Get("Operation-Location"))
	assert.Equal(t, "Failed", operation.at("status"), operation.Raw)
}
