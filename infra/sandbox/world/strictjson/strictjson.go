// Package strictjson decodes JSON as the pretended services do: an unknown member is an error, names are compared with
// their case, nothing may follow the value, and an error names the faulty member.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Error is a fault of the document.
type Error struct {
	// Pointer is the faulty member's JSON pointer (RFC 6901); "" is the whole document.
	Pointer string
	// Member is the member's plain name, or "".
	Member string
	// Unknown is true where the member is not one of the type's.
	Unknown bool
	// Detail tells what is wrong, in words for a human.
	Detail string
}

func (e *Error) Error() string {
	if e.Pointer == "" {
		return e.Detail
	}
	return e.Pointer + ": " + e.Detail
}

// Decode decodes data into v, a non-nil pointer. Every error is an *Error.
func Decode(data []byte, v any) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return &Error{Detail: "the body is empty, JSON is expected"}
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	var raw any
	if err := decoder.Decode(&raw); err != nil {
		return &Error{Detail: "the body is not JSON: " + strings.TrimPrefix(err.Error(), "json: ")}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return &Error{Detail: "something follows the JSON value"}
	}
	if err := check(raw, reflect.TypeOf(v).Elem(), "", ""); err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return &Error{Detail: strings.TrimPrefix(err.Error(), "json: ")}
	}
	return nil
}

// check compares a decoded value with the Go type that is to hold it; it returns an *Error or nil.
func check(value any, t reflect.Type, pointer, member string) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if value == nil || t.Kind() == reflect.Interface || t == reflect.TypeFor[json.RawMessage]() {
		return nil
	}
	if t == reflect.TypeFor[time.Time]() {
		return checkTime(value, pointer, member)
	}
	switch t.Kind() {
	case reflect.Struct:
		return checkObject(value, pointer, member, fields(t))
	case reflect.Map:
		return checkObject(value, pointer, member, func(string) (reflect.Type, bool) { return t.Elem(), true })
	case reflect.Slice:
		return checkArray(value, t, pointer, member)
	case reflect.String:
		_, ok := value.(string)
		return expect(ok, "a string", value, pointer, member)
	case reflect.Bool:
		_, ok := value.(bool)
		return expect(ok, "true or false", value, pointer, member)
	default:
		n, ok := value.(float64)
		integer := t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64
		return expect(ok && (!integer || n == float64(int64(n))), "a whole number", value, pointer, member)
	}
}

func checkTime(value any, pointer, member string) error {
	s, _ := value.(string)
	_, err := time.Parse(time.RFC3339, s)
	return expect(err == nil, "a time like 2026-01-02T03:04:05Z", value, pointer, member)
}

func checkArray(value any, t reflect.Type, pointer, member string) error {
	if t.Elem().Kind() == reflect.Uint8 {
		_, ok := value.(string)
		return expect(ok, "base64 text", value, pointer, member)
	}
	items, ok := value.([]any)
	if !ok {
		return expect(false, "an array", value, pointer, member)
	}
	for i, item := range items {
		if err := check(item, t.Elem(), pointer+"/"+strconv.Itoa(i), member); err != nil {
			return err
		}
	}
	return nil
}

func checkObject(value any, pointer, member string, typeOf func(name string) (reflect.Type, bool)) error {
	object, ok := value.(map[string]any)
	if !ok {
		return expect(false, "an object", value, pointer, member)
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		at := pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
		t, known := typeOf(name)
		if !known {
			return &Error{Pointer: at, Member: name, Unknown: true, Detail: fmt.Sprintf("unknown member %q", name)}
		}
		if err := check(object[name], t, at, name); err != nil {
			return err
		}
	}
	return nil
}

// fields looks members up by their JSON names, those of embedded structs included.
func fields(t reflect.Type) func(string) (reflect.Type, bool) {
	byName := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case !f.IsExported() || name == "-" || f.Anonymous && name == "":
			continue
		case name == "":
			name = f.Name
		}
		byName[name] = f.Type
	}
	return func(name string) (reflect.Type, bool) {
		t, ok := byName[name]
		return t, ok
	}
}

func expect(ok bool, want string, got any, pointer, member string) error {
	if ok {
		return nil
	}
	return &Error{Pointer: pointer, Member: member, Detail: fmt.Sprintf("%s is expected, not %s", want, kindOf(got))}
}

func kindOf(v any) string {
	switch v := v.(type) {
	case string:
		return "a string"
	case float64:
		return "the number " + strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case []any:
		return "an array"
	default:
		return "an object"
	}
}
