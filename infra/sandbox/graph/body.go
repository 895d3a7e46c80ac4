package graph

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"mime"
	"slices"
	"strings"
)

const maximumBody = 1 << 20

// property is how one member of a request body is taken: set stores it and reports whether the value was legal. A nil
// set marks a property that Graph has and the sandbox does not keep.
type property[T any] struct {
	set      func(value json.RawMessage, into *T) bool
	readOnly bool
}

// body reads a JSON object. Graph wants the content type, too.
func (c *call) body() (map[string]json.RawMessage, error) {
	unreadable := badSyntax("Unable to read JSON request payload. Please ensure Content-Type header is set and " +
		"payload is of valid JSON format.")
	mediaType, _, err := mime.ParseMediaType(c.request.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" {
		return nil, unreadable
	}
	data, err := io.ReadAll(io.LimitReader(c.request.Body, maximumBody))
	if err != nil {
		return nil, unreadable
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil || members == nil {
		return nil, unreadable
	}
	return members, nil
}

// apply merges the members into the object: what is not named keeps its value. resource is the type's name in errors.
func apply[T any](members map[string]json.RawMessage, properties map[string]property[T], resource string,
	into *T) error {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if strings.Contains(name, "@odata.") {
			continue
		}
		p, known := properties[name]
		switch {
		case !known:
			return badRequest("Invalid property '%s'.", name)
		case p.readOnly:
			return readOnly(name, resource)
		case p.set != nil && !p.set(members[name], into):
			return invalidValue(name, resource)
		}
	}
	return nil
}

// text takes a string of at most limit characters; null empties it.
func text[T any](limit int, field func(*T) *string) property[T] {
	return property[T]{set: func(value json.RawMessage, into *T) bool {
		var s *string
		if json.Unmarshal(value, &s) != nil {
			return false
		}
		if s == nil {
			*field(into) = ""
			return true
		}
		*field(into) = *s
		return len([]rune(*s)) <= limit
	}}
}

// texts takes an array of strings of at most limit characters each.
func texts[T any](limit int, field func(*T) *[]string) property[T] {
	return property[T]{set: func(value json.RawMessage, into *T) bool {
		list := []string{}
		if bytes.Equal(bytes.TrimSpace(value), []byte("null")) || json.Unmarshal(value, &list) != nil {
			return false
		}
		*field(into) = list
		return !slices.ContainsFunc(list, func(s string) bool { return len([]rune(s)) > limit })
	}}
}

func boolean[T any](field func(*T) *bool) property[T] {
	return property[T]{set: func(value json.RawMessage, into *T) bool {
		var b *bool
		if json.Unmarshal(value, &b) != nil || b == nil {
			return false
		}
		*field(into) = *b
		return true
	}}
}
