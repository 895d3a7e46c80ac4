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
func storageCodes() map[string]string {
	return map[string]string{
		"AuthorizationPermissionMismatch":     "role-missing",
		"AuthorizationFailure":                "network-rules-blocked",
		"AuthorizationSourceIPMismatch":       "network-rules-blocked",
		"InvalidAuthenticationInfo":           "storage-token-refused",
		"AuthenticationFailed":                "storage-token-refused",
		"NoAuthenticationInformation":         "storage-request-anonymous",
		"PublicAccessNotPermitted":            "storage-request-anonymous",
		"ResourceNotFound":                    "container-not-found",
		"KeyBasedAuthenticationNotPermitted":  "storage-key-refused",
		"ContainerNotFound":                   "container-not-found",
		"BlobNotFound":                        "blob-not-found",
		"ContainerBeingDeleted":               "container-being-deleted",
		"ContainerDisabled":                   "container-disabled",
		"AccountBeingCreated":                 "account-being-created",
		"AccountIsDisabled":                   "account-disabled",
		"InsufficientAccountPermissions":      "account-operations-disabled",
		"BlobImmutableDueToPolicy":            "data-protected",
		"BlobImmutableDueToLegalHold":         "data-protected",
		"LeaseIdMissing":                      "blob-leased",
		"BlobAlreadyExists":                   "blob-exists",
		"ConditionNotMet":                     "condition-not-met",
		"UnauthorizedBlobOverwrite":           "overwrite-not-permitted",
		"UnsupportedHeader":                   "api-version-unsupported",
		"FeatureVersionMismatch":              "api-version-unsupported",
		"EndpointUnsupportedAccountFeatures":  "api-version-unsupported",
		"InvalidUri":                          "storage-name-invalid",
		"InvalidResourceName":                 "storage-name-invalid",
		"OutOfRangeInput":                     "storage-name-invalid",
		"TlsVersionNotPermitted":              "tls-version-refused",
		"AccountRequiresHttps":                "tls-version-refused",
		"KeyVaultEncryptionKeyNotFound":       "encryption-key-unavailable",
		"KeyVaultErrorDuringAuthentication":   "encryption-key-unavailable",
		"KeyVaultAccessTokenCannotBeAcquired": "encryption-key-unavailable",
		"KeyVaultVaultNotFound":               "encryption-key-unavailable",
		"ServerBusy":                          "storage-throttled",
	}
}

func storageCode(e *azcore.ResponseError, c Context) string {
	if _, refused := versionRefused(e); refused {
		return codeStorageVersion
	}
	if tenant := StorageTenant(e); e.StatusCode == http.StatusUnauthorized && tenant != "" && c.TenantID != "" && !strings.EqualFold(tenant, c.TenantID) {
		return "storage-tenant-mismatch"
	}
	if code, ok := storageCodes()[e.ErrorCode]; ok {
		return code
	}
	if code := byStatus(e.StatusCode, "storage-throttled", "storage-unavailable"); code != "" {
		return code
	}
	if e.ErrorCode != "" {
		return "storage-unrecognised"
	}
	switch e.StatusCode {
	case http.StatusUnauthorized:
		return "storage-token-refused"
	case http.StatusForbidden:
		return "storage-permission-denied"
	default:
		return "storage-unrecognised"
	}
}

// codeStorageVersion is the code of a service version that the account does not know.
const codeStorageVersion = "storage-version-unsupported"

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
