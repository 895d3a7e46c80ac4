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
	put    func(w *World, id string, body []byte) error
	remove func(w *World, id string) error
}

// Kinds returns the kinds that PutObject and DeleteObject take.
func Kinds() []string { return slices.Sorted(maps.Keys(editors())) }

// PutObject adds or replaces, as drift made by hand, the object that the kind knows by this id. Errors: ErrUnknownKind,
// *strictjson.Error for a faulty body, ErrNotFound (parent), ErrExists, ErrUniqueNameTaken, ErrCredentialPairTaken.
func (w *World) PutObject(kind, id string, body []byte) error {
	e, ok := editors()[kind]
	if !ok {
		return ErrUnknownKind
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return e.put(w, id, body)
}

// DeleteObject removes an object by hand. Applications and service principals go to the recycle bin, as they do when a
// person deletes them; deleting the entry of deletedItems purges them. Errors: ErrUnknownKind, ErrNotFound.
func (w *World) DeleteObject(kind, id string) error {
	e, ok := editors()[kind]
	if !ok {
		return ErrUnknownKind
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return e.remove(w, id)
}

func editors() map[string]editor {
	all := map[string]editor{
		"tenants": plain(func(s *state) *table[Tenant] { return s.tenants }, func(t *Tenant) *string { return &t.ID }),
		"subscriptions": plain(func(s *state) *table[Subscription] { return s.subscriptions },
			func(t *Subscription) *string { return &t.ID }),
		"resourceGroups": plain(func(s *state) *table[ResourceGroup] { return s.resourceGroups },
			func(t *ResourceGroup) *string { return &t.ID }),
		"resources":                    plain(func(s *state) *table[Resource] { return s.resources }, func(t *Resource) *string { return &t.ID }),
		"owners":                       plain(func(s *state) *table[Owners] { return s.owners }, func(t *Owners) *string { return &t.ID }),
		"appRoles":                     plain(func(s *state) *table[AppRoles] { return s.appRoles }, func(t *AppRoles) *string { return &t.ID }),
		"applications":                 {put: (*World).editApplication, remove: (*World).binApplication},
		"servicePrincipals":            {put: (*World).editPrincipal, remove: (*World).removePrincipal},
		"deletedItems":                 {put: (*World).editDeletedItem, remove: (*World).purge},
		"federatedIdentityCredentials": {put: (*World).editCredential, remove: (*World).removeCredential},
		"roleAssignments":              {put: (*World).editAssignment, remove: (*World).removeAssignment},
		"storageAccounts":              {put: (*World).editAccount, remove: (*World).removeAccount},
	}
	for _, kind := range ddoeKinds() {
		all["ddoe."+kind] = platformEditor(kind)
	}
	return all
}

// plain edits a kind that is nothing but a table.
func plain[T any](rows func(*state) *table[T], idOf func(*T) *string) editor {
	return editor{
		put: func(w *World, id string, body []byte) error {
			var v T
			if err := decodeObject(body, &v, id, idOf(&v)); err != nil {
				return err
			}
			rows(&w.state).put(*idOf(&v), v)
			return nil
		},
		remove: func(w *World, id string) error {
			if _, ok := rows(&w.state).get(id); !ok {
				return ErrNotFound
			}
			rows(&w.state).delete(id)
			return nil
		},
	}
}

func platformEditor(kind string) editor {
	return editor{
		put: func(w *World, id string, body []byte) error {
			var o Object
			if err := strictjson.Decode(body, &o); err != nil {
				return err
			}
			if o == nil {
				return &strictjson.Error{Detail: "an object is expected, not null"}
			}
			member := DDOEKey(kind)
			if own, given := o[member]; given && own != id {
				return idMismatch(member, id)
			}
			o[member] = id
			w.state.ddoe[kind].put(id, o)
			return nil
		},
		remove: func(w *World, id string) error {
			if _, ok := w.state.ddoe[kind].get(id); !ok {
				return ErrNotFound
			}
			w.state.ddoe[kind].delete(id)
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

func (w *World) editAccount(id string, body []byte) error {
	var a StorageAccount
	if err := strictjson.Decode(body, &a); err != nil {
		return err
	}
	id = fullID(id)
	old, exists := w.account(id)
	switch {
	case a.ResourceID != "":
	case exists:
		a.ResourceID = old.head.ResourceID
	case strings.Contains(id, "/"):
		a.ResourceID = id
	default:
		a.ResourceID = DataResourceGroupID + "/providers/Microsoft.Storage/storageAccounts/" + id
	}
	if a.Name == "" {
		a.Name = LastSegment(a.ResourceID)
	}
	if key(id) != key(a.Name) && key(id) != key(a.ResourceID) {
		return idMismatch("name", id)
	}
	if !strings.EqualFold(LastSegment(a.ResourceID), a.Name) {
		return &strictjson.Error{Pointer: "/resourceId", Member: "resourceId", Detail: "does not end in the account's name"}
	}
	if other, taken := w.account(a.Name); taken && key(other.head.ResourceID) != key(a.ResourceID) {
		return ErrExists
	}
	if a.Location == "" {
		a.Location = Location
	}
	w.putAccount(a)
	return nil
}

func (w *World) removeAccount(id string) error {
	a, ok := w.account(fullID(id))
	if !ok {
		return ErrNotFound
	}
	delete(w.state.accountByName, key(a.head.Name))
	w.state.accounts.delete(a.head.ResourceID)
	return nil
}

// fullID gives a resource id that lost its leading slash in a URL's path the slash back.
func fullID(id string) string {
	if strings.Contains(id, "/") {
		return "/" + strings.Trim(id, "/")
	}
	return id
}
