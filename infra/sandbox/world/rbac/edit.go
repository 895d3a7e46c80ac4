package rbac

import (
	"errors"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/strictjson"
)

// editAssignment takes the full ARM id or the name alone.
func (r *RBAC) editAssignment(id string, body []byte) error {
	var ra RoleAssignment
	if err := strictjson.Decode(body, &ra); err != nil {
		return err
	}
	id = part.FullID(id)
	if ra.Name == "" {
		ra.Name = part.LastSegment(id)
	}
	if !strings.EqualFold(ra.Name, part.LastSegment(id)) {
		return part.IDMismatch("name", id)
	}
	old, exists := r.assignmentByName(ra.Name)
	scope, _, isFull := strings.Cut(id, "/providers/Microsoft.Authorization/roleAssignments/")
	if isFull && ra.Scope == "" {
		ra.Scope = scope
	}
	if ra.Scope == "" {
		ra.Scope = old.Scope
	}
	if err := errors.Join(part.Required("scope", ra.Scope), part.Required("principalId", ra.PrincipalID),
		part.Required("roleDefinitionId", ra.RoleDefinitionID)); err != nil {
		return err
	}
	if ra.PrincipalType == "" {
		ra.PrincipalType = "ServicePrincipal"
	}
	if ra.CreatedOn.IsZero() {
		ra.CreatedOn = r.Now()
	}
	ra.ID = RoleAssignmentID(ra.Scope, ra.Name)
	for other := range r.state.byPrincipal[part.Key(ra.PrincipalID)] {
		if o, ok := r.state.assignments.Get(other); ok && !strings.EqualFold(o.Name, ra.Name) && o.isSameGrant(ra) {
			return part.ErrExists
		}
	}
	if exists {
		r.deleteAssignment(old)
	}
	r.putAssignment(ra)
	return nil
}

func (r *RBAC) removeAssignment(id string) error {
	ra, ok := r.state.assignments.Get(part.FullID(id))
	if !ok {
		ra, ok = r.assignmentByName(id)
	}
	if !ok {
		return part.ErrNotFound
	}
	r.deleteAssignment(ra)
	return nil
}

// DropWithin removes the assignments at a resource and below it, as Azure does when the resource is deleted: one that
// is made anew under the same id has none. The lock is held.
func DropWithin(r *RBAC, resource string) {
	for _, ra := range r.state.assignments.All() {
		if IsScopeAbove(resource, ra.Scope) {
			r.deleteAssignment(ra)
		}
	}
}

// DisallowAction takes an action of the control plane out of a custom role, as its owner may do. It panics where there
// is no such custom role.
func (r *RBAC) DisallowAction(roleID, action string) {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	guid := part.LastSegment(roleID)
	role, ok := r.state.roles.Get(guid)
	if !ok {
		panic("world: no custom role " + roleID)
	}
	role.NotActions = append(slices.Clone(role.NotActions), action)
	r.state.roles.Put(guid, role)
}
