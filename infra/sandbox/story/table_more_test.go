package story

import (
	"fmt"
	"maps"
	"net/http"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// assign gives the patient's principal another role, at its account or below.
func assign(role, scope string) func(*patient) {
	return func(p *patient) {
		p.object("roleAssignments", uuid.NewString(), map[string]any{"scope": p.accountID() + scope,
			"principalId": p.document.at("status.servicePrincipalId"), "roleDefinitionId": roleID(p.t, role)})
	}
}

// removeOther takes the other role away.
func removeOther(p *patient) {
	p.t.Helper()
	other := p.find("roleAssignments", func(o map[string]any) bool {
		return o["principalId"] == p.document.at("status.servicePrincipalId") &&
			o["id"] != str(p.document, "status.roleAssignments.0.id")
	})
	p.object("roleAssignments", other["name"].(string), nil)
}

// changeAssignment changes the patient's role assignment by hand.
func changeAssignment(members map[string]any) func(*patient) {
	return func(p *patient) {
		old := p.assignment()
		maps.Copy(old, members)
		p.object("roleAssignments", old["name"].(string), old)
	}
}

// besideRows are about what somebody has put beside what was made, or changed of it.
func besideRows() []row {
	const container = "/blobServices/default/containers/images"
	fits := "(@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'images')"
	unharmed := map[string]seen{inTest: {"", noAccess}, inHealth: {"", noAccess}, inOperation: {"", noPutNeeds}}
	return []row{
		{code: "role-assignment-changed", how: "it has another role", bed: "beside", destroy: func(p *patient) {
			changeAssignment(map[string]any{"roleDefinitionId": roleID(p.t, "Storage Blob Data Reader")})(p)
		}, told: []string{inDrift}, other: map[string]seen{inTest: {"role-missing", noRefusal},
			inHealth: {"role-missing", noRefusal}, inOperation: mends},
			mended: []mending{byHand("delete the assignment and repeat the PUT", func(p *patient) {
				p.object("roleAssignments", p.assignment()["name"].(string), nil) // Azure changes no role of one
				p.put()
			})}},
		{code: "role-assignment-conditioned", how: "it has a condition that lets all through", bed: "beside",
			destroy: changeAssignment(map[string]any{"condition": fits, "conditionVersion": "2.0"}),
			told:    []string{inDrift}, other: unharmed, mended: []mending{byHand("remove the condition",
				changeAssignment(map[string]any{"condition": "", "conditionVersion": ""}))}},
		{code: "role-assignment-extra", how: "the principal has another role", bed: "beside",
			destroy: assign("Storage Blob Data Reader", container), told: []string{inDrift}, other: unharmed,
			mended: []mending{byHand("delete it", removeOther)}},
		{code: "federated-credential-extra", how: "somebody trusts another subject", bed: "beside",
			destroy: func(p *patient) {
				p.object("federatedIdentityCredentials", uuid.NewString(), map[string]any{"name": "theirs",
					"applicationId": p.application()["id"], "issuer": "https://theirs.example", "subject": "them",
					"audiences": []string{"api://AzureADTokenExchange"}})
			}, told: []string{inDrift}, other: unharmed, mended: []mending{byHand("delete it", func(p *patient) {
				application := p.application()["id"]
				theirs := p.find("federatedIdentityCredentials", func(o map[string]any) bool {
					return o["applicationId"] == application && o["name"] == "theirs"
				})
				p.object("federatedIdentityCredentials", theirs["id"].(string), nil)
			})}},
	}
}

// narrowRows are about access that is wider than it should be, or has nothing to be tested on.
func narrowRows() []row {
	return []row{
		{code: "credential-flexible-unsupported", how: "the credential is made a flexible one", bed: "beside",
			destroy: changeCredential(map[string]any{"subject": "", "claimsMatchingExpression": map[string]any{
				"value": "claims['sub'] matches 'x:*'", "languageVersion": 1}}), told: access,
			other: map[string]seen{inDrift: {"federated-credential-changed",
				"drift sees what is there"}, inOperation: mends}, mended: []mending{
				{"by the PUT", func(p *patient, _ map[string]any) { p.put() }}}},
		{code: "over-privileged", how: "a reader may write, by a role at the account", order: func(p *patient) {
			p.spec["storage"].([]any)[0].(map[string]any)["access"] = "read"
		}, destroy: assign("Storage Blob Data Contributor", ""), told: access, other: map[string]seen{
			inDrift: {"", "it looks at the scopes of the spec, and not above"}, inOperation: {"", noPutNeeds}},
			mended: []mending{byHand("Look for further role assignments", removeOther)}},
		{code: "account-empty", how: "the account has lost its containers", order: func(p *patient) {
			delete(p.spec["storage"].([]any)[0].(map[string]any), "container")
		}, destroy: func(p *patient) {
			p.object("storageAccounts", p.account(), map[string]any{"containers": []any{}})
		}, told: access, other: map[string]seen{inDrift: {"", "the account is there"},
			inOperation: {"", noPutNeeds}}, mended: []mending{byHand("Create a container", func(p *patient) {
			p.object("storageAccounts", p.account(), map[string]any{"containers": []any{
				map[string]any{"name": "another"}}})
		})}},
		{code: "immutable-container", how: "the container is made immutable", destroy: func(p *patient) {
			p.object("storageAccounts", p.account(), map[string]any{"containers": []any{
				map[string]any{"name": "images", "immutable": true}}})
		}, told: access, other: map[string]seen{inDrift: {"", "Resource Manager is asked, and no blob"},
			inOperation: {"", noPutNeeds}}, mended: []mending{byHand("Nothing, if", func(p *patient) {
			p.object("storageAccounts", p.account(), map[string]any{"containers": []any{
				map[string]any{"name": "images"}}})
		})}},
	}
}

// managedAnswers are what Azure answers where a managed identity, or its credential, is to be made again.
func managedAnswers() []refusal {
	return []refusal{
		{code: "managed-identity-permission-missing", who: "operator", status: 403, says: "AuthorizationFailed"},
		{code: "managed-identity-policy-denied", who: "operator", status: 403, says: "RequestDisallowedByPolicy"},
		{code: "managed-identity-refused", who: "caller", status: 400, says: "BadRequest"},
		{code: "managed-credential-refused", who: "operator", status: 400, says: "BadRequest"},
		{code: "managed-identity-region-unsupported", who: "caller", status: 405, says: "MethodNotAllowed"},
		{code: "identity-provider-not-registered", who: "operator", status: 409,
			says: "MissingSubscriptionRegistration"},
		{code: "identity-group-not-found", who: "operator", status: 404, says: "ResourceGroupNotFound"},
	}
}

func managedAnswerRows() []row {
	var rows []row
	for _, r := range managedAnswers() {
		path, lost := `/userAssignedIdentities/[^/]*%s\?`, "identity-missing"
		ofCredential := r.code == "managed-credential-refused" || r.code == "managed-identity-region-unsupported"
		if ofCredential {
			path, lost = `/userAssignedIdentities/[^/]*%s/federatedIdentityCredentials/`,
				"federated-credential-missing"
		}
		rows = append(rows, row{code: r.code, how: "Azure answers " + r.says, order: managedKind,
			bed:       "managed answers",
			isPassing: true, destroy: func(p *patient) {
				kind, credential := p.credential()
				if ofCredential {
					p.object(kind, credential["id"].(string), nil)
				} else {
					p.object("userAssignedIdentities", str(p.document, "status.identity.resourceId"), nil)
				}
				p.disturb(r.asFault("^management", http.MethodPut, fmt.Sprintf(path, p.id)))
			}, told: []string{inOperation}, other: map[string]seen{inDrift: {lost, "a look makes nothing"},
				inTest: {unasked, noRefusal}, inHealth: {unasked, noRefusal}}, mended: []mending{r.passes(repeated)}})
	}
	return rows
}

// wiredSpec asks for the platform's side, under the patient's name.
func wiredSpec(p *patient) {
	p.spec["displayName"] = p.id
	p.spec["ddoe"] = map[string]any{"organizationId": dataloop.OrganizationID, "integration": true,
		"driver": map[string]any{"projectId": dataloop.ProjectID, "name": p.id}}
}

// platformRows are about the platform's side. Its objects are told by all looks: no access test proves anything of
// them.
func platformRows() []row {
	of := func(p *patient, kind string) map[string]any {
		id := p.document.at("status.ddoe." + kind + "Id")
		all, _ := p.control(http.MethodGet, "/world", nil).at("ddoe." + kind + "s").([]any)
		for _, one := range all {
			if at(one, "id") == id {
				return one.(map[string]any)
			}
		}
		p.t.Fatalf("the platform has no %s %v", kind, id)
		return nil
	}
	change := func(kind, member string, value any) func(*patient) {
		return func(p *patient) { p.change("ddoe."+kind+"s", of(p, kind), map[string]any{member: value}) }
	}
	remove := func(kind string) func(*patient) {
		return func(p *patient) { p.object("ddoe."+kind+"s", of(p, kind)["id"].(string), nil) }
	}
	var rows []row
	for _, c := range []struct {
		code, how string
		destroy   func(*patient)
	}{
		{"ddoe-driver-missing", "the driver is deleted", remove("driver")},
		{"ddoe-driver-renamed", "the driver is renamed", change("driver", "name", "theirs")},
		{"ddoe-integration-renamed", "the integration is renamed", change("integration", "name", "theirs")},
		{"ddoe-integration-missing", "integration and driver are deleted", func(p *patient) {
			remove("driver")(p)
			remove("integration")(p)
		}},
	} {
		rows = append(rows, row{code: c.code, how: c.how, order: wiredSpec, bed: "platform", destroy: c.destroy,
			told: looks, other: map[string]seen{inOperation: mends}, mended: []mending{byPut}})
	}
	return rows
}
