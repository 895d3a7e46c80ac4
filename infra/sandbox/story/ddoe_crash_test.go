package story

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const gateHost = `^gate\.dataloop\.ai$`

// onGate is a fault on one kind of request to the platform.
func onGate(method, path string, more map[string]any) map[string]any {
	fault := map[string]any{"match": map[string]any{"host": gateHost, "method": "^" + method + "$", "path": path}}
	for name, value := range more {
		fault[name] = value
	}
	return fault
}

// undone and unheard keep an answer back for as long as it takes to kill who waits for it: the request is not carried
// out, or it is and nobody hears of it.
func undone() map[string]any  { return map[string]any{"delayMs": 20000} }
func unheard() map[string]any { return map[string]any{"delayMs": 20000, "effect": "drop"} }

// killAt kills the handler while it waits for the answer of the fault, with that many integrations and drivers made.
func (a *app) killAt(fault map[string]any, begin func() answer, want [2]int) answer {
	a.t.Helper()
	a.control(http.MethodPut, "/faults", []any{fault})
	begun := begin()
	require.Less(a.t, begun.Status, 300, begun.Raw)
	require.Eventually(a.t, func() bool {
		return *a.Cloud().Faults().List()[0].Times == 0 && a.onPlatform() == want
	}, 30*time.Second, 20*time.Millisecond,
		"the request never came")
	a.kill()
	return begun
}

const (
	platformIntegrations = "/orgs/[^/]+/integrations$"
	platformDrivers      = "/drivers$"
)

// TestPlatformKilledWhileItIsMade kills the handler while an answer of the platform never comes: the message is
// delivered again, and there is one of each in the end, whether the create was carried out or not.
func TestPlatformKilledWhileItIsMade(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault map[string]any
		want  [2]int
	}{
		"before the integration":     {onGate("POST", platformIntegrations, undone()), [2]int{0, 0}},
		"after the integration":      {onGate("POST", platformIntegrations, unheard()), [2]int{1, 0}},
		"before the driver":          {onGate("POST", platformDrivers, undone()), [2]int{1, 0}},
		"after the driver":           {onGate("POST", platformDrivers, unheard()), [2]int{1, 1}},
		"while the driver is tested": {onGate("GET", "/drivers/[^/]+/test$", unheard()), [2]int{1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			put := func() answer { return a.call(http.MethodPut, "/integrations/my-images", a.wired()) }
			created := a.killAt(c.fault, put, c.want)
			operation := a.wait(created.Header.Get("Operation-Location"))
			require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
			a.requireOne()
		})
	}
}

// requireOne checks that there is one integration and one driver, and that they are the document's.
func (a *app) requireOne() {
	a.t.Helper()
	require.Equal(a.t, [2]int{1, 1}, a.onPlatform())
	world := a.control(http.MethodGet, "/world", nil)
	document := a.call(http.MethodGet, "/integrations/my-images", nil)
	assert.Equal(a.t, world.at("ddoe.integrations.0.id"), document.at("status.ddoe.integrationId"), document.Raw)
	assert.Equal(a.t, world.at("ddoe.drivers.0.id"), document.at("status.ddoe.driverId"), document.Raw)
	assert.Equal(a.t, world.at("ddoe.integrations.0.id"), world.at("ddoe.drivers.0.integrationId"))
}

// TestPlatformKilledWhileItIsChanged: the same for an update of both.
func TestPlatformKilledWhileItIsChanged(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]map[string]any{
		"the integration": onGate("PATCH", platformIntegrations, unheard()),
		"the driver":      onGate("PATCH", "/drivers/[^/]+$", unheard()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			a.put(a.wired())
			spec := a.wired()
			spec["displayName"] = "Renamed"
			spec["ddoe"].(map[string]any)["driver"].(map[string]any)["path"] = "sub/folder"
			changed := a.killAt(fault, func() answer {
				return a.call(http.MethodPut, "/integrations/my-images", spec)
			}, [2]int{1, 1})
			operation := a.wait(changed.Header.Get("Operation-Location"))
			require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
			a.requireOne()
			world := a.control(http.MethodGet, "/world", nil)
			assert.Equal(t, "Renamed", world.at("ddoe.integrations.0.name"))
			assert.Equal(t, "sub/folder", world.at("ddoe.drivers.0.path"))
		})
	}
}

