package world

import (
	"fmt"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/condition"
)

// RoleAssignmentExistsError tells that principal, role and scope are assigned already, under another name.
type RoleAssignmentExistsError struct {
	// ExistingID is the full ARM id of the assignment that is there.
	ExistingID string
}

func (e *RoleAssignmentExistsError) Error() string {
	return fmt.Sprintf("world: role assignment exists as %s", e.ExistingID)
}

// RoleAssignmentConflictError tells that the name is in use for another principal, role or scope.
type RoleAssignmentConflictError struct {
	// ExistingID is the full ARM id of the assignment that holds the name.
	ExistingID string
	// OtherScope is true where the name is held at another scope: names are unique in the whole tenant.
	OtherScope bool
}

func (e *RoleAssignmentConflictError) Error() string {
	return fmt.Sprintf("world: role assignment name is held by %s", e.ExistingID)
}

// RBAC is Azure's role-based access control: custom role definitions, role assignments, and what they allow.
type RBAC struct {
	*base

	state rbacState
}

type rbacState struct {
	roles       *table[RoleDefinition] // custom ones, by GUID
	assignments *table[RoleAssignment]
	denies      *table[DenyAssignment]
	locks       *table[Lock]
	byName      map[string]string          // lower name → full id
	byPrincipal map[string]map[string]bool // lower principal id → keys of its assignments
}

func newRBAC(b *base) *RBAC {
	return &RBAC{base: b, state: rbacState{roles: newTable[RoleDefinition](), assignments: newTable[RoleAssignment](),
		denies: newTable[DenyAssignment](), locks: newTable[Lock](),
		byName: map[string]string{}, byPrincipal: map[string]map[string]bool{}}}
}

// RoleAssignments returns all role assignments, oldest first.
func (r *RBAC) RoleAssignments() []RoleAssignment {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.state.assignments.all()
}

// RoleAssignment returns a role assignment by its full ARM id.
func (r *RBAC) RoleAssignment(id string) (RoleAssignment, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.state.assignments.get(id)
}

// PutRoleAssignment creates the assignment ra.Name at ra.Scope, or changes the description and condition of an equal
// one; created tells which. It does not ask whether principal, role and scope exist. Errors:
// *RoleAssignmentExistsError, *RoleAssignmentConflictError.
func (r *RBAC) PutRoleAssignment(ra RoleAssignment) (stored RoleAssignment, created bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ra.ID = RoleAssignmentID(ra.Scope, ra.Name)
	if old, held := r.assignmentByName(ra.Name); held {
		switch {
		case key(old.Scope) != key(ra.Scope):
			return RoleAssignment{}, false, &RoleAssignmentConflictError{ExistingID: old.ID, OtherScope: true}
		case !old.sameGrant(ra):
			return RoleAssignment{}, false, &RoleAssignmentConflictError{ExistingID: old.ID}
		}
		old.Description, old.Condition, old.ConditionVersion = ra.Description, ra.Condition, ra.ConditionVersion
		r.putAssignment(old)
		return old, false, nil
	}
	for id := range r.state.byPrincipal[key(ra.PrincipalID)] {
		if old, ok := r.state.assignments.get(id); ok && old.sameGrant(ra) {
			return RoleAssignment{}, false, &RoleAssignmentExistsError{ExistingID: old.ID}
		}
	}
	ra.CreatedOn = r.Now()
	r.putAssignment(ra)
	return ra, true, nil
}

// DeleteRoleAssignment removes an assignment by its full ARM id and returns what it was; ErrNotFound if absent.
func (r *RBAC) DeleteRoleAssignment(id string) (RoleAssignment, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ra, ok := r.state.assignments.get(id)
	if !ok {
		return RoleAssignment{}, ErrNotFound
	}
	r.deleteAssignment(ra)
	return ra, nil
}

func (r *RBAC) deleteAssignment(ra RoleAssignment) {
	r.state.assignments.delete(ra.ID)
	delete(r.state.byName, key(ra.Name))
	delete(r.state.byPrincipal[key(ra.PrincipalID)], key(ra.ID))
}

// Allowed tells whether the principal may do the action (a data action, or one of the control plane) at the scope now.
// Assignments at the scope and above it count, once they are Timing.RBACMS old. Conditions are not evaluated: whether
// they are fulfilled, AllowedUnder tells of an action of the control plane.
func (r *RBAC) Allowed(principalID, action, scope string, dataAction bool) bool {
	return r.allowed(principalID, action, scope, dataAction, func(RoleAssignment) bool { return true })
}

// AllowedUnder tells the same of an action of the control plane whose request and resource have these attributes, the
// conditions of the assignments evaluated. A condition that the sandbox does not understand is not fulfilled.
func (r *RBAC) AllowedUnder(principalID, action, scope string, request, resource condition.Attributes) bool {
	access := condition.Access{Action: action, Request: request, Resource: resource}
	return r.allowed(principalID, action, scope, false, func(ra RoleAssignment) bool {
		if ra.Condition == "" {
			return true
		}
		c, err := condition.Parse(ra.Condition)
		return err == nil && c.Fulfilled(access)
	})
}

