package policy

import (
	"net/http"
	"slices"
	"time"
)

// row tells what to do about an answer. Empty members match anything; the first row that matches counts.
type row struct {
	service    string
	operations []Operation
	statuses   []span
	// code is the service's error.code, or one of Graph's error.details[].code.
	code string
	// inBatch restricts the row to answers to one request of a batch.
	inBatch bool
	Decision
	// source is where the rule comes from: "rule" is architecture.md 1.2, "s." a section of provisioning.md.
	source string
}

// span is a range of HTTP statuses, both ends included.
type span struct{ from, to int }

func only(statuses ...int) []span {
	spans := make([]span, len(statuses))
	for i, s := range statuses {
		spans[i] = span{s, s}
	}
	return spans
}

func on(ops ...Operation) []Operation { return ops }

func (r row) isMatch(op Operation, f facts) bool {
	return (r.service == "" || r.service == f.service) &&
		(len(r.operations) == 0 || slices.Contains(r.operations, op)) &&
		(len(r.statuses) == 0 || slices.ContainsFunc(r.statuses,
			func(s span) bool { return s.from <= f.status && f.status <= s.to })) &&
		(r.code == "" || slices.Contains(f.codes, r.code)) &&
		(!r.inBatch || f.isPart)
}

// within repeats a request here for some time.
func within(budget time.Duration) Decision { return Decision{Action: RetryHere, Budget: budget} }

// rows is the table: by service, then what holds for all of them. What no row matches is a refusal.
func rows() []row {
	return slices.Concat(graphRows(), armRows(), identityRows(), platformRows(), wayRows(), probeRows(),
		commonRows())
}

// graphRows are about Microsoft Graph, whose writes all have a key. An object that was made a moment ago is not
// visible on every replica.
func graphRows() []row {
	const replication = "provisioning.md s.3: the application is not replicated yet"
	const taken = "provisioning.md s.3, byte5ai/omadia #916: POST says so of any holder of the unique name; " +
		"look whose it is"
	const writers = "provisioning.md s.3: Directory_ConcurrencyViolation, two writers"
	g := func(ops []Operation, statuses []span, code string, d Decision, source string) row {
		return row{service: serviceGraph, operations: ops, statuses: statuses, code: code, Decision: d, source: source}
	}
	return []row{
		g(nil, nil, "Directory_ConcurrencyViolation", within(time.Minute), writers),
		g(nil, nil, "ConcurrencyViolation", within(time.Minute), writers),

		g(on(ApplicationCreate), only(http.StatusBadRequest), "Request_BadRequest", Decision{Action: Exists}, taken),
		g(on(ApplicationCreate), only(http.StatusBadRequest), "ObjectConflict", Decision{Action: Exists}, taken),
		g(on(ApplicationCreate, ApplicationUpdate), nil, "Error_MsaAppDoesNotExist", within(time.Minute),
			"provisioning.md s.3, terraform-provider-azuread #1764"),
		g(on(ApplicationCreate, ApplicationUpdate), only(http.StatusNotFound), "", within(time.Minute),
			"rule 2: one 404 decides nothing; a restored application is not everywhere yet"),
		g(on(DeletedItemPurge), []span{{0, 399}, {http.StatusRequestTimeout, http.StatusRequestTimeout},
			{500, 599}}, "",
			Decision{Action: RetryHere, Attempts: 1, After: RetryLater},
			"provisioning.md s.3: safe to send again; 404 after a lost answer is the first purge's doing"),
		g(on(ApplicationGet, HolderGet), only(http.StatusNotFound), "", within(20*time.Second),
			"provisioning.md s.3: GET by uniqueName R(20 s)"),

		g(on(PrincipalUpsert), nil, "NoBackingApplicationObject", within(2*time.Minute), replication),
		g(on(PrincipalUpsert), only(http.StatusBadRequest), "Request_BadRequest", within(2*time.Minute),
			replication+", with or without the detail code"),
		g(on(PrincipalUpsert), only(http.StatusNotFound), "", within(2*time.Minute), replication),
		g(on(PrincipalUpsert), only(http.StatusForbidden), "Authorization_RequestDenied", Decision{Action: RetryHere,
			Budget: 30 * time.Second, After: GiveUp},
			replication+", or the permission is missing: the code is the same, so time has to tell"),
		g(on(PrincipalUpsert), only(http.StatusConflict), "Request_MultipleObjectsWithSameKeyValue",
			Decision{Action: Exists}, "provisioning.md s.3: exists, GET by appId"),
		g(on(PrincipalUpsert), only(http.StatusConflict), "ObjectConflict", Decision{Action: Exists},
			"provisioning.md s.2.3: details[].code of the same answer"),
		g(on(PrincipalGet), only(http.StatusNotFound), "", within(time.Minute), replication),

		g(on(CredentialUpsert), only(http.StatusNotFound), "", within(time.Minute),
			"provisioning.md s.3: 404 R(60 s)"),
		g(on(CredentialUpsert), only(http.StatusConflict), "Request_MultipleObjectsWithSameKeyValue",
			Decision{Action: Exists}, "provisioning.md s.3: GET and compare"),
		g(on(CredentialUpsert), nil, "InvalidFederatedIdentityCredentialValue",
			Decision{Action: Exists, After: GiveUp},
			"provisioning.md s.3: the pair exists under another name, or the tenant's policy refuses it: "+
				"the list tells"),
		g(on(CredentialUpsert), only(http.StatusBadRequest), "Request_BadRequest",
			Decision{Action: Exists, After: GiveUp},
			"https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations: at "+
				"most twenty; no code of its own is known for it, so the list tells"),
		g(on(CredentialList), only(http.StatusNotFound), "", within(time.Minute), replication),

		{service: serviceGraph, inBatch: true, statuses: only(http.StatusFailedDependency),
			Decision: Decision{Action: NotTried},
			source:   "provisioning.md s.2.7: dependants of a failed request of a batch get 424"},
		{service: serviceGraph, inBatch: true, statuses: []span{{http.StatusRequestTimeout, http.StatusRequestTimeout},
			{http.StatusTooManyRequests, http.StatusTooManyRequests}, {500, 599}}, Decision: within(10 * time.Second),
			source: "provisioning.md s.2.7: throttled for itself, with its own Retry-After; no pipeline repeats it"},
	}
}

