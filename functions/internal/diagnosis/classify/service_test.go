package classify

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

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

// serviceCodes are what the clients' typed errors come to.
var serviceCodes = []struct {
	service   string
	status    int
	code      string
	operation string
	want      diagnosis.Code
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
	{"graph", 409, "Request_MultipleObjectsWithSameKeyValue", "servicePrincipal.upsert",
		"object-already-exists", false},
	{"graph", 404, "Request_ResourceNotFound", "federatedCredential.upsert", "directory-not-replicated", true},
	{"graph", 404, "Request_ResourceNotFound", "application.get", "identity-missing", true},
	{"graph", 404, "Request_ResourceNotFound", "application.holder.get", "unique-name-taken", false},
	{"graph", 404, "Request_ResourceNotFound", "servicePrincipal.get", "service-principal-missing", true},
	{"graph", 404, "Request_ResourceNotFound", "deletedItem.restore", "object-not-found", true},
	{"graph", 400, "InvalidFederatedIdentityCredentialValue", "federatedCredential.upsert",
		"federated-credential-refused", false},
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
	{"arm", 403, "DenyAssignmentAuthorizationFailed", "rbac.put", "deny-assignment", false},
	{"arm", 403, "DenyAssignmentAuthorizationFailed", "managedIdentity.put", "deny-assignment", false},
	{"arm", 403, "LinkedAuthorizationFailed", "rbac.put", "linked-authorization-failed", true},
	{"arm", 403, "RequestDisallowedByPolicy", "rbac.put", "policy-denied", false},
	{"arm", 404, "ResourceNotFound", "rbac.put", "storage-account-not-found", false},
	{"arm", 404, "ResourceGroupNotFound", "rbac.put", "resource-group-not-found", false},
	{"arm", 409, "MissingSubscriptionRegistration", "managedIdentity.put", "identity-provider-not-registered", false},
	{"arm", 404, "SubscriptionNotFound", "rbac.put", "subscription-not-found", false},
	{"arm", 401, "InvalidAuthenticationTokenTenant", "rbac.put", "subscription-tenant-mismatch", false},
	{"arm", 404, "", "rbac.get", "role-missing", true},
	{"arm", 400, "Teapot", "rbac.put", "arm-unrecognised", false},
	{"ddoe", 401, "", "subjectToken.get", "ddoe-unauthorized", false},
	{"ddoe", 403, "", "subjectToken.get", "ddoe-forbidden", false},
	{"ddoe", 404, "", "subjectToken.get", "ddoe-not-found", false},
	{"ddoe", 429, "", "subjectToken.get", "ddoe-throttled", true},
	{"ddoe", 502, "", "subjectToken.get", "ddoe-unavailable", true},
	{"ddoe", 200, "answer-invalid", "subjectToken.get", "ddoe-answer-invalid", false},
	{"ddoe", 418, "", "subjectToken.get", "ddoe-unrecognised", false},
	{"teapot", 418, "", "", diagnosis.CodeUnrecognised, false},
}

func TestServiceCodes(t *testing.T) {
	for _, tt := range serviceCodes {
		t.Run(fmt.Sprintf("%s %d %s %s", tt.service, tt.status, tt.code, tt.operation), func(t *testing.T) {
			d := Error(fmt.Errorf("wrapped: %w", &serviceFake{tt.service, tt.status, tt.code}),
				diagnosis.Context{Operation: diagnosis.Operation(tt.operation)})
			assert.Equal(t, tt.want, d.Code)
			assert.Equal(t, tt.transient, d.Transient)
			assert.Equal(t, &diagnosis.Evidence{Service: tt.service, HTTPStatus: tt.status, ServiceCode: tt.code,
				RequestID: "request"}, d.Evidence)
		})
	}
}

// TestEveryMappedCodeExists: each code of a classification table is in the catalogue.
func TestEveryMappedCodeExists(t *testing.T) {
	for name, table := range map[string]map[string]diagnosis.Code{"graph": graphCodes(), "arm": armCodes(),
		"storage": storageCodes()} {
		for service, code := range table {
			_, ok := diagnosis.Lookup(code)
			assert.True(t, ok, "%s: %s → %s", name, service, code)
		}
	}
}

