package redact

import "strings"

// maxName is the most characters of a name from outside that are displayed.
const maxName = 64

// Name makes a name from outside, such as that of a JSON member or a part of a form, fit for display. A name that
// holds a secret is "[redacted]" as a whole: what is left of it would name nothing. A long one is cut.
func Name(name string) string {
	if Text(name) != name {
		return redacted
	}
	if runes := []rune(name); len(runes) > maxName {
		return Printable(string(runes[:maxName])) + "…"
	}
	return Printable(name)
}

// ofPointer escapes a name in a JSON pointer.
var ofPointer = strings.NewReplacer("~", "~0", "/", "~1")

// PointerTo appends a name from outside to a JSON pointer (RFC 6901). It is the only way in which a name becomes part
// of one: what Name does to it comes before ~ and / are escaped, for a secret that is escaped has another shape.
func PointerTo(base, name string) string {
	return base + "/" + ofPointer.Replace(Name(name))
}