// armRows are about Azure Resource Manager, whose writes all have a key.
func armRows() []row {
	a := func(ops []Operation, code string, d Decision, source string) row {
		return row{service: serviceARM, operations: ops, code: code, Decision: d, source: source}
	}
	const taken = "provisioning.md s.3: the name belongs to another assignment; take the next one"
	return []row{
		a(on(RolePut), "PrincipalNotFound", within(3*time.Minute), "provisioning.md s.3: R(3 min)"),
		a(on(RolePut), "LinkedAuthorizationFailed", within(3*time.Minute),
			"provisioning.md s.3: cross-tenant lag, R(3 min)"),
		a(on(RolePut), "RoleAssignmentExists", Decision{Action: Exists},
			"provisioning.md s.3: list and adopt; a list may lag"),
		a(on(RolePut), "HashConflictOnDifferentRoleAssignmentIds", Decision{Action: Exists, After: GiveUp}, taken),
		a(on(RolePut), "RoleAssignmentUpdateNotPermitted", Decision{Action: Exists, After: GiveUp}, taken),
		a(nil, "ScopeLocked", Decision{Action: GiveUp}, "provisioning.md s.3: a resource lock, F"),
	}
}

// identityRows are about managed identities and their federated credentials, whose writes all have a key.
func identityRows() []row {
	writes := on(ManagedCredentialPut, ManagedCredentialDelete)
	all := append(on(ManagedIdentityPut, ManagedIdentityGet, ManagedIdentityList, ManagedIdentityDelete,
		ManagedCredentialList), writes...)
	return []row{
		{service: serviceARM, operations: all, statuses: only(http.StatusTooManyRequests),
			Decision: within(time.Minute),
			source: "managed-identity.md: a resource takes one write in 4 s and one read in 2 s, so the " +
				"pauses are short"},
		{service: serviceARM, operations: writes,
			code:     "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity",
			Decision: within(2 * time.Minute),
			source: "managed-identity.md: writes below one identity are serial; pulumi-azure-native #4421 " +
				"waits 20 to 120 s"},
		{service: serviceARM, operations: on(ManagedIdentityPut), code: "InvalidResourceLocation",
			Decision: within(2 * time.Minute),
			source: "https://github.com/MicrosoftDocs/azure-docs/issues/70422: the name is there in " +
				"another region. A " +
				"look comes before, so it is what is being deleted; whoever has come in between is seen by the " +
				"next attempt"},
		{service: serviceARM, operations: all, code: "MissingSubscriptionRegistration",
			Decision: Decision{Action: GiveUp},
			source: "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/" +
				"error-register-resource-provider: a person registers it"},
		{service: serviceARM, operations: on(ManagedCredentialList, ManagedCredentialDelete),
			statuses: only(http.StatusMethodNotAllowed), Decision: Decision{Action: Unsupported},
			source: "managed-identity.md: the region has no federated credentials; documented for writes alone"},
		{service: serviceARM, operations: on(ManagedCredentialPut), code: "ResourceGroupNotFound",
			Decision: Decision{Action: GiveUp}, source: "managed-identity.md: there is nothing to wait for"},
		{service: serviceARM, operations: on(ManagedCredentialPut), statuses: only(http.StatusNotFound),
			Decision: within(2 * time.Minute), source: "managed-identity.md: ParentResourceNotFound " +
				"while replicating"},
		{service: serviceARM, operations: on(ManagedCredentialPut), statuses: only(http.StatusBadRequest),
			Decision: Decision{Action: Exists, After: GiveUp},
			source: "managed-identity.md: issuer and subject are taken, or it is refused: one code, so " +
				"the list tells"},
	}
}

