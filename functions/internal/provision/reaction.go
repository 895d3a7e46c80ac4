package provision

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	ddoe "github.com/ddoe-ai/azure-wif/functions/internal/oldddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
)

// reaction is what to do about an error of a service.
type reaction string

const (
	// fail ends the operation.
	fail reaction = "fail"
	// retry asks again within the row's budget: something written a moment ago is not visible everywhere. Beyond the
	// budget it becomes later.
	retry reaction = "retry"
	// later parks the command: the client has retried already.
	later reaction = "later"
	// readBack means that the object exists already: read it, and compare or adopt it.
	readBack reaction = "read-back"
	// restore means that a deleted application may hold the unique name.
	restore reaction = "restore"
	// salt means that the derived name cannot be used: derive another, once.
	salt reaction = "salt"
)

// The operations, as package diagnosis names them.
const (
	opApplicationUpsert = "application.upsert"
	opApplicationGet    = "application.get"
	opApplicationDelete = "application.delete"
	opPrincipalUpsert   = "servicePrincipal.upsert"
	opPrincipalGet      = "servicePrincipal.get"
	opPrincipalDelete   = "servicePrincipal.delete"
	opCredentialUpsert  = "federatedCredential.upsert"
	opCredentialList    = "federatedCredential.list"
	opCredentialDelete  = "federatedCredential.delete"
	opRestore           = "deletedItem.restore"
	opPurge             = "deletedItem.purge"
	opRolePut           = "rbac.put"
	opRoleGet           = "rbac.get"
	opRoleList          = "rbac.list"
	opRoleDelete        = "rbac.delete"
	opSubjectToken      = "subjectToken.get"
)

// row says how to react to an error. Empty members match anything; the first row that matches counts.
type row struct {
	operation string
	status    int
	// code is the service's error.code, or one of Graph's error.details[].code.
	code string
	// phrase must be part of the message. It is given only where the service has one code for several causes; this table
	// is the one place where text is looked at.
	phrase   string
	reaction reaction
	budget   time.Duration
}

