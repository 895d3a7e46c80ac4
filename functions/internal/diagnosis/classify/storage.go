package classify

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// responseCause classifies an SDK's error by the host that answered: Storage and ARM share no error codes.
func responseCause(e *azcore.ResponseError, c diagnosis.Context) cause {
	host := ""
	if e.RawResponse != nil && e.RawResponse.Request != nil {
		host = e.RawResponse.Request.URL.Hostname()
	}
	evidence := responseEvidence(e, serviceOf(host))
	switch evidence.Service {
	case serviceARM:
		return cause{code: armCode(e.StatusCode, e.ErrorCode, c), evidence: evidence}
	case serviceGraph:
		return cause{code: graphCode(e.StatusCode, e.ErrorCode, c), evidence: evidence}
	default:
		return cause{code: storageCode(e, c), evidence: evidence, words: storageWords(e, c)}
	}
}

// serviceOf is the service of a host, in every cloud (azcore, package cloud; learn.microsoft.com, National cloud
// deployments). An account may have the name of a service.
func serviceOf(host string) string {
	switch {
	case strings.Contains(host, ".blob."):
		return serviceStorage
	case strings.HasPrefix(host, "management."):
		return serviceARM
	case strings.HasPrefix(host, "graph."), strings.Contains(host, "graph.microsoft"),
		strings.HasPrefix(host, "microsoftgraph."):
		return serviceGraph
	default:
		return serviceStorage
	}
}

func responseEvidence(e *azcore.ResponseError, service string) *diagnosis.Evidence {
	evidence := &diagnosis.Evidence{Service: service, HTTPStatus: e.StatusCode}
	if service == serviceStorage {
		evidence.StorageCode = redact.Printable(e.ErrorCode)
	} else {
		evidence.ServiceCode = redact.Printable(e.ErrorCode)
	}
	if e.RawResponse != nil {
		evidence.RequestID = firstHeader(e.RawResponse.Header, "x-ms-request-id", "request-id")
		evidence.CorrelationID = redact.Printable(e.RawResponse.Header.Get("x-ms-correlation-request-id"))
	}
	return evidence
}

func firstHeader(h http.Header, names ...string) string {
	for _, name := range names {
		if v := h.Get(name); v != "" {
			return redact.Printable(v)
		}
	}
	return ""
}

// storageCodes are the error codes of the blob service that have one meaning.
func storageCodes() map[string]diagnosis.Code {
	return map[string]diagnosis.Code{
		"AuthorizationPermissionMismatch":     diagnosis.CodeRoleMissing,
		"AuthorizationFailure":                diagnosis.CodeNetworkRulesBlocked,
		"AuthorizationSourceIPMismatch":       diagnosis.CodeNetworkRulesBlocked,
		"InvalidAuthenticationInfo":           diagnosis.CodeStorageTokenRefused,
		"AuthenticationFailed":                diagnosis.CodeStorageTokenRefused,
		"NoAuthenticationInformation":         diagnosis.CodeStorageRequestAnonymous,
		"PublicAccessNotPermitted":            diagnosis.CodeStorageRequestAnonymous,
		"ResourceNotFound":                    diagnosis.CodeContainerNotFound,
		"KeyBasedAuthenticationNotPermitted":  diagnosis.CodeStorageKeyRefused,
		"ContainerNotFound":                   diagnosis.CodeContainerNotFound,
		"BlobNotFound":                        diagnosis.CodeBlobNotFound,
		"ContainerBeingDeleted":               diagnosis.CodeContainerBeingDeleted,
		"ContainerDisabled":                   diagnosis.CodeContainerDisabled,
		"AccountBeingCreated":                 diagnosis.CodeAccountBeingCreated,
		"AccountIsDisabled":                   diagnosis.CodeAccountDisabled,
		"InsufficientAccountPermissions":      diagnosis.CodeAccountOperationsDisabled,
		"BlobImmutableDueToPolicy":            diagnosis.CodeDataProtected,
		"BlobImmutableDueToLegalHold":         diagnosis.CodeDataProtected,
		"LeaseIdMissing":                      diagnosis.CodeBlobLeased,
		"BlobAlreadyExists":                   diagnosis.CodeBlobExists,
		"ConditionNotMet":                     diagnosis.CodeConditionNotMet,
		"UnauthorizedBlobOverwrite":           diagnosis.CodeOverwriteNotPermitted,
		"UnsupportedHeader":                   diagnosis.CodeAPIVersionUnsupported,
		"FeatureVersionMismatch":              diagnosis.CodeAPIVersionUnsupported,
		"EndpointUnsupportedAccountFeatures":  diagnosis.CodeAPIVersionUnsupported,
		"InvalidUri":                          diagnosis.CodeStorageNameInvalid,
		"InvalidResourceName":                 diagnosis.CodeStorageNameInvalid,
		"OutOfRangeInput":                     diagnosis.CodeStorageNameInvalid,
		"TlsVersionNotPermitted":              diagnosis.CodeTLSVersionRefused,
		"AccountRequiresHttps":                diagnosis.CodeTLSVersionRefused,
		"KeyVaultEncryptionKeyNotFound":       diagnosis.CodeEncryptionKeyUnavailable,
		"KeyVaultErrorDuringAuthentication":   diagnosis.CodeEncryptionKeyUnavailable,
		"KeyVaultAccessTokenCannotBeAcquired": diagnosis.CodeEncryptionKeyUnavailable,
		"KeyVaultVaultNotFound":               diagnosis.CodeEncryptionKeyUnavailable,
		"ServerBusy":                          diagnosis.CodeStorageThrottled,
	}
}

func storageCode(e *azcore.ResponseError, c diagnosis.Context) diagnosis.Code {
	if _, refused := versionRefused(e); refused {
		return diagnosis.CodeStorageVersionUnsupported
	}
	if tenant := StorageTenant(e); e.StatusCode == http.StatusUnauthorized && tenant != "" && c.TenantID != "" &&
		!strings.EqualFold(tenant, c.TenantID) {
		return diagnosis.CodeStorageTenantMismatch
	}
	code, isKnown := storageCodes()[e.ErrorCode]
	busy := byStatus(e.StatusCode, diagnosis.CodeStorageThrottled, diagnosis.CodeStorageUnavailable)
	switch {
	case busy != "" && code != diagnosis.CodeStorageThrottled:
		return busy // whatever its code: anybody may have sent it, see azure.Service
	case isKnown:
		return code
	}
	return diagnosis.CodeStorageUnrecognised
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
	raw = bytes.TrimPrefix(raw, []byte(byteOrderMark))
	var body struct{ HeaderName, HeaderValue string }
	outer := struct{ Error any }{&body} // as Data Lake and other services of an account write it
	if xml.Unmarshal(raw, &body) != nil && (json.Unmarshal(raw, &body) != nil || json.Unmarshal(raw, &outer) != nil) {
		return "", false
	}
	return redact.Printable(body.HeaderValue), strings.EqualFold(body.HeaderName, "x-ms-version")
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
	return redact.Printable(tenant)
}

func storageWords(e *azcore.ResponseError, c diagnosis.Context) words {
	if version, refused := versionRefused(e); refused {
		return words{detail: "The version is " + version + "."}
	}
	tenant := StorageTenant(e)
	if e.StatusCode != http.StatusUnauthorized && e.StatusCode != http.StatusForbidden || tenant == "" ||
		strings.EqualFold(tenant, c.TenantID) {
		return words{}
	}
	return words{field: "/tenantId", pair: assessment.Pair{Expected: c.TenantID, Actual: tenant},
		detail: "The account trusts the tenant " + tenant + "."}
}
