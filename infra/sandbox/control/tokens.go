package control

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/strictjson"
)

// TokenRequest is the body of POST /tokens.
type TokenRequest = platform.TokenRequest

func (a *api) mintToken(w http.ResponseWriter, r *http.Request) {
	var request TokenRequest
	if !readJSON(w, r, &request) {
		return
	}
	if request.Subject == "" {
		writeFailure(w, &strictjson.Error{Pointer: "/subject", Member: "subject", Detail: "is required"})
		return
	}
	if err := checkAudience(request.Audience); err != nil {
		writeFailure(w, err)
		return
	}
	if request.WithoutKeyID && request.KeyID != "" {
		writeFailure(w, &strictjson.Error{Pointer: "/withoutKid", Member: "withoutKid",
			Detail: "does not go together with kid"})
		return
	}
	token, err := a.Mint(request)
	if errors.Is(err, jose.ErrUnsupportedAlgorithm) {
		writeFailure(w, &strictjson.Error{Pointer: "/alg", Member: "alg",
			Detail: "is not an algorithm that the sandbox signs with"})
		return
	}
	if err != nil {
		writeFailure(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"token": token})
}

func (a *api) mintCaller(w http.ResponseWriter, r *http.Request) {
	var request entra.CallerRequest
	if !readJSON(w, r, &request) {
		return
	}
	fault := func(member, detail string) {
		writeFailure(w, &strictjson.Error{Pointer: "/" + member, Member: member, Detail: detail})
	}
	if request.Audience == "" {
		fault("audience", "is required: the app's setting AUTH_AUDIENCE")
		return
	}
	token, err := a.MintCaller(request)
	switch {
	case errors.Is(err, entra.ErrVersion):
		fault("version", "must be 1.0 or 2.0")
	case errors.Is(err, jose.ErrUnsupportedAlgorithm):
		fault("alg", "is not an algorithm that the sandbox signs with")
	case err != nil:
		writeFailure(w, err)
	default:
		writeJSON(w, http.StatusOK, map[string]string{"token": token})
	}
}

// checkAudience holds the one member of a token request that may have two types against both of them.
func checkAudience(audience any) error {
	fault := func(pointer, detail string) error {
		return &strictjson.Error{Pointer: pointer, Member: "audience", Detail: detail}
	}
	switch audience := audience.(type) {
	case nil, string:
		return nil
	case []any:
		for i, one := range audience {
			if _, ok := one.(string); !ok {
				return fault("/audience/"+strconv.Itoa(i), "a string is expected")
			}
		}
		return nil
	default:
		return fault("/audience", "a string or a list of strings is expected")
	}
}
