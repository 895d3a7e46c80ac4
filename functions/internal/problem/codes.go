package problem

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// codesExtension is the member of a response in the API document that lists the codes of the status.
const codesExtension = "x-codes"

// Codes that several operations answer with.
var (
	ofStore = []diagnosis.Code{diagnosis.CodeStoreUnavailable, diagnosis.CodeStorageThrottled,
		diagnosis.CodeStorageUnavailable, diagnosis.CodeStorageVersionUnsupported, diagnosis.CodeRequestTimeout}
	ofRecord = slices.Concat(ofStore, []diagnosis.Code{diagnosis.CodeIntegrationNotFound,
		diagnosis.CodeRecordUnreadable, diagnosis.CodeRecordTooNew})
	ofOperation = slices.Concat(ofStore, []diagnosis.Code{diagnosis.CodeOperationNotFound,
		diagnosis.CodeOperationUnreadable, diagnosis.CodeRecordTooNew})
	ofQueue = []diagnosis.Code{diagnosis.CodeQueueUnavailable, diagnosis.CodeServiceBusPermissionMissing}
	// ofServices are those that have the status 503. What else a service states has the status 502, and any code.
	ofServices = []diagnosis.Code{diagnosis.CodeServiceIdentityUnavailable, diagnosis.CodeEntraUnavailable,
		diagnosis.CodeEntraThrottled, diagnosis.CodeGraphUnavailable, diagnosis.CodeARMUnavailable,
		diagnosis.CodeThrottled, diagnosis.CodeDDOEUnavailable, diagnosis.CodeDDOEThrottled,
		diagnosis.CodeManagedIdentityPaced}
	// ofRepetition are those of a request with an operation id that is used, or whose operation was canceled.
	ofRepetition = []diagnosis.Code{diagnosis.CodeInvalidOperationID, diagnosis.CodeOperationIDReused,
		diagnosis.CodeOperationUnreadable, diagnosis.CodeOperationCanceled}
	ofChange = slices.Concat(ofRecord, ofQueue, ofRepetition, ofServices, []diagnosis.Code{
		diagnosis.CodeInvalidSpec, diagnosis.CodeNotAllowed, diagnosis.CodeSubjectBound,
		diagnosis.CodeIdentityReplaceRequired, diagnosis.CodeIntegrationUnmanaged, diagnosis.CodeDeprovisioning,
		diagnosis.CodePreconditionFailed, diagnosis.CodeConflict})
	ofTest = slices.Concat(ofRecord, ofQueue, ofRepetition, ofServices, []diagnosis.Code{
		diagnosis.CodeNotProvisioned, diagnosis.CodeDeprovisioning, diagnosis.CodeSubjectTokenUnavailable})
)

// codes are what each operation answers with beside what follows from its form: see codesOf.
var codes = map[string][]diagnosis.Code{
	"listIntegrations": append([]diagnosis.Code{diagnosis.CodeInvalidContinuationToken}, ofStore...),
	"getIntegration":   append([]diagnosis.Code{diagnosis.CodeIntegrationDeleted}, ofRecord...),
	"getCredentialFile": append([]diagnosis.Code{diagnosis.CodeIntegrationDeleted, diagnosis.CodeNotProvisioned},
		ofRecord...),
	"getHealth": append([]diagnosis.Code{diagnosis.CodeIntegrationDeleted}, ofRecord...),
	"getDrift": slices.Concat([]diagnosis.Code{diagnosis.CodeIntegrationDeleted, diagnosis.CodeNotProvisioned,
		diagnosis.CodeDeprovisioning}, ofRecord, ofServices),
	"connect":          append([]diagnosis.Code{diagnosis.CodeIntegrationExists}, ofChange...),
	"patchIntegration": append([]diagnosis.Code{diagnosis.CodeIntegrationDeleted}, ofChange...),
	"disconnect": slices.Concat([]diagnosis.Code{diagnosis.CodeIntegrationDeleted,
		diagnosis.CodePreconditionFailed}, ofRecord, ofQueue, ofRepetition),
	"transferIntegration": append([]diagnosis.Code{diagnosis.CodeSubjectBound, diagnosis.CodePreconditionFailed,
		diagnosis.CodeConflict}, ofRecord...),
	"confirm": slices.Concat([]diagnosis.Code{diagnosis.CodeIntegrationDeleted, diagnosis.CodeNothingToConfirm,
		diagnosis.CodeDeprovisioning, diagnosis.CodeDDOETooLong, diagnosis.CodeConflict}, ofRecord, ofQueue),
	"import": slices.Concat([]diagnosis.Code{diagnosis.CodeMalformedForm, diagnosis.CodeInvalidCombination,
		diagnosis.CodeInvalidCredentialFile, diagnosis.CodeFileTooLarge, diagnosis.CodeDDOETooLong,
		diagnosis.CodeInvalidSpec, diagnosis.CodeNotAllowed, diagnosis.CodeSubjectBound, diagnosis.CodeIdentityBound,
		diagnosis.CodeIntegrationExists, diagnosis.CodeRecordUnreadable, diagnosis.CodeRecordTooNew,
		diagnosis.CodeConflict}, ofStore, ofQueue, ofServices),
	"testAccess": slices.Concat([]diagnosis.Code{diagnosis.CodeInvalidMode, diagnosis.CodeInvalidAccess,
		diagnosis.CodeInvalidPrefix, diagnosis.CodeInvalidCombination, diagnosis.CodeIntegrationDeleted}, ofTest),
	"checkHealth": append([]diagnosis.Code{diagnosis.CodeIntegrationDeleted, diagnosis.CodeHealthChecksOff,
		diagnosis.CodeAwaitingVerification}, ofTest...),
	"manage": append([]diagnosis.Code{diagnosis.CodeIntegrationDeleted, diagnosis.CodeApplicationNotOwned,
		diagnosis.CodeNotOwned, diagnosis.CodeManagedIdentityForeign}, ofChange...),
	"listOperations": append([]diagnosis.Code{diagnosis.CodeInvalidContinuationToken}, ofStore...),
	"listIntegrationOperations": append([]diagnosis.Code{diagnosis.CodeInvalidContinuationToken},
		ofRecord...),
	"getOperation":    ofOperation,
	"cancelOperation": append([]diagnosis.Code{diagnosis.CodeOperationNotCancelable}, ofOperation...),
	"validateCredentials": {diagnosis.CodeFileMissing, diagnosis.CodeMalformedForm, diagnosis.CodeFileTooLarge,
		diagnosis.CodeBodyTooLarge, diagnosis.CodeUnsupportedMediaType, diagnosis.CodeUnsupportedContentEncoding,
		diagnosis.CodeUnknownMember, diagnosis.CodeDuplicateMember, diagnosis.CodeMissingMember,
		diagnosis.CodeInvalidValue, diagnosis.CodeInvalidCombination, diagnosis.CodeInvalidResourceID,
		diagnosis.CodeInvalidContainer},
	"getErrorPage": {diagnosis.CodeNotFound},
}

