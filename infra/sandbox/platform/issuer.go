// Package platform pretends to be the DDOE platform: the OIDC issuer that its workloads' tokens come from, and the
// endpoint that gives such a subject token to an authorised caller.
package platform

import (
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
)

const (
	// DefaultAudience is a minted token's audience where the request names none.
	DefaultAudience = "api://AzureADTokenExchange"
	// DefaultLifetime is how long a minted token is good where the request does not say.
	DefaultLifetime = time.Hour
)

// Issuer is the platform's OIDC issuer: a URL and the keys that it signs with. It is safe for concurrent use.
type Issuer struct {
	// URL is the `iss` of its tokens and where its discovery document is found, without a trailing slash.
	URL string

	now       func() time.Time
	throwAway func() (*jose.Key, error) // signs what is to be refused for its key; published nowhere

	mu        sync.Mutex
	published []*jose.Key // newest last; the newest signs
}

// NewIssuer makes an issuer that signs with key until Rotate, on the given clock. Issuers may share a key.
func NewIssuer(url string, now func() time.Time, key *jose.Key) *Issuer {
	return &Issuer{URL: url, now: now, published: []*jose.Key{key},
		throwAway: sync.OnceValues(func() (*jose.Key, error) {
			return jose.NewKey("unpublished")
		})}
}

// Rotate adds a fresh key, which signs from now on, and returns its id. The old keys stay published until Retire.
func (i *Issuer) Rotate() (string, error) {
	key, err := jose.NewKey(uuid.NewString())
	if err != nil {
		return "", err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.published = append(i.published, key)
	return key.ID, nil
}

// Retire takes every published key but the newest away: tokens that they signed cannot be verified any more.
func (i *Issuer) Retire() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.published = i.published[len(i.published)-1:]
}

// KeySet is what the issuer publishes at its jwks_uri.
func (i *Issuer) KeySet() jose.JWKS {
	i.mu.Lock()
	defer i.mu.Unlock()
	return jose.KeySet(i.published...)
}

// TokenRequest is what may be chosen about a minted token. Zero members mean what the platform itself would do; the
// others exist to make tokens that have to be refused.
type TokenRequest struct {
	Subject string `json:"subject"`
	// Audience is the `aud` claim: a string, or a list of strings, which stays a list where it has one item.
	Audience any `json:"audience"`
	// Issuer is the `iss` claim; the keys stay the same.
	Issuer string `json:"issuer"`
	// ExpiresInSeconds is the lifetime from now; negative gives a token that has expired already. Entra forgives five
	// minutes of clock skew: only what is below -300 is refused there.
	ExpiresInSeconds int `json:"expiresInSeconds"`
	// AuthorizedParty is the `azp` claim, which a token has only where it is given.
	AuthorizedParty string `json:"azp"`
	// Claims are added to the others, or stand in their place, whatever their type; null takes a claim away.
	Claims map[string]any `json:"claims"`
	// KeyID names a published key; any other id goes into the header of a token signed with a key that nobody knows.
	KeyID string `json:"kid"`
	// WithoutKeyID leaves the kid out of the header; the newest published key signs.
	WithoutKeyID bool `json:"withoutKid"`
	// Algorithm is RS256 unless it states otherwise: "none", "HS256", "RS512" and the like.
	Algorithm string `json:"alg"`
	// Type is the header's typ, "JWT" unless it states otherwise.
	Type string `json:"typ"`
}

// Mint signs a token. jose.ErrUnsupportedAlgorithm is the only error that a request can cause.
func (i *Issuer) Mint(r TokenRequest) (string, error) {
	now := i.now()
	lifetime := time.Duration(r.ExpiresInSeconds) * time.Second
	if lifetime == 0 {
		lifetime = DefaultLifetime
	}
	issued := now
	if lifetime < 0 {
		issued = now.Add(lifetime - DefaultLifetime)
	}
	key, err := i.signer(r.KeyID)
	if err != nil {
		return "", err
	}
	claims := map[string]any{
		"iss": orDefault(r.Issuer, i.URL),
		"sub": r.Subject,
		"aud": r.Audience,
		"iat": issued.Unix(),
		"nbf": issued.Unix(),
		"exp": now.Add(lifetime).Unix(),
		"jti": uuid.NewString(),
	}
	if r.Audience == nil || r.Audience == "" {
		claims["aud"] = DefaultAudience
	}
	if r.AuthorizedParty != "" {
		claims["azp"] = r.AuthorizedParty
	}
	for name, value := range r.Claims {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	token, err := key.Sign(jose.Header{Algorithm: r.Algorithm, Type: r.Type, KeyID: r.KeyID,
		WithoutKeyID: r.WithoutKeyID}, claims)
	if err != nil {
		return "", fmt.Errorf("platform: mint token: %w", err)
	}
	return token, nil
}

// signer is the published key with that id, the newest for no id, and else the key that is published nowhere.
func (i *Issuer) signer(kid string) (*jose.Key, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if kid == "" {
		return i.published[len(i.published)-1], nil
	}
	for _, key := range i.published {
		if key.ID == kid {
			return key, nil
		}
	}
	return i.throwAway()
}

func orDefault(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
