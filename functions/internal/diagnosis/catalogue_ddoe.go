package diagnosis

import "net/http"

// ddoeEntries are what setting up the platform's side comes to, beside what platformEntries say of single answers.
func ddoeEntries() []Entry {
	return append(ddoeSpecEntries(), []Entry{
		upstream("ddoe-type-unknown", WhoDDOEAdmin, "The organisation's integration type for Azure federation is not known",
			"None or several of the types that the organisation offers name Azure and workload identity federation.",
			"Set DDOE_INTEGRATION_TYPE to the right one of the offered types and PUT the spec again, or do it by hand as status.ddoe says.",
			"If none is offered, ask DDOE to enable the type for the organisation.").warning(),
		upstream("ddoe-option-unmapped", WhoOperator, "An option of the integration type is not known",
			"The integration type requires an option that has no known meaning.",
			"Say in DDOE_OPTION_MAP where its value comes from: one of clientId, tenantId, accountName, container, credentialFile, or a literal =value. PUT the spec again.",
			"Or do it by hand as status.ddoe says.").warning(),
		upstream("ddoe-organization-role-missing", WhoDDOEAdmin, "The API key's user may not manage integrations",
			"The platform refused the user of DDOE_API_KEY. Integrations need the organisation's role admin or owner.",
			"Give the user the role admin or owner in the organisation, or set the key of a user who has it; then PUT the spec again."),
		upstream("ddoe-project-role-missing", WhoDDOEAdmin, "The API key's user may not manage drivers",
			"The platform refused the user of DDOE_API_KEY. Drivers need the project's role developer or owner.",
			"Give the user the role developer or owner in the project, or set the key of a user who has it; then PUT the spec again."),
		upstream("ddoe-integration-foreign", WhoDDOEAdmin, "An integration of this name is not ours",
			"The organisation has an integration of this name and type that this service did not make.",
			"Rename or delete it on the platform, or choose another displayName; then PUT the spec again.").answering(http.StatusConflict),
		upstream("ddoe-integration-in-use", WhoDDOEAdmin, "Drivers still use the integration",
			"Without the integration these drivers, and the datasets on them, would lose their storage, so nothing was removed.",
			"Move the drivers to another integration or delete them; then DELETE the integration again.").answering(http.StatusConflict),
		upstream("ddoe-api-off", WhoOperator, "The platform's API is not set up",
			"Objects of this integration exist on the platform, but this deployment has no access to its API.",
			"Set DDOE_API_URL and DDOE_API_KEY, and send the request again."),
		upstream("ddoe-driver-test-failed", WhoDDOEAdmin, "The platform cannot reach the storage",
			"The platform tested the driver's storage and failed.",
			"Compare issuer, subject and audience of the platform's tokens with the federated credential, and look for a firewall before the storage account.",
			"PUT the spec again.").propagating(),
		upstream("ddoe-validation-failed", WhoDDOEAdmin, "The platform's validation of the drivers failed",
			"The platform tested the drivers of the integration and at least one cannot reach its storage.",
			"Compare issuer, subject and audience of the platform's tokens with the federated credential, and look for a firewall before the storage account.",
			"PUT the spec again.").propagating(),
		upstream("ddoe-validation-slow", WhoDDOEAdmin, "The platform's validation of the drivers has not ended",
			"The platform was asked to test the drivers and has not come to an end in time; nothing is known.",
			"Look at the driver on the platform; PUT the spec again to ask anew.").undecided(),
		upstream("ddoe-integration-missing", WhoDDOEAdmin, "The integration does not exist on the platform",
			"The integration that was made is not in the organisation's list any more.",
			"PUT the spec again to make it anew."),
		upstream("ddoe-integration-renamed", WhoDDOEAdmin, "The integration has another name",
			"The integration was renamed on the platform, or the display name has changed.",
			"PUT the spec again to set it right.").warning(),
		upstream("ddoe-integration-changed", WhoDDOEAdmin, "The integration has another type",
			"The integration's type on the platform is not the one that is set up.",
			"PUT the spec again to set it right."),
		upstream("ddoe-options-changed", WhoDDOEAdmin, "The integration was sent other options",
			"What the platform was sent last is not what the spec and the settings come to now; the platform shows no options, so this compares what was sent.",
			"PUT the spec again to send the options anew."),
		upstream("ddoe-driver-missing", WhoDDOEAdmin, "The driver does not exist on the platform",
			"The driver that was made is not there any more; datasets on it have lost their storage.",
			"PUT the spec again to make it anew."),
		upstream("ddoe-driver-changed", WhoDDOEAdmin, "The driver is not as it was made",
			"Name, container, path, integration or the right to delete differ from the spec.",
			"PUT the spec again to set it right."),
		upstream("ddoe-api-key-expiring", WhoOperator, "The platform's API key expires soon",
			"The key in DDOE_API_KEY ends within 30 days; the platform renews none by itself.",
			"Make a new key on the platform, set it, then revoke the old one.").warning(),
		upstream("federated-credential-extra", WhoEntraAdmin, "The application trusts somebody else too",
			"The application has a federated credential that the spec does not ask for: whoever it names can come as this integration.",
			"Find out who made it, and delete it unless it is wanted; PUT does not remove what it did not make.").with("az ad app federated-credential list --id {clientId}").warning(),
		upstream("role-assignment-extra", WhoStorageAdmin, "The service principal has another role too",
			"The service principal has a role at this scope that the spec does not ask for.",
			"Find out who assigned it, and delete it unless it is wanted; PUT does not remove what it did not make.").with("az role assignment list --scope {scope} --assignee {principalId} -o table").warning(),
	}...)
}

// ddoeSpecEntries are findings about the member ddoe of a spec.
func ddoeSpecEntries() []Entry {
	entry := func(code, title, cause string, steps ...string) Entry {
		return Entry{Code: code, Title: title, Cause: cause, Who: WhoUploader, Steps: steps, HTTPStatus: http.StatusUnprocessableEntity, Layer: "file"}
	}
	return []Entry{
		entry("ddoe-integration-required", "A driver without an integration", "A driver is made with the integration, and ddoe.integration is not true.",
			"Set ddoe.integration to true, or leave ddoe.driver out."),
		entry("ddoe-organization-required", "The organisation is not given", "An integration is made in an organisation of the platform.",
			"Give ddoe.organizationId."),
		entry("ddoe-project-required", "The project is not given", "A driver is made in a project of the platform.",
			"Give ddoe.driver.projectId."),
		entry("ddoe-one-storage", "There are several storage entries", "An integration of the platform stands for one storage account and a driver for one container, so ddoe takes one storage entry.",
			"Spread the containers over several integrations, or leave ddoe.integration and ddoe.driver out."),
		entry("ddoe-write-required", "The access is read-only", "The platform writes a test file and its own folder into the container: a read-only integration fails its validation.",
			"Give access readWrite, or leave ddoe.integration and ddoe.driver out."),
		entry("ddoe-container-required", "The driver has no container", "A driver of the platform is about one container.",
			"Give the container in the storage entry."),
		entry("invalid-driver-path", "The driver's path is not valid", "The path is a folder in the container: no URL, no leading slash, no empty or dot segments.",
			"Correct the path; leave it out for the whole container."),
	}
}
