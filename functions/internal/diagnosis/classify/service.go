package classify

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// The services as evidence names them.
const (
	serviceGraph   = "graph"
	serviceARM     = "arm"
	serviceStorage = "storage"
	serviceDDOE    = "ddoe"
)

// nameOf is what people call a service. "The platform" is DDOE, in every text.
func nameOf(service string) string {
	switch service {
	case serviceGraph:
		return "Microsoft Graph"
	case serviceARM:
		return "Azure Resource Manager"
	case serviceStorage:
		return "Azure Storage"
	case serviceDDOE:
		return "The platform"
	default:
		return "The service"
	}
}

// ownInfrastructure recognises failures of the app's own queue and store by the operation alone: their cause is ours,
// whatever the service said. The one exception is a version that the account does not know: waiting helps nobody
// there.
func ownInfrastructure(err error, c diagnosis.Context) (cause, bool) {
	code := diagnosis.Code("")
	switch {
	case strings.HasPrefix(string(c.Operation), "store."):
		code = diagnosis.CodeStoreUnavailable
	case strings.HasPrefix(string(c.Operation), "bus."):
		if k, ok := busRefusal(err, c); ok {
			return k, true
		}
		code = diagnosis.CodeQueueUnavailable
	default:
		return cause{}, false
	}
	var response *azcore.ResponseError
	if !errors.As(err, &response) {
		return cause{code: code}, true
	}
	k := cause{code: code, evidence: responseEvidence(response, serviceStorage)}
	if _, refused := versionRefused(response); refused {
		k.code, k.words = diagnosis.CodeStorageVersionUnsupported, storageWords(response, c)
	}
	return k, true
}

// busRefusal is what Service Bus itself has answered: it tells a right to send that the app lacks from a namespace
// that takes nothing. False where it has answered nothing.
func busRefusal(err error, c diagnosis.Context) (cause, bool) {
	var e serviceError
	if !errors.As(err, &e) || e.ErrorCode() == "" {
		return cause{}, false
	}
	k := cause{code: diagnosis.CodeQueueUnavailable,
		evidence: &diagnosis.Evidence{Service: e.Service(), ServiceCode: redact.Printable(e.ErrorCode())}}
	switch {
	case e.ErrorCode() == string(azservicebus.CodeUnauthorizedAccess):
		k.code = diagnosis.CodeServiceBusPermissionMissing
	case c.Entity != "":
		k.words.detail = "It was about " + c.Entity + "."
	}
	return k, true
}

func serviceCause(e serviceError, c diagnosis.Context) cause {
	evidence := &diagnosis.Evidence{Service: e.Service(), HTTPStatus: e.HTTPStatus(),
		ServiceCode: redact.Printable(e.ErrorCode()), RequestID: e.ServiceRequestID()}
	var code diagnosis.Code
	switch e.Service() {
	case serviceGraph:
		code = graphCode(e.HTTPStatus(), e.ErrorCode(), c)
	case serviceARM:
		code = armCode(e.HTTPStatus(), e.ErrorCode(), c)
	case serviceDDOE:
		code = ddoeCode(e.HTTPStatus(), e.ErrorCode(), c.Operation)
	default:
		code = diagnosis.CodeUnrecognised
	}
	k := cause{code: code, evidence: evidence}
	if asked, ok := e.(interface{ Endpoint() string }); ok {
		k.target = asked.Endpoint()
	}
	if told, ok := e.(interface{ ServiceMessage() string }); ok && told.ServiceMessage() != "" {
		k.words.detail = nameOf(e.Service()) + " says: " + redact.Printable(told.ServiceMessage())
	}
	if asks, ok := e.(interface{ RetryAfter() time.Duration }); ok && asks.RetryAfter() > 0 {
		k.words.detail = strings.TrimSpace(fmt.Sprintf("%s It asks to wait %d seconds (Retry-After).", k.words.detail,
			int(asks.RetryAfter().Seconds())))
	}
	return k
}

