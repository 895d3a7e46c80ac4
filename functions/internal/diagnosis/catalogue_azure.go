package diagnosis

import (
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/words"
)

// grantCommand assigns the missing role, to the service principal and no wider than the scope, under the name that the
// app gives the assignment: drift, health and teardown look for that one, and would never know one under a name of
// az's choice.
const grantCommand = "az role assignment create --name {assignment} --assignee-object-id {principalId} " +
	"--assignee-principal-type ServicePrincipal --role {role} --scope {scope}"

// notByHand is the step where a person could make what the app then may not touch. Source:
// Application.ReadWrite.OwnedBy covers only the service principals that the app owns, and who makes one owns it.
const notByHand = "Do not make it by hand: the app owns only what it makes, and may not change or delete what a " +
	"person has made."

// orByHand is the step in the place of the PUT, where the command does what it would do.
const orByHand = "Or have whoever looks after the identity run the command."

// waitForIt and sendAgain are what to do about a service that is down for a while: an operation repeats its requests,
// and nobody repeats a report or a test.
const (
	waitForIt = "Wait: the service tries again by itself."
	sendAgain = "If the operation has ended, or a test or a report was asked for, send the request again."

	maybeWritten = "The write may or may not have landed, and is safe to repeat."
)

// upstream is an entry about an answer of Graph, ARM or Storage.
func upstream(code Code, who Who, title, cause string, steps ...string) Entry {
	return Entry{Code: code, Title: title, Cause: cause, Who: who, Steps: steps, Layer: "structure"}
}

// directoryEntries are what Microsoft Graph answers while the objects in Entra are written.
func directoryEntries() []Entry {
	return slices.Concat(permissionEntries(), directoryObjectEntries())
}

// permissionEntries are about what the service may do in the directory, and about what its policies allow.
func permissionEntries() []Entry {
	return []Entry{
		{Code: CodeServiceBusPermissionMissing, Title: "The app may not send to a queue or topic", Who: WhoOperator,
			Layer: "structure",
			Cause: "Service Bus refuses the app a link to {entity}: its identity has no right to send there.",
			Steps: []string{"Grant the app's identity the role Azure Service Bus Data Sender on {entity}.",
				"Where ServiceBusConnection is a connection string, use the key of a rule that may send.",
				"Service Bus may need some minutes until it obeys."},
			Command: "az role assignment create --assignee-object-id {appPrincipalId} --assignee-principal-type " +
				"ServicePrincipal --role \"Azure Service Bus Data Sender\" --scope $(az resource list --name " +
				"{namespace} --resource-type Microsoft.ServiceBus/namespaces --query [0].id --output tsv)/{entity}"},
		upstream(CodeGraphPermissionMissing, WhoEntraAdmin, "The service lacks a right in the directory",
			"Graph refused for want of a permission. The service's identity needs Application.ReadWrite.OwnedBy, "+
				"granted by an administrator.",
			"Grant the app role to the service's identity (infra/graph.bicep does it).",
			"If it has it, somebody else has made the object in the operation's failed step, and the app may change "+
				"only what it owns: delete that object, then "+PutAgain+".").Writing(),
		upstream(CodeServiceTokenRefused, WhoOperator, "The service's own token was refused",
			"Graph or Azure did not accept the token of the service's own identity.",
			"Check AZURE_CLIENT_ID, AZURE_CLOUD and that the service's identity exists."),
		upstream(CodeServiceIdentityUnavailable, WhoOperator, "The service has no identity",
			"The service could not get a token for its own identity.",
			"Check that the service's identity is assigned to the app and that AZURE_CLIENT_ID names it.").Undecided(),
		upstream(CodeGraphRequestRefused, WhoOperator, "The directory refused the request",
			"Graph calls the request invalid.",
			"Look at the evidence; give the request id to Microsoft if it stays.").Stating("For an application " +
			"the commonest cause is a unique name that a deleted application still holds."),
		upstream(CodeDirectoryQuotaExceeded, WhoEntraAdmin, "The directory's quota is used up",
			"The tenant, or the service's identity, may not create further objects.",
			"Purge deleted applications that are not needed, or have the quota raised."),
		upstream(CodeSignInAudienceRefused, WhoEntraAdmin, "The sign-in audience is not allowed",
			"The application's signInAudience is refused by the directory or an app management policy.",
			"Allow single-tenant applications (AzureADMyOrg) for the service's identity."),
		upstream(CodeServiceManagementReferenceRequired, WhoEntraAdmin,
			"The tenant demands a service management reference",
			"A tenant policy asks for serviceManagementReference on each application.",
			"Exempt the service's identity from the policy, or have the reference supported."),
		upstream(CodeThrottled, WhoOperator, "The rate of requests is limited",
			"The service was asked too often and refused this request.", waitForIt, sendAgain).Waiting().Undecided(),
		upstream(CodeGraphUnavailable, WhoOperator, "Microsoft Graph is temporarily unavailable",
			"Microsoft Graph failed.", waitForIt, sendAgain).Waiting().Undecided().Stating(maybeWritten),
		upstream(CodeGraphUnrecognised, WhoOperator, "Microsoft Graph refused for an unrecognised reason",
			"Microsoft Graph answered with a code that the catalogue does not know.",
			"Look at the evidence, and give the request id to Microsoft.").Inconclusive(),
	}
}

