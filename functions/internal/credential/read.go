package credential

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// The members of the file.
const (
	memberClientID = "clientId"
	memberTenantID = "tenantId"
	memberIssuer   = "federatedTokenIssuer"
	memberSubject  = "subject"
	memberAudience = "audience"
)

// memberNames are the five, and plainNames the same as squeeze leaves them.
var (
	memberNames = [...]string{memberClientID, memberTenantID, memberIssuer, memberSubject, memberAudience}
	plainNames  = [...]string{"clientid", "tenantid", "federatedtokenissuer", "subject", "audience"}
)

// reading is what a file turned out to be. It is filled as far as the file can be read.
type reading struct {
	raw []byte
	// binary tells what a file is that is no text.
	binary string
	// text is the file in UTF-8, without byte order mark.
	text   string
	utf16  bool
	marked bool
	// layers are the encodings that the JSON was taken out of, the outermost first. Text and places are those of the
	// innermost.
	layers []string
	// misread tells of the first byte that is not UTF-8.
	misread string
	// format tells what a file is that holds the members in another format than JSON.
	format string
	// beside is what stands around the JSON in a text that is more.
	beside string
	// kind tells what a well-known file of another kind is.
	kind string
	// syntax is the index in text where JSON ends, or -1.
	syntax int
	// trailing is the index in text of what follows the JSON value, or -1.
	trailing int
	// shape is the JSON type of the value.
	shape string
	// base is the JSON pointer to the object that holds the members.
	base    string
	members []member
	// heldIn is what a member's value is that the object was taken out of; empty where it is an object itself.
	heldIn string
	// exchanged are the members whose values stand in one another's place, nil until somebody asks.
	exchanged []exchange
	// around are the members beside a wrapped object.
	around []member
}

// member is one member of the object.
type member struct {
	name, pointer string
	// stands is the name of the file's member that this one is, or plainly means; else empty.
	stands string
	// close is the name of the file's member that this one could have been meant to be, though that is there too.
	close string
	raw   json.RawMessage
	shape string
	// value is the string, where the shape is one.
	value string
	// hides are the secrets in a member that is none of the five.
	hides []fault
}

// value returns the first value of a member of the file, empty where there is none.
func (r *reading) value(name string) string {
	for _, m := range r.members {
		if m.stands == name && m.shape == "string" {
			return m.value
		}
	}
	return ""
}

// read reads as much of the file as there is to read. Of one that is no text, or too large, it reads a text in which
// secrets are looked for, and nothing else.
func read(raw []byte) *reading {
	r := &reading{raw: raw, syntax: -1, trailing: -1}
	r.binary = binaryKind(raw)
	r.decode(raw[:min(len(raw), MaxSize)])
	if r.binary != "" || len(raw) > MaxSize || strings.TrimSpace(r.text) == "" {
		return r
	}
	if inner, layer := inside(r.text); inner != nil {
		r.unwrap(inner, layer)
		return r
	}
	decoder := json.NewDecoder(strings.NewReader(r.text))
	var value json.RawMessage
	err := decoder.Decode(&value)
	rest := r.text[decoder.InputOffset():]
	isWhole := err == nil && strings.TrimSpace(rest) == ""
	if !isWhole {
		r.readOtherwise()
		if len(r.layers) > 0 || r.format != "" || r.kind != "" {
			return r
		}
	}
	if err != nil {
		r.syntax = syntaxAt(r.text, err)
		return r
	}
	if !isWhole {
		r.trailing = len(r.text) - len(strings.TrimLeft(rest, " \t\r\n"))
	}
	r.object(value)
	return r
}

// readOtherwise reads a text that is not one JSON value as what else it may be: JSON within more, the values in
// another
// format, or a file of another kind.
func (r *reading) readOtherwise() {
	found := fromLines(r.text)
	if found == nil {
		found = fromText(r.text)
	}
	if found != nil {
		r.unwrap(found.inner, found.layer)
		r.beside = found.beside
		return
	}
	if p := pairsOf(r.text); p != nil {
		r.object(p.object())
		r.kind, r.format = "", p.format
		return
	}
	r.kind = textKind(r.text)
}

// syntaxAt returns the index of the character at which the text stops being JSON, for the decoder's error.
func syntaxAt(text string, err error) int {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return len(text)
	}
	var fault *json.SyntaxError
	if !errors.As(err, &fault) {
		return 0
	}
	return max(0, min(int(fault.Offset)-1, len(text)))
}

// object takes the object that holds the members out of whatever is around it.
func (r *reading) object(value json.RawMessage) {
	r.shape = shapeOf(value)
	if r.shape == "array" {
		var items []json.RawMessage
		if json.Unmarshal(value, &items) == nil && len(items) == 1 && isLikely(items[0]) {
			r.base, value = "/0", items[0]
		}
	}
	if shapeOf(value) != "object" {
		return
	}
	members := membersOf(value)
	if !hasMostMembers(members) {
		members = r.held(members)
	}
	r.shape = "object"
	r.members = assign(members, r.base)
	r.kind = objectKind(r.members)
}

// held are the members of the object that is the value of one of the members, and these where there is none.
func (r *reading) held(members []member) []member {
	for i, m := range members {
		inner, layer := m.raw, ""
		if m.shape == "string" {
			inner, layer = fileIn(m.value)
		}
		if !isLikely(inner) {
			continue
		}
		r.heldIn = layer
		r.around = slices.Delete(slices.Clone(members), i, i+1)
		for j := range r.around {
			r.around[j].pointer = redact.PointerTo(r.base, r.around[j].name)
			r.around[j].hides = hidden(r.around[j])
		}
		r.base = redact.PointerTo(r.base, m.name)
		return membersOf(inner)
	}
	return members
}

// isLikely reports whether a value is an object with most of the five members.
func isLikely(value json.RawMessage) bool {
	return shapeOf(value) == "object" && hasMostMembers(membersOf(value))
}

// hasMostMembers reports whether members stand for most of the five.
func hasMostMembers(members []member) bool {
	found := map[string]bool{}
	for _, m := range members {
		if name := meant(m.name); name != "" {
			found[name] = true
		}
		if len(found) >= 3 {
			return true
		}
	}
	return false
}

// assign finds out which member of the file each member is, or plainly means.
func assign(members []member, base string) []member {
	taken := map[string]bool{}
	for i := range members {
		m := &members[i]
		m.pointer = redact.PointerTo(base, m.name)
		if slices.Contains(memberNames[:], m.name) {
			m.stands = m.name
			taken[m.name] = true
		}
	}
	for i := range members {
		m, name := &members[i], ""
		if m.stands == "" {
			name = meant(m.name)
		}
		switch {
		case m.stands != "" || name == "":
		case taken[name]:
			m.close = name
		default:
			m.stands = name
			taken[name] = true
		}
		if m.stands == "" || m.shape != "string" {
			m.hides = hidden(*m)
		}
	}
	return members
}

func shapeOf(value json.RawMessage) string {
	trimmed := bytes.TrimLeft(value, " \t\r\n")
	if len(trimmed) == 0 {
		return "nothing"
	}
	switch trimmed[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	default:
		return "number"
	}
}
