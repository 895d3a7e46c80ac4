package integration

import "strings"

// Role is a built-in role of Azure for blob data. Its id is the same in every tenant and cloud.
// Source: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage.
type Role struct {
	// ID is the role definition's GUID.
	ID string
	// Name is what people call it.
	Name string
}

// roles are the roles that the two accesses stand for.
func roles() map[Access]Role {
	return map[Access]Role{
		AccessRead:      {"2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", "Storage Blob Data Reader"},
		AccessReadWrite: {"ba92f5b4-2d11-453d-a403-e96b0029c9fe", "Storage Blob Data Contributor"},
	}
}

// Role is the role that an access stands for.
func (a Access) Role() Role {
	if a == AccessReadWrite {
		return roles()[AccessReadWrite]
	}
	return roles()[AccessRead]
}

// RoleName is the name of a role by its GUID or the full id of its definition; the GUID where the role is none of ours.
func RoleName(definitionID string) string {
	guid := LastSegment(definitionID)
	for _, role := range roles() {
		if strings.EqualFold(role.ID, guid) {
			return role.Name
		}
	}
	return guid
}

// LastSegment is what follows the last slash of an id.
func LastSegment(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }
