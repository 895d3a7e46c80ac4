package entitlement

import (
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/armid"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// containers is the part of a container's ARM id behind its account's.
const containers = "/blobServices/default/containers/"

// isScope reports whether a text is the ARM id of a subscription, a resource group, a storage account or a container.
func isScope(id string) bool {
	account, container, isContainer := cutFold(id, containers)
	_, noAccount := armid.ParseStorageAccount(account)
	if isContainer {
		return noAccount == "" && armid.IsContainerName(container)
	}
	_, noGroup := armid.ParseResourceGroup(id)
	_, noSubscription := armid.ParseResourceGroup(id + "/resourceGroups/any")
	return noAccount == "" || noGroup == "" || noSubscription == ""
}

// cutFold is strings.Cut without regard to case.
func cutFold(s, sep string) (before, after string, found bool) {
	if i := strings.Index(strings.ToLower(s), strings.ToLower(sep)); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// isBelow reports whether a storage entry is the scope or lies below it. ARM does not tell ids apart by case.
func isBelow(entry integration.StorageAccess, scope string) bool {
	id := entry.ResourceID
	if entry.Container != "" {
		id += containers + entry.Container
	}
	id, scope = strings.ToLower(id)+"/", strings.ToLower(scope)+"/"
	return strings.HasPrefix(id, scope)
}

// isMatch reports whether a subject is what a pattern stands for: the same byte for byte, but that each * stands for
// one or more printable characters of ASCII other than a colon.
func isMatch(pattern, subject string) bool {
	literal, rest, hasStar := strings.Cut(pattern, "*")
	if !strings.HasPrefix(subject, literal) {
		return false
	}
	subject = subject[len(literal):]
	if !hasStar {
		return subject == ""
	}
	for i := 1; i <= len(subject) && isInName(subject[i-1]); i++ {
		if isMatch(rest, subject[i:]) {
			return true
		}
	}
	return false
}

func isInName(c byte) bool { return c > ' ' && c <= '~' && c != ':' }
