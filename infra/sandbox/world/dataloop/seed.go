package dataloop

// The DDOE organisation of the seeded world and its project.
const (
	OrganizationID = "55555555-5555-4555-8555-555555555555"
	ProjectID      = "66666666-6666-4666-8666-666666666666"
)

// UserEmail is the user whose API key the app has; seeded as owner of the organisation and of its project.
const UserEmail = "ddoe-wif@acme.example"

// Meanings of an available integration's options, in the member "means" of an option: what the sandbox's platform
// takes the value for. The platform's API does not show that member. Where it is absent, the option's names tell.
const (
	MeansClientID       = "clientId"
	MeansTenantID       = "tenantId"
	MeansAccountName    = "accountName"
	MeansCredentialFile = "credentialFile"
	MeansClientSecret   = "clientSecret"
)

// Seed adds the organisation and what it has.
func (p *Platform) Seed() {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	p.state[Organizations].Put(OrganizationID, Object{"id": OrganizationID, "name": "Acme"})
	p.state[Projects].Put(ProjectID, Object{"id": ProjectID, "name": "Acme images",
		"org": Object{"id": OrganizationID, "name": "Acme"}})
	p.state[Users].Put(UserEmail, Object{"id": UserEmail, "email": UserEmail, "username": "DDOE WIF",
		"role": "owner", "projectRole": "owner"})
	p.seedOffer()
}

// seedOffer adds what the organisation offers. The lock is held.
func (p *Platform) seedOffer() {
	for _, available := range availableIntegrations(p.names) {
		kind, _ := available["type"].(string)
		p.state[AvailableIntegrations].Put(kind, available)
	}
}

// availableIntegrations is what the seeded organisation offers: the client secret of old, federation with Azure, and
// one that is about federation, but not with Azure.
func availableIntegrations(n offerNames) []Object {
	return []Object{
		{"type": "azureblob", "displayName": "Azure Blob", "iconUrl": "azure", "options": []any{
			option("key", "Account name", "string", true, MeansAccountName),
			option("secret", "Client secret", "string", true, MeansClientSecret),
			option("clientId", "Client ID", "string", true, MeansClientID),
			option("tenantId", "Tenant ID", "string", true, MeansTenantID),
		}},
		{"type": n.kind.wire, "displayName": n.kind.visible, "iconUrl": "azure", "options": []any{
			option(n.client.wire, n.client.visible, "string", true, MeansClientID),
			option(n.tenant.wire, n.tenant.visible, "string", true, MeansTenantID),
			option(n.account.wire, n.account.visible, "string", true, MeansAccountName),
			option(n.file.wire, n.file.visible, "json", true, MeansCredentialFile),
			option(n.notes.wire, n.notes.visible, "string", false, ""),
		}},
		{"type": "gcp-workload-identity-federation", "displayName": "GCP Workload Identity Federation",
			"iconUrl": "gcp", "options": []any{
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
