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

// RoleAssignments returns all role assignments, oldest first.
func (w *World) RoleAssignments() []RoleAssignment {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.state.assignments.all()
}

// RoleAssignment returns a role assignment by its full ARM id.
func (w *World) RoleAssignment(id string) (RoleAssignment, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.state.assignments.get(id)
}

// PutRoleAssignment creates the assignment ra.Name at ra.Scope, or changes the description and condition of an equal
// one; created tells which. It does not ask whether principal, role and scope exist. Errors:
// *RoleAssignmentExistsError, *RoleAssignmentConflictError.
func (w *World) PutRoleAssignment(ra RoleAssignment) (stored RoleAssignment, created bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ra.ID = RoleAssignmentID(ra.Scope, ra.Name)
	if old, held := w.assignmentByName(ra.Name); held {
		switch {
		case key(old.Scope) != key(ra.Scope):
			return RoleAssignment{}, false, &RoleAssignmentConflictError{ExistingID: old.ID, OtherScope: true}
		case !old.sameGrant(ra):
			return RoleAssignment{}, false, &RoleAssignmentConflictError{ExistingID: old.ID}
		}
		old.Description, old.Condition, old.ConditionVersion = ra.Description, ra.Condition, ra.ConditionVersion
		w.putAssignment(old)
		return old, false, nil
	}
	for id := range w.state.byPrincipal[key(ra.PrincipalID)] {
		if old, ok := w.state.assignments.get(id); ok && old.sameGrant(ra) {
			return RoleAssignment{}, false, &RoleAssignmentExistsError{ExistingID: old.ID}
		}
	}
	ra.CreatedOn = w.Now()
	w.putAssignment(ra)
	return ra, true, nil
}

// DeleteRoleAssignment removes an assignment by its full ARM id and returns what it was; ErrNotFound if absent.
func (w *World) DeleteRoleAssignment(id string) (RoleAssignment, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ra, ok := w.state.assignments.get(id)
	if !ok {
		return RoleAssignment{}, ErrNotFound
	}
	w.deleteAssignment(ra)
	return ra, nil
}

func (w *World) deleteAssignment(ra RoleAssignment) {
	w.state.assignments.delete(ra.ID)
	delete(w.state.assignmentNames, key(ra.Name))
	delete(w.state.byPrincipal[key(ra.PrincipalID)], key(ra.ID))
}

// Allowed tells whether the principal may do the action (a data action, or one of the control plane) at the scope now.
// Assignments at the scope and above it count, once they are Timing.RBACMS old. Conditions are not evaluated: whether
// they are fulfilled, AllowedUnder tells of an action of the control plane.
func (w *World) Allowed(principalID, action, scope string, dataAction bool) bool {
	return w.allowed(principalID, action, scope, dataAction, func(RoleAssignment) bool { return true })
}

// AllowedUnder tells the same of an action of the control plane whose request and resource have these attributes, the
// conditions of the assignments evaluated. A condition that the sandbox does not understand is not fulfilled.
func (w *World) AllowedUnder(principalID, action, scope string, request, resource condition.Attributes) bool {
	access := condition.Access{Action: action, Request: request, Resource: resource}
	return w.allowed(principalID, action, scope, false, func(ra RoleAssignment) bool {
		if ra.Condition == "" {
			return true
		}
		c, err := condition.Parse(ra.Condition)
		return err == nil && c.Fulfilled(access)
	})
}

func (w *World) allowed(principalID, action, scope string, dataAction bool, fulfilled func(RoleAssignment) bool) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for id := range w.state.byPrincipal[key(principalID)] {
		ra, ok := w.state.assignments.get(id)
		if !ok || !ScopeContains(ra.Scope, scope) || !w.effective(ra) {
			continue
		}
		if role, ok := w.role(ra.RoleDefinitionID); ok && role.Allows(action, dataAction) && fulfilled(ra) {
			return true
		}
	}
	return false
}

func (w *World) effective(ra RoleAssignment) bool {
	return !w.Now().Before(ra.CreatedOn.Add(time.Duration(w.timing.RBACMS) * time.Millisecond))
}

func (w *World) putAssignment(ra RoleAssignment) {
	if old, ok := w.state.assignments.get(ra.ID); ok {
		delete(w.state.byPrincipal[key(old.PrincipalID)], key(ra.ID))
	}
	w.state.assignments.put(ra.ID, ra)
	w.state.assignmentNames[key(ra.Name)] = ra.ID
	p := key(ra.PrincipalID)
	if w.state.byPrincipal[p] == nil {
		w.state.byPrincipal[p] = map[string]bool{}
	}
	w.state.byPrincipal[p][key(ra.ID)] = true
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
	o, s := key(outer), key(scope)
	return o == s || strings.HasPrefix(s, o+"/")
}

// LastSegment is what follows the last slash of an id.
func LastSegment(id string) string { return id[strings.LastIndex(id, "/")+1:] }

// EffectiveRoles returns the roles that the principal holds at the scope now, directly or by inheritance.
func (w *World) EffectiveRoles(principalID, scope string) []RoleDefinition {
	w.mu.RLock()
	defer w.mu.RUnlock()
	roles := []RoleDefinition{}
	for _, ra := range w.state.assignments.all() {
		if key(ra.PrincipalID) != key(principalID) || !ScopeContains(ra.Scope, scope) || !w.effective(ra) {
			continue
		}
		if role, ok := w.role(ra.RoleDefinitionID); ok {
			roles = append(roles, role)
		}
	}
	return roles
}

// HoldsRoleWithin tells whether the principal has any effective role assignment at the scope, above or below it.
func (w *World) HoldsRoleWithin(principalID, scope string) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for id := range w.state.byPrincipal[key(principalID)] {
		ra, ok := w.state.assignments.get(id)
		if ok && w.effective(ra) && (ScopeContains(ra.Scope, scope) || ScopeContains(scope, ra.Scope)) {
			return true
		}
	}
	return false
}
