package diagnosis

import "slices"

// requestEntries are problems with a request to the app itself.
func requestEntries() []Entry {
	return slices.Concat(bodyEntries(), addressEntries(), stateEntries(), healthEntries(), appEntries(),
		callerEntries())
}

// bodyEntries are about the body of a request.
func bodyEntries() []Entry {
	return []Entry{
		{Code: CodeMalformedBody, Title: "The body is not well-formed", Who: WhoCaller,
			Cause: "The body could not be read as one JSON value of the expected form.",
			Steps: []string{"Send one JSON document, UTF-8, without anything after it."}},
		{Code: CodeNotJSON, Title: "The body is not JSON", Who: WhoCaller,
			Cause: "The body could not be read as JSON.",
			Steps: []string{"Send one JSON document, UTF-8."}},
		{Code: CodeNestedTooDeep, Title: "The body is nested too deep", Who: WhoCaller,
			Cause: "The body has values within values to a depth that no document of the contract has.",
			Steps: []string{"Send the values at the depth that GET /api/openapi.json shows."}},
		{Code: CodeUnknownMember, Title: "A member is not known", Who: WhoCaller,
			Cause: "The body has a member that is not part of the contract, so it would have been ignored.",
			Steps: []string{"Remove the member or correct its spelling; GET /api/openapi.json names all members."}},
		{Code: CodeDuplicateMember, Title: "A member is given twice", Who: WhoCaller,
			Cause: "The body has the same member more than once, so it is not clear which one counts.",
			Steps: []string{"Remove the repetition; names that differ by case only count as the same."}},
		{Code: CodeMissingMember, Title: "A member is missing", Who: WhoCaller,
			Cause: "A member that is required is not there.",
			Steps: []string{"Add the member; GET /api/openapi.json names all members."}},
		{Code: CodeWrongType, Title: "A value has the wrong type", Who: WhoCaller,
			Cause: "A value is of another JSON type than the contract says.",
			Steps: []string{"Correct the value; GET /api/openapi.json names the types."}},
		{Code: CodeInvalidValue, Title: "A value is not allowed", Who: WhoCaller,
			Cause: "A value breaks a rule of the contract.",
			Steps: []string{"Correct the value; the errors name each one by pointer."}},
		{Code: CodeInvalidCombination, Title: "Two parts of the request exclude each other", Who: WhoCaller,
			Cause: "The request asks for two things that do not go together.",
			Steps: []string{"Leave one of the two out."}},
		{Code: CodeBodyTooLarge, Title: "The body is too large", Who: WhoCaller,
			Cause: "The body is larger than this resource accepts.",
			Steps: []string{"Send a smaller body."}},
		{Code: CodeUnsupportedMediaType, Title: "The media type is not supported", Who: WhoCaller,
			Cause: "The Content-Type is not one that this resource reads.",
			Steps: []string{"Send Content-Type: application/json."}},
		{Code: CodeUnsupportedContentEncoding, Title: "The content encoding is not supported", Who: WhoCaller,
			Cause: "The request has a Content-Encoding; no resource reads a compressed body.",
			Steps: []string{"Send the body uncompressed, without the header Content-Encoding."}},
	}
}

// addressEntries are about its method, path, parameters and headers.
func addressEntries() []Entry {
	return []Entry{
		{Code: CodeNotAcceptable, Title: "No acceptable representation", Who: WhoCaller,
			Cause: "The resource has no representation of the media types in Accept.",
			Steps: []string{"Ask for application/json."}},
		{Code: CodeMethodNotAllowed, Title: "The method is not allowed", Who: WhoCaller,
			Cause: "The resource does not know this method.",
			Steps: []string{"Use a method that GET /api/openapi.json names for the path."}},
		{Code: CodeNotFound, Title: "There is no such resource", Who: WhoCaller,
			Cause: "The path names no resource.",
			Steps: []string{"Correct the path; GET /api/openapi.json names all of them."}},
		{Code: CodeBadRequest, Title: "The request is not valid", Who: WhoCaller,
			Cause: "The request breaks the contract.",
			Steps: []string{"Correct the request; GET /api/openapi.json is the contract."}},
		{Code: CodeInvalidID, Title: "The integration id is not valid", Who: WhoCaller,
			Cause: "An integration id has 3 to 50 characters: lower-case letters, digits and single hyphens " +
				"between them.",
			Steps: []string{"Choose an id such as my-service."}},
		{Code: CodeInvalidParameter, Title: "A parameter is not valid", Who: WhoCaller,
			Cause: "A query parameter or header breaks the contract.",
			Steps: []string{"Correct the parameter that the errors name, or leave it out; GET /api/openapi.json " +
				"names all of them."}},
		{Code: CodeInvalidOperationID, Title: "The operation id is not valid", Who: WhoCaller,
			Cause: "The Operation-Id is not a GUID, or an operation id has characters outside letters, digits, dot, " +
				"underscore and hyphen.",
			Steps: []string{"In a path, use the URL of the Operation-Location header.",
				"As the header Operation-Id, send a GUID, or leave it out."}},
		{Code: CodeInvalidContinuationToken, Title: "The continuation token is not valid", Who: WhoCaller,
			Cause: "The continuation token was not made by this service.",
			Steps: []string{"Follow nextLink unchanged, or begin without a token."}},
	}
}

