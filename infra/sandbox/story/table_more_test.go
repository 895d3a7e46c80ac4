package story

import (
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/google/uuid"
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
		}, told: looks, other: map[string]seen{inOperation: mends},
			mended: []mending{byHand("delete the assignment and repeat the PUT", func(p *patient) {
				p.object("roleAssignments", p.assignment()["name"].(string), nil) // Azure changes no role of one
				p.put()
			})}},
		{code: "role-assignment-conditioned", how: "it has a condition that lets nothing through", bed: "beside",
			destroy: changeAssignment(map[string]any{"condition": strings.Replace(fits, "images", "others", 1),
				"conditionVersion": "2.0"}), told: looks, other: map[string]seen{inOperation: {"", noPutNeeds}},
			mended: []mending{byHand("remove the condition", changeAssignment(map[string]any{"condition": "",
				"conditionVersion": ""}))}},
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
		{code: "federated-credential-changed", how: "it is made a flexible one", bed: "beside",
			destroy: changeCredential(map[string]any{"subject": "", "claimsMatchingExpression": map[string]any{
				"value": "claims['sub'] matches 'x:*'", "languageVersion": 1}}), told: looks,
			other: map[string]seen{inOperation: mends}, mended: []mending{byPut}},
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
		{code: "identity-provider-not-registered", who: "operator", status: 409,
			says: "MissingSubscriptionRegistration"},
		{code: "identity-group-not-found", who: "operator", status: 404, says: "ResourceGroupNotFound"},
		{code: "managed-credential-refused", who: "operator", status: 400, says: "BadRequest"},
		{code: "managed-identity-region-unsupported", who: "caller", status: 405, says: "MethodNotAllowed"},
	}
}

// isOfCredential reports whether an answer is about the credential, and not about the identity.
func isOfCredential(r refusal) bool {
	return r.code == "managed-credential-refused" || r.code == "managed-identity-region-unsupported"
}

func managedAnswerRows() []row {
	var rows []row
	for i, r := range managedAnswers() {
		path, lost := `/userAssignedIdentities/[^/]*%s\?`, "identity-missing"
		if isOfCredential(r) {
			path, lost = `/userAssignedIdentities/[^/]*%s/federatedIdentityCredentials/`,
				"federated-credential-missing"
		}
		rows = append(rows, row{code: r.code, how: "Azure answers " + r.says, order: managedKind,
			bed: fmt.Sprint("managed answers ", i/2), isPassing: true, destroy: func(p *patient) {
				kind, id := "userAssignedIdentities", str(p.document, "status.identity.resourceId")
				if isOfCredential(r) {
					kind, id = credentials(p.document), str(p.document, "status.federatedCredentials.0.id")
				}
				p.object(kind, id, nil)
				p.disturb(r.asFault("^management", http.MethodPut, fmt.Sprintf(path, p.id)))
			}, told: []string{inOperation}, other: map[string]seen{inDrift: {lost, makesNothing},
				inTest: {lost, makesNothing}, inHealth: {lost, makesNothing}}, mended: []mending{r.passes(repeated)}})
	}
	return rows
}
