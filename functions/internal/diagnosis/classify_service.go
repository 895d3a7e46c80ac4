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
	code := Code("")
	switch {
	case strings.HasPrefix(c.Operation, "store."):
		code = CodeStoreUnavailable
	case strings.HasPrefix(c.Operation, "bus."):
		code = CodeQueueUnavailable
	default:
		return classified{}, false
	}
	var response *azcore.ResponseError
	if !errors.As(err, &response) {
		return classified{code: code}, true
	}
	k := classified{code: code, evidence: responseEvidence(response, serviceStorage)}
	if _, refused := versionRefused(response); refused {
		k.code, k.words = CodeStorageVersionUnsupported, storageWords(response, c)
	}
	return k, true
}

func classifyService(e serviceError, c Context) classified {
	evidence := &Evidence{Service: e.Service(), HTTPStatus: e.HTTPStatus(), ServiceCode: Printable(e.ErrorCode()), RequestID: e.ServiceRequestID()}
	var code Code
	switch e.Service() {
	case serviceGraph:
		code = graphCode(e.HTTPStatus(), e.ErrorCode(), c)
	case serviceARM:
		code = armCode(e.HTTPStatus(), e.ErrorCode(), c)
	case serviceDDOE:
		code = ddoeCode(e.HTTPStatus(), e.ErrorCode(), c.Operation)
	default:
		code = CodeUnrecognised
	}
	k := classified{code: code, evidence: evidence}
	if asked, ok := e.(interface{ Endpoint() string }); ok {
		k.target = asked.Endpoint()
	}
	if told, ok := e.(interface{ ServiceMessage() string }); ok && told.ServiceMessage() != "" {
		k.words.detail = "The platform says: " + Printable(told.ServiceMessage())
	}
	return k
}

// graphCodes are the error codes of Microsoft Graph that have one meaning.
func graphCodes() map[string]Code {
	return map[string]Code{
		"Authorization_RequestDenied":             CodeGraphPermissionMissing,
		"InvalidAuthenticationToken":              CodeServiceTokenRefused,
		"CompactToken validation failed":          CodeServiceTokenRefused,
		"Directory_ConcurrencyViolation":          CodeDirectoryBusy,
		"ConcurrencyViolation":                    CodeDirectoryBusy,
		"Directory_QuotaExceeded":                 CodeDirectoryQuotaExceeded,
		"Error_MsaAppDoesNotExist":                CodeSignInAudienceRefused,
		"ServiceTreeNullValueProvided":            CodeServiceManagementReferenceRequired,
		"ServiceTreeInvalid":                      CodeServiceManagementReferenceRequired,
		"NoBackingApplicationObject":              CodeDirectoryNotReplicated,
		"Request_MultipleObjectsWithSameKeyValue": CodeObjectAlreadyExists,
		"InvalidFederatedIdentityCredentialValue": CodeFederatedCredentialRefused,
		"Request_BadRequest":                      CodeGraphRequestRefused,
		"TooManyRequests":                         CodeThrottled,
		"activityLimitReached":                    CodeThrottled,
	}
}

func graphCode(status int, code string, c Context) Code {
	if s := byStatus(status, CodeThrottled, CodeGraphUnavailable); s != "" {
		return s
	}
	if s, ok := graphCodes()[code]; ok {
		return s
	}
	switch status {
	case http.StatusUnauthorized:
		return CodeServiceTokenRefused
	case http.StatusForbidden:
		return CodeGraphPermissionMissing
	case http.StatusNotFound:
		return graphNotFound(c)
	case http.StatusConflict:
		return CodeObjectAlreadyExists
	default:
		return CodeGraphUnrecognised
	}
}

// graphNotFound depends on what was done: writing below an application or for one means that it is not replicated.
func graphNotFound(c Context) Code {
	switch c.Operation {
	case "federatedCredential.upsert", "federatedCredential.list", "servicePrincipal.upsert",
		"application.create", "application.update":
		return CodeDirectoryNotReplicated
	case "application.get":
		return CodeApplicationMissing
	case "servicePrincipal.get":
		return CodeServicePrincipalNotFound
	default:
		return CodeObjectNotFound
	}
}

// armCodes are the error codes of Azure Resource Manager that have one meaning.
func armCodes() map[string]Code {
	return map[string]Code{
		"PrincipalNotFound":                        CodePrincipalNotReplicated,
		"UnmatchedPrincipalType":                   CodePrincipalTypeMismatch,
		"RoleAssignmentExists":                     CodeRoleAssignmentExists,
		"RoleAssignmentUpdateNotPermitted":         CodeRoleAssignmentNameTaken,
		"HashConflictOnDifferentRoleAssignmentIds": CodeRoleAssignmentNameConflict,
		"RoleDefinitionDoesNotExist":               CodeRoleDefinitionMissing,
		"RoleAssignmentLimitExceeded":              CodeRoleAssignmentLimit,
		"RoleAssignmentNotFound":                   CodeRoleAssignmentNotFound,
		"AuthorizationFailed":                      CodeARMPermissionMissing,
		"LinkedAuthorizationFailed":                CodeLinkedAuthorizationFailed,
		"ScopeLocked":                              CodeScopeLocked,
		"RequestDisallowedByPolicy":                CodePolicyDenied,
		"DisallowedOperation":                      CodePolicyDenied,
		"ReadOnlyDisabledSubscription":             CodeSubscriptionDisabled,
		"SubscriptionNotRegistered":                CodeSubscriptionDisabled,
		"SubscriptionNotFound":                     CodeSubscriptionNotFound,
		"InvalidSubscriptionId":                    CodeSubscriptionNotFound,
		"ResourceGroupNotFound":                    CodeResourceGroupNotFound,
		"ResourceNotFound":                         CodeStorageAccountNotFound,
		"ParentResourceNotFound":                   CodeStorageAccountNotFound,
		"InvalidAuthenticationTokenTenant":         CodeSubscriptionTenantMismatch,
		"InvalidAuthenticationToken":               CodeServiceTokenRefused,
		"ExpiredAuthenticationToken":               CodeServiceTokenRefused,
		"AuthenticationFailed":                     CodeServiceTokenRefused,
		"TooManyRequests":                          CodeThrottled,
		"SubscriptionRequestsThrottled":            CodeThrottled,
	}
}

func armCode(status int, code string, c Context) Code {
	if s := byStatus(status, CodeThrottled, CodeARMUnavailable); s != "" {
		return s
	}
	if s, ok := armCodes()[code]; ok {
		return s
	}
	switch status {
	case http.StatusUnauthorized:
		return CodeServiceTokenRefused
	case http.StatusForbidden:
		return CodeARMPermissionMissing
	case http.StatusNotFound:
		if c.Operation == "rbac.get" {
			return CodeRoleAssignmentNotFound
		}
		return CodeStorageAccountNotFound
	default:
		return CodeARMUnrecognised
	}
}
