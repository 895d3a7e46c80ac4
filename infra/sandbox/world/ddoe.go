package world

import (
	"encoding/json"
	"fmt"
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
	DDOEUsers                 = "users"    // whose API keys there are; "role" is the role in the organisation, "projectRole" the one in its projects
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

// DDOEObjects returns the platform's objects of a kind, oldest first.
func (w *World) DDOEObjects(kind string) []Object {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.ddoeObjects(kind)
}

func (w *World) ddoeObjects(kind string) []Object {
	rows, ok := w.state.ddoe[kind]
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
func (w *World) DDOEObject(kind, id string) (Object, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	rows, ok := w.state.ddoe[kind]
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
func (w *World) PutDDOEObject(kind string, o Object) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	rows, ok := w.state.ddoe[kind]
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
func (w *World) DeleteDDOEObject(kind, id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	rows, ok := w.state.ddoe[kind]
	if !ok {
		return ErrNotFound
	}
	if _, ok := rows.get(id); !ok {
		return ErrNotFound
	}
	rows.delete(id)
	return nil
}

// ChangeDDOEObject is one atomic read-check-write: change sees the object (nil if absent) and all objects of its kind, and
// returns what is to be there (nil deletes it). An error of change leaves all as it was and is returned. change must not
// call the world.
func (w *World) ChangeDDOEObject(kind, id string, change func(current Object, all []Object) (Object, error)) (Object, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	rows, ok := w.state.ddoe[kind]
	if !ok {
		return nil, fmt.Errorf("world: unknown kind of platform object %q", kind)
	}
	var current Object
	if o, found := rows.get(id); found {
		current = cloneObject(o)
	}
	next, err := change(current, w.ddoeObjects(kind))
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
