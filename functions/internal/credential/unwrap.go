package credential

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
)

// The ways in which a whole JSON text is put into another text.
const (
	inBase64 = "base64"
	inString = "a JSON string"
)

// encodings are the alphabets of base64 (RFC 4648, sections 4 and 5), without the padding.
var encodings = []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding}

// fromBase64 returns the JSON text that a text is the base64 of, or the base64 of one, with or without line breaks and
// padding; nil where it is none. A JSON text that is broken counts, so that the place is told; a word that decodes to
// a brace does not.
func fromBase64(text string) []byte {
	if strings.ContainsAny(text, "{:.\"") {
		return nil // at once, as it is of no alphabet
	}
	packed := strings.TrimRight(strings.Join(strings.Fields(text), ""), "=")
	for _, encoding := range encodings {
		raw, err := encoding.DecodeString(packed)
		if err != nil || len(raw) == 0 {
			continue
		}
		if isJSONStart(string(raw)) && bytes.Contains(raw, []byte(`"`)) || fromBase64(string(raw)) != nil {
			return raw
		}
	}
	return nil
}

// inside returns the JSON text that a text holds whole, and what it is put into; nil where it holds none.
func inside(text string) ([]byte, string) {
	if inner := fromBase64(text); inner != nil {
		return inner, inBase64
	}
	var held string
	if strings.HasPrefix(strings.TrimLeft(text, blanksOfJSON), `"`) && json.Unmarshal([]byte(text), &held) == nil {
		if inner := fromString(held); inner != nil {
			return inner, inString
		}
	}
	return nil, ""
}

// fromString returns the JSON text, or the base64 of one, that a JSON string holds; nil where it holds none.
func fromString(value string) []byte {
	if isJSONStart(value) || fromBase64(value) != nil {
		return []byte(value)
	}
	return nil
}

// shortestFile is less than any object with most of the five members.
const shortestFile = 40

// fileIn returns the credential file that a value holds whole, and what it is put into; nil where it holds none.
func fileIn(value string) (json.RawMessage, string) {
	if len(value) < shortestFile {
		return nil, ""
	}
	if !strings.Contains(value, ":") {
		inner, _ := fileIn(string(fromBase64(value)))
		return inner, inBase64
	}
	var object json.RawMessage
	var held string
	switch {
	case !isJSONStart(value), json.Unmarshal([]byte(value), &object) != nil:
		return nil, ""
	case isLikely(object):
		return object, inString
	case json.Unmarshal(object, &held) == nil:
		inner, _ := fileIn(held)
		return inner, inString
	}
	return nil, ""
}

// secretOf tells what secret a value is; empty where it is none. A credential file is none, but for what it holds.
func secretOf(value string) string {
	file, _ := fileIn(value)
	if file == nil {
		return field.Secret(value)
	}
	for _, m := range membersOf(file) {
		if what := field.Secret(m.value); what != "" {
			return what
		}
		if meant(m.name) == "" && len(hidden(m)) > 0 {
			return "The value is a credential file that holds a secret."
		}
	}
	return ""
}

// isJSONStart reports whether a text begins as JSON does that holds members, or is a string that may hold them.
func isJSONStart(text string) bool {
	text = strings.TrimLeft(strings.TrimPrefix(text, "\ufeff"), " \t\r\n")
	return utf8.ValidString(text) && text != "" && strings.IndexByte(`{["`, text[0]) >= 0
}

// unwrap reads what is inside instead, as often as something is: each layer is shorter than the one around it. What
// the bytes of the file are stays told.
func (r *reading) unwrap(inner []byte, layer string) {
	outer := *r
	*r = *read(inner)
	r.utf16, r.marked = outer.utf16 || r.utf16, outer.marked || r.marked
	r.misread = cmp.Or(outer.misread, r.misread)
	r.layers = append([]string{layer}, r.layers...)
}
