package rbac

import (
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
)

// DenyAssignment forbids actions at a scope and below, whatever roles allow. Principals that are not named are all;
// those excluded are let through. Source: learn.microsoft.com/azure/role-based-access-control/deny-assignments.
type DenyAssignment struct {
	ID                string   `json:"id"`
	Scope             string   `json:"scope"`
	Actions           []string `json:"actions,omitempty"`
	NotActions        []string `json:"notActions,omitempty"`
	DataActions       []string `json:"dataActions,omitempty"`
	NotDataActions    []string `json:"notDataActions,omitempty"`
	Principals        []string `json:"principals,omitempty"`
	ExcludePrincipals []string `json:"excludePrincipals,omitempty"`
}

// Lock keeps what is at a scope and below from being deleted (CanNotDelete), or changed at all (ReadOnly), by anybody.
// It binds the control plane alone. Source:
// learn.microsoft.com/azure/azure-resource-manager/management/lock-resources.
type Lock struct {
	ID    string `json:"id"`
	Scope string `json:"scope"`
	Level string `json:"level"`
}

// LockReadOnly is the level of a Lock under which nothing is changed; any other keeps from deleting alone.
const LockReadOnly = "ReadOnly"

// DeniedBy is the deny assignment that keeps a principal from an action, a data action or one of the control plane, at
// a scope; false where none does.
func (r *RBAC) DeniedBy(principalID, action, scope string, dataAction bool) (DenyAssignment, bool) {
	r.Mu.RLock()
	defer r.Mu.RUnlock()
	return r.state.deniedBy(principalID, action, scope, dataAction)
}

func (s rbacState) deniedBy(principalID, action, scope string, dataAction bool) (DenyAssignment, bool) {
	isNamed := func(id string) bool { return part.Key(id) == part.Key(principalID) }
	for _, d := range s.denies.All() {
		role := RoleDefinition{Actions: d.Actions, NotActions: d.NotActions, DataActions: d.DataActions,
			NotDataActions: d.NotDataActions}
		isMeant := len(d.Principals) == 0 || slices.ContainsFunc(d.Principals, isNamed)
		if isMeant && !slices.ContainsFunc(d.ExcludePrincipals, isNamed) && IsScopeAbove(d.Scope, scope) &&
			role.IsAllowed(action, dataAction) {
			return d, true
		}
	}
	return DenyAssignment{}, false
}

// LockedBy is the lock that keeps everybody from an action of the control plane at a scope; false where none does.
func (r *RBAC) LockedBy(action, scope string) (Lock, bool) {
	r.Mu.RLock()
	defer r.Mu.RUnlock()
	isDeletion := strings.HasSuffix(strings.ToLower(action), "/delete")
	for _, l := range r.state.locks.All() {
		if IsScopeAbove(l.Scope, scope) && !strings.HasSuffix(strings.ToLower(action), "/read") &&
			(isDeletion || l.Level == LockReadOnly) {
			return l, true
		}
	}
	return Lock{}, false
}

// Restrictions are the deny assignments and locks that bind a scope.
func (r *RBAC) Restrictions(scope string) ([]DenyAssignment, []Lock) {
	r.Mu.RLock()
	defer r.Mu.RUnlock()
	denies := slices.DeleteFunc(r.state.denies.All(), func(d DenyAssignment) bool {
		return !IsScopeAbove(d.Scope, scope)
	})
	return denies, slices.DeleteFunc(r.state.locks.All(), func(l Lock) bool { return !IsScopeAbove(l.Scope, scope) })
}

// RestrictionsHeld are all deny assignments and locks, for a Snapshot. The lock is held.
func (r *RBAC) RestrictionsHeld() ([]DenyAssignment, []Lock) {
	return part.CloneAll(r.state.denies.All()), r.state.locks.All()
}

// Clone implements the copying of a Snapshot.
func (d DenyAssignment) Clone() DenyAssignment {
	d.Actions, d.NotActions = slices.Clone(d.Actions), slices.Clone(d.NotActions)
	d.DataActions, d.NotDataActions = slices.Clone(d.DataActions), slices.Clone(d.NotDataActions)
	d.Principals, d.ExcludePrincipals = slices.Clone(d.Principals), slices.Clone(d.ExcludePrincipals)
	return d
}
