package world

import (
	"errors"
	"maps"
	"slices"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// ErrUnknownKind is returned for a kind that is not an array of the Snapshot.
var ErrUnknownKind = errors.New("world: unknown kind of object")

// Kinds returns the kinds that PutObject and DeleteObject take.
func Kinds() []string { return slices.Sorted(maps.Keys(New(nil).editors())) }

// editors are those of all parts. The lock is held.
func (w *World) editors() map[string]part.Editor {
	all := map[string]part.Editor{}
	for _, p := range w.parts() {
		maps.Copy(all, p.editors())
	}
	maps.Copy(all, w.RBAC.Editors())
	maps.Copy(all, w.Platform.Editors())
	return all
}

// PutObject adds or replaces, as drift made by hand, the object that the kind knows by this id. Errors:
// ErrUnknownKind, *strictjson.Error for a faulty body, ErrNotFound (parent), ErrExists, ErrUniqueNameTaken,
// ErrCredentialPairTaken.
func (w *World) PutObject(kind, id string, body []byte) error {
	w.Mu.Lock()
	defer w.Mu.Unlock()
	e, ok := w.editors()[kind]
	if !ok {
		return ErrUnknownKind
	}
	return e.Put(id, body)
}

// DeleteObject removes an object by hand. Applications and service principals go to the recycle bin, as they do when a
// person deletes them; deleting the entry of deletedItems purges them. Role assignments at a resource go with it.
// Errors: ErrUnknownKind, ErrNotFound.
func (w *World) DeleteObject(kind, id string) error {
	w.Mu.Lock()
	defer w.Mu.Unlock()
	e, ok := w.editors()[kind]
	if !ok {
		return ErrUnknownKind
	}
	resource := w.resourceOf(kind, id)
	if err := e.Remove(id); err != nil || resource == "" {
		return err
	}
	rbac.DropWithin(w.RBAC, resource)
	return nil
}

// resourceOf is the ARM id of what can have role assignments; empty for what has none, or is not there.
func (w *World) resourceOf(kind, id string) string {
	switch kind {
	case "storageAccounts":
		if a, ok := w.account(part.FullID(id)); ok {
			return a.head.ResourceID
		}
	case "resources":
		return part.FullID(id)
	case "userAssignedIdentities":
		return identityID(id)
	}
	return ""
}
