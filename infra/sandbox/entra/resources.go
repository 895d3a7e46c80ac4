package entra

import (
	"net/url"
	"strings"
)

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

// aliases are the other names under which a client may ask for a resource: its application id, and the older names
// that SDKs still send (the ARM SDK asks for management.core.windows.net).
var aliases = map[string]string{
	ResourceStorage:                        ResourceStorage,
	"e406a681-f3d4-42a8-90b6-c2b029497af1": ResourceStorage,
	ResourceManagement:                     ResourceManagement,
	"https://management.core.windows.net":  ResourceManagement,
	"797f4846-ba00-4fd7-ba43-dac1f8f63013": ResourceManagement,
	ResourceGraph:                          ResourceGraph,
	"00000003-0000-0000-c000-000000000000": ResourceGraph,
	ResourceServiceBus:                     ResourceServiceBus,
	ResourceTokenExchange:                  ResourceTokenExchange,
}

// canonicalResource is the resource that an audience or a scope's resource names, without regard to case and a
// trailing slash; false if nothing here answers to that name.
func canonicalResource(name string) (string, bool) {
	trimmed := strings.TrimSuffix(name, "/")
	for alias, resource := range aliases {
		if strings.EqualFold(alias, trimmed) {
			return resource, true
		}
	}
	if parsed, err := url.Parse(trimmed); err == nil && parsed.Scheme == "https" && parsed.Path == "" {
		if strings.HasSuffix(strings.ToLower(parsed.Host), blobSuffix) {
			return ResourceStorage, true
		}
	}
	return "", false
}

// scopeSuffix is what a client-credentials scope must end with.
const scopeSuffix = "/.default"

// resourceOfScope is the token audience for a scope: the scope less "/.default", byte for byte. So a scope with a
// double slash gives an audience with a trailing one, as Entra's tokens have it.
func resourceOfScope(scope string) (string, bool) {
	return strings.CutSuffix(scope, scopeSuffix)
}

// KnownResource tells whether tokens for that resource can be asked for at all.
func KnownResource(name string) bool {
	_, known := canonicalResource(name)
	return known
}
