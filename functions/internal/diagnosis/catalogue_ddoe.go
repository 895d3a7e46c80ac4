package diagnosis

import (
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/words"
)

// ddoeEntries are what setting up the platform's side comes to, beside what platformEntries say of single answers.
func ddoeEntries() []Entry {
	return slices.Concat(ddoeSpecEntries(), ddoeAccountEntries(), ddoeIntegrationEntries(), ddoeDriverEntries(),
		ddoeDriftEntries(), extraEntries())
}

// ddoeAccountEntries are about what organisation, project and API key allow.
func ddoeAccountEntries() []Entry {
	return []Entry{
		upstream(CodeDDOETypeUnknown, WhoOperator,
			"The organisation's integration type for Azure federation is not known",
			"None or several of the types that the organisation offers name Azure and workload identity federation.",
			"If one of the offered types is the right one, set DDOE_INTEGRATION_TYPE to it; then PUT the spec again.",
			"If none is, have an administrator of the organisation ask DDOE to enable the type for it; then PUT "+
				"the spec again.",
			"Until then, do it by hand as status.ddoe says.").Warning(),
		upstream(CodeDDOEOptionUnmapped, WhoOperator, "An option of the integration type is not known",
			"The integration type requires an option that has no known meaning.",
			"Say in DDOE_OPTION_MAP where its value comes from: one of clientId, tenantId, accountName, container, "+
				"credentialFile, or a literal =value, which must be no secret. Then PUT the spec again.",
			"Or do it by hand as status.ddoe says.").Warning(),
		upstream(CodeDDOEOrganizationRoleMissing, WhoDDOEAdmin, "The API key's user may not manage integrations",
			"The platform refused the user of DDOE_API_KEY. Integrations need the organisation's role admin or owner.",
			"Give the user the role admin or owner in the organisation, or set the key of a user who has it; then "+
				"send the request again.",
			"If another organisation was meant, correct ddoe.organizationId in the spec."),
		upstream(CodeDDOEProjectRoleMissing, WhoDDOEAdmin, "The API key's user may not manage drivers",
			"The platform refused the user of DDOE_API_KEY. Drivers need the project's role developer or owner.",
			"Give the user the role developer or owner in the project, or set the key of a user who has it; then "+
				"send the request again."),
		upstream(CodeDDOEOrganizationUnknown, WhoCaller, "The organisation is not known",
			"The platform knows no organisation of this id, or the API key's user is not in it.",
			"Correct ddoe.organizationId in the spec: it is the id, not the name.",
			"If it is right, have the user of DDOE_API_KEY added to the organisation as admin or owner; then PUT "+
				"the spec again."),
		upstream(CodeDDOEProjectElsewhere, WhoCaller, "The project is in another organisation",
			"A driver is made in a project of the organisation that has the integration.",
			"Correct ddoe.driver.projectId or ddoe.organizationId in the spec, whichever is wrong; then PUT "+
				"the spec again."),
		upstream(CodeDDOEProjectUnknown, WhoCaller, "The platform shows no such project",
			"The platform knows no project of this id, or the API key's user may not see it.",
			"Correct ddoe.driver.projectId in the spec: it is the id, not the name.",
			"If it is right, give the user of DDOE_API_KEY the role developer or owner in the project; then PUT "+
				"the spec again."),
		upstream(CodeDDOEQuotaReached, WhoDDOEAdmin, "The platform's plan does not allow it",
			"A quota of the organisation is used up, or its plan does not include this or has ended.",
			"Read what the platform says. Remove what nobody uses any more, or have DDOE raise the quota or change "+
				"the plan; then send the request again."),
		upstream(CodeDDOEAPIOff, WhoOperator, "The platform's API is not set up",
			"Objects of this integration exist on the platform, but this deployment has no access to its API.",
			"Set DDOE_API_URL and DDOE_API_KEY, and send the request again.",
			"To keep what exists as it is, PUT the spec with ddoe as it was."),
		upstream(CodeDDOEAPIUsable, WhoCaller, "The platform's API can do it now",
			"What was left to a person, as status.ddoe says, can be done by the API by now.",
			"To use what a person has made by the form, name it in ddoe.integrationId and PUT that spec: it is "+
				"never changed or deleted.",
			"If a person has made nothing, PUT the spec again: it makes what is missing.").Warning(),
		upstream(CodeDDOEAPIKeyExpiring, WhoOperator, "The platform's API key expires soon",
			"The key in DDOE_API_KEY ends within 30 days; the platform renews none by itself.",
			"Make a new key on the platform, set it as DDOE_API_KEY, then revoke the old one.").Warning(),
	}
}

