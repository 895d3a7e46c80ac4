package strictjson

import (
	"encoding"
	"encoding/json"
	"errors"
	"iter"
	"reflect"
	"strconv"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// walker reads tokens beside the Go type that will take them, and notes what does not fit.
type walker struct {
	decoder  *json.Decoder
	findings []diagnosis.Finding
	// err is why the decoder went no further; the syntax is checked before, so there should be none.
	err error
}

func (w *walker) token() json.Token {
	token, err := w.decoder.Token()
	w.err = errors.Join(w.err, err)
	return token
}

func (w *walker) hasMore() bool { return w.err == nil && w.decoder.More() }

func (w *walker) note(f diagnosis.Finding) {
	if len(w.findings) < maxFindings {
		w.findings = append(w.findings, f)
	}
}

// value reads one value. A nil type takes anything, but repeated members are still noted. needed means that a null is
// no absent member.
func (w *walker) value(t reflect.Type, pointer string, needed bool) {
	token := w.token()
	t = element(t)
	want, got := wanted(t), kindOf(token)
	if want != "" && want != got && (got != "null" || needed) {
		w.note(diagnosis.Finding{Pointer: pointer, Code: CodeWrongType, Detail: "The value has the wrong type.",
			Expected: want, Actual: got})
		t = nil
	}
	if number, ok := token.(json.Number); ok && want == "number" && !isInRange(number, t) {
		w.note(diagnosis.Finding{Pointer: pointer, Code: CodeWrongType, Detail: "The value does not fit.",
			Expected: t.String()})
	}
	if want == "" {
		t = nil // takes anything, such as json.RawMessage
	}
	switch token {
	case json.Delim('{'):
		w.object(t, pointer)
	case json.Delim('['):
		w.array(t, pointer)
	}
}

func (w *walker) object(t reflect.Type, pointer string) {
	seen := map[string]bool{}
	for w.hasMore() {
		name, _ := w.token().(string) // the syntax is checked: a member name is a string
		at := redact.PointerTo(pointer, name)
		if seen[name] {
			w.note(diagnosis.Finding{Pointer: at, Code: CodeDuplicateMember,
				Detail: "The member is given more than once."})
		}
		seen[name] = true
		m := lookup(t, name)
		if !m.known {
			w.note(diagnosis.Finding{Pointer: at, Code: CodeUnknownMember, Detail: "There is no such member.",
				Expected: m.expected})
		}
		w.value(m.typ, at, false)
	}
	w.token() // the closing brace
}

func (w *walker) array(t reflect.Type, pointer string) {
	var item reflect.Type
	if t != nil {
		item = t.Elem()
	}
	for i := 0; w.hasMore(); i++ {
		w.value(item, pointer+"/"+strconv.Itoa(i), true)
	}
	w.token() // the closing bracket
}

// member is what a Go struct or map knows of a JSON member name.
type member struct {
	known    bool
	typ      reflect.Type // nil takes anything
	expected string       // for an unknown one, the name in its right case, or all names
}

func lookup(t reflect.Type, name string) member {
	switch {
	case t == nil:
		return member{known: true}
	case t.Kind() == reflect.Map:
		return member{known: true, typ: t.Elem()}
	}
	var names []string
	for f := range fields(t) {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == name {
			return member{known: true, typ: f.Type}
		}
		if f.Tag.Get("hidden") == "true" {
			continue // known, but not for others to send
		}
		if strings.EqualFold(tag, name) {
			return member{expected: tag}
		}
		names = append(names, tag)
	}
	return member{expected: "one of " + strings.Join(names, ", ")}
}

// fields yields the fields that JSON members can set: those with a name, which go vet lets no unexported one have.
func fields(t reflect.Type) iter.Seq[reflect.StructField] {
	return func(yield func(reflect.StructField) bool) {
		for f := range t.Fields() {
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if tag == "" || tag == "-" {
				continue
			}
			if !yield(f) {
				return
			}
		}
	}
}

// element strips pointers.
func element(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// wanted names the JSON type that a Go type takes; empty where it takes any.
func wanted(t reflect.Type) string {
	if t == nil {
		return ""
	}
	pointer := reflect.PointerTo(t)
	if pointer.Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return ""
	}
	if pointer.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return "string"
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "object"
	case reflect.Slice, reflect.Array:
		return "array"
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8,
		reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return "number"
	default:
		return ""
	}
}

// isInRange reports whether a Go type of numbers can hold the number, as encoding/json has it.
func isInRange(number json.Number, t reflect.Type) bool {
	return json.Unmarshal([]byte(number), reflect.New(t).Interface()) == nil
}

func kindOf(token json.Token) string {
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return "object"
		}
		return "array"
	case string:
		return "string"
	case json.Number:
		return "number"
	case bool:
		return "boolean"
	default:
		return "null"
	}
}
