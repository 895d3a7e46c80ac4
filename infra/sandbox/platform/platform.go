package platform

import (
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// Hosts of the platform.
const (
	// Host is where the issuer's documents are published.
	Host = "dataloop.ai"
	// GateHost is where the platform's API answers.
	GateHost = "gate.dataloop.ai"
)

// maxBody bounds a request's body, in bytes.
const maxBody = 64 << 10

// Options are what the platform needs besides the world. Both members are required.
type Options struct {
	// Issuer signs subject tokens and publishes its keys on Host.
	Issuer *Issuer
	// APIKey is the bearer that the API on GateHost accepts.
	APIKey string
}

// New returns the handler for Host and GateHost. The world holds the platform's objects; the subject-token endpoint
// needs none of them.
func New(_ *world.World, opts Options) http.Handler {
	site := newSite(opts.Issuer)
	gate := newGate(opts)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host, _, _ := strings.Cut(r.Host, ":"); strings.EqualFold(host, GateHost) {
			gate.ServeHTTP(w, r)
			return
		}
		site.ServeHTTP(w, r)
	})
}

// newSite serves the issuer's discovery document and key set.
func newSite(issuer *Issuer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /oauth2/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{
			"issuer":                                issuer.URL,
			"jwks_uri":                              issuer.URL + "/jwks",
			"response_types_supported":              []string{"id_token"},
			"subject_types_supported":               []string{"public"},
			"id_token_signing_alg_values_supported": []string{"RS256"},
			"claims_supported":                      []string{"iss", "sub", "aud", "iat", "nbf", "exp", "jti"},
		})
	})
	mux.HandleFunc("GET /oauth2/jwks", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, issuer.KeySet())
	})
	return mux
}

// gate is the platform's API.
type gate struct{ opts Options }

// newGate routes the API. What it does not know it answers like the platform does: with the console's page and 200, so
// a client must look at the content type.
func newGate(opts Options) http.Handler {
	g := gate{opts: opts}
	mux := http.NewServeMux()
	mux.Handle("POST /api/v1/subject-tokens", g.authorised(g.subjectToken))
	mux.HandleFunc("/", page)
	return mux
}

func (g gate) authorised(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare([]byte(key), []byte(g.opts.APIKey)) != 1 {
			writeError(w, http.StatusUnauthorized, "Unauthorized")
			return
		}
		next(w, r)
	})
}

// subjectToken gives the OIDC token of a workload: {"subject", "audience"} → {"token"}.
func (g gate) subjectToken(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Subject  string `json:"subject"`
		Audience string `json:"audience"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil || json.Unmarshal(body, &request) != nil {
		writeError(w, http.StatusBadRequest, "body must be a JSON object")
		return
	}
	if request.Subject == "" || request.Audience == "" {
		writeError(w, http.StatusBadRequest, "subject and audience are required")
		return
	}
	token, err := g.opts.Issuer.Mint(TokenRequest{Subject: request.Subject, Audience: request.Audience})
	if err != nil {
		writeError(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, map[string]string{"token": token})
}

func page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, "<!doctype html><html><head><title>DDOE</title></head><body><div id=\"app\"></div></body></html>\n")
}

// writeError answers in the platform's envelope; it has no place for a code.
func writeError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]any{"status": status, "message": message})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	// A failed write means that the client has gone; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(body)
}