// platformRows are about the platform, which has no codes and no keys for its creates.
func platformRows() []row {
	p := func(ops []Operation, statuses []span, code string, d Decision, source string) row {
		return row{service: serviceDDOE, operations: ops, statuses: statuses, code: code, Decision: d, source: source}
	}
	const tests = "ddoe.md: the test fails until directory, token service and RBAC agree, " +
		"with a status of its own or with the one of Entra or the storage; the verification asks again"
	const gone = "rule 2: it was there a moment ago; the next attempt looks again"
	fails := only(http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
		http.StatusConflict, http.StatusUnprocessableEntity, http.StatusFailedDependency,
		http.StatusInternalServerError)
	return []row{
		p(keylessCreates(), nil, codeAnswerInvalid, Decision{Action: InDoubt, After: GiveUp},
			"rule 3: a success without its form; the next answer will have none either"),
		p(nil, nil, codeAnswerInvalid, Decision{Action: GiveUp},
			"ddoe.md: a web page with status 200 shows that the path is wrong"),

		p(on(PlatformIntegrationCreate), only(http.StatusConflict, http.StatusBadRequest), "", Decision{Action: Exists,
			After: GiveUp}, "ddoe.md s.4.7: 409 or 400 is for a name that is taken, and there is no code: "+
			"the list tells"),
		p(on(PlatformIntegrationUpdate), only(http.StatusConflict), "", Decision{Action: RetryHere, Attempts: 1,
			After: GiveUp}, "ddoe.md s.4.7: the name is taken; rule 5"),
		p(on(PlatformIntegrationUpdate, DriverUpdate), only(http.StatusNotFound), "",
			Decision{Action: RetryLater}, gone),

		p(on(DriverTest), fails, "", Decision{Action: RetryLater}, tests),

		p(keylessCreates(), []span{{0, 399}, {http.StatusRequestTimeout, http.StatusRequestTimeout}, {500, 599}}, "",
			Decision{Action: InDoubt}, "rule 3: it may have been made"),
		p(keylessCreates(), only(http.StatusUnauthorized, http.StatusPreconditionFailed), "", Decision{Action: GiveUp},
			"rule 5 holds for idempotent requests alone"),
		p(on(DriverCreate), only(http.StatusConflict), "", Decision{Action: GiveUp},
			"rule 5 holds for idempotent requests alone; names of drivers are not unique"),
		p(nil, []span{{500, 599}}, "", within(7*time.Second),
			"ddoe.md s.2: the platform's SDK repeats gateway errors; pauses of 1, 2 and 4 s"),
		p(nil, only(http.StatusTooManyRequests), "", within(10*time.Second),
			"rule 3: a refusal is not doubt; who is asked to wait longer leaves it to a later attempt"),
	}
}

// wayRows are about the way to a service, which is asked without a token: any answer of its own shows that the way is
// free.
func wayRows() []row {
	const source = "https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes: 401 is the " +
		"challenge for a token, 404 hides a container that is not public, PublicAccessNotPermitted an account " +
		"where none is"
	knock := row{service: serviceStorage, operations: on(StorageKnock), Decision: Decision{Action: Answers},
		source: source}
	byStatus, byCode := knock, knock
	byStatus.statuses, byCode.code = only(http.StatusUnauthorized, http.StatusNotFound), "PublicAccessNotPermitted"
	return []row{byStatus, byCode, {operations: on(Knock), statuses: []span{{0, 499}},
		Decision: Decision{Action: Answers},
		source:   "https://www.rfc-editor.org/rfc/rfc9110#section-15.6: 5xx alone states that the server has a fault"}}
}

