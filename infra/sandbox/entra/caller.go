package entra

import (
	"cmp"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
)

// CallerRequest asks for an access token of a caller of the app's API. Empty members are made up: the object id and
// the client id by chance, the tenant is the sandbox's own, the version 2.0.
type CallerRequest struct {
	ObjectID         string   `json:"oid"`
	AppID            string   `json:"appid"`
	Roles            []string `json:"roles"`
	Groups           []string `json:"groups"`
	Audience         string   `json:"audience"`
	TenantID         string   `json:"tenantId"`
	Version          string   `json:"version"`
	ExpiresInSeconds *int     `json:"expiresInSeconds"`
	Algorithm        string   `json:"alg"`
	KeyID            string   `json:"kid"`
}

// ErrVersion is returned by IssueCaller for a version of tokens that Entra does not have.
var ErrVersion = errors.New("entra: tokens have version 1.0 or 2.0")

// IssueCaller signs the access token of a caller. Source of the claims: learn.microsoft.com, Access token claims
// reference.
func (a *Authority) IssueCaller(r CallerRequest) (string, error) {
	tenant, id := cmp.Or(r.TenantID, a.homeTenant().ID), cmp.Or(r.ObjectID, uuid.NewString())
	appID, now, lifetime := cmp.Or(r.AppID, uuid.NewString()), a.world.Now(), tokenLifetime
	if r.ExpiresInSeconds != nil {
		lifetime = time.Duration(*r.ExpiresInSeconds) * time.Second
	}
	claims := map[string]any{
		"aud": r.Audience, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(lifetime).Unix(),
		"oid": id, "sub": id, "tid": tenant, "uti": uuid.NewString(),
	}
	switch cmp.Or(r.Version, "2.0") {
	case "1.0":
		claims["ver"], claims["iss"], claims["appid"] = "1.0", issuerOf(tenant), appID
	case "2.0":
		claims["ver"], claims["azp"] = "2.0", appID
		claims["iss"] = "https://" + Host + "/" + tenant + "/v2.0"
	default:
		return "", ErrVersion
	}
	if len(r.Roles) > 0 {
		claims["roles"] = r.Roles
	}
	if len(r.Groups) > 0 {
		claims["groups"] = r.Groups
	}
	return a.key.Sign(jose.Header{Algorithm: r.Algorithm, KeyID: r.KeyID}, claims)
}
