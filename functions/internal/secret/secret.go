// Package secret holds the type in which tokens and keys travel through the app. It shows what it holds to nobody but
// a caller of Reveal.
package secret

import (
	"fmt"
	"log/slog"
)

// redacted is what every way of printing a secret shows.
const redacted = "[redacted]"

// Value is a token or key. Every verb of fmt, slog, JSON and text encoding print "[redacted]", and where fmt asks
// nobody, as with the unexported members of a struct, it finds an address: the text is behind a pointer. The zero
// value is empty. Values are not to be compared with ==.
type Value struct{ text *string }

// New returns the text as a secret.
func New(text string) Value {
	if text == "" {
		return Value{}
	}
	return Value{&text}
}

// Reveal returns the text itself, for sending it to whom it is meant for.
func (v Value) Reveal() string {
	if v.text == nil {
		return ""
	}
	return *v.text
}

// IsZero reports whether there is no secret; encoding/json asks it for omitzero.
func (v Value) IsZero() bool { return v.text == nil }

// String returns "[redacted]".
func (Value) String() string { return redacted }

// GoString returns "[redacted]".
func (Value) GoString() string { return redacted }

// Format prints "[redacted]" for every verb.
func (Value) Format(f fmt.State, _ rune) {
	// A Formatter has no way to report a failed write.
	_, _ = f.Write([]byte(redacted))
}

// LogValue returns "[redacted]".
func (Value) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns "[redacted]" as a JSON string.
func (Value) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText returns "[redacted]".
func (Value) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText takes the text as it is. encoding/json calls it for strings, and refuses every other type of value.
func (v *Value) UnmarshalText(text []byte) error {
	*v = New(string(text))
	return nil
}
