package diagnosis

// structureEntries are what a look at Entra and Azure finds changed since it was made.
func structureEntries() []Entry {
	return []Entry{
		upstream("application-replaced", WhoEntraAdmin, "The application is another one",
			"The application under this integration's unique name has another client id than the one that was made, so credential files that were handed out do not work.",
			"Then upload the new credential file to the platform.").repairable().with("az ad app show --id {clientId}"),
		upstream("service-principal-replaced", WhoEntraAdmin, "The service principal is another one",
			"The service principal was deleted and made anew. Role assignments name the old one and do not count for the new one.").repairable().with("az ad sp show --id {clientId} --query id"),
		upstream("service-principal-disabled", WhoEntraAdmin, "The service principal is disabled",
			"Somebody has switched sign-in off for the service principal; Entra issues it no tokens.",
			"Or enable the service principal.").repairable().with("az ad sp update --id {clientId} --set accountEnabled=true"),
		upstream("federated-credential-missing", WhoEntraAdmin, "The federated credential does not exist",
			"The application has no federated credential for the subject {subject} any more, so Entra refuses the platform's tokens.").repairable().with(createCredential),
		upstream("federated-credential-changed", WhoEntraAdmin, "The federated credential was changed",
			"Issuer, subject or audience of the federated credential is not what was made; Entra compares them byte for byte.").repairable().with(changeCredential),
		upstream("role-assignment-changed", WhoStorageAdmin, "The role assignment is another one",
			"A role assignment of this name exists, but with another role, scope or principal.",
			"If it stays, delete the assignment and repeat the PUT.").repairable().with("az role assignment list --scope {scope} -o table"),
	}
}
