package diagnosis

import "slices"

// data is an entry about an answer of the blob service to the federated identity.
func data(code Code, who Who, title, cause string, steps ...string) Entry {
	return Entry{Code: code, Title: title, Cause: cause, Who: who, Steps: steps, Layer: "network"}
}

// storageEntries are the answers of the blob service.
func storageEntries() []Entry {
	return slices.Concat(rightEntries(), blobEntries(), accountEntries())
}

// rightEntries are about who asks, by what right and from where.
func rightEntries() []Entry {
	return []Entry{
		data(CodeRoleMissing, WhoStorageAdmin, "No role grants the identity this action",
			"The identity does not have the role {role} at {scope}. Roles such as Owner or Contributor carry no data "+
				"rights.",
			"Or have an administrator of the storage account run the command: it assigns {role} to the service "+
				"principal (object id {principalId}, no other id).").Making().Then(
			"Wait up to 10 minutes, then test again.",
			"If it stays, and the role is in place, look for a deny assignment: "+denyCommand).On("list").
			Repairable().With(grantCommand).OrElse(
			"Or it does not count yet: that takes up to 10 minutes. A condition " +
				"(ABAC), an ACL or a deny assignment may refuse as well.").Unless(CodeRoleNotEffective),
		data(CodeNetworkRulesBlocked, WhoStorageAdmin, "The storage account's network rules refuse the caller",
			"Storage refused before looking at rights: public access is off, or firewall, service endpoint policy "+
				"or network security perimeter do not let this caller in. The platform may be let in where this "+
				"test is not, and the other way round.",
			"Allow both the platform's egress and this service's in the account's network rules, or give each a "+
				"private endpoint. Where this service is not let in, its access tests go on failing.",
			"Do not assign further roles before this is settled.").With("az storage account show --ids {accountId} " +
			"--query '{publicNetworkAccess:publicNetworkAccess,networkRuleSet:networkRuleSet}'"),
		data(CodeStorageTenantMismatch, WhoStorageAdmin, "The storage account belongs to another tenant",
			"Storage accepts only tokens of the tenant that its subscription trusts, and this token is of another.",
			"Create the identity in the account's tenant, or use an account of the tenant {tenantId}."),
		data(CodeStorageTokenRefused, WhoOperator, "Storage refused the token",
			"Storage could not use the access token: wrong tenant, wrong audience, or malformed.",
			"Compare the tenant of the storage account's subscription with {tenantId}."),
		data(CodeStorageRequestAnonymous, WhoOperator, "The request went out without a token",
			"Storage saw an anonymous request.",
			"Report it as a fault of this service."),
		data(CodeStorageKeyRefused, WhoOperator, "A shared key was used",
			"Storage refused a shared key; the test must come with an Entra token.",
			"Report it as a fault of this service."),
		data(CodeOverwriteNotPermitted, WhoStorageAdmin, "Overwriting is not permitted",
			"The identity may add blobs, but not overwrite them.",
			"Assign {role} at the scope that the command names.").Making().With(grantCommand).On("write"),
	}
}

// blobEntries are about the container and what is in it.
func blobEntries() []Entry {
	return []Entry{
		data(CodeContainerNotFound, WhoCaller, "The container does not exist",
			"The account has no container of this name.",
			"Correct the container's name. Then PUT the spec again.",
			"Or have an administrator of the storage account create the container, as the command does.").Making().
			WhereLost(WhoStorageAdmin, "The container was there, and is no more: somebody has deleted it.",
				"Restore the container, where the account keeps deleted ones (soft delete).",
				"Or create it anew, empty, as the command does.",
				"Or if it stays away, have the caller take it out of the spec.").With(
			"az storage container create " +
				"--auth-mode login --account-name {account} --name {container}"),
		data(CodeBlobNotFound, WhoStorageAdmin, "The blob does not exist", "The blob that was asked for is not there.",
			"Check the name, or test again.").On("read"),
		data(CodeContainerBeingDeleted, WhoStorageAdmin, "The container is being deleted",
			"The container was deleted a moment ago and cannot be used for some time.",
			"Wait, then create it again.").Retryable(),
		data(CodeContainerDisabled, WhoStorageAdmin, "The container is disabled",
			"An administrator has disabled the container.",
			"Enable the container.").Making(),
		data(CodeDataProtected, WhoStorageAdmin, "A retention policy or legal hold protects the blob",
			"Immutable storage forbids overwriting or deleting here; a probe blob could not be removed again.",
			"Nothing, if the container is meant to be immutable; the service never writes there.").On("protection"),
		data(CodeBlobLeased, WhoStorageAdmin, "The blob is leased", "A lease of another client protects the blob.",
			"Release the lease.").On("write"),
		data(CodeBlobExists, WhoOperator, "The probe blob exists already", "A blob of the probe's random name exists.",
			"Test again.").Retryable().On("write"),
		data(CodeConditionNotMet, WhoOperator, "The blob changed meanwhile",
			"The blob is another version than the one that was written.",
			"Test again; if it stays, look for a process that changes new blobs.").Retryable().On("read"),
		data(CodeStorageNameInvalid, WhoCaller, "The account or container name is not valid",
			"Storage calls the name invalid.",
			"Correct the name in the spec."),
	}
}