// ddoeIntegrationEntries are about writing the integration.
func ddoeIntegrationEntries() []Entry {
	return []Entry{
		upstream(CodeAwaitingPerson, WhoDDOEAdmin, "A person has to fill in the platform's form",
			"All is made that this service makes. The spec asks for the platform's side, which is left to a "+
				"person: the form is in status.ddoe.form of GET /api/integrations/{id}.",
			"Fill in the form on the platform; status.ddoe.next says how.",
			"Then confirm it: POST /api/integrations/{id}/confirm."),
		upstream(CodeDDOEIntegrationNameTaken, WhoDDOEAdmin, "The name is taken",
			"The platform says that an integration of this name exists, but its list shows none that this "+
				"service made.",
			"Find and rename the other integration on the platform, or have another displayName chosen; then PUT "+
				"the spec again."),
		upstream(CodeDDOEIntegrationRefused, WhoOperator, "The platform does not take the integration",
			"The integration, as it was sent, is not what the platform takes. Its name is the spec's displayName; "+
				"its type and its options come from this deployment's settings.",
			"Read what the platform says. If it is about an option, correct DDOE_OPTION_MAP; if it is about the "+
				"name, have another displayName chosen; then PUT the spec again."),
		upstream(CodeDDOEIntegrationNotDeleted, WhoDDOEAdmin, "The platform does not delete the integration",
			"Something holds the integration, and it is no driver that the platform shows.",
			"Read what the platform says. Remove what holds the integration, or delete the integration itself on "+
				"the platform; then send the request again.",
			"Or keep the integration: PUT the spec as it was."),
		upstream(CodeDDOEIntegrationUnchanged, WhoDDOEAdmin, "The platform did not change the integration",
			"The platform was asked to change the integration, and shows it as it was before.",
			"Change it on the platform by hand, or delete it there if no driver uses it; then PUT the spec again, "+
				"which makes it anew where it is gone.",
			"If the platform is right about the name, say in the spec's displayName what it shows and PUT that."),
		upstream(CodeDDOECreateUnsettled, WhoOperator, "It is not known yet whether the platform has made an object",
			"A request to make an integration or a driver was sent and its answer was lost. What it may have made "+
				"shows in the platform's lists after a while; until then it is not sent again.",
			"Wait: the service looks again by itself.").Waiting().Retryable(),
		upstream(CodeDDOEIntegrationForeign, WhoDDOEAdmin, "An integration of this name is not ours",
			"The organisation has an integration of this name and type that this service did not make.",
			"To use it as it is, name it in ddoe.integrationId and PUT that spec: it is never changed or deleted.",
			"Else rename it on the platform, or have another displayName chosen; then PUT the spec again."),
		upstream(CodeDDOEIntegrationUnknown, WhoCaller, "The integration that the spec names is not shown",
			"The platform shows no integration of the id in ddoe.integrationId: it does not exist, is gone, or the "+
				"API key's user may not see it.",
			"Correct ddoe.integrationId in the spec: it is the id, not the name; or set ddoe.integration to true in "+
				"its place, to have one made. Then PUT the spec.",
			"If it is right, have the user of DDOE_API_KEY added to the organisation as admin or owner; then PUT "+
				"the spec again."),
		upstream(CodeDDOEIntegrationNotUsed, WhoCaller, "The integration that the spec names is not in use yet",
			"The spec names an integration of the platform, and what was done so far is about another one, or none.",
			"PUT the spec again: it is used then, and never changed."),
		upstream(CodeDDOEIntegrationInUse, WhoDDOEAdmin, "Drivers still use the integration",
			"Without the integration these drivers, and the datasets on them, would lose their storage, so it stays.",
			"Move the drivers to another integration or delete them; then send the request again.",
			"Or keep the integration: PUT the spec as it was."),
	}
}

