package world

import (
	"errors"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/strictjson"
)

// editAssignment takes the full ARM id or the name alone.
func (r *RBAC) editAssignment(id string, body []byte) error {
	var ra RoleAssignment
	if err := strictjson.Decode(body, &ra); err != nil {
		return err
	}
	id = fullID(id)
	if ra.Name == "" {
		ra.Name = LastSegment(id)
	}
	if !strings.EqualFold(ra.Name, LastSegment(id)) {
		return idMismatch("name", id)
	}
	old, exists := r.assignmentByName(ra.Name)
	scope, _, isFull := strings.Cut(id, "/providers/Microsoft.Authorization/roleAssignments/")
	if isFull && ra.Scope == "" {
		ra.Scope = scope
	}
	if ra.Scope == "" {
		ra.Scope = old.Scope
	}
	if err := errors.Join(required("scope", ra.Scope), required("principalId", ra.PrincipalID),
		required("roleDefinitionId", ra.RoleDefinitionID)); err != nil {
		return err
	}
	if ra.PrincipalType == "" {
		ra.PrincipalType = "ServicePrincipal"
	}
	if ra.CreatedOn.IsZero() {
		ra.CreatedOn = r.Now()
	}
	ra.ID = RoleAssignmentID(ra.Scope, ra.Name)
	for other := range r.state.byPrincipal[key(ra.PrincipalID)] {
		if o, ok := r.state.assignments.get(other); ok && !strings.EqualFold(o.Name, ra.Name) && o.sameGrant(ra) {
			return ErrExists
		}
	}
	if exists {
		r.deleteAssignment(old)
	}
	r.putAssignment(ra)
	return nil
}

func (r *RBAC) removeAssignment(id string) error {
	ra, ok := r.state.assignments.get(fullID(id))
	if !ok {
		ra, ok = r.assignmentByName(id)
	}
	if !ok {
		return ErrNotFound
	}
	r.deleteAssignment(ra)
	return nil
}

// DisallowAction takes an action of the control plane out of a custom role, as its owner may do. It panics where there
// is no such custom role.
func (r *RBAC) DisallowAction(roleID, action string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	guid := LastSegment(roleID)
	role, ok := r.state.roles.get(guid)
	if !ok {
		panic("world: no custom role " + roleID)
	}
	role.NotActions = append(slices.Clone(role.NotActions), action)
	r.state.roles.put(guid, role)
}
