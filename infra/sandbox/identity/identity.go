// Package identity pretends to be the managed-identity endpoint of App Service and Azure Functions (protocol version
// 2019-08-01): a local, plain-HTTP service that gives the app tokens for the identities that were assigned to it.
package identity

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// apiVersion is the protocol version that azidentity speaks.
const apiVersion = "2019-08-01"

// Options are what the endpoint needs besides the world.
type Options struct {
	// Authority issues the tokens.
	Authority *entra.Authority
	// Header is the secret that the app reads from IDENTITY_HEADER and sends as X-IDENTITY-HEADER.
	Header string
	// SystemAssigned is the object id of the app's system-assigned identity, which answers requests that name no
	// identity. Empty means that the app has user-assigned identities only, and must name one.
	SystemAssigned string
	// UserAssigned are the object ids of the user-assigned identities of the app. There may be others in the tenant.
	UserAssigned []string
}

type endpoint struct {
	world *world.World
	opts  Options
}

// New returns the endpoint; it answers at any path.
func New(w *world.World, opts Options) http.Handler { return &endpoint{world: w, opts: opts} }

// ServeHTTP answers GET ?api-version=2019-08-01&resource=…[&client_id=…|&principal_id=…].
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	switch {
	case subtle.ConstantTimeCompare([]byte(r.Header.Get("X-IDENTITY-HEADER")), []byte(e.opts.Header)) != 1:
		writeError(w, http.StatusUnauthorized, "Unauthorized")
	case r.Method != http.MethodGet:
		writeError(w, http.StatusMethodNotAllowed, "The requested resource does not support http method '"+
			r.Method+"'.")
	case query.Get("api-version") != apiVersion:
		writeError(w, http.StatusBadRequest, "The api-version '"+query.Get("api-version")+"' is not supported.")
	case query.Get("resource") == "":
		writeError(w, http.StatusBadRequest, "The parameter 'resource' is required.")
	default:
		e.token(w, query.Get("resource"), query.Get("client_id"), query.Get("principal_id"))
	}
}

func (e *endpoint) token(w http.ResponseWriter, resource, clientID, principalID string) {
	principal, ok := e.identity(clientID, principalID)
	if !ok {
		writeError(w, http.StatusBadRequest, "Unable to load the proper Managed Identity.")
		return
	}
	if !entra.IsKnownResource(resource) {
		writeError(w, http.StatusBadRequest, "AADSTS500011: The resource principal named "+resource+
			" was not found in the tenant.")
		return
	}
	token, expires, err := e.opts.Authority.Issue(principal.ID, resource)
	if err != nil {
		writeError(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{
		"access_token": token,
		"client_id":    principal.AppID,
		"expires_on":   strconv.FormatInt(expires.Unix(), 10),
		"resource":     resource,
		"token_type":   "Bearer",
	})
}

// identity finds the managed identity that a request means, if it is assigned to the app.
func (e *endpoint) identity(clientID, principalID string) (world.ServicePrincipal, bool) {
	var principal world.ServicePrincipal
	var ok bool
	switch {
	case clientID != "":
		principal, ok = e.world.ServicePrincipalByAppID(clientID)
	case principalID != "":
		principal, ok = e.world.ServicePrincipal(principalID)
	default:
		principal, ok = e.world.ServicePrincipal(e.opts.SystemAssigned)
	}
	isAssigned := principal.ID == e.opts.SystemAssigned || slices.Contains(e.opts.UserAssigned, principal.ID)
	return principal, ok && isAssigned && principal.AccountEnabled
}

// writeError answers with a refusal in the endpoint's own shape.
func writeError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]any{"statusCode": status, "message": message, "correlationId": uuid.NewString()})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	// A failed write means that the client has gone; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(body)
}