// ddoeDriverEntries are about writing the driver, and about what the platform can do with it.
func ddoeDriverEntries() []Entry {
	return []Entry{
		upstream(CodeDDOEDriverRefused, WhoCaller, "The platform does not take the driver",
			"The driver, as it was sent, is not what the platform takes. Its name, project, path and container are "+
				"the spec's; the integration's type and options come from this deployment's settings.",
			"Read what the platform says. If it is about the name, the project, the path or the container, correct "+
				"ddoe.driver or the container in the spec, and PUT that.",
			"If it says that such a driver exists, choose another ddoe.driver.name, or have the other driver "+
				"renamed on the platform; then PUT the spec again.",
			"If it is about the integration, its type or an option, have the operator of this service correct "+
				"DDOE_INTEGRATION_TYPE or DDOE_OPTION_MAP; then PUT the spec again."),
		upstream(CodeDDOEDriverNotDeleted, WhoDDOEAdmin, "The platform does not delete the driver",
			"Something holds the driver, such as datasets on it.",
			"Read what the platform says. Move or delete the datasets on the driver, or delete the driver itself on "+
				"the platform; then send the request again.",
			"Or keep the driver: PUT the spec as it was."),
		upstream(CodeDDOEDriverUnchanged, WhoDDOEAdmin, "The platform did not change the driver",
			"The platform was asked to change the driver, and shows it as it was before.",
			"Change the driver on the platform by hand, or delete it there if no dataset is on it; then PUT "+
				"the spec again.",
			"If the platform is right, say in the spec what it shows and PUT that."),
		upstream(CodeDDOEDriverForeign, WhoDDOEAdmin, "A driver of this name is not ours",
			"The integration has a driver of this name, in the same project, that this service did not make.",
			"Rename it on the platform, or choose another ddoe.driver.name; then PUT the spec again."),
		upstream(CodeDDOEDriverRenamed, WhoCaller, "The driver has another name or right to delete",
			"Somebody has changed the driver's name, or whether the platform may delete, on the platform.",
			"PUT the spec again to set it right.").Warning(),
		upstream(CodeDDOEDriverTestFailed, WhoDDOEAdmin, "The platform cannot reach the storage",
			"The platform tested the driver's storage and failed.",
			"Read what the platform says. The storage account and the container have to exist, under the names "+
				"in the spec.",
			"POST /api/integrations/{id}/access-tests tests the same access without the platform; where the service "+
				"has no source of subject tokens, send a subjectToken. If one of its checks token.*, exchange.* or "+
				"access.* fails, follow that one.",
			"If those pass, compare issuer, subject and audience of the platform's tokens with the federated "+
				"credential, and look for a firewall before the storage account that lets in the service, but not "+
				"the platform.",
			"PUT the spec again.").Propagating(),
		upstream(CodeDDOEValidationFailed, WhoDDOEAdmin, "The platform's validation of the drivers failed",
			"The platform tested the drivers of the integration and at least one cannot reach its storage.",
			"Read what the platform says. POST /api/integrations/{id}/access-tests tests the same access without "+
				"the platform; if one of its checks token.*, exchange.* or access.* fails, follow that one.",
			"If those pass, compare issuer, subject and audience of the platform's tokens with the federated "+
				"credential, and look for a firewall before the storage account that lets in the service, but not "+
				"the platform.",
			"PUT the spec again.").Propagating(),
		upstream(CodeDDOEValidationSlow, WhoDDOEAdmin, "The platform's validation of the drivers has not ended",
			"The platform was asked to test the drivers and has not come to an end; nothing is known. Its test is "+
				"looked at for up to a day after the provisioning.",
			"While status.ddoe.validationId is shown, wait: the outcome is taken over by itself.",
			"When it is gone, PUT the spec again to have the drivers tested anew. If that does not end either, give "+
				"DDOE's support the id of the integration in status.ddoe.").Undecided(),
	}
}

