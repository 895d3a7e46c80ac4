package platform

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// gate lets in who may ask the platform's API, and answers what is about them and their organisation.
type gate struct {
	world *world.World
	opts  Options
}

// call is one authenticated request.
type call struct {
	*http.Request
	user dataloop.Object
}

// endpoint answers a call with status and body (nil for none), or refuses it with a *refusal.
type endpoint func(c call) (status int, body any, err error)

// refusal is an error answer.
type refusal struct {
	status  int
	message string
}

// Error is the message.
func (r *refusal) Error() string { return r.message }

func refuse(status int, message string) *refusal { return &refusal{status: status, message: message} }

// newGate routes the API.
func newGate(w *world.World, opts Options) http.Handler {
	g := &gate{world: w, opts: opts}
	i := integrations{g}
	d := drivers{gate: g, tester: tester{g}}
	mux := http.NewServeMux()
	for pattern, handle := range map[string]endpoint{
		"POST /subject-tokens":                          g.subjectToken,
		"GET /users/me":                                 g.me,
		"GET /projects/{project}":                       g.project,
		"GET /orgs/{org}/availableIntegrations":         g.available,
		"GET /orgs/{org}/integrations":                  i.list,
		"POST /orgs/{org}/integrations":                 i.create,
		"PATCH /orgs/{org}/integrations":                i.update,
		"GET /orgs/{org}/integrations/{integration}":    i.get,
		"DELETE /orgs/{org}/integrations/{integration}": i.delete,
		"GET /integrations/{integration}":               i.get,
		"GET /drivers":                                  d.list,
		"POST /drivers":                                 d.create,
		"POST /drivers/validateDrivers":                 d.validateAll,
		"GET /drivers/{driver}":                         d.get,
		"PATCH /drivers/{driver}":                       d.update,
		"DELETE /drivers/{driver}":                      d.delete,
		"GET /drivers/{first}/{second}":                 d.subresource,
		"GET /commands/{command}":                       d.command,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		mux.Handle(method+" /api/v1"+path, g.answer(handle))
	}
	mux.HandleFunc("/", unknownPath)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("x-request-id", uuid.NewString())
		mux.ServeHTTP(w, r)
	})
}

// answer authenticates a request, and writes what the endpoint states to it.
func (g *gate) answer(handle endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := g.authenticate(r)
		if err != nil {
			writeError(w, err)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		status, body, err := handle(call{Request: r, user: user})
		switch {
		case err != nil:
			writeError(w, err)
		case body == nil:
			w.WriteHeader(status)
		default:
			writeJSON(w, status, body)
		}
	})
}

// authenticate finds the user of a key. A user that the world does not know has no role anywhere.
func (g *gate) authenticate(r *http.Request) (dataloop.Object, error) {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || key == "" {
		return nil, refuse(http.StatusUnauthorized, "Unauthorized")
	}
	email := dataloop.UserEmail
	if g.opts.APIKey == "" || subtle.ConstantTimeCompare([]byte(key), []byte(g.opts.APIKey)) != 1 {
		if g.opts.Keys == nil {
			return nil, refuse(http.StatusUnauthorized, "Unauthorized")
		}
		var err error
		if email, err = g.opts.Keys.user(key); err != nil {
			return nil, refuse(http.StatusUnauthorized, "Unauthorized")
		}
	}
	if user, ok := g.world.DDOEObject(dataloop.Users, email); ok {
		return user, nil
	}
	return dataloop.Object{"id": email, "email": email}, nil
}

// Roles that suffice for a deed, and the user's member that holds the role.
const (
	organizationRole = "role"
	projectRole      = "projectRole"
)

// require refuses a user whose role is none of these.
func (g *gate) require(c call, member string, roles ...string) error {
	if slices.Contains(roles, text(c.user, member)) {
		return nil
	}
	return refuse(http.StatusForbidden, "Forbidden: the user's role does not allow this")
}

// requireOrganizationAdmin refuses who may not manage the integrations of the organisation in the path, and returns
// its id.
func (g *gate) requireOrganizationAdmin(c call) (string, error) {
	organization, err := g.pathOrganization(c)
	if err != nil {
		return "", err
	}
	return organization, g.require(c, organizationRole, "owner", "admin")
}

func (g *gate) requireDeveloper(c call) error {
	return g.require(c, projectRole, "owner", "developer")
}

// decode reads a JSON object; members that it does not know are nothing to the platform.
func (c call) decode(v any) error {
	body, err := io.ReadAll(c.Body)
	if err != nil || json.Unmarshal(body, v) != nil {
		return refuse(http.StatusBadRequest, "body must be a JSON object")
	}
	return nil
}

// unknownPath answers like the platform does: with the console's page and 200, so a client must look at the content
// type.
func unknownPath(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	// A failed write means that the client has gone; there is nobody left to tell.
	const page = `<!doctype html><html><head><title>DDOE</title></head><body><div id="app"></div></body></html>`
	_, _ = io.WriteString(w, page+"\n")
}

// writeError answers in the platform's envelope, which has no place for a code.
func writeError(w http.ResponseWriter, err error) {
	var refused *refusal
	if !errors.As(err, &refused) {
		refused = refuse(http.StatusInternalServerError, "Internal Server Error")
	}
	writeJSON(w, refused.status, map[string]any{"status": refused.status, "message": refused.message})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// A failed write means that the client has gone; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(body)
}

// text is a member's value if it is a string, else "".
func text(o dataloop.Object, member string) string {
	s, _ := o[member].(string)
	return s
}

// number is a member's value as a whole number, however it came into the world; 0 where it is none.
func number(o dataloop.Object, member string) int64 {
	switch n := o[member].(type) {
	case float64:
		return int64(n)
	case int64:
		return n
	}
	return 0
}

// members is a member's value if it is an object, else nil.
func members(o dataloop.Object, member string) dataloop.Object {
	m, _ := o[member].(dataloop.Object)
	return m
}
