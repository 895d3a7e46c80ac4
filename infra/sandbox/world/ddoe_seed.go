package world

import (
	"crypto/rand"
	"strings"
)

// UserEmail is the user whose API key the app has; seeded as owner of the organisation and of its project.
const UserEmail = "ddoe-wif@acme.example"

// Meanings of an available integration's options, in the member "means" of an option: what the sandbox's platform takes
// the value for. The platform's API does not show that member. Where it is absent, the option's names tell.
const (
	MeansClientID       = "clientId"
	MeansTenantID       = "tenantId"
	MeansAccountName    = "accountName"
	MeansCredentialFile = "credentialFile"
	MeansClientSecret   = "clientSecret"
)

// wireNames are what the platform calls its integration type for workload identity federation and that type's options.
// They are not public, so every world makes up its own: a client that knows one by heart fails. Reset keeps them.
type wireNames struct{ kind, client, tenant, account, file, notes string }

func newWireNames() wireNames {
	name := func(prefix string) string { return prefix + strings.ToLower(rand.Text()[:8]) }
	return wireNames{kind: name("azure-wif-"), client: name("f"), tenant: name("f"), account: name("f"), file: name("f"), notes: name("f")}
}

// seedOffer adds the user and what the organisation offers. The lock is held.
func (w *World) seedOffer() {
	w.state.ddoe[DDOEUsers].put(UserEmail, Object{"id": UserEmail, "email": UserEmail, "username": "DDOE WIF",
		"role": "owner", "projectRole": "owner"})
	for _, available := range availableIntegrations(w.names) {
		kind, _ := available["type"].(string)
		w.state.ddoe[DDOEAvailableIntegrations].put(kind, available)
	}
}

// availableIntegrations is what the seeded organisation offers: the client secret of old, federation with Azure, and one
// that is about federation, but not with Azure.
func availableIntegrations(n wireNames) []Object {
	return []Object{
		{"type": "azureblob", "displayName": "Azure Blob", "iconUrl": "azure", "options": []any{
			option("key", "Account name", "string", true, MeansAccountName),
			option("secret", "Client secret", "string", true, MeansClientSecret),
			option("clientId", "Client ID", "string", true, MeansClientID),
			option("tenantId", "Tenant ID", "string", true, MeansTenantID),
		}},
		{"type": n.kind, "displayName": "Azure Workload Identity Federation", "iconUrl": "azure", "options": []any{
			option(n.client, "Client ID", "string", true, MeansClientID),
			option(n.tenant, "Tenant ID", "string", true, MeansTenantID),
			option(n.account, "Storage account name", "string", true, MeansAccountName),
			option(n.file, "Credential file (JSON)", "json", true, MeansCredentialFile),
			option(n.notes, "Notes", "string", false, ""),
		}},
		{"type": "gcp-workload-identity-federation", "displayName": "GCP Workload Identity Federation", "iconUrl": "gcp", "options": []any{
			option("clientId", "Client ID", "string", true, ""),
			option("secret", "Secret", "string", true, ""),
			option("content", "Content", "json", true, ""),
		}},
	}
}

func option(name, displayName, kind string, required bool, means string) Object {
	o := Object{"name": name, "displayName": displayName, "type": kind, "required": required}
	if means != "" {
		o["means"] = means
	}
	return o
}