// ddoeDriftEntries are about what is there and what the spec asks for.
func ddoeDriftEntries() []Entry {
	return []Entry{
		upstream(CodeDDOEIntegrationMissing, WhoCaller, "The integration does not exist on the platform",
			"None was made yet, or the one that was made is not there any more; then drivers on it have lost "+
				"their storage.",
			"PUT the spec again to make it anew."),
		upstream(CodeDDOEIntegrationRenamed, WhoCaller, "The integration has another name",
			"The integration was renamed on the platform, or the display name has changed.",
			"PUT the spec again to set it right.").Warning(),
		upstream(CodeDDOEIntegrationChanged, WhoCaller, "The integration has another type",
			"The integration's type on the platform is not the one that is set up.",
			"PUT the spec again to set it right; one that ddoe.integrationId names is for its owner to set right."),
		upstream(CodeDDOEOptionsChanged, WhoCaller, "The integration was sent other options",
			"What the platform was sent last is not what the spec and the settings come to now; the platform shows "+
				"no options, so this compares what was sent.",
			"PUT the spec again to send the options anew."),
		upstream(CodeDDOEDriverMissing, WhoCaller, "The driver does not exist on the platform",
			"None was made yet, or the one that was made is not there any more; then datasets on it have lost "+
				"their storage.",
			"PUT the spec again to make it anew."),
		upstream(CodeDDOEDriverChanged, WhoCaller, "The driver is not as it was made",
			"Name, type, project, container, path, integration or the right to delete differ from the spec.",
			"PUT the spec again to set it right."),
		upstream(CodeDDOEIntegrationExtra, WhoCaller, "There is another integration of ours",
			"The organisation has another integration with the mark of this one: a request to make it was given up, "+
				"and carried out after all, or somebody copied the mark.",
			"PUT the spec again: it removes the other one, unless drivers use it.",
			"If it stays, have an administrator of the organisation move its drivers to the integration in "+
				"status.ddoe, then delete it on the platform.").Warning(),
		upstream(CodeDDOEDriverExtra, WhoDDOEAdmin, "There is another driver like ours",
			"The integration has another driver of the same name, in the same project and about the same place: a "+
				"request to make it was given up, and carried out after all, or somebody made it by hand.",
			"If no dataset is on it, delete it on the platform, by its id; else rename it there.").Warning(),
		upstream(CodeDDOEIntegrationUnwanted, WhoCaller,
			"The integration still exists, and the spec does not ask for it",
			"A spec without the integration removes what was made before; that has failed, or was not done.",
			"PUT the spec again: it removes driver and integration, unless other drivers use the integration; "+
				"datasets on the driver lose their storage.",
			"To keep them, PUT a spec with ddoe as it was.").Warning(),
		upstream(CodeDDOEDriverUnwanted, WhoCaller, "The driver still exists, and the spec does not ask for it",
			"A spec without the driver removes the one that was made before; that has failed, or was not done.",
			"PUT the spec again: it removes the driver, and datasets on it lose their storage.",
			"To keep it, PUT a spec with ddoe as it was.").Warning(),
	}
}

// extraEntries are about what somebody else added in Entra and Azure.
func extraEntries() []Entry {
	return []Entry{
		upstream(CodeFederatedCredentialExtra, WhoIdentityAdmin, "The identity trusts somebody else too",
			"The identity has a federated credential that the spec does not ask for: whoever it names can come "+
				"as this integration.",
			"Find out who made it, and delete it unless it is wanted; PUT does not remove what it did not make.").With(
			words.ListCredentials).Warning(),
		upstream(CodeRoleAssignmentExtra, WhoStorageAdmin, "The service principal has another role too",
			"The service principal has a role at this scope that the spec does not ask for.",
			"Find out who assigned it, and delete it unless it is wanted; PUT does not remove what it did not make.").
			With("az role assignment list --scope {scope} --assignee {principalId} -o table").Warning(),
	}
}

// ddoeSpecEntries are findings about the member ddoe of a spec.
func ddoeSpecEntries() []Entry {
	entry := func(code Code, title, cause string, steps ...string) Entry {
		return Entry{Code: code, Title: title, Cause: cause, Who: WhoCaller, Steps: steps, Layer: "file"}
	}
	return []Entry{
		entry(CodeDDOEIntegrationRequired, "A driver without an integration",
			"A driver is made with the integration, and ddoe.integration is not true.",
			"Set ddoe.integration to true, or leave ddoe.driver out."),
		entry(CodeDDOEOrganizationRequired, "The organisation is not given",
			"An integration is made in an organisation of the platform.", "Give ddoe.organizationId."),
		entry(CodeDDOEProjectRequired, "The project is not given", "A driver is made in a project of the platform.",
			"Give ddoe.driver.projectId."),
		entry(CodeDDOEOneStorage, "There are several storage entries", "An integration of the platform stands for "+
			"one storage account and a driver for one container, so ddoe takes one storage entry.",
			"Spread the containers over several integrations, or leave ddoe.integration and ddoe.driver out."),
		entry(CodeDDOEWriteRequired, "The access is read-only", "The platform writes a test file and its own folder "+
			"into the container: a read-only integration fails its validation.",
			"Give access readWrite, or leave ddoe.integration and ddoe.driver out."),
		entry(CodeDDOEContainerRequired, "The driver has no container",
			"A driver of the platform is about one container.", "Give the container in the storage entry."),
		entry(CodeInvalidDriverPath, "The driver's path is not valid", "The path is a folder in the container: no "+
			"URL, no leading slash, no empty or dot segments, none of the characters \\ ? #.",
			"Correct the path; leave it out for the whole container."),
	}
}
