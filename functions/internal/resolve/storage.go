package resolve

import (
	"fmt"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/armid"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// resolveStorage checks the entries and puts them into canonical form in place.
func resolveStorage(entries []integration.StorageAccess) []diagnosis.Finding {
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
	key := func(s integration.StorageAccess) string { return strings.ToLower(s.ResourceID) + "|" + s.Container }
	return append(findings, duplicates(entries, key, func(i int) string { return fmt.Sprintf("/storage/%d", i) },
		diagnosis.Finding{Code: diagnosis.CodeDuplicateStorage,
			Detail: "Two entries grant access to the same container.",
			Remedy: "Keep one entry, with the wider access."})...)
}

func resolveEntry(pointer string, s *integration.StorageAccess) []diagnosis.Finding {
	var findings []diagnosis.Finding
	note := func(member string, code diagnosis.Code, detail, expected, actual, remedy string) {
		findings = append(findings, diagnosis.Finding{Pointer: pointer + member, Code: code, Detail: detail,
			Expected: expected,
			Actual:   field.Actual(actual), Remedy: remedy})
	}
	if id, problem := armid.ParseStorageAccount(s.ResourceID); problem != "" {
		note("/resourceId", diagnosis.CodeInvalidResourceID, problem,
			"/subscriptions/{guid}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/{account}",
			s.ResourceID,
			"Copy it: az storage account show --name <account> --query id. A container's name goes into the "+
				"member container.")
	} else {
		s.ResourceID = id.String()
	}
	if s.Container != "" && !armid.IsContainerName(s.Container) {
		note("/container", diagnosis.CodeInvalidContainer, "The container's name is not valid.",
			"3 to 63 lower-case letters, digits and single hyphens between them", s.Container,
			"Copy the container's name; leave it out for the whole account.")
	}
	switch s.Access {
	case "":
		s.Access = integration.AccessRead
	case integration.AccessRead, integration.AccessReadWrite:
	default:
		note("/access", diagnosis.CodeInvalidAccess, "The access is not known.", "read or readWrite", string(s.Access),
			"Give read or readWrite.")
	}
	return findings
}
