package field

// Role is a built-in role of Azure. Its id is the same in every tenant and cloud.
// Source: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage.
type Role struct {
	// ID is the role definition's GUID.
	ID string
	// Name is what people call it.
	Name string
}

// BlobDataReader reads blobs.
func BlobDataReader() Role {
	return Role{"2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", "Storage Blob Data Reader"}
}

// BlobDataContributor reads, writes and deletes blobs.
func BlobDataContributor() Role {
	return Role{"ba92f5b4-2d11-453d-a403-e96b0029c9fe", "Storage Blob Data Contributor"}
}

// BlobDataOwner sets owners and access lists as well; it is known as an id that is copied by mistake.
func BlobDataOwner() Role {
	return Role{"b7e6dc6d-f1e8-4753-8033-0f276bb0955b", "Storage Blob Data Owner"}
}
