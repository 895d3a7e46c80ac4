package world

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

// seedPlatform is the DDOE platform's part.
func (p *Platform) seedPlatform() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state[DDOEOrganizations].put(OrganizationID, Object{"id": OrganizationID, "name": "Acme"})
	p.state[DDOEProjects].put(ProjectID, Object{"id": ProjectID, "name": "Acme images",
		"org": Object{"id": OrganizationID, "name": "Acme"}})
	p.state[DDOEUsers].put(UserEmail, Object{"id": UserEmail, "email": UserEmail, "username": "DDOE WIF",
		"role": "owner", "projectRole": "owner"})
	p.seedOffer()
}

// seedOffer adds what the organisation offers. The lock is held.
func (p *Platform) seedOffer() {
	for _, available := range availableIntegrations(p.names) {
		kind, _ := available["type"].(string)
		p.state[DDOEAvailableIntegrations].put(kind, available)
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
