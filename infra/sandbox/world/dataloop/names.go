package dataloop

import (
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
)

// called is a name on the wire and the one for people.
type called struct{ wire, visible string }

// offerNames are what the platform calls its integration type for workload identity federation and that type's
// options. They are not public, so every world makes up its own: a client that knows one by heart fails. Reset keeps
// them.
type offerNames struct{ kind, client, tenant, account, file, notes called }

// readableNames are names that a person understands, and names on the wire that nobody can knop.
func readableNames() offerNames {
	return offerNames{
		kind:   called{madeUp("azure-wif-"), "Azure Workload Identity Federation"},
		client: called{madeUp("f"), "Client ID"}, tenant: called{madeUp("f"), "Tenant ID"},
		account: called{madeUp("f"), "Storage account name"}, file: called{madeUp("f"), "Credential file (JSON)"},
		notes: called{madeUp("f"), "Notes"},
	}
}

// rewordedNames are other words for the same, drawn by lot. Each tells what it is for on the wire, to people, or both.
func rewordedNames() offerNames {
	return offerNames{
		kind: reworded([]string{madeUp("azure-wif-"), madeUp("azureWorkloadIdentity-"), madeUp("federation_azure_")},
			[]string{"Azure WIF", "Workload identity for Microsoft Azure", "Azure Blob (federated credential)",
				"Federation with Azure AD"}),
		client: reworded([]string{"clientId", "applicationId", "azureClientId", "app_id"},
			[]string{"Client ID", "Application (client) ID", "Azure app ID"}),
		tenant: reworded([]string{"tenantId", "directoryId", "azure_tenant_id"},
			[]string{"Tenant ID", "Directory (tenant) ID", "Azure AD tenant ID"}),
		account: reworded([]string{"accountName", "storageAccount", "storage_account_name"},
			[]string{"Storage account name", "Account name", "Storage account"}),
		file: reworded([]string{"content", "credentialFile", "credentials_json"},
			[]string{"Credential file (JSON)", "Import JSON File", "Credentials"}),
		notes: called{madeUp("f"), "Remarks"},
	}
}

// reworded draws a name from those that tell on the wire, and those that tell people; one of the two may tell nothing.
func reworded(wire, visible []string) called {
	name := called{wire[mathrand.IntN(len(wire))], visible[mathrand.IntN(len(visible))]}
	switch mathrand.IntN(3) {
	case 0:
		name.wire = madeUp("f")
	case 1:
		name.visible = fmt.Sprintf("Field %d", 1000+mathrand.IntN(9000))
	}
	return name
}

func madeUp(prefix string) string { return prefix + strings.ToLower(rand.Text()[:8]) }

// RewordOffer calls the seeded integration type for federation with Azure, and its options, by other words, drawn by
// lot.
func (p *Platform) RewordOffer() {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	p.state[AvailableIntegrations].Delete(p.names.kind.wire)
	p.names = rewordedNames()
	p.seedOffer()
}
