package problem

import (
	"net/http"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// StatusOf is the HTTP status of a problem with a code. Nothing but an answer over HTTP depends on it: what a code
// means, and whether trying again may help, is decided elsewhere.
func StatusOf(code diagnosis.Code) int {
	for _, row := range statuses {
		if slices.Contains(row.codes, code) {
			return row.status
		}
	}
	entry, known := diagnosis.Lookup(code)
	switch {
	case !known:
		return http.StatusInternalServerError
	case slices.Contains([]string{"", "file", "token"}, entry.Layer):
		return statusContract // about what was sent
	default:
		return http.StatusBadGateway // about what a service behind this one has, or states
	}
}

// statusRow are the codes with a status other than their layer's.
type statusRow struct {
	status int
	codes  []diagnosis.Code
}

// statuses are those rows; the first one that has a code counts.
var statuses = []statusRow{
	{http.StatusBadRequest, []diagnosis.Code{
		diagnosis.CodeBadRequest, diagnosis.CodeFileMissing, diagnosis.CodeInvalidContinuationToken,
		diagnosis.CodeInvalidID, diagnosis.CodeInvalidOperationID, diagnosis.CodeInvalidParameter,
		diagnosis.CodeMalformedBody, diagnosis.CodeMalformedForm, diagnosis.CodeNestedTooDeep,
		diagnosis.CodeNotJSON,
	}},
	{http.StatusUnauthorized, []diagnosis.Code{
		diagnosis.CodeUnauthorized, diagnosis.CodeCallerTokenInvalid, diagnosis.CodeCallerTokenAudience,
		diagnosis.CodeCallerTokenTenant, diagnosis.CodeCallerTokenExpired,
	}},
	{http.StatusForbidden, []diagnosis.Code{
		diagnosis.CodeForbidden, diagnosis.CodeNotAllowed,
	}},
	{http.StatusNotFound, []diagnosis.Code{
		diagnosis.CodeIntegrationDeleted, diagnosis.CodeIntegrationNotFound, diagnosis.CodeNotFound,
		diagnosis.CodeOperationNotFound,
	}},
	{http.StatusMethodNotAllowed, []diagnosis.Code{
		diagnosis.CodeMethodNotAllowed,
	}},
	{http.StatusNotAcceptable, []diagnosis.Code{
		diagnosis.CodeNotAcceptable,
	}},
	{http.StatusConflict, []diagnosis.Code{
		diagnosis.CodeConflict, diagnosis.CodeDDOEDriverForeign, diagnosis.CodeDDOEDriverNotDeleted,
		diagnosis.CodeDDOEIntegrationForeign, diagnosis.CodeDDOEIntegrationInUse,
		diagnosis.CodeDDOEIntegrationNameTaken, diagnosis.CodeDDOEIntegrationNotDeleted,
		diagnosis.CodeDeprovisioning, diagnosis.CodeIdentityReplaceRequired, diagnosis.CodeIntegrationExists,
		diagnosis.CodeManagedIdentityForeign, diagnosis.CodeNotOwned,
		diagnosis.CodeApplicationNotOwned, diagnosis.CodeIdentityBound, diagnosis.CodeSubjectBound,
		diagnosis.CodeNothingToConfirm, diagnosis.CodeIntegrationUnmanaged,
		diagnosis.CodeNotProvisioned, diagnosis.CodeOperationIDReused, diagnosis.CodeOperationNotCancelable,
		diagnosis.CodeOperationCanceled, diagnosis.CodeSubjectTokenUnavailable,
		diagnosis.CodeSuperseded,
	}},
	{http.StatusPreconditionFailed, []diagnosis.Code{
		diagnosis.CodePreconditionFailed,
	}},
	{http.StatusRequestEntityTooLarge, []diagnosis.Code{
		diagnosis.CodeBodyTooLarge, diagnosis.CodeFileTooLarge, diagnosis.CodeMessageTooLarge,
	}},
	{http.StatusUnsupportedMediaType, []diagnosis.Code{
		diagnosis.CodeUnsupportedContentEncoding, diagnosis.CodeUnsupportedMediaType,
	}},
	{http.StatusTooManyRequests, []diagnosis.Code{
		diagnosis.CodeRateLimited,
	}},
	{http.StatusInternalServerError, []diagnosis.Code{
		diagnosis.CodeDeadLettered, diagnosis.CodeKeyVaultReferenceUnresolved, diagnosis.CodeDeliveryExhausted,
		diagnosis.CodeInternal, diagnosis.CodeOperationUnreadable, diagnosis.CodeRecordSetAside,
		diagnosis.CodeRecordUnreadable,
		diagnosis.CodeUnrecognised,
	}},
	{http.StatusBadGateway, []diagnosis.Code{
		diagnosis.CodeAttemptsExhausted, diagnosis.CodeDDOEAnswerInvalid, diagnosis.CodeDDOEForbidden,
		diagnosis.CodeDDOENotFound, diagnosis.CodeDDOEUnauthorized, diagnosis.CodeDDOEUnrecognised,
	}},
	{http.StatusServiceUnavailable, []diagnosis.Code{
		diagnosis.CodeARMUnavailable, diagnosis.CodeDDOEThrottled, diagnosis.CodeDDOEUnavailable,
		diagnosis.CodeEntraThrottled, diagnosis.CodeEntraUnavailable, diagnosis.CodeGraphUnavailable,
		diagnosis.CodeQueueUnavailable, diagnosis.CodeServiceBusPermissionMissing, diagnosis.CodeRecordTooNew,
		diagnosis.CodeServiceIdentityUnavailable,
		diagnosis.CodeStorageThrottled,
		diagnosis.CodeStorageUnavailable, diagnosis.CodeStorageVersionUnsupported, diagnosis.CodeStoreUnavailable,
		diagnosis.CodeThrottled, diagnosis.CodeManagedIdentityPaced,
	}},
	{http.StatusGatewayTimeout, []diagnosis.Code{
		diagnosis.CodeMessageExpired, diagnosis.CodeRequestTimeout,
	}},
}
