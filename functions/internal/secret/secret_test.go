package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

const planted = "planted-secret"

// holders keep a secret where it is printed by accident: open, hidden, behind a pointer, in lists and as a key.
func holders() map[string]any {
	v := secret.New(planted)
	return map[string]any{
		"alone":   v,
		"pointer": &v,
		"open":    struct{ Key secret.Value }{v},
		"hidden":  struct{ key secret.Value }{v},
		"nested":  &struct{ inner struct{ key secret.Value } }{struct{ key secret.Value }{v}},
		"list":    []secret.Value{v},
		"key":     map[secret.Value]int{v: 1},
		"value":   map[string]secret.Value{"k": v},
		"error":   fmt.Errorf("token %s: %w", v, errors.New("refused")),
	}
}

func TestShowsItselfToNobody(t *testing.T) {
	hexadecimal := fmt.Sprintf("%x", planted)
	for name, holder := range holders() {
		t.Run(name, func(t *testing.T) {
			var visible []string
			for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s", "%x", "%X", "%d", "%T", "%p"} {
				visible = append(visible, fmt.Sprintf(verb, holder))
			}
			body, err := json.Marshal(holder)
			require.NoError(t, err)
			var logged bytes.Buffer
			slog.New(slog.NewJSONHandler(&logged, nil)).Info("test", "holder", holder)
			slog.New(slog.NewTextHandler(&logged, nil)).Info("test", "holder", holder)
			for _, s := range append(visible, string(body), logged.String()) {
				assert.NotContains(t, s, "planted")
				assert.NotContains(t, s, hexadecimal)
			}
		})
	}
	v := secret.New(planted)
	text, err := v.MarshalText()
	require.NoError(t, err)
	for _, s := range []string{v.String(), v.GoString(), v.LogValue().String(), string(text), fmt.Sprint(v)} {
		assert.Equal(t, "[redacted]", s)
	}
	assert.Equal(t, planted, v.Reveal())
}

// TestASecretIsPrintedAsHidden, not as nothing, by everyone who asks it: whoever reads a log sees that one was there.
func TestASecretIsPrintedAsHidden(t *testing.T) {
	t.Parallel()
	v := secret.New(planted)
	for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s", "%x", "%d"} {
		assert.Equal(t, "[redacted]", fmt.Sprintf(verb, v), verb)
		assert.Equal(t, "[redacted]", fmt.Sprintf(verb, secret.Value{}), verb)
	}
	body, err := json.Marshal(map[string]any{"value": v, "list": []secret.Value{v}})
	require.NoError(t, err)
	assert.Equal(t, `{"list":["[redacted]"],"value":"[redacted]"}`, string(body))
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("test", "key", v)
	assert.Contains(t, logged.String(), "key=[redacted]")
}

func TestAnEmptyTextIsNoSecret(t *testing.T) {
	t.Parallel()
	assert.Equal(t, secret.Value{}, secret.New(""))
	assert.True(t, secret.Value{}.IsZero())
	assert.Empty(t, secret.Value{}.Reveal())
	assert.False(t, secret.New(" ").IsZero())
	v := secret.New(planted)
	require.NoError(t, v.UnmarshalText(nil))
	assert.True(t, v.IsZero(), "what was there is replaced")
}

func TestReadsWhatASenderGives(t *testing.T) {
	type options struct {
		Token secret.Value `json:"token,omitzero"`
	}
	for body, want := range map[string]string{`{"token":"abc"}`: "abc", `{"token":""}`: "", `{"token":null}`: "",
		`{}`: ""} {
		var o options
		require.NoError(t, json.Unmarshal([]byte(body), &o))
		assert.Equal(t, want, o.Token.Reveal())
		assert.Equal(t, want == "", o.Token.IsZero())
		assert.Equal(t, options{secret.New(want)}, o)
	}
	for _, body := range []string{`{"token":7}`, `{"token":{"a":"b"}}`, `{"token":["abc"]}`} {
		assert.Error(t, json.Unmarshal([]byte(body), new(options)))
	}
	empty, err := json.Marshal(options{})
	require.NoError(t, err)
	assert.JSONEq(t, `{}`, string(empty))
	full, err := json.Marshal(options{secret.New(planted)})
	require.NoError(t, err)
	assert.JSONEq(t, `{"token":"[redacted]"}`, string(full))
}
