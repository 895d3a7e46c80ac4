package diagnosis

// specEntries are findings about a spec. The detail of a finding tells what exactly is wrong.
func specEntries() []Entry {
	entry := func(code Code, title, cause string, steps ...string) Entry {
		return Entry{Code: code, Title: title, Cause: cause, Who: WhoCaller, Steps: steps, Layer: "file"}
	}
	return []Entry{
		entry(CodeInvalidSpec, "The spec is not valid",
			"One or more members of the spec break a rule; the errors name each by pointer.",
			"Correct every member that the errors name, and send the spec again."),
		entry(CodeTenantNotServed, "The tenant is not served here", "The service works in its own tenant only.",
			"Leave tenantId out, or use a deployment in that tenant."),
		entry(CodeMissingSubject, "No subject is given", "At least one subject or a service name is needed.",
			"Give subjects or serviceName."),
		entry(CodeDuplicateSubject, "A subject is given twice",
			"Entra allows one credential for each pair of issuer and subject.",
			"Remove the repetition."),
		entry(CodeTooManySubjects, "There are too many subjects",
			"An identity holds at most 20 federated identity credentials.",
			"Spread the subjects over several integrations."),
		entry(CodeInvalidServiceName, "The service name is not valid",
			"A service name is a lower-case DNS name, from which the subject is made.",
			"Give the service's name as the platform shows it, or the whole subject."),
		entry(CodeServiceNameWithoutTemplate, "The service name stands for nothing",
			"No subject template is set, so no subject can be made of a service name.",
			"Give subjects, or set DDOE_SUBJECT_TEMPLATE."),
		entry(CodeStorageRequired, "No storage is given",
			"Without storage there is nothing that the identity could reach.",
			"Give at least one storage entry."),
		entry(CodeTooManyStorage, "There are too many storage entries",
			"The spec has more storage entries than one integration can hold.",
			"Grant the account instead of single containers, or spread them over several integrations."),
		entry(CodeDuplicateStorage, "A container is given twice", "Two entries grant access to the same container.",
			"Keep one entry, with the wider access."),
		entry(CodeInvalidResourceID, "The resource id is not valid",
			"The resource id must be the full ARM id of a storage account.",
			"Copy it: az storage account show --name <account> --query id."),
		entry(CodeInvalidContainer, "The container name is not valid", "A container name has 3 to 63 lower-case "+
			"letters, digits and single hyphens, with a letter or digit at both ends.",
			"Correct the container's name."),
		entry(CodeInvalidAccess, "The access is not valid", "The access is read or readWrite.",
			"Give read or readWrite."),
		entry(CodeInvalidPrefix, "The prefix is not valid",
			"A prefix is a relative blob path of at most 512 characters, without empty or dot segments.",
			"Correct the prefix, or leave it out."),
		entry(CodeInvalidMode, "The mode is not valid", "The mode is oracle or roundtrip.",
			"Give oracle or roundtrip, or leave it out."),
		entry(CodeInvalidInterval, "The interval is not valid", "The interval is a Go duration from 15m to 168h.",
			"Give a duration such as 6h."),
	}
}
