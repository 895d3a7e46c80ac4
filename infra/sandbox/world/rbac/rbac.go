// Package rbac is Azure's role-based access control as a part of the world.
package rbac

import (
	"fmt"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/condition"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
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

// RoleAssignment grants a role at a scope. ID is the full ARM id, Name its last segment.
type RoleAssignment struct {
	ID               string    `json:"id"`
	Name             string    `json:"name"`
	Scope            string    `json:"scope"`
	RoleDefinitionID string    `json:"roleDefinitionId"`
	PrincipalID      string    `json:"principalId"`
	PrincipalType    string    `json:"principalType"`
	Description      string    `json:"description,omitempty"`
	Condition        string    `json:"condition,omitempty"`
	ConditionVersion string    `json:"conditionVersion,omitempty"`
	CreatedOn        time.Time `json:"createdOn"`
}

// RBAC is Azure's role-based access control: custom role definitions, role assignments, and what they allow.
type RBAC struct {
	*part.Base

	state rbacState
}

type rbacState struct {
	roles       *part.Table[RoleDefinition] // custom ones, by GUID
	assignments *part.Table[RoleAssignment]
	denies      *part.Table[DenyAssignment]
	locks       *part.Table[Lock]
	groups      *part.Table[Group]
	byName      map[string]string          // lower name → full id
	byPrincipal map[string]map[string]bool // lower principal id → keys of its assignments
}

// New returns the part of a world without assignments and custom roles.
func New(b *part.Base) *RBAC {
	return &RBAC{Base: b, state: rbacState{roles: part.NewTable[RoleDefinition](),
		assignments: part.NewTable[RoleAssignment](),
		denies:      part.NewTable[DenyAssignment](), locks: part.NewTable[Lock](), groups: part.NewTable[Group](),
		byName: map[string]string{}, byPrincipal: map[string]map[string]bool{}}}
}

// RoleAssignments returns all role assignments, oldest first.
func (r *RBAC) RoleAssignments() []RoleAssignment {
	r.Mu.RLock()
	defer r.Mu.RUnlock()
	return r.state.assignments.All()
}

// RoleAssignment returns a role assignment by its full ARM id.
func (r *RBAC) RoleAssignment(id string) (RoleAssignment, bool) {
	r.Mu.RLock()
	defer r.Mu.RUnlock()
	return r.state.assignments.Get(id)
}

// PutRoleAssignment creates the assignment ra.Name at ra.Scope, or changes the description and condition of an equal
// one; created tells which. It does not ask whether principal, role and scope exist. Errors:
// *RoleAssignmentExistsError, *RoleAssignmentConflictError.
func (r *RBAC) PutRoleAssignment(ra RoleAssignment) (stored RoleAssignment, created bool, err error) {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	ra.ID = RoleAssignmentID(ra.Scope, ra.Name)
	if old, held := r.assignmentByName(ra.Name); held {
		switch {
		case part.Key(old.Scope) != part.Key(ra.Scope):
			return RoleAssignment{}, false, &RoleAssignmentConflictError{ExistingID: old.ID, OtherScope: true}
		case !old.isSameGrant(ra):
			return RoleAssignment{}, false, &RoleAssignmentConflictError{ExistingID: old.ID}
		}
		old.Description, old.Condition, old.ConditionVersion = ra.Description, ra.Condition, ra.ConditionVersion
		r.putAssignment(old)
		return old, false, nil
	}
	for id := range r.state.byPrincipal[part.Key(ra.PrincipalID)] {
		if old, ok := r.state.assignments.Get(id); ok && old.isSameGrant(ra) {
			return RoleAssignment{}, false, &RoleAssignmentExistsError{ExistingID: old.ID}
		}
	}
	ra.CreatedOn = r.Now()
	r.putAssignment(ra)
	return ra, true, nil
}

// DeleteRoleAssignment removes an assignment by its full ARM id and returns what it was; part.ErrNotFound if absent.
func (r *RBAC) DeleteRoleAssignment(id string) (RoleAssignment, error) {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	ra, ok := r.state.assignments.Get(id)
	if !ok {
		return RoleAssignment{}, part.ErrNotFound
	}
	r.deleteAssignment(ra)
	return ra, nil
}

func (r *RBAC) deleteAssignment(ra RoleAssignment) {
	r.state.assignments.Delete(ra.ID)
	delete(r.state.byName, part.Key(ra.Name))
	delete(r.state.byPrincipal[part.Key(ra.PrincipalID)], part.Key(ra.ID))
}

// IsAllowed tells whether the principal may do the action (a data action, or one of the control plane) at the scope
// now. Assignments at the scope and above it count, once they are Timing.RBACMS old. Conditions are not evaluated:
// whether they are fulfilled, AllowedUnder tells.
func (r *RBAC) IsAllowed(principalID, action, scope string, dataAction bool) bool {
	return r.isAllowed(principalID, action, scope, dataAction, func(RoleAssignment) bool { return true })
}

// IsAllowedUnder tells the same of an access, the conditions of the assignments evaluated. A condition that the
// sandbox does not understand is not fulfilled.
func (r *RBAC) IsAllowedUnder(principalID string, access condition.Access, scope string, dataAction bool) bool {
	return r.isAllowed(principalID, access.Action, scope, dataAction, func(ra RoleAssignment) bool {
		if ra.Condition == "" {
			return true
		}
		c, err := condition.Parse(ra.Condition)
		return err == nil && c.IsFulfilled(access)
	})
}

func (r *RBAC) isAllowed(
	principalID, action, scope string, dataAction bool, fulfilled func(RoleAssignment) bool,
) bool {
	r.Mu.RLock()
	defer r.Mu.RUnlock()
	if _, denied := r.state.deniedBy(principalID, action, scope, dataAction); denied {
		return false
	}
	return r.isGranted(principalID, action, scope, dataAction, fulfilled)
}

// IsGranted tells whether roles allow an action of the control plane, deny assignments aside.
func (r *RBAC) IsGranted(principalID, action, scope string) bool {
	r.Mu.RLock()
	defer r.Mu.RUnlock()
	return r.isGranted(principalID, action, scope, false, func(RoleAssignment) bool { return true })
}

func (r *RBAC) isGranted(
	principalID, action, scope string, dataAction bool, fulfilled func(RoleAssignment) bool,
) bool {
	for _, id := range r.state.assignmentsOf(principalID) {
		ra, ok := r.state.assignments.Get(id)
		if !ok || !IsScopeAbove(ra.Scope, scope) || !r.isEffective(ra) {
			continue
		}
		if role, ok := r.role(ra.RoleDefinitionID); ok && role.IsAllowed(action, dataAction) && fulfilled(ra) {
			return true
		}
	}
	return false
}

func (r *RBAC) isEffective(ra RoleAssignment) bool {
	return r.ElapsedHeld(ra.CreatedOn) >= r.RBACDelay()
}

func (r *RBAC) putAssignment(ra RoleAssignment) {
	if old, ok := r.state.assignments.Get(ra.ID); ok {
		delete(r.state.byPrincipal[part.Key(old.PrincipalID)], part.Key(ra.ID))
	}
	r.state.assignments.Put(ra.ID, ra)
	r.state.byName[part.Key(ra.Name)] = ra.ID
	p := part.Key(ra.PrincipalID)
	if r.state.byPrincipal[p] == nil {
		r.state.byPrincipal[p] = map[string]bool{}
	}
	r.state.byPrincipal[p][part.Key(ra.ID)] = true
}

func (r *RBAC) assignmentByName(name string) (RoleAssignment, bool) {
	return r.state.assignments.Get(r.state.byName[part.Key(name)])
}

// ReplaceBy takes over what the other one holds. The lock is held.
func (r *RBAC) ReplaceBy(fresh *RBAC) { r.state = fresh.state }

// Snapshot returns all role assignments, oldest first. The lock is held.
func (r *RBAC) Snapshot() []RoleAssignment { return r.state.assignments.All() }

// Editors change role assignments, deny assignments and locks by hand. The lock is held.
func (r *RBAC) Editors() map[string]part.Editor {
	return map[string]part.Editor{
		"roleAssignments": {Put: r.editAssignment, Remove: r.removeAssignment},
		"denyAssignments": part.Plain(r.state.denies, func(d *DenyAssignment) *string { return &d.ID }),
		"groups":          part.Plain(r.state.groups, func(g *Group) *string { return &g.ID }),
		"locks":           part.Plain(r.state.locks, func(l *Lock) *string { return &l.ID }),
	}
}

// isSameGrant compares principal, role and scope; a role is the same under a tenant-wide and a subscription's id.
func (ra RoleAssignment) isSameGrant(other RoleAssignment) bool {
	return part.Key(ra.PrincipalID) == part.Key(other.PrincipalID) && part.Key(ra.Scope) == part.Key(other.Scope) &&
		strings.EqualFold(part.LastSegment(ra.RoleDefinitionID), part.LastSegment(other.RoleDefinitionID))
}

// RoleAssignmentID is the full ARM id of the assignment with this name (a GUID) at the scope.
func RoleAssignmentID(scope, name string) string {
	return strings.TrimRight(scope, "/") + "/providers/Microsoft.Authorization/roleAssignments/" + name
}

// IsScopeAbove tells whether outer is scope itself or one of its ancestors; "/" contains everything.
func IsScopeAbove(outer, scope string) bool {
	o, s := strings.TrimRight(outer, "/"), strings.TrimRight(scope, "/")
	return len(o) <= len(s) && strings.EqualFold(o, s[:len(o)]) && (len(o) == len(s) || s[len(o)] == '/')
}

// EffectiveRoles returns the roles that the principal holds at the scope now, directly or by inheritance.
func (r *RBAC) EffectiveRoles(principalID, scope string) []RoleDefinition {
	r.Mu.RLock()
	defer r.Mu.RUnlock()
	roles := []RoleDefinition{}
	for _, ra := range r.state.assignments.All() {
		if part.Key(ra.PrincipalID) != part.Key(principalID) || !IsScopeAbove(ra.Scope, scope) || !r.isEffective(ra) {
			continue
		}
		if role, ok := r.role(ra.RoleDefinitionID); ok {
			roles = append(roles, role)
		}
	}
	return roles
}

// HasRoleWithin tells whether the principal has any effective role assignment at the scope, above or below it.
func (r *RBAC) HasRoleWithin(principalID, scope string) bool {
	r.Mu.RLock()
	defer r.Mu.RUnlock()
	for id := range r.state.byPrincipal[part.Key(principalID)] {
		ra, ok := r.state.assignments.Get(id)
		if ok && r.isEffective(ra) && (IsScopeAbove(ra.Scope, scope) || IsScopeAbove(scope, ra.Scope)) {
			return true
		}
	}
	return false
}
