package classify

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

func response(status int, code, host, challenge string) error {
	header := http.Header{"X-Ms-Request-Id": {"request"}}
	if challenge != "" {
		header.Set("WWW-Authenticate", challenge)
	}
	return &azcore.ResponseError{ErrorCode: code, StatusCode: status,
		RawResponse: &http.Response{StatusCode: status, Header: header, Body: http.NoBody,
			Request: &http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: host}}}}
}

func TestStorageCodes(t *testing.T) {
	tests := []struct {
		status    int
		code      string
		want      diagnosis.Code
		transient bool
	}{
		{403, "AuthorizationPermissionMismatch", "role-missing", true},
		{403, "AuthorizationFailure", "network-rules-blocked", false},
		{401, "InvalidAuthenticationInfo", "storage-token-refused", false},
		{401, "NoAuthenticationInformation", "storage-request-anonymous", false},
		{403, "AuthenticationFailed", "storage-token-refused", false},
		{403, "KeyBasedAuthenticationNotPermitted", "storage-key-refused", false},
		{409, "PublicAccessNotPermitted", "storage-request-anonymous", false},
		{404, "ContainerNotFound", "container-not-found", false},
		{404, "BlobNotFound", "blob-not-found", false},
		{409, "ContainerBeingDeleted", "container-being-deleted", true},
		{409, "ContainerDisabled", "container-disabled", false},
		{409, "AccountBeingCreated", "account-being-created", true},
		{403, "AccountIsDisabled", "account-disabled", false},
		{403, "InsufficientAccountPermissions", "account-operations-disabled", true},
		{409, "BlobImmutableDueToPolicy", "data-protected", false},
		{412, "LeaseIdMissing", "blob-leased", false},
		{409, "BlobAlreadyExists", "blob-exists", true},
		{412, "ConditionNotMet", "condition-not-met", true},
		{403, "UnauthorizedBlobOverwrite", "overwrite-not-permitted", false},
		{400, "UnsupportedHeader", "api-version-unsupported", false},
		{409, "FeatureVersionMismatch", "api-version-unsupported", false},
		{403, "KeyVaultEncryptionKeyNotFound", "encryption-key-unavailable", false},
		{400, "InvalidResourceName", "storage-name-invalid", false},
		{400, "TlsVersionNotPermitted", "tls-version-refused", false},
		{503, "ServerBusy", "storage-throttled", true},
		{500, "OperationTimedOut", "storage-unavailable", true},
		{500, "InternalError", "storage-unavailable", true},
		{429, "", "storage-throttled", true},
		{403, "", "storage-unrecognised", false},
		{401, "", "storage-unrecognised", false},
		{403, "SomethingNew", "storage-unrecognised", false},
		{400, "", "storage-unrecognised", false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d %s", tt.status, tt.code), func(t *testing.T) {
			d := Error(response(tt.status, tt.code, "acmedata.blob.core.windows.net", ""),
				diagnosis.Context{Operation: "access.read"})
			assert.Equal(t, tt.want, d.Code)
			assert.Equal(t, tt.transient, d.Transient)
			assert.Equal(t, &diagnosis.Evidence{Service: "storage", HTTPStatus: tt.status, StorageCode: tt.code,
				RequestID: "request"}, d.Evidence)
		})
	}
}

// TestAServiceVersionThatIsNotKnown: one code stands for every faulty header, and only the body names it.
func TestAServiceVersionThatIsNotKnown(t *testing.T) {
	_, ok := diagnosis.Lookup(diagnosis.CodeStorageVersionUnsupported)
	require.True(t, ok)
	const known = "\ufeff<?xml version=\"1.0\" " +
		"encoding=\"utf-8\"?><Error><Code>InvalidHeaderValue</Code><Message>The value for one of the HTTP headers " +
		"is not in the " +
		"correct format.\nRequestId:r\nTime:t</Message><HeaderName>x-ms-version</HeaderName>" +
		"<HeaderValue>2099-11-05</HeaderValue></Error>"
	for name, tt := range map[string]struct {
		status     int
		code, body string
		want, ours diagnosis.Code // as the federated identity, and of the app's own store
	}{
		"the version": {400, "InvalidHeaderValue", known, diagnosis.CodeStorageVersionUnsupported,
			diagnosis.CodeStorageVersionUnsupported},
		"in another case": {400, "InvalidHeaderValue", strings.ReplaceAll(known, "x-ms-version",
			"X-MS-VERSION"), diagnosis.CodeStorageVersionUnsupported, diagnosis.CodeStorageVersionUnsupported},
		"as JSON": {400, "InvalidHeaderValue", `{"error":{"code":"InvalidHeaderValue","message":"m",` +
			`"headerName":"x-ms-version","headerValue":"2099-11-05"}}`, diagnosis.CodeStorageVersionUnsupported,
			diagnosis.CodeStorageVersionUnsupported},
		"as flat JSON": {400, "InvalidHeaderValue", `{"HeaderName":"x-ms-version","HeaderValue":"2099-11-05"}`,
			diagnosis.CodeStorageVersionUnsupported, diagnosis.CodeStorageVersionUnsupported},
		"JSON of another header": {400, "InvalidHeaderValue", `{"error":{"headerName":"x-ms-date"}}`,
			"storage-unrecognised", "store-unavailable"},
		"JSON that names none": {400, "InvalidHeaderValue", `{"error":{"message":"x-ms-version"}}`,
			"storage-unrecognised", "store-unavailable"},
		"JSON of another shape": {400, "InvalidHeaderValue", `["x-ms-version"]`, "storage-unrecognised",
			"store-unavailable"},
		"another header": {400, "InvalidHeaderValue", strings.ReplaceAll(known, "x-ms-version", "x-ms-date"),
			"storage-unrecognised", "store-unavailable"},
		"no body, as after HEAD": {400, "InvalidHeaderValue", "", "storage-unrecognised", "store-unavailable"},
		"a body that is no XML": {400, "InvalidHeaderValue", "<html>x-ms-version", "storage-unrecognised",
			"store-unavailable"},
		"another code":            {400, "InvalidUri", known, "storage-name-invalid", "store-unavailable"},
		"a status of another way": {503, "InvalidHeaderValue", known, "storage-unavailable", "store-unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			var err *azcore.ResponseError
			require.ErrorAs(t, response(tt.status, tt.code, "acmedata.blob.core.windows.net", ""), &err)
			err.RawResponse.Body = io.NopCloser(strings.NewReader(tt.body))
			for range 2 { // the body can be read again
				d := Error(err, diagnosis.Context{Operation: "access.network"})
				assert.Equal(t, tt.want, d.Code)
				assert.Equal(t, tt.want == diagnosis.CodeStorageVersionUnsupported,
					strings.HasSuffix(d.Detail, "The version is 2099-11-05."), d.Detail)
				assert.Equal(t, tt.ours, Error(fmt.Errorf("blobstore: %w", err),
					diagnosis.Context{Operation: "store.get"}).Code)
			}
		})
	}
}

func TestStorageTenant(t *testing.T) {
	const challenge = `Bearer authorization_uri=https://login.microsoftonline.com/22222222-aaaa-4aaa-8aaa-222222222222/oauth2/authorize ` +
		`resource_id=https://storage.azure.com`
	err := response(401, "InvalidAuthenticationInfo", "a.blob.core.windows.net", challenge)
	check := Check("c", "network", "t", err, diagnosis.Context{TenantID: "11111111-1111-4111-8111-111111111111"})
	assert.Equal(t, diagnosis.CodeStorageTenantMismatch, check.Code)
	assert.Equal(t, "11111111-1111-4111-8111-111111111111", check.Expected)
	assert.Equal(t, "22222222-aaaa-4aaa-8aaa-222222222222", check.Actual, "what Azure has")
	assert.Equal(t, "/tenantId", check.Field)

	same := Error(err, diagnosis.Context{TenantID: "22222222-AAAA-4aaa-8aaa-222222222222"})
	assert.Equal(t, diagnosis.CodeStorageTokenRefused, same.Code)
	quoted := response(401, "NoAuthenticationInformation", "a.blob.core.windows.net",
		`Bearer authorization_uri="https://login.microsoftonline.com/abc/oauth2/authorize"`)
	assert.Equal(t, diagnosis.CodeStorageTenantMismatch, Error(quoted, diagnosis.Context{TenantID: "x"}).Code)
}

// TestResponseByHost: the host tells the service, in every cloud. An account may have the name of a service.
func TestResponseByHost(t *testing.T) {
	for service, hosts := range map[string][]string{
		"arm": {"management.azure.com", "management.usgovcloudapi.net", "management.chinacloudapi.cn"},
		"graph": {"graph.microsoft.com", "graph.microsoft.us", "dod-graph.microsoft.us",
			"microsoftgraph.chinacloudapi.cn", "graph.example"},
		"storage": {"acme.blob.core.windows.net", "acme.blob.core.usgovcloudapi.net",
			"acme.blob.core.chinacloudapi.cn", "graph.blob.core.windows.net", "management.blob.core.windows.net",
			"microsoftgraph.blob.core.windows.net", "acme.z1.blob.storage.azure.net", "data.example"},
	} {
		for _, host := range hosts {
			d := Error(response(403, "", host, ""), diagnosis.Context{})
			assert.Equal(t, service, d.Evidence.Service, host)
			assert.Equal(t, map[string]diagnosis.Code{"arm": "arm-permission-missing",
				"graph": "graph-permission-missing", "storage": "storage-unrecognised"}[service], d.Code, host)
		}
	}
}

