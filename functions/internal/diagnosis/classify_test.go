package diagnosis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exchangeFake is a refusal of the token service as package entra shows it.
type exchangeFake struct {
	status                    int
	oauth                     string
	number                    int
	issuer, subject, audience string
	expected, explanation     string
}

func (e *exchangeFake) Error() string            { return "refused" }
func (e *exchangeFake) HTTPStatus() int          { return e.status }
func (e *exchangeFake) OAuthError() string       { return e.oauth }
func (e *exchangeFake) AADSTS() int              { return e.number }
func (e *exchangeFake) ServiceRequestID() string { return "request" }
func (e *exchangeFake) CorrelationID() string    { return "correlation" }
func (e *exchangeFake) ExpectedSubject() string  { return e.expected }
func (e *exchangeFake) Explanation() string      { return e.explanation }
func (e *exchangeFake) Presented() (issuer, subject, audience string) {
	return e.issuer, e.subject, e.audience
}

// TestExchangeCodes is the table of the reference, row by row.
func TestExchangeCodes(t *testing.T) {
	tests := []struct {
		code      string
		numbers   []int
		transient bool
		outcome   Outcome
	}{
		{"credential-mismatch", []int{70021}, true, OutcomeFail},
		{"credential-issuer-mismatch", []int{700211}, true, OutcomeFail},
		{"credential-audience-mismatch", []int{700212}, true, OutcomeFail},
		{"credential-subject-mismatch", []int{700213, 7002137}, true, OutcomeFail},
		{"credential-subject-case-mismatch", []int{7002138}, true, OutcomeFail},
		{"credential-flexible-unsupported", []int{7002131, 7002241, 700235, 700233, 700234, 700237}, false, OutcomeFail},
		{"credential-audience-not-exchange", []int{700214}, false, OutcomeFail},
		{"assertion-from-entra", []int{700222, 700236, 700229}, false, OutcomeFail},
		{"federation-disabled", []int{700223}, false, OutcomeFail},
		{"issuer-not-allowed", []int{700238, 7002381}, false, OutcomeFail},
		{"credential-ambiguous", []int{700263}, false, OutcomeFail},
		{"credential-missing", []int{70025, 7000226}, true, OutcomeFail},
		{"client-unknown", []int{700016, 700011}, true, OutcomeFail},
		{"service-principal-missing", []int{7000229}, true, OutcomeFail},
		{"client-disabled", []int{7000112, 70001}, true, OutcomeFail},
		{"assertion-expired", []int{700024}, false, OutcomeFail},
		{"signing-key-unknown", []int{7000272}, true, OutcomeFail},
		{"signature-invalid", []int{7000274, 700027}, false, OutcomeFail},
		{"assertion-type-unsupported", []int{5002727}, false, OutcomeFail},
		{"assertion-malformed", []int{50027}, false, OutcomeFail},
		{"issuer-unreachable", []int{501661, 90061, 50166}, true, OutcomeFail},
		{"issuer-keys-invalid", []int{900612}, false, OutcomeFail},
		{"tenant-unknown", []int{90002}, false, OutcomeFail},
		{"tenant-malformed", []int{900023}, false, OutcomeFail},
		{"authority-invalid", []int{50049, 50059, 90019, 9001023}, false, OutcomeFail},
		{"cloud-mismatch", []int{90038, 900382, 900432, 900439, 900440}, false, OutcomeFail},
		{"application-audience-unsupported", []int{70052}, false, OutcomeFail},
		{"scope-invalid", []int{500011, 50001, 70011, 1002012, 28002}, false, OutcomeFail},
		{"conditional-access-blocked", []int{53003, 530032, 50131}, false, OutcomeFail},
		{"secret-path-taken", []int{7000215, 7000222, 7000218, 7000216, 700025, 7000114}, false, OutcomeFail},
		{"tenant-blocked", []int{5000224, 5000225, 5000229}, false, OutcomeFail},
		{"entra-throttled", []int{90055, 50196}, true, OutcomeUnknown},
		{"entra-unavailable", []int{90024, 90033, 90006, 90012, 90090, 50033}, true, OutcomeUnknown},
		{"unexpected-flow", []int{500133, 50013, 50076, 50034, 65001, 50146, 16000, 16003, 500341, 501051, 5000811}, false, OutcomeFail},
		{"entra-unrecognised", []int{700215, 700216, 700221, 700224, 999999, 0}, false, OutcomeUnknown},
	}
	for _, tt := range tests {
		for _, number := range tt.numbers {
			for _, status := range []int{http.StatusBadRequest, http.StatusUnauthorized} {
				t.Run(fmt.Sprintf("AADSTS%d with %d", number, status), func(t *testing.T) {
					err := fmt.Errorf("wrapped: %w", &exchangeFake{status: status, oauth: "invalid_client", number: number})
					d := Classify(err, Context{Operation: "exchange"})
					assert.Equal(t, tt.code, string(d.Code))
					assert.Equal(t, tt.transient, d.Transient)
					assert.Equal(t, &Evidence{Service: "entra", HTTPStatus: status, OAuthError: "invalid_client", AADSTS: number, RequestID: "request", CorrelationID: "correlation"}, d.Evidence)
					assert.Equal(t, tt.outcome, CheckFrom("c", "exchange", "t", err, Context{}).Status)
				})
			}
		}
	}
}

