package world

import (
	"encoding/json"
	"fmt"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/strictjson"
)

// Object is an object of the DDOE platform as it goes over the wire: its members are the platform's business.
type Object = map[string]any

// Kinds of platform objects.
const (
	DDOEOrganizations         = "organizations"
	DDOEProjects              = "projects"
	DDOEAvailableIntegrations = "availableIntegrations"
	DDOEIntegrations          = "integrations"
	DDOEDrivers               = "drivers"
	DDOECommands              = "commands" // work that the platform does in the background
	// whose API keys there are; "role" is the role in the organisation, "projectRole" the one in its projects
	DDOEUsers = "users"
)

func ddoeKinds() []string {
	return []string{DDOEOrganizations, DDOEProjects, DDOEAvailableIntegrations, DDOEIntegrations, DDOEDrivers,
		DDOECommands, DDOEUsers}
}

// DDOEKey is the member by which objects of a kind are known: "type" for available integrations, else "id".
func DDOEKey(kind string) string {
	if kind == DDOEAvailableIntegrations {
		return "type"
	}
	return "id"
}

// Platform is the DDOE platform: its objects by kind, and the names that it has for what it offers.
type Platform struct {
	*base

	names offerNames // survive Reset
	state platformState
}

// platformState has a table for each kind of ddoeKinds.
type platformState map[string]*table[Object]

func newPlatform(b *base) *Platform {
	p := &Platform{base: b, names: readableNames(), state: platformState{}}
	for _, kind := range ddoeKinds() {
		p.state[kind] = newTable[Object]()
	}
	return p
}

// DDOEObjects returns the platform's objects of a kind, oldest first.
func (p *Platform) DDOEObjects(kind string) []Object {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.objects(kind)
}

func (p *Platform) objects(kind string) []Object {
	rows, ok := p.state[kind]
	if !ok {
		return []Object{}
	}
	all := rows.all()
	for i := range all {
		all[i] = cloneObject(all[i])
	}
	return all
}

// DDOEObject returns one object of the platform.
func (p *Platform) DDOEObject(kind, id string) (Object, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	rows, ok := p.state[kind]
	if !ok {
		return nil, false
	}
	o, ok := rows.get(id)
	if !ok {
		return nil, false
	}
	return cloneObject(o), true
}

// PutDDOEObject adds or replaces an object of the platform under the value of its DDOEKey.
func (p *Platform) PutDDOEObject(kind string, o Object) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	rows, ok := p.state[kind]
	if !ok {
		return fmt.Errorf("world: unknown kind of platform object %q", kind)
	}
	id, _ := o[DDOEKey(kind)].(string)
	if id == "" {
		return fmt.Errorf("world: platform object of kind %s has no %s", kind, DDOEKey(kind))
	}
	if _, err := json.Marshal(o); err != nil {
		return fmt.Errorf("world: platform object is not JSON: %w", err)
	}
	rows.put(id, cloneObject(o))
	return nil
}

// DeleteDDOEObject removes an object of the platform; ErrNotFound if it is absent.
func (p *Platform) DeleteDDOEObject(kind, id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	rows, ok := p.state[kind]
	if !ok {
		return ErrNotFound
	}
	if _, ok := rows.get(id); !ok {
		return ErrNotFound
	}
	rows.delete(id)
	return nil
}

// ChangeDDOEObject is one atomic read-check-write: change sees the object (nil if absent) and all objects of its kind,
// and returns what is to be there (nil deletes it). An error of change leaves all as it was and is returned. change
// must not call the world.
func (p *Platform) ChangeDDOEObject(
	kind, id string, change func(current Object, all []Object) (Object, error),
) (Object, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rows, ok := p.state[kind]
	if !ok {
		return nil, fmt.Errorf("world: unknown kind of platform object %q", kind)
	}
	var current Object
	if o, found := rows.get(id); found {
		current = cloneObject(o)
	}
	next, err := change(current, p.objects(kind))
	if err != nil {
		return nil, err
	}
	if next == nil {
		rows.delete(id)
		return nil, nil
	}
	rows.put(id, cloneObject(next))
	return next, nil
}

func (p *Platform) addTo(s *Snapshot) {
	s.DDOE = DDOE{
		Organizations: p.objects(DDOEOrganizations), Projects: p.objects(DDOEProjects),
		AvailableIntegrations: p.objects(DDOEAvailableIntegrations),
		Integrations:          p.objects(DDOEIntegrations), Drivers: p.objects(DDOEDrivers),
		Commands: p.objects(DDOECommands), Users: p.objects(DDOEUsers),
	}
}

func (p *Platform) editors() map[string]editor {
	all := map[string]editor{}
	for _, kind := range ddoeKinds() {
		all["ddoe."+kind] = p.editorOf(kind)
	}
	return all
}

// editorOf edits the objects of one kind.
func (p *Platform) editorOf(kind string) editor {
	rows := p.state[kind]
	return editor{
		put: func(id string, body []byte) error {
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
			rows.put(id, o)
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
