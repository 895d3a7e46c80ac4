package integration

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// StorageAccountID are the parts of a storage account's ARM id.
type StorageAccountID struct {
	SubscriptionID, ResourceGroup, Name string
}

// String returns the id in canonical form: the fixed segments as Azure spells them, subscription and account name in
// lower case.
func (a StorageAccountID) String() string {
	return "/subscriptions/" + a.SubscriptionID + "/resourceGroups/" + a.ResourceGroup +
		"/providers/Microsoft.Storage/storageAccounts/" + a.Name
}

// ParseStorageAccountID takes an ARM id apart. Its segments are compared without regard to case, as ARM does. The
// string tells what is wrong with it, empty where nothing is.
func ParseStorageAccountID(resourceID string) (StorageAccountID, string) {
	parts := strings.Split(resourceID, "/")
	switch {
	case strings.Contains(resourceID, "://"):
		return StorageAccountID{}, "This is a URL and not a resource id."
	case len(parts) > 9 && strings.EqualFold(parts[9], "blobServices"):
		return StorageAccountID{}, "This is the id of something in a storage account; a container is named in the " +
			"member container."
	case len(parts) != 9 || parts[0] != "":
		return StorageAccountID{}, "The id does not have the eight segments of a storage account's id."
	}
	words := map[int]string{1: "subscriptions", 3: "resourceGroups", 5: "providers", 6: "Microsoft.Storage",
		7: "storageAccounts"}
	if problem := wrongSegment(parts, words); problem != "" {
		return StorageAccountID{}, problem
	}
	id := StorageAccountID{SubscriptionID: strings.ToLower(parts[2]), ResourceGroup: parts[4],
		Name: strings.ToLower(parts[8])}
	if problem := (ResourceGroupID{id.SubscriptionID, id.ResourceGroup}).problem(); problem != "" {
		return StorageAccountID{}, problem
	}
	if !isAccountName(id.Name) {
		return StorageAccountID{}, "The account's name does not have 3 to 24 letters and digits."
	}
	return id, ""
}

// wrongSegment names the first segment that is not the word that belongs there.
func wrongSegment(parts []string, words map[int]string) string {
	for _, at := range slices.Sorted(maps.Keys(words)) {
		if !strings.EqualFold(parts[at], words[at]) {
			return fmt.Sprintf("Segment %d of the id is not %s.", at, words[at])
		}
	}
	return ""
}

func isAccountName(name string) bool {
	return len(name) >= 3 && len(name) <= 24 && strings.IndexFunc(name, func(r rune) bool {
		return !isLowerOrDigit(r)
	}) < 0
}

// isResourceGroupName keeps what can stand in a URL: Azure allows some more Unicode letters, but no group has them.
func isResourceGroupName(name string) bool {
	ok := func(r rune) bool {
		return isLowerOrDigit(r) || r >= 'A' && r <= 'Z' || strings.ContainsRune("-_.()", r)
	}
	return name != "" && len(name) <= 90 && !strings.HasSuffix(name, ".") &&
		strings.IndexFunc(name, func(r rune) bool { return !ok(r) }) < 0
}

func isContainerName(name string) bool {
	ok := func(r rune) bool { return isLowerOrDigit(r) || r == '-' }
	return len(name) >= 3 && len(name) <= 63 && strings.IndexFunc(name, func(r rune) bool { return !ok(r) }) < 0 &&
		name[0] != '-' && name[len(name)-1] != '-' && !strings.Contains(name, "--")
}

func isLowerOrDigit(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' }

// resolveStorage checks the entries and puts them into canonical form in place.
func resolveStorage(entries []StorageAccess) []diagnosis.Finding {
	if len(entries) == 0 {
		return []diagnosis.Finding{{Pointer: "/storage", Code: diagnosis.CodeStorageRequired,
			Detail:   "Without storage there is nothing that the identity could reach.",
			Expected: fmt.Sprintf("1 to %d entries", MaxStorage), Remedy: "Name at least one storage account " +
				"and container."}}
	}
	var findings []diagnosis.Finding
	if len(entries) > MaxStorage {
		findings = append(findings, diagnosis.Finding{Pointer: "/storage", Code: diagnosis.CodeTooManyStorage,
			Detail:   "There are too many storage entries.",
			Expected: fmt.Sprintf("at most %d", MaxStorage), Actual: fmt.Sprint(len(entries)),
			Remedy: "Grant the account instead of single containers, or spread them over several integrations."})
	}
	for i := range entries {
		findings = append(findings, resolveEntry(fmt.Sprintf("/storage/%d", i), &entries[i])...)
	}
	key := func(s StorageAccess) string { return strings.ToLower(s.ResourceID) + "|" + s.Container }
	return append(findings, duplicates(entries, key, func(i int) string { return fmt.Sprintf("/storage/%d", i) },
		diagnosis.Finding{Code: diagnosis.CodeDuplicateStorage,
			Detail: "Two entries grant access to the same container.",
			Remedy: "Keep one entry, with the wider access."})...)
}

func resolveEntry(pointer string, s *StorageAccess) []diagnosis.Finding {
	var findings []diagnosis.Finding
	note := func(member string, code diagnosis.Code, detail, expected, actual, remedy string) {
		findings = append(findings, diagnosis.Finding{Pointer: pointer + member, Code: code, Detail: detail,
			Expected: expected,
			Actual:   field.Actual(actual), Remedy: remedy})
	}
	if id, problem := ParseStorageAccountID(s.ResourceID); problem != "" {
		note("/resourceId", diagnosis.CodeInvalidResourceID, problem,
			"/subscriptions/{guid}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/{account}",
			s.ResourceID,
			"Copy it: az storage account show --name <account> --query id. A container's name goes into the "+
				"member container.")
	} else {
		s.ResourceID = id.String()
	}
	if s.Container != "" && !isContainerName(s.Container) {
		note("/container", diagnosis.CodeInvalidContainer, "The container's name is not valid.",
			"3 to 63 lower-case letters, digits and single hyphens between them", s.Container,
			"Copy the container's name; leave it out for the whole account.")
	}
	switch s.Access {
	case "":
		s.Access = AccessRead
	case AccessRead, AccessReadWrite:
	default:
		note("/access", diagnosis.CodeInvalidAccess, "The access is not known.", "read or readWrite", string(s.Access),
			"Give read or readWrite.")
	}
	return findings
}
