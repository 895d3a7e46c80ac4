package diagnosis

import (
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/words"
)

// foundEntries are about what somebody else has made: nothing of ours puts it right.
func foundEntries() []Entry { return slices.Concat(lookEntries(), importEntries(), idleEntries()) }

// importEntries are about integrations that were imported.
func importEntries() []Entry {
	return []Entry{
		{Code: CodeNotAllowed, Title: "The policy does not allow that", Who: WhoCaller,
			Cause: "No grant of the setting POLICY, or of its default, lets you ask for what the findings name.",
			Steps: []string{"Ask for what a finding says is allowed.",
				"Or have the operator change the setting POLICY; GET /api/policy shows it to administrators."}},
		{Code: CodeSubjectBound, Title: "Another owner's integration has the subject", Who: WhoCaller,
			Cause: "A service with identities of two owners could be led to use the wrong one with its own token.",
			Steps: []string{"Use another service, or its owner's integration.",
				"Where both are meant, have an administrator send the request.",
				"Where the other integration has just given it up, send the request again after ten minutes."}},
		{Code: CodeIdentityBound, Title: "Another integration has the identity", Who: WhoCaller,
			Cause: "An integration stands for one identity, and another one has the client id of the file.",
			Steps: []string{"Use the integration that the detail names, or DELETE that one first."}},
		{Code: CodeIntegrationUnmanaged, Title: "The integration is not managed", Who: WhoCaller,
			Cause: "It was imported: somebody else has made what it consists of, and the service only looks.",
			Steps: []string{"Change it where it was made; the checks show what it is then.",
				"To describe it otherwise: DELETE it, which touches nothing, and import it again.",
				"To have the service manage it from now on: POST /api/integrations/{id}/manage; ?dryRun=true shows " +
					"first what that would change."}},
		{Code: CodeApplicationNotOwned, Title: "The service does not own the application", Who: WhoEntraAdmin,
			Layer: "structure",
			Cause: "Somebody else has made the application with its service principal, and the service may change " +
				"only what it owns.",
			Steps: []string{
				"Make the service's identity an owner of both by the command, as an owner or an administrator.",
				"Then send the request again."},
			Command: "az ad app owner add --id {clientId} --owner-object-id {appPrincipalId} && az rest " +
				"--method post --url https://graph.microsoft.com/v1.0/servicePrincipals/{principalId}/owners/\\$ref --body " +
				"{ownerReference}"},
	}
}

// idleEntries are about what a look has found in place, and a service refuses all the same.
func idleEntries() []Entry {
	return []Entry{
		exchange(CodeIdentityNotEffective, nil, WhoIdentityAdmin, "Entra does not act on the identity",
			"The identity was looked at, and is there. Entra's token service refuses it as if it were not: what is "+
				"new takes some minutes to act, at times longer.",
			"Wait some minutes, then test again. There is nothing to make.",
			"If Entra still refuses after an hour, give the correlation id of the evidence to Microsoft's support.").
			Propagating(),
		exchange(CodeCredentialNotEffective, nil, WhoIdentityAdmin, "Entra does not act on the federated credential",
			"The identity has a federated credential with exactly this issuer, subject and audience. Entra's token "+
				"service refuses the token as if it had none: what is new takes some minutes to act, at times longer.",
			"Wait some minutes, then test again.",
			"If Entra still refuses after half an hour, delete the credential by the command, and then "+PutAgain+
				". That makes it anew.").
			With(words.DeleteCredential).Propagating(),
		data(CodeRoleNotEffective, WhoStorageAdmin, "The role is assigned, and Storage refuses all the same",
			"The identity has {role} at {scope}, without a condition. It takes up to 10 minutes until a role counts. "+
				"A deny assignment refuses whatever roles allow.",
			"Wait up to 10 minutes after the last change, then test again.",
			"If Storage still refuses, look for a deny assignment by the command, and have whoever made it let the "+
				"identity through.").On("list").With(denyCommand).Propagating(),
	}
}

// lookEntries are what a look finds.
func lookEntries() []Entry {
	return []Entry{
		upstream(CodeClientIDIsObjectID, WhoUploader, "The client id is an object id",
			"The tenant knows the value as an object id, of an application or a service principal. Tokens are asked "+
				"for with the application's client id.",
			"Copy Application (client) ID from the overview of the app registration into clientId."),
		upstream(CodeFederatedCredentialDiffers, WhoIdentityAdmin, "No federated credential equals the file",
			"Entra compares issuer, subject and audience byte for byte; the nearest credential of the identity is "+
				"another one.",
			"Correct the credential by the command, or the file: whichever is not what the "+
				"platform's tokens say.").
			With(words.ChangeCredential),
		upstream(CodeCredentialFlexibleUndecided, WhoIdentityAdmin, "A flexible credential may let the subject in",
			"The expression of the credential asks for claims that the file does not tell.",
			"Compare the expression with a token of the platform. An access test tells for certain.").With(
			words.CompareCredentials).Inconclusive(),
		upstream(CodeRoleWithoutDataRights, WhoStorageAdmin, "The role manages, and gives no access to blobs",
			"The identity has a role at this scope that is about the account itself. Blobs take a role with data "+
				"rights.",
			"Assign {role} by the command, no wider than the scope.").Making().With(grantCommand),
		upstream(CodeRoleNotKnown, WhoStorageAdmin, "It is not known what the role gives",
			"The identity has a role at this scope that is none of Azure's own for blobs; this service does not "+
				"read what custom roles give.",
			"Look whether its dataActions hold what the identity needs. An access test tells for certain.").With(
			"az role definition list --custom-role-only true").Inconclusive(),
		upstream(CodeNetworkRulesRestrict, WhoStorageAdmin, "The account's network rules let in some alone",
			"The storage account does not take requests from everywhere. Whether the platform is let in cannot be "+
				"seen from here.",
			"See that the platform's egress addresses are among the rules.").With(
			"az storage account show --name {account} --query networkRuleSet").Warning(),
		upstream(CodeDirectoryNotReadable, WhoIdentityAdmin, "The service may not see this in the directory",
			"Graph refused the look for want of a permission, so nothing is known about it.",
			"Whoever looks after the identity sees it by the command.",
			"For the service to see it, grant its identity the app role Application.Read.All of Microsoft Graph.").
			With(words.ShowApplication).Inconclusive(),
		upstream(CodeIdentityNotSeen, WhoIdentityAdmin, "The service does not see this identity",
			"The service looks for identities in the resource group of its own. What is elsewhere is seen in the "+
				"directory alone, if the service may, so nothing is known about it.",
			"Whoever looks after the identity sees it by the command.",
			"For the service to see it, keep it in the resource group that IDENTITY_RESOURCE_GROUP names, or have "+
				"the operator set another DEFAULT_IDENTITY, which takes a right in the directory.").
			With("az ad sp show --id {clientId} --query id").Inconclusive(),
		upstream(CodeStorageNotReadable, WhoStorageAdmin, "The service may not see this in Azure",
			"Azure refused the look for want of a right, so nothing is known about it.",
			"Whoever may read role assignments there sees it by the command.",
			"For the service to see it, have the operator add the account's resource group to dataScopes and "+
				"deploy again.").With("az role assignment list --assignee {clientId} --scope {accountId} " +
			"--include-inherited --include-groups -o table").Inconclusive(),
		upstream(CodeTenantNotSeen, WhoOperator, "The service does not see the file's tenant",
			"The service sees identities and roles of its own tenant alone, so nothing is known about those of "+
				"the file.",
			"Ask a deployment of the service in that tenant.").Inconclusive(),
	}
}
