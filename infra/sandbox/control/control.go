// Package control is the sandbox's own API, by which tests and people look at the pretended world and change it:
// objects, requests made, faults, timing, tokens, queues. It also holds the middleware that these need: Recorder,
// Faults and Latency, to be put around the handler that answers as the cloud.
package control

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/strictjson"
)

// Access tells how a program of its own gets at the sandbox; it is part of GET /world.
type Access struct {
	ServiceBus ServiceBus `json:"serviceBus"`
	// CertificateAuthority is the PEM certificate that signs every TLS certificate of the sandbox.
	CertificateAuthority string `json:"certificateAuthority"`
}

// ServiceBus tells where the broker listens.
type ServiceBus struct {
	ConnectionString string `json:"connectionString"` // for the plain listener
	Plain            string `json:"plain"`            // host:port, AMQP in the clear
	TLS              string `json:"tls"`              // host:port, AMQP over TLS
	Namespace        string `json:"namespace"`        // fully qualified
}

// Options are what the API controls.
type Options struct {
	World    *world.World
	Broker   *servicebus.Broker
	Recorder *Recorder
	Faults   *Faults
	// Mint signs a token of the platform's issuer.
	Mint func(TokenRequest) (string, error)
	// MintCaller signs an access token of a caller of the app's API.
	MintCaller func(entra.CallerRequest) (string, error)
	// Access is asked at every GET /world, because addresses are known only once the listeners are open.
	Access func() Access
	// AfterReset, if set, runs at the end of POST /reset.
	AfterReset func()
}

type api struct{ Options }

// New returns the handler of the control API.
func New(o Options) http.Handler {
	a := &api{Options: o}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.help)
	mux.HandleFunc("GET /world", a.showWorld)
	mux.HandleFunc("GET /requests", a.showRequests)
	mux.HandleFunc("POST /reset", a.reset)
	mux.HandleFunc("GET /faults", a.showFaults)
	mux.HandleFunc("PUT /faults", a.putFaults)
	mux.HandleFunc("GET /timing", a.showTiming)
	mux.HandleFunc("PUT /timing", a.putTiming)
	mux.HandleFunc("POST /advance", a.advance)
	mux.HandleFunc("GET /limits", a.showLimits)
	mux.HandleFunc("PUT /limits", a.putLimits)
	mux.HandleFunc("POST /tokens", a.mintToken)
	mux.HandleFunc("POST /caller-tokens", a.mintCaller)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Ids of objects and entities may hold slashes, even two in a row, which the mux would tidy up.
		path := r.URL.EscapedPath()
		if rest, ok := strings.CutPrefix(path, "/objects/"); ok {
			a.objects(w, r, rest)
			return
		}
		if rest, ok := strings.CutPrefix(path, "/queues/"); ok {
			a.queues(w, r, rest)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (a *api) showRequests(w http.ResponseWriter, r *http.Request) {
	since := 0
	if text := r.URL.Query().Get("since"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			writeProblem(w, http.StatusBadRequest, "The query parameter since is a request's number, not "+
				strconv.Quote(text)+".", nil)
			return
		}
		since = n
	}
	writeJSON(w, http.StatusOK, a.Recorder.Since(since))
}

// reset puts world, timing, limits, faults, request log and messages back to the start. Queues that were made stay.
func (a *api) reset(w http.ResponseWriter, _ *http.Request) {
	a.Faults.Reset()
	a.World.Reset()
	a.Broker.Reset()
	a.Recorder.Reset()
	if a.AfterReset != nil {
		a.AfterReset()
	}
	w.WriteHeader(http.StatusNoContent)
}

func (a *api) showFaults(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, a.Faults.List())
}

func (a *api) putFaults(w http.ResponseWriter, r *http.Request) {
	var list []Fault
	if !readJSON(w, r, &list) {
		return
	}
	if err := a.Faults.Set(list); err != nil {
		writeFailure(w, err)
		return
	}
	writeJSON(w, http.StatusOK, a.Faults.List())
}

func (a *api) showTiming(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, a.World.Timing())
}

