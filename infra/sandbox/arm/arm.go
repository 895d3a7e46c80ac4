// Package arm is the sandbox's Azure Resource Manager: role assignments, role definitions, permissions, user-assigned
// managed identities with their federated identity credentials, registrations of resource providers, and reads of
// tenants, subscriptions, resource groups, resources, storage accounts and containers, with ARM's success codes and
// error bodies. The caller's rights are those that the world's role assignments give, under their conditions where
// assignments are written and deleted. There is no cap on the number of assignments; a policy denies what the world's
// limits say.
package arm

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/strictjson"
)

// Audience is the resource that an access token must be for.
const Audience = "https://management.azure.com"

// Authenticate checks a request's bearer token and returns the object id of the principal that it is for. Its error
// becomes the message of a 401.
type Authenticate func(r *http.Request) (principalID string, err error)

type service struct {
	world        *world.World
	authenticate Authenticate
}

// New returns the handler of the host management.azure.com over the world.
func New(w *world.World, authenticate Authenticate) http.Handler {
	return &service{world: w, authenticate: authenticate}
}

// call is one request on its way.
type call struct {
	*service
	request *http.Request
	caller  string // object id of the principal
}

// answer is a success; body nil means none.
type answer struct {
	status int
	body   any
}

// object is a JSON object of an answer.
type object = map[string]any

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	requestID := uuid.NewString()
	correlationID := r.Header.Get("x-ms-correlation-request-id")
	if correlationID == "" {
		correlationID = requestID
	}
	w.Header().Set("x-ms-request-id", requestID)
	w.Header().Set("x-ms-correlation-request-id", correlationID)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Date", s.world.Now().Format(http.TimeFormat))
	a, err := s.answer(r)
	if err != nil {
		writeError(w, err)
		return
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(a.body) // the caller went away: nobody to tell
}