// directoryObjectEntries are about the objects themselves.
func directoryObjectEntries() []Entry {
	return []Entry{
		upstream(CodeUniqueNameTaken, WhoEntraAdmin, "The application's unique name is taken",
			"An application, deleted or foreign, holds the unique name of this integration; a deleted one holds it "+
				"for 30 days.",
			"Restore or purge the deleted application, or choose another integration id.").With(
			"az rest --method get --url " +
				"https://graph.microsoft.com/v1.0/directory/deletedItems/microsoft.graph.application"),
		upstream(CodeApplicationForeign, WhoEntraAdmin, "The application is not ours",
			"An application has this integration's unique name, but not our ownership mark; it is left alone.",
			"Choose another integration id, or remove that application."),
		upstream(CodeObjectStillThere, WhoOperator, "An object is still there after its deletion was answered",
			"A deletion was answered, and reads go on showing the object: the service's replicas may not "+
				"have agreed yet.",
			"Wait: the service deletes and looks again by itself.").Waiting().Retryable(),
		upstream(CodeDirectoryNotReplicated, WhoOperator, "The directory has not caught up yet",
			"An object that was written a moment ago is not visible everywhere in the directory.",
			"Wait some minutes; the service tries again by itself.").Waiting().Propagating(),
		upstream(CodeDirectoryBusy, WhoOperator, "Two writers met in the directory",
			"The directory refused one of two writes to the same object.",
			"Nothing: the service tries again by itself.").Waiting().Retryable(),
		upstream(CodeObjectAlreadyExists, WhoOperator, "The object exists already",
			"An object with the same key exists under another id.",
			"Nothing if the service adopts it; otherwise remove the other object."),
		upstream(CodeFederatedCredentialRefused, WhoIdentityAdmin, "The federated credential is refused",
			"Issuer and subject are used by another credential of the identity, or a tenant policy does not "+
				"allow the issuer.",
			"List the identity's credentials and remove the foreign one; else ask for the issuer {issuer} "+
				"to be allowed. Then send the PUT again.").With(words.ListCredentials),
		upstream(CodeFederatedCredentialLimit, WhoIdentityAdmin, "The identity has too many federated credentials",
			"An identity holds at most 20 federated identity credentials.",
			"Remove credentials that are not needed, or spread the subjects over several integrations.").With(
			words.ListCredentials),
		upstream(CodeObjectNotFound, WhoOperator, "The object does not exist",
			"The directory does not know the object that was asked for.").Repairable(),
	}
}

// roleEntries are what Azure Resource Manager answers.
func roleEntries() []Entry { return slices.Concat(assignmentEntries(), scopeEntries()) }

// assignmentEntries are about the role assignment itself.
func assignmentEntries() []Entry {
	return []Entry{
		upstream(CodeARMPermissionMissing, WhoOperator, "The service may not assign roles here",
			"Azure refused: the service's identity may not write role assignments at this scope, or a condition "+
				"restricts which roles it may grant.",
			"Add the account's resource group to dataScopes and deploy again.",
			"Or have an administrator of the storage account grant the service's identity Role Based Access Control "+
				"Administrator there, restricted to the blob data roles.",
			"Or if the service may at least read role assignments there, have that administrator assign the "+
				"integration's role by hand, as the command does, and repeat the PUT. Each further role takes this "+
				"again.").Making().With(grantCommand).
			WhereLost(WhoOperator, "Azure refused the service's identity, which had its role there before. The "+
				"role was taken away, or the account's resource group was deleted, and the role with it. Azure "+
				"answers both alike to who has no other role there (github.com/Azure/azure-powershell issue 12115).",
				"See whether the storage account {accountId} is still there.",
				"If it is, deploy again: that gives the service's identity its role at the groups of dataScopes.",
				"If its resource group is gone, have the caller take it out of the spec, or DELETE the integration. "+
					"One that is made anew takes a deployment, and then the PUT."),
		upstream(CodePrincipalNotReplicated, WhoOperator, "Azure does not see the service principal yet",
			"A service principal that was created a moment ago is not known to Azure's role-based access control.",
			"Wait some minutes; the service tries again by itself.").Waiting().Propagating(),
		upstream(CodePrincipalTypeMismatch, WhoOperator, "The principal is of another type",
			"The principal id does not belong to a service principal: another object's id may have been used.",
			"Use the object id of the service principal.").With("az ad sp show --id {clientId} --query id"),
		upstream(CodeRoleAssignmentExists, WhoOperator, "The role is assigned already",
			"The same role is assigned to the principal at this scope under another name.",
			"Nothing: the service adopts it."),
		upstream(CodeRoleAssignmentNameTaken, WhoOperator, "The assignment's name is used otherwise",
			"A role assignment of that name exists for another principal, role or scope and cannot be changed "+
				"into this one.",
			"Delete the stale assignment, and PUT the spec again.").With("az role assignment list --scope " +
			"{scope} -o table"),
		upstream(CodeRoleAssignmentNameConflict, WhoCaller, "The assignment's name clashes",
			"Azure derives the same internal key from two assignment names.",
			"PUT the spec again; the service chooses another name."),
		upstream(CodeRoleDefinitionMissing, WhoOperator, "The role does not exist",
			"The role definition is not known at this scope.", "Check AZURE_CLOUD; built-in roles exist everywhere."),
		upstream(CodeRoleAssignmentLimit, WhoStorageAdmin, "The subscription has too many role assignments",
			"The subscription's limit of role assignments is reached.",
			"Remove assignments of deleted principals, or grant the account instead of single containers.").With(
			"az role assignment list --scope {scope} -o table"),
		upstream(CodeLinkedAuthorizationFailed, WhoOperator, "Azure has not caught up across tenants",
			"Azure could not authorise a linked object yet.",
			"Wait some minutes; the service tries again by itself.").Waiting().Propagating(),
	}
}