// accountEntries are about the account and the blob service.
func accountEntries() []Entry {
	return []Entry{
		data(CodeAccountBeingCreated, WhoStorageAdmin, "The storage account is being created",
			"The storage account is not ready yet.",
			"Wait some minutes, then test again.").Retryable(),
		data(CodeAccountDisabled, WhoStorageAdmin, "The storage account is disabled",
			"The account or its subscription is disabled, mostly for billing reasons.",
			"Enable the subscription or the account.").Making(),
		data(CodeAccountOperationsDisabled, WhoStorageAdmin, "The account does not take this operation",
			"Reads or writes are switched off for the account, as during a fail-over or on a secondary endpoint.",
			"Use the primary endpoint, or test again later.").Retryable(),
		data(CodeAPIVersionUnsupported, WhoOperator, "The account does not know the request",
			"The account's kind or hierarchical namespace does not support this request or API version.",
			"Report it as a fault of this service, with the evidence.").Inconclusive(),
		data(CodeStorageVersionUnsupported, WhoOperator, "The account does not know the service version",
			"Every request of this service asks for one version of the Storage API, and the account does not know "+
				"it. Accounts in some clouds and regions learn new versions later than others.",
			"Report it as a fault of this service, with the account's cloud and region and the evidence: it has to "+
				"ask for an older version.",
			"Until then use an account in another region.").Inconclusive(),
		data(CodeEncryptionKeyUnavailable, WhoStorageAdmin, "The customer-managed key cannot be used",
			"The account is encrypted with a key in Key Vault that Storage cannot reach.",
			"Enable the key, and the account's access to it.").Making(),
		data(CodeTLSVersionRefused, WhoOperator, "Storage refused the transport",
			"The account asks for HTTPS and a newer TLS version.",
			"Report it as a fault of this service, or of a proxy on the way."),
		data(CodeStorageThrottled, WhoOperator, "Storage limits the rate of requests",
			"The account is busy; nothing is known about the integration.",
			"Test again later.").Undecided(),
		data(CodeStorageUnavailable, WhoOperator, "Storage is temporarily unavailable",
			"Storage failed; nothing is known about the integration.",
			"Test again later.").Undecided(),
		data(CodeStorageUnrecognised, WhoOperator, "Storage refused for an unrecognised reason",
			"Storage answered with a code that the catalogue does not know, so nothing is concluded from it.",
			"Look at the evidence, and give the request id to Microsoft.").Inconclusive(),
	}
}

// accessEntries are what the access test itself finds out.
func accessEntries() []Entry {
	return []Entry{
		data(CodeOverPrivileged, WhoStorageAdmin, "The identity may do more than was asked for",
			"The spec asks for read access, but the identity may write or delete as well, by an assignment that is "+
				"not ours or at a wider scope.",
			"Look for further role assignments of the service principal, at the account, group and subscription too.").
			On("write").
			With("az role assignment list --assignee {principalId} --scope {scope} " +
				"--include-inherited -o table").Warning(),
		data(CodeAccountEmpty, WhoStorageAdmin, "The account has no container to test in",
			"The access covers the whole account, and it was accepted there; but the account holds no container, "+
				"and without one nothing is known about its blobs.",
			"Create a container in the account, of any name, then test again with POST "+
				"/api/integrations/{id}/access-tests.").On("list").Inconclusive(),
		data(CodeImmutableContainer, WhoStorageAdmin, "The container is immutable",
			"A retention policy or legal hold protects the container: a probe blob could not be removed again, so "+
				"none is written.",
			"Nothing, if the container is meant to be immutable; rights are tested without writing.").On(
			"protection").Warning(),
		data(CodeProtectionUnknown, WhoStorageAdmin, "Whether blobs are protected cannot be read",
			"The identity may not read the container's properties, so a probe blob might not be removable and none "+
				"is written; rights are told without writing.",
			"Assign {role} at the scope that the command names; it includes reading the "+
				"container's properties.").Making().
			Propagating().On("protection").With(grantCommand).Warning(),
		data(CodeNotRecognisedSuccess, WhoOperator, "The answer is not the expected one",
			"Storage answered with a success that the test does not know, so nothing is concluded from it.",
			"Look at the evidence, and report it as a fault of this service.").On("write").Inconclusive(),
		data(CodeContentMismatch, WhoStorageAdmin, "The blob read is not the blob written",
			"The content or version that was read back differs from what was written.",
			"Look for a process that changes new blobs in the container.").On("read"),
		data(CodeProbeNotListed, WhoStorageAdmin, "The blob written is not listed",
			"Listing succeeded, but without the probe blob.",
			"Test again; look for a process that removes new blobs in the container.").On("list"),
		data(CodeProbeNotRemoved, WhoStorageAdmin, "The probe blob could not be removed",
			"The test wrote a blob and could not delete it; it is named under leftovers.",
			"Delete the blob.").With("az storage blob delete --auth-mode login --account-name {account} " +
			"--container-name {container} --name={blob}").On("cleanup").Warning(),
		data(CodeOracleUndecided, WhoOperator, "The right cannot be told without writing",
			"The storage account answers the question in a way that the test does not know.",
			"Run the test in mode roundtrip.").On("write").Inconclusive(),
		data(CodeDependencyFailed, WhoOperator, "Not tested, because an earlier check failed",
			"An earlier check failed, so this one would tell nothing.",
			"Repair the earlier check first.").Inconclusive(),
		data(CodeBudgetExhausted, WhoOperator, "The test ran out of time",
			"The time budget of the test was used up before this check.",
			"Test again.").Undecided(),
		data(CodeNoStorage, WhoCaller, "The integration names no storage",
			"The spec has no storage entry, so only the token exchange was tested.",
			"Add storage to the spec.").On("list").Warning(),
	}
}