var apiVersion = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(-preview)?$`)

func (s *service) answer(r *http.Request) (answer, error) {
	if r.Header.Get("Authorization") == "" {
		return answer{}, &fault{status: http.StatusUnauthorized, code: "AuthenticationFailed",
			message: "Authentication failed. The 'Authorization' header is missing."}
	}
	caller, err := s.authenticate(r)
	if err != nil {
		return answer{}, &fault{status: http.StatusUnauthorized, code: "InvalidAuthenticationToken",
			message: err.Error()}
	}
	version := r.URL.Query().Get("api-version")
	switch {
	case version == "":
		return answer{}, &fault{status: http.StatusBadRequest, code: "MissingApiVersionParameter",
			message: "The api-version query parameter (?api-version=) is required for all requests."}
	case !apiVersion.MatchString(version):
		return answer{}, &fault{status: http.StatusBadRequest, code: "InvalidApiVersionParameter",
			message: "The api-version '" + version + "' is invalid."}
	}
	return (&call{service: s, request: r, caller: caller}).route()
}

const authorizationProvider = "/providers/microsoft.authorization/"

// route tells extension resources of Microsoft.Authorization, which follow a scope, from resources of their own.
func (c *call) route() (answer, error) {
	path := "/" + strings.Trim(c.request.URL.Path, "/")
	if i := strings.LastIndex(strings.ToLower(path), authorizationProvider); i >= 0 {
		rest := strings.Split(path[i+len(authorizationProvider):], "/")
		return c.routeAuthorization(path[:i], strings.ToLower(rest[0]), rest[1:])
	}
	return c.routeResource(path)
}

func (c *call) routeAuthorization(scope, kind string, rest []string) (answer, error) {
	switch {
	case kind == "roleassignments" && len(rest) == 0:
		return c.only(http.MethodGet, func() (answer, error) { return c.listAssignments(scope) })
	case kind == "roleassignments" && len(rest) == 1:
		switch c.request.Method {
		case http.MethodPut:
			return c.putAssignment(scope, rest[0])
		case http.MethodGet:
			return c.getAssignment(scope, rest[0])
		case http.MethodDelete:
			return c.deleteAssignment(scope, rest[0])
		}
		return answer{}, methodNotAllowed(c.request.Method)
	case kind == "roledefinitions" && len(rest) == 0:
		return c.only(http.MethodGet, func() (answer, error) { return c.listRoles(scope) })
	case kind == "roledefinitions" && len(rest) == 1:
		return c.only(http.MethodGet, func() (answer, error) { return c.getRole(scope, rest[0]) })
	case kind == "denyassignments" && len(rest) == 0:
		return c.only(http.MethodGet, func() (answer, error) { return c.listDenyAssignments(scope) })
	case kind == "locks" && len(rest) == 0:
		return c.only(http.MethodGet, func() (answer, error) { return c.listLocks(scope) })
	case kind == "permissions" && len(rest) == 0:
		return c.only(http.MethodGet, func() (answer, error) { return c.permissions(scope) })
	}
	return answer{}, unknownType("Microsoft.Authorization", kind)
}

func (c *call) only(method string, action func() (answer, error)) (answer, error) {
	if c.request.Method != method {
		return answer{}, methodNotAllowed(c.request.Method)
	}
	return action()
}

// readBody decodes the request's body strictly.
func (c *call) readBody(into any) error {
	data, err := io.ReadAll(io.LimitReader(c.request.Body, maximumBody))
	if err != nil {
		return badRequest("InvalidRequestContent", "The request content could not be read.")
	}
	if err := strictjson.Decode(data, into); err != nil {
		return badRequest("InvalidRequestContent",
			"The request content was invalid and could not be deserialized: '"+err.Error()+"'.")
	}
	return nil
}

// authorize holds that the subscription exists and that the caller may do the action at the scope. As in Azure, this
// comes before the question whether group and resource exist.
func (c *call) authorize(action, scope string) error {
	parts := strings.Split(strings.Trim(scope, "/"), "/")
	if len(parts) >= 2 && strings.EqualFold(parts[0], "subscriptions") {
		if _, ok := c.world.Subscription(parts[1]); !ok {
			return &fault{status: http.StatusNotFound, code: "SubscriptionNotFound",
				message: "The subscription '" + parts[1] + "' could not be found."}
		}
	}
	if !c.world.IsGranted(c.caller, action, scope) {
		return c.denied(action, scope)
	}
	if err := c.restricted(action, scope); err != nil {
		return err
	}
	return c.allowedByPolicy(action, scope)
}

// restricted refuses what a deny assignment or a lock forbids, whatever roles allow. The lock's text is that of
// https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources; no source was found for code and
// text of the deny assignment's refusal: its words are those of a refused linked scope (Azure/ARO-RP#423), fitted.
func (c *call) restricted(action, scope string) error {
	if d, denied := c.world.DeniedBy(c.caller, action, scope, false); denied {
		return &fault{status: http.StatusForbidden, code: "DenyAssignmentAuthorizationFailed",
			message: "The client '" + clientOf(c.world, c.caller) + "' with object id '" + c.caller +
				"' has permission to perform action '" +
				action + "' on scope '" + scope + "'; however, the access is denied because of the deny " +
				"assignment with " +
				"name '" + d.ID + "' and Id '" + d.ID + "' at scope '" + d.Scope + "'."}
	}
	if l, locked := c.world.LockedBy(action, scope); locked {
		verb := action[strings.LastIndex(action, "/")+1:]
		return &fault{status: http.StatusConflict, code: "ScopeLocked",
			message: "The scope '" + scope + "' cannot perform " + verb +
				" operation because following scope(s) are " +
				"locked: '" + l.Scope + "'. Please remove the lock and try again."}
	}
	return nil
}

// clientOf is the client id of a principal; its object id where it has none.
func clientOf(w *world.World, principalID string) string {
	if sp, ok := w.ServicePrincipal(principalID); ok {
		return sp.AppID
	}
	return principalID
}

func (c *call) denied(action, scope string) error {
	client := clientOf(c.world, c.caller)
	// Where a condition may bind the right, the service does not tell a missing right from a condition.
	// Source: https://learn.microsoft.com/azure/role-based-access-control/troubleshooting, "Unable to assign a role".
	why := "authorization"
	if action == actionWrite || action == actionDelete {
		why = "authorization or an ABAC condition not fulfilled"
	}
	return &fault{status: http.StatusForbidden, code: "AuthorizationFailed",
		message: "The client '" + client + "' with object id '" + c.caller + "' does not have " + why +
			" to perform action '" + action +
			"' over scope '" + scope + "' or the scope is invalid. If access was recently granted, please refresh " +
			"your credentials."}
}

// fault is an error answer.
type fault struct {
	status  int
	code    string
	message string
	// retryAfter is told in the header of that name, in seconds, where it is not zero.
	retryAfter int
	// target and additional are told where they are not empty.
	target     string
	additional []object
}

func (f *fault) Error() string { return f.code + ": " + f.message }

func writeError(w http.ResponseWriter, err error) {
	var f *fault
	if !errors.As(err, &f) {
		f = &fault{status: http.StatusInternalServerError, code: "InternalServerError", message: err.Error()}
	}
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer authorization_uri="https://login.microsoftonline.com/`+
			world.TenantID+
			`", error="invalid_token", error_description="The access token is missing or invalid."`)
	}
	if f.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.retryAfter))
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(f.status)
	told := object{"code": f.code, "message": f.message}
	if f.target != "" {
		told["target"] = f.target
	}
	if len(f.additional) > 0 {
		told["additionalInfo"] = f.additional
	}
	_ = json.NewEncoder(w).Encode(object{"error": told}) // the caller went away: nobody to tell
}

func badRequest(code, message string) error {
	return &fault{status: http.StatusBadRequest, code: code, message: message}
}

func methodNotAllowed(method string) error {
	return &fault{status: http.StatusMethodNotAllowed, code: "MethodNotAllowed",
		message: "The requested resource does not support http method '" + method + "'."}
}

func unknownType(namespace, kind string) error {
	return &fault{status: http.StatusNotFound, code: "InvalidResourceType",
		message: "The resource type '" + kind + "' could not be found in the namespace '" + namespace + "'."}
}

// orNull shows an empty text as null.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
