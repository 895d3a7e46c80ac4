package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ErrEnvelope means that a request body is not an invocation envelope.
var ErrEnvelope = errors.New("not an invocation envelope")

// Invocation is one decoded call of a queue or timer function.
type Invocation struct {
	// ID is the host's invocation id, a GUID; new for every attempt.
	ID       string
	Function string
	// Data holds the trigger's value under its binding name.
	Data map[string]Value
	// Metadata is what the host tells about the trigger; keys that it leaves out are absent.
	Metadata Metadata
}

// envelope is the body of POST /<FunctionName>. The host writes its two members in Pascal case.
type envelope struct {
	Data     map[string]Value `json:"Data"`
	Metadata Metadata         `json:"Metadata"`
}

// decode reads exactly one envelope. Members that are not known are left alone: newer hosts may send more.
func decode(body io.Reader) (envelope, error) {
	var e envelope
	d := json.NewDecoder(body)
	if err := d.Decode(&e); err != nil {
		return envelope{}, fmt.Errorf("%w: %w", ErrEnvelope, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return envelope{}, fmt.Errorf("%w: data after the JSON object", ErrEnvelope)
	}
	if e.Data == nil {
		return envelope{}, fmt.Errorf("%w: no member Data", ErrEnvelope)
	}
	return e, nil
}

// trigger returns the value of the only data binding.
func (i *Invocation) trigger() (Value, error) {
	if len(i.Data) != 1 {
		return nil, fmt.Errorf("%w: %d data bindings, want the trigger's alone", ErrEnvelope, len(i.Data))
	}
	for _, v := range i.Data {
		return v, nil
	}
	return nil, ErrEnvelope
}

// Value is one JSON value as the host encodes it: objects as they are; everything else as JSON inside a JSON string
// (encoded twice); byte arrays as base64 in a string. Once-encoded scalars and arrays are understood as well.
type Value json.RawMessage

// UnmarshalJSON keeps the raw value.
func (v *Value) UnmarshalJSON(raw []byte) error {
	*v = append((*v)[:0], raw...)
	return nil
}

// isString reports whether the value is a JSON string.
func (v Value) isString() bool { return len(v) > 0 && v[0] == '"' }

// text undoes one or two string encodings: `"\"a\""` and `"a"` are both a; a bare number is its digits.
func (v Value) text() (string, error) {
	if !v.isString() {
		return string(v), nil
	}
	var outer string
	if err := json.Unmarshal(v, &outer); err != nil {
		return "", fmt.Errorf("%w: %w", ErrEnvelope, err)
	}
	if inner := Value(bytes.TrimSpace([]byte(outer))); inner.isString() {
		var twice string
		if json.Unmarshal(inner, &twice) == nil {
			return twice, nil
		}
	}
	return outer, nil
}

// elements returns the values of an array, encoded once or twice; false if the value is no array.
func (v Value) elements() ([]Value, bool) {
	raw := []byte(v)
	if v.isString() {
		var inner string
		if json.Unmarshal(v, &inner) != nil {
			return nil, false
		}
		raw = []byte(inner)
	}
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] != '[' {
		return nil, false
	}
	var values []Value
	if json.Unmarshal(raw, &values) != nil {
		return nil, false
	}
	return values, true
}

// object returns the members of an object, encoded once or twice; false if the value is no object.
func (v Value) object() (map[string]any, bool) {
	raw := []byte(v)
	if v.isString() {
		text, err := v.text()
		if err != nil {
			return nil, false
		}
		raw = []byte(text)
	}
	var members map[string]any
	if json.Unmarshal(raw, &members) != nil || members == nil {
		return nil, false
	}
	return members, true
}
