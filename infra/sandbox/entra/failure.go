package entra

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// The OAuth error words that Entra answers with.
const (
	invalidRequest       = "invalid_request"
	invalidClient        = "invalid_client"
	invalidScope         = "invalid_scope"
	invalidResource      = "invalid_resource"
	invalidTenant        = "invalid_tenant"
	unauthorizedClient   = "unauthorized_client"
	unsupportedGrantType = "unsupported_grant_type"
)

const (
	learnFederation      = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
	learnCaseSensitivity = "https://learn.microsoft.com/en-us/entra/identity-platform/reference-breaking-changes#august-2024"
	checkCredential      = "Check your federated identity credential Subject, Audience and Issuer against the " +
		"presented assertion."
)

// failure is one refusal: the AADSTS number, the OAuth error word, the HTTP status and the sentence. It is an error
// so that the steps of an exchange can stop at the first one.
type failure struct {
	code   int
	oauth  string
	status int
	text   string
}

// Error is the sentence with its number, as the answer's error_description begins.
func (f *failure) Error() string { return fmt.Sprintf("AADSTS%d: %s", f.code, f.text) }

func refuse(code int, oauth string, text string, args ...any) *failure {
	return &failure{code: code, oauth: oauth, status: statusOf(oauth), text: fmt.Sprintf(text, args...)}
}

// statusOf is the HTTP status that goes with an OAuth error word: a client that failed to authenticate is 401, any
// other refusal 400.
func statusOf(oauth string) int {
	if oauth == invalidClient {
		return http.StatusUnauthorized
	}
	return http.StatusBadRequest
}

// The refusals in the order in which an exchange can meet them. Texts follow what Entra has been seen to answer;
// where no sighting is known (7000274) the text is in its manner.

func tenantNotFound(tenant, oauth string) *failure {
	return refuse(90002, oauth, "Tenant '%s' not found. Check to make sure you have the correct tenant ID and are "+
		"signing into the correct cloud. "+
		"Check with your subscription administrator, this may happen if there are no active subscriptions "+
		"for the tenant.", tenant)
}

func tenantMalformed(tenant, oauth string) *failure {
	return refuse(900023, oauth, "Specified tenant identifier '%s' is neither a valid DNS name, nor a valid "+
		"external domain.", tenant)
}

func parameterMissing(name string) *failure {
	return refuse(900144, invalidRequest, "The request body must contain the following parameter: '%s'.", name)
}

func grantUnsupported(grant string) *failure {
	return refuse(70003, unsupportedGrantType, "The app requested an unsupported grant type '%s'.", grant)
}

func clientMalformed(client string) *failure {
	return refuse(700038, invalidRequest, "%s is not a valid application identifier.", client)
}

func clientNotFound(client, tenant string) *failure {
	return refuse(700016, unauthorizedClient, "Application with identifier '%s' was not found in the directory '%s'. "+
		"This can happen if the application has not been installed by the administrator of the tenant or consented "+
		"to by any user in the tenant. "+
		"You may have sent your authentication request to the wrong tenant.", client, tenant)
}

func servicePrincipalMissing(client, tenant string) *failure {
	return refuse(7000229, invalidClient, "The client application %s is missing service principal in the tenant %s. "+
		"See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119", client, tenant)
}

func applicationDisabled(client, name string) *failure {
	return refuse(7000112, unauthorizedClient, "Application '%s'(%s) is disabled.", client, name)
}

func credentialMissing() *failure {
	return refuse(7000216, invalidClient,
		"'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.")
}