// probeRepeats is how an access test deletes its blob again: it must not stay.
func probeRepeats() Decision { return Decision{Action: RetryHere, Attempts: 2, After: GiveUp} }

// probeRows are about the blob of an access test. It is written under a condition and deleted by its version, so both
// may be sent again.
func probeRows() []row {
	const source = "https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes"
	unsure := []span{{0, 399}, {http.StatusRequestTimeout, http.StatusRequestTimeout}, {500, 599}}
	refused := []span{{400, 499}}
	p := func(op Operation, statuses []span, code string, d Decision, why string) row {
		return row{service: serviceStorage, operations: on(op), statuses: statuses, code: code, Decision: d,
			source: source + ": " + why}
	}
	return []row{
		p(ProbeWrite, unsure, "", Decision{Action: InDoubt}, "500 OperationTimedOut: it may have been written"),
		p(ProbeWrite, only(http.StatusConflict), "", Decision{Action: Exists},
			"409 BlobAlreadyExists: a try before, whose answer got lost, may have written it"),
		p(ProbeWrite, refused, "", Decision{Action: GiveUp}, "nothing was written"),
		p(ProbeDelete, nil, "BlobNotFound", Decision{Action: NotThere},
			"404: a try before has deleted it, and its answer got lost"),
		p(ProbeDelete, slices.Concat(unsure, only(http.StatusTooManyRequests)), "", probeRepeats(),
			"503 ServerBusy, 500 OperationTimedOut: the answer may be another one next time"),
		p(ProbeDelete, refused, "", Decision{Action: GiveUp}, "nothing was deleted, and nothing will be"),
	}
}

// codeAnswerInvalid is the client's code for a success that is not the JSON that was asked for.
const codeAnswerInvalid = "answer-invalid"

// absenceRows are about answers to who asks whether something is there. They stand by themselves: who reads what has
// to be there waits for it, as rows states.
func absenceRows() []row {
	const place = "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors: " +
		"ResourceGroupNotFound, SubscriptionNotFound"
	places := on(PlatformTypesList, PlatformProjectGet, PlatformIntegrationList, PlatformIntegrationGet, DriverList,
		DriverGet)
	return []row{
		{service: serviceDDOE, code: codeAnswerInvalid, Decision: Decision{Action: GiveUp},
			source: "ddoe.md: a web page shows that the path is wrong, and nothing of the object"},
		{service: serviceARM, statuses: only(http.StatusNotFound), code: "SubscriptionNotFound",
			Decision: Decision{Action: NotEvenPlace}, source: place},
		{service: serviceARM, statuses: only(http.StatusNotFound), code: "ResourceGroupNotFound",
			Decision: Decision{Action: NotEvenPlace}, source: place},
		{statuses: only(http.StatusNotFound), Decision: Decision{Action: NotThere},
			source: "rule 2: gone is what a read shows; RFC 9110 s.15.5.5, as Graph, ARM and the platform answer"},
		{service: serviceDDOE, operations: places, statuses: only(http.StatusBadRequest, http.StatusForbidden),
			Decision: Decision{Action: NotVisible},
			source:   "ddoe.md: 400 is for an id that it cannot even read, 403 for what the key's user may not see"},
	}
}

// commonRows hold for every service. The clients have repeated what a gateway answers; what is sent again has a key.
func commonRows() []row {
	return []row{
		{operations: deletes(), statuses: only(http.StatusNotFound), Decision: Decision{Action: NotThere},
			source: "rule 2: there is nothing to delete, and a read decides afterwards"},
		{statuses: only(http.StatusTooManyRequests), Decision: Decision{Action: RetryLater},
			source: "provisioning.md s.3: throttled; rule 3: nothing was made"},
		{statuses: only(http.StatusRequestTimeout), Decision: Decision{Action: RetryLater},
			source: "provisioning.md s.3: transient, safe to send again"},
		{statuses: []span{{500, 599}}, Decision: Decision{Action: RetryLater},
			source: "provisioning.md s.3: transient, safe to send again"},
		{statuses: []span{{0, 399}}, Decision: Decision{Action: RetryLater},
			source: "provisioning.md s.2.2: an answer other than the documented success proves nothing"},
		{statuses: only(http.StatusUnauthorized, http.StatusConflict, http.StatusPreconditionFailed),
			Decision: Decision{Action: RetryHere, Attempts: 1, After: GiveUp},
			source:   "rule 5: one stale token, one writer at the same time"},
	}
}