// teardownEntry is what is told of, and during, a teardown.
func teardownEntry() Entry {
	return Entry{Code: CodeDeprovisioning, Title: "The integration is being torn down", Transient: true,
		Who: WhoCaller,
		Cause: "A teardown of the integration is under way. What is asked of it meanwhile is not " +
			"carried out, and " +
			"not kept for later.",
		Steps: []string{"Wait until the teardown has ended: its operation is lastOperationId of the integration.",
			"Then send the request again, if it is still wanted. A PUT makes the integration anew."}}
}

// healthEntries are about why health knows nothing.
func healthEntries() []Entry {
	return []Entry{
		{Code: CodeHealthChecksOff, Title: "Health checks are switched off", Who: WhoCaller, Outcome: OutcomeUnknown,
			Cause: "The spec says healthCheck.enabled false, so nobody looks at the integration by itself.",
			Steps: []string{"Check it now: POST /api/integrations/{id}/health-checks.",
				"To have it watched, PUT the spec without healthCheck.enabled."}},
		{Code: CodeHealthOutdated, Title: "It has changed since health was looked at", Transient: true, Who: WhoCaller,
			Outcome: OutcomeUnknown,
			Cause: "The spec has changed, or an operation has changed something. What health knew was about what " +
				"was before.",
			Steps: []string{"Wait: it is looked at when the operation has ended, and again in the minutes after.",
				"Or look now: POST /api/integrations/{id}/health-checks."}},
	}
}

// stateEntries are about what the integration and its operations are like.
func stateEntries() []Entry {
	return []Entry{
		{Code: CodeIntegrationNotFound, Title: "There is no such integration", Who: WhoCaller,
			Cause: "No integration has this id.",
			Steps: []string{"Check the id with GET /api/integrations.",
				"Or create it: PUT a spec under this id."}},
		{Code: CodeIntegrationDeleted, Title: "The integration has been deleted", Who: WhoCaller,
			Cause: "The integration was torn down; only its record is kept.",
			Steps: []string{"PUT the spec again. An identity that the recycle bin of Entra still has, for 30 days, " +
				"comes back with its client id; any other is made anew, with another one."}},
		{Code: CodeIntegrationExists, Title: "The integration exists already", Who: WhoCaller,
			Cause: "The request asked for a new integration, but the id is taken.",
			Steps: []string{"Choose another id, or leave If-None-Match out to update the integration."}},
		{Code: CodeOperationNotFound, Title: "There is no such operation", Who: WhoCaller,
			Cause: "No operation has this id.",
			Steps: []string{"Use the URL of the Operation-Location header; for a message, its operationId, or the " +
				"id of the event where it has none."}},
		{Code: CodeOperationIDReused, Title: "The operation id is used by another request", Who: WhoCaller,
			Cause: "An operation with this id was started by another request.",
			Steps: []string{"Send a new Operation-Id for a new request."}},
		{Code: CodePreconditionFailed, Title: "A precondition of the request does not hold", Who: WhoCaller,
			Cause: "If-Match or If-None-Match does not hold for the stored version.",
			Steps: []string{"To change what exists: GET the integration, apply the change to what it says, and send " +
				"its ETag as If-Match.", "To create: send If-None-Match: * for an id that is free."}},
		{Code: CodeConflict, Title: "The integration changed meanwhile", Transient: true, Who: WhoCaller,
			Cause: "Another request changed the integration at the same time.",
			Steps: []string{"Send the request again."}},
		{Code: CodeNotProvisioned, Title: "The integration is not provisioned yet", Transient: true, Who: WhoCaller,
			Cause: "What was asked for exists only when the integration has been provisioned.",
			Steps: []string{"Wait until the operation has succeeded, then ask again."}},
		{Code: CodeAwaitingVerification, Title: "Access is not proved yet", Transient: true, Who: WhoCaller,
			Outcome: OutcomeUnknown,
			Cause: "Everything is made. A test has still to prove access, or the platform has still to " +
				"test its driver.",
			Steps: []string{"Wait, and look at the integration's conditions again; or test it: POST " +
				"/api/integrations/{id}/access-tests."}},
		{Code: CodeNothingToConfirm, Title: "Nothing on the platform is left to a person", Who: WhoCaller,
			Cause: "The spec does not ask for the platform's side, so there is no form to confirm.",
			Steps: []string{"Nothing, if that is meant.",
				"Else PUT the spec with ddoe; status.ddoe of the answer to " +
					"GET /api/integrations/{id} then has the form, unless the platform's API does it."}},
		teardownEntry(),
		{Code: CodeIdentityReplaceRequired, Title: "The spec asks for another identity", Who: WhoCaller,
			Cause: "Kind, resource group and region of an identity cannot be changed: the one that there is would " +
				"be removed for good, and another one made, with another client id. Whoever uses the client id has " +
				"to be given the new one.",
			Steps: []string{"Look at what would happen: the same PUT with ?replace=true&dryRun=true.",
				"Send it with ?replace=true (in a message \"replace\": true), or leave identity out to keep " +
					"what there is."}},
		{Code: CodeNotOwned, Title: "The integration belongs to someone else", Who: WhoCaller,
			Cause: "The objects in Entra carry another owner's mark.",
			Steps: []string{"Choose another id, or have the owner remove the objects."}},
	}
}

