package armid

import (
	"fmt"
	"strings"
)

// StorageAccount are the parts of a storage account's ARM id.
type StorageAccount struct {
	SubscriptionID, ResourceGroup, Name string
}

// String returns the id in canonical form: the fixed segments as Azure spells them, subscription and account name in
// lower case.
func (a StorageAccount) String() string {
	return "/subscriptions/" + a.SubscriptionID + "/resourceGroups/" + a.ResourceGroup +
		"/providers/Microsoft.Storage/storageAccounts/" + a.Name
}

// ParseStorageAccount takes an ARM id apart. Its segments are compared without regard to case, as ARM does. The
// string tells what is wrong with it, empty where nothing is.
func ParseStorageAccount(resourceID string) (StorageAccount, string) {
	parts := strings.Split(resourceID, "/")
	switch {
	case strings.Contains(resourceID, "://"):
		return StorageAccount{}, "This is a URL and not a resource id."
	case len(parts) > 9 && strings.EqualFold(parts[9], "blobServices"):
		return StorageAccount{}, "This is the id of something in a storage account; a container is named in the " +
			"member container."
	case len(parts) != 9 || parts[0] != "":
		return StorageAccount{}, "The id does not have the eight segments of a storage account's id."
	}
	words := map[int]string{1: "subscriptions", 3: "resourceGroups", 5: "providers", 6: "Microsoft.Storage",
		7: "storageAccounts"}
	if problem := wrongSegment(parts, words); problem != "" {
		return StorageAccount{}, problem
	}
	id := StorageAccount{SubscriptionID: strings.ToLower(parts[2]), ResourceGroup: parts[4],
		Name: strings.ToLower(parts[8])}
	if problem := (ResourceGroup{id.SubscriptionID, id.ResourceGroup}).problem(); problem != "" {
		return StorageAccount{}, problem
	}
	if !isAccountName(id.Name) {
		return StorageAccount{}, "The account's name does not have 3 to 24 letters and digits."
	}
	return id, ""
}

// wrongSegment names the first segment that is not the word that belongs there.
func wrongSegment(parts []string, words map[int]string) string {
	for at, part := range parts {
		if word, isFixed := words[at]; isFixed && !strings.EqualFold(part, word) {
			return fmt.Sprintf("Segment %d of the id is not %s.", at, word)
		}
	}
	return ""
}
