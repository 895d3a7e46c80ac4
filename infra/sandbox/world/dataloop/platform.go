// Package dataloop is the DDOE platform's part of the world: its objects by kind, and what it offers.
package dataloop

import (
	"encoding/json"
	"fmt"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/strictjson"
)

// Object is an object of the DDOE platform as it goes over the wire: its members are the platform's business.
type Object = map[string]any

// Kinds of platform objects.
const (
	Organizations         = "organizations"
	Projects              = "projects"
	AvailableIntegrations = "availableIntegrations"
	Integrations          = "integrations"
	Drivers               = "drivers"
	Commands              = "commands" // work that the platform does in the background
	// whose API keys there are; "role" is the role in the organisation, "projectRole" the one in its projects
	Users = "users"
)

// Kinds are the kinds of objects that the platform has.
func Kinds() []string {
	return []string{Organizations, Projects, AvailableIntegrations, Integrations, Drivers,
		Commands, Users}
}

// Key is the member by which objects of a kind are known: "type" for available integrations, else "id".
func Key(kind string) string {
	if kind == AvailableIntegrations {
		return "type"
	}
	return "id"
}

// Platform is the DDOE platform: its objects by kind, and the names that it has for what it offers.
type Platform struct {
	*part.Base

	names offerNames // survive a reset
	state platformState
}

// platformState has a table for each kind of Kinds.
type platformState map[string]*part.Table[Object]

// NewPlatform returns the part of a world without objects.
func NewPlatform(b *part.Base) *Platform {
	p := &Platform{Base: b, names: readableNames(), state: platformState{}}
	for _, kind := range Kinds() {
		p.state[kind] = part.NewTable[Object]()
	}
	return p
}

// DDOEObjects returns the platform's objects of a kind, oldest first.
func (p *Platform) DDOEObjects(kind string) []Object {
	p.Mu.RLock()
	defer p.Mu.RUnlock()
	return p.objects(kind)
}

func (p *Platform) objects(kind string) []Object {
	rows, ok := p.state[kind]
	if !ok {
		return []Object{}
	}
	all := rows.All()
	for i := range all {
		all[i] = cloneObject(all[i])
	}
	return all
}

// DDOEObject returns one object of the platform.
func (p *Platform) DDOEObject(kind, id string) (Object, bool) {
	p.Mu.RLock()
	defer p.Mu.RUnlock()
	rows, ok := p.state[kind]
	if !ok {
		return nil, false
	}
	o, ok := rows.Get(id)
	if !ok {
		return nil, false
	}
	return cloneObject(o), true
}

// PutDDOEObject adds or replaces an object of the platform under the value of its Key.
func (p *Platform) PutDDOEObject(kind string, o Object) error {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	rows, ok := p.state[kind]
	if !ok {
		return fmt.Errorf("world: unknown kind of platform object %q", kind)
	}
	id, _ := o[Key(kind)].(string)
	if id == "" {
		return fmt.Errorf("world: platform object of kind %s has no %s", kind, Key(kind))
	}
	if _, err := json.Marshal(o); err != nil {
		return fmt.Errorf("world: platform object is not JSON: %w", err)
	}
	rows.Put(id, cloneObject(o))
	return nil
}

// DeleteDDOEObject removes an object of the platform; part.ErrNotFound if it is absent.
func (p *Platform) DeleteDDOEObject(kind, id string) error {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	rows, ok := p.state[kind]
	if !ok {
		return part.ErrNotFound
	}
	if _, ok := rows.Get(id); !ok {
		return part.ErrNotFound
	}
	rows.Delete(id)
	return nil
}

// ChangeDDOEObject is one atomic read-check-write: change sees the object (nil if absent) and all objects of its kind,
// and returns what is to be there (nil deletes it). An error of change leaves all as it was and is returned. change
// must not call the world.
func (p *Platform) ChangeDDOEObject(
	kind, id string, change func(current Object, all []Object) (Object, error),
) (Object, error) {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	rows, ok := p.state[kind]
	if !ok {
		return nil, fmt.Errorf("world: unknown kind of platform object %q", kind)
	}
	var current Object
	if o, found := rows.Get(id); found {
		current = cloneObject(o)
	}
	next, err := change(current, p.objects(kind))
	if err != nil {
		return nil, err
	}
	if next == nil {
		rows.Delete(id)
		return nil, nil
	}
	rows.Put(id, cloneObject(next))
	return next, nil
}

// ReplaceBy takes over what the other one holds, its names included. The lock is held.
func (p *Platform) ReplaceBy(fresh *Platform) { p.state, p.names = fresh.state, fresh.names }

// KeepNames calls what the platform offers as the other one does. The lock is held.
func (p *Platform) KeepNames(of *Platform) { p.names = of.names }

// Snapshot returns copies of all objects. The lock is held.
func (p *Platform) Snapshot() Snapshot {
	return Snapshot{
		Organizations: p.objects(Organizations), Projects: p.objects(Projects),
		AvailableIntegrations: p.objects(AvailableIntegrations),
		Integrations:          p.objects(Integrations), Drivers: p.objects(Drivers),
		Commands: p.objects(Commands), Users: p.objects(Users),
	}
}

// Editors change the objects by hand, by the names of the kinds. The lock is held.
func (p *Platform) Editors() map[string]part.Editor {
	all := map[string]part.Editor{}
	for _, kind := range Kinds() {
		all["ddoe."+kind] = p.editorOf(kind)
	}
	return all
}

// editorOf edits the objects of one kind.
func (p *Platform) editorOf(kind string) part.Editor {
	rows := p.state[kind]
	return part.Editor{
		Put: func(id string, body []byte) error {
			var o Object
			if err := strictjson.Decode(body, &o); err != nil {
				return err
			}
			if o == nil {
				return &strictjson.Error{Detail: "an object is expected, not null"}
			}
			member := Key(kind)
			if own, given := o[member]; given && own != id {
				return part.IDMismatch(member, id)
			}
			o[member] = id
			rows.Put(id, o)
			return nil
		},
		Remove: func(id string) error {
			if _, ok := rows.Get(id); !ok {
				return part.ErrNotFound
			}
			rows.Delete(id)
			return nil
		},
	}
}

// cloneObject copies all that JSON can hold; other values are shared, and never stored (see PutDDOEObject).
func cloneObject(o Object) Object {
	out := make(Object, len(o))
	for k, v := range o {
		out[k] = cloneValue(v)
	}
	return out
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case Object:
		return cloneObject(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = cloneValue(v[i])
		}
		return out
	}
	return v
}
