package diagnosis

import (
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/words"
)

// identityEntries are about what an identity is made of, and about managed identities.
func identityEntries() []Entry {
	return slices.Concat(identitySpecEntries(), managedIdentityEntries(), managedRefusalEntries(),
		managedWaitEntries())
}

// identitySpecEntries are about the identity that the spec asks for.
func identitySpecEntries() []Entry {
	return []Entry{
		{Code: CodeInvalidIdentity, Title: "What is said of the identity is not valid", Who: WhoCaller,
			Layer: "file",
			Cause: "A managed identity is in a resource group, named by its full ARM id, and in a region; an " +
				"application is in neither.",
			Steps: []string{"Correct the member that the error names, or leave it out."}},
		upstream(CodeIdentityReplaced, WhoCaller, "The identity gets another client id",
			"The identity with the client id {clientId} is removed for good, and another one is made. The platform's "+
				"side is changed with it where it was made by the API.",
			"When it is done, upload the new azure_credentials.json to the platform where its side was made by "+
				"hand.").Warning(),
	}
}

// managedIdentityEntries are about the identity itself.
func managedIdentityEntries() []Entry {
	return []Entry{
		upstream(CodeManagedIdentityChanged, WhoCaller, "The managed identity is not as it was made",
			"The tags by which it is known to be this integration's differ.").Repairable().With(words.ShowIdentity),
		upstream(CodeManagedIdentityReplaced, WhoCaller, "The managed identity was made anew",
			"A managed identity of this name exists, with another client id than the one that was made.",
			words.Told).Repairable().With(words.ShowIdentity),
		upstream(CodeManagedIdentityForeign, WhoOperator, "The managed identity is not ours",
			"A managed identity has this integration's name, but not our tags; it is left alone.",
			"Choose another integration id, or delete that identity: az identity delete --ids {identityId}.").With(
			words.ShowIdentity),
	}
}

// managedRefusalEntries are what Azure refuses for good. Source: https://learn.microsoft.com/entra/workload-id/
// workload-identity-federation-considerations.
func managedRefusalEntries() []Entry {
	return []Entry{
		upstream(CodeManagedIdentityPermissionMissing, WhoOperator,
			"The service may not write managed identities there",
			"The service's identity lacks a right on the identity's resource group.",
			"Deploy with IDENTITY_RESOURCE_GROUP, which gives the service a role of its own there "+
				"(infra/README.md), or name a group in identity.resourceGroup on which it has one.",
			"The actions are Microsoft.ManagedIdentity/userAssignedIdentities/{read,write,delete} and "+
				"…/federatedIdentityCredentials/{read,write,delete}; never grant them on the service's own group."),
		upstream(CodeManagedIdentityPolicyDenied, WhoOperator, "An Azure policy forbids the managed identity",
			"An Azure Policy assignment denies managed identities, or federated credentials on them, in this "+
				"resource group.",
			"Exempt the resource group from the policy, or use identity.kind application, for which an Entra "+
				"administrator grants a Graph permission (infra/graph.bicep)."),
		upstream(CodeManagedIdentityRegionUnsupported, WhoCaller, "The region does not serve for the identity",
			"Azure has no managed identities in this region, or takes no federated identity credentials on them.",
			"Give another region in identity.location, with ?replace=true once an identity was made. Only the "+
				"identity is there: access does not depend on it.").With(words.ShowIdentity),
		upstream(CodeManagedIdentityRefused, WhoCaller, "Azure refused the managed identity",
			"Azure calls the request invalid: the region may not be one for managed identities, or an identity of "+
				"that name may be in another region.",
			"Look at what Azure says; give another region in identity.location.").With(words.ShowIdentity),
		upstream(CodeManagedCredentialRefused, WhoOperator, "Azure refused the federated credential",
			"Azure calls the credential invalid: issuer and subject may be used by another credential of the "+
				"identity, or issuer, subject, audience or name may not be allowed.",
			"Look at what Azure says, and list the identity's credentials.").With(words.ListOnIdentity),
		upstream(CodeIdentityProviderNotRegistered, WhoOperator, "Managed identities are not registered there",
			"The resource provider Microsoft.ManagedIdentity is not registered for the identity's subscription.",
			"Register it, once for the subscription; when that is done, in some minutes, repeat the PUT.").With(
			"az provider register --namespace Microsoft.ManagedIdentity --subscription {subscriptionId}"),
		upstream(CodeIdentityGroupNotFound, WhoOperator, "The identity's resource group does not exist",
			"Azure knows no resource group of this name in the subscription, or the service's identity "+
				"may not see it.",
			"Check identity.resourceGroup and the setting IDENTITY_RESOURCE_GROUP: az group show --name "+
				"<group> --query id."),
	}
}

// managedWaitEntries are what passes by itself.
func managedWaitEntries() []Entry {
	return []Entry{
		upstream(CodeManagedIdentityBusy, WhoOperator, "Two writers met on the managed identity",
			"Azure takes one write of a federated credential at a time below one managed identity, and another one "+
				"was under way.",
			"Nothing: the service tries again by itself.").Waiting().Retryable(),
		upstream(CodeManagedIdentityNotReplicated, WhoOperator, "Azure does not see the managed identity yet",
			"A managed identity that was made a moment ago is not known everywhere.",
			"Wait some minutes; the service tries again by itself.").Waiting().Propagating().With(words.ShowIdentity),
		upstream(CodeManagedIdentityPaced, WhoOperator, "The rest of the federated credentials follow",
			"Azure takes one write in four seconds below one managed identity; the time of this attempt was up.",
			"Nothing: the service goes on by itself.").Waiting().Undecided(),
	}
}