func TestExchangeStatusBeforeNumber(t *testing.T) {
	tests := map[string]struct {
		err  *exchangeFake
		want Code
	}{
		"429 in plain text":       {&exchangeFake{status: 429}, "entra-throttled"},
		"429 with a refusal":      {&exchangeFake{status: 429, number: 700213}, "entra-throttled"},
		"503":                     {&exchangeFake{status: 503}, "entra-unavailable"},
		"temporarily_unavailable": {&exchangeFake{status: 400, oauth: "temporarily_unavailable"}, "entra-unavailable"},
		"success without a token": {&exchangeFake{status: 200}, "entra-unrecognised"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tt.want, Classify(tt.err, Context{}).Code) })
	}
}

func TestExchangeWords(t *testing.T) {
	document := Context{Issuer: "https://dataloop.ai/oauth2", Subject: "system:serviceaccount:dataloop:my-service", Audience: "api://AzureADTokenExchange"}
	tests := map[string]struct {
		err              *exchangeFake
		field            string
		expected, actual string
		at               int
	}{
		"issuer":             {&exchangeFake{number: 700211, issuer: "https://dataloop.ai/oauth2/"}, "/issuer", document.Issuer, "https://dataloop.ai/oauth2/", 26},
		"subject":            {&exchangeFake{number: 700213, subject: "system:serviceaccount:ddoe:x"}, "/subject", document.Subject, "system:serviceaccount:ddoe:x", 23},
		"subject, expected":  {&exchangeFake{number: 7002137, subject: "a:b", expected: "a:c"}, "/subject", "a:c", "a:b", 2},
		"audience":           {&exchangeFake{number: 700212, audience: "api://x"}, "/audience", document.Audience, "api://x", 6},
		"legacy, the second": {&exchangeFake{number: 70021, issuer: document.Issuer, subject: "s", audience: document.Audience}, "/subject", document.Subject, "s", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			check := CheckFrom("c", "exchange", "t", tt.err, document)
			assert.Equal(t, tt.field, check.Field)
			assert.Equal(t, tt.expected, check.Expected)
			assert.Equal(t, tt.actual, check.Actual)
			require.NotNil(t, check.DiffAt)
			assert.Equal(t, tt.at, *check.DiffAt)
			assert.Contains(t, check.Detail, tt.actual)
		})
	}
	t.Run("masked", func(t *testing.T) {
		check := CheckFrom("c", "exchange", "t", &exchangeFake{number: 700213}, document)
		assert.Equal(t, CodeCredentialSubjectMismatch, check.Code)
		assert.Nil(t, check.DiffAt)
	})
	t.Run("other words", func(t *testing.T) {
		d := Classify(&exchangeFake{number: 700024, explanation: "Entra's clock said now."}, document)
		assert.Contains(t, d.Detail, "Entra's clock said now.")
	})
}

