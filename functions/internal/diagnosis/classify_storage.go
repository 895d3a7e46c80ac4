package diagnosis

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// classifyResponse classifies an SDK's error by the host that answered: Storage and ARM share no error codes.
func classifyResponse(e *azcore.ResponseError, c Context) classified {
	host := ""
	if e.RawResponse != nil && e.RawResponse.Request != nil {
		host = e.RawResponse.Request.URL.Hostname()
	}
	switch {
	case strings.HasPrefix(host, "management."):
		return classified{code: armCode(e.StatusCode, e.ErrorCode, c), evidence: responseEvidence(e, serviceARM)}
	case strings.HasPrefix(host, "graph.") || strings.Contains(host, "graph.microsoft"):
		return classified{code: graphCode(e.StatusCode, e.ErrorCode, c), evidence: responseEvidence(e, serviceGraph)}
	default:
		return classified{code: storageCode(e, c), evidence: responseEvidence(e, serviceStorage), words: storageWords(e, c)}
	}
}

func responseEvidence(e *azcore.ResponseError, service string) *Evidence {
	evidence := &Evidence{Service: service, HTTPStatus: e.StatusCode}
	if service == serviceStorage {
		evidence.StorageCode = Printable(e.ErrorCode)
	} else {
		evidence.ServiceCode = Printable(e.ErrorCode)
	}
	if e.RawResponse != nil {
		evidence.RequestID = firstHeader(e.RawResponse.Header, "x-ms-request-id", "request-id")
		evidence.CorrelationID = Printable(e.RawResponse.Header.Get("x-ms-correlation-request-id"))
	}
	return evidence
}

func firstHeader(h http.Header, names ...string) string {
	for _, name := range names {
		if v := h.Get(name); v != "" {
			return Printable(v)
		}
	}
	return ""
}

// storageCodes are the error codes of the blob service that have one meaning.
func storageCodes() map[string]Code {
	return map[string]Code{
		"AuthorizationPermissionMismatch":     CodeRoleMissing,
		"AuthorizationFailure":                CodeNetworkRulesBlocked,
		"AuthorizationSourceIPMismatch":       CodeNetworkRulesBlocked,
		"InvalidAuthenticationInfo":           CodeStorageTokenRefused,
		"AuthenticationFailed":                CodeStorageTokenRefused,
		"NoAuthenticationInformation":         CodeStorageRequestAnonymous,
		"PublicAccessNotPermitted":            CodeStorageRequestAnonymous,
		"ResourceNotFound":                    CodeContainerNotFound,
		"KeyBasedAuthenticationNotPermitted":  CodeStorageKeyRefused,
		"ContainerNotFound":                   CodeContainerNotFound,
		"BlobNotFound":                        CodeBlobNotFound,
		"ContainerBeingDeleted":               CodeContainerBeingDeleted,
		"ContainerDisabled":                   CodeContainerDisabled,
		"AccountBeingCreated":                 CodeAccountBeingCreated,
		"AccountIsDisabled":                   CodeAccountDisabled,
		"InsufficientAccountPermissions":      CodeAccountOperationsDisabled,
		"BlobImmutableDueToPolicy":            CodeDataProtected,
		"BlobImmutableDueToLegalHold":         CodeDataProtected,
		"LeaseIdMissing":                      CodeBlobLeased,
		"BlobAlreadyExists":                   CodeBlobExists,
		"ConditionNotMet":                     CodeConditionNotMet,
		"UnauthorizedBlobOverwrite":           CodeOverwriteNotPermitted,
		"UnsupportedHeader":                   CodeAPIVersionUnsupported,
		"FeatureVersionMismatch":              CodeAPIVersionUnsupported,
		"EndpointUnsupportedAccountFeatures":  CodeAPIVersionUnsupported,
		"InvalidUri":                          CodeStorageNameInvalid,
		"InvalidResourceName":                 CodeStorageNameInvalid,
		"OutOfRangeInput":                     CodeStorageNameInvalid,
		"TlsVersionNotPermitted":              CodeTLSVersionRefused,
		"AccountRequiresHttps":                CodeTLSVersionRefused,
		"KeyVaultEncryptionKeyNotFound":       CodeEncryptionKeyUnavailable,
		"KeyVaultErrorDuringAuthentication":   CodeEncryptionKeyUnavailable,
		"KeyVaultAccessTokenCannotBeAcquired": CodeEncryptionKeyUnavailable,
		"KeyVaultVaultNotFound":               CodeEncryptionKeyUnavailable,
		"ServerBusy":                          CodeStorageThrottled,
	}
}

func storageCode(e *azcore.ResponseError, c Context) Code {
	if _, refused := versionRefused(e); refused {
		return CodeStorageVersionUnsupported
	}
	if tenant := StorageTenant(e); e.StatusCode == http.StatusUnauthorized && tenant != "" && c.TenantID != "" && !strings.EqualFold(tenant, c.TenantID) {
		return CodeStorageTenantMismatch
	}
	if code, ok := storageCodes()[e.ErrorCode]; ok {
		return code
	}
	if code := byStatus(e.StatusCode, CodeStorageThrottled, CodeStorageUnavailable); code != "" {
		return code
	}
	if e.ErrorCode != "" {
		return CodeStorageUnrecognised
	}
	switch e.StatusCode {
	case http.StatusUnauthorized:
		return CodeStorageTokenRefused
	case http.StatusForbidden:
		return CodeStoragePermissionDenied
	default:
		return CodeStorageUnrecognised
	}
}

// versionRefused returns the service version that the account refused, where that is what it refused: 400
// InvalidHeaderValue stands for any header, and only the body names it (azure-sdk-for-net issue 45302). An answer to
// HEAD has no body.
func versionRefused(e *azcore.ResponseError) (string, bool) {
	if e.StatusCode != http.StatusBadRequest || e.ErrorCode != "InvalidHeaderValue" || e.RawResponse == nil {
		return "", false
	}
	raw, err := runtime.Payload(e.RawResponse)
	if err != nil {
		return "", false
	}
	var body struct{ HeaderName, HeaderValue string }
	if xml.Unmarshal(bytes.TrimPrefix(raw, []byte(byteOrderMark)), &body) != nil {
		return "", false
	}
	return Printable(body.HeaderValue), strings.EqualFold(body.HeaderName, "x-ms-version")
}

// byteOrderMark begins every XML body of Storage.
const byteOrderMark = "\ufeff"

// StorageTenant is the tenant that the account trusts, by its own challenge:
// Bearer authorization_uri=https://login.microsoftonline.com/{tenant}/oauth2/authorize resource_id=…
func StorageTenant(e *azcore.ResponseError) string {
	if e.RawResponse == nil {
		return ""
	}
	_, uri, found := strings.Cut(e.RawResponse.Header.Get("WWW-Authenticate"), "authorization_uri=")
	if !found {
		return ""
	}
	uri = strings.TrimPrefix(strings.Trim(strings.TrimSpace(uri), `"`), "https://")
	_, path, _ := strings.Cut(uri, "/")
	tenant, _, _ := strings.Cut(path, "/")
	return Printable(tenant)
}

func storageWords(e *azcore.ResponseError, c Context) words {
	if version, refused := versionRefused(e); refused {
		return words{detail: "The version is " + version + "."}
	}
	tenant := StorageTenant(e)
	if e.StatusCode != http.StatusUnauthorized && e.StatusCode != http.StatusForbidden || tenant == "" || strings.EqualFold(tenant, c.TenantID) {
		return words{}
	}
	return words{field: "/tenantId", expected: tenant, actual: c.TenantID,
		detail: "The account trusts the tenant " + tenant + "."}
}
