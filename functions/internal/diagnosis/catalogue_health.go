package diagnosis

import "github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/words"

// structureEntries are what a look at Entra and Azure finds changed since it was made.
func structureEntries() []Entry {
	return []Entry{
		upstream(CodeApplicationReplaced, WhoEntraAdmin, "The application is another one",
			"The application under this integration's unique name has another client id than the one that was made, "+
				"so credential files that were handed out do not work.",
			"Then upload the new credential file to the platform.").Repairable().With(words.ShowApplication),
		upstream(CodeApplicationChanged, WhoEntraAdmin, "The application was changed",
			"Name, audience or marks are not what was made. Access does not depend on them.").Repairable().Warning(),
		upstream(CodeLoginCredentialExtra, WhoEntraAdmin, "Somebody has added a secret or a certificate",
			"Whoever has it gets tokens as this identity, without the platform. This service makes and removes none.",
			"Remove it from the application or service principal, unless it is meant.").Warning(),
		upstream(CodeServicePrincipalReplaced, WhoEntraAdmin, "The service principal is another one",
			"The service principal was deleted and made anew. Role assignments name the old one and do not count "+
				"for the new one.").Repairable().With("az ad sp show --id {clientId} --query id"),
		upstream(CodeFederatedCredentialChanged, WhoIdentityAdmin, "The federated credential was changed",
			"Issuer, subject or audience of the federated credential is not what was made; Entra compares them "+
				"byte for byte.", orByHand).Making().Repairable().With(words.ChangeCredential),
		upstream(CodeRoleAssignmentConditioned, WhoStorageAdmin, "A condition narrows the role assignment",
			"Somebody has put a condition on the role assignment. It counts, and it is kept: the service changes "+
				"only what it has set itself.",
			"Nothing, if the condition is meant; an access test says whether the integration still has what it needs.",
			"Else remove the condition from the role assignment.").Warning(),
		upstream(CodeRoleAssignmentChanged, WhoStorageAdmin, "The role assignment is another one",
			"A role assignment of this name exists, but with another role, scope or principal.",
			"If it stays, delete the assignment and repeat the PUT.").Repairable().With("az role assignment list " +
			"--scope {scope} -o table"),
	}
}