// TestOwnInfrastructure: what fails at the app's own store or queue is that, whatever the service said.
func TestOwnInfrastructure(t *testing.T) {
	refused := response(403, "AuthorizationPermissionMismatch", "state.blob.core.windows.net", "")
	for operation, want := range map[string]diagnosis.Code{"store.get": "store-unavailable",
		"store.put": "store-unavailable", "bus.send": "queue-unavailable"} {
		d := Error(refused, diagnosis.Context{Operation: diagnosis.Operation(operation)})
		assert.Equal(t, want, d.Code)
		assert.Equal(t, &diagnosis.Evidence{Service: "storage", HTTPStatus: 403,
			StorageCode: "AuthorizationPermissionMismatch", RequestID: "request"}, d.Evidence)
		d = Error(errors.New("amqp: link detached"), diagnosis.Context{Operation: diagnosis.Operation(operation)})
		assert.Equal(t, want, d.Code)
		assert.Nil(t, d.Evidence)
	}
	for _, operation := range []string{"store", "bus", "restore.get", "access.list", ""} {
		assert.Equal(t, diagnosis.CodeRoleMissing,
			Error(refused, diagnosis.Context{Operation: diagnosis.Operation(operation)}).Code)
	}
}

// TestWhatServiceBusAnswers: a right that is missing is told apart from a namespace that takes nothing, with the
// entity's own name.
func TestWhatServiceBusAnswers(t *testing.T) {
	asked := diagnosis.Context{Operation: "bus.link", Entity: "topics/wif-events", Namespace: "sb-wif",
		AppPrincipalID: "principal"}
	refused := Error(&serviceFake{service: "servicebus", code: "unauthorized"}, asked)
	assert.Equal(t, diagnosis.CodeServiceBusPermissionMissing, refused.Code)
	assert.False(t, refused.Transient)
	assert.Equal(t, &diagnosis.Evidence{Service: "servicebus", ServiceCode: "unauthorized"}, refused.Evidence)
	assert.Contains(t, refused.Detail, "a link to topics/wif-events")
	assert.Equal(t, "az role assignment create --assignee-object-id principal --assignee-principal-type "+
		"ServicePrincipal --role \"Azure Service Bus Data Sender\" --scope $(az resource list --name sb-wif "+
		"--resource-type Microsoft.ServiceBus/namespaces --query [0].id --output tsv)/topics/wif-events",
		refused.Remedy.Command)

	late := Error(&serviceFake{service: "servicebus", code: "timeout"}, asked)
	assert.Equal(t, diagnosis.CodeQueueUnavailable, late.Code)
	assert.True(t, late.Transient)
	assert.Equal(t, "timeout", late.Evidence.ServiceCode)
	assert.Contains(t, late.Detail, "topics/wif-events")
	silent := Error(&serviceFake{service: "servicebus"}, asked)
	assert.Equal(t, diagnosis.CodeQueueUnavailable, silent.Code)
	assert.Nil(t, silent.Evidence)
}

// askedFake is a typed error that names what was asked, and passes on what the service said.
type askedFake struct {
	serviceFake
	endpoint, message string
}

func (e *askedFake) Endpoint() string       { return e.endpoint }
func (e *askedFake) ServiceMessage() string { return e.message }

// TestTheMessageOfAServiceIsPassedOn, in the name of the service.
func TestTheMessageOfAServiceIsPassedOn(t *testing.T) {
	for service, name := range map[string]string{"graph": "Microsoft Graph", "arm": "Azure Resource Manager",
		"ddoe": "The platform", "storage": "Azure Storage", "other": "The service"} {
		err := &askedFake{serviceFake{service, 418, "C"}, "", "no\nway"}
		said := Error(err, diagnosis.Context{}).Detail
		assert.True(t, strings.HasSuffix(said, " "+name+" says: "+redact.Printable("no\nway")), said)
		assert.NotContains(t, said, "\n")
		err.message = ""
		assert.NotContains(t, Error(err, diagnosis.Context{}).Detail, " says: ")
	}
}

// TestAServiceThatIsAskedIsTheTarget of the words, also where the caller names another.
func TestAServiceThatIsAskedIsTheTarget(t *testing.T) {
	err := &askedFake{serviceFake{"ddoe", 503, ""}, "https://asked.example/y", ""}
	d := Error(err, diagnosis.Context{Target: "https://z.example"})
	assert.Equal(t, diagnosis.New(diagnosis.CodeDDOEUnavailable, diagnosis.WithContext(diagnosis.Context{
		Target: "https://asked.example/y"})).Detail, d.Detail)
	err.endpoint = ""
	d = Error(err, diagnosis.Context{Target: "https://z.example"})
	assert.Equal(t, diagnosis.New(diagnosis.CodeDDOEUnavailable, diagnosis.WithContext(diagnosis.Context{
		Target: "https://z.example"})).Detail, d.Detail)
}