// serviceFake is a typed error of one of the clients.
type serviceFake struct {
	service string
	status  int
	code    string
}

func (e *serviceFake) Error() string            { return "refused" }
func (e *serviceFake) Service() string          { return e.service }
func (e *serviceFake) HTTPStatus() int          { return e.status }
func (e *serviceFake) ErrorCode() string        { return e.code }
func (e *serviceFake) ServiceRequestID() string { return "request" }

func TestServiceCodes(t *testing.T) {
	tests := []struct {
		service   string
		status    int
		code      string
		operation string
		want      Code
		transient bool
	}{
		{"graph", 429, "TooManyRequests", "", "throttled", true},
		{"graph", 503, "", "", "graph-unavailable", true},
		{"graph", 401, "InvalidAuthenticationToken", "", "service-token-refused", false},
		{"graph", 403, "Authorization_RequestDenied", "application.create", "graph-permission-missing", false},
		{"graph", 403, "", "", "graph-permission-missing", false},
		{"graph", 400, "Request_BadRequest", "application.create", "graph-request-refused", false},
		{"graph", 409, "Directory_ConcurrencyViolation", "application.create", "directory-busy", true},
		{"graph", 409, "Error_MsaAppDoesNotExist", "application.create", "sign-in-audience-refused", false},
		{"graph", 400, "ServiceTreeInvalid", "application.create", "service-management-reference-required", false},
		{"graph", 403, "Directory_QuotaExceeded", "application.create", "directory-quota-exceeded", false},
		{"graph", 400, "NoBackingApplicationObject", "servicePrincipal.upsert", "directory-not-replicated", true},
		{"graph", 404, "Request_ResourceNotFound", "servicePrincipal.upsert", "directory-not-replicated", true},
		{"graph", 409, "Request_MultipleObjectsWithSameKeyValue", "servicePrincipal.upsert", "object-already-exists", false},
		{"graph", 404, "Request_ResourceNotFound", "federatedCredential.upsert", "directory-not-replicated", true},
		{"graph", 404, "Request_ResourceNotFound", "application.get", "application-missing", true},
		{"graph", 404, "Request_ResourceNotFound", "servicePrincipal.get", "service-principal-not-found", true},
		{"graph", 404, "Request_ResourceNotFound", "deletedItem.restore", "object-not-found", true},
		{"graph", 400, "InvalidFederatedIdentityCredentialValue", "federatedCredential.upsert", "federated-credential-refused", false},
		{"graph", 418, "Teapot", "", "graph-unrecognised", false},
		{"arm", 429, "", "", "throttled", true},
		{"arm", 500, "InternalServerError", "", "arm-unavailable", true},
		{"arm", 400, "PrincipalNotFound", "rbac.put", "principal-not-replicated", true},
		{"arm", 400, "UnmatchedPrincipalType", "rbac.put", "principal-type-mismatch", false},
		{"arm", 409, "RoleAssignmentExists", "rbac.put", "role-assignment-exists", false},
		{"arm", 400, "RoleAssignmentUpdateNotPermitted", "rbac.put", "role-assignment-name-taken", false},
		{"arm", 400, "HashConflictOnDifferentRoleAssignmentIds", "rbac.put", "role-assignment-name-conflict", false},
		{"arm", 400, "RoleDefinitionDoesNotExist", "rbac.put", "role-definition-missing", false},
		{"arm", 400, "RoleAssignmentLimitExceeded", "rbac.put", "role-assignment-limit", false},
		{"arm", 403, "AuthorizationFailed", "rbac.put", "arm-permission-missing", false},
		{"arm", 409, "ScopeLocked", "rbac.delete", "scope-locked", false},
		{"arm", 403, "LinkedAuthorizationFailed", "rbac.put", "linked-authorization-failed", true},
		{"arm", 403, "RequestDisallowedByPolicy", "rbac.put", "policy-denied", false},
		{"arm", 404, "ResourceNotFound", "rbac.put", "storage-account-not-found", false},
		{"arm", 404, "ResourceGroupNotFound", "rbac.put", "resource-group-not-found", false},
		{"arm", 404, "SubscriptionNotFound", "rbac.put", "subscription-not-found", false},
		{"arm", 401, "InvalidAuthenticationTokenTenant", "rbac.put", "subscription-tenant-mismatch", false},
		{"arm", 404, "", "rbac.get", "role-assignment-not-found", true},
		{"arm", 400, "Teapot", "rbac.put", "arm-unrecognised", false},
		{"ddoe", 401, "", "subjectToken.get", "ddoe-unauthorized", false},
		{"ddoe", 403, "", "subjectToken.get", "ddoe-forbidden", false},
		{"ddoe", 404, "", "subjectToken.get", "ddoe-not-found", false},
		{"ddoe", 429, "", "subjectToken.get", "ddoe-throttled", true},
		{"ddoe", 502, "", "subjectToken.get", "ddoe-unavailable", true},
		{"ddoe", 200, "answer-invalid", "subjectToken.get", "ddoe-answer-invalid", false},
		{"ddoe", 418, "", "subjectToken.get", "ddoe-unrecognised", false},
		{"teapot", 418, "", "", CodeUnrecognised, false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s %d %s %s", tt.service, tt.status, tt.code, tt.operation), func(t *testing.T) {
			d := Classify(fmt.Errorf("wrapped: %w", &serviceFake{tt.service, tt.status, tt.code}), Context{Operation: tt.operation})
			assert.Equal(t, tt.want, d.Code)
			assert.Equal(t, tt.transient, d.Transient)
			assert.Equal(t, &Evidence{Service: tt.service, HTTPStatus: tt.status, ServiceCode: tt.code, RequestID: "request"}, d.Evidence)
		})
	}
}

