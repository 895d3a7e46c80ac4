package integration

import (
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
)

// Role is the role that an access stands for.
func (a Access) Role() field.Role {
	if a == AccessReadWrite {
		return field.BlobDataContributor()
	}
	return field.BlobDataReader()
}

// RoleName is the name of a role by its GUID or the full id of its definition; the GUID where the role is none of
// ours.
func RoleName(definitionID string) string {
	guid := LastSegment(definitionID)
	for _, role := range []field.Role{field.BlobDataReader(), field.BlobDataContributor()} {
		if strings.EqualFold(role.ID, guid) {
			return role.Name
		}
	}
	return guid
}

// LastSegment is what follows the last slash of an id.
func LastSegment(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }
