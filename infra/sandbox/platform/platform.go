package platform

import (
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

// Options are what the platform needs besides the world. Issuer and one of Keys and APIKey are required.
type Options struct {
	// Issuer signs subject tokens and publishes its keys on Host.
	Issuer *Issuer
	// Keys are the bearers that the API on GateHost accepts, each of its user.
	Keys *Keys
	// APIKey is one more bearer that it accepts, of the seeded user.
	APIKey string
	// Transport is how the platform itself gets at Entra and at storage accounts when it tests a driver; without one
	// it reaches neither.
	Transport http.RoundTripper
}

// New returns the handler for Host and GateHost. The world holds the platform's objects; the subject-token endpoint
// needs none of them.
func New(w *world.World, opts Options) http.Handler {
	site := newSite(opts.Issuer)
	gate := newGate(w, opts)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if host, _, _ := strings.Cut(r.Host, ":"); strings.EqualFold(host, GateHost) {
			gate.ServeHTTP(rw, r)
			return
		}
		site.ServeHTTP(rw, r)
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

// subjectToken gives the OIDC token of a workload: {"subject", "audience"} → {"token"}.
func (g *gate) subjectToken(c call) (int, any, error) {
	var request struct {
		Subject  string `json:"subject"`
		Audience string `json:"audience"`
	}
	if err := c.decode(&request); err != nil {
		return 0, nil, err
	}
	if request.Subject == "" || request.Audience == "" {
		return 0, nil, refuse(http.StatusBadRequest, "subject and audience are required")
	}
	token, err := g.opts.Issuer.Mint(TokenRequest{Subject: request.Subject, Audience: request.Audience})
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]string{"token": token}, nil
}
