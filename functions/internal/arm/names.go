package arm

import (
	"strings"

	"github.com/google/uuid"
)

// assignmentNamespace is the fixed UUID v5 namespace of role assignment names. Changing it would orphan every
// assignment ever made.
const assignmentNamespace = "6f9c5d0e-3b1e-5b7a-9d55-0c2f4b8e7a31"

// RoleAssignmentName derives the name of a role assignment, so that a repeated write meets the same object. Everything
// that must not change under a name is part of it: names are global across subscriptions, so the scope; a re-created
// principal has a new id, so the principal. salt resolves a clash (HashConflictOnDifferentRoleAssignmentIds) and is
// normally empty. Case does not matter.
func RoleAssignmentName(tenantID, scope, roleID, principalID, salt string) string {
	name := strings.ToLower(strings.Join([]string{tenantID, strings.TrimRight(scope, "/"), roleID, principalID,
		salt}, "|"))
	return uuid.NewSHA1(uuid.MustParse(assignmentNamespace), []byte(name)).String()
}

// Scope is the ARM scope of a container of a storage account, or of the whole account where container is empty.
func Scope(resourceID, container string) string {
	account := strings.TrimRight(resourceID, "/")
	if container == "" {
		return account
	}
	return account + "/blobServices/default/containers/" + container
}

// RoleDefinitionID is the full id of a role in a subscription.
func RoleDefinitionID(subscriptionID, roleGUID string) string {
	return "/subscriptions/" + subscriptionID + "/providers/Microsoft.Authorization/roleDefinitions/" + roleGUID
}

const assignmentInfix = "/providers/Microsoft.Authorization/roleAssignments/"

// RoleAssignmentID is the full ARM id of a role assignment.
func RoleAssignmentID(scope, name string) string {
	return strings.TrimRight(scope, "/") + assignmentInfix + name
}
