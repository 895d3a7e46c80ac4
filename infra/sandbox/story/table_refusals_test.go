package story

import (
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// refusal is what a service refuses with, and the code that it means.
type refusal struct {
	code, who string // what it means, and who mends it
	status    int
	says      string // the service's code
	headers   map[string]any
	body      any
	// passesByItself is true where the operation waits and tries again.
	passesByItself bool
}

// asFault has the patient's requests meet the refusal.
func (r refusal) asFault(host, method, path string) map[string]any {
	f := map[string]any{"match": map[string]any{"host": host, "method": method, "path": path}, "status": r.status,
		"code": r.says}
	if r.headers != nil {
		f["headers"] = r.headers
	}
	if r.body != nil {
		f["body"] = r.body
	}
	return f
}

// passes takes the fault away: who the remedy names has done what it says.
func (r refusal) passes(then func(*patient)) mending {
	return mending{"by " + r.who, func(p *patient, d map[string]any) {
		p.t.Helper()
		if at(d, "remedy.who") != r.who {
			p.t.Errorf("%s is for %v", r.code, at(d, "remedy.who"))
		}
		p.disturb()
		if then != nil {
			then(p)
		}
	}}
}

// repeated sends the PUT again.
func repeated(p *patient) {
	p.t.Helper()
	p.put()
}

// storageAnswers are what an account answers to the federated identity. Sources: package classify.
func storageAnswers() []refusal {
	return []refusal{
		{code: "account-being-created", who: "storage-admin", status: 403, says: "AccountBeingCreated"},
		{code: "account-disabled", who: "storage-admin", status: 403, says: "AccountIsDisabled"},
		{code: "account-operations-disabled", who: "storage-admin", status: 403,
			says: "InsufficientAccountPermissions"},
		{code: "container-being-deleted", who: "storage-admin", status: 409, says: "ContainerBeingDeleted"},
		{code: "container-disabled", who: "storage-admin", status: 409, says: "ContainerDisabled"},
		{code: "encryption-key-unavailable", who: "storage-admin", status: 403,
			says: "KeyVaultEncryptionKeyNotFound"},
		{code: "storage-token-refused", who: "operator", status: 401, says: "InvalidAuthenticationInfo"},
		{code: "storage-tenant-mismatch", who: "storage-admin", status: 401, says: "InvalidAuthenticationInfo",
			headers: map[string]any{"WWW-Authenticate": "Bearer authorization_uri=" +
				"https://login.microsoftonline.com/33333333-3333-4333-8333-333333333333/oauth2/authorize " +
				"resource_id=https://storage.azure.com"}},
		{code: "storage-request-anonymous", who: "operator", status: 401, says: "NoAuthenticationInformation"},
		{code: "storage-key-refused", who: "operator", status: 403, says: "KeyBasedAuthenticationNotPermitted"},
		{code: "storage-name-invalid", who: "caller", status: 400, says: "InvalidResourceName"},
		{code: "tls-version-refused", who: "operator", status: 400, says: "TlsVersionNotPermitted"},
		{code: "api-version-unsupported", who: "operator", status: 409, says: "FeatureVersionMismatch"},
		{code: "storage-unrecognised", who: "operator", status: 400, says: "NeverHeardOf"},
		{code: "storage-throttled", who: "operator", status: 503, says: "ServerBusy"},
		{code: "storage-unavailable", who: "operator", status: 500, says: "InternalError"},
		{code: "answer-not-from-service", who: "operator", status: 403, body: "<html>Blocked</html>",
			headers: map[string]any{"Content-Type": "text/html"}},
	}
}

func storageAnswerRows() []row {
	var rows []row
	for _, r := range storageAnswers() {
		rows = append(rows, row{code: r.code, how: "the account answers " + r.says, bed: "storage answers",
			isPassing: true, destroy: func(p *patient) { p.disturb(r.asFault("^"+p.account()+`\.`, "", "")) },
			told: access, other: map[string]seen{inDrift: {"", "Resource Manager is asked, and no blob"},
				inOperation: {"", noPutNeeds}}, mended: []mending{r.passes(nil)}})
	}
	return rows
}

// assignmentAnswers are what Resource Manager answers where the role is to be assigned. While a PUT is carried out
// nobody knows whether access was proved before: who names what is not there has to look at its name.
func assignmentAnswers() []refusal {
	return []refusal{
		{code: "policy-denied", who: "storage-admin", status: 403, says: "RequestDisallowedByPolicy"},
		{code: "role-assignment-limit", who: "storage-admin", status: 400, says: "RoleAssignmentLimitExceeded"},
		{code: "role-assignment-name-taken", who: "operator", status: 409, says: "RoleAssignmentUpdateNotPermitted"},
		{code: "role-definition-missing", who: "operator", status: 400, says: "RoleDefinitionDoesNotExist"},
		{code: "principal-type-mismatch", who: "operator", status: 400, says: "UnmatchedPrincipalType"},
		{code: "subscription-disabled", who: "storage-admin", status: 409, says: "ReadOnlyDisabledSubscription"},
		{code: "subscription-not-found", who: "caller", status: 404, says: "SubscriptionNotFound"},
		{code: "subscription-tenant-mismatch", who: "storage-admin", status: 401,
			says: "InvalidAuthenticationTokenTenant"},
		{code: "resource-group-not-found", who: "caller", status: 404, says: "ResourceGroupNotFound"},
		{code: "storage-account-not-found", who: "caller", status: 404, says: "ResourceNotFound"},
		{code: "arm-unrecognised", who: "operator", status: 400, says: "NeverHeardOf"},
		{passesByItself: true, code: "arm-unavailable", who: "operator", status: 500, says: "InternalServerError"},
		{passesByItself: true, code: "throttled", who: "operator", status: 429, says: "TooManyRequests"},
		{passesByItself: true, code: "principal-not-replicated", who: "operator", status: 400,
			says: "PrincipalNotFound"},
		{passesByItself: true, code: "linked-authorization-failed", who: "operator", status: 403,
			says: "LinkedAuthorizationFailed"},
	}
}

// assignmentRows have the assignment missing, and what the PUT meets that would put it back.
func assignmentRows() []row {
	remove := func(p *patient) { p.object("roleAssignments", p.assignment()["name"].(string), nil) }
	unassigned := seen{"role-missing", "a look assigns nothing"}
	shared := map[string]seen{inDrift: unassigned, inTest: unassigned, inHealth: unassigned}
	var rows []row
	for _, r := range assignmentAnswers() {
		bed := "assignment answers"
		if r.passesByItself {
			bed = "assignments that wait"
		}
		rows = append(rows, row{code: r.code, how: "Azure answers " + r.says, bed: bed,
			isPassing: true, destroy: func(p *patient) {
				remove(p)
				p.disturb(r.asFault("^management", http.MethodPut, "/"+p.account()+"/.*/roleAssignments/"))
			}, told: []string{inOperation}, other: shared, mended: []mending{r.passes(repeated)}})
	}
	for code, o := range map[string]struct {
		kind, words string
		object      map[string]any
	}{
		"deny-assignment": {"denyAssignments", "let the service's identity through", map[string]any{
			"actions": []string{"Microsoft.Authorization/roleAssignments/write"}}},
		"scope-locked": {"locks", "Remove the lock", map[string]any{"level": "ReadOnly"}},
	} {
		rows = append(rows, row{code: code, how: "there is one", bed: "assignment answers", destroy: func(p *patient) {
			remove(p)
			o.object["scope"] = p.accountID()
			p.object(o.kind, p.id, o.object)
		}, told: []string{inOperation}, other: shared,
			mended: []mending{byHand(o.words, func(p *patient) {
				p.object(o.kind, p.id, nil)
				p.put()
			})}})
	}
	return append(rows, row{code: "arm-permission-missing", how: "the account is in a group without the app's role",
		order: func(p *patient) { p.moveTo("elsewhere") }, isRefused: true, destroy: func(*patient) {},
		told: everywhere, mended: []mending{byHand("dataScopes", func(p *patient) {
			p.delegate("elsewhere")
			p.put()
		})}}, row{code: "arm-permission-missing", how: "its whole group is deleted", order: func(p *patient) {
		p.moveTo("deleted")
		p.delegate("deleted")
	}, destroy: func(p *patient) { p.deleteGroup("deleted") }, told: everywhere,
		mended: []mending{byHand("If its resource group is gone", func(p *patient) {
			p.moveTo("deleted")
			p.delegate("deleted")
			p.put()
		})}})
}

func groupID(name string) string {
	return "/subscriptions/" + world.SubscriptionID + "/resourceGroups/" + name
}

// moveTo has the spec name an account in a resource group of its own, which it makes.
func (p *patient) moveTo(group string) {
	p.t.Helper()
	id := groupID(group) + "/providers/Microsoft.Storage/storageAccounts/in" + group
	p.object("resourceGroups", groupID(group), map[string]any{"location": world.Location})
	p.object("storageAccounts", id, map[string]any{"containers": []any{map[string]any{"name": "images"}}})
	p.spec["storage"].([]any)[0].(map[string]any)["resourceId"] = id
}

// deleteGroup deletes a resource group. Azure deletes with it what is in it, and the roles that were assigned there.
func (p *patient) deleteGroup(name string) {
	p.t.Helper()
	p.object("resourceGroups", groupID(name), nil)
	role := p.find("roleAssignments", func(o map[string]any) bool {
		return o["scope"] == groupID(name) && o["principalId"] == world.AppPrincipalID
	})
	p.object("roleAssignments", role["name"].(string), nil)
	p.object("storageAccounts", groupID(name)+"/providers/Microsoft.Storage/storageAccounts/in"+name, nil)
}

// delegate gives the app its role in a resource group, as a deployment does.
func (p *patient) delegate(group string) {
	p.t.Helper()
	data := p.find("roleAssignments", func(o map[string]any) bool {
		return o["scope"] == world.DataResourceGroupID && o["principalId"] == world.AppPrincipalID
	})
	p.object("roleAssignments", uuid.NewString(), map[string]any{"principalId": world.AppPrincipalID,
		"scope": groupID(group), "roleDefinitionId": data["roleDefinitionId"], "condition": data["condition"],
		"conditionVersion": data["conditionVersion"]})
}

// managedRows are about managed identities alone.
func managedRows() []row {
	identity := func(p *patient) map[string]any {
		return p.find("userAssignedIdentities", with("id", p.document.at("status.identity.resourceId")))
	}
	anew := func(members ...string) func(*patient) {
		return func(p *patient) {
			old, now := identity(p), map[string]any{}
			p.object("userAssignedIdentities", old["id"].(string), nil)
			for _, m := range append(members, "location") {
				now[m] = old[m]
			}
			p.object("userAssignedIdentities", old["id"].(string), now)
		}
	}
	return []row{
		{code: "managed-identity-changed", how: "its tags are changed", order: managedKind,
			destroy: func(p *patient) {
				old := identity(p)
				p.object("userAssignedIdentities", old["id"].(string), map[string]any{"location": old["location"],
					"tags": map[string]any{"of": "somebody"}})
			}, told: []string{inDrift}, other: map[string]seen{inTest: {"", noAccess}, inHealth: {"", noAccess},
				inOperation: mends}, mended: []mending{byPut}},
		{code: "managed-identity-replaced", how: "it is deleted and made anew", order: managedKind,
			destroy: anew("tags"),
			told:    looks, other: map[string]seen{inOperation: mends}, mended: []mending{byPut}},
		{code: "managed-identity-foreign", how: "it is deleted, and somebody makes one of its name",
			order:   managedKind,
			destroy: anew(), told: everywhere,
			mended: []mending{byHand("delete that identity", func(p *patient) {
				p.object("userAssignedIdentities", identity(p)["id"].(string), nil)
				p.put()
			})}},
	}
}

// tokenAnswers are what Entra answers for a cause that the sandbox does not have otherwise. Sources: package classify.
func tokenAnswers() []refusal {
	var all []refusal
	for code, r := range map[string]refusal{
		"application-audience-unsupported": {who: "entra-admin", says: "70052"},
		"authority-invalid":                {who: "operator", says: "90019"},
		"cloud-mismatch":                   {who: "operator", says: "90038"},
		"conditional-access-blocked":       {who: "entra-admin", says: "53003"},
		"credential-ambiguous":             {who: "entra-admin", says: "700263"},
		"credential-audience-not-exchange": {who: "entra-admin", says: "700214"},
		"credential-not-effective":         {who: "entra-admin", says: "700213"},
		"entra-unrecognised":               {who: "operator", says: "999999"},
		"identity-not-effective":           {who: "entra-admin", says: "700016"},
		"federation-disabled":              {who: "entra-admin", says: "700223"},
		"issuer-keys-invalid":              {who: "ddoe-admin", says: "900612"},
		"issuer-not-allowed":               {who: "entra-admin", says: "700238"},
		"issuer-unreachable":               {who: "ddoe-admin", says: "501661"},
		"scope-invalid":                    {who: "operator", says: "500011"},
		"secret-path-taken":                {who: "operator", says: "7000215"},
		"signing-key-unknown":              {who: "ddoe-admin", says: "7000272"},
		"tenant-blocked":                   {who: "entra-admin", says: "5000225"},
		"tenant-unknown":                   {who: "entra-admin", says: "90002"},
	} {
		r.code, r.status = code, http.StatusBadRequest
		all = append(all, r)
	}
	all = append(all, refusal{code: "entra-throttled", who: "operator", status: 429, says: "temporarily_unavailable"},
		refusal{code: "entra-unavailable", who: "operator", status: 503, says: "temporarily_unavailable"})
	slices.SortFunc(all, func(a, b refusal) int { return strings.Compare(a.code, b.code) })
	return all
}

// directoryAnswers are what Graph answers where the application is changed.
func directoryAnswers() []refusal {
	return []refusal{
		{code: "directory-quota-exceeded", who: "entra-admin", status: 403, says: "Directory_QuotaExceeded"},
		{code: "sign-in-audience-refused", who: "entra-admin", status: 400, says: "Error_MsaAppDoesNotExist"},
		{code: "service-management-reference-required", who: "entra-admin", status: 400,
			says: "ServiceTreeNullValueProvided"},
		{code: "graph-request-refused", who: "operator", status: 400, says: "Request_BadRequest"},
		{code: "graph-unrecognised", who: "operator", status: 418, says: "NeverHeardOf"},
		{code: "graph-unavailable", who: "operator", status: 503, says: "ServiceUnavailable"},
		{code: "directory-busy", who: "operator", status: 409, says: "Directory_ConcurrencyViolation"},
		{code: "service-token-refused", who: "operator", status: 401, says: "InvalidAuthenticationToken"},
	}
}

// refusalRows are about requests that do not show whose they are: all integrations would suffer.
func refusalRows() []row {
	var rows []row
	for _, r := range tokenAnswers() {
		rows = append(rows, row{code: r.code, how: "Entra answers " + r.says, isPassing: true,
			destroy: func(p *patient) { p.disturb(r.asFault(`^login\.`, http.MethodPost, "")) }, told: access,
			other: map[string]seen{inDrift: {"", "the app's own tokens come another way"},
				inOperation: {"", noPutNeeds}}, mended: []mending{r.passes(nil)}})
	}
	for _, r := range directoryAnswers() {
		rows = append(rows, row{code: r.code, how: "Graph answers " + r.says, isPassing: true,
			destroy: func(p *patient) {
				p.change("applications", p.application(), map[string]any{"displayName": "theirs " + uuid.NewString()})
				p.disturb(r.asFault(`^graph\.`, "PATCH", "/applications"))
			}, told: []string{inOperation}, other: map[string]seen{
				inDrift: {"application-changed", "a look changes nothing"}, inTest: {"", noAccess},
				inHealth: {"", noAccess}}, mended: []mending{r.passes(repeated)}})
	}
	return rows
}