// graphCodes are the error codes of Microsoft Graph that have one meaning.
func graphCodes() map[string]diagnosis.Code {
	return map[string]diagnosis.Code{
		"Authorization_RequestDenied":             diagnosis.CodeGraphPermissionMissing,
		"InvalidAuthenticationToken":              diagnosis.CodeServiceTokenRefused,
		"CompactToken validation failed":          diagnosis.CodeServiceTokenRefused,
		"Directory_ConcurrencyViolation":          diagnosis.CodeDirectoryBusy,
		"ConcurrencyViolation":                    diagnosis.CodeDirectoryBusy,
		"Directory_QuotaExceeded":                 diagnosis.CodeDirectoryQuotaExceeded,
		"Error_MsaAppDoesNotExist":                diagnosis.CodeSignInAudienceRefused,
		"ServiceTreeNullValueProvided":            diagnosis.CodeServiceManagementReferenceRequired,
		"ServiceTreeInvalid":                      diagnosis.CodeServiceManagementReferenceRequired,
		"NoBackingApplicationObject":              diagnosis.CodeDirectoryNotReplicated,
		"Request_MultipleObjectsWithSameKeyValue": diagnosis.CodeObjectAlreadyExists,
		"InvalidFederatedIdentityCredentialValue": diagnosis.CodeFederatedCredentialRefused,
		"Request_BadRequest":                      diagnosis.CodeGraphRequestRefused,
		"TooManyRequests":                         diagnosis.CodeThrottled,
		"activityLimitReached":                    diagnosis.CodeThrottled,
	}
}

func graphCode(status int, code string, c diagnosis.Context) diagnosis.Code {
	if s := byStatus(status, diagnosis.CodeThrottled, diagnosis.CodeGraphUnavailable); s != "" {
		return s
	}
	if status == http.StatusForbidden && isLook(c) {
		return diagnosis.CodeDirectoryNotReadable
	}
	if s, ok := graphCodes()[code]; ok {
		return s
	}
	switch status {
	case http.StatusUnauthorized:
		return diagnosis.CodeServiceTokenRefused
	case http.StatusForbidden:
		return diagnosis.CodeGraphPermissionMissing
	case http.StatusNotFound:
		return graphNotFound(c)
	case http.StatusConflict:
		return diagnosis.CodeObjectAlreadyExists
	default:
		return diagnosis.CodeGraphUnrecognised
	}
}

// graphNotFound depends on what was done: writing below an application or for one means that it is not replicated.
func graphNotFound(c diagnosis.Context) diagnosis.Code {
	switch c.Operation {
	case "federatedCredential.upsert", "federatedCredential.list", "servicePrincipal.upsert", "application.create",
		"application.update":
		return diagnosis.CodeDirectoryNotReplicated
	case "application.get":
		return diagnosis.CodeIdentityMissing
	case "application.holder.get":
		return diagnosis.CodeUniqueNameTaken
	case "servicePrincipal.get":
		return diagnosis.CodeServicePrincipalMissing
	default:
		return diagnosis.CodeObjectNotFound
	}
}

// isLook reports whether a request was about what somebody else has made: what is forbidden of that is no fault of the
// integration, and nothing that is to be written.
func isLook(c diagnosis.Context) bool { return strings.HasPrefix(string(c.Operation), "look.") }

