package story

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPlatformOptionsDrift: options cannot be read back, yet when the operator's setting or the type changes what the
// spec comes to, drift states so without a value, and the same PUT sends the options again.
func TestPlatformOptionsDrift(t *testing.T) {
	t.Parallel()
	a := start(t)
	offered := a.offered()
	kept, _ := at(offered, "options").([]any)
	notes := at(kept[len(kept)-1], "name").(string) // not required, and nobody knows what it is for
	a.requireMade(a.put(a.wired()))
	made := a.control(http.MethodGet, "/world", nil).at("ddoe.integrations.0.id")
	container, first, second := madeUp(), "note-"+madeUp(), "note-"+madeUp()
	a.planted = append(a.planted, first, second)
	for _, step := range []struct {
		what         string
		change       func()
		option, want string
	}{
		{"the setting names an option", func() {
			require.NoError(t, a.Restart(t.Context(), optionMap(t, map[string]string{notes: "=" + first})))
		}, notes, first},
		{"the setting has another value", func() {
			require.NoError(t, a.Restart(t.Context(), optionMap(t, map[string]string{notes: "=" + second})))
		}, notes, second},
		{"the type takes the container, too", func() { a.offer(withOption(offered, container, "Container name")) },
			container, "images"},
	} {
		drift := a.call(http.MethodGet, "/integrations/my-images/drift", nil)
		require.Equal(t, "pass", drift.at("verdict"), "before %s: %s", step.what, drift.Raw)
		step.change()
		drift = a.call(http.MethodGet, "/integrations/my-images/drift", nil)
		assert.Equal(t, "fail", drift.at("verdict"), "%s: %s", step.what, drift.Raw)
		assert.Equal(t, []any{"ddoe-options-changed"}, codes(drift), step.what)
		a.requireMade(a.put(a.wired()))
		is := a.control(http.MethodGet, "/world", nil)
		assert.Equal(t, step.want, is.at("ddoe.integrations.0.options."+step.option), step.what)
		assert.Equal(t, made, is.at("ddoe.integrations.0.id"), "it is the same one")
	}
	drift := a.call(http.MethodGet, "/integrations/my-images/drift", nil)
	assert.Equal(t, "pass", drift.at("verdict"), drift.Raw)
	a.optionsAreUntold()
}
