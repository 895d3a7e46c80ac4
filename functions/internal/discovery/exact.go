package discovery

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// oddity is a member that readers of JSON may take for another one, or take differently.
type oddity struct {
	name, why string
	// isFatal is true where what the document states depends on the reader, or is not stated under the exact name.
	isFatal bool
}

// errNoObject means that a document is not one JSON object.
var errNoObject = errors.New("not one JSON object")

// readExactly reads an object into the members of what into points to, by their exact names (RFC 8259, 8.3, compares
// names by code units), where encoding/json takes any case. It returns what is odd about those members. Of a member
// that stands twice the last one counts, as most readers have it. Others do not matter.
func readExactly(body []byte, into any) ([]oddity, error) {
	var known []string
	for f := range reflect.TypeOf(into).Elem().Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			known = append(known, name)
		}
	}
	members, odd, err := membersOf(body, known)
	if err != nil {
		return nil, err
	}
	exact, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	return odd, json.Unmarshal(exact, into)
}

// membersOf are the members with the known names.
func membersOf(body []byte, known []string) (map[string]json.RawMessage, []oddity, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, nil, errNoObject
	}
	members := map[string]json.RawMessage{}
	var odd []oddity
	var others []string
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err = errors.Join(err, d.Decode(&value)); err != nil {
			return nil, nil, err
		}
		key, _ := name.(string)
		if !slices.Contains(known, key) {
			others = append(others, key)
			continue
		}
		if _, isThere := members[key]; isThere {
			odd = append(odd, oddity{name: key, why: "it stands more than once", isFatal: true})
		}
		members[key] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, errNoObject
	}
	for _, other := range others {
		at := slices.IndexFunc(known, func(name string) bool { return strings.EqualFold(name, other) })
		if at < 0 {
			continue
		}
		_, isThere := members[known[at]]
		odd = append(odd, oddity{name: redact.Printable(other), isFatal: !isThere,
			why: "it is another member than " + known[at] + ", which is written so"})
	}
	return members, odd, nil
}

// UnmarshalJSON reads a key by the exact names of its members.
func (k *key) UnmarshalJSON(raw []byte) error {
	type plain key
	odd, err := readExactly(raw, (*plain)(k))
	k.odd = odd
	return err
}
