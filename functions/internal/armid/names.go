package armid

import "strings"

func isAccountName(name string) bool {
	return len(name) >= 3 && len(name) <= 24 && strings.IndexFunc(name, func(r rune) bool {
		return !isLowerOrDigit(r)
	}) < 0
}

// isGroupName keeps what can stand in a URL: Azure allows some more Unicode letters, but no group has them.
func isGroupName(name string) bool {
	isAllowed := func(r rune) bool {
		return isLowerOrDigit(r) || r >= 'A' && r <= 'Z' || strings.ContainsRune("-_.()", r)
	}
	return name != "" && len(name) <= 90 && !strings.HasSuffix(name, ".") &&
		strings.IndexFunc(name, func(r rune) bool { return !isAllowed(r) }) < 0
}

// IsContainerName reports whether a blob container can have the name. Source:
// https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata.
func IsContainerName(name string) bool {
	isAllowed := func(r rune) bool { return isLowerOrDigit(r) || r == '-' }
	return len(name) >= 3 && len(name) <= 63 &&
		!strings.ContainsFunc(name, func(r rune) bool { return !isAllowed(r) }) &&
		name[0] != '-' && name[len(name)-1] != '-' && !strings.Contains(name, "--")
}

func isLowerOrDigit(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' }

// maxRegion is the most characters of a region's name.
const maxRegion = 64

// IsRegion reports whether the text can be the name of an Azure region: its display name without blanks and capitals.
// Source: https://learn.microsoft.com/azure/reliability/regions-list.
func IsRegion(name string) bool {
	return name != "" && len(name) <= maxRegion &&
		strings.IndexFunc(name, func(r rune) bool { return !isLowerOrDigit(r) }) < 0
}
