package diagnosis

// discoveryEntries are what a look finds that needs no credential: at what the internet tells of a file's tenant, its
// issuer and its storage.
func discoveryEntries() []Entry {
	entry := func(code Code, who Who, title, cause string, steps ...string) Entry {
		return Entry{Code: code, Title: title, Cause: cause, Who: who, Steps: steps, Layer: "discovery"}
	}
	return []Entry{
		entry(CodeIssuerDocumentInvalid, WhoDDOEAdmin, "The issuer's discovery document is not fit for Entra",
			"Entra reads {issuer}/.well-known/openid-configuration before it takes a token, and refuses what it "+
				"cannot use.",
			"Correct {target}, as the detail tells."),
		entry(CodeIssuerDocumentUnusual, WhoDDOEAdmin, "The issuer's discovery document is unusual",
			"The document breaks a rule of OpenID Connect Discovery. Whether Entra minds is not documented.",
			"Correct {target}, as the detail tells.").Warning(),
		entry(CodeIssuerKeyUnusable, WhoDDOEAdmin, "Not all of the issuer's keys are fit for Entra",
			"Entra refuses a token that is signed with such a key; others are fit.",
			"Correct or remove the key that the detail names.").Warning(),
		entry(CodeIssuerUnavailable, WhoDDOEAdmin, "The issuer is temporarily unavailable",
			"The issuer answered with a fault of its own; nothing is known about its documents.",
			"Test again; if it stays, see why the issuer does not answer.").Undecided(),
		entry(CodeHostNotAllowed, WhoOperator, "The service does not contact this host",
			"{target} is not on the list of hosts that the service contacts for what callers send it, so nothing is "+
				"known about it.",
			"If the service may contact the host, by https and port 443, add it to ISSUER_ALLOWLIST, or the domain "+
				"of a storage account to STORAGE_SUFFIX_ALLOWLIST.").Inconclusive(),
		entry(CodeAddressNotPublic, WhoOperator, "The name leads to no public address",
			"{target} resolves to an address of a private or special network as seen from here, and the service does "+
				"not contact such for what callers send it.",
			"Look what the name resolves to in the network of this service: a private DNS zone or endpoint may "+
				"answer there. Entra itself sees public addresses only.").Inconclusive(),
		entry(CodeContainerPublic, WhoStorageAdmin, "Everybody can read the container",
			"Storage showed the container to a request without any token.",
			"Set the container's access level to private, or allowBlobPublicAccess of the account to false, unless "+
				"it is meant.").With("az storage account show --name {account} --query " +
			"allowBlobPublicAccess").Warning(),
	}
}
