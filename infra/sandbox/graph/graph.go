// Package graph is the sandbox's Microsoft Graph: applications, service principals, federated identity credentials and
// the recycle bin of the world, with Graph's success codes, error bodies, permissions and OData forms, as far as
// provisioning uses them, alone or in a $batch. It knows no users and no groups.
package graph

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/google/uuid"
)

// Audience is the resource that an access token must be for.
const Audience = "https://graph.microsoft.com"

// Authenticate checks a request's bearer token and returns the object id of the principal that it is for. Its error
// becomes the message of a 401.
type Authenticate func(r *http.Request) (principalID string, err error)

// service answers requests; it has no state of its own.
type service struct {
	world        *world.World
	authenticate Authenticate
	parts        http.Handler // answers the requests of a batch
}

// New returns the handler of the host graph.microsoft.com over the world. Each request within a batch passes around,
// in that order, as the batch itself passes what its handler is wrapped in.
func New(w *world.World, authenticate Authenticate, around ...func(http.Handler) http.Handler) http.Handler {
	s := &service{world: w, authenticate: authenticate}
	s.parts = s
	for _, wrap := range slices.Backward(around) {
		s.parts = wrap(s.parts)
	}
	return s
}

// call is one request on its way.
type call struct {
	*service
	request *http.Request
	id      string   // request-id
	caller  string   // object id of the principal
	roles   []string // its Graph application permissions
	version string   // v1.0 or beta
	path    []segment
	options options
}

// answer is a success; body nil means none.
type answer struct {
	status   int
	body     any
	location string
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	requestID, isPart := r.Context().Value(batchKey{}).(string)
	if !isPart {
		requestID = uuid.NewString()
	}
	clientID := r.Header.Get("client-request-id")
	if clientID == "" {
		clientID = requestID
	}
	w.Header().Set("request-id", requestID)
	w.Header().Set("client-request-id", clientID)
	w.Header().Set("Date", s.world.Now().Format(http.TimeFormat))
	a, err := s.answer(r, requestID)
	if err != nil {
		writeError(w, err, s.world.Now(), requestID, clientID)
		return
	}
	if a.location != "" {
		w.Header().Set("Location", a.location)
	}
	w.Header().Set("OData-Version", "4.0")
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	w.Header().Set("Content-Type",
		"application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
	w.WriteHeader(a.status)
	body, err := json.Marshal(a.body)
	if err != nil {
		panic(err) // an entity holds plain values only
	}
	_, _ = w.Write(cutOff(body)) // the caller went away: nobody to tell
}

// answer authenticates, parses and routes.
func (s *service) answer(r *http.Request, requestID string) (answer, error) {
	caller, err := s.authenticate(r)
	if err != nil {
		return answer{}, invalidToken(err)
	}
	version, path, err := parsePath(r.URL.EscapedPath())
	if err != nil {
		return answer{}, err
	}
	options, err := parseOptions(r.URL.Query())
	if err != nil {
		return answer{}, err
	}
	c := &call{service: s, request: r, id: requestID, caller: caller, roles: s.world.AppRoles(caller),
		version: version, path: path, options: options}
	return c.route()
}

func (c *call) route() (answer, error) {
	if len(c.path) == 0 {
		return answer{}, unknownSegment("")
	}
	switch head := c.path[0].name; {
	case strings.EqualFold(head, "applications"):
		return applications{c}.route()
	case strings.EqualFold(head, "servicePrincipals"):
		return principals{c}.route()
	case strings.EqualFold(head, "directory") && len(c.path) > 1 && strings.EqualFold(c.path[1].name, "deletedItems"):
		return deletedItems{c}.route()
	case strings.EqualFold(head, "directoryObjects") && len(c.path) == 2 &&
		strings.EqualFold(c.path[1].name, "getByIds"):
		return directoryObjects{c}.route()
	case head == "$batch" && len(c.path) == 1:
		return batch{c}.route()
	default:
		return answer{}, unknownSegment(head)
	}
}

// byMethod runs the action of the request's method.
func (c *call) byMethod(actions map[string]func() (answer, error)) (answer, error) {
	action, ok := actions[c.request.Method]
	if !ok {
		return answer{}, methodNotAllowed()
	}
	return action()
}

// mayRead holds that any of the application permissions reads every application and service principal.
func (c *call) mayRead() error {
	if len(c.roles) == 0 {
		return insufficientPrivileges()
	}
	return nil
}

// mayReadAll excludes those who may only care for what they own.
func (c *call) mayReadAll() error {
	if c.hasRole(world.AppRoleReadAll) || c.hasRole(world.AppRoleReadWriteAll) {
		return nil
	}
	return insufficientPrivileges()
}

// mayCreate holds for everybody who may write at all; the creator becomes owner.
func (c *call) mayCreate() error {
	if c.hasRole(world.AppRoleReadWriteOwnedBy) || c.hasRole(world.AppRoleReadWriteAll) {
		return nil
	}
	return insufficientPrivileges()
}

// mayWrite holds for all objects, or for the caller's own.
func (c *call) mayWrite(objectID string) error {
	switch {
	case c.hasRole(world.AppRoleReadWriteAll):
		return nil
	case c.hasRole(world.AppRoleReadWriteOwnedBy) && slices.Contains(c.world.Owners(objectID), c.caller):
		return nil
	}
	return insufficientPrivileges()
}

func (c *call) hasRole(role string) bool { return slices.Contains(c.roles, role) }

// isCreateIfMissing tells whether the request is an upsert: without this preference a PATCH only updates.
func (c *call) isCreateIfMissing() bool {
	for _, header := range c.request.Header.Values("Prefer") {
		for preference := range strings.SplitSeq(header, ",") {
			if strings.EqualFold(strings.TrimSpace(preference), "create-if-missing") {
				return true
			}
		}
	}
	return false
}

// context is the @odata.context of an answer.
func (c *call) context(fragment string) string {
	return "https://" + c.request.Host + "/" + c.version + "/$metadata#" + fragment
}

// created answers 201 with the new object.
func (c *call) created(set, class string, body entity) answer {
	body["@odata.context"] = c.context(set + "/$entity")
	tenant := ""
	if all := c.world.Tenants(); len(all) > 0 {
		tenant = all[0].ID
	}
	id, _ := body["id"].(string)
	return answer{status: http.StatusCreated, body: body,
		location: "https://" + c.request.Host + "/v2/" + tenant + "/directoryObjects/" + id +
			"/Microsoft.DirectoryServices." + class}
}

func noContent() answer { return answer{status: http.StatusNoContent} }

// stamp writes a time as Graph does.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

func stampPointer(t *time.Time) any {
	if t == nil {
		return nil
	}
	return stamp(*t)
}