func response(status int, code, host, challenge string) error {
	header := http.Header{"X-Ms-Request-Id": {"request"}}
	if challenge != "" {
		header.Set("WWW-Authenticate", challenge)
	}
	return &azcore.ResponseError{ErrorCode: code, StatusCode: status,
		RawResponse: &http.Response{StatusCode: status, Header: header, Body: http.NoBody, Request: &http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: host}}}}
}

func TestStorageCodes(t *testing.T) {
	tests := []struct {
		status    int
		code      string
		want      Code
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
		{403, "", "storage-permission-denied", true},
		{401, "", "storage-token-refused", false},
		{403, "SomethingNew", "storage-unrecognised", false},
		{400, "", "storage-unrecognised", false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d %s", tt.status, tt.code), func(t *testing.T) {
			d := Classify(response(tt.status, tt.code, "acmedata.blob.core.windows.net", ""), Context{Operation: "access.read"})
			assert.Equal(t, tt.want, d.Code)
			assert.Equal(t, tt.transient, d.Transient)
			assert.Equal(t, &Evidence{Service: "storage", HTTPStatus: tt.status, StorageCode: tt.code, RequestID: "request"}, d.Evidence)
		})
	}
}

// late is an answer that did not come within the limit of a request, as package azure has it.
type late struct{}

func (late) Error() string { return "no answer" }
func (late) Timeout() bool { return true }
func (late) Host() string  { return "graph.example" }
func (late) NonRetriable() {}

func TestALateAnswerNamesItsHost(t *testing.T) {
	d := Classify(fmt.Errorf("graph: %w", late{}), Context{Operation: "application.create"})
	assert.Equal(t, CodeNetworkTimeout, d.Code)
	assert.True(t, d.Transient)
	assert.Contains(t, d.Detail, "The host is graph.example.")
}

