package policy

import "slices"

// passing are the codes of what may pass by itself, where no request says so: of an error that has its words already. A
// command that ends with one is tried again; any other code is final. A row here is a decision: what a code is answered
// with, and whether its words call it transient, decides nothing.
func passing() []string {
	return []string{
		// This service's own parts.
		"internal", "unrecognised", "store-unavailable", "queue-unavailable", "request-timeout", "canceled", "budget-exhausted",
		"service-identity-unavailable",
		// The network between.
		"network-connect", "network-dns", "network-proxy", "network-timeout", "network-tls",
		// A service that cannot answer now.
		"throttled", "graph-unavailable", "arm-unavailable", "directory-busy", "entra-throttled", "entra-unavailable",
		"storage-throttled", "storage-unavailable", "account-being-created", "container-being-deleted",
		"ddoe-throttled", "ddoe-unavailable",
		// The issuer's keys are read anew.
		"issuer-unreachable", "signing-key-unknown",
		// What a create may have made comes to light.
		"ddoe-create-unsettled", "ddoe-still-shown", "object-still-there",
	}
}

// passes reports whether what a code says may pass by itself.
func passes(code string) bool { return slices.Contains(passing(), code) }