// reactions is the table. What no row matches is final if a service answered with 4xx, and a matter of time otherwise.
func reactions() []row {
	rows := []row{
		// Any service: the client has retried already, and re-sending a keyed write is safe.
		{status: http.StatusTooManyRequests, reaction: later},
		{status: http.StatusRequestTimeout, reaction: later},

		{operation: opApplicationUpsert, status: http.StatusBadRequest, phrase: "uniqueName already exists", reaction: restore},
		{operation: opApplicationUpsert, code: "Directory_ConcurrencyViolation", reaction: retry, budget: time.Minute},
		{operation: opApplicationUpsert, code: "Error_MsaAppDoesNotExist", reaction: retry, budget: time.Minute},
		{operation: opApplicationUpsert, status: http.StatusNotFound, reaction: retry, budget: time.Minute},
		{operation: opApplicationGet, status: http.StatusNotFound, reaction: retry, budget: 20 * time.Second},

		{operation: opPrincipalUpsert, code: "NoBackingApplicationObject", reaction: retry, budget: 2 * time.Minute},
		{operation: opPrincipalUpsert, status: http.StatusBadRequest, phrase: "does not reference a valid application object", reaction: retry, budget: 2 * time.Minute},
		{operation: opPrincipalUpsert, status: http.StatusForbidden, phrase: "must in the local tenant", reaction: retry, budget: 2 * time.Minute},
		{operation: opPrincipalUpsert, status: http.StatusNotFound, reaction: retry, budget: 2 * time.Minute},
		{operation: opPrincipalUpsert, status: http.StatusConflict, code: "Request_MultipleObjectsWithSameKeyValue", reaction: readBack},
		{operation: opPrincipalUpsert, status: http.StatusConflict, code: "ObjectConflict", reaction: readBack},
		{operation: opPrincipalUpsert, code: "Directory_ConcurrencyViolation", reaction: retry, budget: time.Minute},
		{operation: opPrincipalGet, status: http.StatusNotFound, reaction: retry, budget: time.Minute},

		{operation: opCredentialUpsert, status: http.StatusNotFound, reaction: retry, budget: time.Minute},
		{operation: opCredentialUpsert, status: http.StatusConflict, code: "Request_MultipleObjectsWithSameKeyValue", reaction: readBack},
		{operation: opCredentialUpsert, code: "InvalidFederatedIdentityCredentialValue", phrase: "combination of issuer and subject", reaction: readBack},
		{operation: opCredentialUpsert, code: "Directory_ConcurrencyViolation", reaction: retry, budget: time.Minute},
		{operation: opCredentialUpsert, code: "ConcurrencyViolation", reaction: retry, budget: time.Minute},
		{operation: opCredentialList, status: http.StatusNotFound, reaction: retry, budget: time.Minute},
		{operation: opCredentialDelete, code: "Directory_ConcurrencyViolation", reaction: retry, budget: time.Minute},
		{operation: opApplicationDelete, code: "Directory_ConcurrencyViolation", reaction: retry, budget: time.Minute},
		{operation: opPrincipalDelete, code: "Directory_ConcurrencyViolation", reaction: retry, budget: time.Minute},

		{operation: opRolePut, code: "PrincipalNotFound", reaction: retry, budget: 3 * time.Minute},
		{operation: opRolePut, code: "RoleAssignmentExists", reaction: readBack},
		{operation: opRolePut, code: "HashConflictOnDifferentRoleAssignmentIds", reaction: salt},
		{operation: opRolePut, code: "RoleAssignmentUpdateNotPermitted", reaction: salt},
		{operation: opRolePut, code: "LinkedAuthorizationFailed", reaction: retry, budget: 3 * time.Minute},

		// The platform has no codes.
		{operation: opPlatformIntegrationCreate, status: http.StatusConflict, reaction: readBack},
		{operation: opPlatformIntegrationCreate, status: http.StatusBadRequest, phrase: "not exist", reaction: fail},
		{operation: opPlatformIntegrationCreate, status: http.StatusBadRequest, phrase: "exist", reaction: readBack},
		{operation: opPlatformIntegrationUpdate, status: http.StatusConflict, reaction: readBack},
		{operation: opPlatformIntegrationUpdate, status: http.StatusBadRequest, phrase: "not exist", reaction: fail},
		{operation: opPlatformIntegrationUpdate, status: http.StatusBadRequest, phrase: "exist", reaction: readBack},
		// It was there a moment ago, and another delivery, or a person, has removed it since: the next attempt looks again.
		{operation: opPlatformIntegrationUpdate, status: http.StatusNotFound, reaction: later},
		{operation: opDriverUpdate, status: http.StatusNotFound, reaction: later},
		// A web page with status 200: the path is wrong, and will be.
		{code: ddoe.CodeAnswerInvalid, reaction: fail},
	}
	// The platform's test fails until directory, token service and RBAC agree, with a status of its own or with the one
	// that it got from Entra or the storage. 500 may be one of its own; the client has repeated the other faults.
	const patience = 45 * time.Second
	for _, status := range slices.Concat(contentStatuses(), roleStatuses(), []int{http.StatusInternalServerError}) {
		for _, operation := range []string{opDriverTest, opPayloadTest} {
			rows = append(rows, row{operation: operation, status: status, reaction: retry, budget: patience})
		}
	}
	return append(rows, row{operation: opPayloadTest, status: http.StatusNotFound, reaction: retry, budget: patience})
}

// facts are what the table looks at.
type facts struct {
	status     int
	codes      []string
	message    string
	requestID  string
	retryAfter time.Duration
}

// factsOf reads the answer of a service out of an error; false where none of them answered.
func factsOf(err error) (facts, bool) {
	var g *graph.Error
	if errors.As(err, &g) {
		return facts{status: g.StatusCode, codes: append([]string{g.Code}, g.DetailCodes...), message: g.Message, requestID: g.RequestID, retryAfter: g.RetryAfter}, true
	}
	var a *arm.Error
	if errors.As(err, &a) {
		return facts{status: a.StatusCode, codes: []string{a.Code}, message: a.Message, requestID: a.RequestID, retryAfter: a.RetryAfter}, true
	}
	var p *ddoe.Error
	if errors.As(err, &p) {
		return facts{status: p.HTTPStatus(), codes: []string{p.ErrorCode()}, message: p.ServiceMessage(), requestID: p.ServiceRequestID(), retryAfter: p.RetryAfter()}, true
	}
	return facts{}, false
}

func (r row) matches(operation string, f facts) bool {
	return (r.operation == "" || r.operation == operation) &&
		(r.status == 0 || r.status == f.status) &&
		(r.code == "" || slices.Contains(f.codes, r.code)) &&
		(r.phrase == "" || strings.Contains(strings.ToLower(f.message), strings.ToLower(r.phrase)))
}

// react looks the error up.
func react(operation string, err error) row {
	f, answered := factsOf(err)
	if !answered {
		return row{reaction: later} // no answer: the write may have landed, and is safe to repeat
	}
	for _, r := range reactions() {
		if r.matches(operation, f) {
			return r
		}
	}
	if f.status >= http.StatusInternalServerError || f.status < http.StatusBadRequest {
		return row{reaction: later}
	}
	return row{reaction: fail}
}