// TestPlatformKilledWhileItIsRemoved: the same for a teardown, which leaves nothing.
func TestPlatformKilledWhileItIsRemoved(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault map[string]any
		want  [2]int
	}{
		"before the driver":      {onGate("DELETE", "/drivers/[^/]+$", undone()), [2]int{1, 1}},
		"after the driver":       {onGate("DELETE", "/drivers/[^/]+$", unheard()), [2]int{1, 0}},
		"before the integration": {onGate("DELETE", "/integrations/[^/]+$", undone()), [2]int{1, 0}},
		"after the integration":  {onGate("DELETE", "/integrations/[^/]+$", unheard()), [2]int{0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			before := a.control(http.MethodGet, "/world", nil)
			a.put(a.wired())
			deleted := a.killAt(c.fault, func() answer {
				return a.call(http.MethodDelete, "/integrations/my-images?purge=true", nil)
			}, c.want)
			operation := a.wait(deleted.Header.Get("Operation-Location"))
			require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
			assert.Equal(t, [2]int{0, 0}, a.onPlatform())
			assert.Equal(t, counts{}, a.made(before))
		})
	}
}

// TestPlatformKilledWhileItValidates: the next message goes on, and the platform's word is waited for.
func TestPlatformKilledWhileItValidates(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]map[string]any{
		"before it begins":   onGate("POST", "/drivers/validateDrivers$", undone()),
		"after it has":       onGate("POST", "/drivers/validateDrivers$", unheard()),
		"while it is polled": onGate("GET", "/commands/[^/]+$", unheard()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			a.killAt(fault, func() answer { return a.call(http.MethodPut, "/integrations/my-images", a.wired()) },
				[2]int{1, 1})
			document := a.requireUsable()
			assert.Equal(t, true, document.at("status.ddoe.validated"), document.Raw)
			a.requireOne()
		})
	}
}

// TestPlatformInAStorm disturbs every kind of request to the platform once, each in another way.
func TestPlatformInAStorm(t *testing.T) {
	t.Parallel()
	a := start(t)
	before := a.control(http.MethodGet, "/world", nil)
	answered := func(status int) map[string]any {
		return map[string]any{"status": status, "headers": map[string]any{"Retry-After": "1"}}
	}
	cut := map[string]any{"effect": "drop"}
	done := map[string]any{"status": 502, "effect": "after"}
	storm := []any{
		onGate("GET", "/availableIntegrations$", answered(503)),
		onGate("GET", "/projects/[^/]+$", cut),
		onGate("GET", "/users/me$", cut),
		onGate("GET", platformIntegrations, answered(429)),
		onGate("POST", platformIntegrations, cut),
		onGate("GET", "/drivers\\?", answered(504)),
		onGate("POST", platformDrivers, done),
		onGate("GET", "/drivers/[^/]+/test$", answered(429)),
		onGate("POST", "/drivers/validateDrivers$", cut),
		onGate("GET", "/commands/[^/]+$", done),
	}
	a.control(http.MethodPut, "/faults", storm)
	created := a.call(http.MethodPut, "/integrations/my-images", a.wired())
	operation := a.wait(created.Header.Get("Operation-Location"))
	require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
	a.requireOne()
	// Each fault of the validation costs one question, and the fourth comes two minutes after the first.
	usable := a.poll("/integrations/my-images", "status.phase", 4*time.Minute, "usable")
	require.Equal(t, "usable", usable.at("status.phase"), usable.Raw)
	a.requireOne()
	for _, f := range a.Cloud().Faults().List() {
		assert.Zero(t, *f.Times, "never asked: %s %s", f.Match.Method, f.Match.Path)
	}

	a.control(http.MethodPut, "/faults", []any{
		onGate("GET", platformIntegrations, cut), onGate("GET", "/drivers/byIntegration/", answered(503)),
		onGate("DELETE", "/drivers/[^/]+$", cut), onGate("DELETE", "/integrations/[^/]+$", done),
	})
	deleted := a.call(http.MethodDelete, "/integrations/my-images?purge=true", nil)
	operation = a.wait(deleted.Header.Get("Operation-Location"))
	require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
	assert.Equal(t, [2]int{0, 0}, a.onPlatform())
	assert.Equal(t, counts{}, a.made(before))
}