// TestAServiceVersionThatIsNotKnown: one code stands for every faulty header, and only the body names it.
func TestAServiceVersionThatIsNotKnown(t *testing.T) {
	_, ok := Lookup(CodeStorageVersionUnsupported)
	require.True(t, ok)
	const known = "\ufeff<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>InvalidHeaderValue</Code><Message>The value for one of the HTTP headers is not in the " +
		"correct format.\nRequestId:r\nTime:t</Message><HeaderName>x-ms-version</HeaderName><HeaderValue>2099-11-05</HeaderValue></Error>"
	for name, tt := range map[string]struct {
		status     int
		code, body string
		want, ours Code // as the federated identity, and of the app's own store
	}{
		"the version":             {400, "InvalidHeaderValue", known, CodeStorageVersionUnsupported, CodeStorageVersionUnsupported},
		"in another case":         {400, "InvalidHeaderValue", strings.ReplaceAll(known, "x-ms-version", "X-MS-VERSION"), CodeStorageVersionUnsupported, CodeStorageVersionUnsupported},
		"another header":          {400, "InvalidHeaderValue", strings.ReplaceAll(known, "x-ms-version", "x-ms-date"), "storage-unrecognised", "store-unavailable"},
		"no body, as after HEAD":  {400, "InvalidHeaderValue", "", "storage-unrecognised", "store-unavailable"},
		"a body that is no XML":   {400, "InvalidHeaderValue", "<html>x-ms-version", "storage-unrecognised", "store-unavailable"},
		"another code":            {400, "InvalidUri", known, "storage-name-invalid", "store-unavailable"},
		"a status of another way": {503, "InvalidHeaderValue", known, "storage-unavailable", "store-unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			var err *azcore.ResponseError
			require.ErrorAs(t, response(tt.status, tt.code, "acmedata.blob.core.windows.net", ""), &err)
			err.RawResponse.Body = io.NopCloser(strings.NewReader(tt.body))
			for range 2 { // the body can be read again
				d := Classify(err, Context{Operation: "access.network"})
				assert.Equal(t, tt.want, d.Code)
				assert.Equal(t, tt.want == CodeStorageVersionUnsupported, strings.HasSuffix(d.Detail, "The version is 2099-11-05."), d.Detail)
				assert.Equal(t, tt.ours, Classify(fmt.Errorf("blobstore: %w", err), Context{Operation: "store.get"}).Code)
			}
		})
	}
}

func TestStorageTenant(t *testing.T) {
	const challenge = `Bearer authorization_uri=https://login.microsoftonline.com/22222222-aaaa-4aaa-8aaa-222222222222/oauth2/authorize resource_id=https://storage.azure.com`
	err := response(401, "InvalidAuthenticationInfo", "a.blob.core.windows.net", challenge)
	check := CheckFrom("c", "network", "t", err, Context{TenantID: "11111111-1111-4111-8111-111111111111"})
	assert.Equal(t, CodeStorageTenantMismatch, check.Code)
	assert.Equal(t, "22222222-aaaa-4aaa-8aaa-222222222222", check.Expected)
	assert.Equal(t, "/tenantId", check.Field)

	same := Classify(err, Context{TenantID: "22222222-AAAA-4aaa-8aaa-222222222222"})
	assert.Equal(t, CodeStorageTokenRefused, same.Code)
	quoted := response(401, "NoAuthenticationInformation", "a.blob.core.windows.net", `Bearer authorization_uri="https://login.microsoftonline.com/abc/oauth2/authorize"`)
	assert.Equal(t, CodeStorageTenantMismatch, Classify(quoted, Context{TenantID: "x"}).Code)
}

func TestResponseByHost(t *testing.T) {
	assert.Equal(t, CodeARMPermissionMissing, Classify(response(403, "AuthorizationFailed", "management.azure.com", ""), Context{}).Code)
	assert.Equal(t, CodeGraphPermissionMissing, Classify(response(403, "Authorization_RequestDenied", "graph.microsoft.com", ""), Context{}).Code)
}

func TestOwnInfrastructure(t *testing.T) {
	assert.Equal(t, CodeStoreUnavailable, Classify(response(403, "AuthorizationPermissionMismatch", "state.blob.core.windows.net", ""), Context{Operation: "store.get"}).Code)
	assert.Equal(t, CodeQueueUnavailable, Classify(errors.New("amqp: link detached"), Context{Operation: "bus.send"}).Code)
}

type timeout struct{}