// appEntries are about the app itself.
func appEntries() []Entry {
	return []Entry{
		{Code: CodeQueueUnavailable, Title: "Service Bus does not take messages", Transient: true, Who: WhoOperator,
			Outcome: OutcomeUnknown,
			Cause:   "A message could not be put on its queue or topic, so what it asks for was not started yet.",
			Steps: []string{"Send the request again later; the same Operation-Id is safe.", "If it stays, check " +
				"the namespace and that the app's identity holds Azure Service Bus Data Owner or Data Sender."}},
		{Code: CodeStoreUnavailable, Title: "The state store cannot be reached", Transient: true, Who: WhoOperator,
			Outcome: OutcomeUnknown,
			Cause:   "The app could not read or write its own state.",
			Steps: []string{"Send the request again later.", "If it stays, check STATE_STORAGE_URL and that the " +
				"app's identity holds Storage Blob Data Contributor there."}},
		{Code: CodeRequestTimeout, Title: "The request took too long", Transient: true, Who: WhoOperator,
			Outcome: OutcomeUnknown,
			Cause:   "The request did not end within its time budget.",
			Steps:   []string{"Send the request again; the same Operation-Id is safe."}},
		{Code: CodeInternal, Title: "The service failed", Who: WhoOperator, Outcome: OutcomeUnknown,
			Cause: "The service met a fault of its own; nothing is known about the integration.",
			Steps: []string{"Send the request again; if it stays, give the request id to the operator."}},
		{Code: CodeUnrecognised, Title: "The failure is not recognised", Who: WhoOperator, Outcome: OutcomeUnknown,
			Cause: "The failure is not in the catalogue, so nothing is concluded from it.",
			Steps: []string{"Look at the evidence, and give the request id to the operator."}},
	}
}

// callerEntries are about who sends a request. Source of the claims: learn.microsoft.com, Access token claims
// reference.
func callerEntries() []Entry {
	return []Entry{
		{Code: CodeUnauthorized, Title: "The request carries no access token", Who: WhoCaller,
			Cause:   "This service asks for an Entra access token for {api}.",
			Steps:   []string{"Send it in the header Authorization, after the word Bearer."},
			Command: getCallerToken},
		{Code: CodeCallerTokenInvalid, Title: "The access token is not one of Entra's for this tenant", Who: WhoCaller,
			Cause:   "The token is no access token of version 1 or 2 that the tenant's keys have signed with RS256.",
			Steps:   []string{"Get an access token, no id token, from Entra and send it as it is."},
			Command: getCallerToken},
		{Code: CodeCallerTokenAudience, Title: "The access token is for another service", Who: WhoCaller,
			Cause: "The claim aud is not {api}.",
			Steps: []string{"Get a token for {api}. If the caller's is right, the operator corrects the setting " +
				"AUTH_AUDIENCE: in version 2 aud is the API's client id, in version 1 what the token was asked for."},
			Command: getCallerToken},
		{Code: CodeCallerTokenTenant, Title: "The access token is of another tenant", Who: WhoCaller,
			Cause: "The claims iss and tid are not those of the tenant {callerTenant}.",
			Steps: []string{"Sign in to the tenant {callerTenant} and get a token there. If the caller's " +
				"tenant is right, " +
				"the operator corrects the setting AUTH_TENANT_ID."},
			Command: "az login --tenant {callerTenant}"},
		{Code: CodeCallerTokenExpired, Title: "The access token has expired or is not valid yet", Who: WhoCaller,
			Cause:   "The time is not between the claims nbf and exp.",
			Steps:   []string{"Get a new token. If it is new, correct the clock of the caller."},
			Command: getCallerToken},
		{Code: CodeRateLimited, Title: "Too many requests of this caller", Who: WhoCaller, Transient: true,
			Cause: "The caller sends more requests than one instance of the service takes of one caller in a second.",
			Steps: []string{"Wait as long as Retry-After says. Use ?wait= in place of polling."}},
		{Code: CodeForbidden, Title: "The caller lacks the role", Who: WhoEntraAdmin,
			Cause: "The access token is valid, and its claim roles does not have {appRole}.",
			Steps: []string{"Assign the app role {appRole} of the API's enterprise application to the caller.",
				"Have the caller get a new token."}},
	}
}

// getCallerToken gets a token as whoever is signed in.
const getCallerToken = "az account get-access-token --resource {api}"