// denyCommand lists the deny assignments that bind an account. Older versions of az have no command of its own for it.
const denyCommand = "az rest --method get --url {accountId}/providers/Microsoft.Authorization/denyAssignments " +
	"--url-parameters api-version=2022-04-01"

// scopeEntries are about the scope that the role is assigned at, and about Azure Resource Manager.
func scopeEntries() []Entry {
	return []Entry{
		upstream(CodeDenyAssignment, WhoStorageAdmin, "A deny assignment forbids the change",
			"A deny assignment on the account, group or subscription forbids it, whatever roles allow. Deployment "+
				"stacks and Azure itself make them. Azure's words name it, and its scope.",
			"Have whoever made it let the service's identity through. The command shows it to who may read it.",
			"Then repeat the PUT.").With(denyCommand),
		upstream(CodeScopeLocked, WhoStorageAdmin, "A lock forbids the change",
			"A resource lock on the account, group or subscription forbids writing or deleting role assignments.",
			"Remove the lock for the time of the change.").With("az lock list --resource {accountId}"),
		upstream(CodePolicyDenied, WhoStorageAdmin, "An Azure policy forbids the change",
			"An Azure Policy assignment denies the request.",
			"Exempt the scope from the policy, or assign the role by hand."),
		upstream(CodeSubscriptionDisabled, WhoStorageAdmin, "The subscription is disabled",
			"The subscription is read-only or disabled, mostly for billing reasons.",
			"Enable the subscription.").Making(),
		goneEntry(CodeStorageAccountNotFound, "storage account"),
		goneEntry(CodeResourceGroupNotFound, "resource group"),
		upstream(CodeSubscriptionNotFound, WhoCaller, "The subscription does not exist",
			"Azure knows no such subscription, or the service's identity may not see it.",
			"Correct the resource id. The subscription has to be in the service's tenant.", PutAgain+".").
			WhereLost(WhoStorageAdmin, "Azure knows no such subscription any more, or the service's identity may not "+
				"see it: it was there when access was made.",
				"See whether the subscription is still there, in this tenant, and whether the service's identity may "+
					"read in it.", "When that is mended, "+PutAgain+"."),
		upstream(CodeSubscriptionTenantMismatch, WhoStorageAdmin, "The subscription belongs to another tenant",
			"The subscription trusts another tenant, so neither the service nor the federated identity can reach it.",
			"Use a deployment in the subscription's tenant."),
		upstream(CodeARMUnavailable, WhoOperator, "Azure Resource Manager is temporarily unavailable",
			"Azure Resource Manager failed.", waitForIt, sendAgain).Waiting().Undecided().Stating(maybeWritten),
		upstream(CodeARMUnrecognised, WhoOperator, "Azure refused for an unrecognised reason",
			"Azure Resource Manager answered with a code that the catalogue does not know.",
			"Look at the evidence, and give the request id to Microsoft.").Inconclusive(),
	}
}

// goneEntry is about a storage account, or its resource group, that is not there. Role assignments go with what they
// are at. What Azure recovers: https://learn.microsoft.com/azure/storage/common/storage-account-recover.
func goneEntry(code Code, what string) Entry {
	return upstream(code, WhoCaller, "The "+what+" does not exist",
		"Azure knows no "+what+" as the resource id {accountId} names it. The id in the spec is wrong, or the "+what+
			" was deleted or moved.",
		"Correct the resource id. The command lists the accounts of the subscription.",
		"Or have an administrator of the subscription bring the "+what+" back under this name.",
		PutAgain+": roles that were assigned there went with it.").
		WhereLost(WhoStorageAdmin,
			"The "+what+" of {accountId} was there when access was made, and is no more: somebody has deleted "+
				"or moved it. The roles that were assigned there went with it.",
			"Bring the "+what+" back under the same resource id, with its containers. For 14 days Azure may recover "+
				"a deleted storage account.",
			"Or if it stays away, have the caller take it out of the spec, or DELETE the integration.",
			"When it is back, "+PutAgain+": that assigns the role anew.").
		With("az storage account list --subscription {accountSubscription} --query '[].id' -o tsv")
}