func (timeout) Error() string   { return "i/o timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

type proxied struct{}

func (proxied) Error() string    { return "the proxy answered 502" }
func (proxied) ProxyStatus() int { return 502 }

func TestNetworkErrorsNameTheHost(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		target string
	}{
		"by the request": {err: &url.Error{Op: "Get", URL: "https://acme.blob.core.windows.net/images?sig=planted", Err: io.EOF}},
		"by the lookup":  {err: &net.DNSError{Err: "no such host", Name: "acme.blob.core.windows.net", IsNotFound: true}},
		"by the target":  {err: io.EOF, target: "https://acme.blob.core.windows.net/images"},
	} {
		t.Run(name, func(t *testing.T) {
			d := Classify(c.err, Context{Target: c.target})
			assert.Contains(t, d.Detail, "The host is acme.blob.core.windows.net.")
			assert.NotContains(t, d.Detail, "planted")
		})
	}
}

type identityFailure struct{}

func (identityFailure) Error() string { return "ManagedIdentityCredential: no identity" }
func (identityFailure) NonRetriable() {}

func TestNetworkErrors(t *testing.T) {
	dial := func(err error) error {
		return &url.Error{Op: "Get", URL: "https://x", Err: &net.OpError{Op: "dial", Err: err}}
	}
	tests := map[string]struct {
		err  error
		want Code
	}{
		"no such host":           {dial(&net.DNSError{Err: "no such host", IsNotFound: true}), "network-dns"},
		"lookup timed out":       {dial(&net.DNSError{Err: "i/o timeout", IsTimeout: true}), "network-dns"},
		"refused":                {dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), "network-connect"},
		"reset":                  {fmt.Errorf("read: %w", syscall.ECONNRESET), "network-connect"},
		"reset by the proxy":     {&url.Error{Op: "Get", URL: "https://x", Err: proxied{}}, "network-proxy"},
		"cut":                    {&url.Error{Op: "Put", URL: "https://x", Err: io.EOF}, "network-connect"},
		"cut in the answer":      {fmt.Errorf("read body: %w", io.ErrUnexpectedEOF), "network-connect"},
		"no answer":              {&url.Error{Op: "Get", URL: "https://x", Err: errors.New("http2: untyped")}, "network-connect"},
		"no URL":                 {&url.Error{Op: "parse", URL: "::", Err: errors.New("missing scheme")}, CodeUnrecognised},
		"deadline":               {fmt.Errorf("call: %w", context.DeadlineExceeded), "network-timeout"},
		"the limit of a request": {fmt.Errorf("graph: %w", late{}), "network-timeout"},
		"dial timed out":         {dial(timeout{}), "network-timeout"},
		"canceled":               {fmt.Errorf("call: %w", context.Canceled), "canceled"},
		"unknown authority":      {&url.Error{Op: "Get", URL: "https://x", Err: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}}, "network-tls"},
		"wrong host":             {fmt.Errorf("x: %w", x509.HostnameError{Host: "x", Certificate: &x509.Certificate{}}), "network-tls"},
		"handshake alert":        {fmt.Errorf("x: %w", tls.AlertError(40)), "network-tls"},
		"not TLS at all":         {tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, "network-tls"},
		"the app's identity":     {fmt.Errorf("x: %w", identityFailure{}), "service-identity-unavailable"},
		"anything else":          {errors.New("AADSTS700213: text alone decides nothing"), CodeUnrecognised},
		"nothing at all":         {nil, "internal"},
		"one that has its code":  {fmt.Errorf("x: %w", &Error{Diagnosis: New("superseded"), Err: context.DeadlineExceeded}), "superseded"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := Classify(tt.err, Context{})
			assert.Equal(t, tt.want, d.Code)
			assert.NotContains(t, d.Detail, "AADSTS")
		})
	}
}

func TestError(t *testing.T) {
	cause := errors.New("secret body")
	err := &Error{Diagnosis: New("not-provisioned", WithDetail("It is pending.")), Err: cause}
	assert.Equal(t, "not-provisioned: It is pending.", err.Error())
	require.ErrorIs(t, err, cause)
	assert.Equal(t, "x: t", (&Error{Diagnosis: Diagnosis{Code: "x", Title: "t"}}).Error())
}
