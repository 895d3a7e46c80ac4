package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// fault is an error answer.
type fault struct {
	status  int
	code    string
	message string
	details []detail
}

type detail struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Target  string `json:"target"`
}

func (f *fault) Error() string { return f.code + ": " + f.message }

type errorBody struct {
	Error struct {
		Code       string     `json:"code"`
		Message    string     `json:"message"`
		Details    []detail   `json:"details,omitempty"`
		InnerError innerError `json:"innerError"`
	} `json:"error"`
}

type innerError struct {
	Date            string `json:"date"`
	RequestID       string `json:"request-id"`
	ClientRequestID string `json:"client-request-id"`
}

func writeError(w http.ResponseWriter, err error, now time.Time, requestID, clientID string) {
	var f *fault
	if !errors.As(err, &f) {
		f = &fault{status: http.StatusInternalServerError, code: "InternalServerError", message: err.Error()}
	}
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate",
			`Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"`)
	}
	var body errorBody
	body.Error.Code, body.Error.Message, body.Error.Details = f.code, f.message, f.details
	body.Error.InnerError = innerError{Date: now.Format("2006-01-02T15:04:05"), RequestID: requestID,
		ClientRequestID: clientID}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.status)
	_ = json.NewEncoder(w).Encode(body) // the caller went away: nobody to tell
}

func invalidToken(err error) error {
	return &fault{status: http.StatusUnauthorized, code: "InvalidAuthenticationToken", message: err.Error()}
}

func insufficientPrivileges() error {
	return &fault{status: http.StatusForbidden, code: "Authorization_RequestDenied",
		message: "Insufficient privileges to complete the operation."}
}

func notFound(key string) error {
	return &fault{status: http.StatusNotFound, code: "Request_ResourceNotFound",
		message: fmt.Sprintf("Resource '%s' does not exist or one of its queried reference-property objects are "+
			"not present.", key)}
}

func unknownSegment(name string) error {
	return &fault{status: http.StatusNotFound, code: "Request_ResourceNotFound",
		message: fmt.Sprintf("Resource not found for the segment '%s'.", name)}
}

func methodNotAllowed() error {
	return &fault{status: http.StatusMethodNotAllowed, code: "BadRequest",
		message: "Specified HTTP method is not allowed for the request target."}
}

// badRequest is a fault of the directory.
func badRequest(format string, args ...any) error {
	return &fault{status: http.StatusBadRequest, code: "Request_BadRequest", message: fmt.Sprintf(format, args...)}
}

// badSyntax is a fault that the OData front end finds before the directory is asked.
func badSyntax(format string, args ...any) error {
	return &fault{status: http.StatusBadRequest, code: "BadRequest", message: fmt.Sprintf(format, args...)}
}

func invalidValue(property, resource string) error {
	return badRequest("Invalid value specified for property '%s' of resource '%s'.", property, resource)
}

func valueRequired(property, resource string) error {
	return badRequest("A value is required for property '%s' of resource '%s'.", property, resource)
}

func readOnly(property, resource string) error {
	return badRequest("Property '%s' of resource '%s' is read-only and cannot be set.", property, resource)
}

func uniqueNameTaken() error {
	return badRequest("Another object with the same value for property uniqueName already exists.")
}

func noBackingApplication(appID string) error {
	message := fmt.Sprintf("The appId '%s' of the service principal does not reference a valid "+
		"application object.", appID)
	return &fault{status: http.StatusBadRequest, code: "Request_BadRequest", message: message,
		details: []detail{{Code: "NoBackingApplicationObject", Message: message, Target: "appId"}}}
}

func principalExists(appID string) error {
	message := fmt.Sprintf("The service principal cannot be created, updated, or restored because the service "+
		"principal name %s is already in use.", appID)
	return &fault{status: http.StatusConflict, code: "Request_MultipleObjectsWithSameKeyValue", message: message,
		details: []detail{{Code: "ObjectConflict", Message: message, Target: "servicePrincipalNames"}}}
}

func credentialExists(name string) error {
	return &fault{status: http.StatusConflict, code: "Request_MultipleObjectsWithSameKeyValue",
		message: fmt.Sprintf("FederatedIdentityCredential with name %s already exists.", name)}
}

func invalidCredential(message string) error {
	return &fault{status: http.StatusBadRequest, code: "InvalidFederatedIdentityCredentialValue", message: message}
}
