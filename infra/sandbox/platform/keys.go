package platform

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// KeyLifetime is how long an API key is good.
const KeyLifetime = 365 * 24 * time.Hour

// errKey is returned for a bearer that is no valid API key.
var errKey = errors.New("platform: not a valid API key")

// Keys makes the platform's API keys, which are signed tokens that a client can read `exp` from, and recognises its
// own. They have nothing to do with the Issuer: Entra cannot verify one. Keys is safe for concurrent use.
type Keys struct {
	now    func() time.Time
	secret []byte
}

// NewKeys returns keys signed with a fresh secret, on the given clock.
func NewKeys(now func() time.Time) *Keys {
	return &Keys{now: now, secret: []byte(rand.Text())}
}

// Mint makes a key of the user with that e-mail address; lifetime 0 means KeyLifetime, a negative one gives a key that
// has expired. What it may do follows the user's roles at the time of each request.
func (k *Keys) Mint(email string, lifetime time.Duration) (string, error) {
	now := k.now()
	if lifetime == 0 {
		lifetime = KeyLifetime
	}
	key, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": "https://" + GateHost + "/", "sub": "apikey|" + email, "aud": "api",
		"name": email, "email": email, "email_verified": true, "jti": uuid.NewString(),
		"iat": now.Unix(), "exp": now.Add(lifetime).Unix(),
	}).SignedString(k.secret)
	if err != nil {
		return "", fmt.Errorf("platform: mint API key: %w", err)
	}
	return key, nil
}

// user is the e-mail address in a key; errKey if it is not one of these keys, or has expired.
func (k *Keys) user(key string) (string, error) {
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(key, claims, func(*jwt.Token) (any, error) { return k.secret, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithExpirationRequired(),
		jwt.WithTimeFunc(k.now))
	if err != nil {
		return "", fmt.Errorf("%w: %w", errKey, err)
	}
	email, _ := claims["email"].(string)
	return email, nil
}
