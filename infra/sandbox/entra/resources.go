package entra

import "strings"

// The resources whose services this sandbox pretends to be, by the identifier that their tokens are checked against.
const (
	// ResourceStorage is Azure Storage, for every account.
	ResourceStorage = "https://storage.azure.com"
	// ResourceManagement is Azure Resource Manager.
	ResourceManagement = "https://management.azure.com"
	// ResourceGraph is Microsoft Graph.
	ResourceGraph = "https://graph.microsoft.com"
	// ResourceServiceBus is Azure Service Bus, for every namespace.
	ResourceServiceBus = "https://servicebus.azure.net"
	// ResourceTokenExchange is the audience of a token that is itself to be exchanged.
	ResourceTokenExchange = "api://AzureADTokenExchange"
)

// blobSuffix is the host of a storage account: an account's own URL is a name of the storage resource too.
const blobSuffix = ".blob.core.windows.net"

// canonicalResource is the resource that an audience or a scope's resource names, without regard to case and a
// trailing slash; false if nothing here answers to that name. A resource has other names, too: its application id, an
// older name that SDKs still send (the ARM SDK asks for management.core.windows.net), or an account's own URL.
func canonicalResource(name string) (string, bool) {
	trimmed := strings.ToLower(strings.TrimSuffix(name, "/"))
	switch trimmed {
	case ResourceStorage, "e406a681-f3d4-42a8-90b6-c2b029497af1":
		return ResourceStorage, true
	case ResourceManagement, "https://management.core.windows.net", "797f4846-ba00-4fd7-ba43-dac1f8f63013":
		return ResourceManagement, true
	case ResourceGraph, "00000003-0000-0000-c000-000000000000":
		return ResourceGraph, true
	case ResourceServiceBus:
		return ResourceServiceBus, true
	case strings.ToLower(ResourceTokenExchange):
		return ResourceTokenExchange, true
	}
	account, ok := strings.CutPrefix(trimmed, "https://")
	if ok && strings.HasSuffix(account, blobSuffix) && !strings.Contains(account, "/") {
		return ResourceStorage, true
	}
	return "", false
}

// IsKnownResource tells whether tokens for that resource can be asked for at all.
func IsKnownResource(name string) bool {
	_, known := canonicalResource(name)
	return known
}
