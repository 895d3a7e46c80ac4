// Package assignment tells which role assignment an entry of a spec comes to: role, scope and name. What makes
// assignments, what looks for them and what tells a person how to make one must mean the same, so it is said here
// alone.
package assignment

import (
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// Salts are the salts of assignment names, in the order in which they are tried.
func Salts() []string { return []string{"", "1"} }

// Wanted is the assignment that an entry of the document's spec asks for. Where the status holds one already, under a
// salted or adopted name, that is the one. It has no name of use while the service principal is not known.
func Wanted(d integration.Document, s integration.StorageAccess) integration.RoleAssignment {
	derived := Derived(d, s, "")
	i := slices.IndexFunc(d.Status.RoleAssignments, func(known integration.RoleAssignment) bool {
		return IsSame(known, derived)
	})
	if i >= 0 {
		return d.Status.RoleAssignments[i]
	}
	return derived
}

// Derived is the assignment for an entry under the name that is made of what it grants, and of a salt.
func Derived(d integration.Document, s integration.StorageAccess, salt string) integration.RoleAssignment {
	account := s.Account()
	role := s.Access.Role().ID
	scope := arm.Scope(s.ResourceID, s.Container)
	name := arm.RoleAssignmentName(d.Spec.TenantID, scope, role, d.Status.ServicePrincipalID, salt)
	return integration.RoleAssignment{ID: arm.RoleAssignmentID(scope, name), Scope: scope,
		RoleDefinitionID: arm.RoleDefinitionID(account.SubscriptionID, role), PrincipalID: d.Status.ServicePrincipalID}
}

// IsSame reports whether two assignments give the same role at the same scope to the same principal. ARM does not care
// for case, and names a role with or without its subscription.
func IsSame(a, b integration.RoleAssignment) bool {
	return strings.EqualFold(strings.TrimRight(a.Scope, "/"), strings.TrimRight(b.Scope, "/")) &&
		strings.EqualFold(integration.LastSegment(a.RoleDefinitionID), integration.LastSegment(b.RoleDefinitionID)) &&
		strings.EqualFold(a.PrincipalID, b.PrincipalID)
}

// IsReached reports whether access to what the spec names was proved at some time, and nothing has disproved it
// since: it was all there then. A recorded assignment proves nothing, as it is recorded before Azure is asked for it.
func IsReached(d integration.Document) bool {
	return d.Status.Phase == integration.PhaseUsable || d.HasCondition(integration.ConditionVerified, "True", nil)
}

// Name is an assignment's own name, the GUID at the end of its id; empty where it is for a principal that is not
// known.
func Name(a integration.RoleAssignment) string {
	if a.PrincipalID == "" {
		return ""
	}
	return integration.LastSegment(a.ID)
}