// armCodes are the error codes of Azure Resource Manager that have one meaning.
func armCodes() map[string]diagnosis.Code {
	return map[string]diagnosis.Code{
		"PrincipalNotFound":                        diagnosis.CodePrincipalNotReplicated,
		"UnmatchedPrincipalType":                   diagnosis.CodePrincipalTypeMismatch,
		"RoleAssignmentExists":                     diagnosis.CodeRoleAssignmentExists,
		"RoleAssignmentUpdateNotPermitted":         diagnosis.CodeRoleAssignmentNameTaken,
		"HashConflictOnDifferentRoleAssignmentIds": diagnosis.CodeRoleAssignmentNameConflict,
		"RoleDefinitionDoesNotExist":               diagnosis.CodeRoleDefinitionMissing,
		"RoleAssignmentLimitExceeded":              diagnosis.CodeRoleAssignmentLimit,
		"RoleAssignmentNotFound":                   diagnosis.CodeRoleMissing,
		"AuthorizationFailed":                      diagnosis.CodeARMPermissionMissing,
		"LinkedAuthorizationFailed":                diagnosis.CodeLinkedAuthorizationFailed,
		"DenyAssignmentAuthorizationFailed":        diagnosis.CodeDenyAssignment,
		"ScopeLocked":                              diagnosis.CodeScopeLocked,
		"RequestDisallowedByPolicy":                diagnosis.CodePolicyDenied,
		"DisallowedOperation":                      diagnosis.CodePolicyDenied,
		"ReadOnlyDisabledSubscription":             diagnosis.CodeSubscriptionDisabled,
		"SubscriptionNotRegistered":                diagnosis.CodeSubscriptionDisabled,
		"MissingSubscriptionRegistration":          diagnosis.CodeIdentityProviderNotRegistered,
		"SubscriptionNotFound":                     diagnosis.CodeSubscriptionNotFound,
		"InvalidSubscriptionId":                    diagnosis.CodeSubscriptionNotFound,
		"ResourceGroupNotFound":                    diagnosis.CodeResourceGroupNotFound,
		"ResourceNotFound":                         diagnosis.CodeStorageAccountNotFound,
		"ParentResourceNotFound":                   diagnosis.CodeStorageAccountNotFound,
		"InvalidAuthenticationTokenTenant":         diagnosis.CodeSubscriptionTenantMismatch,
		"InvalidAuthenticationToken":               diagnosis.CodeServiceTokenRefused,
		"ExpiredAuthenticationToken":               diagnosis.CodeServiceTokenRefused,
		"AuthenticationFailed":                     diagnosis.CodeServiceTokenRefused,
		"ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity": diagnosis.CodeManagedIdentityBusy,
		"TooManyRequests":               diagnosis.CodeThrottled,
		"SubscriptionRequestsThrottled": diagnosis.CodeThrottled,
	}
}

func armCode(status int, code string, c diagnosis.Context) diagnosis.Code {
	if s := byStatus(status, diagnosis.CodeThrottled, diagnosis.CodeARMUnavailable); s != "" {
		return s
	}
	if status == http.StatusForbidden && isLook(c) {
		return diagnosis.CodeStorageNotReadable
	}
	if s := identityCode(status, code, c.Operation); s != "" {
		return s
	}
	if s, ok := armCodes()[code]; ok {
		return s
	}
	switch status {
	case http.StatusUnauthorized:
		return diagnosis.CodeServiceTokenRefused
	case http.StatusForbidden:
		return diagnosis.CodeARMPermissionMissing
	case http.StatusNotFound:
		if c.Operation == "rbac.get" {
			return diagnosis.CodeRoleMissing
		}
		return diagnosis.CodeStorageAccountNotFound
	default:
		return diagnosis.CodeARMUnrecognised
	}
}

// identityCode is what an answer about a managed identity or its credentials means where it means something else
// there; empty elsewhere. Azure has one code for all that it refuses of a credential (BadRequest), and none for a
// region without support. A region that it does not have, or not for identities, has one. Sources:
// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations and
// https://github.com/Azure/pcs-cli/issues/522.
func identityCode(status int, code string, operation diagnosis.Operation) diagnosis.Code {
	isCredential := strings.HasPrefix(string(operation), "managedCredential.")
	switch {
	case !isCredential && !strings.HasPrefix(string(operation), "managedIdentity."), code == "SubscriptionNotFound":
		return "" // what it means for every resource
	case code == "RequestDisallowedByPolicy":
		return diagnosis.CodeManagedIdentityPolicyDenied
	case code == "AuthorizationFailed":
		return diagnosis.CodeManagedIdentityPermissionMissing
	case code == "ResourceGroupNotFound":
		return diagnosis.CodeIdentityGroupNotFound
	case status == http.StatusNotFound && isCredential:
		return diagnosis.CodeManagedIdentityNotReplicated
	case status == http.StatusNotFound:
		return diagnosis.CodeIdentityMissing
	case status == http.StatusMethodNotAllowed && isCredential, code == "LocationNotAvailableForResourceType":
		return diagnosis.CodeManagedIdentityRegionUnsupported
	case status == http.StatusBadRequest && isCredential:
		return diagnosis.CodeManagedCredentialRefused
	case status == http.StatusBadRequest, code == "InvalidResourceLocation":
		return diagnosis.CodeManagedIdentityRefused
	default:
		return ""
	}
}
