package credential

import (
	"encoding/json"
	"strings"
)

// scanner goes through JSON that is known to be well-formed. encoding/json would read each value twice, and every name
// into a value of its own.
type scanner struct {
	text string
	at   int
}

// membersOf lists the members of a JSON object in their order, repeated ones too. The object is known to be
// well-formed.
func membersOf(object json.RawMessage) []member {
	s := &scanner{text: string(object)}
	var members []member
	for s.skip("{,"); s.hasValue(); s.skip("{,") {
		m := member{name: unquoted(s.value())}
		s.skip(":")
		value := s.value()
		m.raw, m.shape = json.RawMessage(value), shapeOf(json.RawMessage(value))
		if m.shape == "string" {
			m.value = unquoted(value)
		}
		members = append(members, m)
	}
	return members
}

// blanksOfJSON are the blanks that JSON has between its signs.
const blanksOfJSON = " \t\r\n"

// skip goes over blanks and one of the signs.
func (s *scanner) skip(signs string) {
	s.blanks()
	if s.at < len(s.text) && strings.IndexByte(signs, s.text[s.at]) >= 0 {
		s.at++
		s.blanks()
	}
}

// hasValue reports whether a name or value follows.
func (s *scanner) hasValue() bool { return s.at < len(s.text) && s.text[s.at] != '}' }

func (s *scanner) blanks() {
	for s.at < len(s.text) && strings.IndexByte(blanksOfJSON, s.text[s.at]) >= 0 {
		s.at++
	}
}

// value goes over a value, and returns it as it is written.
func (s *scanner) value() string {
	start, depth := s.at, 0
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case '"':
			s.string()
		case '{', '[':
			depth++
			s.at++
		case '}', ']':
			if depth == 0 { // of what holds the value
				return s.text[start:s.at]
			}
			depth--
			s.at++
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return s.text[start:s.at]
			}
			s.at++
			continue
		default: // of a number or a word
			s.at++
			continue
		}
		if depth == 0 {
			return s.text[start:s.at]
		}
	}
	return s.text[start:]
}

// string goes over a string.
func (s *scanner) string() {
	for s.at++; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return
		}
	}
}

// unquoted is what a JSON string holds.
func unquoted(literal string) string {
	if len(literal) > 1 && strings.IndexByte(literal, '\\') < 0 {
		return literal[1 : len(literal)-1]
	}
	var value string
	if json.Unmarshal([]byte(literal), &value) != nil {
		return ""
	}
	return value
}
