package ddoe

import (
	"fmt"
	"log/slog"
)

// redacted is what every way of printing a secret shows.
const redacted = "[redacted]"

// Secret is a key that shows itself to nobody but a caller of Reveal: every verb of fmt, slog, JSON and text encoding
// print "[redacted]". Two ways around it are Go's own: fmt does not ask the unexported members of a struct, and
// encoding/json does not ask the keys of a map; so keep it in neither of what may be printed.
type Secret string

// Reveal returns the key itself, for sending it to the platform.
func (s Secret) Reveal() string { return string(s) }

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (Secret) GoString() string { return redacted }

// Format prints "[redacted]" for every verb.
func (Secret) Format(f fmt.State, _ rune) {
	// A Formatter has no way to report a failed write.
	_, _ = f.Write([]byte(redacted))
}

// LogValue returns "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns "[redacted]" as a JSON string.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText returns "[redacted]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
