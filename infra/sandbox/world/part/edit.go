package part

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/strictjson"
)

// Errors of the typed reads and writes, and of edits by hand.
var (
	// ErrNotFound is returned for an object that does not exist, or is in the recycle bin.
	ErrNotFound = errors.New("world: object not found")
	// ErrExists is returned for a second object with a key that must be unique.
	ErrExists = errors.New("world: object exists already")
)

// Editor changes objects of one kind as a person would in a portal: Put replaces the whole object and fills what a
// service would fill, Remove deletes it. Both are called with the lock held.
type Editor struct {
	Put    func(id string, body []byte) error
	Remove func(id string) error
}

// Plain edits a kind that is nothing but a table.
func Plain[T any](rows *Table[T], idOf func(*T) *string) Editor {
	return Editor{
		Put: func(id string, body []byte) error {
			var v T
			if err := DecodeObject(body, &v, id, idOf(&v)); err != nil {
				return err
			}
			rows.Put(*idOf(&v), v)
			return nil
		},
		Remove: func(id string) error {
			if _, ok := rows.Get(id); !ok {
				return ErrNotFound
			}
			rows.Delete(id)
			return nil
		},
	}
}

// DecodeObject decodes a body whose own id, if given, must be the one of the path.
func DecodeObject(body []byte, v any, id string, own *string) error {
	if err := strictjson.Decode(body, v); err != nil {
		return err
	}
	if *own == "" {
		*own = id
	}
	if Key(*own) != Key(id) {
		return IDMismatch("id", id)
	}
	return nil
}

// IDMismatch refuses a member that names another object than the path does.
func IDMismatch(member, id string) error {
	return &strictjson.Error{Pointer: "/" + member, Member: member, Detail: fmt.Sprintf("the path names %q", id)}
}

// Required refuses an empty member.
func Required(member, value string) error {
	if value != "" {
		return nil
	}
	return &strictjson.Error{Pointer: "/" + member, Member: member, Detail: "is required"}
}

// FullID gives a resource id that lost its leading slash in a URL's path the slash back.
func FullID(id string) string {
	if strings.Contains(id, "/") {
		return "/" + strings.Trim(id, "/")
	}
	return id
}

// LastSegment is what follows the last slash of an id.
func LastSegment(id string) string { return id[strings.LastIndex(id, "/")+1:] }