// ofBody are the codes of a body that is decoded strictly.
var ofBody = []diagnosis.Code{diagnosis.CodeMalformedBody, diagnosis.CodeNestedTooDeep, diagnosis.CodeBodyTooLarge,
	diagnosis.CodeUnsupportedMediaType, diagnosis.CodeUnsupportedContentEncoding, diagnosis.CodeUnknownMember,
	diagnosis.CodeDuplicateMember, diagnosis.CodeMissingMember, diagnosis.CodeWrongType, diagnosis.CodeInvalidValue}

// ofCallers are the codes by which callers are refused where a role is asked for.
var ofCallers = []diagnosis.Code{diagnosis.CodeUnauthorized, diagnosis.CodeCallerTokenInvalid,
	diagnosis.CodeCallerTokenAudience, diagnosis.CodeCallerTokenTenant, diagnosis.CodeCallerTokenExpired,
	diagnosis.CodeForbidden, diagnosis.CodeRateLimited, diagnosis.CodeEntraUnavailable,
	diagnosis.CodeServiceIdentityUnavailable}

// codesOf are the codes that an operation answers with: its own, and those that follow from its path and its body.
func codesOf(op *huma.Operation, hasBody bool) []diagnosis.Code {
	all := []diagnosis.Code{diagnosis.CodeInvalidParameter, diagnosis.CodeInternal}
	switch {
	case strings.HasPrefix(op.Path, "/integrations/{"):
		all = append(all, diagnosis.CodeInvalidID)
	case strings.HasPrefix(op.Path, "/operations/{"):
		all = append(all, diagnosis.CodeInvalidOperationID)
	}
	if hasBody {
		all = append(all, ofBody...)
	}
	return append(all, codes[op.OperationID]...)
}

// list adds codes to a response of a status, and describes it by them. Where none are known, a service's words decide.
func list(response *huma.Response, status int, added []diagnosis.Code) {
	listed, _ := response.Extensions[codesExtension].([]diagnosis.Code)
	for _, code := range added {
		if !slices.Contains(listed, code) {
			listed = append(slices.Clip(listed), code)
		}
	}
	response.Description = http.StatusText(status)
	switch {
	case len(listed) > 0:
		response.Extensions = map[string]any{codesExtension: listed}
		response.Description += ": " + joined(listed)
	case status == http.StatusBadGateway:
		response.Description += ", with the code of what a service behind this one stated"
	}
}

// byStatus are codes by the status that an answer with them has.
func byStatus(all []diagnosis.Code, statuses []int) map[string][]diagnosis.Code {
	found := map[string][]diagnosis.Code{}
	for _, status := range statuses {
		found[strconv.Itoa(status)] = nil
	}
	if _, isDeclared := found[strconv.Itoa(http.StatusRequestTimeout)]; isDeclared { // the body did not arrive in time
		found[strconv.Itoa(http.StatusRequestTimeout)] = []diagnosis.Code{diagnosis.CodeRequestTimeout}
	}
	for _, code := range all {
		status := strconv.Itoa(StatusOf(code))
		found[status] = append(found[status], code)
	}
	return found
}
