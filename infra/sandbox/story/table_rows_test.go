package story

import (
	"slices"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// table has one row a code at least; more where there are several ways to make it true.
func table() []row {
	return slices.Concat(identityRows(), principalRows(), managedRows(), credentialRows(), roleRows(),
		assignmentRows(), storageRows(),
		storageAnswerRows(), besideRows(), narrowRows(), takenRows(), managedAnswerRows(), platformRows())
}

// The places in groups.
var (
	looks  = []string{inDrift, inTest, inHealth}
	access = []string{inTest, inHealth}
	// everywhere: the PUT cannot do without it.
	everywhere = []string{inDrift, inTest, inHealth, inOperation}
)

const (
	noAccess     = "access does not depend on it, and an access test proves access alone"
	makesNothing = "a look makes nothing"
	noPutNeeds   = "a PUT does not need it, and does not change it"
)

// lookedAt is what a look at an application that was made anew sees.
var lookedAt = seen{"application-replaced", "a look changes nothing"}

// managed asks for a managed identity.
func managedKind(p *patient) { p.spec["identity"] = map[string]any{"kind": "managedIdentity"} }

// twoSubjects asks for another subject besides, for which nobody gets a token here.
func twoSubjects(p *patient) {
	delete(p.spec, "serviceName")
	p.spec["subjects"] = []any{subject, "system:serviceaccount:dataloop:other"}
}

func deleteApplication(p *patient) { p.object("applications", p.application()["id"].(string), nil) }

func purgeApplication(p *patient) {
	p.t.Helper()
	id := p.application()["id"].(string)
	p.object("applications", id, nil)
	p.object("deletedItems", id, nil)
}

// remadeApplication purges the application and makes another one of its unique name and marks.
func remadeApplication(p *patient) {
	p.t.Helper()
	old := p.application()
	purgeApplication(p)
	p.object("applications", uuid.NewString(), map[string]any{"uniqueName": old["uniqueName"],
		"displayName": old["displayName"], "signInAudience": old["signInAudience"], "tags": old["tags"]})
}

// removeTaker removes whatever application has the patient's unique name, and repeats the PUT.
func removeTaker(p *patient) {
	p.t.Helper()
	id := p.find("applications", with("uniqueName", p.uniqueName()))["id"].(string)
	p.object("applications", id, nil)
	p.object("deletedItems", id, nil)
	p.put()
}

func identityRows() []row {
	return []row{
		{code: "identity-missing", how: "the application is deleted", destroy: deleteApplication, told: looks,
			other: map[string]seen{inOperation: mends}, mended: []mending{byPut}},
		{code: "identity-missing", how: "the managed identity is deleted", order: managedKind,
			destroy: func(p *patient) {
				p.object("userAssignedIdentities", str(p.document, "status.identity.resourceId"), nil)
			}, told: looks, other: map[string]seen{inOperation: mends}, mended: []mending{byPut}},
		{code: "application-changed", how: "the application is renamed", destroy: func(p *patient) {
			p.change("applications", p.application(), map[string]any{"displayName": "theirs"})
		}, told: []string{inDrift}, other: map[string]seen{inTest: {"", noAccess}, inHealth: {"", noAccess},
			inOperation: mends}, mended: []mending{byPut}},
		{code: "application-replaced", how: "the application is purged and made anew", destroy: func(p *patient) {
			remadeApplication(p)
			id := p.find("applications", with("uniqueName", p.uniqueName()))["id"].(string)
			p.object("owners", id, map[string]any{"owners": []string{world.AppPrincipalID}})
		}, told: looks, other: map[string]seen{inOperation: mends}, mended: []mending{byPut}},
		{code: "graph-permission-missing", how: "somebody else has made the application anew",
			destroy: remadeApplication, told: []string{inOperation}, other: map[string]seen{
				inTest: lookedAt, inHealth: lookedAt, inDrift: lookedAt},
			mended: []mending{byHand("delete that object", removeTaker)}},
		{code: "application-foreign", how: "another application has the unique name", destroy: func(p *patient) {
			name := p.application()["uniqueName"]
			purgeApplication(p)
			p.object("applications", uuid.NewString(), map[string]any{"uniqueName": name,
				"displayName": "theirs", "signInAudience": "AzureADMyOrg"})
		}, told: everywhere,
			mended: []mending{byHand("remove that application", removeTaker)}},
		{code: "login-credential-extra", how: "the application has a secret", destroy: func(p *patient) {
			p.change("applications", p.application(), map[string]any{"passwordCredentials": []any{
				map[string]any{"keyId": uuid.NewString(), "displayName": "theirs"}}})
		}, told: []string{inDrift}, other: map[string]seen{inTest: {"", noAccess}, inHealth: {"", noAccess},
			inOperation: {"", noPutNeeds}},
			mended: []mending{byHand("Remove it from the application", func(p *patient) {
				p.change("applications", p.application(), map[string]any{"passwordCredentials": []any{}})
			})}},
	}
}

func principalRows() []row {
	return []row{
		{code: "service-principal-missing", how: "the service principal is deleted", destroy: func(p *patient) {
			p.object("servicePrincipals", p.principal()["id"].(string), nil)
		}, told: looks, other: map[string]seen{inOperation: mends}, mended: []mending{byPut}},
		{code: "service-principal-replaced", how: "the service principal is purged and made anew",
			destroy: func(p *patient) {
				old := p.principal()
				p.object("servicePrincipals", old["id"].(string), nil)
				p.object("deletedItems", old["id"].(string), nil)
				p.object("servicePrincipals", uuid.NewString(), map[string]any{"appId": old["appId"],
					"displayName": old["displayName"], "accountEnabled": true, "servicePrincipalType": "Application"})
			}, told: looks, other: map[string]seen{inOperation: mends}, mended: []mending{byPut}},
		{code: "client-disabled", how: "the service principal is switched off", destroy: func(p *patient) {
			p.change("servicePrincipals", p.principal(), map[string]any{"accountEnabled": false})
		}, told: looks, other: map[string]seen{inOperation: {"", "a PUT keeps what somebody has switched off"}},
			mended: []mending{byCommand}},
		{code: "client-disabled", how: "the application is deactivated", destroy: func(p *patient) {
			p.change("applications", p.application(), map[string]any{"isDisabled": true})
		}, told: looks, other: map[string]seen{inOperation: {"", "a PUT keeps what somebody has switched off"}},
			mended: []mending{byCommand}},
		{code: "client-disabled", how: "Microsoft has disabled the application", destroy: func(p *patient) {
			p.change("applications", p.application(), map[string]any{
				"disabledByMicrosoftStatus": "DisabledDueToViolationOfServicesAgreement"})
		}, told: looks, other: map[string]seen{inOperation: {"", "a PUT keeps what Microsoft has disabled"}},
			mended: []mending{byHand("Microsoft's support", func(p *patient) {
				p.change("applications", p.application(), map[string]any{"disabledByMicrosoftStatus": "NotDisabled"})
			})}},
		{code: "client-disabled", how: "the managed identity's service principal is switched off", order: managedKind,
			destroy: func(p *patient) {
				p.change("servicePrincipals", p.principal(), map[string]any{"accountEnabled": false})
			}, told: access, other: map[string]seen{
				inDrift:     {"", "the app has no right in the directory for managed identities"},
				inOperation: {"", "a PUT keeps what somebody has switched off"}}, mended: []mending{byCommand}},
	}
}

// uniqueName is the one of the patient's application, whoever has it.
func (p *patient) uniqueName() any {
	p.t.Helper()
	return p.find("applications", func(o map[string]any) bool {
		name, _ := o["uniqueName"].(string)
		return len(name) > len(p.id) && name[len(name)-len(p.id):] == p.id
	})["uniqueName"]
}

// changeCredential changes the first federated credential by hand.
func changeCredential(members map[string]any) func(*patient) {
	return func(p *patient) {
		p.t.Helper()
		kind, credential := p.credential()
		p.change(kind, credential, members)
	}
}

func credentialRows() []row {
	remove := func(p *patient) {
		kind, credential := p.credential()
		p.object(kind, credential["id"].(string), nil)
	}
	theirs := map[string]any{"subject": "system:serviceaccount:dataloop:theirs"}
	rows := []row{
		{code: "federated-credential-missing", how: "it is deleted", destroy: remove, told: looks,
			other: map[string]seen{inOperation: mends}, mended: []mending{byPut, byCommand}},
		{code: "federated-credential-missing", how: "that of a managed identity is deleted", order: managedKind,
			destroy: remove, told: looks, other: map[string]seen{inOperation: mends},
			mended: []mending{byPut, byCommand}},
		{code: "federated-credential-changed", how: "that of another subject is changed", order: twoSubjects,
			destroy: func(p *patient) {
				other := p.find("federatedIdentityCredentials", with("id",
					str(p.document, "status.federatedCredentials.1.id")))
				p.change("federatedIdentityCredentials", other, theirs)
			}, told: []string{inDrift, inHealth},
			other:  map[string]seen{inTest: {"", "its token is for the first subject"}, inOperation: mends},
			mended: []mending{byPut, byCommand}},
	}
	for member, value := range map[string]any{"another subject": theirs["subject"],
		"another case": "system:serviceaccount:dataloop:My-Service"} {
		rows = append(rows, changedRow(member, map[string]any{"subject": value}))
	}
	rows = append(rows, changedRow("another audience", map[string]any{"audiences": []string{"api://other"}}),
		changedRow("a slash behind the issuer", map[string]any{"issuer": world.Issuer + "/"}))
	return rows
}

func changedRow(has string, members map[string]any) row {
	return row{code: "federated-credential-changed", how: "it has " + has, bed: "credentials",
		destroy: changeCredential(members), told: looks, other: map[string]seen{inOperation: mends},
		mended: []mending{byPut, byCommand}}
}

func roleRows() []row {
	remove := func(p *patient) { p.object("roleAssignments", p.assignment()["name"].(string), nil) }
	return []row{
		{code: "role-missing", how: "the assignment is deleted", destroy: remove, told: looks,
			other: map[string]seen{inOperation: mends}, mended: []mending{byPut, byCommand}},
		{code: "role-missing", how: "that of a managed identity is deleted", order: managedKind, destroy: remove,
			told: looks, other: map[string]seen{inOperation: mends}, mended: []mending{byPut, byCommand}},
		{code: "role-not-effective", how: "a deny assignment forbids data actions", destroy: func(p *patient) {
			p.object("denyAssignments", p.id, map[string]any{"scope": p.accountID(), "dataActions": []string{
				"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"}})
		}, told: access, other: map[string]seen{inDrift: {"", "it looks at assignments of roles alone"},
			inOperation: {"", noPutNeeds}}, mended: []mending{byHand("look for a deny assignment", func(p *patient) {
			p.object("denyAssignments", p.id, nil)
		})}},
	}
}

func storageRows() []row {
	return []row{
		{code: "container-not-found", how: "the container is deleted", destroy: func(p *patient) {
			p.object("storageAccounts", p.account(), map[string]any{"containers": []any{
				map[string]any{"name": "other"}}})
		}, told: looks, other: map[string]seen{inOperation: {"", noPutNeeds}}, mended: []mending{byCommand}},
		{code: "network-rules-blocked", how: "the firewall is closed", destroy: func(p *patient) {
			p.object("storageAccounts", p.account(), map[string]any{"firewallClosed": true, "containers": []any{
				map[string]any{"name": "images"}}})
		}, told: access, other: map[string]seen{inDrift: {"", "Resource Manager is asked, and no blob"},
			inOperation: {"", noPutNeeds}},
			mended: []mending{byHand("Allow both", func(p *patient) {
				p.object("storageAccounts", p.account(), map[string]any{"containers": []any{
					map[string]any{"name": "images"}}})
			})}},
		{code: "storage-account-not-found", how: "the account is deleted", destroy: func(p *patient) {
			p.object("storageAccounts", p.account(), nil)
		}, told: everywhere, mended: []mending{byHand("Bring the storage account back", func(p *patient) {
			p.object("storageAccounts", p.account(), map[string]any{"containers": []any{
				map[string]any{"name": "images"}}})
			p.put()
		})}},
	}
}
