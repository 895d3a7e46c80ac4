package world

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/strictjson"
)

// ErrUnknownKind is returned for a kind that is not an array of the Snapshot.
var ErrUnknownKind = errors.New("world: unknown kind of object")

// editor changes objects of one kind as a person would in a portal: put replaces the whole object and fills what a
// service would fill, remove deletes it. Both are called with the lock held.
type editor struct {
	put    func(id string, body []byte) error
	remove func(id string) error
}

// Kinds returns the kinds that PutObject and DeleteObject take.
func Kinds() []string { return slices.Sorted(maps.Keys(New(nil).editors())) }

// editors are those of all parts. The lock is held.
func (w *World) editors() map[string]editor {
	all := map[string]editor{}
	for _, p := range w.parts() {
		maps.Copy(all, p.editors())
	}
	return all
}

// PutObject adds or replaces, as drift made by hand, the object that the kind knows by this id. Errors:
// ErrUnknownKind, *strictjson.Error for a faulty body, ErrNotFound (parent), ErrExists, ErrUniqueNameTaken,
// ErrCredentialPairTaken.
func (w *World) PutObject(kind, id string, body []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	e, ok := w.editors()[kind]
	if !ok {
		return ErrUnknownKind
	}
	return e.put(id, body)
}

// DeleteObject removes an object by hand. Applications and service principals go to the recycle bin, as they do when a
// person deletes them; deleting the entry of deletedItems purges them. Errors: ErrUnknownKind, ErrNotFound.
func (w *World) DeleteObject(kind, id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	e, ok := w.editors()[kind]
	if !ok {
		return ErrUnknownKind
	}
	return e.remove(id)
}

// plain edits a kind that is nothing but a table.
func plain[T any](rows *table[T], idOf func(*T) *string) editor {
	return editor{
		put: func(id string, body []byte) error {
			var v T
			if err := decodeObject(body, &v, id, idOf(&v)); err != nil {
				return err
			}
			rows.put(*idOf(&v), v)
			return nil
		},
		remove: func(id string) error {
			if _, ok := rows.get(id); !ok {
				return ErrNotFound
			}
			rows.delete(id)
			return nil
		},
	}
}

// decodeObject decodes a body whose own id, if given, must be the one of the path.
func decodeObject(body []byte, v any, id string, own *string) error {
	if err := strictjson.Decode(body, v); err != nil {
		return err
	}
	if *own == "" {
		*own = id
	}
	if key(*own) != key(id) {
		return idMismatch("id", id)
	}
	return nil
}

func idMismatch(member, id string) error {
	return &strictjson.Error{Pointer: "/" + member, Member: member, Detail: fmt.Sprintf("the path names %q", id)}
}

func required(member, value string) error {
	if value != "" {
		return nil
	}
	return &strictjson.Error{Pointer: "/" + member, Member: member, Detail: "is required"}
}

// fullID gives a resource id that lost its leading slash in a URL's path the slash back.
func fullID(id string) string {
	if strings.Contains(id, "/") {
		return "/" + strings.Trim(id, "/")
	}
	return id
}