func assertionMissing() *failure {
	return refuse(7000218, invalidClient,
		"The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
}

func secretInvalid(client string) *failure {
	return refuse(7000215, invalidClient, "Invalid client secret provided. Ensure the secret being sent in the "+
		"request is the client secret value, "+
		"not the client secret ID, for a secret added to app '%s'.", client)
}

func scopeMalformed(scope string) *failure {
	return refuse(70011, invalidScope, "The provided request must include a 'scope' input parameter. The provided "+
		"value for the input parameter 'scope' is not valid. "+
		"The scope %s is not valid.", scope)
}

func scopeNotDefault(scope string) *failure {
	return refuse(1002012, invalidScope, "The provided value for scope %s is not valid. Client credential flows "+
		"must have a scope value with /.default suffixed "+
		"to the resource identifier (application ID URI).", scope)
}

func resourceNotFound(resource, tenant string) *failure {
	return refuse(500011, invalidResource, "The resource principal named %s was not found in the tenant named %s. "+
		"This can happen if the application has not been installed by the administrator of the tenant or consented "+
		"to by any user in the tenant. "+
		"You might have sent your authentication request to the wrong tenant.", resource, tenant)
}

func assertionMalformed() *failure {
	return refuse(50027, invalidRequest, "JWT token is invalid or malformed.")
}

func typeUnsupported() *failure {
	return refuse(5002727, invalidRequest,
		"Invalid JWT header type specified. Allowed types: 'JWT','http://openid.net/specs/jwt/1.0'.")
}

func audienceNotSingle(count int) *failure {
	return refuse(5002741, invalidClient,
		"Number of audience values in the provided client credential exceed maximum allowed. "+
			"%d audience values provided, maximum allowed is 1.", count)
}

func noCredentials(client, name string) *failure {
	return refuse(70025, invalidClient, "The client '%s'(%s) has no configured federated identity credentials.",
		client, name)
}

func noMatch(code int, what, value string) *failure {
	return refuse(code, invalidClient,
		"No matching federated identity record found for presented assertion %s '%s'. %s %s",
		what, value, checkCredential, learnFederation)
}

// flexibleIssuerRefused answers for a flexible credential of an issuer that may have none: every one whose tokens the
// sandbox can check. Microsoft's list of codes has the number; no source tells the words.
func flexibleIssuerRefused(issuer string) *failure {
	return refuse(7002241, invalidClient,
		"The issuer '%s' is not supported for flexible federated identity credentials. %s", issuer, learnFederation)
}

func subjectCase(subject string) *failure {
	return refuse(7002138, invalidClient,
		"No matching federated identity record found for presented assertion subject '%s'. "+
			"The subject matches with case-insensitive comparison, but not with case-sensitive comparison. %s See "+
			"documentation at: %s. "+
			"See breaking change notification and remediation at: %s.", subject, checkCredential, learnFederation,
		learnCaseSensitivity)
}

func entraIssued() *failure {
	return refuse(700222, invalidClient, "AAD-issued tokens may not be used for federated identity flows.")
}

func issuerUnreachable() *failure {
	return refuse(501661, invalidRequest, "Request to External OIDC endpoint failed.")
}

func keysUnreachable() *failure {
	return refuse(90061, invalidRequest, "Request to External OIDC endpoint failed.")
}

func keysUnparsable() *failure {
	return refuse(900612, invalidRequest, "Failed to parse provider signing keys.")
}

func keyUnknown(kid, issuer string) *failure {
	return refuse(7000272, invalidClient, "The certificate with identifier %s used to sign the federated credential "+
		"could not be found in the metadata of identity provider %s. "+
		"Please validate that your Identity Provider's metadata exposes the key used to sign the incoming token.",
		kid, issuer)
}

func signatureInvalid() *failure {
	return refuse(7000274, invalidClient, "Client assertion contains an invalid signature.")
}

func outsideLifetime(now, from, to time.Time) *failure {
	const layout = "2006-01-02T15:04:05.0000000Z"
	return refuse(700024, invalidClient, "Client assertion is not within its valid time range. Current time: %s, "+
		"assertion valid from %s, expiry time of assertion %s. "+
		"Review the documentation at "+
		"https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials .",
		now.UTC().Format(layout), from.UTC().Format(layout), to.UTC().Format(layout))
}

// answer is the JSON body of a refusal.
type answer struct {
	Error         string `json:"error"`
	Description   string `json:"error_description"`
	Codes         []int  `json:"error_codes"`
	Timestamp     string `json:"timestamp"`
	TraceID       string `json:"trace_id"`
	CorrelationID string `json:"correlation_id"`
	ErrorURI      string `json:"error_uri"`
}

// write sends the refusal with the trace and correlation ids that Entra puts on each one.
func (f *failure) write(w http.ResponseWriter, r *http.Request, now time.Time) {
	trace, correlation := uuid.NewString(), correlationOf(r)
	stamp := now.UTC().Format("2006-01-02 15:04:05Z")
	body := answer{
		Error: f.oauth,
		Description: fmt.Sprintf("%s Trace ID: %s Correlation ID: %s Timestamp: %s", f.Error(), trace,
			correlation, stamp),
		Codes:         []int{f.code},
		Timestamp:     stamp,
		TraceID:       trace,
		CorrelationID: correlation,
		ErrorURI:      "https://login.microsoftonline.com/error?code=" + strconv.Itoa(f.code),
	}
	w.Header().Set("x-ms-request-id", trace)
	w.Header().Set("client-request-id", correlation)
	writeJSON(w, f.status, body)
}

// correlationOf is the id that the caller chose for its request, or a fresh one.
func correlationOf(r *http.Request) string {
	if id, err := uuid.Parse(r.Header.Get("client-request-id")); err == nil {
		return id.String()
	}
	return uuid.NewString()
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store, no-cache")
	w.WriteHeader(status)
	// A failed write means that the client has gone; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(body)
}