func (r *RBAC) allowed(
	principalID, action, scope string, dataAction bool, fulfilled func(RoleAssignment) bool,
) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if _, denied := r.deniedBy(principalID, action, scope, dataAction); denied {
		return false
	}
	return r.granted(principalID, action, scope, dataAction, fulfilled)
}

// Granted tells whether roles allow an action of the control plane, deny assignments aside.
func (r *RBAC) Granted(principalID, action, scope string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.granted(principalID, action, scope, false, func(RoleAssignment) bool { return true })
}

func (r *RBAC) granted(
	principalID, action, scope string, dataAction bool, fulfilled func(RoleAssignment) bool,
) bool {
	for id := range r.state.byPrincipal[key(principalID)] {
		ra, ok := r.state.assignments.get(id)
		if !ok || !ScopeContains(ra.Scope, scope) || !r.isEffective(ra) {
			continue
		}
		if role, ok := r.role(ra.RoleDefinitionID); ok && role.Allows(action, dataAction) && fulfilled(ra) {
			return true
		}
	}
	return false
}

func (r *RBAC) isEffective(ra RoleAssignment) bool {
	return r.elapsed(ra.CreatedOn) >= time.Duration(r.timing.RBACMS)*time.Millisecond
}

func (r *RBAC) putAssignment(ra RoleAssignment) {
	if old, ok := r.state.assignments.get(ra.ID); ok {
		delete(r.state.byPrincipal[key(old.PrincipalID)], key(ra.ID))
	}
	r.state.assignments.put(ra.ID, ra)
	r.state.byName[key(ra.Name)] = ra.ID
	p := key(ra.PrincipalID)
	if r.state.byPrincipal[p] == nil {
		r.state.byPrincipal[p] = map[string]bool{}
	}
	r.state.byPrincipal[p][key(ra.ID)] = true
}

func (r *RBAC) assignmentByName(name string) (RoleAssignment, bool) {
	return r.state.assignments.get(r.state.byName[key(name)])
}

func (r *RBAC) addTo(s *Snapshot) {
	s.RoleAssignments = r.state.assignments.all()
	s.DenyAssignments, s.Locks = cloneAll(r.state.denies.all()), r.state.locks.all()
}

func (r *RBAC) editors() map[string]editor {
	return map[string]editor{
		"roleAssignments": {put: r.editAssignment, remove: r.removeAssignment},
		"denyAssignments": plain(r.state.denies, func(d *DenyAssignment) *string { return &d.ID }),
		"locks":           plain(r.state.locks, func(l *Lock) *string { return &l.ID }),
	}
}

// sameGrant compares principal, role and scope; a role is the same under a tenant-wide and a subscription's id.
func (ra RoleAssignment) sameGrant(other RoleAssignment) bool {
	return key(ra.PrincipalID) == key(other.PrincipalID) && key(ra.Scope) == key(other.Scope) &&
		strings.EqualFold(LastSegment(ra.RoleDefinitionID), LastSegment(other.RoleDefinitionID))
}

// RoleAssignmentID is the full ARM id of the assignment with this name (a GUID) at the scope.
func RoleAssignmentID(scope, name string) string {
	return strings.TrimRight(scope, "/") + "/providers/Microsoft.Authorization/roleAssignments/" + name
}

// ScopeContains tells whether outer is scope itself or one of its ancestors; "/" contains everything.
func ScopeContains(outer, scope string) bool {
	o, s := strings.TrimRight(outer, "/"), strings.TrimRight(scope, "/")
	return len(o) <= len(s) && strings.EqualFold(o, s[:len(o)]) && (len(o) == len(s) || s[len(o)] == '/')
}

// LastSegment is what follows the last slash of an id.
func LastSegment(id string) string { return id[strings.LastIndex(id, "/")+1:] }

// EffectiveRoles returns the roles that the principal holds at the scope now, directly or by inheritance.
func (r *RBAC) EffectiveRoles(principalID, scope string) []RoleDefinition {
	r.mu.RLock()
	defer r.mu.RUnlock()
	roles := []RoleDefinition{}
	for _, ra := range r.state.assignments.all() {
		if key(ra.PrincipalID) != key(principalID) || !ScopeContains(ra.Scope, scope) || !r.isEffective(ra) {
			continue
		}
		if role, ok := r.role(ra.RoleDefinitionID); ok {
			roles = append(roles, role)
		}
	}
	return roles
}

// HoldsRoleWithin tells whether the principal has any effective role assignment at the scope, above or below it.
func (r *RBAC) HoldsRoleWithin(principalID, scope string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for id := range r.state.byPrincipal[key(principalID)] {
		ra, ok := r.state.assignments.get(id)
		if ok && r.isEffective(ra) && (ScopeContains(ra.Scope, scope) || ScopeContains(scope, ra.Scope)) {
			return true
		}
	}
	return false
}