// TestEvidenceOfAResponse: ids come from whichever header has them, and codes are made printable.
func TestEvidenceOfAResponse(t *testing.T) {
	for host, service := range map[string]string{"management.azure.com": "arm", "graph.microsoft.com": "graph",
		"a.blob.core.windows.net": "storage"} {
		for header, value := range map[string]string{"x-ms-request-id": "one", "request-id": "two"} {
			var err *azcore.ResponseError
			require.ErrorAs(t, response(418, "Odd\x00", host, ""), &err)
			err.RawResponse.Header = http.Header{"X-Ms-Correlation-Request-Id": {"corr"}}
			err.RawResponse.Header.Set(header, value)
			want := &diagnosis.Evidence{Service: service, HTTPStatus: 418, RequestID: value, CorrelationID: "corr"}
			if service == "storage" {
				want.StorageCode = redact.Printable("Odd\x00")
			} else {
				want.ServiceCode = redact.Printable("Odd\x00")
			}
			assert.Equal(t, want, Error(err, diagnosis.Context{}).Evidence)
		}
	}
	for _, raw := range []*http.Response{nil, {}} {
		d := Error(&azcore.ResponseError{StatusCode: 403, ErrorCode: "InvalidHeaderValue", RawResponse: raw},
			diagnosis.Context{TenantID: "t"})
		assert.Equal(t, diagnosis.CodeStorageUnrecognised, d.Code)
		assert.Equal(t, &diagnosis.Evidence{Service: "storage", HTTPStatus: 403, StorageCode: "InvalidHeaderValue"},
			d.Evidence)
	}
	assert.Equal(t, diagnosis.CodeStorageUnrecognised, Error(&azcore.ResponseError{StatusCode: 400,
		ErrorCode: "InvalidHeaderValue"}, diagnosis.Context{}).Code, "an answer that is not at hand names no header")
}

// TestTenantOfAChallenge holds the ways in which Storage names the tenant that an account trusts.
func TestTenantOfAChallenge(t *testing.T) {
	const host = "https://login.microsoftonline.com/"
	for challenge, want := range map[string]string{
		"":       "",
		"Bearer": "",
		"Bearer authorization_uri=" + host + "abc/oauth2/authorize resource_id=https://storage.azure.com": "abc",
		`Bearer authorization_uri="` + host + `abc/oauth2/authorize"`:                                     "abc",
		`Bearer authorization_uri= ` + host + `abc`:                                                       "abc",
		`Bearer authorization_uri=login.microsoftonline.com/abc/x`:                                        "abc",
		`Bearer authorization_uri=https://login.microsoftonline.com`:                                      "",
	} {
		var err *azcore.ResponseError
		require.ErrorAs(t, response(401, "", "a.blob.core.windows.net", challenge), &err)
		assert.Equal(t, want, StorageTenant(err), challenge)
	}
}

// TestTenantsAreCompared where Storage refuses who asks, and only there.
func TestTenantsAreCompared(t *testing.T) {
	const challenge = "Bearer authorization_uri=https://login.microsoftonline.com/theirs/x"
	for _, tc := range []struct {
		status int
		ours   string
		code   diagnosis.Code
		isTold bool // the tenant is named
		actual string
	}{
		{401, "ours", "storage-tenant-mismatch", true, "theirs"},
		{401, "THEIRS", "storage-token-refused", false, ""},
		{401, "", "storage-token-refused", true, "theirs"},
		{403, "ours", "storage-token-refused", true, "theirs"},
		{403, "theirs", "storage-token-refused", false, ""},
		{409, "ours", "storage-token-refused", false, ""},
	} {
		err := response(tc.status, "InvalidAuthenticationInfo", "a.blob.core.windows.net", challenge)
		check := Check("c", "network", "t", err, diagnosis.Context{TenantID: tc.ours})
		assert.Equal(t, tc.code, check.Code, tc)
		assert.Equal(t, tc.isTold, strings.Contains(check.Detail, "tenant theirs."), check.Detail)
		assert.Equal(t, tc.actual, check.Actual, tc)
		assert.Equal(t, tc.isTold, check.Field == "/tenantId", tc)
		assert.Equal(t, tc.isTold && tc.ours != "", check.DiffAt != nil, tc)
		if tc.isTold {
			assert.Equal(t, tc.ours, check.Expected)
		}
	}
	plain := response(401, "InvalidAuthenticationInfo", "a.blob.core.windows.net", "")
	assert.Empty(t, Check("c", "network", "t", plain, diagnosis.Context{TenantID: "ours"}).Field)
}
