package diagnosis

// recordEntries are records of the app's own store that it cannot read. The caller has done nothing wrong and cannot
// mend them, and waiting mends none that is damaged, hence 500; one of a newer build is read by that build, which may
// be answering already while a deployment is under way, hence 503 and Transient.
//
// What soft delete keeps of an overwritten blob:
// https://learn.microsoft.com/azure/storage/blobs/soft-delete-blob-overview.
func recordEntries() []Entry {
	return []Entry{
		{Code: CodeRecordUnreadable, Title: "The integration's record cannot be read",
			Who: WhoOperator, Outcome: OutcomeUnknown,
			Cause: "The record of the integration is there, but it is damaged, or somebody else has written it. " +
				"Nothing in Entra, Azure or on the platform was touched.",
			Steps: []string{
				"Look at the blob in the container wif-state of the state account, and bring back its last good " +
					"content: for as long as the account's soft delete keeps it, an overwritten one is a deleted " +
					"snapshot, which undelete brings back.",
				"If there is none, DELETE the integration: the record is set aside as it is and the id is free, " +
					"while all that was made stays. Then PUT the spec again, which finds its identity by the id.",
			}},
		{Code: CodeRecordSetAside, Title: "The integration's record was set aside, and nothing else was done",
			Who: WhoOperator, Outcome: OutcomeUnknown,
			Cause: "The record could not be read. It is kept under another name, and all that was made stays.",
			Steps: []string{
				"To go on using it, PUT the spec again: it finds the identity by the id, and what it makes is " +
					"known again. GET drift then names credentials that are there besides.",
				"To remove it, PUT the spec again and then DELETE: the identity goes with all its credentials, and " +
					"with it what it may do.",
				"If the spec is lost as well, look in Entra and in the resource groups of identities for the one " +
					"whose name ends with the id, and delete it: that ends all access.",
			}},
		{Code: CodeOperationUnreadable, Title: "The operation's record cannot be read",
			Who: WhoOperator, Outcome: OutcomeUnknown,
			Cause: "The record of the operation is there, but it is damaged, or somebody else has written it. The " +
				"integration is not affected.",
			Steps: []string{
				"Look at the integration: it says how far it has come.",
				"Send the request again with another Operation-Id, or with none.",
			}},
		{Code: CodeRecordTooNew, Title: "A newer build has written the record",
			Who: WhoOperator, Outcome: OutcomeUnknown, Transient: true,
			Cause: "The record has a form that this build does not know yet, so it neither reads nor changes it.",
			Steps: []string{
				"While a deployment is under way, send the request again later.",
				"If it stays, deploy the newer build again; what it has written is complete.",
			}},
	}
}
