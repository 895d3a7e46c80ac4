package diagnosis

import (
	"errors"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

// The services as evidence names them.
const (
	serviceGraph   = "graph"
	serviceARM     = "arm"
	serviceStorage = "storage"
	serviceDDOE    = "ddoe"
)

// ownInfrastructure recognises failures of the app's own queue and store by the operation alone: their cause is ours,
// whatever the service said. The one exception is a version that the account does not know: waiting helps nobody there.
func ownInfrastructure(err error, c Context) (classified, bool) {
	code := ""
	switch {
	case strings.HasPrefix(c.Operation, "store."):
		code = "store-unavailable"
	case strings.HasPrefix(c.Operation, "bus."):
		code = "queue-unavailable"
	default:
		return classified{}, false
	}
	var response *azcore.ResponseError
	if !errors.As(err, &response) {
		return classified{code: code}, true
	}
	k := classified{code: code, evidence: responseEvidence(response, serviceStorage)}
	if _, refused := versionRefused(response); refused {
		k.code, k.words = codeStorageVersion, storageWords(response, c)
	}
	return k, true
}

func classifyService(e serviceError, c Context) classified {
	evidence := &Evidence{Service: e.Service(), HTTPStatus: e.HTTPStatus(), ServiceCode: Printable(e.ErrorCode()), RequestID: e.ServiceRequestID()}
	var code string
	switch e.Service() {
	case serviceGraph:
		code = graphCode(e.HTTPStatus(), e.ErrorCode(), c)
	case serviceARM:
		code = armCode(e.HTTPStatus(), e.ErrorCode(), c)
	case serviceDDOE:
		code = ddoeCode(e.HTTPStatus(), e.ErrorCode())
	default:
		code = CodeUnrecognised
	}
	k := classified{code: code, evidence: evidence}
	if asked, ok := e.(interface{ Endpoint() string }); ok {
		k.target = asked.Endpoint()
	}
	return k
}

// graphCodes are the error codes of Microsoft Graph that have one meaning.
func graphCodes() map[string]string {
	return map[string]string{
		"Authorization_RequestDenied":             "graph-permission-missing",
		"InvalidAuthenticationToken":              "service-token-refused",
		"CompactToken validation failed":          "service-token-refused",
		"Directory_ConcurrencyViolation":          "directory-busy",
		"ConcurrencyViolation":                    "directory-busy",
		"Directory_QuotaExceeded":                 "directory-quota-exceeded",
		"Error_MsaAppDoesNotExist":                "sign-in-audience-refused",
		"ServiceTreeNullValueProvided":            "service-management-reference-required",
		"ServiceTreeInvalid":                      "service-management-reference-required",
		"NoBackingApplicationObject":              "directory-not-replicated",
		"Request_MultipleObjectsWithSameKeyValue": "object-already-exists",
		"InvalidFederatedIdentityCredentialValue": "federated-credential-refused",
		"Request_BadRequest":                      "graph-request-refused",
		"TooManyRequests":                         "throttled",
		"activityLimitReached":                    "throttled",
	}
}

func graphCode(status int, code string, c Context) string {
	if s := byStatus(status, "throttled", "graph-unavailable"); s != "" {
		return s
	}
	if s, ok := graphCodes()[code]; ok {
		return s
	}
	switch status {
	case http.StatusUnauthorized:
		return "service-token-refused"
	case http.StatusForbidden:
		return "graph-permission-missing"
	case http.StatusNotFound:
		return graphNotFound(c)
	case http.StatusConflict:
		return "object-already-exists"
	default:
		return "graph-unrecognised"
	}
}

// graphNotFound depends on what was done: writing below an application or for one means that it is not replicated.
func graphNotFound(c Context) string {
	switch c.Operation {
	case "federatedCredential.upsert", "federatedCredential.list", "servicePrincipal.upsert", "application.upsert":
		return "directory-not-replicated"
	case "application.get":
		return "application-missing"
	case "servicePrincipal.get":
		return "service-principal-not-found"
	default:
		return "object-not-found"
	}
}

// armCodes are the error codes of Azure Resource Manager that have one meaning.
func armCodes() map[string]string {
	return map[string]string{
		"PrincipalNotFound":                        "principal-not-replicated",
		"UnmatchedPrincipalType":                   "principal-type-mismatch",
		"RoleAssignmentExists":                     "role-assignment-exists",
		"RoleAssignmentUpdateNotPermitted":         "role-assignment-name-taken",
		"HashConflictOnDifferentRoleAssignmentIds": "role-assignment-name-conflict",
		"RoleDefinitionDoesNotExist":               "role-definition-missing",
		"RoleAssignmentLimitExceeded":              "role-assignment-limit",
		"RoleAssignmentNotFound":                   "role-assignment-not-found",
		"AuthorizationFailed":                      "arm-permission-missing",
		"LinkedAuthorizationFailed":                "linked-authorization-failed",
		"ScopeLocked":                              "scope-locked",
		"RequestDisallowedByPolicy":                "policy-denied",
		"DisallowedOperation":                      "policy-denied",
		"ReadOnlyDisabledSubscription":             "subscription-disabled",
		"SubscriptionNotRegistered":                "subscription-disabled",
		"SubscriptionNotFound":                     "subscription-not-found",
		"InvalidSubscriptionId":                    "subscription-not-found",
		"ResourceGroupNotFound":                    "resource-group-not-found",
		"ResourceNotFound":                         "storage-account-not-found",
		"ParentResourceNotFound":                   "storage-account-not-found",
		"InvalidAuthenticationTokenTenant":         "subscription-tenant-mismatch",
		"InvalidAuthenticationToken":               "service-token-refused",
		"ExpiredAuthenticationToken":               "service-token-refused",
		"AuthenticationFailed":                     "service-token-refused",
		"TooManyRequests":                          "throttled",
		"SubscriptionRequestsThrottled":            "throttled",
	}
}

func armCode(status int, code string, c Context) string {
	if s := byStatus(status, "throttled", "arm-unavailable"); s != "" {
		return s
	}
	if s, ok := armCodes()[code]; ok {
		return s
	}
	switch status {
	case http.StatusUnauthorized:
		return "service-token-refused"
	case http.StatusForbidden:
		return "arm-permission-missing"
	case http.StatusNotFound:
		if c.Operation == "rbac.get" {
			return "role-assignment-not-found"
		}
		return "storage-account-not-found"
	default:
		return "arm-unrecognised"
	}
}

func ddoeCode(status int, code string) string {
	if code == "answer-invalid" {
		return "ddoe-answer-invalid"
	}
	if s := byStatus(status, "ddoe-throttled", "ddoe-unavailable"); s != "" {
		return s
	}
	switch status {
	case http.StatusUnauthorized:
		return "ddoe-unauthorized"
	case http.StatusForbidden:
		return "ddoe-forbidden"
	case http.StatusNotFound:
		return "ddoe-not-found"
	default:
		return "ddoe-unrecognised"
	}
}
