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

// TestPlatformIsToldWhatNobodyElseIs: an option has a literal of its own, another the credential file, and the platform
// echoes whatever it was given, in every way of writing it, in each of its refusals and in a validation's error. The words of
// the platform are passed on, without what is nobody's business.
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
	a.requireMade(a.put(a.wired()))
	options, _ := a.control(http.MethodGet, "/world", nil).at("ddoe.integrations.0.options").(map[string]any)
	assert.Equal(t, literal, options[name], "the platform has got it")
	file := fileAmong(options)
	require.NotEmpty(t, file)
	a.planted = append(a.planted, file)

	// A test that fails although nothing has changed sends the options again.
	moved := a.wired()
	moved["ddoe"].(map[string]any)["driver"].(map[string]any)["path"] = "sub/folder"
	refused("update", moved, echo("POST", "/drivers/test$", 400, file), echo("PATCH", platformIntegrations, 400, literal))
	refused("update", moved, echo("PATCH", platformIntegrations, 400, file)) // what it has now is not known: they are sent before the test
	refused("list", moved, echo("GET", platformIntegrations, 400, file))
	refused("test", moved, echo("POST", "/drivers/test$", 402, file))
	refused("driver", moved, echo("PATCH", "/drivers/[^/]+$", 400, file))
	refused("driver", moved, echo("PATCH", "/drivers/[^/]+$", 400, a.token(subject)))
	a.control(http.MethodPut, "/faults", []any{})
	a.control(http.MethodPut, "/faults", []any{onGate("GET", "/commands/[^/]+$", map[string]any{"status": 200,
		"body": map[string]any{"id": "told", "status": "failed", "error": "driver images: " + literal + " " + file}})})
	a.put(moved)
	require.Eventually(t, func() bool { return strings.Contains(a.log.String(), `"code":"ddoe-validation-failed"`) }, 30*time.Second, 50*time.Millisecond)
	a.requireUsable()

	// What is only read, and what is tested: its report passes the words on.
	report := func(method, path, endpoint string, faults ...any) {
		a.control(http.MethodPut, "/faults", faults)
		told := a.call(method, "/integrations/my-images"+path, map[string]any{"subjectToken": a.token(subject)})
		assert.Regexp(t, `The platform says: .*\[redacted\]`, told.Raw, endpoint)
		assert.NotContains(t, told.Raw, "federatedTokenIssuer", endpoint)
	}
	for _, secret := range []string{literal, file} {
		report(http.MethodPost, "/access-tests", "test of the driver", echo("GET", "/drivers/[^/]+/test$", 400, secret))
		report(http.MethodPost, "/access-tests", "integration", echo("GET", "/api/v1/integrations/[^/]+$", 400, secret))
		report(http.MethodPost, "/access-tests", "driver", echo("GET", "/drivers/[^/]+$", 400, secret))
	}
	a.control(http.MethodPut, "/faults", []any{echo("GET", platformIntegrations, 400, file), echo("GET", "/availableIntegrations$", 400, file)})
	a.call(http.MethodGet, "/integrations/my-images/drift", nil)
	a.call(http.MethodGet, "/integrations/my-images/drift", nil)
	a.assertCredentialFile("my-images")
	a.optionsAreUntold()

	for _, secret := range []string{a.token(subject), file} {
		a.control(http.MethodPut, "/faults", []any{echo("DELETE", "/drivers/[^/]+$", 400, secret)})
		deleted := a.call(http.MethodDelete, "/integrations/my-images", nil)
		require.Less(t, deleted.Status, 300, deleted.Raw)
		operation := a.wait(deleted.Header.Get("Operation-Location"))
		assert.Equal(t, "Failed", operation.at("status"), operation.Raw)
		assert.NotContains(t, operation.Raw, "federatedTokenIssuer")
	}
}

// fileAmong is the credential file among the options of an integration.
func fileAmong(options map[string]any) string {
	for _, value := range options {
		if text, _ := value.(string); strings.Contains(text, "federatedTokenIssuer") {
			return text
		}
	}
	return ""
}