func (a *api) putTiming(w http.ResponseWriter, r *http.Request) {
	var t world.Timing
	if !readJSON(w, r, &t) {
		return
	}
	for member, value := range map[string]int{"latencyMs": t.LatencyMS, "replicationMs": t.ReplicationMS,
		"stsMs": t.STSMS, "rbacMs": t.RBACMS} {
		if value < 0 {
			writeFailure(w, &strictjson.Error{Pointer: "/" + member, Member: member, Detail: "must not be negative"})
			return
		}
	}
	a.World.SetTiming(t)
	writeJSON(w, http.StatusOK, a.World.Timing())
}

// leap is the body of POST /advance.
type leap struct {
	By string `json:"by"` // a Go duration, such as 13m
}

func (a *api) advance(w http.ResponseWriter, r *http.Request) {
	var body leap
	if !readJSON(w, r, &body) {
		return
	}
	by, err := time.ParseDuration(body.By)
	if err != nil || by <= 0 {
		writeFailure(w, &strictjson.Error{Pointer: "/by", Member: "by",
			Detail: "must be a duration above zero, such as 90s or 13m"})
		return
	}
	a.World.Advance(by)
	if err := a.Broker.Advance(by); err != nil {
		writeFailure(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (a *api) showLimits(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, a.World.Limits())
}

func (a *api) putLimits(w http.ResponseWriter, r *http.Request) {
	var l world.Limits
	if !readJSON(w, r, &l) {
		return
	}
	a.World.SetLimits(l)
	writeJSON(w, http.StatusOK, a.World.Limits())
}

const maximumBody = 64 << 20

// readJSON decodes the body strictly; on a fault it answers and returns false.
func readJSON(w http.ResponseWriter, r *http.Request, v any) bool {
	data, ok := readBody(w, r)
	if !ok {
		return false
	}
	if err := strictjson.Decode(data, v); err != nil {
		writeFailure(w, err)
		return false
	}
	return true
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maximumBody))
	if err != nil {
		writeProblem(w, http.StatusBadRequest, "The body could not be read, or is larger than 64 MiB.", nil)
		return nil, false
	}
	return data, true
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // the caller went away: nobody to tell
}

// problem is an RFC 9457 body.
type problem struct {
	Title  string    `json:"title"`
	Status int       `json:"status"`
	Detail string    `json:"detail"`
	Errors []finding `json:"errors,omitempty"`
}

type finding struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

func writeProblem(w http.ResponseWriter, status int, detail string, findings []finding) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	// The caller went away: nobody to tell.
	_ = json.NewEncoder(w).Encode(problem{Title: http.StatusText(status), Status: status, Detail: detail,
		Errors: findings})
}

// writeFailure answers with what the error means: a faulty member, an absent or a conflicting object.
func writeFailure(w http.ResponseWriter, err error) {
	var fault *strictjson.Error
	var refused *servicebus.Error
	switch {
	case errors.As(err, &fault):
		var findings []finding
		if fault.Pointer != "" {
			findings = []finding{{Pointer: fault.Pointer, Detail: fault.Detail}}
		}
		writeProblem(w, http.StatusBadRequest, fault.Error(), findings)
	case errors.Is(err, world.ErrUnknownKind):
		writeProblem(w, http.StatusNotFound, "There is no such kind. The kinds are: "+
			strings.Join(append(world.Kinds(), "queues", "topics"), ", ")+".", nil)
	case errors.Is(err, world.ErrNotFound), errors.Is(err, &servicebus.Error{Condition: servicebus.ConditionNotFound}):
		writeProblem(w, http.StatusNotFound, err.Error(), nil)
	case errors.Is(err, world.ErrExists), errors.Is(err, world.ErrUniqueNameTaken),
		errors.Is(err, world.ErrCredentialPairTaken):
		writeProblem(w, http.StatusConflict, err.Error(), nil)
	case errors.As(err, &refused):
		writeProblem(w, http.StatusBadRequest, refused.Error(), nil)
	default:
		writeProblem(w, http.StatusInternalServerError, err.Error(), nil)
	}
}
